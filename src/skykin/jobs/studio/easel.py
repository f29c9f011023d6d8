"""An easel holds the files of a picture in the making."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from skykin.core.errors import ResourceError, UsageError, shown
from skykin.core.scratch import Scratch
from skykin.generate.painting import Callback, Painting, Step
from skykin.generate.state import PaintState


@dataclass(frozen=True)
class Easel:
    """Where a picture is written while it is made.

    Parameters
    ----------
    path : Path
        The picture, ``.png``; other files are named after it.
    overwrite : bool
        Whether files that exist may be replaced.
    snapshots : int
        A picture and the state are written every so many steps; 0: only at the end.
    resume : bool
        Go on from the state that an earlier run left.

    Raises
    ------
    UsageError
        If the name does not end in ``.png`` or `snapshots` is negative.
    """

    path: Path
    overwrite: bool = False
    snapshots: int = 0
    resume: bool = False

    def __post_init__(self) -> None:
        if self.path.suffix.lower() != ".png":
            raise UsageError(
                f"the output is called {shown(self.path.name)}, but it must end in .png; with a tile of "
                "the sky a FITS "
                "file of the same name is written beside it"
            )
        if self.snapshots < 0:
            raise UsageError(
                f"snapshots is {self.snapshots}, but it must be 0 or more steps; the default is 0"
            )

    def named(self, ending: str) -> Path:
        """Name a file beside the picture, such as ``out.fits`` for ``.fits``."""
        return self.path.with_name(self.path.stem + ending)

    @property
    def state_path(self) -> Path:
        """The state to resume from."""
        return self.named(".state.npz")

    def check(self, *endings: str) -> None:
        """Make sure, before any work is done, that the picture and files with these endings can be written.

        Raises
        ------
        UsageError
            If one exists and may not be replaced, or there is no unfinished work to resume.
        ResourceError
            If the folder is missing or cannot be written.
        """
        if self.resume and not self.state_path.is_file():
            raise UsageError(
                f"there is no unfinished work in {shown(self.state_path.name)}; leave out --resume to "
                "begin anew"
            )
        for path in (self.path, self.state_path, *map(self.named, endings), *self._old_snapshots()):
            if path.is_dir():
                raise UsageError(f"{shown(path)} is a folder; name a file for the picture", code="USAGE-OUT")
            if path.exists() and not (self.overwrite or self.resume):
                way = " --resume to go on with it," if path == self.state_path else ""
                raise UsageError(
                    f"{shown(path.name)} exists already; add{way} --overwrite to replace it, or name "
                    "another file",
                    code="USAGE-OUT",
                )
        check_writable(self.path)

    def _old_snapshots(self) -> list[Path]:
        folder = self.path.parent
        if not self.snapshots or not folder.is_dir():
            return []
        own = re.compile(re.escape(self.path.stem) + r"-step\d{5}\.png")
        return [each for each in sorted(folder.iterdir()) if own.fullmatch(each.name)]

    def work(
        self,
        paint: Callable[[Callback, PaintState | None], Painting],
        snapshot: Callable[[Step, Path], None],
        callback: Callback | None,
    ) -> Painting:
        """Let a picture be painted; keep snapshots, and the state at the end and when interrupted.

        Parameters
        ----------
        paint : callable
            Takes a callback and the state to go on from.
        snapshot : callable
            Writes the picture of a step into a file.
        callback : callable, optional
            Told of each step.
        """
        begun = PaintState.load(self.state_path) if self.resume else None
        last: Step | None = None

        def each(step: Step) -> None:
            nonlocal last
            last = step
            if self.snapshots and step.number % self.snapshots == 0 and step.number < step.total:
                snapshot(step, self.named(f"-step{step.number:05d}.png"))
                step.state.save(self.state_path)
            if callback is not None:
                callback(step)

        try:
            painting = paint(each, begun)
        except KeyboardInterrupt:
            if last is not None:
                last.state.save(self.state_path)
            raise
        painting.state.save(self.state_path)
        return painting


def check_extra() -> None:
    """Make sure, before anything is done, that PyTorch is there.

    Raises
    ------
    ResourceError
        If the extra ``generate`` is not installed.
    """
    import_module("skykin.generate.extra")


def easel_for(output: str | Path | None, *, overwrite: bool, snapshots: int, resume: bool) -> Easel | None:
    """Set up the easel of a picture; None where nothing is to be written.

    Raises
    ------
    UsageError
        If snapshots or an earlier run are requested without a file.
    """
    if output is None:
        if snapshots or resume:
            raise UsageError("snapshots and resume need a file to be named after; give output")
        return None
    return Easel(Path(output), overwrite, snapshots, resume)


def check_writable(path: Path) -> None:
    """Make sure that a file can be made beside `path`.

    Raises
    ------
    ResourceError
        If its folder is missing or cannot be written.
    """
    try:
        # Permission bits do not tell of read-only disks: try it.
        Scratch(path.parent).remove()
    except OSError as error:
        raise ResourceError(
            f"cannot write {shown(path)}: {error.strerror}; nothing was computed, name a file in a folder "
            "that exists "
            "and can be written",
            code="RS-READONLY" if isinstance(error, PermissionError) else "RS-DISK",
        ) from error

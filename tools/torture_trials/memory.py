"""Jobs in processes of their own that get less memory than they need."""

from __future__ import annotations

import math
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits
from tests.skies import intensity

from skykin.products.folder import check_output_folder, is_unchanged
from torture_trials.writers import index_state

PIXELS = ["--pixels", "32", "--recipe", "mean-std", "--tile-size", "8", "--spacing", "4", "--jobs", "1", "-q"]
WEST, EAST = "200,209,-29,-9", "209,218,-29,-9"
SENTENCE = re.compile(r"RS-MEM: .+")
NO_MEMORY = 6
#: A command with too little memory that takes longer is killed: OpenBLAS may ask for memory without end.
LONGEST_S = 100.0


@dataclass(frozen=True)
class Task:
    """A command that writes a folder.

    Parameters
    ----------
    name : str
    command : sequence of str
        What follows ``skykin``.
    before : sequence of str
        The same for what makes the folder as it is before; nothing if there is none.
    state : callable
        What readers see of the folder.
    """

    name: str
    command: Sequence[str]
    before: Sequence[str]
    state: Callable[[Path], str]


def tasks() -> list[Task]:
    """Give an index, an append and a map that takes the place of another."""
    index = ["index", "sky.fits", "-o", "out", *PIXELS]
    made = ["map", "--survey", "sky.fits", "-o", "out", *PIXELS, "-r"]
    west = [*index, "--area", WEST]
    return [
        Task("index", west, [], index_state),
        Task("append", [*index, "--area", EAST, "--append"], west, index_state),
        Task("map", [*made, "210,-18", "--overwrite"], [*made, "208,-20"], products_state),
    ]


def products_state(folder: Path) -> str:
    """Tell which reference a map is of, if every file of it is whole."""
    if not folder.exists():
        return "none"
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    changed = [name for name in names if not is_unchanged(folder, name)]
    if changed:
        raise AssertionError(f"not as they were written: {changed}")
    place = re.search(r"query.references = (.*)", (folder / "matches.reg").read_text())
    return f"{len(names)} files of {place and place[1]}"


class Place:
    """A folder with a made-up image, in which a command works in a process of its own."""

    def __init__(self, folder: Path, task: Task) -> None:
        self.task, self.folder, self.out = task, folder / task.name, folder / task.name / "out"
        self.folder.mkdir()
        self._write_sky()
        if task.before:
            self._must_end(task.before)
        self.kept = folder / f"{task.name}-before"
        if self.out.exists():
            shutil.copytree(self.out, self.kept)
        self.before = task.state(self.out) if self.out.exists() else "none"
        self.need_bytes = self._must_end(task.command)
        self.after = task.state(self.out)

    def again(self) -> None:
        """Make the folder as it was before the command."""
        shutil.rmtree(self.out, ignore_errors=True)
        if self.kept.exists():
            shutil.copytree(self.kept, self.out)

    def run(self, arguments: Sequence[str], most_bytes: int | None = None) -> tuple[int, str, int]:
        """Run a command; its exit status, what it said, and the most addresses that it had."""

        def limit() -> None:
            if most_bytes is not None:
                resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes))

        said = self.folder.parent / "said.txt"
        environment = {**os.environ, "TMPDIR": str(self.folder.parent), "COLUMNS": "1000"}
        with said.open("w") as stream:
            process = subprocess.Popen(
                [sys.executable, "-m", "skykin", *arguments],
                cwd=self.folder,
                env=environment,
                stdout=stream,
                stderr=stream,
                preexec_fn=limit,  # noqa: PLW1509 - this program has one thread
            )
            peak, end = 0, time.monotonic() + (LONGEST_S if most_bytes else math.inf)
            while process.poll() is None:
                if time.monotonic() > end:
                    process.kill()
                found = re.search(r"VmPeak:\s+(\d+)", _status_of(process.pid))
                peak = max(peak, int(found[1]) << 10 if found else 0)
                time.sleep(0.01)
        return process.returncode, said.read_text(), peak

    def wrong(self, *, finished: bool) -> str | None:
        """Tell what is wrong after the command, and after the next start."""
        seen = self.task.state(self.out) if self.out.exists() else "none"
        if seen not in ({self.after} if finished else {self.before, "none", self.after}):
            return f"readers see {seen}, neither {self.before} nor {self.after}"
        check_output_folder(self.folder / "other")  # sweeps
        left = sorted({path.name for path in self.folder.iterdir()} - {"out", "sky.fits"})
        return f"left beside it: {left}" if left else None

    def _must_end(self, arguments: Sequence[str]) -> int:
        status, said, peak = self.run(arguments)
        if status:
            raise AssertionError(f"skykin {' '.join(arguments)} ended with {status}: {said}")
        return peak

    def _write_sky(self) -> None:
        rows, columns = np.mgrid[:80, :72] * 0.25
        values = intensity(218 - columns, rows - 29)[..., 1].astype(np.float32)
        cards = {
            "CTYPE1": "GLON-CAR", "CTYPE2": "GLAT-CAR", "CRVAL1": 209.0, "CRVAL2": 0.0, "CRPIX1": 37.0,
            "CRPIX2": 117.0, "CDELT1": -0.25, "CDELT2": 0.25, "BMAJ": 0.5,
        }  # fmt: skip
        fits.PrimaryHDU(values, fits.Header(cards)).writeto(self.folder / "sky.fits")


def little_memory(place: Place, shares: Sequence[float]) -> Iterator[tuple[str | None, str]]:
    """Give the command a share of the addresses that it needs: what is wrong, and how it ended.

    It is ``done``, ``refused`` in one sentence, or ``killed`` by a signal, by us if it does not end; the same
    command with enough then ends well.
    """
    for share in shares:
        place.again()
        status, said, _ = place.run(place.task.command, int(share * place.need_bytes))
        ended = "done" if status == 0 else "refused" if status > 0 else "killed"
        if ended == "refused" and (status != NO_MEMORY or not SENTENCE.fullmatch(said.strip())):
            yield f"{share:.0%} of {place.need_bytes >> 20} MiB: it ended with {status}: {said}", ended
            continue
        found = place.wrong(finished=ended == "done")
        yield found and f"{share:.0%}: {found}", ended
    status, said, _ = place.run(place.task.command)
    if status or place.task.state(place.out) != place.after:
        yield f"with enough memory again it ended with {status}: {said}", "refused"


def _status_of(number: int) -> str:
    try:
        return Path(f"/proc/{number}/status").read_text()
    except OSError:  # it has ended meanwhile
        return ""

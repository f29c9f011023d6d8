"""Where a notice of a new target goes: to a file, to a command, to whatever Python calls."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from skykin.core.atomic import sync
from skykin.core.errors import ResourceError, UsageError, shown

Notice = Mapping[str, Any]
#: With which every line of notices begins.
BEGINNING = b'{"identifier": "'
#: A command that takes longer is ended; what it was told is told again.
COMMAND_S = 60.0


def line_of(notice: Notice) -> str:
    """Write a notice as one line of JSON, without its end."""
    return json.dumps(notice, ensure_ascii=False)


@dataclass(frozen=True)
class NoticeFile:
    """A file of notices, one JSON line each, to which each is appended once.

    Parameters
    ----------
    path : Path

    Raises
    ------
    UsageError
        If there is something else, which is never changed, or its folder is not there.
    """

    path: Path
    _known: set[str] = field(init=False, repr=False, default_factory=set)

    def __post_init__(self) -> None:
        if not self.path.parent.is_dir():
            raise UsageError(f"there is no folder {shown(self.path.parent)}; make it, or name another file")
        if self.path.exists():
            self._read()

    def add(self, notice: Notice) -> None:
        """Append a notice, unless the file has one of its identifier."""
        if self.path.exists():
            self._read()
        if notice["identifier"] in self._known:
            return
        try:
            is_new = not self.path.exists()
            with self.path.open("ab") as stream:
                stream.write(f"{line_of(notice)}\n".encode())
                stream.flush()
                os.fsync(stream.fileno())
            if is_new:
                sync(self.path.parent)
        except OSError as error:
            raise ResourceError(
                f"cannot write {shown(self.path)}: {error.strerror or error}; what was found is kept and "
                "announced at the next round"
            ) from error
        self._known.add(notice["identifier"])

    def _read(self) -> None:
        """Learn which notices are there; cut off half a line, which a killed process left."""
        if not self.path.is_file():
            raise UsageError(f"{shown(self.path)} is no regular file; name another")
        with self.path.open("r+b") as stream:
            end = 0
            for line in stream:
                if not (line.startswith(BEGINNING) or BEGINNING.startswith(line)):
                    raise UsageError(
                        f"{shown(self.path)} holds a line that is no notice of Skykin "
                        f"({shown(line[:40].decode('utf-8', 'replace'))}), so nothing is added; name "
                        "another file"
                    )
                if not line.endswith(b"\n"):
                    _cut(stream, end)
                    break
                end += len(line)
                self._known.add(line[len(BEGINNING) :].partition(b'"')[0].decode("utf-8", "replace"))


def _cut(stream: BinaryIO, end: int) -> None:
    stream.truncate(end)
    stream.flush()
    os.fsync(stream.fileno())


@dataclass(frozen=True)
class Command:
    """A program that is run for each notice, with the notice as one JSON line on its standard input.

    Parameters
    ----------
    arguments : sequence of str
        The program and its arguments; no shell reads them.

    Raises
    ------
    UsageError
        If there is no such program.
    """

    arguments: Sequence[str]

    def __post_init__(self) -> None:
        if not self.arguments or shutil.which(self.arguments[0]) is None:
            program = self.arguments[0] if self.arguments else ""
            raise UsageError(
                f"there is no program {shown(program)} to call; give its path, then its arguments"
            )

    def tell(self, notice: Notice) -> None:
        """Run it.

        Raises
        ------
        ResourceError
            If it cannot be run, takes too long, or ends with another status than 0.
        """
        told = f"the command {shown(self.arguments[0])}"
        try:
            # Its output goes to standard error: ours is for notices.
            done = subprocess.run(
                [*self.arguments],
                input=f"{line_of(notice)}\n".encode(),
                stdout=2,
                timeout=COMMAND_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ResourceError(f"{told} took more than {COMMAND_S:g} s and was ended") from error
        except OSError as error:
            raise ResourceError(f"{told} cannot be run: {error.strerror or error}") from error
        if done.returncode:
            raise ResourceError(f"{told} ended with status {done.returncode}")


@dataclass(frozen=True)
class Sinks:
    """All places to which a notice goes, in this order: command, file, call.

    Parameters
    ----------
    command : Command or None
    file : NoticeFile or None
    call : callable or None
    """

    command: Command | None = None
    file: NoticeFile | None = None
    call: Callable[[Notice], object] | None = None

    def announce(self, notice: Notice) -> None:
        """Announce a notice everywhere; what fails first keeps it from the others."""
        if self.command is not None:
            self.command.tell(notice)
        if self.file is not None:
            self.file.add(notice)
        if self.call is not None:
            self.call(notice)

"""What a person decided on targets: kept in one file beside the index, a line for each decision.

Lines are only ever added, under a lock, and each is on the disk before it is acknowledged; the last one of a
target counts.  A line that a killed process left unfinished is no decision.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from skykin.core.atomic import sync
from skykin.core.clean import one_line
from skykin.core.errors import ResourceError, shown
from skykin.core.scratch import wait_for_lock
from skykin.viewing.questions import Verdict

#: Far more than a person decides in a lifetime.
LARGEST_FILE = 64 << 20


@dataclass(frozen=True)
class Judged:
    """A target that was decided on.

    Parameters
    ----------
    question : str
        Id of the question, whatever its criterion.
    name, tile : str
        Designation of the target, and the tile that it is.
    ra, dec : float
        ICRS, degrees.
    """

    question: str
    name: str
    tile: str
    ra: float
    dec: float


@dataclass(frozen=True)
class Decisions:
    """The decisions beside one index.

    Parameters
    ----------
    path : Path
        Of the file, which need not be there.
    """

    path: Path

    @classmethod
    def beside(cls, index: Path) -> Decisions:
        """Give those of an index."""
        return cls(index.with_name(f"{index.name}.decisions.jsonl"))

    def of(self, question: str) -> dict[str, Verdict]:
        """Read what was decided on the targets of a question, by the tile that each is."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._refusal("read", error) from error
        found = {}
        for line in content.split(b"\n"):
            row = _row(line)
            if row is not None and row["question"] == question:
                found[row["tile"]] = Verdict(decision=row["decision"], note=row["note"])
        return found

    def decide(self, target: Judged, verdict: Verdict) -> Verdict:
        """Write a decision; when this returns it is on the disk.

        Raises
        ------
        ResourceError
            If it cannot be written; the earlier decisions are then as they were.
        """
        kept = Verdict(decision=verdict.decision, note=one_line(verdict.note))
        row = {**target.__dict__, **kept.to_dict()}
        line = json.dumps(row, ensure_ascii=True, sort_keys=True).encode("ascii") + b"\n"
        try:
            with self._opened() as file:
                self._append(file, line)
        except OSError as error:
            raise self._refusal("written", error) from error
        return kept

    def _append(self, file: BinaryIO, line: bytes) -> None:
        end = file.seek(0, os.SEEK_END)
        if end > LARGEST_FILE:
            raise OSError(0, f"it has grown to {end >> 20} MiB")
        if end:
            file.seek(end - 1)
            if file.read(1) != b"\n":
                line = b"\n" + line  # A process was killed as it wrote: what it left is a line of its own.
        try:
            file.seek(end)
            written = 0
            while written < len(line):
                written += file.write(line[written:])
            os.fsync(file.fileno())
        except OSError:
            file.truncate(end)
            raise

    @contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        is_new = not self.path.exists()
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644)
        with open(handle, "r+b", buffering=0) as file:  # noqa: PTH123 - a descriptor
            wait_for_lock(file.fileno())
            if is_new:
                sync(self.path.parent)
            yield file

    def _refusal(self, done: str, error: OSError) -> ResourceError:
        return ResourceError(
            f"the decisions in {shown(self.path.name)} cannot be {done}: {error.strerror or error}; free "
            "some space, or give the folder permissions, and decide again"
        )


def _row(line: bytes) -> dict[str, Any] | None:
    """Read a line; None for what is no decision of ours."""
    try:
        row = json.loads(line)
        if all(isinstance(row[name], str) for name in ("question", "tile", "note")):
            Verdict(decision=row["decision"], note=row["note"])
            return dict(row)
    except (ValueError, LookupError, TypeError, RecursionError):
        pass
    return None

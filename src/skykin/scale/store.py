"""A store keeps finished parts of a long job, so that an interrupted one goes on where it was."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from skykin.core.atomic import read_sealed, write_sealed
from skykin.core.errors import ResourceError
from skykin.core.scratch import sweep
from skykin.core.shapes import Numbers


@dataclass(frozen=True)
class WorkStore:
    """Arrays by name in a folder of their own.

    A part is a NumPy array file behind its SHA-256, written whole; one that is cut short or altered counts
    as not there.

    Parameters
    ----------
    folder : Path
        Made when the first part is kept.
    """

    folder: Path

    @classmethod
    def of(cls, cache: Path, job: Mapping[str, object]) -> WorkStore:
        """Open the store of a job: its folder is named after the hash of all that decides the result."""
        text = json.dumps(job, sort_keys=True, default=str)
        return cls(cache / "work" / hashlib.sha256(text.encode()).hexdigest()[:32])

    def get(self, name: str) -> Numbers | None:
        """Return the part of that name, or None."""
        body = read_sealed(self._path(name))
        if body is None:
            return None
        try:
            return np.asarray(np.load(io.BytesIO(body), allow_pickle=False))
        except (ValueError, EOFError):
            return None

    def has(self, name: str) -> bool:
        """Tell whether there is a part of that name, whole or not."""
        return self._path(name).is_file()

    def put(self, name: str, part: Numbers) -> bool:
        """Keep a part, whole or not at all, and tell which; without room for it the job goes on."""
        stream = io.BytesIO()
        np.save(stream, part, allow_pickle=False)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_sealed(self._path(name), stream.getvalue())
        except (OSError, ResourceError):
            return False
        return True

    def clear(self) -> None:
        """Forget all parts: the job is done."""
        sweep(self.folder)
        with contextlib.suppress(OSError):  # as where another process does the same
            for path in self.folder.glob("*.part"):
                path.unlink()
            self.folder.rmdir()

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.part"

"""The state of unfinished work: all that is needed to go on as if nothing had happened."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from skykin.core.atomic import whole_file
from skykin.core.errors import (
    CorruptFileError,
    InputRefusedError,
    NotThisFormatError,
    TooLargeError,
    UsageError,
    shown,
)
from skykin.core.shapes import RGB, Numbers

FORMAT = 1
LARGEST_BYTES = 1 << 30


@dataclass(frozen=True, eq=False, repr=False)
class PaintState:
    """A picture in the making.

    Parameters
    ----------
    key : str
        Hash of the pictures and settings that the work began with; the number of steps does not count.
    step : int
        Steps done.
    rgb : float32 array (rows, columns, 3)
    history : float64 array (step + 1, 3)
        Style, content and variation loss of the first picture and after each step.
    memory : dict of str to array
        What the optimiser remembers.
    """

    key: str
    step: int
    rgb: RGB
    history: Numbers
    memory: Mapping[str, Numbers] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<PaintState after {self.step} steps>"

    def save(self, path: Path) -> None:
        """Write the state as a whole file (NumPy's npz).

        Raises
        ------
        ResourceError
            If it cannot be written.
        """
        arrays = {
            "format": np.array(FORMAT),
            "key": np.array(self.key),
            "step": np.array(self.step),
            "rgb": self.rgb,
            "history": self.history,
            **{f"memory_{name}": value for name, value in self.memory.items()},
        }
        with whole_file(path) as temporary:
            np.savez(temporary, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> PaintState:
        """Read a state.

        Raises
        ------
        UsageError
            If there is none.
        NotThisFormatError, CorruptFileError, TooLargeError
            If the file is not a state, is damaged, or is larger than any state.
        """
        if not path.is_file():
            raise UsageError(
                f"there is no unfinished work in {shown(path.name)}; leave out --resume to begin anew"
            )
        try:
            with zipfile.ZipFile(path) as archive:
                size = sum(member.file_size for member in archive.infolist())
            if size > LARGEST_BYTES:
                raise TooLargeError(
                    f"the state {shown(path.name)} unpacks to {size} bytes, more than {LARGEST_BYTES}; "
                    "begin anew"
                )
            with np.load(path, allow_pickle=False) as arrays:
                return cls._from(arrays)
        except zipfile.BadZipFile as error:
            raise NotThisFormatError(
                f"{shown(path.name)} is not a state of unfinished work ({shown(error)}); begin anew",
                code="IN-STATE",
            ) from error
        except (KeyError, ValueError, TypeError, EOFError, OSError) as error:
            if isinstance(error, InputRefusedError):
                raise
            raise CorruptFileError(
                f"the state {shown(path.name)} is damaged ({shown(error)}); begin anew", code="IN-STATE"
            ) from error

    @classmethod
    def _from(cls, arrays: Mapping[str, Numbers]) -> PaintState:
        version, step = int(arrays["format"]), int(arrays["step"])
        if version != FORMAT:
            raise ValueError(f"format {version}, expected {FORMAT}")
        rgb, history = arrays["rgb"], arrays["history"]
        if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.float32 or not _within(rgb, 0, 1):
            raise ValueError("its picture is none")
        if history.shape != (step + 1, 3) or not _within(history, 0, np.inf):
            raise ValueError(f"{len(history)} losses do not fit step {step}")
        memory = {name.removeprefix("memory_"): arrays[name] for name in arrays if name.startswith("memory_")}
        if any(value.shape != rgb.shape or not np.isfinite(value).all() for value in memory.values()):
            raise ValueError("the optimiser's memory does not fit the picture")
        return cls(str(arrays["key"]), step, rgb, history, memory)


def work_key(settings: Mapping[str, object], pictures: Mapping[str, Numbers | None]) -> str:
    """Hash what a piece of work begins with; the number of steps does not count."""
    lasting = {name: value for name, value in settings.items() if name != "steps"}
    digest = hashlib.sha256(json.dumps(lasting, sort_keys=True).encode())
    for name, array in pictures.items():
        shape = None if array is None else array.shape
        digest.update(f"{name} {shape}".encode())
        if array is not None:
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _within(values: Numbers, lowest: float, highest: float) -> bool:
    return bool(((values >= lowest) & (values <= highest)).all())  # False where one is NaN

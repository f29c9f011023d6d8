"""The numbers of a cube, read window by window."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from skykin.core.errors import CorruptFileError, shown
from skykin.core.shapes import Numbers
from skykin.survey.fits.pixels import Scaling, stamp_of


class Cube(Protocol):
    """Values by channel, row and column."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, rows and columns."""

    def part(self, channels: slice, rows: slice, columns: slice) -> Numbers:
        """Float32 values (channels, rows, columns); NaN where blank."""


@dataclass(frozen=True, eq=False)
class StoredCube:
    """A cube in an uncompressed FITS file, whatever the order of its axes.

    Parameters
    ----------
    path : Path
    offset : int
        First byte of the data.
    dtype : str
        How numbers are stored.
    shape : (channels, rows, columns)
    strides : (int, int, int)
        Numbers from one channel, row or column to the next in the file.
    scaling : Scaling
    stamp : (int, int)
        Size and time of change of the file when its header was read.
    """

    path: Path
    offset: int
    dtype: str
    shape: tuple[int, int, int]
    strides: tuple[int, int, int]
    scaling: Scaling
    stamp: tuple[int, int]

    def part(self, channels: slice, rows: slice, columns: slice) -> Numbers:
        """Read a part, one run of bytes for each step along the axis that is slowest in the file.

        Raises
        ------
        CorruptFileError
            If the file has changed since it was opened.
        """
        wanted = (channels, rows, columns)
        starts, counts = [part.start for part in wanted], [part.stop - part.start for part in wanted]
        slow = int(np.argmax(self.strides))
        inner = [axis for axis in range(3) if axis != slow]
        span = 1 + sum((counts[axis] - 1) * self.strides[axis] for axis in inner)
        stored = np.empty(counts, self.dtype)
        lead = np.moveaxis(stored, slow, 0)
        item = np.dtype(self.dtype).itemsize
        run = np.empty(span, self.dtype)
        steps = tuple(self.strides[axis] * item for axis in inner)
        view = np.lib.stride_tricks.as_strided(run, [counts[axis] for axis in inner], steps)
        first = sum(start * stride for start, stride in zip(starts, self.strides, strict=True))
        try:
            with self.path.open("rb", buffering=0) as stream:
                if stamp_of(os.fstat(stream.fileno())) != self.stamp:
                    raise self._changed()
                for i in range(counts[slow]):
                    stream.seek(self.offset + (first + i * self.strides[slow]) * item)
                    if stream.readinto(run.view(np.uint8).data) != span * item:
                        raise self._changed()
                    lead[i] = view
        except FileNotFoundError as error:
            raise self._changed() from error
        return self.scaling.apply(stored)

    def _changed(self) -> CorruptFileError:
        return CorruptFileError(
            f"{shown(self.path.name)} changed while it was read; run again when it is complete"
        )


@dataclass(frozen=True, eq=False)
class ArrayCube:
    """A cube in memory, or mapped from a file of our own: ``(channels, rows, columns)``."""

    array: Numbers
    scaling: Scaling

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, rows and columns."""
        channels, rows, columns = self.array.shape
        return channels, rows, columns

    def part(self, channels: slice, rows: slice, columns: slice) -> Numbers:
        """Copy a part."""
        return self.scaling.apply(np.asarray(self.array[channels, rows, columns]))

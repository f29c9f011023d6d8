"""Pixels of a FITS image or cube, read where they are needed and not before."""

from __future__ import annotations

import math
import os
import weakref
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np

from skykin.core.errors import CorruptFileError, HeaderInvalidError, shown
from skykin.core.shapes import Numbers
from skykin.survey.fits.check import Hdu

#: Square blocks of an image are kept, so that neighbouring tiles do not read them again.
BLOCK_PIXELS = 256
#: Blocks of 256 kB: 256 MB.
BLOCKS_KEPT = 1024
#: A gap that is read and thrown away sooner than jumped over.
PASSED_OVER_BYTES = 1 << 12
#: Sums of four such values still fit into float32.
LARGEST_VALUE = 1e37
DTYPES = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}


class Pixels(Protocol):
    """A two-dimensional image that gives its values by row and column."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""

    def window(self, row: int, column: int, rows: int, columns: int) -> Numbers:
        """Float32 values of a rectangle that lies inside; NaN where blank."""


@dataclass(frozen=True)
class Scaling:
    """How stored numbers become physical values.

    Parameters
    ----------
    scale, zero : float
        ``BSCALE`` and ``BZERO``.
    blanks : tuple of float
        Stored number (``BLANK``) that stands for nothing, if any.
    sentinel : float, optional
        Physical value that the user declared as blank.
    lowest, highest : float
        Physical values beyond these stand for nothing; see `plausible_range`.
    """

    scale: float = 1.0
    zero: float = 0.0
    blank: int | None = None
    sentinel: float | None = None
    lowest: float = -math.inf
    highest: float = math.inf

    @classmethod
    def of(cls, hdu: Hdu, sentinel: float | None) -> Scaling:
        """Read the keywords of an image.

        Raises
        ------
        HeaderInvalidError
            ``IN-KEY`` if one is no finite number, ``IN-SCALE`` if BSCALE is 0.
        """
        numbers = {name: _number(hdu, name) for name in ("BSCALE", "BZERO")}
        scale = numbers["BSCALE"] if numbers["BSCALE"] is not None else 1.0
        if scale == 0:
            raise HeaderInvalidError(
                f"BSCALE of {hdu} is 0, so all its pixels have one value; correct the header", code="IN-SCALE"
            )
        is_integer = hdu.integer("BITPIX", -64, 64) > 0
        blank = (
            hdu.integer("BLANK", -(1 << 63), (1 << 63) - 1) if is_integer and "BLANK" in hdu.cards else None
        )
        return cls(scale, numbers["BZERO"] or 0.0, blank, sentinel)

    def apply(self, stored: Numbers) -> Numbers:
        """Turn stored numbers into float32 values, NaN where they stand for nothing."""
        with np.errstate(invalid="ignore"):  # as a NaN that signals
            values = stored.astype(np.float64)
        if self.scale != 1.0 or self.zero != 0.0:
            values = values * self.scale + self.zero
        nothing = ~np.isfinite(values) | (values < self.lowest) | (values > self.highest)
        if self.blank is not None:
            nothing |= stored == self.blank
        if self.sentinel is not None:
            nothing |= np.isclose(values, self.sentinel, rtol=1e-6, atol=0)
        values = np.clip(values, -LARGEST_VALUE, LARGEST_VALUE)
        return np.where(nothing, np.nan, values).astype(np.float32)


def _number(hdu: Hdu, keyword: str) -> float | None:
    text = hdu.cards.get(keyword)
    if text is None:
        return None
    try:
        value = float(text.replace("D", "E"))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise HeaderInvalidError(
            f"{keyword} of {hdu} is {shown(text)}, but it must be a finite number; correct the header"
        )
    return value


class Cube(Protocol):
    """Values by channel, row and column; an image is a cube of one channel."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, rows and columns."""

    def part(self, channels: slice, rows: slice, columns: slice) -> Numbers:
        """Float32 values (channels, rows, columns); NaN where blank."""


@dataclass(frozen=True, eq=False)
class StoredCube:
    """An image or cube in an uncompressed FITS file, whatever the order of its axes.

    Read with plain reads and not mapped: a mapped file that another program cuts short ends this process, and
    astropy's ``section`` takes three to five times as long for the same window.

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
        """Read a part, run by run of bytes.

        Raises
        ------
        CorruptFileError
            If the file has changed since it was opened.
        """
        wanted = (channels, rows, columns)
        counts = [part.stop - part.start for part in wanted]
        slowest_first = sorted(range(3), key=lambda axis: (self.strides[axis], counts[axis]), reverse=True)
        stored = np.empty(counts, self.dtype)
        lines = stored.transpose(slowest_first)
        slow, middle, fast = (self.strides[axis] for axis in slowest_first)
        item, length = stored.itemsize, lines.shape[2]
        # A run holds the rows of a plane with what lies between them, where that is quicker than to jump.
        joined = (middle - fast * length) * item <= PASSED_OVER_BYTES
        count, rows_of_one = (1, lines.shape[1]) if joined else (lines.shape[1], 1)
        runs = np.empty((count, (rows_of_one - 1) * middle + (length - 1) * fast + 1), self.dtype)
        into = [run.data for run in runs.view(np.uint8)]
        step = middle if joined else runs.shape[1]
        plane = np.lib.stride_tricks.as_strided(runs, lines.shape[1:], (step * item, fast * item))
        first = sum(part.start * stride for part, stride in zip(wanted, self.strides, strict=True))
        try:
            with self.path.open("rb", buffering=0) as stream:
                if stamp_of(os.fstat(stream.fileno())) != self.stamp:
                    raise self._changed()
                for i in range(lines.shape[0]):
                    for j in range(count):
                        stream.seek(self.offset + (first + i * slow + j * middle) * item)
                        if stream.readinto(into[j]) != len(into[j]):
                            raise self._changed()
                    lines[i] = plane
        except FileNotFoundError as error:
            raise self._changed() from error
        return self.scaling.apply(stored)

    def _changed(self) -> CorruptFileError:
        return CorruptFileError(
            f"{shown(self.path.name)} changed while it was read; run again when it is complete"
        )


def stamp_of(status: os.stat_result) -> tuple[int, int]:
    """Size and time of change: a file that has others is another file."""
    return status.st_size, status.st_mtime_ns


@dataclass(frozen=True, eq=False)
class ArrayCube:
    """An image or cube in memory, or mapped from a file of our own: ``(channels, rows, columns)``."""

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


@dataclass(frozen=True, eq=False)
class ChannelPixels:
    """One channel of a cube."""

    cube: Cube
    channel: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.cube.shape[1], self.cube.shape[2]

    def window(self, row: int, column: int, rows: int, columns: int) -> Numbers:
        """Read a rectangle."""
        one = slice(self.channel, self.channel + 1)
        part = self.cube.part(one, slice(row, row + rows), slice(column, column + columns))
        return np.asarray(part[0])


#: One store for all, so that a mosaic of many images needs no more memory than one; it keeps no image open.
@lru_cache(BLOCKS_KEPT)
def _block(image: weakref.ref[Pixels], y: int, x: int) -> Numbers:
    pixels = image()
    assert pixels is not None  # noqa: S101 - `take` holds it
    rows, columns = pixels.shape
    row, column = y * BLOCK_PIXELS, x * BLOCK_PIXELS
    return pixels.window(row, column, min(BLOCK_PIXELS, rows - row), min(BLOCK_PIXELS, columns - column))


def take(pixels: Pixels, row: Numbers, column: Numbers) -> Numbers:
    """Values at rows and columns inside an image, each ``(n,)``, which is read block by block."""
    values, image = np.empty(row.shape, np.float32), weakref.ref(pixels)
    across = -(-pixels.shape[1] // BLOCK_PIXELS)
    number = (row // BLOCK_PIXELS) * across + column // BLOCK_PIXELS
    # Positions sorted by block, so that each block is looked up once.
    order = np.argsort(number, kind="stable")
    starts = np.flatnonzero(np.diff(number[order], prepend=-1))
    for here in np.split(order, starts[1:]) if len(order) else ():
        y, x = divmod(int(number[here[0]]), across)
        values[here] = _block(image, y, x)[row[here] - y * BLOCK_PIXELS, column[here] - x * BLOCK_PIXELS]
    return values


@dataclass(frozen=True, eq=False)
class WeightedPixels:
    """Pixels that are blank where their weight is not positive."""

    values: Pixels
    weight: Pixels

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.values.shape

    def window(self, row: int, column: int, rows: int, columns: int) -> Numbers:
        """Copy a rectangle; NaN where blank."""
        values = self.values.window(row, column, rows, columns)
        with np.errstate(invalid="ignore"):  # a weight may be NaN, which is not positive
            seen = self.weight.window(row, column, rows, columns) > 0
        return np.where(seen, values, np.float32(np.nan))

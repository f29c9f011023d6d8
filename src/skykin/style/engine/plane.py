"""A plane picture with the context that the shared engine needs."""

from __future__ import annotations

import mmap
from dataclasses import dataclass

import numpy as np

from skykin.core.errors import UsageError
from skykin.core.shapes import RGB, Coverage


@dataclass(frozen=True, eq=False)
class PlaneSource:
    """A picture, or a part of it, read from top to bottom.

    Beyond the border of the whole picture its outermost pixels repeat; inside, context is what is there.

    Parameters
    ----------
    rgb : array (rows, columns, 3)
        Colours from 0 to 1; an array in memory or a memory-mapped file.
    coverage : array (rows, columns), optional
        All covered if left out.
    top, left, height, width : int
        The part; all of it, without a remainder of less than 16 pixels, if left out.

    Raises
    ------
    UsageError
        If the part does not lie in the picture.
    """

    rgb: RGB
    coverage: Coverage | None = None
    top: int = 0
    left: int = 0
    height: int = 0
    width: int = 0

    def __post_init__(self) -> None:
        rows, columns, _ = self.rgb.shape
        object.__setattr__(self, "height", self.height or (rows - self.top) // 16 * 16)
        object.__setattr__(self, "width", self.width or (columns - self.left) // 16 * 16)
        inside = 0 <= self.top <= self.top + self.height <= rows
        if not (inside and 0 <= self.left <= self.left + self.width <= columns):
            raise UsageError(
                f"a part of {self.height} × {self.width} pixels from row {self.top} and column {self.left} "
                f"does not lie in a picture of {rows} × {columns}"
            )

    def rows(self, start: int, stop: int, halo: int) -> tuple[RGB, Coverage]:
        """Colours and coverage of some rows, with `halo` columns of context on each side."""
        _let_go(self.rgb)
        rows, columns, _ = self.rgb.shape
        down = _within(self.top + start, self.top + stop, rows)
        across = _within(self.left - halo, self.left + self.width + halo, columns)
        beyond = tuple((inner.start - outer[0], outer[1] - inner.stop) for inner, outer in (down, across))
        inside = down[0], across[0]
        band = np.asarray(self.rgb[inside], np.float32)
        cover = None if self.coverage is None else np.asarray(self.coverage[inside], np.float32)
        if any(map(any, beyond)):
            band = np.pad(band, (*beyond, (0, 0)), mode="edge")
            cover = None if cover is None else np.pad(cover, beyond, mode="edge")
        return band, np.ones(band.shape[:2], np.float32) if cover is None else cover


def _let_go(rgb: RGB) -> None:
    """Drop pages of a mapped file that were read before: else they count as memory of this process."""
    file: object = rgb if isinstance(rgb, np.memmap) and rgb.mode != "c" else None
    while isinstance(file, np.ndarray):
        file = file.base
    if isinstance(file, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        file.madvise(mmap.MADV_DONTNEED)


def _within(start: int, stop: int, length: int) -> tuple[slice, tuple[int, int]]:
    """Part of a range that lies in a picture, and the range."""
    return slice(max(start, 0), min(stop, length)), (start, stop)

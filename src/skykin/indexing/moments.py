"""Moments of cells: numbers that add up to the style of any union of cells."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from skykin.core.shapes import Numbers
from skykin.style.engine.cells import Lattice, boxes
from skykin.style.engine.shared import Reader, SharedMeter
from skykin.style.statistics.statistic import middle_quarter

#: Numbers in double precision that are added up together.
TOGETHER = 8 << 20
#: Half precision ends at 65 504.
LARGEST = 6e4


@dataclass(frozen=True, eq=False)
class Whole:
    """Whole vectors of tiles.

    Parameters
    ----------
    norms : array (rows, columns)
        Their lengths.
    vectors : array (rows, columns, n) or None
        The vectors, if they are kept.
    """

    norms: Numbers
    vectors: Numbers | None


class Moments(Protocol):
    """What is kept of each cell in one layer, and how it becomes what is compared."""

    @property
    def width(self) -> int:
        """Numbers that are kept of a cell."""

    @property
    def compared_width(self) -> int:
        """Numbers that are compared."""

    def reader(
        self, shared: SharedMeter, layer: str, lattice: Lattice
    ) -> tuple[Reader, Callable[[], Numbers]]:
        """Give what reads the layer, and then its cells in half precision, (rows, columns, width).

        The lattice is one of cells: its tiles are cells.
        """

    def tile_reader(
        self, shared: SharedMeter, layer: str, lattice: Lattice, *, keep: bool
    ) -> tuple[Reader, Callable[[], Whole]] | None:
        """Give what reads the whole vectors of tiles, where cells do not add up to them exactly."""

    @property
    def needs_core(self) -> bool:
        """Whether the core of a square counts by itself."""

    def sums(self, cells: Numbers, weights: Numbers) -> Numbers:
        """Weighted numbers that add up, float64: from ``(..., width)`` and ``(..., 1)``."""

    def finish(self, means: Numbers, core: Numbers | None) -> Numbers:
        """Compare: float32, from those sums divided by the weight, and the same of the core where needed.

        NaN stays NaN.
        """


def add_up(moments: Moments, cells: Numbers, weights: Numbers, reach: int, step: int = 1) -> Numbers:
    """Add up what is compared of all squares of `reach` × `reach` cells.

    Parameters
    ----------
    moments : Moments
    cells : float16 array (rows, columns, width)
    weights : array (rows, columns)
    reach, step : int
        Side of a square and distance between squares, cells.

    Returns
    -------
    float32 array (rows', columns', n)
        NaN where the weights sum to zero.
    """
    rows, columns, _ = cells.shape
    down, across = (rows - reach) // step + 1, (columns - reach) // step + 1
    found = np.empty((down, across, moments.compared_width), np.float32)
    w = np.asarray(weights, np.float64)[..., None]
    # Strip by strip: sums in double precision of a large facet would not fit into memory.
    high = max(1, TOGETHER // (columns * 2 * moments.width) - reach) // step + 1
    for top in range(0, down, high):
        bottom = min(top + high, down)
        strip = slice(top * step, (bottom - 1) * step + reach)
        both = (w[strip], moments.sums(cells[strip], w[strip]))
        (weight, core_weight), (part, core) = (
            with_core(values, reach, step, core=moments.needs_core) for values in both
        )
        middle = None if core is None or core_weight is None else core / positive(core_weight)
        found[top:bottom] = moments.finish(part / positive(weight), middle)
    return found


def add_all(moments: Moments, cells: Numbers, weights: Numbers) -> Numbers:
    """Add up what is compared of squares of cells: from ``(squares, cells, width)`` to ``(squares, n)``.

    The cells of a square follow each other row by row.
    """
    w = np.asarray(weights, np.float64)[..., None]
    sums, middle = moments.sums(cells, w), None
    if moments.needs_core:
        own = core_of(math.isqrt(cells.shape[-2]))
        middle = sums[..., own, :].sum(axis=-2) / positive(w[..., own, :].sum(axis=-2))
    return moments.finish(sums.sum(axis=-2) / positive(w.sum(axis=-2)), middle)


def with_core(
    values: Numbers, reach: int, step: int = 1, *, core: bool = True
) -> tuple[Numbers, Numbers | None]:
    """Sum all squares of `reach` × `reach` cells, and their cores where those are asked for."""
    whole = boxes(boxes(values, reach, 0), reach, 1)[::step, ::step]
    if not core:
        return whole, None
    own = middle_quarter(reach)
    side = own.stop - own.start
    # The core of the first square begins where that does, and a margin further.
    part = values[own.start : len(values) - own.start, own.start : values.shape[1] - own.start]
    return whole, boxes(boxes(part, side, 0), side, 1)[::step, ::step]


def core_of(reach: int) -> np.ndarray:
    """Which cells of a square are its core, row by row: bool array (reach × reach,)."""
    own = np.zeros((reach, reach), dtype=bool)
    own[middle_quarter(reach), middle_quarter(reach)] = True
    return own.ravel()


def halved(values: Numbers) -> Numbers:
    """Half precision; what is not finite becomes 0."""
    finite = np.nan_to_num(values, nan=0, posinf=0, neginf=0)
    return np.asarray(np.clip(finite, -LARGEST, LARGEST), np.float16)


def positive(weights: Numbers) -> Numbers:
    """Replace weights of 0 by NaN, so that what is divided by them is NaN, too."""
    return np.where(weights > 0, weights, np.nan)

"""Cells: a layer is cut into squares whose sums are taken once and added up to every tile."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Protocol

import numpy as np

from skykin.core.errors import UsageError
from skykin.core.shapes import RGB, Coverage, Numbers
from skykin.style.engine.stream import Piece
from skykin.style.network.architecture import SMALLEST_CELL
from skykin.style.statistics.form import Form, Stretch, scale_of
from skykin.style.statistics.statistic import TILE_CELLS, middle

#: Sides of a cell in pixels; larger ones would only be unions of these.
CELL_PIXELS = (64, 32, 16, SMALLEST_CELL)
#: What is worked on at a time fits the second cache of one core.
CACHE_BYTES = 768 << 10
#: The moments of a few rows of cells are added up together, as far as they fit into this.
RING_BYTES = 320 << 20


@dataclass(frozen=True)
class Lattice:
    """The tiles of a picture: squares of `tile` pixels, every `spacing` pixels along rows and columns.

    Parameters
    ----------
    height, width : int
        Of the picture, pixels.
    tile : int
        Side of a tile, a multiple of 8; of 16 where block 5 is measured.
    spacing : int
        Distance between neighbouring tiles, likewise.

    Raises
    ------
    UsageError
        If a number is not a multiple of 8, or no tile fits.
    """

    height: int
    width: int
    tile: int
    spacing: int

    def __post_init__(self) -> None:
        for name in ("height", "width", "tile", "spacing"):
            value = getattr(self, name)
            if value < SMALLEST_CELL or value % SMALLEST_CELL:
                raise UsageError(
                    f"the shared engine needs a {name} in multiples of {SMALLEST_CELL} pixels, not {value}; "
                    f"choose {max(1, value // SMALLEST_CELL) * SMALLEST_CELL}, or, for a map, --engine tiles"
                )
        if self.tile > min(self.height, self.width):
            raise UsageError(
                f"tiles of {self.tile} pixels do not fit a picture of {self.height} × {self.width}"
            )

    @property
    def cell(self) -> int:
        """Side of a cell, pixels: the largest that divides tile, spacing and picture."""
        sides = (self.tile, self.spacing, self.height, self.width)
        return next(cell for cell in CELL_PIXELS if all(side % cell == 0 for side in sides))

    def side(self, stride: int) -> int:
        """Positions along a cell of a layer that has one every `stride` pixels.

        Raises
        ------
        UsageError
            If a cell is smaller than that.
        """
        if self.cell % stride:
            raise UsageError(
                f"a layer with a position every {stride} pixels cannot be read from tiles of {self.tile} "
                f"pixels every {self.spacing}; use multiples of {stride} for both, or, for a map, "
                "--engine tiles"
            )
        return self.cell // stride

    @property
    def rows(self) -> int:
        """Rows of tiles."""
        return (self.height - self.tile) // self.spacing + 1

    @property
    def columns(self) -> int:
        """Columns of tiles."""
        return (self.width - self.tile) // self.spacing + 1


class Taker(Protocol):
    """Takes what is measured of a group of tiles, stretch by stretch."""

    #: Whether it takes tensors on a device as they come; otherwise they are brought to the processor first.
    on_device: ClassVar[bool]

    def take(self, row: int, column: int, stretch: Stretch, values: Numbers) -> None:
        """Take entries ``(rows, columns, n)`` of the tiles that begin at tile `row` and `column`.

        The values may be changed in place.
        """


class CellReader:
    """Sums one layer over cells as its pieces come, and hands on the statistic of each tile.

    Parameters
    ----------
    lattice : Lattice
    layer : str
    stride : int
        Pixels between positions of the layer.
    form : Form
        The layer's statistic as sums.
    taker : Taker
        Is given every tile, row of tiles by row of tiles.

    Raises
    ------
    UsageError
        If a cell holds no whole number of the layer's positions, or a ring of a tile that the form needs no
        whole number of cells.
    """

    def __init__(self, lattice: Lattice, layer: str, stride: int, form: Form, taker: Taker) -> None:
        self._side = ring_side(lattice, stride) if form.rings else lattice.side(stride)
        self._cell = self._side * stride
        self._lattice, self._form, self._taker = lattice, form, taker
        self._scale = scale_of(layer) if form.degree else np.float32(1)
        self._across = lattice.width // self._cell
        self._reach = lattice.tile // self._cell
        self._step = lattice.spacing // self._cell
        spare = RING_BYTES // (self._across * form.sums * 4) - (self._reach - 1)
        self._together = int(min(max(spare, 1), max(4, self._reach)))
        self._ring = np.empty((self._reach - 1 + self._together, self._across, form.sums), np.float32)
        self._weights = np.empty(self._ring.shape[:2], np.float64)
        self._held: Numbers = np.empty(0, np.float32)
        self._roots: Numbers = np.empty(0, np.float32)
        self._summed = 0
        self._read = 0

    def add(self, piece: Piece, weights: Coverage | None) -> None:
        """Take a piece and its weights ``(y, x)``, all 1 if None."""
        side = self._side
        channels, y, x = piece.features.shape
        down, across = y // side, x // side
        cut = piece.features.reshape(channels, down, side, across, side).transpose(1, 3, 2, 4, 0)
        self._open(piece, channels, down)
        column = piece.column // side
        held = self._held[:, column : column + across].reshape(down, across, side, side, channels)
        roots = self._roots[:, column : column + across].reshape(down, across, side, side, 1)
        if weights is None:
            roots[:] = 1
            np.multiply(cut, self._scale, out=held)
        else:
            roots[:] = np.sqrt(weights).reshape(down, side, across, side).swapaxes(1, 2)[..., None]
            np.multiply(cut, roots * self._scale, out=held)
        if column + across == self._across:
            self._sum()

    def _open(self, piece: Piece, channels: int, down: int) -> None:
        """Make room for a row of pieces when its first one comes."""
        if piece.column:
            return
        shape = (down, self._across, self._side**2, channels)
        if self._held.shape != shape:
            self._held = np.empty(shape, np.float32)
            self._roots = np.empty((down, self._across, self._side**2), np.float32)

    def _sum(self) -> None:
        """Take the moments of the cells that are complete."""
        for held, roots in zip(self._held, self._roots, strict=True):
            slot = self._summed % len(self._ring)
            for cell, root, out in zip(held, roots, self._ring[slot], strict=True):
                self._form.fill(cell.T, root, out)
            self._weights[slot] = np.einsum("xn,xn->x", roots, roots, dtype=np.float64)
            self._summed += 1
            last = self._summed * self._cell == self._lattice.height
            if last or self._summed - self._read == len(self._ring):
                self._hand_on()

    def _hand_on(self) -> None:
        """Add cells up to the tiles that are complete."""
        rows = self._summed - self._read - (self._reach - 1)
        first = -self._read % self._step
        slots = [slot % len(self._ring) for slot in range(self._read, self._summed)]
        total = boxes(boxes(self._weights[slots], self._reach, 0), self._reach, 1)
        for left, right in self._spans(rows):
            cells = slice(left * self._step, (right - 1) * self._step + self._reach)
            weight = total[first :: self._step, left * self._step : (right - 1) * self._step + 1 : self._step]
            if weight.size:
                self._tiles((self._read + first) // self._step, left, slots, cells, weight)
        self._read += rows

    def _tiles(self, row: int, column: int, slots: list[int], cells: slice, weight: Numbers) -> None:
        form, weights = self._form, np.maximum(weight, 0).astype(np.float32).reshape(-1, 1)
        means = None
        if form.needs_means:
            behind = slice(form.stretches[-1].summed.stop, form.sums)
            means = self._tile_sums(slots, cells, behind, weight.shape)
            means = means.reshape(weights.size, -1) / weights
        elif form.rings:
            means = self._ring_means(slots, cells, weight.shape)
        for stretch in form.stretches:
            sums = self._tile_sums(slots, cells, stretch.summed, weight.shape)
            values = form.finish(stretch, sums.reshape(weights.size, -1), weights, means)
            self._taker.take(row, column, stretch, values.reshape(*weight.shape, -1))

    def _ring_means(self, slots: list[int], cells: slice, shape: tuple[int, ...]) -> Numbers:
        """Means (rings, tiles, sums) over the rings of tiles."""
        sums = np.stack([self._ring[slot, cells] for slot in slots])
        first = slice(-self._read % self._step, None, self._step), slice(None, None, self._step)
        found = np.empty((len(self._form.rings), math.prod(shape), sums.shape[-1]), np.float32)
        for ring, within, weights in zip(
            found,
            square_sums(sums, self._reach, self._form.rings),
            square_sums(self._weights[slots, cells], self._reach, self._form.rings),
            strict=True,
        ):
            total = weights[first].reshape(-1, 1).astype(np.float32)
            np.divide(within[first].reshape(ring.shape), np.maximum(total, 0), out=ring)
        return found

    def _tile_sums(self, slots: list[int], cells: slice, entries: slice, shape: tuple[int, ...]) -> Numbers:
        rows = [self._ring[slot, cells, entries] for slot in slots]
        if self._reach % 2:
            near, width = np.stack(rows), 1
        else:
            # The first step reads from the ring; all others from the cache.
            near, width = np.empty((len(rows) - 1, *rows[0].shape), np.float32), 2
            for own, (above, below) in zip(near, pairwise(rows), strict=True):
                np.add(above, below, out=own)
        sums = boxes(boxes(near, self._reach, 0, width), self._reach, 1)
        first = -self._read % self._step
        return np.ascontiguousarray(sums[first :: self._step, :: self._step]).reshape(*shape, -1)

    def _spans(self, rows: int) -> list[tuple[int, int]]:
        """Columns of tiles that are worked on together, so that their cells stay in the cache."""
        entries = max(stretch.summed.stop - stretch.summed.start for stretch in self._form.stretches)
        cells = CACHE_BYTES // (4 * entries * (rows + self._reach - 1))
        tiles = max((cells - self._reach) // self._step + 1, 1, self._reach // self._step)
        columns = self._lattice.columns
        return [(left, min(left + tiles, columns)) for left in range(0, columns, tiles)]


def ring_side(lattice: Lattice, stride: int) -> int:
    """Positions along a cell of which a tile, its rings and the spacing are made."""
    lattice.side(stride)
    sides = (lattice.spacing, lattice.height, lattice.width)
    for cell in CELL_PIXELS:
        whole = cell % stride == 0 and all(side % cell == 0 for side in sides)
        if whole and lattice.tile % (TILE_CELLS * cell) == 0:
            return cell // stride
    step = TILE_CELLS * max(SMALLEST_CELL, stride)
    raise UsageError(
        f"the shared engine cannot cut the core out of tiles of {lattice.tile} pixels; use "
        f"--pixels {max(lattice.tile // step, 1) * step}, or, for a map, --engine tiles"
    )


def boxes(values: Numbers, side: int, axis: int, width: int = 1) -> Numbers:
    """Sum over `side` neighbours along the first or second axis, in steps that double.

    The values are sums over `width` neighbours already.  A sum is always made in the same order, whatever
    else is summed beside it.
    """

    def part(start: int, stop: int) -> Numbers:
        return values[start:stop] if axis == 0 else values[:, start:stop]

    length = values.shape[axis]
    count = length + width - side
    total, offset = None, 0
    while True:
        if side & width:
            own = part(offset, offset + count)
            total = own if total is None else total + own
            offset += width
        if 2 * width > side:
            break
        values = part(0, length - width) + part(width, length)
        length, width = length - width, 2 * width
    assert total is not None  # noqa: S101 - a side has a bit
    return total


def square_sums(values: Numbers, reach: int, rings: Sequence[int]) -> Iterator[Numbers]:
    """Yield the sums over each ring of all squares of `reach` cells, the innermost first.

    Parameters
    ----------
    values : array (rows, columns, ...)
    reach : int
        A multiple of 8 cells.
    rings : sequence of int
        As a `Statistic` has them.
    """
    inner: Numbers | float = 0.0
    for eighths in rings:
        own = middle(reach, eighths)
        side, edge = own.stop - own.start, own.start
        part = values[edge : len(values) - edge, edge : values.shape[1] - edge]
        square = boxes(boxes(part, side, 0), side, 1)
        yield square - inner
        inner = square


def tile_sums(values: Numbers, lattice: Lattice) -> Numbers:
    """Sum a picture, or one number for each small square of it, over each tile."""
    square = lattice.height // len(values)
    sums = np.zeros((values.shape[0] + 1, values.shape[1] + 1))
    sums[1:, 1:] = values.cumsum(axis=0).cumsum(axis=1)
    top = np.arange(lattice.rows) * (lattice.spacing // square)
    left = np.arange(lattice.columns) * (lattice.spacing // square)
    low, right = top + lattice.tile // square, left + lattice.tile // square
    return np.asarray(
        sums[np.ix_(low, right)]
        - sums[np.ix_(top, right)]
        - sums[np.ix_(low, left)]
        + sums[np.ix_(top, left)]
    )


def cell_extremes(rgb: RGB, coverage: Coverage, cell: int) -> tuple[Numbers, Numbers]:
    """Give the smallest and the largest colours of each cell of a picture where it is covered.

    Returns
    -------
    lowest, highest : float32 arrays (rows, columns, 3)
        NaN where nothing is covered.
    """
    rows, columns = (length // cell for length in coverage.shape)
    lowest, highest = np.empty((rows, columns, 3), np.float32), np.empty((rows, columns, 3), np.float32)
    for row in range(rows):
        part = slice(row * cell, (row + 1) * cell), slice(0, columns * cell)
        seen = np.where(coverage[part][..., None] > 0, rgb[part], np.float32(np.nan))
        squares = seen.reshape(cell, columns, cell, 3)
        # NaN only where a cell has nothing else, and no warning from any thread.
        lowest[row] = np.fmin.reduce(squares, axis=(0, 2))
        highest[row] = np.fmax.reduce(squares, axis=(0, 2))
    return lowest, highest


def square_extremes(lowest: Numbers, highest: Numbers, reach: int, step: int) -> tuple[Numbers, Numbers]:
    """Bring the extreme colours of cells together to squares of `reach` × `reach` cells, `step` apart."""

    def gathered(cells: Numbers, better: np.ufunc) -> Numbers:
        for axis in (0, 1):
            count = cells.shape[axis] - reach + 1
            parts = [cells.take(range(first, first + count), axis) for first in range(reach)]
            cells = better.reduce(parts)
        return cells[::step, ::step]

    return gathered(lowest, np.fmin), gathered(highest, np.fmax)

"""Columns of cells give the length of a Gram matrix from the matrices that stand side by side in a tile."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from skykin.core.shapes import Coverage, Numbers
from skykin.style.engine.cells import Lattice
from skykin.style.engine.stream import Piece
from skykin.style.statistics.forms import SIDE, scale_of, unit_matrix

#: What is made at a time fits the second cache of one core.
CACHE_BYTES = 512 << 10
#: Multiplications of one small product: up to a million OpenBLAS does not copy its factors, and is quicker.
SMALL = 1_000_000
#: Fewest columns that are multiplied with their neighbours at once.
FEWEST_COLUMNS = 8
#: What an entry costs in multiplications of a large product: added to another one, per channel, because
#: large matrices wait in slow memory; multiplied with those of one more column; made.
ADDED, MULTIPLIED, MADE = 0.6, 6, 40
HALF = np.float32(np.sqrt(0.5))


class ColumnReader:
    r"""Cosine of each tile's Gram matrix with references, from the matrices of columns of cells.

    A column is one cell wide and a tile high; a tile's matrix is the sum of its columns' matrices V:

    .. math:: \|G\|^2 = \sum_{x,y} \langle V_x, V_y\rangle , \qquad
              \langle G, R\rangle = \sum_x \langle V_x, R\rangle

    Exact: each pair of neighbours is multiplied once, for all tiles that hold both.  A column's matrix is
    made from a few cells one above the other and doubled until it is a tile high.

    Parameters
    ----------
    lattice : Lattice
    layer : str
    stride : int
        Pixels between positions of the layer.
    reference : array (n,) or (references, n)
        The layer's part of the reference's signature, or of several: `flattened` Gram matrices.
    channels : int
    """

    def __init__(
        self, lattice: Lattice, layer: str, stride: int, *, reference: Numbers, channels: int
    ) -> None:
        self._scale, self._channels = scale_of(layer), channels
        self._side = lattice.side(stride)
        self._across = lattice.width // lattice.cell
        self._reach = lattice.tile // lattice.cell
        self._step = lattice.spacing // lattice.cell
        self._stack, _ = _stacked(self._reach, self._side**2, channels)
        self._entries = _entries(channels)
        self._held = np.zeros((self._across, self._stack - 1, self._side**2, channels), np.float32)
        self._rings = []
        height = self._stack
        while height < self._reach:
            self._rings.append(np.zeros((height + 1, self._across, self._entries), np.float32))
            height *= 2
        self._together = max(self._reach, FEWEST_COLUMNS)
        references = reference.reshape(-1, reference.shape[-1])
        # Two blocks of columns take turns; the references stand behind them: one product serves all.
        self._columns = np.zeros((2 * self._together + len(references), self._entries), np.float32)
        self._lengths = np.zeros(len(references))
        for number, each in enumerate(references):
            matrix, self._lengths[number] = unit_matrix(each, channels)
            self._columns[2 * self._together + number] = _laid_out(matrix)
        self._summed = 0
        self._several = reference.shape[:-1]
        self._cosines = np.full((lattice.rows, lattice.columns, len(references)), np.nan)

    def cosines(self) -> Numbers:
        """Cosines (rows, columns) or (rows, columns, references), −1 to 1; NaN where a tile has no style."""
        return self._cosines.reshape(*self._cosines.shape[:2], *self._several)

    def add(self, piece: Piece, weights: Coverage | None) -> None:
        """Take a piece and its weights ``(y, x)``, all 1 if None."""
        side, above = self._side, self._stack - 1
        channels, y, x = piece.features.shape
        down, across = y // side, x // side
        if piece.column == 0:
            self._open(down)
        cut = piece.features.reshape(channels, down, side, across, side).transpose(3, 1, 2, 4, 0)
        column = piece.column // side
        held = self._held[column : column + across, above:].reshape(across, down, side, side, channels)
        if weights is None:
            np.multiply(cut, self._scale, out=held)
        else:
            roots = np.sqrt(weights).reshape(down, side, across, side).transpose(2, 0, 1, 3)[..., None]
            np.multiply(cut, roots * self._scale, out=held)
        if column + across == self._across:
            for row in range(down):
                self._row(self._held[:, row : row + self._stack])

    def _open(self, down: int) -> None:
        """Make room for a row of pieces below the last cells of the one before."""
        above = self._stack - 1
        last = self._held[:, self._held.shape[1] - above :]
        if self._held.shape[1] != above + down:
            held = np.zeros((self._across, above + down, self._side**2, self._channels), np.float32)
            held[:, :above] = last
            self._held = held
        else:
            self._held[:, :above] = last

    def _row(self, cells: Numbers) -> None:
        """Take one row of cells and those above it: features (columns, stacked, positions, channels)."""
        self._summed += 1
        if self._summed < self._stack:
            return
        first = self._summed - self._reach
        wanted = first >= 0 and first % self._step == 0
        if not wanted and not self._rings:
            return
        along = np.zeros((self._across, self._reach))
        towards = np.zeros((self._across, len(self._lengths)))
        few = max(CACHE_BYTES // (4 * self._entries), 1)
        for number, left in enumerate(range(0, self._across, self._together)):
            right = min(left + self._together, self._across)
            own = number % 2 * self._together
            for start in range(left, right, few):
                stop = min(start + few, right)
                self._make(cells[start:stop], start, self._columns[own + start - left : own + stop - left])
            if wanted:
                self._multiply(own, along[left:right], towards[left:right])
        if wanted:
            self._finish(first // self._step, along, towards)

    def _make(self, cells: Numbers, start: int, out: Numbers) -> None:
        """Make the matrices of some columns."""
        stop, row = start + len(cells), self._summed
        totals = [*(ring[row % len(ring), start:stop] for ring in self._rings), out]
        _products(cells.reshape(len(cells), -1, self._channels), totals[0])
        for ring, (own, total) in zip(self._rings, pairwise(totals), strict=True):
            # A ring is one row longer than what it stacks: the next row is the one that joins on above.
            np.add(own, ring[(row + 1) % len(ring), start:stop], out=total)

    def _multiply(self, own: int, along: Numbers, towards: Numbers) -> None:
        """Multiply a block of columns with itself, the one before it, and the references."""
        count, together = len(along), self._together
        every = np.zeros((len(self._columns), count))
        most = max(SMALL // every.size // 256, 1) * 256
        for start in range(0, self._entries, most):
            part = self._columns[:, start : start + most]
            every += part @ part[own : own + count].T
        column = np.arange(count)[:, None]
        along[:] = every[(own + column - np.arange(self._reach)) % (2 * together), column]
        towards[:] = every[2 * together :].T

    def _finish(self, row: int, along: Numbers, towards: Numbers) -> None:
        """Add up a row of tiles from products with up to n columns to the left, and with the references."""
        runs = self._across - self._reach + 1
        along[:, 1:] *= 2
        np.cumsum(along, axis=1, out=along)
        squares = sum(along[shift : shift + runs, shift] for shift in range(self._reach))
        products = sum(towards[shift : shift + runs] for shift in range(self._reach))
        lengths = np.multiply.outer(np.sqrt(squares), self._lengths) * float(HALF)
        with np.errstate(invalid="ignore", divide="ignore"):
            cosines = np.where(lengths > 0, products / lengths, np.nan)
        self._cosines[row] = np.clip(cosines[:: self._step], -1, 1)


def column_cost(lattice: Lattice, channels: int, stride: int) -> float:
    """Multiplications that a cell costs, and what takes as long."""
    reach = lattice.tile // lattice.cell
    _, each = _stacked(reach, lattice.side(stride) ** 2, channels)
    return _entries(channels) * (each + MULTIPLIED * max(reach, FEWEST_COLUMNS) + MADE)


def _stacked(reach: int, positions: int, channels: int) -> tuple[int, float]:
    """Cells, one above the other, that are best multiplied at once, and what an entry of a column costs."""
    choices, stack, adds = [], reach, 0
    while True:
        choices.append((2 * positions * stack + ADDED * channels * adds, stack))
        if stack % 2:
            cost, best = min(choices)
            return best, cost
        stack, adds = stack // 2, adds + 1


def _entries(channels: int) -> int:
    return sum((bottom - top) * (channels - top) for top, bottom in _bands(channels))


def _products(features: Numbers, out: Numbers) -> None:
    """Multiply features (columns, positions, channels) with themselves: one row of entries per column."""
    start, channels = 0, features.shape[-1]
    for top, bottom in _bands(channels):
        high, wide = bottom - top, channels - top
        matrix = out[:, start : start + high * wide].reshape(len(out), high, wide)
        np.matmul(features[:, :, top:bottom].transpose(0, 2, 1), features[:, :, top:], out=matrix)
        # The block on the diagonal holds what stands on both sides of it, all others one side.
        matrix[:, :, :high] *= HALF
        start += high * wide


def _laid_out(matrix: Numbers) -> Numbers:
    """Lay a matrix out as `_products` does."""
    parts = []
    for top, bottom in _bands(len(matrix)):
        band = matrix[top:bottom, top:].copy()
        band[:, : bottom - top] *= HALF
        parts.append(band.ravel())
    return np.concatenate(parts)


def _bands(channels: int) -> list[tuple[int, int]]:
    return [(top, min(top + SIDE, channels)) for top in range(0, channels, SIDE)]

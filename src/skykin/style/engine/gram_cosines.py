"""Cosines of Gram matrices without the matrices of tiles, by columns of cells or by pairs of positions.

Both ways are exact.  Which is cheaper depends on how many positions a cell has, and how many channels.
"""

from __future__ import annotations

from collections import deque
from itertools import pairwise

import numpy as np

from skykin.core.shapes import Coverage, Numbers
from skykin.style.engine.cells import Lattice
from skykin.style.engine.stream import Piece
from skykin.style.statistics.form import scale_of
from skykin.style.statistics.second_moments import SIDE

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
#: Positions that are multiplied with their neighbours at once: fewer are slow.
ENOUGH = 128


def pairs_are_cheaper(lattice: Lattice, channels: int, stride: int, references: int = 1) -> bool:
    """Whether products of pairs cost less than the matrices of columns."""
    positions = lattice.side(stride) ** 2
    reach = lattice.tile // lattice.cell
    pairs = 2 * positions**2 * channels * (3 * reach - 2) * reach
    pairs += 2 * positions * channels**2 * references
    return pairs < _column_cost(lattice, channels, stride)


def gram_reader(
    lattice: Lattice, layer: str, stride: int, *, reference: Numbers, channels: int
) -> ColumnReader | PairReader:
    """Give the cheaper reader of one layer; its parameters are theirs."""
    pairs = pairs_are_cheaper(lattice, channels, stride, len(np.atleast_2d(reference)))
    reader = PairReader if pairs else ColumnReader
    return reader(lattice, layer, stride, reference=reference, channels=channels)


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
            matrix, self._lengths[number] = _unit_matrix(each, channels)
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


class PairReader:
    r"""Cosine of each tile's Gram matrix with references, from products of pairs of positions.

    .. math:: \|G\|^2 = \sum_{p,q} w_p w_q (f_p \cdot f_q)^2 , \qquad
              \langle G, R\rangle = \sum_p w_p\, f_p^{\mathsf T} R f_p

    both over the positions of a tile: exact, and cheap where a cell has few positions and many channels.
    The sums over pairs are taken once per pair of cells that share a tile; every tile adds up its own.

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
        self._lattice = lattice
        self._scale = scale_of(layer)
        self._side = lattice.side(stride)
        self._across = lattice.width // lattice.cell
        self._reach = lattice.tile // lattice.cell
        self._step = lattice.spacing // lattice.cell
        self._references = [
            _unit_matrix(each, channels) for each in reference.reshape(-1, reference.shape[-1])
        ]
        self._columns = max(FEWEST_COLUMNS, 2 * FEWEST_COLUMNS // self._side**2)
        few = ENOUGH // (self._side**2 * self._columns)
        self._together = max(1, min(few, self._reach // 4))
        around, high = self._across + 2 * (self._reach - 1), self._reach - 1 + self._together
        # Cells of context stay zero: products with them are.
        self._rows = np.zeros((self._side**2, around, high, channels), np.float32)
        self._band = np.zeros((0, 0, 0, 0), np.float32)
        self._sums: deque[Numbers] = deque(maxlen=self._reach)
        self._products: deque[Numbers] = deque(maxlen=self._reach)
        self._summed = 0
        self._several = reference.shape[:-1]
        self._cosines = np.full((lattice.rows, lattice.columns, len(self._references)), np.nan)

    def cosines(self) -> Numbers:
        """Cosines (rows, columns) or (rows, columns, references), −1 to 1; NaN where a tile has no style."""
        return self._cosines.reshape(*self._cosines.shape[:2], *self._several)

    def add(self, piece: Piece, weights: Coverage | None) -> None:
        """Take a piece and its weights ``(y, x)``, all 1 if None."""
        side = self._side
        channels, y, x = piece.features.shape
        down, across = y // side, x // side
        cut = piece.features.reshape(channels, down, side, across, side).transpose(1, 2, 4, 3, 0)
        if piece.column == 0 and self._band.shape[:1] != (down,):
            self._band = np.empty((down, side**2, self._across, channels), np.float32)
        column = piece.column // side
        band = self._band.reshape(down, side, side, self._across, channels)[:, :, :, column : column + across]
        if weights is None:
            np.multiply(cut, self._scale, out=band)
        else:
            roots = np.sqrt(weights).reshape(down, side, across, side).transpose(0, 1, 3, 2)[..., None]
            np.multiply(cut, roots * self._scale, out=band)
        if column + across == self._across:
            for start in range(0, down, self._together):
                self._sum(self._band[start : start + self._together])

    def _sum(self, rows: Numbers) -> None:
        """Take a few rows of cells: features (rows, positions, cells, channels)."""
        count, left = len(rows), self._reach - 1
        slots = (self._summed + np.arange(count)) % self._rows.shape[2]
        self._rows[:, left : left + self._across, slots] = rows.transpose(1, 2, 0, 3)
        products, sums = self._projected(rows), self._row_sums(rows, slots)
        for row in range(count):
            self._products.append(products[row])
            self._sums.append(sums[:, row])
            self._summed += 1
            first = self._summed - self._reach
            if first >= 0 and first % self._step == 0:
                self._finish(first // self._step)

    def _projected(self, rows: Numbers) -> Numbers:
        """Sum products with the references over the positions of each cell: (rows, cells, references)."""
        count, positions, across, channels = rows.shape
        flat = rows.reshape(-1, channels)
        products = np.empty((count, across, len(self._references)))
        for number, (matrix, _) in enumerate(self._references):
            projected = np.einsum("pc,pc->p", flat @ matrix, flat, dtype=np.float64)
            projected.reshape(count, positions, across).sum(axis=1, out=products[..., number])
        return products

    def _row_sums(self, rows: Numbers, slots: Numbers) -> Numbers:
        """Sum over pairs of each row and itself and the rows above, for each run of cells a tile wide.

        Returns
        -------
        float64 array (runs, rows, above)
            Entry n holds the pairs of a row with itself and, twice, those with up to n rows above.
        """
        reach, runs, ring = self._reach, self._across - self._reach + 1, self._rows.shape[2]
        total = np.zeros((self._across + 1, len(rows), 2 * reach - 1, ring))
        for left in range(0, self._across, self._columns):
            right = min(left + self._columns, self._across)
            total[left + 1 : right + 1] = self._pairs(rows[:, :, left:right], left)
        np.cumsum(total, axis=0, out=total)
        sums = np.zeros((runs, len(rows), ring))
        for shift in range(1 - reach, reach):
            low, high = max(0, -shift), reach - max(0, shift)
            column = total[:, :, shift + reach - 1]
            sums += column[high : high + runs] - column[low : low + runs]
        # From slots of the ring to rows above: the row itself first.
        above = (slots[:, None] - np.arange(reach)) % ring
        sums = np.take_along_axis(sums, above[None], axis=2)
        sums[..., 1:] *= 2
        return np.cumsum(sums, axis=-1)

    def _pairs(self, cells: Numbers, left: int) -> Numbers:
        """Squared products of some cells with all that share a tile: (cells, rows, shifts, slots)."""
        rows, positions, count, channels = cells.shape
        near, high = count + 2 * (self._reach - 1), self._rows.shape[2]
        flat = cells.swapaxes(0, 1).reshape(-1, channels)
        squares = np.zeros((rows * count, near * high), np.float32)
        for other in self._rows:
            product = flat @ other[left : left + near].reshape(near * high, channels).T
            np.square(product, out=product)
            squares += product.reshape(positions, rows * count, near * high).sum(axis=0)
        every = squares.reshape(rows, count, near, high)
        a, b, c, d = every.strides
        shape = (count, rows, 2 * self._reach - 1, high)
        return np.lib.stride_tricks.as_strided(every, shape, (b + c, a, c, d))

    def _finish(self, row: int) -> None:
        squares = sum(sums[:, above] for above, sums in enumerate(self._sums))
        along = np.sum(self._products, axis=0)
        runs = self._across - self._reach + 1
        products = sum(along[shift : shift + runs] for shift in range(self._reach))
        lengths = np.multiply.outer(np.sqrt(squares), [length for _, length in self._references])
        with np.errstate(invalid="ignore", divide="ignore"):
            cosines = np.where(lengths > 0, products / lengths, np.nan)
        self._cosines[row] = np.clip(cosines[:: self._step], -1, 1)


def _column_cost(lattice: Lattice, channels: int, stride: int) -> float:
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


def _unit_matrix(reference: Numbers, channels: int) -> tuple[Numbers, float]:
    """Scale the matrix of a `flattened` upper triangle to length 1; give that length, 0 if all is 0."""
    exact = reference.astype(np.float64)
    length = float(np.sqrt(exact @ exact))
    exact /= length if length > 0 else 1.0
    upper, right = np.triu_indices(channels)
    values = np.where(upper == right, exact, exact / np.sqrt(2))
    matrix = np.zeros((channels, channels))
    matrix[upper, right] = values
    matrix[right, upper] = values
    return matrix.astype(np.float32), 1.0 if length > 0 else 0.0

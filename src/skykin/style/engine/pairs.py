"""Pairs of positions give the length of a Gram matrix without the matrix."""

from __future__ import annotations

from collections import deque

import numpy as np

from skykin.core.shapes import Coverage, Numbers
from skykin.style.engine.cells import Lattice
from skykin.style.engine.columns import column_cost
from skykin.style.engine.stream import Piece
from skykin.style.statistics.forms import scale_of, unit_matrix

#: Cells along a row that are multiplied with their neighbours at once, and positions that make it worth it.
FEWEST_COLUMNS, ENOUGH = 8, 128


def pairs_are_cheaper(lattice: Lattice, channels: int, stride: int, references: int = 1) -> bool:
    """Whether products of pairs cost less than the matrices of columns."""
    positions = lattice.side(stride) ** 2
    reach = lattice.tile // lattice.cell
    pairs = 2 * positions**2 * channels * (3 * reach - 2) * reach
    pairs += 2 * positions * channels**2 * references
    return pairs < column_cost(lattice, channels, stride)


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
            unit_matrix(each, channels) for each in reference.reshape(-1, reference.shape[-1])
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

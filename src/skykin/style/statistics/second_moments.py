"""Second moments of channels: what Gram matrices and covariances are made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg.blas import ssyrk

from skykin.core.shapes import Numbers
from skykin.style.arrays import beside
from skykin.style.statistics.form import Stretch

#: Channels per block of a symmetric matrix: blocks below the diagonal are not kept.
SIDE = 64
#: Entries that are worked on at a time, so that they stay in the processor's second cache.
MOST_ENTRIES = 1024
SQRT2 = np.float32(np.sqrt(2))


@dataclass(frozen=True)
class SecondMoments:
    r"""Gram matrix or covariance: :math:`\sum_p w_p f_c f_d`, the upper triangle in blocks of channels.

    Beside the diagonal an entry carries :math:`\sqrt 2`, as in `flattened`, so that lengths and angles are
    those of the matrix; the blocks on the diagonal hold zeros below it.
    """

    channels: int
    centred: bool

    degree = 2
    rings = ()

    @property
    def needs_means(self) -> bool:
        """Whether means are subtracted."""
        return self.centred

    @property
    def sums(self) -> int:
        """Entries, and the channels' own sums behind them."""
        return self._matrix + (self.channels if self.centred else 0)

    @cached_property
    def _matrix(self) -> int:
        return sum((bottom - top) * (self.channels - top) for top, bottom in self._bands())

    @cached_property
    def stretches(self) -> tuple[Stretch, ...]:
        """Rows of each band of blocks, as many as are worked on at a time."""
        return tuple(self._stretches())

    @cached_property
    def order(self) -> Numbers:
        """Entry of each pair of channels of the upper triangle, row by row."""
        where = np.zeros((self.channels, self.channels), dtype=np.intp)
        for each in self.stretches:
            shape = (each.rows.stop - each.rows.start, each.columns.stop - each.columns.start)
            where[each.rows, each.columns] = np.arange(each.start, each.stop).reshape(shape)
        return where[np.triu_indices(self.channels)]

    @cached_property
    def _diagonal(self) -> Numbers:
        """Entries of the channels with themselves."""
        upper, right = np.triu_indices(self.channels)
        return np.asarray(self.order[upper == right])

    @cached_property
    def _factors(self) -> Numbers:
        """1 on the diagonal, √2 above it."""
        above = np.triu(np.full((self.channels, self.channels), np.sqrt(2)), 1)
        return (above + np.eye(self.channels)).astype(np.float32)

    @cached_property
    def _product(self) -> Numbers:
        """Room for one product: a fresh megabyte for each cell would cost more than the product."""
        return np.zeros((self.channels, self.channels), np.float32, order="F")

    def _bands(self) -> Iterator[tuple[int, int]]:
        for top in range(0, self.channels, SIDE):
            yield top, min(top + SIDE, self.channels)

    def _stretches(self) -> Iterator[Stretch]:
        start = 0
        for top, bottom in self._bands():
            width = self.channels - top
            rows = max(1, MOST_ENTRIES // width)
            for first in range(top, bottom, rows):
                last = min(first + rows, bottom)
                stop = start + (last - first) * width
                yield Stretch(start, stop, slice(start, stop), slice(first, last), slice(top, self.channels))
                start = stop

    def fill(self, features: Numbers, roots: Numbers, out: Numbers) -> None:
        """Multiply the features with themselves by one symmetric product."""
        matrix = ssyrk(SQRT2, features, beta=0.0, c=self._product, trans=0, lower=1, overwrite_c=1).T
        start = 0
        for top, bottom in self._bands():
            stop = start + (bottom - top) * (self.channels - top)
            out[start:stop].reshape(bottom - top, self.channels - top)[:] = matrix[top:bottom, top:]
            start = stop
        out[self._diagonal] *= 1 / SQRT2
        if self.centred:
            np.dot(features, roots, out=out[start:])

    def fill_cells(self, features: Numbers, roots: Numbers, out: Numbers) -> None:
        """Multiply the features of each cell with themselves."""
        matrices = features.mT @ features
        matrices *= beside(self._factors, matrices)
        start = 0
        for top, bottom in self._bands():
            stop = start + (bottom - top) * (self.channels - top)
            out[:, start:stop] = matrices[:, top:bottom, top:].reshape(len(out), -1)
            start = stop
        if self.centred:
            out[:, start:] = (features * roots).sum(1)

    def finish(self, stretch: Stretch, sums: Numbers, total: Numbers, means: Numbers | None) -> Numbers:
        """Divide by the weights, and subtract the product of the means if it is centred."""
        sums /= total
        if means is not None:
            rows, columns = means[:, stretch.rows, None], means[:, None, stretch.columns]
            factors = beside(self._factors[stretch.rows, stretch.columns], sums)
            sums -= (rows * columns * factors).reshape(sums.shape)
        return sums


def products(features: Numbers) -> Numbers:
    """Multiply each two channels (channels, n): the `flattened` upper triangle of a matrix per position."""
    upper, right = np.triu_indices(len(features))
    factors = np.where(upper == right, 1, np.sqrt(2)).astype(features.dtype)
    return np.asarray(features[upper] * features[right] * factors[:, None])


def products_along(features: Numbers, direction: Numbers) -> Numbers:
    r"""Product :math:`f_p^{\mathsf T} A f_p` at each position, with the matrix A of a `flattened` direction.

    Parameters
    ----------
    features : array (channels, y, x)
    direction : array (channels × (channels + 1) / 2,)

    Returns
    -------
    array (y, x)
    """
    flat = features.reshape(len(features), -1)
    matrix = np.zeros((len(flat), len(flat)))
    upper, right = np.triu_indices(len(flat))
    # A flattened pair of channels carries √2, and stands twice in the product.
    matrix[upper, right] = direction * np.where(upper == right, 1, np.sqrt(0.5))
    matrix[right, upper] = matrix[upper, right]
    return np.asarray(np.einsum("cp,cp->p", flat, matrix @ flat)).reshape(features.shape[1:])

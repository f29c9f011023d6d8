"""A form is a statistic written as sums over positions, so that parts of a picture can be added."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from scipy.linalg.blas import ssyrk

from skykin.core.errors import UsageError, shown
from skykin.core.shapes import Numbers
from skykin.style.statistics.statistic import Statistic, core_contrast, covariance, gram, mean_std

#: Channels per block of a symmetric matrix: blocks below the diagonal are not kept.
SIDE = 64
#: Entries that are worked on at a time, so that they stay in the processor's second cache.
MOST_ENTRIES = 1024
SQRT2 = np.float32(np.sqrt(2))
#: Factors on the features of each block before they are multiplied: raw sums of squares overflow float32.
SCALES = {"block1": 1e-2, "block2": 1e-3, "block3": 1e-3, "block4": 1e-4, "block5": 1e-3}


@dataclass(frozen=True)
class Stretch:
    """Neighbouring entries of a form: `rows` × `columns` of a matrix, or `start` to `stop` of a vector."""

    start: int
    stop: int
    rows: slice
    columns: slice


class Form(Protocol):
    """A statistic as sums over positions."""

    @property
    def sums(self) -> int:
        """Numbers that are summed per cell."""

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """The entries of the statistic, stretch by stretch."""

    @property
    def needs_means(self) -> bool:
        """Whether `finish` wants the mean of each channel; its sums are then the last ones."""

    @property
    def needs_core(self) -> bool:
        """Whether `finish` wants, as `means`, the means over the core of each tile."""

    @property
    def order(self) -> Numbers:
        """Where in the form's entries each number of the statistic's `flattened` vector stands."""

    def fill(self, features: Numbers, roots: Numbers, out: Numbers) -> None:
        """Sum over the positions of one cell: features (channels, n) times the roots (n,) of the weights.

        The channels of a position lie side by side in memory.
        """

    def finish(self, stretch: Stretch, sums: Numbers, total: Numbers, means: Numbers | None) -> Numbers:
        """Entries ``(tiles, n)`` of the statistic from sums over whole tiles, in place where that is quicker.

        `total` (tiles, 1) is the sum of the weights.
        """


@dataclass(frozen=True)
class SecondMoments:
    r"""Gram matrix or covariance: :math:`\sum_p w_p f_c f_d`, the upper triangle in blocks of channels.

    Beside the diagonal an entry carries :math:`\sqrt 2`, as in `flattened`, so that lengths and angles are
    those of the matrix; the blocks on the diagonal hold zeros below it.
    """

    channels: int
    centred: bool

    needs_core = False

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
                yield Stretch(start, stop, slice(first, last), slice(top, self.channels))
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

    def finish(self, stretch: Stretch, sums: Numbers, total: Numbers, means: Numbers | None) -> Numbers:
        """Divide by the weights, and subtract the product of the means where asked."""
        sums /= total
        if means is not None:
            rows, columns = means[:, stretch.rows, None], means[:, None, stretch.columns]
            factors = self._factors[stretch.rows, stretch.columns]
            sums -= (rows * columns * factors).reshape(sums.shape)
        return sums


@dataclass(frozen=True)
class FirstMoments:
    r"""Means and standard deviations from :math:`\sum_p w_p f_c^2` and :math:`\sum_p w_p f_c`."""

    channels: int

    needs_means = False
    needs_core = False

    @property
    def sums(self) -> int:
        """Sums, then sums of squares."""
        return 2 * self.channels

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """All at once."""
        return (Stretch(0, self.sums, slice(0, 0), slice(0, 0)),)

    @property
    def order(self) -> Numbers:
        """As they stand."""
        return np.arange(self.sums)

    def fill(self, features: Numbers, roots: Numbers, out: Numbers) -> None:
        """Sum features and their squares."""
        np.dot(features, roots, out=out[: self.channels])
        np.einsum("cp,cp->c", features, features, out=out[self.channels :])

    def finish(self, stretch: Stretch, sums: Numbers, total: Numbers, means: Numbers | None) -> Numbers:  # noqa: ARG002
        """Mean, and the root of the mean square less the squared mean."""
        sums /= total
        mean, square = sums[:, : self.channels], sums[:, self.channels :]
        square -= mean * mean
        np.sqrt(np.maximum(square, 0, out=square), out=square)
        return sums


@dataclass(frozen=True)
class CoreContrast:
    r"""Mean over the core less mean over the tile, from :math:`\sum_p w_p f_c`."""

    channels: int

    needs_means = False
    needs_core = True

    @property
    def sums(self) -> int:
        """One per channel."""
        return self.channels

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """All at once."""
        return (Stretch(0, self.sums, slice(0, 0), slice(0, 0)),)

    @property
    def order(self) -> Numbers:
        """As they stand."""
        return np.arange(self.sums)

    def fill(self, features: Numbers, roots: Numbers, out: Numbers) -> None:
        """Sum the features."""
        np.dot(features, roots, out=out)

    def finish(self, stretch: Stretch, sums: Numbers, total: Numbers, means: Numbers | None) -> Numbers:  # noqa: ARG002
        """Means over the cores less those over the tiles."""
        assert means is not None  # noqa: S101 - the form needs the core
        sums /= total
        return np.subtract(means, sums, out=sums)


def form_of(statistic: Statistic, channels: int) -> Form:
    """Write a statistic as sums.

    Raises
    ------
    UsageError
        If it is none of those whose form is known.
    """
    if statistic is gram or statistic is covariance:
        return SecondMoments(channels, centred=statistic is covariance)
    if statistic is mean_std:
        return FirstMoments(channels)
    if statistic is core_contrast:
        return CoreContrast(channels)
    name = shown(getattr(statistic, "__name__", statistic))
    raise UsageError(
        f"the shared engine cannot sum the statistic {name}, only gram, covariance, mean_std and "
        "core_contrast; "
        "use --engine tiles"
    )


def scale_of(layer: str) -> np.float32:
    """Factor on the features of a layer before they are multiplied."""
    return np.float32(SCALES[layer.partition("_")[0]])


def unit_matrix(reference: Numbers, channels: int) -> tuple[Numbers, float]:
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

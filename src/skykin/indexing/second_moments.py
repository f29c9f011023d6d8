"""Sketches of the second moments of channels, cell by cell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from skykin.core.shapes import Numbers
from skykin.indexing.moments import Whole, halved
from skykin.indexing.sketch import SKETCHED, Sketch
from skykin.style.engine.cells import CellReader, Lattice
from skykin.style.engine.shared import Reader, SharedMeter
from skykin.style.statistics.forms import SecondMoments, Stretch

#: Products of means that are laid out at a time.
TOGETHER = 64


@dataclass(frozen=True, eq=False)
class SecondMomentsOfCells:
    r"""Sketch of each cell's :math:`\sum_p w_p f_c f_d / \sum_p w_p`, taken relative to the survey.

    For covariances the means of the channels are kept, too: the product of a tile's means is subtracted when
    its cells have been added up.

    Parameters
    ----------
    channels : int
    centred : bool
        Whether the statistic is the covariance.
    offset, scale : float32 array (channels × (channels + 1) / 2,)
        What is subtracted from the statistic, and what it is divided by, before it is compared.
    unit : float
        Size of a typical mean of a channel.
    """

    channels: int
    centred: bool
    offset: Numbers
    scale: Numbers
    unit: float

    @property
    def width(self) -> int:
        """The sketch, and the means where they are needed."""
        return SKETCHED + (self.channels if self.centred else 0)

    @property
    def compared_width(self) -> int:
        """The sketch."""
        return SKETCHED

    @property
    def needs_core(self) -> bool:
        """The core is like the rest."""
        return False

    @cached_property
    def sketch(self) -> Sketch:
        """How long vectors become short."""
        return Sketch(self.channels * (self.channels + 1) // 2)

    def reader(
        self, shared: SharedMeter, layer: str, lattice: Lattice
    ) -> tuple[Reader, Callable[[], Numbers]]:
        """Read sketches of cells."""
        taker = _CellTaker(self, lattice, shared.unit(layer))
        stride = dict(shared.strides())[layer]
        return CellReader(lattice, layer, stride, _WithMeans(self.channels), taker), taker.cells

    def tile_reader(
        self, shared: SharedMeter, layer: str, lattice: Lattice, *, keep: bool
    ) -> tuple[Reader, Callable[[], Whole]]:
        """Read the whole vectors of tiles: sketches tell no exact lengths."""
        taker = _TileTaker(self, lattice, shared.unit(layer), keep=keep)
        stride = dict(shared.strides())[layer]
        return CellReader(lattice, layer, stride, shared.form(layer), taker), taker.answer

    def sums(self, cells: Numbers, weights: Numbers) -> Numbers:
        """Sketches and means."""
        return weights * np.asarray(cells, np.float64)

    def finish(self, means: Numbers, core: Numbers | None) -> Numbers:  # noqa: ARG002
        """Sketch of the statistic, relative to the survey."""
        found = np.asarray(means[..., :SKETCHED], np.float32)
        if not self.centred:
            return found
        flat = (means[..., SKETCHED:] * self.unit).astype(np.float32).reshape(-1, self.channels)
        less = np.empty((len(flat), SKETCHED), np.float32)
        upper, right = np.triu_indices(self.channels)
        factors = np.where(upper == right, 1, np.sqrt(2)).astype(np.float32) / self.scale
        for start in range(0, len(flat), TOGETHER):
            part = flat[start : start + TOGETHER]
            less[start : start + TOGETHER] = self.sketch(part[:, upper] * part[:, right] * factors)
        return found - less.reshape(found.shape)


class _WithMeans(SecondMoments):
    """Second moments about zero, and the means of the channels behind them."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, centred=True)

    @property
    def needs_means(self) -> bool:
        """Nothing is subtracted."""
        return False

    @cached_property
    def stretches(self) -> tuple[Stretch, ...]:
        """Those of the matrix, and one of the means."""
        matrix = tuple(self._stretches())
        return (*matrix, Stretch(matrix[-1].stop, self.sums, slice(0, 0), slice(0, 0)))

    @cached_property
    def order(self) -> Numbers:
        """Those of the matrix alone."""
        return SecondMoments(self.channels, centred=False).order


@dataclass(frozen=True, eq=False)
class _Laid:
    """What brings a form's entries to what is compared; zero where a matrix has no entry."""

    less: Numbers
    times: Numbers
    place: Numbers

    @classmethod
    def out(cls, moments: SecondMomentsOfCells, unit: float) -> _Laid:
        """Lay offset and scale out as the entries lie."""
        form = SecondMoments(moments.channels, centred=False)
        order, entries = form.order, form.sums
        less, times, place = (
            np.zeros(entries, np.float32),
            np.zeros(entries, np.float32),
            np.zeros(entries, int),
        )
        less[order] = moments.offset * np.float32(unit)
        times[order] = 1 / (moments.scale * np.float32(unit))
        place[order] = np.arange(len(order))
        return cls(less, times, place)

    def compared(self, stretch: Stretch, values: Numbers) -> Numbers:
        """Entries ``(tiles, n)`` relative to the survey."""
        part = slice(stretch.start, stretch.stop)
        return np.asarray((values.reshape(-1, values.shape[-1]) - self.less[part]) * self.times[part])


class _CellTaker:
    """Adds up the sketch of every cell, stretch by stretch."""

    def __init__(self, moments: SecondMomentsOfCells, lattice: Lattice, unit: float) -> None:
        self._moments, self._laid = moments, _Laid.out(moments, unit)
        self._means_unit = np.float32(np.sqrt(unit) * moments.unit)
        self._sketches = np.zeros((lattice.rows, lattice.columns, SKETCHED), np.float32)
        self._means = np.zeros((lattice.rows, lattice.columns, moments.channels), np.float32)

    def take(self, row: int, column: int, stretch: Stretch, values: Numbers) -> None:
        """Sketch a stretch of the matrix, or keep the means."""
        rows, columns, _ = values.shape
        where = (slice(row, row + rows), slice(column, column + columns))
        if stretch.start >= len(self._laid.place):
            self._means[where] = values / self._means_unit
            return
        part = self._laid.place[stretch.start : stretch.stop]
        found = self._laid.compared(stretch, values) @ self._moments.sketch.matrix[part]
        self._sketches[where] += np.asarray(found).reshape(rows, columns, SKETCHED)

    def cells(self) -> Numbers:
        """Sketches, and means where they are needed."""
        if not self._moments.centred:
            return halved(self._sketches)
        return halved(np.concatenate([self._sketches, self._means], axis=-1))


class _TileTaker:
    """Measures the whole vectors of tiles: their lengths, and the vectors where they are kept."""

    def __init__(self, moments: SecondMomentsOfCells, lattice: Lattice, unit: float, *, keep: bool) -> None:
        self._laid = _Laid.out(moments, unit)
        self._order = SecondMoments(moments.channels, centred=False).order
        self._squares = np.zeros((lattice.rows, lattice.columns))
        shape = (lattice.rows, lattice.columns, len(self._laid.place))
        self._entries = np.zeros(shape, np.float32) if keep else None

    def take(self, row: int, column: int, stretch: Stretch, values: Numbers) -> None:
        """Add up squares."""
        rows, columns, entries = values.shape
        found = self._laid.compared(stretch, values)
        where = (slice(row, row + rows), slice(column, column + columns))
        self._squares[where] += np.einsum("te,te->t", found, found, dtype=np.float64).reshape(rows, columns)
        if self._entries is not None:
            self._entries[(*where, slice(stretch.start, stretch.stop))] = found.reshape(
                rows, columns, entries
            )

    def answer(self) -> Whole:
        """Lengths (rows, columns), and vectors (rows, columns, n) or None."""
        vectors = None if self._entries is None else self._entries[..., self._order]
        return Whole(np.sqrt(self._squares), vectors)

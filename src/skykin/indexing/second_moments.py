"""Sketches of the second moments of channels, cell by cell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Self

import numpy as np
from scipy import sparse

from skykin.core.shapes import Degrees, Numbers
from skykin.indexing.moments import LayerScale, Moments, Whole, halved
from skykin.style.engine.cells import Lattice
from skykin.style.engine.shared import Reader, SharedMeter
from skykin.style.network.architecture import channels_of
from skykin.style.statistics.form import Averages, Stretch, scale_of
from skykin.style.statistics.second_moments import SecondMoments

#: Numbers of a sketch.
SKETCHED = 1024
#: Products of means that are laid out at a time.
TOGETHER = 64


@dataclass(frozen=True)
class Sketch:
    r"""Sums of the entries of a vector with random signs, each entry in one random sum.

    .. math:: s_j = \sum_{i : h(i) = j} \pm x_i , \qquad
              \mathrm{E}\, \langle s(x), s(y) \rangle = \langle x, y \rangle

    Where an entry goes depends on its number only, not on data: sketches of any survey compare.

    Parameters
    ----------
    entries : int
        Length of the vectors.

    References
    ----------
    Charikar, Chen & Farach-Colton 2004, Theoretical Computer Science 312, 3 (count sketch);
    Weinberger et al. 2009, ICML (its dot products).
    Steele, Lea & Flood 2014, OOPSLA: the numbers are those of SplitMix64, with the entry's number as state.
    """

    entries: int

    @cached_property
    def matrix(self) -> sparse.csr_array:
        """One entry ±1 per row: (entries, `SKETCHED`), float32."""
        mixed = _splitmix(np.arange(1, self.entries + 1, dtype=np.uint64))
        where = (mixed & np.uint64(SKETCHED - 1)).astype(np.int32)
        signs = np.where(mixed >> np.uint64(63), 1, -1).astype(np.float32)
        return sparse.csr_array((signs, where, np.arange(self.entries + 1)), shape=(self.entries, SKETCHED))

    def __call__(self, vectors: Numbers) -> Numbers:
        """Sketch vectors ``(..., entries)``: float32 ``(..., SKETCHED)``."""
        flat = np.asarray(vectors, np.float32).reshape(-1, self.entries)
        return np.asarray(flat @ self.matrix, np.float32).reshape(*vectors.shape[:-1], SKETCHED)


def _splitmix(state: Numbers) -> Numbers:
    """Output of SplitMix64 after so many steps from 0, modulo 2⁶⁴."""
    with np.errstate(over="ignore"):
        z = state * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


@dataclass(frozen=True, eq=False)
class SecondMomentsOfCells(Moments):
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
    standardised : bool
        Whether whole vectors are compared as offset and scale say; else as they are.
    """

    channels: int
    centred: bool
    offset: Numbers
    scale: Numbers
    unit: float
    standardised: bool

    kind = "sketch"

    @classmethod
    def of(cls, layer: LayerScale) -> Self:
        """Sketch what is compared; without a standard, all numbers of a layer are divided by one."""
        offset, scale = layer.mean, layer.spread
        if layer.standard is None:
            offset = np.zeros_like(layer.mean)
            scale = np.full_like(layer.mean, np.sqrt(np.mean(layer.mean.astype(np.float64) ** 2)))
        unit = 1 / float(scale_of(layer.layer))
        centred = layer.form.needs_means
        return cls(channels_of(layer.layer), centred, offset, scale, unit, layer.standard is not None)

    @property
    def width(self) -> int:
        """The sketch, and the means where they are needed."""
        return SKETCHED + (self.channels if self.centred else 0)

    @property
    def compared_width(self) -> int:
        """The sketch."""
        return SKETCHED

    @cached_property
    def sketch(self) -> Sketch:
        """How long vectors become short."""
        return Sketch(self.channels * (self.channels + 1) // 2)

    def reader(
        self,
        shared: SharedMeter,
        layer: str,
        lattice: Lattice,
        *,
        exact: bool,  # noqa: ARG002
    ) -> tuple[Reader, Callable[[], Numbers]]:
        """Read sketches of cells."""
        taker = _CellTaker(self, lattice, shared.unit(layer))
        return shared.reader(layer, lattice, Averages(shared.form(layer)), taker), taker.cells

    def tile_reader(
        self, shared: SharedMeter, layer: str, lattice: Lattice, *, keep: bool
    ) -> tuple[Reader, Callable[[], Whole]]:
        """Read the whole vectors of tiles: sketches tell no exact lengths."""
        taker = _TileTaker(self, lattice, shared.unit(layer), keep=keep)
        return shared.reader(layer, lattice, shared.form(layer), taker), taker.answer

    def sums(self, cells: Numbers, weights: Numbers) -> Numbers:
        """Sketches and means."""
        return weights * np.asarray(cells, np.float64)

    def finish(self, means: Numbers, rings: Numbers | None, lat_deg: Degrees) -> Numbers:  # noqa: ARG002
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

    def given(self, whole: Numbers) -> Numbers:
        """Divide by the one number, unless it is standardised."""
        return whole if self.standardised else whole / self.scale

    def short(self, whole: Numbers) -> Numbers:
        """Sketch it."""
        return self.sketch(whole)


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

    on_device: ClassVar[bool] = False

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

    on_device: ClassVar[bool] = False

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

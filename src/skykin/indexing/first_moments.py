"""Means and spreads of channels, cell by cell: they add up exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from skykin.core.shapes import Degrees, Numbers
from skykin.indexing.moments import LayerScale, Moments, limited
from skykin.style.engine.cells import Lattice
from skykin.style.engine.shared import Reader, SharedMeter
from skykin.style.network.architecture import channels_of
from skykin.style.signature import FLOOR
from skykin.style.statistics.form import Stretch, scale_of
from skykin.style.statistics.mean_std import FirstMoments
from skykin.style.statistics.statistic import Statistic


@dataclass(frozen=True, eq=False)
class FirstMomentsOfCells(Moments):
    r"""Mean and standard deviation of each channel, coded relative to the survey's.

    .. math:: \mu = \sum_i w_i \mu_i \Big/ \sum_i w_i , \qquad
              \sigma^2 = \sum_i w_i \bigl(\sigma_i^2 + (\mu_i - \mu)^2\bigr) \Big/ \sum_i w_i

    Parameters
    ----------
    statistic : Statistic
        Made of the two, and of the means over its rings.
    mean, spread : float32 array (2 × channels,)
        What is subtracted from means and deviations, and what they are divided by: half precision is enough
        for what is left.
    numbers : int
        That are compared.
    compared : callable
        From the statistic to what is compared.
    """

    statistic: Statistic
    mean: Numbers
    spread: Numbers
    numbers: int
    compared: Callable[[Numbers, Degrees], Numbers]

    @classmethod
    def of(cls, layer: LayerScale) -> Self:
        """Code them relative to the survey's, also where the recipe compares them as they are."""
        if not layer.statistic.rings:
            return cls(layer.statistic, layer.mean, layer.spread, layer.width, layer.compared)
        # A profile holds no means: both are coded in units of the survey's mean spread, which ends it.
        unit = layer.mean[-channels_of(layer.layer) :]
        unit = np.maximum(unit, FLOOR * np.median(unit[unit > 0]))
        both = np.concatenate([unit, unit])
        return cls(layer.statistic, np.zeros_like(both), both, layer.width, layer.compared)

    @property
    def rings(self) -> tuple[int, ...]:
        """As the statistic has them."""
        return self.statistic.rings

    @property
    def width(self) -> int:
        """Means and spreads."""
        return int(self.mean.size)

    @property
    def compared_width(self) -> int:
        """Numbers that are compared."""
        return self.numbers

    def reader(
        self, shared: SharedMeter, layer: str, lattice: Lattice, *, exact: bool
    ) -> tuple[Reader, Callable[[], Numbers]]:
        """Read means and spreads of cells."""
        form = FirstMoments(channels_of(layer))
        taker = _Taker(self, lattice, float(scale_of(layer)), np.float32 if exact else np.float16)
        return shared.reader(layer, lattice, form, taker), lambda: taker.cells

    def sums(self, cells: Numbers, weights: Numbers) -> Numbers:
        """Coded means, their squares, and variances."""
        channels = self.width // 2
        means = np.asarray(cells[..., :channels], np.float64)
        inner = np.asarray(cells[..., channels:], np.float64) * self.spread[channels:] + self.mean[channels:]
        # Coded means are deviations in units of the spread: nothing cancels in their squares.
        return np.asarray(weights * np.concatenate([means, means**2, inner**2], axis=-1))

    def finish(self, means: Numbers, rings: Numbers | None, lat_deg: Degrees) -> Numbers:
        """Mean and spread of all together, and the means of the rings, compared."""
        mean, square, inner = np.split(means, 3, axis=-1)
        channels = mean.shape[-1]
        unit, zero = (each[:channels].astype(np.float64) for each in (self.spread, self.mean))
        between = np.maximum(square - mean**2, 0) * unit**2
        own = None if rings is None else rings[..., :channels] * unit + zero
        raw = self.statistic.of_spreads(mean * unit + zero, np.sqrt(inner + between), own)
        return np.asarray(self.compared(raw, lat_deg), np.float32)


class _Taker:
    """Writes the statistic of every cell in half or single precision."""

    on_device: ClassVar[bool] = False

    def __init__(
        self, moments: FirstMomentsOfCells, lattice: Lattice, unit: float, kept: type[np.floating]
    ) -> None:
        self._moments, self._unit = moments, np.float32(unit)
        self.cells = np.zeros((lattice.rows, lattice.columns, moments.width), kept)

    def take(self, row: int, column: int, stretch: Stretch, values: Numbers) -> None:  # noqa: ARG002
        """Write the entries; `stretch` is all of them."""
        rows, columns, _ = values.shape
        coded = (values / self._unit - self._moments.mean) / self._moments.spread
        # What does not fit into half precision is cut off, in single precision the same.
        self.cells[row : row + rows, column : column + columns] = limited(coded)

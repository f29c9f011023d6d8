"""Means and spreads of channels, cell by cell: they add up exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np

from skykin.core.shapes import Numbers
from skykin.indexing.moments import LayerScale, Moments, limited
from skykin.style.engine.cells import CellReader, Lattice
from skykin.style.engine.shared import Reader, SharedMeter
from skykin.style.statistics.form import Stretch


@dataclass(frozen=True, eq=False)
class FirstMomentsOfCells(Moments):
    r"""Mean and standard deviation of each channel, written as deviations from the survey's tiles.

    .. math:: \mu = \sum_i w_i \mu_i \Big/ \sum_i w_i , \qquad
              \sigma^2 = \sum_i w_i \bigl(\sigma_i^2 + (\mu_i - \mu)^2\bigr) \Big/ \sum_i w_i

    Parameters
    ----------
    mean, spread : float32 array (2 × channels,)
        Of the survey's tiles; half precision is enough for what differs from them.
    compared : callable
        From means and spreads to what is compared.
    """

    mean: Numbers
    spread: Numbers
    compared: Callable[[Numbers], Numbers]

    @classmethod
    def of(cls, layer: LayerScale) -> Self:
        """Code them relative to the survey's, also where the recipe compares them as they are."""
        return cls(layer.mean, layer.spread, layer.compared)

    @property
    def width(self) -> int:
        """Means and spreads."""
        return int(self.mean.size)

    @property
    def compared_width(self) -> int:
        """The same number."""
        return self.width

    def reader(
        self, shared: SharedMeter, layer: str, lattice: Lattice, *, exact: bool
    ) -> tuple[Reader, Callable[[], Numbers]]:
        """Read means and spreads of cells."""
        form = shared.form(layer)
        taker = _Taker(self, lattice, shared.unit(layer), np.float32 if exact else np.float16)
        return CellReader(lattice, layer, dict(shared.strides())[layer], form, taker), lambda: taker.cells

    def sums(self, cells: Numbers, weights: Numbers) -> Numbers:
        """Coded means, their squares, and variances."""
        channels = self.width // 2
        means = np.asarray(cells[..., :channels], np.float64)
        inner = np.asarray(cells[..., channels:], np.float64) * self.spread[channels:] + self.mean[channels:]
        # Coded means are deviations in units of the spread: nothing cancels in their squares.
        return np.asarray(weights * np.concatenate([means, means**2, inner**2], axis=-1))

    def finish(self, means: Numbers, rings: Numbers | None) -> Numbers:  # noqa: ARG002
        """Mean and spread of all together, compared."""
        mean, square, inner = np.split(means, 3, axis=-1)
        channels = mean.shape[-1]
        spread = self.spread[:channels].astype(np.float64)
        between = np.maximum(square - mean**2, 0) * spread**2
        raw = np.concatenate([mean * spread + self.mean[:channels], np.sqrt(inner + between)], axis=-1)
        return np.asarray(self.compared(raw), np.float32)


class _Taker:
    """Writes the statistic of every cell in half or single precision."""

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

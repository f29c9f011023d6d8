"""Moments of cells: what adds up to the means and spreads of any union of cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from skykin.core.shapes import Numbers
from skykin.style.cells import Lattice, boxes
from skykin.style.forms import Form, Stretch

#: Channels that are added up together: double precision of a large facet stays small.
TOGETHER = 64
#: Half precision ends at 65 504.
LARGEST = 6e4


@dataclass(frozen=True, eq=False)
class Code:
    """How a layer's numbers are written in half precision: as deviations from the survey's mean.

    Parameters
    ----------
    mean, spread : float32 array (n,)
        Of the survey's tiles; kept with the index.
    """

    mean: Numbers
    spread: Numbers

    def write(self, values: Numbers) -> Numbers:
        """Code values ``(..., n)``; what is not finite becomes 0."""
        coded = np.nan_to_num((values - self.mean) / self.spread, nan=0, posinf=0, neginf=0)
        return np.clip(coded, -LARGEST, LARGEST).astype(np.float16)

    def read(self, coded: Numbers) -> Numbers:
        """Decode to float32."""
        return np.asarray(coded, np.float32) * self.spread + self.mean


class CodedTaker:
    """Keeps the statistic of every cell in half precision."""

    def __init__(self, lattice: Lattice, form: Form, unit: float, code: Code) -> None:
        self._unit, self._code = np.float32(unit), code
        self.cells = np.zeros((lattice.rows, lattice.columns, form.stretches[-1].stop), np.float16)

    def take(self, row: int, column: int, stretch: Stretch, values: Numbers) -> None:  # noqa: ARG002
        """Keep the entries; `stretch` is all of them."""
        rows, columns, _ = values.shape
        self.cells[row : row + rows, column : column + columns] = self._code.write(values / self._unit)


def add_up(cells: Numbers, weights: Numbers, code: Code, reach: int, step: int = 1) -> Numbers:
    r"""Means and spreads of all squares of `reach` × `reach` cells.

    .. math:: \mu = \sum_i w_i \mu_i \Big/ \sum_i w_i , \qquad
              \sigma^2 = \sum_i w_i \bigl(\sigma_i^2 + (\mu_i - \mu)^2\bigr) \Big/ \sum_i w_i

    Parameters
    ----------
    cells : float16 array (rows, columns, 2 × channels)
        Coded means, then coded standard deviations.
    weights : array (rows, columns)
    code : Code
    reach, step : int
        Side of a square and distance between squares, cells.

    Returns
    -------
    float32 array (rows', columns', 2 × channels)
        NaN where the weights sum to zero.
    """
    channels = cells.shape[-1] // 2
    w = np.asarray(weights, np.float64)[..., None]

    def total(values: Numbers) -> Numbers:
        return boxes(boxes(values, reach, 0), reach, 1)[::step, ::step]

    whole = total(w)
    whole[~(whole > 0)] = np.nan
    found = np.empty((*whole.shape[:2], 2 * channels), np.float32)
    for start in range(0, channels, TOGETHER):
        low = slice(start, min(start + TOGETHER, channels))
        high = slice(low.start + channels, low.stop + channels)
        found[..., low], found[..., high] = _pooled(cells, w, code, (low, high), total, whole)
    return found


def add_all(cells: Numbers, weights: Numbers, code: Code) -> Numbers:
    """Means and spreads of groups of cells, from ``(..., cells, n)`` to ``(..., n)``."""
    channels = cells.shape[-1] // 2
    w = np.asarray(weights, np.float64)[..., None]
    whole = w.sum(axis=-2)
    whole[~(whole > 0)] = np.nan

    def total(values: Numbers) -> Numbers:
        return np.asarray(values.sum(axis=-2))

    halves = (slice(0, channels), slice(channels, 2 * channels))
    return np.concatenate(_pooled(cells, w, code, halves, total, whole), axis=-1).astype(np.float32)


def _pooled(  # noqa: PLR0917
    cells: Numbers,
    weights: Numbers,
    code: Code,
    halves: tuple[slice, slice],
    total: Callable[[Numbers], Numbers],
    whole: Numbers,
) -> tuple[Numbers, Numbers]:
    low, high = halves
    # Coded means are deviations in units of the spread: nothing cancels.
    means = np.asarray(cells[..., low], np.float64)
    inner = (np.asarray(cells[..., high], np.float64) * code.spread[high] + code.mean[high]) ** 2
    mean = total(weights * means) / whole
    between = total(weights * means**2) / whole - mean**2
    spread = code.spread[low].astype(np.float64)
    square = total(weights * inner) / whole + np.maximum(between, 0) * spread**2
    return mean * spread + code.mean[low], np.sqrt(square)

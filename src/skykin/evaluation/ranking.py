"""A ranked sky: how much of it comes before a tile, and how similar two rankings are."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.stats import spearmanr

from skykin.core.errors import UsageError
from skykin.core.shapes import Numbers

#: Sums of weights in another order differ by less than this.
ROUNDING = 1e-12


def sky_share(values: Numbers, weight: Numbers | None = None) -> Numbers:
    r"""Share of the sky that is at least as high, for each tile.

    .. math:: s_i = \frac{1}{W} \Big( \sum_{v_j > v_i} w_j
              + \tfrac{1}{2} \big( w_i + \sum_{v_j = v_i} w_j \big) \Big)

    Tiles of equal value share the mean of the first and the last place they could have among
    themselves, so that a constant score finds nothing early.  NaN ranks below everything.

    Parameters
    ----------
    values : array (tiles,)
        Larger is better.
    weight : array (tiles,), optional
        Sky that each tile stands for; equal by default.

    Returns
    -------
    array (tiles,)
        Above 0, at most 1; for N tiles of equal weight and different values the ranks 1/N, 2/N … 1.
    """
    values = np.asarray(values, dtype=np.float64)
    weight = np.ones(values.shape) if weight is None else np.asarray(weight, dtype=np.float64)
    # NaN sorts to the end, and all NaN are one value: last.
    _, group = np.unique(-values, return_inverse=True, equal_nan=True)
    group_weight = np.bincount(group, weights=weight)
    above = np.concatenate([[0.0], np.cumsum(group_weight)[:-1]])
    share = (above[group] + (weight + group_weight[group]) / 2) / group_weight.sum()
    return np.asarray(np.minimum(share, 1.0))


def sky_fraction_above(values: Numbers, threshold: float, weight: Numbers | None = None) -> float:
    """Share of the sky whose value is at or above the threshold, 0 to 1; NaN is below."""
    values = np.asarray(values, dtype=np.float64)
    weight = np.ones(values.shape) if weight is None else np.asarray(weight, dtype=np.float64)
    return float(weight[values >= threshold].sum() / weight.sum())


def threshold_of_top(values: Numbers, fraction: float, weight: Numbers | None = None) -> float:
    """Return the value at which the best tiles first hold a fraction of the sky; NaN tiles are last.

    Parameters
    ----------
    values : array (tiles,)
        Larger is better.
    fraction : float
        Share of the sky, 0 to 1.
    weight : array (tiles,), optional
        Sky that each tile stands for; equal by default.
    """
    values = np.asarray(values, dtype=np.float64)
    weight = np.ones(values.shape) if weight is None else np.asarray(weight, dtype=np.float64)
    order = np.argsort(np.where(np.isnan(values), np.inf, -values), kind="stable")
    held = np.cumsum(weight[order]) / weight.sum()
    return float(values[order[np.searchsorted(held, fraction - ROUNDING)]])


def within(share: Numbers, sky_fraction: Numbers | Sequence[float]) -> Numbers:
    """Tell which regions lie within each fraction of the sky: bool array (fractions, regions)."""
    return np.asarray(share)[None, :] <= np.asarray(sky_fraction)[:, None] + ROUNDING


def rank_correlation(first: Numbers, second: Numbers) -> float:
    """Spearman's rank correlation over the places where both values are finite, or NaN.

    Raises
    ------
    UsageError
        If the arrays differ in shape.
    """
    first, second = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if first.shape != second.shape:
        raise UsageError(f"cannot correlate values of shape {first.shape} with values of {second.shape}")
    both = np.isfinite(first) & np.isfinite(second)
    first, second = first[both], second[both]
    if first.size < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return math.nan
    return float(spearmanr(first, second).statistic)

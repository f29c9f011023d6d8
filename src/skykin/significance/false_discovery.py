"""False discoveries: what share of the tiles that are called matches would be there without any kin."""

from __future__ import annotations

import numpy as np

from skykin.core.errors import UsageError
from skykin.core.shapes import Numbers


def q_values(p: Numbers, weight: Numbers | None = None) -> Numbers:
    r"""Smallest false discovery rate at which each tile is a match.

    .. math:: q_i = \min_{p_j \ge p_i} \min\Big(1, \frac{p_j \sum_k w_k}{\sum_{p_k \le p_j} w_k}\Big)

    With equal weights this is the step-up rule of Benjamini and Hochberg; weights make it a rate of sky
    instead of tiles, where a grid is denser in one place than in another.  It holds for tiles that overlap,
    because their scores depend positively on each other.  Sampling the same sky more densely does not
    change it: tiles and matches grow together.

    Parameters
    ----------
    p : array (tiles,)
        From 0 to 1; a tile of NaN is not tested.
    weight : array (tiles,), optional
        Sky that each tile stands for; equal by default.

    Returns
    -------
    float64 array (tiles,)
        From 0 to 1, never falling with p; NaN where p is.

    Raises
    ------
    UsageError
        If a p-value is not between 0 and 1, or a weight is not positive.

    References
    ----------
    Benjamini & Hochberg 1995, JRSS B 57, 289; with weights: 1997, Scand. J. Stat. 24, 407.
    Benjamini & Yekutieli 2001, Ann. Stat. 29, 1165 (positive dependence).
    """
    p = np.asarray(p, dtype=np.float64)
    weight = np.ones(p.shape) if weight is None else np.asarray(weight, dtype=np.float64)
    tested = ~np.isnan(p)
    values, held = p[tested], weight[tested]
    if values.size and not (values.min() >= 0 and values.max() <= 1):
        found = f"{values.min():g} to {values.max():g}"
        raise UsageError(f"p-values lie between 0 and 1, but these reach from {found}")
    if not (held > 0).all():
        raise UsageError("every tile stands for some sky, but some weights are not above 0")
    q = np.full(p.shape, np.nan)
    order = np.argsort(values, kind="stable")
    share = np.minimum(np.cumsum(held[order]) / held.sum(), 1.0)
    ordered = values[order]
    # Equal p-values are called together.
    share = share[np.searchsorted(ordered, ordered, side="right") - 1]
    climbing = np.minimum.accumulate((ordered / share)[::-1])[::-1]
    q[np.flatnonzero(tested)[order]] = np.minimum(climbing, 1.0)
    return q


def q_of_one_more(p: Numbers, weight: Numbers, more: Numbers, more_weight: Numbers) -> Numbers:
    """Give the q-value that each of some other tiles would have beside all of these, one at a time.

    Parameters
    ----------
    p, weight : array (tiles,)
        As for `q_values`; NaN is not tested.
    more, more_weight : array (others,)
        p-values, none of them NaN, and weights of the others.

    Returns
    -------
    float64 array (others,)
        For each what `q_values` gives it when it is appended to the tiles.
    """
    tested = ~np.isnan(p)
    order = np.argsort(p[tested], kind="stable")
    ordered, held = p[tested][order], np.cumsum(weight[tested][order])
    total = held[-1] if held.size else 0.0
    last = np.searchsorted(ordered, ordered, side="right") - 1
    q = np.empty(len(more))
    for own in np.unique(more_weight):
        rows = more_weight == own
        rates = ordered * (total + own) / (held[last] + own)
        # What is called with it, or after it: the smallest rate from its place on.
        climbing = np.append(np.minimum.accumulate(rates[::-1])[::-1], np.inf)
        below = np.searchsorted(ordered, more[rows], side="right")
        alone = more[rows] * (total + own) / (np.append(0.0, held)[below] + own)
        q[rows] = np.minimum(np.minimum(alone, climbing[below]), 1.0)
    return q

"""The significance of each tile's score: p from the tail of the matched null, and q from p."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from skykin.core.errors import UsageError
from skykin.core.shapes import Numbers
from skykin.significance.matched_null import (
    FEWEST_INDEPENDENT,
    Matching,
    Tiles,
    independent_tiles,
    standardised,
)

#: The tail begins where so much of the null lies above.
BEGINS = 0.25
#: How far the highest of the null lie does not count, only how many: they may be similar to the reference.
HIDDEN = 0.05
#: Share of the tiles, by score alone, among which a match must be.
HIGH = 0.25


@dataclass(frozen=True, eq=False)
class Tail:
    r"""Null distribution of a standardised score: counted below, an exponential tail above.

    .. math:: p(t) = \frac{\sum_{t_j \ge t} w_j}{\sum_j w_j} \;(t \le u), \qquad
              p(t) = 0.25 \Big(1 + \frac{t - u}{n \beta}\Big)^{-n} \;(t > u)

    :math:`u` is the value that a quarter of the null exceeds.  :math:`\beta` is the mean excess over it of
    an exponential distribution by maximum likelihood, with the highest twentieth censored: their number
    counts, not their height, so that a few similar tiles in the null hardly matter.  The power law is what
    is known of an exponential tail whose :math:`\beta` was estimated from :math:`n` independent values; with
    many it becomes :math:`e^{-(t - u)/\beta}`.

    Parameters
    ----------
    values, above : array (n,)
        Growing values of the null, and the share of it that is at least as high.
    begins : float
        :math:`u`.
    excess : float
        :math:`\beta`, above 0.
    independent : float
        :math:`n`.

    References
    ----------
    Pickands 1975, Ann. Stat. 3, 119 (tails of most distributions are of this family; here with shape 0).
    Knijnenburg et al. 2009, Bioinformatics 25, i161 (tails for p-values below what can be counted).
    """

    values: Numbers
    above: Numbers
    begins: float
    excess: float
    independent: float

    @classmethod
    def fit(cls, values: Numbers, weight: Numbers, independent: float) -> Self | None:
        """Measure the null on values (n,) with weights, equivalent to so many independent ones.

        Returns
        -------
        Tail or None
            None if the null has no tail, because too few values differ.
        """
        order = np.argsort(values, kind="stable")
        values, weight = values[order], weight[order] / weight.sum()
        above = np.minimum(np.cumsum(weight[::-1])[::-1], 1.0)
        begins, hidden = (float(values[np.argmax(above <= share)]) for share in (BEGINS, HIDDEN))
        seen = (values > begins) & (values < hidden)
        excess = weight[seen] @ (values[seen] - begins) + weight[values >= hidden].sum() * (hidden - begins)
        if not (weight[seen].sum() > 0 and excess > 0):
            return None
        return cls(values, above, begins, float(excess / weight[seen].sum()), independent * (BEGINS - HIDDEN))

    def p(self, at: Numbers) -> Numbers:
        """Share of the null that is at least as high, 0 to 1; NaN at NaN."""
        at = np.asarray(at, dtype=np.float64)
        place = np.searchsorted(self.values, at, side="left")
        counted = np.append(self.above, 0.0)[place]
        beyond = np.maximum(at - self.begins, 0) / (self.independent * self.excess)
        tail = BEGINS * np.exp(-self.independent * np.log1p(beyond))
        p = np.where(at > self.begins, tail, np.maximum(counted, BEGINS))
        return np.where(np.isnan(at), np.nan, p)


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


@dataclass(frozen=True, eq=False)
class Calibration:
    """The significance of the scores of a map, tile by tile.

    Parameters
    ----------
    standardised : array (tiles,)
        How far a tile scores above what is usual for tiles of its brightness, |b| and coverage, in units of
        their spread.
    p : array (tiles,)
        p-value under the matched null.
    q : array (tiles,)
        False discovery rate at which the tile is a match; 1 where the score itself is not high.
    independent : float
        Number of independent tiles to which the others are equivalent.
    """

    standardised: Numbers
    p: Numbers
    q: Numbers
    independent: float

    @property
    def known(self) -> bool:
        """Whether any tile has a p-value."""
        return bool(np.isfinite(self.p).any())


def calibrate(tiles: Tiles, apart: np.ndarray, matching: Matching | None = None) -> Calibration:
    """Tell how unusual the score of each tile is, among the tiles that overlap no reference.

    Parameters
    ----------
    tiles : Tiles
    apart : bool array (tiles,)
        Which tiles overlap no reference.
    matching : Matching, optional
        Of these tiles, if it was made before: it does not depend on the reference.

    Returns
    -------
    Calibration
        NaN in every tile if fewer than 12 independent tiles lie away from the reference, or they all score
        the same.  A tile counts as a match only if its score is also among the highest quarter: a dark
        tile may be unusual among dark tiles, and still be nothing like the reference.  Its p-value is then
        taken as 1, which can only make q larger.  Tiles that overlap the reference are each tested
        beside the others: they are similar by construction, and must not make room for false discoveries.
    """
    beside = ~apart
    null = tiles.usable & apart
    independent = independent_tiles(tiles.area[null], tiles.size_deg)
    t = standardised(tiles, null, matching)
    unknown = np.full(len(t), np.nan)
    if independent < FEWEST_INDEPENDENT or not np.isfinite(t).any():
        return Calibration(t, unknown, unknown, independent)
    tail = Tail.fit(t[null], tiles.area[null], independent)
    if tail is None:
        return Calibration(t, unknown, unknown, independent)
    p = tail.p(t)
    tested = np.where(
        tiles.score >= _high(tiles.score[null], tiles.area[null]), p, np.where(np.isnan(p), p, 1.0)
    )
    q = unknown.copy()
    q[null] = q_values(tested[null], tiles.area[null])
    rows = np.flatnonzero(beside & np.isfinite(p))
    q[rows] = q_of_one_more(tested[null], tiles.area[null], tested[rows], tiles.area[rows])
    return Calibration(t, p, q, independent)


def _high(score: Numbers, area: Numbers) -> float:
    """Return the score that a quarter of the sky reaches."""
    order = np.argsort(score, kind="stable")[::-1]
    return float(score[order][np.searchsorted(np.cumsum(area[order]), HIGH * area.sum())])

"""The significance of each tile's score: p from the tail of the matched null, q from the peaks of the map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from skykin.core.shapes import Numbers
from skykin.significance.false_discovery import q_of_one_more, q_values
from skykin.significance.matched_null import (
    FEWEST_INDEPENDENT,
    Matching,
    Tiles,
    independent_tiles,
    standardised,
)
from skykin.significance.peaks import Neighbours, PeakHeights, peaks

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
        False discovery rate, of peaks, at which the tile is a match; 1 where the score itself is not high.
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


def calibrate(
    tiles: Tiles,
    apart: np.ndarray,
    matching: Matching | None = None,
    neighbours: Neighbours | None = None,
) -> Calibration:
    """Tell how unusual the score of each tile is, among the tiles that overlap no reference.

    Parameters
    ----------
    tiles : Tiles
    apart : bool array (tiles,)
        Which tiles overlap no reference.
    matching : Matching, optional
        Of these tiles, if it was made before: it does not depend on the reference.
    neighbours : Neighbours, optional
        Likewise.

    Returns
    -------
    Calibration
        NaN in every tile if fewer than 12 independent tiles lie away from the reference, or they all score
        the same.  A tile counts as a match only if its score is also among the highest quarter: a dark
        tile may be unusual among dark tiles, and still be nothing like the reference; it is then no
        discovery.  What is discovered are peaks (`PeakHeights`), since several tiles show one object.  Tiles
        that overlap the reference are each tested beside the others: they are similar by construction, and
        must not make room for false discoveries.
    """
    null = tiles.usable & apart
    independent = independent_tiles(tiles.area[null], tiles.size_deg)
    t = standardised(tiles, null, matching)
    unknown = np.full(len(t), np.nan)
    if independent < FEWEST_INDEPENDENT or not np.isfinite(t).any():
        return Calibration(t, unknown, unknown, independent)
    tail = Tail.fit(t[null], tiles.area[null], independent)
    if tail is None:
        return Calibration(t, unknown, unknown, independent)
    return Calibration(t, tail.p(t), _rates(tiles, null, t, neighbours), independent)


def _rates(tiles: Tiles, null: np.ndarray, t: Numbers, neighbours: Neighbours | None) -> Numbers:
    """Give the false discovery rate of the peaks at least as high as each tile; 1 if too few tell it."""
    high = tiles.score >= _high(tiles.score[null], tiles.area[null])
    rows = peaks(tiles, t, null, neighbours)
    heights = PeakHeights.fit(t[rows])
    if heights is None:
        return np.where(np.isnan(t), np.nan, 1.0)
    p = np.where(high | np.isnan(t), heights.p(t), 1.0)
    return np.where(null, q_values(p[rows], p), q_of_one_more(p[rows], p))


def _high(score: Numbers, area: Numbers) -> float:
    """Return the score that a quarter of the sky reaches."""
    order = np.argsort(score, kind="stable")[::-1]
    return float(score[order][np.searchsorted(np.cumsum(area[order]), HIGH * area.sum())])

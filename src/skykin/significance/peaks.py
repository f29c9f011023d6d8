"""The peaks of a map, which stand out more than every tile beside them, and how high they usually are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.spatial import cKDTree

from skykin.core.shapes import Numbers
from skykin.core.sphere import chord
from skykin.significance.matched_null import Tiles

#: So many nearest tiles are looked at, one number after the other: most that are no peak are soon known.
NEAREST = (3, 9, 27)
#: How high the highest of the peaks are does not count, only how many: they may be similar to the reference.
HIDDEN = 0.25
#: Peaks whose heights must differ, to tell how high they usually are.
FEWEST = 4
#: Plotting positions by which the heights of a Gumbel distribution are fitted without bias.
GRINGORTEN = 0.44


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Which tiles lie within a tile's side of each other: the same for every query on the same tiles.

    Parameters
    ----------
    tree : cKDTree
        Of the centres.
    nearest : int32 array (tiles, n)
        The nearest of them; the number of all tiles where there are fewer.
    side : float
        Side of a tile as a chord of the unit sphere.
    """

    tree: cKDTree
    nearest: Numbers
    side: float

    @classmethod
    def of(cls, tiles: Tiles) -> Self:
        """Find them."""
        tree, side = cKDTree(tiles.directions()), chord(tiles.size_deg)
        _, nearest = tree.query(tree.data, k=NEAREST[-1], distance_upper_bound=side)
        return cls(tree, nearest.astype(np.int32), side)


def peaks(tiles: Tiles, height: Numbers, among: np.ndarray, neighbours: Neighbours | None = None) -> Numbers:
    """Find the tiles that no other of those within a tile's side exceeds.

    Parameters
    ----------
    tiles : Tiles
    height : array (tiles,)
        In which a peak is highest.
    among : bool array (tiles,)
        Which tiles are looked at; their heights are finite.
    neighbours : Neighbours, optional
        Of these tiles; found anew if left out.

    Returns
    -------
    int array (peaks,)
        Rows; of equal tiles beside each other, the first.
    """
    left = rows = np.flatnonzero(among)
    if not rows.size:
        return rows
    near = neighbours or Neighbours.of(tiles)
    # Places from below; −1 of tiles that are not looked at, and of the last, which stands for nothing near.
    place = np.full(len(among) + 1, -1)
    place[rows[np.argsort(-height[rows], kind="stable")[::-1]]] = np.arange(len(rows))
    for number in NEAREST:
        left = left[place[left] == place[near.nearest[left, :number]].max(axis=1)]
    beside = near.tree.query_ball_point(near.tree.data[left], near.side)
    highest = [place[row] == place[others].max() for row, others in zip(left, beside, strict=True)]
    return np.asarray(left[np.array(highest, dtype=bool)])


@dataclass(frozen=True)
class PeakHeights:
    r"""How high the peaks of a map are: a Gumbel distribution, fitted to the lower three quarters.

    .. math:: p(t) = 1 - \exp\Big(-\Big(1 + \frac{t - \mu}{n \beta}\Big)^{-n}\Big)

    The largest of many values with an exponential tail has this distribution, with :math:`n \to \infty`; the
    power law is what is known of it if :math:`\beta` was estimated from :math:`n` values.  The null is that
    of the map itself: whatever stands out in it, be it cloud or object, makes peaks.  So a match must stand
    out more than those do, and not only more than the diffuse sky between them.  The highest quarter does not
    count, because it may be similar to the reference; if more of the peaks are, they hide each other.

    Parameters
    ----------
    middle, spread : float
        :math:`\mu` and :math:`\beta`.
    number : int
        :math:`n`.

    References
    ----------
    Chumbley & Friston 2009, NeuroImage 44, 62; Schwartzman, Gavrilov & Adler 2011, Ann. Stat. 39, 3290
    (false discovery rates of peaks instead of points).
    Efron 2004, JASA 99, 96 (a null measured on the middle of what is tested).
    Gringorten 1963, J. Geophys. Res. 68, 813 (plotting positions).
    """

    middle: float
    spread: float
    number: int

    @classmethod
    def fit(cls, height: Numbers) -> Self | None:
        """Measure heights (peaks,) by least squares against the quantiles of the distribution.

        Returns
        -------
        PeakHeights or None
            None if the lower three quarters are too few, or all the same.
        """
        seen = math.ceil((1 - HIDDEN) * len(height))
        values = np.sort(height)[:seen]
        if seen < FEWEST or not np.ptp(values) > 0:
            return None
        share = (np.arange(1, seen + 1) - GRINGORTEN) / (len(height) + 1 - 2 * GRINGORTEN)
        quantile = -np.log(-np.log(share))
        away = quantile - quantile.mean()
        spread = float(away @ values / (away @ away))
        return cls(float(values.mean() - spread * quantile.mean()), spread, seen)

    def p(self, at: Numbers) -> Numbers:
        """Share of peaks that are at least as high, 0 to 1; NaN at NaN."""
        beyond = (np.asarray(at, dtype=np.float64) - self.middle) / (self.number * self.spread)
        with np.errstate(divide="ignore"):
            power = -self.number * np.log1p(np.maximum(beyond, -1))
        return np.asarray(-np.expm1(-np.exp(np.minimum(power, 700.0))))

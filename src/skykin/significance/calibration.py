"""A calibrated score: how unusual a tile's likeness to the reference is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skykin.core.shapes import Degrees, Numbers
from skykin.significance.false_discovery import q_of_one_more, q_values
from skykin.significance.matched_null import FEWEST_INDEPENDENT, independent_tiles, standardised
from skykin.significance.matching import Matching
from skykin.significance.scored_tiles import Tiles
from skykin.significance.tail import Tail

#: Share of the tiles, by score alone, among which a match must be.
HIGH = 0.25


@dataclass(frozen=True, eq=False)
class Calibration:
    """What the scores of a map are worth, tile by tile.

    Parameters
    ----------
    standardised : array (tiles,)
        How far a tile scores above what is usual for tiles of its brightness, |b| and coverage, in units of
        their spread.
    p : array (tiles,)
        Share of tiles without kinship that would stand out as much.
    q : array (tiles,)
        False discovery rate at which the tile is a match; 1 where the score itself is not high.
    beside : bool array (tiles,)
        Whether the tile shares sky with a reference.
    independent : float
        Tiles without common sky that the others are worth.
    """

    standardised: Numbers
    p: Numbers
    q: Numbers
    beside: np.ndarray
    independent: float

    @property
    def known(self) -> bool:
        """Whether any tile has a p-value."""
        return bool(np.isfinite(self.p).any())


def calibrate(tiles: Tiles, lon_deg: float | Degrees, lat_deg: float | Degrees) -> Calibration:
    """Tell how unusual the score of each tile is, among the tiles that share no sky with a reference.

    Parameters
    ----------
    tiles : Tiles
    lon_deg, lat_deg : float or array (references,)
        Centre of the reference, or of several, degrees.

    Returns
    -------
    Calibration
        NaN in every tile if fewer than 12 independent tiles lie away from the reference, or they all score
        the same.  A tile counts as a match only if its score is also among the highest quarter: a dark
        tile may be unusual among dark tiles, and still be nothing like the reference.  Its p-value is then
        taken as 1, which can only make q larger.  Tiles that share sky with the reference are tested one
        by one beside the others: they are likenesses that nobody doubts, and must not make room for false
        ones.
    """
    places = zip(np.atleast_1d(lon_deg), np.atleast_1d(lat_deg), strict=True)
    apart = [tiles.apart_from(float(lon), float(lat)) for lon, lat in places]
    return calibrate_against(tiles, np.all(apart, axis=0))


def calibrate_against(tiles: Tiles, apart: np.ndarray, matching: Matching | None = None) -> Calibration:
    """Tell how unusual the score of each tile is, among the tiles that share no sky with any reference.

    Parameters
    ----------
    tiles : Tiles
    apart : bool array (tiles,)
        Which tiles share no sky with any reference.
    matching : Matching, optional
        Of these tiles, if it was made before: it does not depend on the reference.

    Returns
    -------
    Calibration
        As `calibrate`.
    """
    beside = ~apart
    null = tiles.usable & apart
    independent = independent_tiles(tiles.area[null], tiles.size_deg)
    t = standardised(tiles, null, matching)
    unknown = np.full(len(t), np.nan)
    if independent < FEWEST_INDEPENDENT or not np.isfinite(t).any():
        return Calibration(t, unknown, unknown, beside, independent)
    tail = Tail.fit(t[null], tiles.area[null], independent)
    if tail is None:
        return Calibration(t, unknown, unknown, beside, independent)
    p = tail.p(t)
    tested = np.where(
        tiles.score >= _high(tiles.score[null], tiles.area[null]), p, np.where(np.isnan(p), p, 1.0)
    )
    q = unknown.copy()
    q[null] = q_values(tested[null], tiles.area[null])
    rows = np.flatnonzero(beside & np.isfinite(p))
    q[rows] = q_of_one_more(tested[null], tiles.area[null], tested[rows], tiles.area[rows])
    return Calibration(t, p, q, beside, independent)


def _high(score: Numbers, area: Numbers) -> float:
    """Return the score that a quarter of the sky reaches."""
    order = np.argsort(score, kind="stable")[::-1]
    return float(score[order][np.searchsorted(np.cumsum(area[order]), HIGH * area.sum())])

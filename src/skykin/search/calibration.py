"""A calibrated score: how unusual a tile's likeness to the reference is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skykin.core.shapes import Numbers
from skykin.search.false_discovery import q_values
from skykin.search.matched_null import FEWEST_INDEPENDENT, Tiles, independent_tiles, standardised
from skykin.search.tail import Tail


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
        False discovery rate at which the tile is a match.
    independent : float
        Tiles without common sky that the tiles away from the reference are worth.
    """

    standardised: Numbers
    p: Numbers
    q: Numbers
    independent: float

    @property
    def known(self) -> bool:
        """Whether any tile has a p-value."""
        return bool(np.isfinite(self.p).any())


def calibrate(tiles: Tiles, lon_deg: float, lat_deg: float) -> Calibration:
    """Tell how unusual the score of each tile is, among the tiles that share no sky with the reference.

    Parameters
    ----------
    tiles : Tiles
    lon_deg, lat_deg : float
        Centre of the reference, degrees.

    Returns
    -------
    Calibration
        NaN in every tile if fewer than 12 independent tiles lie away from the reference, or they all score
        the same.  Tiles that share sky with the reference have a p-value like all, and the q-value of a
        tile elsewhere with their p-value: they are likenesses that nobody doubts, and must not make room
        for false ones.
    """
    return calibrate_against(tiles, tiles.apart_from(lon_deg, lat_deg))


def calibrate_against(tiles: Tiles, apart: np.ndarray) -> Calibration:
    """Tell how unusual the score of each tile is, among the tiles that share no sky with any reference.

    Parameters
    ----------
    tiles : Tiles
    apart : bool array (tiles,)
        Which tiles share no sky with any reference.

    Returns
    -------
    Calibration
        As `calibrate`.
    """
    null = tiles.usable & apart
    independent = independent_tiles(tiles.area[null], tiles.size_deg)
    t = standardised(tiles, null)
    unknown = np.full(len(t), np.nan)
    if independent < FEWEST_INDEPENDENT or not np.isfinite(t).any():
        return Calibration(t, unknown, unknown, independent)
    tail = Tail.fit(t[null], tiles.area[null], independent)
    if tail is None:
        return Calibration(t, unknown, unknown, independent)
    p = tail.p(t)
    q = unknown.copy()
    q[null] = q_values(p[null], tiles.area[null])
    beside = ~null & np.isfinite(p)
    q[beside] = _q_like(p[null], q[null], p[beside])
    return Calibration(t, p, q, independent)


def _q_like(p: Numbers, q: Numbers, asked: Numbers) -> Numbers:
    """Give the q-value of the next larger p-value; 1 beyond the largest."""
    order = np.argsort(p, kind="stable")
    return np.append(q[order], 1.0)[np.searchsorted(p[order], asked, side="left")]

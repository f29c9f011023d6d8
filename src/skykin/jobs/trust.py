"""What the scores of a map are worth: calibrated columns beside the cosine."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from astropy import units as u
from astropy.table import QTable

from skykin.core.footprint import Footprint
from skykin.core.shapes import Numbers
from skykin.significance.calibration import Calibration, calibrate, calibrate_against
from skykin.significance.local_scaling import csls
from skykin.significance.matching import Matching
from skykin.significance.scored_tiles import Tiles

#: Gives the matching of some tiles, perhaps made before.
Matched = Callable[[Tiles], Matching]
#: A cosine nearer to ±1 than this counts as so near.
NEAREST = 1e-9


def calibrated(
    tiles: QTable, references: Sequence[Footprint], hubness: float | Numbers | None = None
) -> Calibration:
    """Compare each tile with those like it, and add the columns ``standardised``, ``p`` and ``q``.

    Parameters
    ----------
    tiles : QTable
    references : sequence of Footprint
    hubness : float or array (tiles,), optional
        That of the reference, or of the one that counts for each tile: the tiles' scores are then scaled
        locally, in the column ``csls``.
    """
    if hubness is None:
        score = fisher(tiles["score"])
    else:
        score = csls(tiles["score"], tiles["hubness"], hubness)
        tiles["csls"] = score
    rows = _rows(tiles, score)
    places = [(each.lon_deg, each.lat_deg) for each in references]
    return _with_columns(tiles, calibrate(rows, *np.transpose(places)))


def calibrated_against(tiles: QTable, apart: np.ndarray, matched: Matched | None = None) -> Calibration:
    """Do the same where `apart` (bool) tells which tiles share no sky with any reference.

    Scores are those of the column ``csls`` if there is one.
    """
    score = np.asarray(tiles["csls"]) if "csls" in tiles.colnames else fisher(tiles["score"])
    rows = _rows(tiles, score)
    return _with_columns(tiles, calibrate_against(rows, apart, None if matched is None else matched(rows)))


def _with_columns(tiles: QTable, found: Calibration) -> Calibration:
    tiles["standardised"], tiles["p"], tiles["q"] = found.standardised, found.p, found.q
    return found


def _rows(tiles: QTable, score: Numbers) -> Tiles:
    return Tiles(
        tiles["lon"].to_value(u.deg),
        tiles["lat"].to_value(u.deg),
        score,
        tiles["mean_intensity"].value,
        tiles["coverage"],
        tiles["area"],
        _side_deg(tiles),
    )


def fisher(cosine: Numbers) -> Numbers:
    """Fisher's z of cosines, which has no ends: about ±1 small differences count more."""
    exact = np.asarray(cosine, dtype=np.float64)
    return np.asarray(np.arctanh(np.clip(exact, NEAREST - 1, 1 - NEAREST)))


def _side_deg(tiles: QTable) -> float:
    """Side of a square as large as a typical tile is on the sky, degrees."""
    width, height = (tiles[name].to_value(u.deg) for name in ("width", "height"))
    return float(np.median(np.sqrt(width * height)))

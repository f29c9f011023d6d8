"""Scored tiles: what a survey that is streamed and an index that is stored both give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import QTable

from skykin.core.footprint import Footprint
from skykin.core.kept import Kept
from skykin.core.shapes import Degrees, Numbers
from skykin.significance.calibration import Calibration, calibrate
from skykin.significance.local_scaling import csls
from skykin.significance.matched_null import Matching, Tiles
from skykin.significance.peaks import Neighbours

#: Where nothing was observed in a larger share of a tile, the holes may move its score by more than 0.05.
#: (Measured with 5 % and 25 % of an image blank in blocks: by 0.20 and 0.38 at most, by 0.05 in others.)
MOST_BLANK = 0.05
CONSTANT, PARTIAL = "DQ-CONST", "DQ-PARTIAL"
#: A cosine nearer to ±1 than this counts as so near.
NEAREST = 1e-9


@dataclass(frozen=True, eq=False, repr=False)
class TileScores:
    """Similarity of tiles to a query, with what else is known of each.

    Parameters
    ----------
    tiles : QTable
        One row per tile: ``name``, ``lon``, ``lat`` (Galactic), ``ra``, ``dec`` (ICRS), ``width``, ``height``
        (deg), ``score``, ``coverage`` (0 to 1), ``brightness`` (0 to 1), ``mean_intensity`` (the survey's
        unit), ``area`` (share of the sky that the tile stands for) and ``cosine_<layer>`` for every layer.
        Where there is one also ``flag`` (see `flags`), and where they are known ``best_reference`` (of
        several references), ``view_angle_deg``, ``view_scale`` and ``view_mirrored`` (of several views),
        ``hubness`` and ``reference_hubness``, ``noise``, ``best_size`` and ``best_score``.
    footprints : tuple of Footprint
        Where the tiles lie, in the order of the rows.
    layers : tuple of str
        Layers of the network, the shallowest first.
    tile_deg, spacing_deg : float
        Side of a tile, and distance between neighbouring centres.
    nside : int or None
        NSIDE of the HEALPix grid whose pixel centres are the tile centres; None for any other grid.
    n_left_out : int
        Tiles with too little data.

    Examples
    --------
    >>> found.scored.layers
    ('block1_conv1', 'block2_conv1', 'block3_conv1', 'block4_conv1', 'block5_conv1')
    >>> str(found.scored.tiles["lon"].unit), found.scored.tile_deg
    ('deg', 10.0)
    """

    tiles: QTable
    footprints: tuple[Footprint, ...]
    layers: tuple[str, ...]
    tile_deg: float
    spacing_deg: float
    nside: int | None = None
    n_left_out: int = 0

    def __repr__(self) -> str:
        return f"<TileScores of {len(self.tiles)} tiles of {self.tile_deg:.3g}°: {', '.join(self.layers)}>"

    @property
    def lon_deg(self) -> Degrees:
        """Galactic longitude of each tile's centre, degrees."""
        return np.asarray(self.tiles["lon"].to_value(u.deg))

    @property
    def lat_deg(self) -> Degrees:
        """Galactic latitude of each tile's centre, degrees."""
        return np.asarray(self.tiles["lat"].to_value(u.deg))

    def significance(self, overlapping: np.ndarray) -> Calibration:
        """Tell how unusual each score is among the tiles that do not overlap a reference.

        Scores are taken as Fisher's z, or scaled locally where the tiles have a hubness.

        Parameters
        ----------
        overlapping : bool array (tiles,)
            Which tiles overlap a reference.
        """
        rows = self._comparable(self.scaled if "hubness" in self.tiles.colnames else fisher(self.score))
        beside = _BESIDE.of(self.footprints, lambda: Neighbours.of(rows))
        return calibrate(rows, ~overlapping, matching_of(self.footprints, rows), beside)

    @property
    def score(self) -> Numbers:
        """Score of each tile; NaN where it has none."""
        return np.asarray(self.tiles["score"], dtype=np.float64)

    def flagged(self, flag: str) -> np.ndarray:
        """Which tiles have a flag, bool (tiles,)."""
        if "flag" not in self.tiles.colnames:
            return np.zeros(len(self.tiles), dtype=bool)
        return np.asarray(np.asarray(self.tiles["flag"], dtype=str) == flag)

    @property
    def scaled(self) -> Numbers:
        """Locally scaled score (CSLS) of each tile."""
        return csls(self.score, self.tiles["hubness"], np.asarray(self.tiles["reference_hubness"]))

    def _comparable(self, score: Numbers) -> Tiles:
        tiles = self.tiles
        width, height = (tiles[name].to_value(u.deg) for name in ("width", "height"))
        return Tiles(
            self.lon_deg,
            self.lat_deg,
            score,
            tiles["mean_intensity"].value,
            tiles["coverage"],
            tiles["area"],
            float(np.median(np.sqrt(width * height))),
        )


def place_columns(lon_deg: Degrees, lat_deg: Degrees) -> dict[str, u.Quantity]:
    """Columns ``lon``, ``lat`` (Galactic) and ``ra``, ``dec`` (ICRS) of Galactic positions in degrees."""
    icrs = SkyCoord(lon_deg * u.deg, lat_deg * u.deg, frame="galactic").icrs
    return {
        "lon": lon_deg * u.deg,
        "lat": lat_deg * u.deg,
        "ra": u.Quantity(icrs.ra, u.deg),
        "dec": u.Quantity(icrs.dec, u.deg),
    }


def fisher(cosine: Numbers) -> Numbers:
    """Fisher's z of cosines, which has no ends: about ±1 small differences count more."""
    exact = np.asarray(cosine, dtype=np.float64)
    return np.asarray(np.arctanh(np.clip(exact, NEAREST - 1, 1 - NEAREST)))


def flags(score: Numbers, blank: Numbers) -> np.ndarray | None:
    """Say what is wrong with tiles.

    Returns
    -------
    text array (tiles,) or None
        ``DQ-CONST`` where there is no score, because the tile's picture is the same everywhere;
        ``DQ-PARTIAL`` where the share without any data (`blank`) is so large that the holes may decide the
        score; otherwise empty.  None if all are.
    """
    found = np.where(np.isnan(score), CONSTANT, np.where(blank > MOST_BLANK, PARTIAL, ""))
    return found if (found != "").any() else None


def ranks(score: Numbers) -> Numbers:
    """Places from 1 on: best first, tiles without a score last; equal scores keep the order of the grid."""
    rank = np.empty(len(score), dtype=int)
    rank[np.argsort(np.where(np.isnan(score), np.inf, -score), kind="stable")] = np.arange(1, len(score) + 1)
    return rank


#: Which tiles are compared with which: the same for every query on the same tiles.
_MATCHED = Kept[Sequence[Footprint], Matching]()
#: Which tiles lie beside each other, likewise.
_BESIDE = Kept[Sequence[Footprint], Neighbours]()


def matching_of(footprints: Sequence[Footprint], tiles: Tiles) -> Matching:
    """Match tiles; the result is kept for further queries on the same tiles."""
    return _MATCHED.of(
        footprints, lambda: Matching.of(tiles, np.flatnonzero(tiles.usable)), lambda made: made.fits(tiles)
    )

"""The tiles of an index in groups, or in order of oddness, as figures and tables show them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from astropy import units as u
from astropy.table import QTable
from astropy_healpix import HEALPix
from scipy.spatial import cKDTree

from skykin.core.extent import Extent
from skykin.core.picture import Picture
from skykin.core.provenance import Provenance
from skykin.core.shapes import Numbers
from skykin.core.sphere import chord, directions, directions_of
from skykin.products.score_map import BASE_PIXEL_DEG, FINEST_NSIDE

#: A place farther from every tile than so many spacings has none: between two facets they are wider apart.
REACH = 1.5


@dataclass(frozen=True, eq=False, repr=False)
class GroupedTiles:
    """The tiles of an index grouped by style.

    Parameters
    ----------
    tiles : QTable
        One row per tile: ``name``, ``lon``, ``lat``, ``ra``, ``dec``, ``kind`` (1 is the faintest, 0 without
        a style), ``closeness``, ``coverage``, ``mean_intensity``, ``area``.
    kinds : QTable
        One row per kind: ``kind``, ``tiles``, ``sky_share``, ``mean_intensity``, ``example``.
    agreement : float
        Adjusted Rand index of two groupings from other beginnings.
    pictures : tuple of Picture
        The example of each kind; empty where the survey was not opened.
    survey_title : str
    spacing_deg : float
        Distance between neighbouring tiles.
    extent : Extent
    provenance : Provenance
    """

    tiles: QTable
    kinds: QTable
    agreement: float
    pictures: tuple[Picture, ...]
    survey_title: str
    spacing_deg: float
    extent: Extent
    provenance: Provenance

    @cached_property
    def healpix(self) -> Numbers:
        """Kind of each pixel of a HEALPix map (RING, Galactic); −1 where no tile is near."""
        nside = map_nside(self.spacing_deg)
        healpix = HEALPix(nside, order="ring")
        lon, lat = healpix.healpix_to_lonlat(np.arange(healpix.npix))
        row = nearest_rows(self.tiles, lon.to_value(u.deg), lat.to_value(u.deg), REACH * self.spacing_deg)
        return np.where(row >= 0, np.asarray(self.tiles["kind"])[row], -1).astype(np.int16)


@dataclass(frozen=True, eq=False, repr=False)
class OddTiles:
    """The tiles of an index by how unlike everything else they are.

    Parameters
    ----------
    tiles : QTable
        One row per tile, the oddest first: ``rank``, ``name``, ``lon``, ``lat``, ``ra``, ``dec``,
        ``oddness``, ``neighbour``, ``neighbour_score``, ``coverage``, ``mean_intensity``, ``area``.
    k : int
        Most similar tiles that were counted.
    pictures : tuple of Picture
        Of the oddest non-overlapping tiles.
    survey_title, spacing_deg, extent, provenance :
        As for `GroupedTiles`.
    """

    tiles: QTable
    k: int
    pictures: tuple[Picture, ...]
    survey_title: str
    spacing_deg: float
    extent: Extent
    provenance: Provenance


def map_nside(spacing_deg: float) -> int:
    """NSIDE of a map whose pixels are at most half as large as the tiles' spacing."""
    wanted = BASE_PIXEL_DEG / (spacing_deg / 2)
    return int(min(FINEST_NSIDE, 2 ** max(0, math.ceil(math.log2(wanted)))))


def nearest_rows(tiles: QTable, lon_deg: Numbers, lat_deg: Numbers, farthest_deg: float) -> Numbers:
    """Row of the tile nearest to each position; −1 where it is too far or the position is NaN."""
    centres = directions_of(tiles)
    known = np.isfinite(lon_deg) & np.isfinite(lat_deg)
    found = np.full(np.shape(lon_deg), -1)
    distance, row = cKDTree(centres).query(directions(lon_deg[known], lat_deg[known]))
    found[known] = np.where(distance <= chord(farthest_deg), row, -1)
    return found

"""Kinds of sky and outliers, as results that products are written from."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.table import QTable
from astropy_healpix import HEALPix
from scipy.spatial import cKDTree

from skykin.core.extent import Extent
from skykin.core.picture import Picture
from skykin.core.plain import plain
from skykin.core.provenance import Provenance
from skykin.core.shapes import Numbers
from skykin.core.sphere import chord, directions, directions_of
from skykin.products.kin_tables import write_table
from skykin.products.score_map import BASE_PIXEL_DEG, FINEST_NSIDE
from skykin.products.stamp import creator, stamp_notes


@dataclass(frozen=True, eq=False)
class SkyKinds:
    """The tiles of an index grouped by style.

    Parameters
    ----------
    tiles : QTable
        One row per tile: ``name``, ``lon``, ``lat``, ``kind`` (1 is the faintest, 0 without a style),
        ``closeness``, ``coverage``, ``mean_intensity``, ``area``.
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

    @property
    def lines(self) -> list[str]:
        """The result in sentences."""
        told = "; ".join(
            f"kind {row['kind']}: {100 * row['sky_share']:.3g} % of the sky, such as {row['example']}"
            for row in self.kinds
        )
        how = "so their borders are clear" if self.agreement > CLEAR else "so their borders are arbitrary"
        return [
            f"{len(self.kinds)} kinds of sky in {self.survey_title}: {told}.",
            f"Two groupings from other beginnings agree to {self.agreement:.2f} (adjusted Rand index; 1 is "
            f"the same, 0 is chance), {how}.",
        ]


@dataclass(frozen=True, eq=False)
class Outliers:
    """The tiles of an index by how unlike everything else they are.

    Parameters
    ----------
    tiles : QTable
        One row per tile, the oddest first: ``rank``, ``name``, ``lon``, ``lat``, ``oddness``, ``kin``,
        ``kin_score``, ``coverage``, ``mean_intensity``, ``area``.
    k : int
        Nearest kin that were counted.
    pictures : tuple of Picture
        Of the oddest tiles that share no sky.
    survey_title, spacing_deg, extent, provenance :
        As for `SkyKinds`.
    """

    tiles: QTable
    k: int
    pictures: tuple[Picture, ...]
    survey_title: str
    spacing_deg: float
    extent: Extent
    provenance: Provenance


#: A place farther from every tile than so many spacings has none: between two facets they are wider apart.
REACH = 1.5
#: Groupings that agree less than this have no clear borders.
CLEAR = 0.8


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


def write_kinds_map(result: SkyKinds, path: Path) -> None:
    """Write the map of kinds as a FITS binary table with the HEALPix keywords."""
    values = result.healpix
    nside = round(math.sqrt(len(values) / 12))
    column = fits.Column(name="KIND", format="I", array=values, null=-1)
    table = fits.BinTableHDU.from_columns([column], name="KINDS OF SKY")
    for key, value, comment in (
        ("PIXTYPE", "HEALPIX", "HEALPix map"),
        ("ORDERING", "RING", "pixels run along circles of latitude"),
        ("COORDSYS", "G", "Galactic"),
        ("NSIDE", nside, "resolution"),
        ("FIRSTPIX", 0, "first pixel"),
        ("LASTPIX", len(values) - 1, "last pixel"),
        ("INDXSCHM", "IMPLICIT", "row number = pixel number"),
        ("OBJECT", "FULLSKY", "a row for every pixel of the sky"),
        ("NKINDS", len(result.kinds), "kinds, 1 is the faintest; 0 has no style"),
        ("AGREEMNT", result.agreement, "adjusted Rand index of two groupings"),
        ("CREATOR", creator(result.provenance), "program that wrote this file"),
    ):
        table.header[key] = (value, comment)
    stamp_notes(table.header, result.provenance)
    table.add_checksum(when="written by Skykin")
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(path, overwrite=True)


def write_kinds(result: SkyKinds, folder: Path) -> None:
    """Write map, catalogue and numbers into a folder."""
    write_kinds_map(result, folder / "kinds.fits")
    write_table(result.tiles, folder / "tiles.ecsv")
    facts = result.provenance.to_dict()
    document = {
        "survey": result.survey_title,
        "agreement": result.agreement,
        "kinds": [
            {name: _value(row[name]) for name in result.kinds.colnames} for row in result.kinds
        ],
        "unit": str(getattr(result.kinds["mean_intensity"], "unit", "")),
        "acknowledgements": facts.pop("credits"),
        "creator": creator(result.provenance),
        "provenance": facts,
    }  # fmt: skip
    text = json.dumps(plain(document), sort_keys=True, allow_nan=False, indent=2, ensure_ascii=False)
    (folder / "kinds.json").write_text(text + "\n", encoding="utf-8")


def _value(cell: object) -> object:
    value = getattr(cell, "value", cell)
    return value.item() if isinstance(value, np.generic | np.ndarray) else value

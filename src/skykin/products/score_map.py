"""The sky painted with the scores, as a HEALPix map."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy_healpix import HEALPix
from scipy.spatial import cKDTree

from skykin.core.atomic import write_hdus
from skykin.core.extent import ALL_SKY, Extent
from skykin.core.footprint import Footprint
from skykin.core.kept import Kept
from skykin.core.shapes import Degrees, Numbers
from skykin.core.sphere import chord, directions
from skykin.products.mapped import MappedTiles
from skykin.products.nearest_tile import WIDEST, Cells, nearest_of
from skykin.products.result import numbers
from skykin.products.stamp import StampedMap, stamp_header

FINEST_NSIDE = 512
#: Side of a square as large as one pixel of NSIDE 1, degrees.
BASE_PIXEL_DEG = math.degrees(math.sqrt(4 * math.pi / 12))

#: Sky farther than so many spacings from every tile has none; where lattices of facets meet, tiles lie up to
#: 1.16 spacings away.
REACH = 1.25

#: What each column is; besides these there is one for each layer.
COLUMN_TEXTS = {
    "SCORE": "similarity of the tile here to the reference",
    "STANDARDISED": "spreads above the score of tiles like it elsewhere",
    "P": "p-value under the matched null",
    "Q": "false discovery rate at which it is a match",
    "COVERAGE": "share of the tile with data",
    "UNIQ": "number of the HEALPix cell, 4 4^order + cell",
    "RANK": "rank of the tile",
}
#: By whether the map holds all pixels.
WHOLE_SKY = {
    True: (
        ("INDXSCHM", "IMPLICIT", "row number = pixel number"),
        ("OBJECT", "FULLSKY", "a row for every pixel of the sky"),
    ),
    False: (
        ("INDXSCHM", "EXPLICIT", "column PIXEL has the pixel numbers"),
        ("OBJECT", "PARTIAL", "a row for every pixel with a tile"),
    ),
}


@dataclass(frozen=True, eq=False, repr=False)
class ScoreMap:
    """HEALPix maps in RING order and Galactic coordinates.

    Parameters
    ----------
    nside : int
    columns : mapping of str to float32 array (n,)
        ``SCORE``, ``COSINE_<LAYER>``, ``STANDARDISED``, ``P``, ``Q`` and ``COVERAGE``; NaN where no tile
        was scored.
    pixels : int64 array (n,) or None
        Numbers of the pixels, growing; None where the map holds all 12 nside² of them in order.

    Examples
    --------
    >>> score_map = found.score_map
    >>> score_map.nside, "SCORE" in score_map.columns
    (32, True)
    """

    nside: int
    columns: Mapping[str, Numbers]
    pixels: Numbers | None = None

    def __repr__(self) -> str:
        return f"<ScoreMap of NSIDE {self.nside}, RING, Galactic: {', '.join(self.columns)}>"

    def of_pixels(self, pixels: Numbers, column: str = "SCORE") -> Numbers:
        """Values of pixels by their numbers, float64; NaN where the map holds none."""
        values = np.asarray(self.columns[column], dtype=np.float64)
        if self.pixels is None:
            return np.asarray(values[pixels])
        row = np.minimum(np.searchsorted(self.pixels, pixels), len(self.pixels) - 1)
        return np.asarray(np.where(self.pixels[row] == pixels, values[row], np.nan))

    def at(self, lon_deg: Degrees, lat_deg: Degrees, column: str = "SCORE") -> Numbers:
        """Interpolate bilinearly between pixel centres; pixels without a value do not count.

        Returns
        -------
        float64 array, the shape of the positions
            NaN where the nearest pixel has no value.
        """
        healpix = HEALPix(nside=self.nside, order="ring")
        pixels, weights = healpix.bilinear_interpolation_weights(lon_deg * u.deg, lat_deg * u.deg)
        values = self.of_pixels(pixels, column)
        known = np.isfinite(values)
        weights = np.where(known, weights, 0.0)
        total = weights.sum(axis=0)
        mean = (np.where(known, values, 0.0) * weights).sum(axis=0)
        nearest = healpix.lonlat_to_healpix(lon_deg * u.deg, lat_deg * u.deg)
        with np.errstate(invalid="ignore", divide="ignore"):
            here = self.of_pixels(nearest, column)
            return np.asarray(np.where(np.isfinite(here), mean / total, np.nan))


@dataclass(frozen=True, eq=False)
class MapPixels:
    """Which tile each pixel of a map shows.

    Parameters
    ----------
    nside : int
    source : int array
        Row of the tile, −1 for none.
    pixels : int array or None
        Numbers of the pixels; all of them if None.
    """

    nside: int
    source: Numbers
    pixels: Numbers | None = None


#: Which tile each pixel shows: the same for every map of the same tiles.
_PIXELS = Kept[Sequence[Footprint], MapPixels]()


def score_map(result: MappedTiles) -> ScoreMap:
    """Paint the scores on a HEALPix map.

    On a HEALPix grid of tiles, a pixel of the grid's own NSIDE has the score of the tile centred on it.  On
    any other grid a pixel, at most half as large as the tiles' spacing, has the score of the tile whose
    centre is nearest, and none where that is farther than `REACH` times the spacing.  A map finer than
    NSIDE 512, which covers a part of the sky only, holds the pixels of this part alone.
    """
    where = _PIXELS.of(result.footprints, lambda: map_pixels(result))
    return ScoreMap(
        where.nside,
        {name: _painted(values, where.source) for name, values in score_columns(result).items()},
        where.pixels,
    )


def score_columns(result: MappedTiles) -> dict[str, Numbers]:
    """Numbers of each tile that a map shows, by the name of their column."""
    columns = {"SCORE": "score"}
    columns |= {f"COSINE_{layer.upper()}": f"cosine_{layer}" for layer in result.layers}
    columns |= {"STANDARDISED": "standardised", "P": "p", "Q": "q", "COVERAGE": "coverage"}
    return {name: numbers(result.tiles[column]) for name, column in columns.items()}


def map_pixels(result: MappedTiles) -> MapPixels:
    """Find which tile each pixel shows, as `score_map` describes it."""
    if result.tile_nside is not None and result.tile_nside > FINEST_NSIDE:
        pixels, rows = _tiles_by_pixel(result, result.tile_nside)
        return MapPixels(result.tile_nside, rows, pixels)
    if result.tile_nside is not None:
        return MapPixels(result.tile_nside, _tile_of_own_pixel(result, result.tile_nside))
    apart_deg = spacing_deg(result)
    grid, pixels = pixels_of(apart_deg, Extent.around(result.lon_deg, result.lat_deg, 2 * apart_deg))
    rows = nearest_tiles_at(result, *grid.centres(pixels), REACH * apart_deg)
    return shown_pixels(grid, pixels, rows)


def pixels_of(apart_deg: float, around: Extent) -> tuple[Cells, Numbers]:
    """Pixels of the map of tiles that lie so far apart: all of the sky, or those of a part that is finer.

    Parameters
    ----------
    apart_deg : float
        Distance from a tile to the next.
    around : Extent
        Holds all tiles, and the sky up to twice as far around them.
    """
    order = finest_order(apart_deg)
    if (1 << order) <= FINEST_NSIDE or around.is_all_sky:
        grid = Cells(min(order, FINEST_NSIDE.bit_length() - 1), equatorial=False)
        return grid, grid.within(ALL_SKY)
    grid = Cells(order, equatorial=False)
    return grid, grid.within(around)


def finest_order(apart_deg: float) -> int:
    """Order of HEALPix cells that are at most half as wide as the distance from a tile to the next."""
    return max(0, math.ceil(math.log2(BASE_PIXEL_DEG / (apart_deg / 2))))


def shown_pixels(grid: Cells, pixels: Numbers, rows: Numbers) -> MapPixels:
    """Make a map of pixels that `pixels_of` gave, of a part of the sky of those alone that show a tile."""
    nside = 1 << grid.order
    if len(pixels) == 12 * nside**2:
        return MapPixels(nside, rows)
    return MapPixels(nside, rows[rows >= 0], pixels[rows >= 0])


def write_score_map(result: MappedTiles, path: Path) -> None:
    """Write the score map as a FITS binary table with the HEALPix keywords, checksums and the stamp.

    Unobserved pixels are NaN.  The file opens in Aladin and with `astropy_healpix.HEALPix.from_header`.
    """
    write_pixels(score_map(result), result, path)


def write_pixels(painted: ScoreMap, result: StampedMap, path: Path) -> None:
    """Write a score map, as `write_score_map` does."""
    table = fits.BinTableHDU.from_columns(
        [
            *_pixel_column(painted),
            *(
                fits.Column(name=name, format="E", array=np.asarray(values, dtype=np.float32))
                for name, values in painted.columns.items()
            ),
        ],
        name="SCORE MAP",
    )
    _describe(table.header, painted)
    stamp_header(table.header, result)
    # A comment of our own in place of the time keeps two runs identical to the byte.
    table.add_checksum(when="written by Skykin")
    primary = fits.PrimaryHDU()
    primary.add_checksum(when="written by Skykin")
    write_hdus(path, fits.HDUList([primary, table]))


def column_text(name: str) -> str:
    """Tell what a column of a map is."""
    return COLUMN_TEXTS.get(name, f"cosine of layer {name.removeprefix('COSINE_').lower()}")[:60]


def _describe(header: fits.Header, painted: ScoreMap) -> None:
    for number, name in enumerate(painted.columns, start=1 if painted.pixels is None else 2):
        header.set(f"TUNIT{number}", "", "no unit: a pure number", after=f"TFORM{number}")
        header.set(f"TDESC{number}", column_text(name), after=f"TUNIT{number}")
    last = 12 * painted.nside**2 - 1
    for key, value, comment in (
        ("PIXTYPE", "HEALPIX", "HEALPix map"),
        ("ORDERING", "RING", "pixels run along circles of latitude"),
        ("COORDSYS", "G", "Galactic"),
        ("NSIDE", painted.nside, "resolution parameter"),
        ("FIRSTPIX", 0, "first pixel"),
        ("LASTPIX", last, "last pixel"),
        *WHOLE_SKY[painted.pixels is None],
    ):
        header[key] = (value, comment)
    header.add_comment("Pixels without a scored tile are NaN.")


def _pixel_column(painted: ScoreMap) -> list[fits.Column]:
    if painted.pixels is None:
        return []
    return [fits.Column(name="PIXEL", format="K", array=painted.pixels)]


def _tiles_by_pixel(result: MappedTiles, nside: int) -> tuple[Numbers, Numbers]:
    """Numbers of the pixels that have a tile, growing, and the rows of those tiles."""
    pixels = HEALPix(nside=nside, order="ring").lonlat_to_healpix(
        result.lon_deg * u.deg, result.lat_deg * u.deg
    )
    rows = np.argsort(pixels, kind="stable")
    return pixels[rows], rows


def _tile_of_own_pixel(result: MappedTiles, nside: int) -> Numbers:
    """Row of the tile centred on each pixel; −1 where there is none."""
    pixels = HEALPix(nside=nside, order="ring").lonlat_to_healpix(
        result.lon_deg * u.deg, result.lat_deg * u.deg
    )
    source = np.full(12 * nside**2, -1)
    source[pixels] = np.arange(len(pixels))
    return source


def nearest_tiles_at(result: MappedTiles, lon_deg: Degrees, lat_deg: Degrees, farthest_deg: float) -> Numbers:
    """Row of the tile with the nearest centre to Galactic positions; −1 where that is too far.

    Of equally near tiles it is the first.
    """
    centres = directions(result.lon_deg, result.lat_deg)
    distance, row = nearest_of(cKDTree(centres), directions(lon_deg, lat_deg))
    return np.asarray(np.where(distance <= chord(farthest_deg), row, -1))


def spacing_deg(result: MappedTiles) -> float:
    """Distance from a tile's centre to the next, degrees, where the grid is at its widest."""
    if len(result.footprints) < 2:
        return result.footprints[0].height_deg
    centres = directions(result.lon_deg, result.lat_deg)
    distance = cKDTree(centres).query(centres, k=2)[0][:, 1]
    # Nearly the largest: a plate carrée narrows towards the poles, and one tile may stand alone.
    widest = float(np.quantile(distance, WIDEST))
    return math.degrees(2 * math.asin(widest / 2)) or result.footprints[0].height_deg


def _painted(values: Numbers, source: Numbers) -> Numbers:
    return np.where(source >= 0, values[source], np.nan).astype(np.float32)

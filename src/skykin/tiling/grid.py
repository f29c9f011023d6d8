"""Grids of tiles that cover the sphere, the names of tiles, and the pictures cut there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from astropy import units as u
from astropy_healpix import HEALPix, nside_to_pixel_resolution

from skykin.core.area import SkyArea
from skykin.core.errors import SkyError, UsageError
from skykin.core.extent import ALL_SKY, Extent
from skykin.core.footprint import Footprint
from skykin.core.picture import Picture
from skykin.core.protocols import ColouredSky
from skykin.core.settings import GridKind
from skykin.core.shapes import Degrees, Numbers
from skykin.core.sphere import separation_deg

FINEST_NSIDE = 1 << 20
#: More tiles than this do not fit into memory, and would take weeks.
MOST_TILES = 4_000_000
#: A HEALPix corner is at most 1.07 pixel sides from its centre, so tiles of 2.2 sides always meet.
SAFE_SPACING = 0.45
FARTHEST_CORNER = 1.07
#: Up to here the corners of all pixels are measured; finer grids are alike.
MEASURED_NSIDE = 64


@dataclass(frozen=True, eq=False)
class TileGrid:
    """Tiles on the sky, in the order in which they are measured.

    Parameters
    ----------
    kind : str
        ``healpix`` or ``plate-carree``.
    footprints : tuple of Footprint
    area : float64 array (tiles,)
        Share of the whole sky that each tile's centre stands for; sums to 1 over an all-sky grid.
    nside : int or None
        Where the centres are the pixels of a HEALPix map: its NSIDE; `pixels` are then their RING numbers.
    pixels : int64 array (tiles,) or None
    spacing_deg : float
        Typical distance between neighbouring centres.
    """

    kind: GridKind | Literal["facets"]
    footprints: tuple[Footprint, ...]
    area: np.ndarray
    spacing_deg: float
    nside: int | None = None
    pixels: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.footprints)

    def centers(self) -> tuple[Degrees, Degrees]:
        """Longitudes and latitudes of the centres, degrees, each ``(tiles,)``."""
        return (
            np.array([footprint.lon_deg for footprint in self.footprints]),
            np.array([footprint.lat_deg for footprint in self.footprints]),
        )

    @property
    def share(self) -> float:
        """Share of the whole sky that their centres stand for."""
        return float(self.area.sum())

    def chosen(self, numbers: Numbers) -> list[Footprint]:
        """Footprints of these tiles."""
        return [self.footprints[number] for number in numbers]

    def keep(self, chosen: np.ndarray) -> TileGrid:
        """Return the tiles for which `chosen` (tiles,) is true."""
        return TileGrid(
            self.kind,
            tuple(footprint for footprint, kept in zip(self.footprints, chosen, strict=True) if kept),
            self.area[chosen],
            self.spacing_deg,
            self.nside,
            None if self.pixels is None else self.pixels[chosen],
        )

    def within(self, area: SkyArea) -> TileGrid:
        """Return the tiles whose centres lie in an area.

        Raises
        ------
        SkyError
            If there are none.
        """
        inside = self.keep(area.contains(*self.centers()))
        if not len(inside):
            raise SkyError(
                f"no tile is centred in {area}; choose a larger area or a smaller spacing than "
                f"{self.spacing_deg:.2g}°"
            )
        return inside


def tile_grid(kind: GridKind, width_deg: float, spacing_deg: float, extent: Extent = ALL_SKY) -> TileGrid:
    """Cover the sphere, or a part, with tiles of either kind; see `healpix_grid` and `plate_carree_grid`."""
    make = healpix_grid if kind == "healpix" else plate_carree_grid
    return make(width_deg, spacing_deg, extent)


def healpix_grid(width_deg: float, spacing_deg: float, extent: Extent = ALL_SKY) -> TileGrid:
    """Gnomonic tiles centred on HEALPix pixels: the same shape everywhere, no poles, no seam.

    Parameters
    ----------
    width_deg : float
        Side of a tile.
    spacing_deg : float
        Largest distance between centres: the grid takes the smallest power-of-two NSIDE whose
        pixel side, the square root of its area, is not larger.
    extent : Extent
        Only tiles centred here; time and memory do not depend on the rest of the sky.

    Raises
    ------
    UsageError
        If the tiles would leave gaps between them, or there would be too many.
    SkyError
        If no tile is centred in the extent.
    """
    nside = 1
    while _pixel_side_deg(nside) > spacing_deg:
        nside *= 2
        if nside > FINEST_NSIDE:
            raise UsageError(
                f"a spacing of {spacing_deg:g}° needs a grid finer than NSIDE {FINEST_NSIDE}; "
                f"use at least {_pixel_side_deg(FINEST_NSIDE):.2g}°"
            )
    grid = HEALPix(nside, order="ring")
    reach_deg = _farthest_corner_deg(grid)
    pixels = _pixels_within(grid, extent, spacing_deg)
    if width_deg / 2 < reach_deg:
        raise UsageError(
            f"tiles of {width_deg:g}° about {spacing_deg:g}° apart leave gaps between them; "
            f"use --spacing {SAFE_SPACING * width_deg:.2g} or less"
        )
    lon, lat = grid.healpix_to_lonlat(pixels)
    footprints = tuple(
        Footprint(float(x), float(y), width_deg) for x, y in zip(lon.deg, lat.deg, strict=True)
    )
    area = np.full(len(pixels), 1 / grid.npix)
    return TileGrid("healpix", footprints, area, _pixel_side_deg(nside), nside, pixels)


def plate_carree_grid(width_deg: float, spacing_deg: float, extent: Extent = ALL_SKY) -> TileGrid:
    """Rectangles of the plate carrée, as the poster cut them: rows from pole to pole, seamless over l = 0.

    Parameters
    ----------
    width_deg : float
        Side of a tile in degrees of longitude and of latitude.
    spacing_deg : float
        Largest distance between centres along both axes.
    extent : Extent
        Only rectangles centred here.

    Raises
    ------
    UsageError
        If there would be too many.
    SkyError
        If none is centred in the extent.

    Notes
    -----
    A rectangle near a pole shows a narrow piece of sky, drawn out: that is the projection's own.
    """
    rows = max(1, math.ceil((180 - width_deg) / spacing_deg) + 1)
    columns = max(1, math.ceil(360 / spacing_deg))
    _check_number(rows * columns, spacing_deg)
    lat = np.zeros(1) if rows == 1 else np.linspace(width_deg / 2 - 90, 90 - width_deg / 2, rows)
    lon = np.arange(columns) * 360 / columns
    # Each centre stands for the band of latitude up to half-way to its neighbours, caps included.
    edges = np.concatenate([[-90.0], (lat[1:] + lat[:-1]) / 2, [90.0]])
    row_area = np.diff(np.sin(np.radians(edges))) / 2 / columns
    lon, lat, area = np.tile(lon, rows), np.repeat(lat[::-1], columns), np.repeat(row_area[::-1], columns)
    kept = extent.contains(lon, lat)
    _check_some(kept, extent, spacing_deg)
    footprints = tuple(
        Footprint(float(x), float(y), width_deg, width_deg, "CAR")
        for x, y in zip(lon[kept], lat[kept], strict=True)
    )
    return TileGrid("plate-carree", footprints, area[kept], 360 / columns)


def tile_names(lon_deg: Numbers, lat_deg: Numbers, spacing_deg: float) -> list[str]:
    """Name tiles by their centres, with as many digits as tell neighbours apart."""
    digits = max(2, 1 - math.floor(math.log10(spacing_deg)))
    return [
        f"G{x:0{4 + digits}.{digits}f}{y:+0{4 + digits}.{digits}f}"
        for x, y in zip(lon_deg, lat_deg, strict=True)
    ]


def cut(sky: ColouredSky, footprint: Footprint, pixels: int) -> Picture:
    """Return the picture of `footprint`, `pixels` wide, its pixels as square as the footprint allows.

    Parameters
    ----------
    sky : ColouredSky
    footprint : Footprint
    pixels : int
        Columns of the picture.
    """
    rows = max(1, round(pixels * footprint.height_deg / footprint.width_deg))
    rgb, coverage = sky.colours(*footprint.pixel_positions((rows, pixels)))
    return Picture(rgb, coverage, footprint)


def _pixels_within(grid: HEALPix, extent: Extent, spacing_deg: float) -> np.ndarray:
    """Numbers of the pixels whose centres lie in a cap, in growing order."""
    share = (1 - math.cos(math.radians(extent.radius_deg))) / 2
    _check_number(grid.npix * share, spacing_deg)
    if extent.is_all_sky:
        return np.arange(grid.npix)
    side = _pixel_side_deg(grid.nside)
    near = np.sort(grid.nested_to_ring(extent.widened(2 * side).pixels(grid.nside)))
    lon, lat = grid.healpix_to_lonlat(near)
    kept = extent.contains(lon.deg, lat.deg)
    _check_some(kept, extent, spacing_deg)
    return np.asarray(near[kept])


def _check_number(tiles: float, spacing_deg: float) -> None:
    if tiles > MOST_TILES:
        raise UsageError(
            f"a spacing of {spacing_deg:g}° gives about {tiles:.2g} tiles, but {MOST_TILES:,} is the limit; "
            "use a larger spacing or a smaller area"
        )


def _check_some(kept: np.ndarray, extent: Extent, spacing_deg: float) -> None:
    if not kept.any():
        raise SkyError(
            f"no tile is centred within {extent.radius_deg:.3g}° of l={extent.lon_deg:.2f}°, "
            f"b={extent.lat_deg:+.2f}°, where the survey or the area lies; use a --spacing smaller "
            f"than {spacing_deg:.2g}°"
        )


def _pixel_side_deg(nside: int) -> float:
    return float(nside_to_pixel_resolution(nside).to_value(u.deg))


def _farthest_corner_deg(grid: HEALPix) -> float:
    """Largest distance from a pixel's centre to its corners."""
    if grid.nside > MEASURED_NSIDE:
        return FARTHEST_CORNER * _pixel_side_deg(grid.nside)
    pixels = np.arange(grid.npix)
    lon, lat = (angle.deg[:, None] for angle in grid.healpix_to_lonlat(pixels))
    corner_lon, corner_lat = (angle.deg for angle in grid.boundaries_lonlat(pixels, 1))
    return float(separation_deg(lon, lat, corner_lon, corner_lat).max())

"""Grids of tiles that cover the sphere."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from astropy import units as u
from astropy_healpix import HEALPix, nside_to_pixel_resolution

from skykin.core.area import SkyBox
from skykin.core.errors import SkyError, UsageError
from skykin.core.footprint import Footprint
from skykin.core.settings import GridKind
from skykin.core.shapes import Degrees

FINEST_NSIDE = 512
#: A HEALPix corner is at most 1.07 pixel sides from its centre, so tiles of 2.2 sides always meet.
SAFE_SPACING = 0.45


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

    def within(self, box: SkyBox) -> TileGrid:
        """Return the tiles whose centres lie in `box`.

        Raises
        ------
        SkyError
            If there are none.
        """
        inside = self.keep(box.contains(*self.centers()))
        if not len(inside):
            raise SkyError(
                f"no tile is centred between longitudes {box.lon_min_deg:g}° and {box.lon_max_deg:g}° and "
                f"latitudes {box.lat_min_deg:g}° and {box.lat_max_deg:g}°; choose a larger area or a smaller "
                f"spacing than {self.spacing_deg:.2g}°"
            )
        return inside


def tile_grid(kind: GridKind, width_deg: float, spacing_deg: float) -> TileGrid:
    """Cover the sphere with tiles of either kind; see `healpix_grid` and `plate_carree_grid`."""
    make = healpix_grid if kind == "healpix" else plate_carree_grid
    return make(width_deg, spacing_deg)


def healpix_grid(width_deg: float, spacing_deg: float) -> TileGrid:
    """Gnomonic tiles centred on HEALPix pixels: the same shape everywhere, no poles, no seam.

    Parameters
    ----------
    width_deg : float
        Side of a tile.
    spacing_deg : float
        Largest wanted distance between centres: the grid takes the smallest power-of-two NSIDE whose
        pixel side, the square root of its area, is not larger.

    Raises
    ------
    UsageError
        If the tiles would leave holes between them, or the grid would be finer than NSIDE 512.
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
    if width_deg / 2 < reach_deg:
        raise UsageError(
            f"tiles of {width_deg:g}° about {spacing_deg:g}° apart leave holes between them; "
            f"use a spacing of at most {SAFE_SPACING * width_deg:.2g}°"
        )
    lon, lat = grid.healpix_to_lonlat(np.arange(grid.npix))
    footprints = tuple(
        Footprint(float(x), float(y), width_deg) for x, y in zip(lon.deg, lat.deg, strict=True)
    )
    area = np.full(grid.npix, 1 / grid.npix)
    return TileGrid("healpix", footprints, area, _pixel_side_deg(nside), nside, np.arange(grid.npix))


def plate_carree_grid(width_deg: float, spacing_deg: float) -> TileGrid:
    """Rectangles of the plate carrée, as the poster cut them: rows from pole to pole, seamless over l = 0.

    Parameters
    ----------
    width_deg : float
        Side of a tile in degrees of longitude and of latitude.
    spacing_deg : float
        Largest distance between centres along both axes.

    Notes
    -----
    A rectangle near a pole shows a narrow piece of sky, drawn out: that is the projection's own.
    """
    rows = max(1, math.ceil((180 - width_deg) / spacing_deg) + 1)
    columns = max(1, math.ceil(360 / spacing_deg))
    lat = np.zeros(1) if rows == 1 else np.linspace(width_deg / 2 - 90, 90 - width_deg / 2, rows)
    lon = np.arange(columns) * 360 / columns
    # Each centre stands for the band of latitude up to half-way to its neighbours, caps included.
    edges = np.concatenate([[-90.0], (lat[1:] + lat[:-1]) / 2, [90.0]])
    row_area = np.diff(np.sin(np.radians(edges))) / 2 / columns
    footprints = tuple(
        Footprint(float(x), float(y), width_deg, width_deg, "CAR") for y in lat[::-1] for x in lon
    )
    return TileGrid("plate-carree", footprints, np.repeat(row_area[::-1], columns), 360 / columns)


def _pixel_side_deg(nside: int) -> float:
    return float(nside_to_pixel_resolution(nside).to_value(u.deg))


def _farthest_corner_deg(grid: HEALPix) -> float:
    """Largest distance from a pixel's centre to its corners."""
    pixels = np.arange(grid.npix)
    lon, lat = (angle.rad[:, None] for angle in grid.healpix_to_lonlat(pixels))
    corner_lon, corner_lat = (angle.rad for angle in grid.boundaries_lonlat(pixels, 1))
    cosine = np.sin(lat) * np.sin(corner_lat) + np.cos(lat) * np.cos(corner_lat) * np.cos(lon - corner_lon)
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))).max())

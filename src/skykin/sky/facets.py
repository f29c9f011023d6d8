"""Facets: large pictures that share out the sphere, from which overlapping tiles are read."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from skykin.core.area import SkyBox
from skykin.core.errors import SkyError, UsageError
from skykin.core.footprint import Footprint
from skykin.core.picture import Picture
from skykin.core.protocols import ColouredSky
from skykin.core.shapes import Degrees, Numbers
from skykin.sky.grid import TileGrid

#: A tile's scale differs from that asked for by at most this share, wherever in a facet it lies.
SCALE_BOUND = 0.025
#: A facet's upward direction differs from north by at most this, except about the poles.
TURN_BOUND_DEG = 20.0
#: Sides of a facet in pixels, without context: bounds the memory of one.
MOST_PIXELS = 4096
#: Everything is in multiples of this: four poolings leave one position.
STEP_PIXELS = 16


@dataclass(frozen=True, eq=False)
class Facet:
    r"""One stereographic picture of the sphere, and the lattice of tiles in it.

    The stereographic plane touches the sphere at the facet's centre, like the gnomonic, but keeps angles:
    at the distance θ it is drawn larger by :math:`1/\cos^2(\theta/2)` in every direction, 5 % at 25°, where
    the gnomonic plane draws 10 % one way and 22 % the other.

    Parameters
    ----------
    lon_deg, lat_deg : float
        Galactic position of the point of contact.
    pixel : float
        Side of a pixel on the plane that touches the unit sphere.
    tile, spacing : int
        Side of the tiles and the distance between them, pixels.
    left, top : float
        Centre of the first tile on the plane, in pixels: growing longitude and north count positive.
    own : bool array (rows, columns)
        Tiles of the lattice that belong to this facet and to no other.
    share : float
        Share of the sphere that each of them stands for.
    """

    lon_deg: float
    lat_deg: float
    pixel: float
    tile: int
    spacing: int
    left: float
    top: float
    own: np.ndarray
    share: float

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the picture, pixels, without context."""
        rows, columns = self.own.shape
        return (rows - 1) * self.spacing + self.tile, (columns - 1) * self.spacing + self.tile

    def centers(self) -> tuple[Degrees, Degrees]:
        """Galactic position of every tile of the lattice, degrees, each (rows, columns)."""
        return self._sky(*self._plane())

    def footprints(self) -> tuple[Footprint, ...]:
        """Where its own tiles lie, row by row."""
        x, y = (values[self.own] for values in self._plane())
        lon, lat = self._sky(x, y)
        turn = self._turn_deg(x, y, lon, lat)
        side = 2 * np.degrees(np.arctan(self.tile * self.pixel * self._shrinkage(x, y) / 2))
        return tuple(
            Footprint(float(a), float(b), float(c), projection="TAN", turn_deg=float(d))
            for a, b, c, d in zip(lon, lat, side, turn, strict=True)
        )

    def picture(self, sky: ColouredSky, halo: int) -> Picture:
        """Look at the sky through the facet, with `halo` pixels of context on each side."""
        rows, columns = self.shape
        x = self.left + self.tile / 2 + halo - (np.arange(columns + 2 * halo) + 0.5)
        y = self.top + self.tile / 2 + halo - (np.arange(rows + 2 * halo) + 0.5)
        rgb = np.empty((len(y), len(x), 3), np.float32)
        coverage = np.empty((len(y), len(x)), np.float32)
        for start in range(0, len(y), 64):
            part = slice(start, start + 64)
            rgb[part], coverage[part] = sky.colours(*self._sky(x[None, :], y[part, None]))
        return Picture(rgb, coverage)

    def _plane(self) -> tuple[Numbers, Numbers]:
        rows, columns = self.own.shape
        x = self.left - self.spacing * np.arange(columns, dtype=np.float64)
        y = self.top - self.spacing * np.arange(rows, dtype=np.float64)
        across, up = np.meshgrid(x, y)
        return across, up

    def _shrinkage(self, x: Numbers, y: Numbers) -> Numbers:
        """Angle on the sky of a short distance on the plane, per that distance."""
        return np.asarray(1 / (1 + (x * x + y * y) * self.pixel**2 / 4))

    def _vectors(self, x: Numbers, y: Numbers) -> Numbers:
        x, y = np.broadcast_arrays(x, y)
        quarter = (x * x + y * y) * self.pixel**2 / 4
        depth, east, up = (1 - quarter) / (1 + quarter), *(c * self.pixel / (1 + quarter) for c in (x, y))
        sine, cosine = (f(math.radians(self.lat_deg)) for f in (math.sin, math.cos))
        forward, north = depth * cosine - up * sine, depth * sine + up * cosine
        return np.stack([forward, east, north], axis=-1)

    def _sky(self, x: Numbers, y: Numbers) -> tuple[Degrees, Degrees]:
        forward, east, north = np.moveaxis(self._vectors(x, y), -1, 0)
        lat = np.degrees(np.arctan2(north, np.hypot(forward, east)))
        return (self.lon_deg + np.degrees(np.arctan2(east, forward))) % 360.0, lat

    def _turn_deg(self, x: Numbers, y: Numbers, lon_deg: Degrees, lat_deg: Degrees) -> Degrees:
        """Angle from north to the plane's upward direction."""
        step = 1e-4 / self.pixel
        up = self._vectors(x, y + step) - self._vectors(x, y - step)
        lon, lat = np.radians(lon_deg - self.lon_deg), np.radians(lat_deg)
        east = -np.sin(lon) * up[..., 0] + np.cos(lon) * up[..., 1]
        north = np.cos(lat) * up[..., 2] - np.sin(lat) * (np.cos(lon) * up[..., 0] + np.sin(lon) * up[..., 1])
        return np.asarray(np.degrees(np.arctan2(east, north)))


def facets(tile_deg: float, spacing_deg: float, tile: int, area: SkyBox | None = None) -> tuple[Facet, ...]:
    """Share out the sphere among facets; every tile position belongs to exactly one.

    Bands of latitude, one of them centred on the equator, are divided along longitude; a cap stands on each
    pole.  Their number follows from `SCALE_BOUND`, `TURN_BOUND_DEG` and `MOST_PIXELS`.

    Parameters
    ----------
    tile_deg : float
        Side of a tile on the sky.
    spacing_deg : float
        Largest wanted distance between neighbouring tiles; rounded down to 16 pixels.
    tile : int
        Pixels on a side of a tile, a multiple of 16.
    area : SkyBox, optional
        Only tiles centred here.

    Raises
    ------
    UsageError
        If `tile` is no multiple of 16, or the spacing smaller than 16 pixels.
    SkyError
        If no tile is centred in the area.
    """
    pixel_deg = tile_deg / tile
    spacing = int(spacing_deg / pixel_deg / STEP_PIXELS + 1e-6) * STEP_PIXELS
    if tile % STEP_PIXELS:
        raise UsageError(
            f"the shared engine cuts tiles of a multiple of 16 pixels, not {tile}; use "
            f"{max(2, tile // 16) * 16} pixels, or --engine tiles"
        )
    if spacing < STEP_PIXELS:
        raise UsageError(
            f"a spacing of {spacing_deg:g}° is {spacing_deg / pixel_deg:.1f} pixels, but the shared engine "
            f"needs 16; use at least {STEP_PIXELS * pixel_deg:.3g}° or more pixels, or --engine tiles"
        )
    reach = min(math.acos(math.sqrt((1 - SCALE_BOUND) / (1 + SCALE_BOUND))) * 2, _reach(pixel_deg))
    pixel = math.radians(pixel_deg) * (1 + SCALE_BOUND)
    found = [_facet(sector, pixel, tile, spacing, area) for sector in _sectors(reach)]
    kept = tuple(facet for facet in found if facet is not None)
    if not kept:
        raise SkyError(
            f"no tile {spacing_deg:.2g}° from the next is centred in the area asked for; choose a larger "
            "area or a smaller spacing"
        )
    return kept


def facet_grid(facets: tuple[Facet, ...]) -> TileGrid:
    """List the tiles of all facets, facet by facet, each row by row."""
    footprints = tuple(footprint for facet in facets for footprint in facet.footprints())
    area = np.concatenate([np.full(facet.own.sum(), facet.share) for facet in facets])
    spacing_deg = math.degrees(facets[0].spacing * facets[0].pixel) / (1 + SCALE_BOUND)
    return TileGrid("facets", footprints, area, spacing_deg)


@dataclass(frozen=True)
class _Sector:
    """A part of the sphere between two latitudes and two longitudes; the first edge of each is inside."""

    lon_deg: float
    lat_deg: float
    width_deg: float
    low_deg: float
    high_deg: float

    @property
    def area(self) -> float:
        """Share of the sphere."""
        heights = math.sin(math.radians(self.high_deg)) - math.sin(math.radians(self.low_deg))
        return heights / 2 * self.width_deg / 360

    def contains(self, lon_deg: Degrees, lat_deg: Degrees) -> np.ndarray:
        """Tell which positions lie inside."""
        low = self.low_deg if self.low_deg > -90 else -91
        high = self.high_deg if self.high_deg < 90 else 91
        across = (lon_deg - self.lon_deg + self.width_deg / 2) % 360.0 < self.width_deg
        return np.asarray((lat_deg >= low) & (lat_deg < high) & (across | (self.width_deg >= 360)))


def _reach(pixel_deg: float) -> float:
    """Farthest a tile of a facet of `MOST_PIXELS` is from its centre, radians."""
    return math.radians(MOST_PIXELS * pixel_deg / 2)


def _sectors(reach: float) -> list[_Sector]:
    """Parts of the sphere that lie within `reach` (radians) of their centres, cheapest division first."""
    reach_deg = math.degrees(reach)
    bands = 1
    while 180 / (bands + 1) > math.sqrt(2) * reach_deg:
        bands += 2
    height = 180 / (bands + 1)
    sectors = [_Sector(0.0, -90.0, 360.0, -90.0, height / 2 - 90)]
    for band in range(bands):
        low = height / 2 - 90 + band * height
        center = low + height / 2
        near, far = sorted((abs(low), abs(low + height)))
        near = 0.0 if low < 0 < low + height else near
        half = math.sqrt(max(reach_deg**2 - (height / 2) ** 2, (reach_deg / 2) ** 2))
        by_size = 360 * math.cos(math.radians(near)) / (2 * half)
        by_turn = 360 * math.sin(math.radians(far)) / (2 * TURN_BOUND_DEG)
        count = math.ceil(max(by_size, by_turn))
        sectors += [_Sector(360 * i / count, center, 360 / count, low, low + height) for i in range(count)]
    return [*sectors, _Sector(0.0, 90.0, 360.0, 90 - height / 2, 90.0)]


def _facet(sector: _Sector, pixel: float, tile: int, spacing: int, area: SkyBox | None) -> Facet | None:
    """Lay the lattice over a sector and keep the tiles that are centred in it."""
    # No sector reaches farther than its half-height and half-width on the sphere added together.
    widest = sector.width_deg * math.cos(math.radians(min(abs(sector.low_deg), abs(sector.high_deg))))
    polar = sector.width_deg >= 360
    far_deg = sector.high_deg - sector.low_deg if polar else (widest + sector.high_deg - sector.low_deg) / 2
    half = math.ceil(2 * math.tan(math.radians(min(far_deg, 120)) / 2) / (pixel * spacing)) + 1
    side = 2 * half + 1
    lattice = Facet(
        sector.lon_deg,
        sector.lat_deg,
        pixel,
        tile,
        spacing,
        float(half * spacing),
        float(half * spacing),
        np.ones((side, side), dtype=bool),
        0.0,
    )
    lon, lat = lattice.centers()
    own = sector.contains(lon, lat)
    share = sector.area / own.sum() if own.any() else 0.0
    if area is not None:
        own &= area.contains(lon, lat)
    if not own.any():
        return None
    rows, columns = (np.flatnonzero(own.any(axis=axis)) for axis in (1, 0))
    return Facet(
        sector.lon_deg,
        sector.lat_deg,
        pixel,
        tile,
        spacing,
        float((half - columns[0]) * spacing),
        float((half - rows[0]) * spacing),
        own[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1],
        share,
    )

"""Facets: large pictures that divide the sphere, from which overlapping tiles are read."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np

from skykin.core.area import Area
from skykin.core.errors import SkyError, UsageError
from skykin.core.extent import ALL_SKY, Extent
from skykin.core.footprint import Footprint
from skykin.core.picture import Picture
from skykin.core.protocols import ColouredSky
from skykin.core.shapes import Degrees, Numbers
from skykin.tiling.grid import TileGrid

#: A tile's scale differs from the nominal one by at most this fraction, wherever in a facet it lies.
SCALE_BOUND = 0.025
#: Tiles and spacings are multiples of this where block 5 is measured: four poolings leave one position.
STEP_PIXELS = 16
#: A facet's upward direction differs from north by at most this, except about the poles.
TURN_BOUND_DEG = 20.0
#: Sides of a facet in pixels, without context: bounds the memory of one.
MOST_PIXELS = 4096
#: A facet alone is divided between two threads where it is so many tiles high.
LEAST_HALVED = 6


@dataclass(frozen=True)
class Sector:
    """A part of the sphere between two latitudes and two longitudes; the first edge of each is inside."""

    lon_deg: float
    lat_deg: float
    width_deg: float
    low_deg: float
    high_deg: float

    @property
    def share(self) -> float:
        """Share of the sphere."""
        heights = math.sin(math.radians(self.high_deg)) - math.sin(math.radians(self.low_deg))
        return heights / 2 * self.width_deg / 360

    @property
    def far_deg(self) -> float:
        """At least as far as any of it is from its centre."""
        height = self.high_deg - self.low_deg
        if self.width_deg >= 360:
            return height
        # No sector reaches farther than its half-height and half-width on the sphere added together.
        nearest = min(abs(self.low_deg), abs(self.high_deg))
        return (self.width_deg * math.cos(math.radians(nearest)) + height) / 2

    def contains(self, lon_deg: Degrees, lat_deg: Degrees) -> np.ndarray:
        """Tell which positions lie inside."""
        low = self.low_deg if self.low_deg > -90 else -91
        high = self.high_deg if self.high_deg < 90 else 91
        across = (lon_deg - self.lon_deg + self.width_deg / 2) % 360.0 < self.width_deg
        return np.asarray((lat_deg >= low) & (lat_deg < high) & (across | (self.width_deg >= 360)))


@dataclass(frozen=True)
class Cap:
    """All that a survey of a small part of the sky observed."""

    extent: Extent

    @property
    def lon_deg(self) -> float:
        """Galactic longitude of its centre."""
        return self.extent.lon_deg

    @property
    def lat_deg(self) -> float:
        """Galactic latitude of its centre."""
        return self.extent.lat_deg

    @property
    def share(self) -> float:
        """Share of the sphere."""
        return math.sin(math.radians(self.extent.radius_deg) / 2) ** 2

    @property
    def far_deg(self) -> float:
        """How far it reaches."""
        return self.extent.radius_deg

    def contains(self, lon_deg: Degrees, lat_deg: Degrees) -> np.ndarray:
        """Tell which positions lie inside."""
        return self.extent.contains(lon_deg, lat_deg)


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
    home : Sector or Cap, optional
        The part of the sphere that is its own; all of it, for a facet alone, if left out.
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
    home: Sector | Cap | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the picture, pixels, without context."""
        rows, columns = self.own.shape
        return (rows - 1) * self.spacing + self.tile, (columns - 1) * self.spacing + self.tile

    def centers(self) -> tuple[Degrees, Degrees]:
        """Galactic position of every tile of the lattice, degrees, each (rows, columns)."""
        return self._sky(*self._plane())

    def footprints(self, numbers: Numbers | slice = slice(None)) -> tuple[Footprint, ...]:
        """Where its own tiles lie, row by row; of some only, if their numbers are given."""
        x, y = (values[self.own][numbers] for values in self._plane())
        return self._footprints(x, y, self.tile)

    def square_centers(
        self, side: int, step: int, rows: Numbers, columns: Numbers
    ) -> tuple[Degrees, Degrees]:
        """Galactic positions of the middles of such squares as `square_footprints` describes."""
        return self._sky(*self._middles(side, step, rows, columns))

    def square_footprints(
        self, side: int, step: int, rows: Numbers, columns: Numbers
    ) -> tuple[Footprint, ...]:
        """Where squares of `side` pixels lie that begin `rows` and `columns` times `step` in the picture."""
        return self._footprints(*self._middles(side, step, rows, columns), side)

    def _footprints(self, x: Numbers, y: Numbers, side: int) -> tuple[Footprint, ...]:
        lon, lat = self._sky(x, y)
        turn = self._turn_deg(x, y, lon, lat)
        wide = 2 * np.degrees(np.arctan(side * self.pixel * self._shrinkage(x, y) / 2))
        return tuple(
            Footprint(float(a), float(b), float(c), projection="TAN", turn_deg=float(d))
            for a, b, c, d in zip(lon, lat, wide, turn, strict=True)
        )

    def _middles(self, side: int, step: int, rows: Numbers, columns: Numbers) -> tuple[Numbers, Numbers]:
        x = self.left + self.tile / 2 - (columns * step + side / 2)
        y = self.top + self.tile / 2 - (rows * step + side / 2)
        return x, y

    def coarser(self, tile: int) -> Facet:
        """Return the facet with so many pixels on a side of a tile; its spacing must stay a whole number."""
        scale = self.tile / tile
        return replace(
            self,
            pixel=self.pixel * scale,
            tile=tile,
            spacing=round(self.spacing / scale),
            left=self.left / scale,
            top=self.top / scale,
        )

    def halves(self) -> tuple[Facet, ...]:
        """Divide its rows of tiles between two facets on the same plane; itself alone where it is small.

        The pictures of both hold the tiles at the border, so this pays where a facet is many tiles high.
        """
        middle = len(self.own) // 2
        if self.shape[0] < LEAST_HALVED * self.tile:
            return (self,)
        lower = self.top - middle * self.spacing
        return replace(self, own=self.own[:middle]), replace(self, own=self.own[middle:], top=lower)

    def picture(self, sky: ColouredSky, halo: int, turn_deg: float = 0.0) -> Picture:
        """Look at the sky through the facet, with `halo` pixels of context on each side.

        The sky is turned by an angle about the point of contact, from north through growing longitude.
        """
        rows, columns = self.shape
        x = self.left + self.tile / 2 + halo - (np.arange(columns + 2 * halo) + 0.5)
        y = self.top + self.tile / 2 + halo - (np.arange(rows + 2 * halo) + 0.5)
        lon, lat = np.empty((2, len(y), len(x)))
        sine, cosine = (f(math.radians(turn_deg)) for f in (math.sin, math.cos))
        for start in range(0, len(y), 64):
            part = slice(start, start + 64)
            across, up = x[None, :], y[part, None]
            if turn_deg:
                across, up = across * cosine - up * sine, up * cosine + across * sine
            lon[part], lat[part] = self._sky(across, up)
        # All at once: where nothing was observed, the colours are made of those around.
        return Picture(*sky.colours(lon, lat))

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


@dataclass(frozen=True)
class Division:
    """The sphere, or a part of it, divided among facets; every tile position belongs to exactly one.

    Bands of latitude, one of them centred on the equator, are divided along longitude; a cap stands on each
    pole.  Their number follows from `SCALE_BOUND`, `TURN_BOUND_DEG` and `MOST_PIXELS`.  A survey of a small
    part of the sky gets one facet, centred on it, or two halves of it, which two threads measure.

    Facets are made whenever they are looked at, and none is kept: there may be a million.

    Parameters
    ----------
    tile_deg : float
        Side of a tile on the sky.
    spacing_deg : float
        Largest distance between neighbouring tiles; rounded down to a multiple of `step`.
    tile : int
        Pixels on a side of a tile, a multiple of `step`.
    area : Area, optional
        Only tiles centred here.
    extent : Extent
        Only tiles centred here: what the survey observed.
    step : int
        Pixels of which the engine makes tiles and spacings: 8, or 16 where block 5 is measured.

    Raises
    ------
    UsageError
        If `tile` is no multiple of `step`, or the spacing smaller than that.
    """

    tile_deg: float
    spacing_deg: float
    tile: int
    area: Area | None = None
    extent: Extent = ALL_SKY
    step: int = STEP_PIXELS

    def __post_init__(self) -> None:
        pixel_deg, step = self.tile_deg / self.tile, self.step
        if self.tile % step:
            raise UsageError(
                f"the shared engine cuts tiles of a multiple of {step} pixels for this recipe, not "
                f"{self.tile}; use --pixels {max(32, self.tile // step * step)}, or, for a map, "
                "--engine tiles"
            )
        if self.spacing < step:
            raise UsageError(
                f"a spacing of {self.spacing_deg:g}° is {self.spacing_deg / pixel_deg:.1f} pixels, but the "
                f"shared engine needs {step}; use --spacing {step * pixel_deg:.3g} or more, more --pixels, "
                "or, for a map, --engine tiles"
            )

    @property
    def spacing(self) -> int:
        """Distance between neighbouring tiles, pixels."""
        return int(self.spacing_deg * self.tile / self.tile_deg / self.step + 1e-6) * self.step

    def __iter__(self) -> Iterator[Facet]:
        """Yield the facets.

        Raises
        ------
        SkyError
            If no tile is centred in the area.
        """
        pixel_deg, tile, spacing, extent = self.tile_deg / self.tile, self.tile, self.spacing, self.extent
        scale = math.acos(math.sqrt((1 - SCALE_BOUND) / (1 + SCALE_BOUND))) * 2
        reach = min(scale, math.radians(MOST_PIXELS * pixel_deg / 2))
        within = tuple(part for part in (extent, self.area) if part is not None and part != ALL_SKY)
        if not extent.is_all_sky and math.radians(extent.radius_deg) <= reach:
            alone = _alone(extent, math.radians(pixel_deg), tile, spacing, within)
            if alone is not None:
                yield from alone.halves()
                return
        pixel = math.radians(pixel_deg) * (1 + SCALE_BOUND)
        caps = (extent, *([] if self.area is None else [self.area.extent()]))
        smallest, some = min(caps, key=lambda cap: cap.radius_deg), False
        for sector in _sectors(reach, smallest):
            facet = _facet(sector, pixel, tile, spacing, within)
            if facet is not None:
                some = True
                yield facet
        if not some:
            raise SkyError(
                f"no tile {self.spacing_deg:.2g}° from the next is centred in the area; choose a larger "
                "area or a smaller spacing"
            )


def facets(
    tile_deg: float,
    spacing_deg: float,
    tile: int,
    area: Area | None = None,
    extent: Extent = ALL_SKY,
    *,
    step: int = STEP_PIXELS,
) -> tuple[Facet, ...]:
    """Divide the sphere among facets, all of them in memory; see `Division`."""
    return tuple(Division(tile_deg, spacing_deg, tile, area, extent, step))


@dataclass(frozen=True, eq=False)
class DividedTiles:
    """The tiles of a division, counted and not kept.

    Parameters
    ----------
    division : Division
    """

    division: Division

    @cached_property
    def _counted(self) -> tuple[Numbers, Numbers, float]:
        """How many tiles each facet has, the share of the sphere that it stands for, and their spacing."""
        counts, shares, spacing_deg = array("q"), array("d"), 0.0
        for facet in self.division:
            counts.append(int(facet.own.sum()))
            shares.append(facet.share * counts[-1])
            spacing_deg = spacing_deg or _spacing_deg(facet)
        return np.array(counts), np.array(shares), spacing_deg

    def __len__(self) -> int:
        return int(self._counted[0].sum())

    @property
    def share(self) -> float:
        """Share of the whole sky that their centres stand for."""
        return float(self._counted[1].sum())

    @property
    def spacing_deg(self) -> float:
        """Typical distance between neighbouring centres."""
        return self._counted[2]

    def chosen(self, numbers: Numbers) -> list[Footprint]:
        """Footprints of these tiles, whose numbers grow: facet by facet, each row by row."""
        starts = np.concatenate([[0], np.cumsum(self._counted[0])])
        wanted = np.searchsorted(starts, numbers, side="right") - 1
        found: list[Footprint] = []
        for number, facet in enumerate(self.division):
            own = numbers[wanted == number] - starts[number]
            if len(own):
                found.extend(facet.footprints(own))
        return found


def facet_grid(facets: tuple[Facet, ...]) -> TileGrid:
    """List the tiles of all facets, facet by facet, each row by row."""
    footprints = tuple(footprint for facet in facets for footprint in facet.footprints())
    area = np.concatenate([np.full(facet.own.sum(), facet.share) for facet in facets])
    return TileGrid("facets", footprints, area, _spacing_deg(facets[0]))


def _spacing_deg(facet: Facet) -> float:
    middle = 1 + SCALE_BOUND if isinstance(facet.home, Sector) else 1
    return math.degrees(facet.spacing * facet.pixel) / middle


def _alone(
    extent: Extent, pixel: float, tile: int, spacing: int, within: tuple[Area | Extent, ...]
) -> Facet | None:
    """One facet for a whole survey; none where north would turn too far within it, as about a pole."""
    shrinkage = math.cos(math.radians(extent.radius_deg) / 2) ** 2
    facet = _facet(Cap(extent), pixel * 2 / (1 + shrinkage), tile, spacing, within)
    if facet is None or any(abs(f.turn_deg) > TURN_BOUND_DEG for f in facet.footprints()):
        return None
    return facet


def _facet(
    home: Sector | Cap, pixel: float, tile: int, spacing: int, within: tuple[Area | Extent, ...]
) -> Facet | None:
    """Lay the lattice over a part of the sphere and keep the tiles that are centred in it."""
    # Sectors of a band have the same lattice; it is laid once, about longitude 0.
    part = replace(home, lon_deg=0.0) if isinstance(home, Sector) else home
    whole = _laid(part, pixel, tile, spacing)
    if whole is None:
        return None
    facet = replace(whole, lon_deg=home.lon_deg, home=home)
    if not within:
        return facet
    own, (lon, lat) = facet.own.copy(), facet.centers()
    for area in within:
        own &= area.contains(lon, lat)
    return _trimmed(replace(facet, own=own))


@lru_cache(maxsize=8)
def _laid(home: Sector | Cap, pixel: float, tile: int, spacing: int) -> Facet | None:
    half = math.ceil(2 * math.tan(math.radians(min(home.far_deg, 120)) / 2) / (pixel * spacing)) + 1
    side, edge = 2 * half + 1, float(half * spacing)
    every = np.ones((side, side), dtype=bool)
    lattice = Facet(home.lon_deg, home.lat_deg, pixel, tile, spacing, edge, edge, every, 0.0, home)
    own = home.contains(*lattice.centers())
    return _trimmed(replace(lattice, own=own, share=home.share / own.sum() if own.any() else 0.0))


def _trimmed(facet: Facet) -> Facet | None:
    """Leave out rows and columns at the edges in which no tile is its own; None where none is."""
    if not facet.own.any():
        return None
    rows, columns = (np.flatnonzero(facet.own.any(axis=axis)) for axis in (1, 0))
    return replace(
        facet,
        left=float(facet.left - columns[0] * facet.spacing),
        top=float(facet.top - rows[0] * facet.spacing),
        own=facet.own[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1],
    )


def _sectors(reach: float, extent: Extent = ALL_SKY) -> Iterator[Sector]:
    """Yield parts of the sphere that lie within `reach` (radians) of their centres, cheapest division first.

    Only those that may touch `extent`, however fine the division.
    """
    reach_deg = math.degrees(reach)
    bands = 1
    while 180 / (bands + 1) > math.sqrt(2) * reach_deg:
        bands += 2
    height = 180 / (bands + 1)
    south, north = extent.lat_deg - extent.radius_deg, extent.lat_deg + extent.radius_deg
    if south <= height / 2 - 90:
        yield Sector(0.0, -90.0, 360.0, -90.0, height / 2 - 90)
    for band in range(bands):
        low = height / 2 - 90 + band * height
        if low > north or low + height < south:
            continue
        near, far = sorted((abs(low), abs(low + height)))
        near = 0.0 if low < 0 < low + height else near
        half = math.sqrt(max(reach_deg**2 - (height / 2) ** 2, (reach_deg / 2) ** 2))
        by_size = 360 * math.cos(math.radians(near)) / (2 * half)
        by_turn = 360 * math.sin(math.radians(far)) / (2 * TURN_BOUND_DEG)
        count = math.ceil(max(by_size, by_turn))
        for i in _touched(count, extent):
            yield Sector(360 * i / count, low + height / 2, 360 / count, low, low + height)
    if north >= 90 - height / 2:
        yield Sector(0.0, 90.0, 360.0, 90 - height / 2, 90.0)


def _touched(count: int, extent: Extent) -> list[int]:
    """Which of `count` equal ranges of longitude may touch a cap."""
    if abs(extent.lat_deg) + extent.radius_deg >= 90:
        return list(range(count))
    sine = math.sin(math.radians(extent.radius_deg)) / math.cos(math.radians(extent.lat_deg))
    half = math.degrees(math.asin(min(sine, 1.0)))
    first = math.floor((extent.lon_deg - half) / 360 * count)
    last = math.ceil((extent.lon_deg + half) / 360 * count)
    return sorted({i % count for i in range(first, last + 1)})

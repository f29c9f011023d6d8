"""Sectors: parts of the sphere between two latitudes and two longitudes, one for each facet."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from skykin.core.extent import ALL_SKY, Extent
from skykin.core.shapes import Degrees

#: A facet's upward direction differs from north by at most this, except about the poles.
TURN_BOUND_DEG = 20.0
#: Sides of a facet in pixels, without context: bounds the memory of one.
MOST_PIXELS = 4096


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


def facet_reach(pixel_deg: float) -> float:
    """Farthest a tile of a facet of `MOST_PIXELS` is from its centre, radians."""
    return math.radians(MOST_PIXELS * pixel_deg / 2)


def sectors(reach: float, extent: Extent = ALL_SKY) -> Iterator[Sector]:
    """Yield parts of the sphere that lie within `reach` (radians) of their centres, cheapest division first.

    Only those are thought of that may touch `extent`, however fine the division.
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


@dataclass(frozen=True)
class Cap:
    """All that a survey of a small part of the sky saw."""

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

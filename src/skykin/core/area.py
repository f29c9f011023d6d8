"""A part of the sky, chosen by its edges."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from skykin.core.errors import UsageError, shown
from skykin.core.extent import ALL_SKY, Extent
from skykin.core.shapes import Degrees

EXTENT_POINTS = 17
HOW = "use lon_min,lon_max,lat_min,lat_max in Galactic degrees, such as 180,240,-40,10 or 330,30,-10,10"


class Area(Protocol):
    """A part of the sky that knows what lies inside."""

    def contains(self, lon_deg: Degrees, lat_deg: Degrees) -> np.ndarray:
        """Tell which Galactic positions, degrees, lie inside."""

    def extent(self) -> Extent:
        """Cap of the sky that holds it."""


@dataclass(frozen=True)
class SkyBox:
    """All positions between two longitudes and two latitudes, edges included.

    Parameters
    ----------
    lon_min_deg, lon_max_deg : float
        The box runs from the first eastward (growing longitude) to the second, over 360° where it must.
        Edges 360° or more apart take every longitude.
    lat_min_deg, lat_max_deg : float
        Galactic latitudes.
    """

    lon_min_deg: float
    lon_max_deg: float
    lat_min_deg: float
    lat_max_deg: float

    def __post_init__(self) -> None:
        edges = (self.lon_min_deg, self.lon_max_deg, self.lat_min_deg, self.lat_max_deg)
        if not all(math.isfinite(edge) for edge in edges):
            raise UsageError(f"an area with the edges {edges} has no inside; {HOW}")
        if not -90 <= self.lat_min_deg < self.lat_max_deg <= 90:
            raise UsageError(
                f"latitudes from {self.lat_min_deg:g}° to {self.lat_max_deg:g}° hold no sky; {HOW}"
            )
        if self.lon_min_deg == self.lon_max_deg:
            raise UsageError(
                f"longitudes from {self.lon_min_deg:g}° to {self.lon_max_deg:g}° hold no sky; {HOW}"
            )

    @classmethod
    def parse(cls, text: str) -> SkyBox:
        """Read ``"lon_min,lon_max,lat_min,lat_max"``."""
        try:
            numbers = [float(part) for part in text.split(",")]
        except ValueError as error:
            raise UsageError(f"the area {shown(text)} is not four numbers; {HOW}") from error
        if len(numbers) != 4:
            raise UsageError(f"the area {shown(text)} has {len(numbers)} numbers, not four; {HOW}")
        return cls(*numbers)

    def extent(self) -> Extent:
        """Cap of the sky that holds the box; the whole sky where it is not much smaller."""
        width = self.lon_max_deg - self.lon_min_deg
        width = 360.0 if abs(width) >= 360 else width % 360.0
        lon = self.lon_min_deg + np.linspace(0, width, EXTENT_POINTS)
        lat = np.linspace(self.lat_min_deg, self.lat_max_deg, EXTENT_POINTS)
        step = max(width, self.lat_max_deg - self.lat_min_deg) / (EXTENT_POINTS - 1)
        return Extent.around(*np.meshgrid(lon, lat), margin_deg=step / 2)

    def contains(self, lon_deg: Degrees, lat_deg: Degrees) -> np.ndarray:
        """Tell which positions lie inside."""
        inside = (lat_deg >= self.lat_min_deg) & (lat_deg <= self.lat_max_deg)
        width = self.lon_max_deg - self.lon_min_deg
        if abs(width) < 360:
            inside &= (lon_deg - self.lon_min_deg) % 360 <= width % 360
        return np.asarray(inside)

    def to_dict(self) -> dict[str, float]:
        """Give the edges by their names."""
        return asdict(self)


@dataclass(frozen=True)
class Areas:
    """Several areas as one, such as those of an index that grew.

    Parameters
    ----------
    areas : tuple of SkyBox
        At least one.
    """

    areas: tuple[SkyBox, ...]

    @classmethod
    def of(cls, areas: Iterable[Mapping[str, float]]) -> Areas:
        """Read them as `to_dict` gives them."""
        return cls(tuple(SkyBox(**each) for each in areas))

    def to_dict(self) -> dict[str, Any]:
        """Give what `SkyBox.to_dict` gives of each."""
        return {"areas": [each.to_dict() for each in self.areas]}

    def contains(self, lon_deg: Degrees, lat_deg: Degrees) -> np.ndarray:
        """Tell which positions lie in any of them."""
        return np.asarray(np.any([each.contains(lon_deg, lat_deg) for each in self.areas], axis=0))

    def extent(self) -> Extent:
        """Cap of the sky that holds all of them."""
        return self.areas[0].extent() if len(self.areas) == 1 else ALL_SKY

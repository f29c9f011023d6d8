"""The cap of the sky that holds all that a survey observed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.coordinates import Latitude, Longitude
from mocpy import MOC

from skykin.core.errors import UsageError
from skykin.core.shapes import Degrees, Numbers
from skykin.core.sphere import directions, separation_deg


@dataclass(frozen=True)
class Extent:
    """A cap of the sphere that holds all that a survey observed.

    Parameters
    ----------
    lon_deg, lat_deg : float
        Galactic position of the cap's centre.
    radius_deg : float
        Largest distance from the centre; 180 is the whole sky.
    """

    lon_deg: float = 0.0
    lat_deg: float = 0.0
    radius_deg: float = 180.0

    def __post_init__(self) -> None:
        numbers = (self.lon_deg, self.lat_deg, self.radius_deg)
        if not (all(map(math.isfinite, numbers)) and abs(self.lat_deg) <= 90 and 0 < self.radius_deg <= 180):
            raise UsageError(
                f"no part of the sky lies {numbers[2]:g}° about l = {numbers[0]:g}°, b = {numbers[1]:g}°"
            )

    @property
    def is_all_sky(self) -> bool:
        """Whether the cap is the whole sphere."""
        return self.radius_deg >= 180

    @classmethod
    def around(cls, lon_deg: Degrees, lat_deg: Degrees, margin_deg: float = 0.0) -> Extent:
        """Hold all these positions, about their mean direction; the whole sky where that is not narrower."""
        places = directions(np.ravel(lon_deg), np.ravel(lat_deg))
        centre = places.mean(axis=0)
        length = float(np.linalg.norm(centre))
        if length < 1e-6:
            return cls()
        centre /= length
        farthest = math.degrees(math.acos(max(-1.0, min(1.0, float((places @ centre).min())))))
        radius = farthest + margin_deg
        if radius >= 90:  # a cap this wide saves nothing, and its centre means little
            return cls()
        lon = math.degrees(math.atan2(centre[1], centre[0])) % 360 % 360
        return cls(lon, math.degrees(math.asin(max(-1.0, min(1.0, centre[2])))), max(radius, 1e-9))

    def pixels(self, nside: int) -> Numbers:
        """Numbers of the HEALPix pixels that the cap touches, in nested order."""
        if self.is_all_sky:
            return np.arange(12 * nside**2)
        touched = MOC.from_cone(
            Longitude(self.lon_deg * u.deg),
            Latitude(self.lat_deg * u.deg),
            radius=self.radius_deg * u.deg,
            max_depth=nside.bit_length() - 1,
        )
        return np.sort(touched.flatten().astype(np.int64))

    def widened(self, margin_deg: float) -> Extent:
        """Return the cap with so much more on all sides; the whole sky where it becomes a hemisphere."""
        radius = self.radius_deg + margin_deg
        return Extent() if radius >= 90 else Extent(self.lon_deg, self.lat_deg, radius)

    def distance_deg(self, lon_deg: Degrees, lat_deg: Degrees) -> Degrees:
        """Angles between the centre and positions."""
        return separation_deg(lon_deg, lat_deg, self.lon_deg, self.lat_deg)

    def contains(self, lon_deg: Degrees, lat_deg: Degrees, margin_deg: float = 0.0) -> np.ndarray:
        """Tell which positions lie inside, or at most `margin_deg` outside."""
        return np.asarray(self.distance_deg(lon_deg, lat_deg) <= self.radius_deg + margin_deg)


ALL_SKY = Extent()

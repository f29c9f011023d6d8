"""The parts of the sky for which every number is given."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skykin.core.shapes import Degrees


@dataclass(frozen=True)
class Zone:
    """Galactic latitudes from one |b|, not included, to another, included.

    Parameters
    ----------
    name : str
        For tables and figures.
    above_deg, up_to_deg : float
        Limits of |b|, degrees.
    """

    name: str
    above_deg: float = -1.0
    up_to_deg: float = 90.0

    def contains(self, lat_deg: Degrees) -> np.ndarray:
        """Tell which latitudes lie inside."""
        away = np.abs(lat_deg)
        return np.asarray((away > self.above_deg) & (away <= self.up_to_deg))


ALL_SKY = Zone("all sky")
OFF_PLANE = Zone("|b| > 5°", above_deg=5.0)
PLANE = Zone("|b| ≤ 5°", up_to_deg=5.0)
ZONES = (ALL_SKY, OFF_PLANE, PLANE)

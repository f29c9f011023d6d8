"""Scored tiles, with what their scores may depend on besides likeness."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skykin.core.errors import UsageError
from skykin.core.shapes import Degrees, Numbers
from skykin.core.sphere import apart, directions, reach_deg


@dataclass(frozen=True, eq=False)
class Tiles:
    """Scored tiles, with what their scores may depend on besides likeness.

    Parameters
    ----------
    lon_deg, lat_deg : array (tiles,)
        Galactic positions of the centres, degrees.
    score : array (tiles,)
        NaN where a tile has none.
    brightness, coverage : array (tiles,)
        Only their order counts.
    area : array (tiles,)
        Share of the sky that each tile stands for.
    size_deg : float
        Side of a tile, degrees.
    """

    lon_deg: Degrees
    lat_deg: Degrees
    score: Numbers
    brightness: Numbers
    coverage: Numbers
    area: Numbers
    size_deg: float

    def __post_init__(self) -> None:
        for name in ("lon_deg", "lat_deg", "score", "brightness", "coverage", "area"):
            values = np.asarray(getattr(self, name), dtype=np.float64)
            if values.shape != (len(self.lon_deg),):
                raise UsageError(f"{name} has shape {values.shape}, but there are {len(self.lon_deg)} tiles")
            object.__setattr__(self, name, values)

    @property
    def reach_deg(self) -> float:
        """Distance of two centres from which on tiles do not overlap: the diagonal."""
        return reach_deg(self.size_deg)

    @property
    def usable(self) -> np.ndarray:
        """Which tiles have a score and all that it may depend on."""
        known = (self.score, self.brightness, self.coverage)
        return np.asarray(np.all([np.isfinite(values) for values in known], axis=0))

    def directions(self) -> Numbers:
        """Return unit vectors (tiles, 3) towards the centres."""
        return directions(self.lon_deg, self.lat_deg)

    def apart_from(self, lon_deg: float, lat_deg: float) -> np.ndarray:
        """Tell which tiles do not overlap one of their size at a place."""
        return np.asarray(apart(directions(lon_deg, lat_deg), self.directions(), self.reach_deg))

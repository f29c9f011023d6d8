"""A survey changed on purpose, to test what the change does to a map."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import map_coordinates

from skykin.core.extent import Extent
from skykin.core.footprint import Footprint
from skykin.core.protocols import Survey
from skykin.core.shapes import BandValues, Coverage, Degrees
from skykin.core.sphere import seen_from
from skykin.survey.base import About, BaseSurvey


@dataclass(frozen=True, eq=False)
class Patch:
    """A small picture of physical values, to be added to a survey.

    Parameters
    ----------
    footprint : Footprint
        Where it lies; gnomonic and square, rotated or not.
    values : float32 array (side, side, 3)
        In the survey's unit, first row at the top; should fall to zero at the border.
    hidden : bool array (side, side), optional
        Where coverage becomes 0.
    """

    footprint: Footprint
    values: BandValues
    hidden: np.ndarray | None = None

    def at(self, lon_deg: Degrees, lat_deg: Degrees) -> tuple[BandValues, np.ndarray]:
        """Values ``(..., 3)`` at Galactic positions, interpolated, zero outside; and what is hidden."""
        x, y, ahead = self._plane(lon_deg, lat_deg)
        side = len(self.values)
        half = np.tan(np.radians(self.footprint.width_deg / 2))
        column = (0.5 - x / half / 2) * side - 0.5
        row = (0.5 - y / half / 2) * side - 0.5
        added = np.zeros((*np.shape(column), 3), np.float32)
        inside = ahead & (np.abs(x) < half) & (np.abs(y) < half)
        for band in range(3):
            added[inside, band] = map_coordinates(
                self.values[..., band], [row[inside], column[inside]], order=1, mode="nearest"
            )
        hidden = np.zeros(inside.shape, dtype=bool)
        if self.hidden is not None:
            nearest = (np.clip(at[inside].round().astype(int), 0, side - 1) for at in (row, column))
            hidden[inside] = self.hidden[*nearest]
        return added, hidden

    def _plane(self, lon_deg: Degrees, lat_deg: Degrees) -> tuple[Degrees, Degrees, np.ndarray]:
        """Gnomonic coordinates to the left and up, and whether a position is on this side of the sky."""
        lon = np.radians(np.asarray(lon_deg) - self.footprint.lon_deg)
        east, north, depth = seen_from(lon, np.radians(lat_deg), np.radians(self.footprint.lat_deg))
        ahead = depth > 0.1
        safe = np.where(ahead, depth, 1.0)
        x, y = east / safe, north / safe
        turn = np.radians(self.footprint.turn_deg)
        return x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn), ahead


@dataclass(frozen=True, eq=False, repr=False)
class AlteredSurvey(BaseSurvey):
    """A survey brighter or fainter, rotated in longitude, or with something added.

    Parameters
    ----------
    survey : Survey
    factor : float
        What its values are multiplied by.
    turn_deg : float
        Angle that is added to its longitudes.
    patch : Patch, optional
        What is added after that.
    """

    survey: Survey
    factor: float = 1.0
    turn_deg: float = 0.0
    patch: Patch | None = None

    @property
    def about(self) -> About:
        """Names and sources of the survey."""
        return replace(About.of(self.survey), title=f"{self.survey.title}, altered")

    @property
    def beam_deg(self) -> float:
        """Angular resolution (full width), degrees."""
        return self.survey.beam_deg

    @property
    def extent(self) -> Extent:
        """Cap that holds the survey where it lies now."""
        own = self.survey.extent
        return Extent((own.lon_deg + self.turn_deg) % 360.0, own.lat_deg, own.radius_deg)

    @property
    def overview(self) -> AlteredSurvey:
        """The same change of the survey's overview."""
        return replace(self, survey=self.survey.overview)

    def to_dict(self) -> dict[str, object]:
        """Plain values for provenance, those of the change among them."""
        patch = None if self.patch is None else str(self.patch.footprint)
        change = {"factor": self.factor, "turn_deg": self.turn_deg, "patch": patch}
        return self.survey.to_dict() | {"altered": change}

    def _sample(self, lon_deg: Degrees, lat_deg: Degrees) -> tuple[BandValues, Coverage]:
        """Sample the survey at the original longitudes, and change the values."""
        values, coverage = self.survey.sample((lon_deg - self.turn_deg) % 360.0, lat_deg)
        values = values * np.float32(self.factor)
        if self.patch is not None:
            added, hidden = self.patch.at(lon_deg, lat_deg)
            values, coverage = values + added, np.where(hidden, np.float32(0), coverage)
        return values, coverage

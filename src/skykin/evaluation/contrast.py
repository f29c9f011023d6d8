"""Mean brightness around places: small discs and wide ones, whose difference is a contrast."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy.spatial import cKDTree

from skykin.core.errors import UsageError
from skykin.core.protocols import Survey
from skykin.core.shapes import Coverage, Degrees, Numbers
from skykin.core.sphere import chord, directions
from skykin.survey.intensity import intensity
from skykin.survey.render import positions_over

#: Diameters of the discs on a survey of the whole sky, degrees.
KNOT_DEG, CORE_DEG, INNER_DEG, OUTER_DEG = 1.0, 2.0, 5.0, 15.0
#: Positions at which a disc smaller than the spacing of the samples is looked at.
IN_DISC = 19
PLACES_AT_ONCE = 2048
#: The faintest brightness that has a logarithm, as a percentile of what is above zero.
FLOOR_PERCENTILE = 1.0


@dataclass(frozen=True, eq=False)
class BrightnessSamples:
    """Brightness on a fine regular grid of the sky.

    Parameters
    ----------
    lon_deg, lat_deg : array (samples,)
    intensity : array (samples,)
        Sum of the survey's bands.
    coverage : array (samples,)
        Weight of each sample, 0 to 1.
    """

    lon_deg: Degrees
    lat_deg: Degrees
    intensity: Numbers
    coverage: Coverage
    _tree: cKDTree = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_tree", cKDTree(directions(self.lon_deg, self.lat_deg)))

    @classmethod
    def of(cls, survey: Survey) -> BrightnessSamples:
        """Sample a survey at the positions at which its limits are measured."""
        lon_deg, lat_deg = positions_over(survey.extent)
        values, coverage = survey.overview.sample(lon_deg, lat_deg)
        return cls(lon_deg, lat_deg, intensity(survey, values), coverage)

    def disc_means(self, lon_deg: Degrees, lat_deg: Degrees, diameter_deg: float) -> tuple[Numbers, Numbers]:
        """Mean brightness in discs about places, and mean logarithm, in which one bright star counts less.

        Parameters
        ----------
        lon_deg, lat_deg : array (places,)
        diameter_deg : float

        Returns
        -------
        two arrays (places,)
            NaN where nothing in a disc is covered.

        Raises
        ------
        UsageError
            If the diameter is not from 0° to 180°.
        """
        if not 0 < diameter_deg < 180:
            raise UsageError(f"a disc of {diameter_deg:g}° has no mean; use a diameter from 0° to 180°")
        reach = chord(diameter_deg / 2)
        weight = self.coverage.astype(np.float64)
        of_sample = np.stack([weight, weight * self.intensity, weight * self.logarithm(self.intensity)])
        means = np.full((2, len(lon_deg)), np.nan)
        for start in range(0, len(lon_deg), PLACES_AT_ONCE):
            part = slice(start, start + PLACES_AT_ONCE)
            places = cKDTree(directions(lon_deg[part], lat_deg[part]))
            near = places.sparse_distance_matrix(self._tree, reach, output_type="ndarray")
            total, *sums = (np.bincount(near["i"], each[near["j"]], places.n) for each in of_sample)
            np.divide(sums, total, out=means[:, part], where=total > 0)
        return means[0], means[1]

    def logarithm(self, intensity: Numbers) -> Numbers:
        """Natural logarithm, from the floor of these samples on; NaN if nothing of them is above zero."""
        return np.log(np.maximum(intensity, self._floor))

    @cached_property
    def _floor(self) -> float:
        bright = self.intensity[(self.intensity > 0) & (self.coverage > 0)]
        return float(np.percentile(bright, FLOOR_PERCENTILE)) if bright.size else math.nan


def positions_in_discs(
    lon_deg: Degrees, lat_deg: Degrees, diameter_deg: float, number: int = IN_DISC
) -> tuple[Degrees, Degrees]:
    """Positions spread evenly over small discs about places, for discs finer than any fixed grid.

    Returns
    -------
    two arrays (places, number)
        Galactic positions, degrees.

    References
    ----------
    Vogel 1979, Mathematical Biosciences 44, 179 (the sunflower's spiral).
    """
    step = np.arange(number) + 0.5
    away = np.sqrt(step / number) * np.radians(diameter_deg / 2)
    angle = step * np.pi * (3 - math.sqrt(5))
    lon, lat = np.radians(lon_deg)[:, None], np.radians(lat_deg)[:, None]
    zero = np.zeros_like(lon)
    ahead = directions(lon_deg, lat_deg)[:, None]
    east = np.stack([-np.sin(lon), np.cos(lon), zero], axis=-1)
    north = np.stack([-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)], axis=-1)
    aside = np.cos(angle)[:, None] * east + np.sin(angle)[:, None] * north
    x, y, z = np.moveaxis(np.cos(away)[:, None] * ahead + np.sin(away)[:, None] * aside, -1, 0)
    return np.degrees(np.arctan2(y, x)) % 360.0, np.degrees(np.arcsin(np.clip(z, -1, 1)))

"""Means over discs of the sky about every position of a HEALPix map."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import csr_matrix
from scipy.spatial import cKDTree

from skykin.core.protocols import Survey
from skykin.core.shapes import Coverage, Numbers
from skykin.core.sphere import directions
from skykin.evaluation.tile_centres import TileCentres
from skykin.survey.intensity import intensity

#: Added to brightness before the logarithm, in the unit of the survey; rayleigh for WHAM.
FLOOR = 0.1
LEAST_BRIGHTNESS = 0.05
#: Radius within which any data will do: one masked pointing is filled from those around it.
BESIDE_DEG = 1.1
#: Radii of the discs of the contrasts that need no network; 0.4° holds one position, 0.9° wide.
CONTRASTS_DEG = {"5° against 15°": (2.5, 7.5), "2° against 5°": (1.1, 2.5), "1° against 5°": (0.4, 2.5)}


@dataclass(frozen=True, eq=False)
class Discs:
    """Which positions lie within a radius of each."""

    places: TileCentres
    _kept: dict[float, csr_matrix] = field(default_factory=dict)

    def mean(self, values: Numbers, weight: Numbers, radius_deg: float) -> Numbers:
        """Weighted means (positions, channels) over discs.

        Where nothing in a disc has weight, a position keeps its own value: surveys fill what is masked.
        """
        near = self._near(radius_deg)
        total = (near @ weight)[:, None]
        means = (near @ (values * weight[:, None])) / np.where(total > 0, total, 1)
        return np.where(total > 0, means, values)

    def _near(self, radius_deg: float) -> csr_matrix:
        if radius_deg not in self._kept:
            at = directions(self.places.lon_deg, self.places.lat_deg)
            found = cKDTree(at).query_ball_point(at, 2 * np.sin(np.radians(radius_deg) / 2))
            ends = np.cumsum([0] + [len(each) for each in found])
            ones = np.ones(ends[-1], np.float32)
            matrix = csr_matrix((ones, np.concatenate(found).astype(int), ends), shape=(len(at), len(at)))
            self._kept[radius_deg] = matrix
        return self._kept[radius_deg]


@dataclass(frozen=True, eq=False)
class Brightness:
    """How bright the sky is at and around the positions.

    Parameters
    ----------
    discs : Discs
    intensity : array (positions,)
        Intensity in the survey's unit, not below 0.
    coverage : array (positions,)
    """

    discs: Discs
    intensity: Numbers
    coverage: Coverage

    @classmethod
    def of(cls, survey: Survey, discs: Discs) -> Brightness:
        """Sample a survey at the positions."""
        values, coverage = survey.sample(discs.places.lon_deg, discs.places.lat_deg)
        return cls(discs, np.maximum(intensity(survey, values), 0), coverage)

    def mean(self, radius_deg: float) -> Numbers:
        """Mean intensity in discs."""
        return self.discs.mean(self.intensity[:, None], self.coverage, radius_deg)[:, 0]

    def logarithm(self, radius_deg: float) -> Numbers:
        """Logarithm of the mean in discs, as brightness is taken out of features."""
        return np.log(np.maximum(self.mean(radius_deg), LEAST_BRIGHTNESS) + FLOOR)

    def contrasts(self) -> dict[str, Numbers]:
        r"""Scores without a network: :math:`\ln(\bar I_{inner} + f) - \ln(\bar I_{outer} + f)`.

        `skykin map` averages logarithms instead, so that its numbers differ.
        """
        return {
            name: self.known(np.log(self.mean(inner) + FLOOR) - np.log(self.mean(outer) + FLOOR))
            for name, (inner, outer) in CONTRASTS_DEG.items()
        }

    def known(self, score: Numbers) -> Numbers:
        """Take away the scores of positions without data in or beside them."""
        near = self.discs.mean(self.coverage[:, None], np.ones(len(score)), BESIDE_DEG)[:, 0]
        return np.where(near > 0, score, np.nan)

"""How bright the sky is in the survey's own unit."""

from __future__ import annotations

import numpy as np

from skykin.core.footprint import Footprint
from skykin.core.protocols import Survey
from skykin.core.shapes import BandValues, Numbers

#: Positions on a side of a tile at which its mean intensity is measured.
INTENSITY_POSITIONS = 24


def intensity(survey: Survey, values: BandValues) -> Numbers:
    """Sum ``(...)`` of the bands that are data of their own; a grey image is shown three times, not added.

    Parameters
    ----------
    survey : Survey
    values : array (..., 3)
        As the survey is sampled, in its unit.
    """
    if len(survey.intensity_bands) == values.shape[-1]:
        return np.asarray(values.sum(axis=-1, dtype=np.float64))
    return np.asarray(values[..., survey.intensity_bands].sum(axis=-1, dtype=np.float64))


def mean_intensity(survey: Survey, footprint: Footprint) -> float:
    """Mean `intensity` over the covered part of a tile, in the survey's unit; NaN if nothing is covered."""
    values, coverage = survey.sample(*footprint.pixel_positions((INTENSITY_POSITIONS, INTENSITY_POSITIONS)))
    weight = coverage.sum(dtype=np.float64)
    return float((intensity(survey, values) * coverage).sum() / weight) if weight else np.nan

"""How bright a tile is in the survey's own unit."""

from __future__ import annotations

import numpy as np

from skykin.core.footprint import Footprint
from skykin.core.protocols import Survey

#: Positions on a side of a tile at which its mean intensity is measured.
INTENSITY_POSITIONS = 24


def mean_intensity(survey: Survey, footprint: Footprint) -> float:
    """Mean over the covered part of a tile of the sum of the bands, in the survey's unit; NaN if none is."""
    values, coverage = survey.sample(*footprint.pixel_positions((INTENSITY_POSITIONS, INTENSITY_POSITIONS)))
    weight = coverage.sum(dtype=np.float64)
    return float((values.sum(axis=-1, dtype=np.float64) * coverage).sum() / weight) if weight else np.nan

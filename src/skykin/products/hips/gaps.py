"""Gaps of a survey of the whole sky: narrow ones are shown filled in, wide ones as they are."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import distance_transform_edt

from skykin.core.shapes import Coverage

#: Gaps are shown from this width on; many of the narrower ones are single pointings with a bright star.
WIDE_GAP_DEG = 3.0


def shown_coverage(coverage: Coverage, pixel_deg: float) -> Coverage:
    """Coverage (rows, columns) of a picture in which gaps narrower than `WIDE_GAP_DEG` count as covered."""
    gap = np.pad(coverage == 0, 1, constant_values=True)
    if not gap[1:-1, 1:-1].any():
        return coverage
    radius = WIDE_GAP_DEG / 2 / pixel_deg
    # Half as much again reaches into the corners of a square.
    core = distance_transform_edt(gap) >= radius
    near = distance_transform_edt(~core) <= 1.5 * radius if core.any() else core
    return np.asarray(np.where(gap & near, 0, 1)[1:-1, 1:-1], coverage.dtype)

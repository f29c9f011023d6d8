"""Tiles left out of a map for too little data."""

from __future__ import annotations

import numpy as np
from scipy.spatial import ConvexHull, QhullError

from skykin.core.protocols import Survey
from skykin.core.shapes import Numbers
from skykin.core.sphere import directions
from skykin.tiling.grid import TileGrid


def left_out(survey: Survey, grid: TileGrid, scored: np.ndarray) -> int:
    """Count the positions in a survey whose tiles have too little data; those beside an image are none.

    Parameters
    ----------
    survey : Survey
    grid : TileGrid
        All positions in the cap of the sky that holds the survey.
    scored : bool array (tiles,)
        Which have enough data.

    Returns
    -------
    int
        On a survey of a part of the sky, a position counts where there are data or where it lies among scored
        tiles, as in a hole.
    """
    lon, lat = (angle[~scored] for angle in grid.centers())
    if survey.extent.is_all_sky or not lon.size:
        return int(lon.size)
    seen = survey.sample(lon, lat)[1] > 0
    return int((seen | _among(directions(lon, lat), directions(*(a[scored] for a in grid.centers())))).sum())


def _among(places: Numbers, others: Numbers) -> np.ndarray:
    """Tell which directions (n, 3) lie within the convex hull of others (m, 3), seen from their middle."""
    middle = others.mean(axis=0)
    middle /= np.linalg.norm(middle)
    across = np.linalg.svd(middle[None])[2][1:]
    try:
        hull = ConvexHull(others @ across.T)
    except (QhullError, ValueError):  # too few, or all in one line
        return np.zeros(len(places), dtype=bool)
    outward, offset = hull.equations[:, :2], hull.equations[:, 2]
    return np.asarray((places @ across.T @ outward.T + offset <= 0).all(axis=1))

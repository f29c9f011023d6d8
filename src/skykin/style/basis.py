"""A basis fitted on the survey itself: few numbers that separate its tiles."""

from __future__ import annotations

import numpy as np
import scipy.linalg

from skykin.core.shapes import Numbers

#: Numbers per layer that a tile is projected to.
COMPONENTS = 128
#: Tiles, evenly spread, that the basis is fitted on.
FITTED_TILES = 1000
#: Directions in which the tiles differ by less than this share are rounding.
ROUNDING = 1e-10


def fit_basis(rows: Numbers, components: int = COMPONENTS) -> Numbers:
    """Find the directions that hold most of some vectors' length.

    Parameters
    ----------
    rows : float array (tiles, n)
        Of length 1; rows that are not finite are left out.
    components : int
        Fewer if the rows lie in fewer directions.

    Returns
    -------
    float32 array (k, n)
        Orthonormal rows, the most important first; the identity if `n` is not larger than `components`.
    """
    width = rows.shape[1]
    if width <= components:
        return np.eye(width, dtype=np.float32)
    known = rows[np.isfinite(rows).all(axis=1)].astype(np.float64)
    if not len(known):
        return np.zeros((0, width), np.float32)
    # The smaller of the two symmetric matrices has the same directions.
    few = len(known) <= width
    matrix = known @ known.T if few else known.T @ known
    last = len(matrix) - 1
    values, sides = scipy.linalg.eigh(matrix, subset_by_index=(max(0, last + 1 - components), last))
    kept = values > ROUNDING * values[-1]
    directions = (known.T @ sides[:, kept]) / np.sqrt(values[kept]) if few else sides[:, kept]
    # Signs are a matter of taste: the largest number of each direction is positive.
    largest = np.abs(directions).argmax(axis=0)
    directions *= np.sign(directions[largest, np.arange(directions.shape[1])])
    return np.ascontiguousarray(directions.T[::-1], dtype=np.float32)

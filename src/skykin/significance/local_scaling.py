"""Local scaling: similarity beyond that of tiles which are similar to everything."""

from __future__ import annotations

import numpy as np

from skykin.core.errors import UsageError
from skykin.core.shapes import Numbers

#: Most similar others that tell how much of a hub a tile is.
NEIGHBOURS = 10


def hubness(cosines: Numbers, neighbours: int = NEIGHBOURS) -> Numbers:
    r"""Tell how much a tile is similar to whatever it is compared with.

    .. math:: r_i = \frac{1}{K} \sum_{j \in \mathcal N_K(i)} \cos(i, j)

    Parameters
    ----------
    cosines : array (..., anchors)
        With tiles spread over the survey; NaN, for one that overlaps the tile, does not count.
    neighbours : int
        :math:`K`; all anchors where there are fewer.

    Returns
    -------
    float64 array (...)
        Mean of the K largest cosines; NaN without any.

    Raises
    ------
    UsageError
        If `neighbours` is less than 1.
    """
    if neighbours < 1:
        raise UsageError(f"hubness is a mean over 1 neighbour or more, not {neighbours}")
    values = -np.sort(-np.asarray(cosines, dtype=np.float64), axis=-1)[..., :neighbours]
    known = np.isfinite(values)
    count = known.sum(axis=-1)
    total = np.where(known, values, 0).sum(axis=-1)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def csls(score: Numbers, tiles: Numbers, reference: float | Numbers) -> Numbers:
    r"""Scale scores by the neighbourhoods of both sides.

    .. math:: \mathrm{CSLS}_i = 2 s_i - r_i - r_\mathrm{ref}

    A hub, a tile like everything, loses what it has in common with all.

    Parameters
    ----------
    score : array (tiles,)
    tiles : array (tiles,)
        Hubness of each tile.
    reference : float or array (tiles,)
        Hubness of the reference, or of the one that counts for each tile.

    References
    ----------
    Conneau et al. 2018, ICLR, eq. 3 (cross-domain similarity local scaling).
    """
    return 2 * np.asarray(score, dtype=np.float64) - np.asarray(tiles, dtype=np.float64) - reference

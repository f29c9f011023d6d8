"""Whether a score follows brightness once latitude is taken out."""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import rankdata

from skykin.core.errors import UsageError
from skykin.core.shapes import Numbers
from skykin.evaluation.measurement import Blocks, Measurement
from skykin.evaluation.tile_centres import TileCentres

ROW_DEG = 5.0


def rank_correlation_in_rows(
    tiles: TileCentres,
    score: Numbers,
    brightness: Numbers,
    chosen: np.ndarray | None = None,
    *,
    seed: int = 0,
) -> Measurement:
    r"""Rank correlation of a score with brightness among tiles of the same latitude.

    .. math:: \rho = \sum_r \sum_{i \in r} x_i y_i \Big/
              \sqrt{\sum_r \sum_{i \in r} x_i^2 \sum_r \sum_{i \in r} y_i^2}

    where x and y are the ranks within a row of 5° of latitude, centred and divided by the number of its
    tiles.  The logarithm of the brightness has the same ranks.

    Parameters
    ----------
    tiles : TileCentres
    score, brightness : array (tiles,)
        Tiles where either is NaN are left out.
    chosen : bool array (tiles,), optional
        Tiles that count; all by default.

    Raises
    ------
    UsageError
        If the arrays differ in length.
    """
    score, brightness = np.asarray(score, dtype=np.float64), np.asarray(brightness, dtype=np.float64)
    if score.shape != (len(tiles),) or brightness.shape != score.shape:
        raise UsageError(
            f"a score of shape {score.shape} and a brightness of {brightness.shape} do not fit "
            f"{len(tiles)} tiles"
        )
    kept = np.isfinite(score) & np.isfinite(brightness)
    if chosen is not None:
        kept &= chosen
    row = np.floor((tiles.lat_deg[kept] + 90) / ROW_DEG).astype(int)
    x, y = (_ranks_in_rows(values[kept], row) for values in (score, brightness))
    products = np.stack([x * y, x * x, y * y], axis=-1)
    blocks = Blocks(tiles.lon_deg[kept], seed)
    return Measurement(
        float(_correlation(products.sum(axis=0))),
        int(kept.sum()),
        blocks.number,
        _correlation(blocks.sums(products)),
    )


def _ranks_in_rows(values: Numbers, row: Numbers) -> Numbers:
    ranks = np.zeros(values.shape)
    for each in np.unique(row):
        mine = row == each
        number = mine.sum()
        ranks[mine] = (rankdata(values[mine]) - (number + 1) / 2) / number
    return ranks


def _correlation(sums: Numbers) -> Numbers:
    """From sums (..., 3) of xy, xx and yy."""
    spread = np.sqrt(sums[..., 1] * sums[..., 2])
    return np.asarray(np.divide(sums[..., 0], spread, out=np.full(spread.shape, math.nan), where=spread > 0))

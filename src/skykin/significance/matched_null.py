"""The matched null: what tiles of the same brightness, latitude and coverage score elsewhere on the sky."""

from __future__ import annotations

import math

import numpy as np

from skykin.core.shapes import Numbers
from skykin.significance.matching import SPAN, Matching
from skykin.significance.scored_tiles import Tiles

#: Independent tiles that a comparison needs: one for each number that is fitted, and some to tell a spread.
FEWEST_INDEPENDENT = 12.0
#: Where fewer of the tiles are away from the reference, these alone are matched.
MOSTLY = 0.75
#: Residuals beyond so many spreads do not count: kin must not make their own null.
ROBUSTNESS = 6.0
ROUNDS = 3
#: Spread of a normal distribution per median deviation.
NORMAL = 1.4826
#: Smallest local spread, in units of that of all tiles.
FLOOR = 0.1
#: Pairs of tiles that are fitted at a time, so that they stay in the cache.
PAIRS_AT_ONCE = 1 << 16


def independent_tiles(area: Numbers, size_deg: float) -> float:
    r"""Count how many tiles without common sky would tell as much as these.

    .. math:: N_\mathrm{eff} = \min\Big(N, \frac{4\pi}{s^2} \sum_i a_i\Big)

    with the shares :math:`a` of the sky that the tiles stand for, and their side :math:`s` in radians.  For
    an average over a tile of values that are independent from point to point, two tiles correlate by the
    share of sky that they have in common, and overlapping ones tell exactly as much as this number of
    separate ones.  Structure larger than a tile makes the number smaller still.
    """
    return float(min(len(area), np.sum(area) * 4 * math.pi / math.radians(size_deg) ** 2))


def standardised(tiles: Tiles, null: np.ndarray, matching: Matching | None = None) -> Numbers:
    r"""How far each tile scores above what is usual for tiles like it, in units of their spread.

    .. math:: t_i = \frac{s_i - \mu(x_i)}{\sigma(x_i)}

    where :math:`x` are the ranks of brightness, |b| and coverage, 0 to 1.  :math:`\mu` is a local regression:
    a plane through the scores of the quarter of the null tiles nearest in :math:`x`, with tricube weights
    and, in three rounds, bisquare weights against outliers; :math:`\sigma` is 1.48 times their weighted
    median deviation.  Tiles that share sky with the tile itself do not take part.

    Parameters
    ----------
    tiles : Tiles
    null : bool array (tiles,)
        Which tiles tell what is usual: those away from the reference.
    matching : Matching, optional
        Of these tiles, if it was made before; made anew if left out, or if other tiles have a score now.

    Returns
    -------
    float64 array (tiles,)
        NaN where a tile has no score, and everywhere if there are fewer than 12 independent null tiles or
        all of them score the same.

    References
    ----------
    Cleveland 1979, JASA 74, 829 (robust locally weighted regression).
    """
    usable = tiles.usable
    found = np.full(len(tiles.score), np.nan)
    pool = np.flatnonzero(usable & null)
    independent = independent_tiles(tiles.area[pool], tiles.size_deg)
    if independent < FEWEST_INDEPENDENT:
        return found
    span = max(SPAN, FEWEST_INDEPENDENT / independent)
    if span > SPAN or len(pool) < MOSTLY * usable.sum():
        # Of a small sky all that is left is needed.
        matching = Matching.of(tiles, pool, span)
    elif matching is None or not matching.fits(tiles):
        matching = Matching.of(tiles, np.flatnonzero(usable))
    measured = matching.pool[null[matching.pool]]
    middle = np.median(tiles.score[measured])
    overall = float(np.median(np.abs(tiles.score[measured] - middle))) * NORMAL
    if not overall > 0:
        return found
    plane, spread = _planes(tiles, matching, null)
    rows = np.flatnonzero(usable)
    group = matching.group[rows]
    away = matching.likeness[rows] - matching.middle[group]
    usual = plane[group, 0] + np.einsum("nx,nx->n", plane[group, 1:], away)
    found[rows] = (tiles.score[rows] - usual) / np.maximum(spread[group], FLOOR * overall)
    return found


def _planes(tiles: Tiles, matching: Matching, null: np.ndarray) -> tuple[Numbers, Numbers]:
    """Plane (groups, 4) through the scores of the most alike tiles elsewhere, and the spread about it."""
    groups, count = matching.near.shape
    planes, spreads = np.empty((groups, 4)), np.empty(groups)
    step = max(1, PAIRS_AT_ONCE // count)
    score = np.where(null & tiles.usable, tiles.score, 0)
    for start in range(0, groups, step):
        part = slice(start, start + step)
        near = matching.near[part]
        kernel = matching.kernel[part] * null[near]
        away = matching.likeness[near] - matching.middle[part, None, :]
        plane = np.concatenate([np.ones((*near.shape, 1)), away], axis=-1)
        planes[part], spreads[part] = _robust_plane(plane, score[near], kernel)
    return planes, spreads


def _robust_plane(plane: Numbers, score: Numbers, kernel: Numbers) -> tuple[Numbers, Numbers]:
    """Robust fits (fits, 4) to points (fits, points), and the spread about them."""
    weight = kernel
    # A feature that is the same for all points has no slope.
    ridge = 1e-6 * np.diag([0.0, *[1.0] * (plane.shape[-1] - 1)])
    for _ in range(ROUNDS):
        weighted = plane * weight[..., None]
        normal = np.einsum("fpi,fpj->fij", weighted, plane, optimize=True)
        normal += ridge * np.maximum(weight.sum(axis=1), 1e-300)[:, None, None]
        right = np.einsum("fpi,fp->fi", weighted, score, optimize=True)
        solved = np.linalg.solve(normal, right[..., None])[..., 0]
        residual = score - np.einsum("fpi,fi->fp", plane, solved, optimize=True)
        deviation = _weighted_median(np.abs(residual), kernel)
        cut = ROBUSTNESS * np.maximum(deviation, 1e-300)[:, None]
        weight = kernel * np.clip(1 - (residual / cut) ** 2, 0, None) ** 2
    return solved, NORMAL * deviation


def _weighted_median(values: Numbers, weight: Numbers) -> Numbers:
    """Weighted median of each row."""
    order = np.argsort(values, axis=1)
    held = np.cumsum(np.take_along_axis(weight, order, axis=1), axis=1)
    middle = np.argmax(held >= held[:, -1:] / 2, axis=1)
    return np.asarray(np.take_along_axis(values, order, axis=1)[np.arange(len(values)), middle])

"""The matched null: what tiles of the same brightness, latitude and coverage score elsewhere on the sky."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from skykin.core.errors import UsageError
from skykin.core.shapes import Degrees, Numbers

#: Share of the tiles, the most alike, that a tile is compared with.
SPAN = 0.25
#: Independent tiles that a comparison needs: one for each number that is fitted, and some to tell a spread.
FEWEST_INDEPENDENT = 12.0
#: Tiles that the null is measured on, evenly spread: more of them overlap and tell nothing new.
MOST_TILES = 4096
#: Residuals beyond so many spreads do not count: kin must not make their own null.
ROBUSTNESS = 6.0
ROUNDS = 3
#: Spread of a normal distribution per median deviation.
NORMAL = 1.4826
#: Smallest local spread, in units of that of all tiles.
FLOOR = 0.1
#: Pairs of tiles that are looked at at a time: some 100 MB.
PAIRS_AT_ONCE = 1 << 20


@dataclass(frozen=True, eq=False)
class Tiles:
    """Scored tiles, with what their scores may depend on besides likeness.

    Parameters
    ----------
    lon_deg, lat_deg : array (tiles,)
        Galactic positions of the centres, degrees.
    score : array (tiles,)
        NaN where a tile has none.
    brightness, coverage : array (tiles,)
        Only their order counts.
    area : array (tiles,)
        Share of the sky that each tile stands for.
    size_deg : float
        Side of a tile, degrees.
    """

    lon_deg: Degrees
    lat_deg: Degrees
    score: Numbers
    brightness: Numbers
    coverage: Numbers
    area: Numbers
    size_deg: float

    def __post_init__(self) -> None:
        for name in ("lon_deg", "lat_deg", "score", "brightness", "coverage", "area"):
            values = np.asarray(getattr(self, name), dtype=np.float64)
            if values.shape != (len(self.lon_deg),):
                raise UsageError(f"{name} has shape {values.shape}, but there are {len(self.lon_deg)} tiles")
            object.__setattr__(self, name, values)

    @property
    def reach_deg(self) -> float:
        """Distance of two centres from which on tiles share no sky: the diagonal."""
        return min(math.sqrt(2) * self.size_deg, 180.0)

    @property
    def usable(self) -> np.ndarray:
        """Which tiles have a score and all that it may depend on."""
        known = (self.score, self.brightness, self.coverage)
        return np.asarray(np.all([np.isfinite(values) for values in known], axis=0))

    def directions(self) -> Numbers:
        """Return unit vectors (tiles, 3) towards the centres."""
        lon, lat = np.radians(self.lon_deg), np.radians(self.lat_deg)
        return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)

    def apart_from(self, lon_deg: float, lat_deg: float) -> np.ndarray:
        """Tell which tiles share no sky with one of their size at a place."""
        lon, lat = math.radians(lon_deg), math.radians(lat_deg)
        place = np.array([math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)])
        return np.asarray(self.directions() @ place < math.cos(math.radians(self.reach_deg)))


def independent_tiles(area: Numbers, size_deg: float) -> float:
    r"""Count how many tiles without common sky would tell as much as these.

    .. math:: N_\mathrm{eff} = \min\Big(N, \frac{4\pi}{s^2} \sum_i a_i\Big)

    with the shares :math:`a` of the sky that the tiles stand for, and their side :math:`s` in radians.  For
    an average over a tile of values that are independent from point to point, two tiles correlate by the
    share of sky that they have in common, and overlapping ones tell exactly as much as this number of
    separate ones.  Structure larger than a tile makes the number smaller still.
    """
    return float(min(len(area), np.sum(area) * 4 * math.pi / math.radians(size_deg) ** 2))


def standardised(tiles: Tiles, null: np.ndarray) -> Numbers:
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
    pool = pool[:: math.ceil(len(pool) / MOST_TILES)]
    overall = float(np.median(np.abs(tiles.score[pool] - np.median(tiles.score[pool])))) * NORMAL
    if not overall > 0:
        return found
    fit = _LocalFit(tiles, pool, max(SPAN, FEWEST_INDEPENDENT / independent))
    rows = np.flatnonzero(usable)
    step = max(1, PAIRS_AT_ONCE // len(pool))
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        usual, spread = fit.at(part)
        found[part] = (tiles.score[part] - usual) / np.maximum(spread, FLOOR * overall)
    return found


class _LocalFit:
    """Planes through the scores of the most alike tiles elsewhere."""

    def __init__(self, tiles: Tiles, pool: Numbers, span: float) -> None:
        self.pool = pool
        usable = tiles.usable
        ranks = [
            _ranks(values, usable) for values in (tiles.brightness, np.abs(tiles.lat_deg), tiles.coverage)
        ]
        self.likeness = np.stack(ranks, axis=-1)
        self.directions = tiles.directions()
        self.nearest = math.cos(math.radians(tiles.reach_deg))
        self.score, self.area = tiles.score[pool], tiles.area[pool]
        self.last = min(math.ceil(span * len(pool)), len(pool)) - 1

    def at(self, rows: Numbers) -> tuple[Numbers, Numbers]:
        """Usual score and its spread for tiles, each (rows,)."""
        there = self.likeness[self.pool]
        distance = np.sqrt(np.square(self.likeness[rows][:, None, :] - there).sum(axis=-1))
        distance[self.directions[rows] @ self.directions[self.pool].T >= self.nearest] = np.inf
        near = np.argpartition(distance, self.last, axis=1)[:, : self.last + 1]
        distance = np.take_along_axis(distance, near, axis=1)
        # Where most of the sky is one's own neighbourhood, fewer are left.
        reach = np.max(np.where(np.isfinite(distance), distance, 0), axis=1, keepdims=True)
        share = np.clip(distance / np.maximum(reach * 1.001, 1e-12), 0, 1)
        kernel = (1 - share**3) ** 3 * self.area[near]
        plane = np.concatenate(
            [np.ones((*near.shape, 1)), there[near] - self.likeness[rows][:, None, :]], axis=-1
        )
        return _robust_intercept(plane, self.score[near], kernel)


def _robust_intercept(plane: Numbers, score: Numbers, kernel: Numbers) -> tuple[Numbers, Numbers]:
    """Intercept of robust fits (fits, points), and the spread about them."""
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
    return solved[:, 0], NORMAL * deviation


def _weighted_median(values: Numbers, weight: Numbers) -> Numbers:
    """Weighted median of each row."""
    order = np.argsort(values, axis=1)
    held = np.cumsum(np.take_along_axis(weight, order, axis=1), axis=1)
    middle = np.argmax(held >= held[:, -1:] / 2, axis=1)
    return np.asarray(np.take_along_axis(values, order, axis=1)[np.arange(len(values)), middle])


def _ranks(values: Numbers, usable: np.ndarray) -> Numbers:
    """Ranks from 0 to 1 among the usable tiles; ties share theirs."""
    ranks = np.zeros(len(values))
    ranks[usable] = (rankdata(values[usable]) - 0.5) / usable.sum()
    return ranks

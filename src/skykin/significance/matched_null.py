"""The matched null: what tiles of the same brightness, latitude and coverage score elsewhere on the sky."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.stats import rankdata

from skykin.core.errors import UsageError
from skykin.core.shapes import Degrees, Numbers
from skykin.core.sphere import directions, reach_deg

#: Share of the tiles, the most similar, that a tile is compared with.
SPAN = 0.25
#: Tiles that the null is measured on, evenly spread: more of them overlap and tell nothing new.
MOST_TILES = 4096
#: Of more tiles than that, neighbours are compared with the same others: places into which the sky is cut.
PLACES = 300
#: Tiles of one place in the same sixth of all by brightness, and half by coverage, are one group.
STEPS = (6, 2)
#: Pairs of tiles that are looked at at a time: some 100 MB.
COMPARED_AT_ONCE = 1 << 20
#: Independent tiles that a comparison needs: one for each number that is fitted, and some to tell a spread.
FEWEST_INDEPENDENT = 12.0
#: Where fewer of the tiles are away from the reference, these alone are matched.
MOSTLY = 0.75
#: Residuals beyond so many spreads do not count: similar tiles must not make their own null.
ROBUSTNESS = 6.0
ROUNDS = 3
#: Spread of a normal distribution per median deviation.
NORMAL = 1.4826
#: Smallest local spread, in units of that of all tiles.
FLOOR = 0.1
#: Pairs of tiles that are fitted at a time, so that they stay in the cache.
FITTED_AT_ONCE = 1 << 16


@dataclass(frozen=True, eq=False)
class Tiles:
    """Scored tiles, with what their scores may depend on besides similarity.

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
        """Distance of two centres from which on tiles do not overlap: the diagonal."""
        return reach_deg(self.size_deg)

    @property
    def usable(self) -> np.ndarray:
        """Which tiles have a score and all that it may depend on."""
        known = (self.score, self.brightness, self.coverage)
        return np.asarray(np.all([np.isfinite(values) for values in known], axis=0))

    def directions(self) -> Numbers:
        """Return unit vectors (tiles, 3) towards the centres."""
        return directions(self.lon_deg, self.lat_deg)


@dataclass(frozen=True, eq=False)
class Matching:
    """Groups of tiles, and the tiles that each is compared with.

    Up to 4 096 tiles each tile is a group of its own.

    Parameters
    ----------
    tiles : Tiles
        Their scores do not count, only whether they have one.
    pool : int array (pool,)
        Tiles that may be compared with.
    group : int array (tiles,)
        Group of each tile; −1 where it has no score.
    likeness : float64 array (tiles, 3)
        Ranks of brightness, |b| and coverage, 0 to 1.
    middle : float64 array (groups, 3)
        Mean ranks of each group.
    near : int32 array (groups, n)
        The most similar tiles that overlap none of the group, in no order.
    kernel : float32 array (groups, n)
        How much each of them counts: tricube of its distance, times the sky it stands for.
    """

    tiles: Tiles
    pool: Numbers
    group: Numbers
    likeness: Numbers
    middle: Numbers
    near: Numbers
    kernel: Numbers

    @classmethod
    def of(cls, tiles: Tiles, pool: Numbers, span: float = SPAN) -> Matching:
        """Match tiles with those of a pool.

        Parameters
        ----------
        tiles : Tiles
        pool : int array
            Numbers of tiles; if they are many, evenly spread ones stand for all.
        span : float
            Share of the pool, the most similar, that a tile is compared with.
        """
        pool = pool[:: max(1, math.ceil(len(pool) / MOST_TILES))]
        usable = tiles.usable
        values = (tiles.brightness, np.abs(tiles.lat_deg), tiles.coverage)
        likeness = np.stack([_ranks(each, usable) for each in values], axis=-1)
        grouping = _Grouping(tiles, likeness, usable)
        near, kernel = grouping.nearest(pool, span)
        return cls(tiles, pool, grouping.group, likeness, grouping.middle, near, kernel)

    def fits(self, tiles: Tiles) -> bool:
        """Whether other scores of the same tiles are matched alike: the same tiles have one."""
        return len(tiles.score) == len(self.group) and bool(np.array_equal(tiles.usable, self.group >= 0))


@dataclass(frozen=True, eq=False)
class _Grouping:
    """Tiles that are compared with the same others."""

    tiles: Tiles
    likeness: Numbers
    usable: np.ndarray

    @cached_property
    def group(self) -> Numbers:
        """Group of each tile, −1 for none."""
        found = np.full(len(self.usable), -1)
        rows = np.flatnonzero(self.usable)
        if len(rows) <= MOST_TILES:
            found[rows] = np.arange(len(rows))
            return found
        bright, covered = (
            (self.likeness[rows, x] * n).astype(int) for x, n in zip((0, 2), STEPS, strict=True)
        )
        keys = (self._places(rows) * STEPS[0] + bright) * STEPS[1] + covered
        found[rows] = np.unique(keys, return_inverse=True)[1]
        return found

    def _places(self, rows: Numbers) -> Numbers:
        """Cut the sky into bands of latitude, and these along longitude, into squares of one size."""
        side = math.sqrt(4 * math.pi * float(self.tiles.area[rows].sum()) / PLACES)
        lon, lat = np.radians(self.tiles.lon_deg[rows] % 360), np.radians(self.tiles.lat_deg[rows])
        bands = max(1, round(math.pi / side))
        band = np.clip((lat / math.pi + 0.5) * bands, 0, bands - 1).astype(int)
        middle = ((band + 0.5) / bands - 0.5) * math.pi
        across = np.maximum(1, np.round(2 * math.pi * np.cos(middle) / side)).astype(int)
        most = round(2 * math.pi / side) + 1
        return np.asarray(band * most + np.minimum(lon / (2 * math.pi) * across, across - 1).astype(int))

    @cached_property
    def middle(self) -> Numbers:
        """Mean ranks of the groups."""
        return self._means(self.likeness)

    def nearest(self, pool: Numbers, span: float) -> tuple[Numbers, Numbers]:
        """Find the most similar tiles of each group, and how much each of them counts."""
        last = min(math.ceil(span * len(pool)), len(pool)) - 1
        groups = len(self.middle)
        near, kernel = np.empty((groups, last + 1), np.int32), np.empty((groups, last + 1), np.float32)
        there, directions = self.likeness[pool], self.tiles.directions()
        centres, farthest = self._centres(directions)
        step = max(1, COMPARED_AT_ONCE // len(pool))
        for start in range(0, groups, step):
            part = slice(start, start + step)
            distance = np.sqrt(np.square(self.middle[part, None, :] - there).sum(axis=-1))
            reach = np.minimum(np.radians(self.tiles.reach_deg) + farthest[part], math.pi)
            distance[centres[part] @ directions[pool].T >= np.cos(reach)[:, None]] = np.inf
            chosen = np.argpartition(distance, last, axis=1)[:, : last + 1]
            distance = np.take_along_axis(distance, chosen, axis=1)
            # Where most of the sky is one's own neighbourhood, fewer are left.
            widest = np.max(np.where(np.isfinite(distance), distance, 0), axis=1, keepdims=True)
            share = np.clip(distance / np.maximum(widest * 1.001, 1e-12), 0, 1)
            near[part] = pool[chosen]
            kernel[part] = (1 - share**3) ** 3 * self.tiles.area[near[part]]
        return near, kernel

    def _centres(self, directions: Numbers) -> tuple[Numbers, Numbers]:
        """Directions (groups, 3) of the groups, and the angle from there to the farthest of each, radians."""
        centres = self._means(directions)
        centres /= np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-12)
        rows = np.flatnonzero(self.usable)
        own = self.group[rows]
        angle = np.arccos(np.clip(np.einsum("nx,nx->n", directions[rows], centres[own]), -1, 1))
        farthest = np.zeros(len(centres))
        np.maximum.at(farthest, own, angle)
        alone = np.bincount(own, minlength=len(centres)) == 1
        farthest[alone] = 0
        return centres, farthest

    def _means(self, values: Numbers) -> Numbers:
        rows = np.flatnonzero(self.usable)
        own = self.group[rows]
        count = np.bincount(own)
        return np.stack([np.bincount(own, column) / count for column in values[rows].T], axis=-1)


def _ranks(values: Numbers, usable: np.ndarray) -> Numbers:
    """Ranks from 0 to 1 among the usable tiles; ties share theirs."""
    ranks = np.zeros(len(values))
    ranks[usable] = (rankdata(values[usable]) - 0.5) / usable.sum()
    return ranks


def independent_tiles(area: Numbers, size_deg: float) -> float:
    r"""Count the independent tiles to which these overlapping ones are equivalent.

    .. math:: N_\mathrm{eff} = \min\Big(N, \frac{4\pi}{s^2} \sum_i a_i\Big)

    with the shares :math:`a` of the sky that the tiles stand for, and their side :math:`s` in radians.  For
    an average over a tile of values that are independent from point to point, two tiles correlate by the
    fraction of their area that overlaps, and overlapping tiles are equivalent to this number of
    non-overlapping ones.  Structure larger than a tile makes the number smaller still.
    """
    return float(min(len(area), np.sum(area) * 4 * math.pi / math.radians(size_deg) ** 2))


def standardised(tiles: Tiles, null: np.ndarray, matching: Matching | None = None) -> Numbers:
    r"""How far each tile scores above what is usual for tiles like it, in units of their spread.

    .. math:: t_i = \frac{s_i - \mu(x_i)}{\sigma(x_i)}

    where :math:`x` are the ranks of brightness, |b| and coverage, 0 to 1.  :math:`\mu` is a local regression:
    a plane through the scores of the quarter of the null tiles nearest in :math:`x`, with tricube weights
    and, in three rounds, bisquare weights against outliers; :math:`\sigma` is 1.48 times their weighted
    median deviation.  Tiles that overlap the tile itself are left out.

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
    """Plane (groups, 4) through the scores of the most similar tiles elsewhere, and the spread about it."""
    groups, count = matching.near.shape
    planes, spreads = np.empty((groups, 4)), np.empty(groups)
    step = max(1, FITTED_AT_ONCE // count)
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
        cut = ROBUSTNESS * np.maximum(deviation, 1e-150)[:, None]  # its square is a number, too
        weight = kernel * np.clip(1 - (residual / cut) ** 2, 0, None) ** 2
    return solved, NORMAL * deviation


def _weighted_median(values: Numbers, weight: Numbers) -> Numbers:
    """Weighted median of each row."""
    order = np.argsort(values, axis=1)
    held = np.cumsum(np.take_along_axis(weight, order, axis=1), axis=1)
    rows, middle = np.arange(len(values)), np.argmax(held >= held[:, -1:] / 2, axis=1)
    return np.asarray(values[rows, order[rows, middle]])

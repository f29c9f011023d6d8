"""Which tiles are like a tile in brightness, latitude and coverage: the same whatever is looked for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.stats import rankdata

from skykin.core.shapes import Numbers
from skykin.significance.scored_tiles import Tiles

#: Share of the tiles, the most alike, that a tile is compared with.
SPAN = 0.25
#: Tiles that the null is measured on, evenly spread: more of them overlap and tell nothing new.
MOST_TILES = 4096
#: Of more tiles than that, neighbours are compared with the same others: places into which the sky is cut.
PLACES = 300
#: Tiles of one place in the same sixth of all by brightness, and half by coverage, are one group.
STEPS = (6, 2)
#: Pairs of tiles that are looked at at a time: some 100 MB.
PAIRS_AT_ONCE = 1 << 20


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
        The most alike tiles that share no sky with any of the group, in no order.
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
            Share of the pool, the most alike, that a tile is compared with.
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
        """Find the most alike tiles of each group, and how much each of them counts."""
        last = min(math.ceil(span * len(pool)), len(pool)) - 1
        groups = len(self.middle)
        near, kernel = np.empty((groups, last + 1), np.int32), np.empty((groups, last + 1), np.float32)
        there, directions = self.likeness[pool], self.tiles.directions()
        centres, farthest = self._centres(directions)
        step = max(1, PAIRS_AT_ONCE // len(pool))
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

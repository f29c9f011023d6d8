"""The most similar tiles of every tile of an index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from skykin.core.errors import UsageError
from skykin.core.progress import SILENT
from skykin.core.protocols import Progress
from skykin.core.shapes import Numbers
from skykin.core.sphere import apart, directions_of, reach_deg
from skykin.indexing.sky_index import StoredIndex
from skykin.style.similarity import combine

#: Pairs of tiles that are compared at a time: some 100 MB.
PAIRS_AT_ONCE = 1 << 23


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The most similar tiles of every tile.

    Parameters
    ----------
    numbers : int array (tiles, k)
        Which tiles they are, the most similar first; −1 where a tile has no style.
    scores : float64 array (tiles, k)
    """

    numbers: Numbers
    scores: Numbers


def nearest_tiles_of(index: StoredIndex, k: int, progress: Progress = SILENT) -> Neighbours:
    """Find the `k` tiles most similar to each tile, among those that do not overlap it.

    Every pair of tiles is compared by the quickest kind of vector.

    Parameters
    ----------
    index : StoredIndex
    k : int
    progress : Progress

    Raises
    ------
    UsageError
        If `k` is not at least 1, or some tile has fewer tiles apart from it.
    """
    if k < 1:
        raise UsageError(f"{k} neighbours were requested; request at least 1")
    if k >= len(index):
        raise UsageError(
            f"{k} neighbours were requested, but the index holds {len(index)} tiles; request fewer"
        )
    rows, columns = all_rows(index), index.columns(index.kinds[0])
    places, distance_deg = directions_of(index.tiles), reach_deg(index.tile_deg)
    numbers, scores = np.empty((len(rows), k), np.intp), np.empty((len(rows), k))
    step = max(1, PAIRS_AT_ONCE // len(rows))
    with progress.stage("Pairs of tiles", len(rows), "tiles") as counter:
        for start in range(0, len(rows), step):
            part = slice(start, min(start + step, len(rows)))
            score = pair_scores(rows[part], rows, columns, index)
            allowed = apart(places[part], places, distance_deg)
            _check(k, allowed, part, index)
            score[~allowed | np.isnan(score)] = -np.inf
            numbers[part], scores[part] = _best(score, k)
            counter.advance(part.stop - part.start)
    none = ~np.isfinite(scores)
    numbers[none], scores[none] = -1, np.nan
    return Neighbours(numbers, scores)


def all_rows(index: StoredIndex) -> Numbers:
    """Vectors of all tiles by the quickest kind, all layers beside each other: float32 (tiles, n).

    NaN where a tile has no style.
    """
    kind = index.kinds[0]
    width = max(columns.stop for columns in index.columns(kind).values())
    rows = np.empty((len(index), width), np.float32)
    for part, block in index.vectors(kind=kind):
        rows[part] = block
    rows[~index.styled_at(np.arange(len(index)))] = np.nan
    return rows


def pair_scores(ours: Numbers, theirs: Numbers, columns: Mapping[str, slice], index: StoredIndex) -> Numbers:
    """Scores (n, m) of tiles with tiles."""
    if index.recipe.combine == "mean":  # the sum of the cosines is one product
        return np.asarray(ours @ theirs.T / len(columns), np.float32)
    cosines = [ours[:, own] @ theirs[:, own].T for own in columns.values()]
    return combine(np.stack(cosines, axis=-1), index.recipe.combine)


def _check(k: int, allowed: np.ndarray, part: slice, index: StoredIndex) -> None:
    left = allowed.sum(axis=1)
    if left.min() < k:
        name = index.tiles["name"][part.start + int(left.argmin())]
        raise UsageError(
            f"{k} neighbours were requested, but only {left.min()} of {len(index)} tiles do not overlap "
            f"tile {name}; request fewer"
        )


def _best(score: Numbers, k: int) -> tuple[Numbers, Numbers]:
    """Columns and values of the k largest of each row, the largest first; equal ones in their order."""
    chosen = np.sort(np.argpartition(-score, k - 1, axis=1)[:, :k], axis=1)
    found = np.take_along_axis(score, chosen, axis=1)
    cut = found.min(axis=1, keepdims=True)
    for row in np.flatnonzero((score >= cut).sum(axis=1) > k):
        # Everything above the cut, then ties with it by their order.
        keyed = np.where(score[row] >= cut[row], score[row], -np.inf)
        chosen[row] = np.sort(np.argsort(-keyed, kind="stable")[:k])
        found[row] = score[row, chosen[row]]
    order = np.argsort(-found, axis=1, kind="stable")
    return np.take_along_axis(chosen, order, axis=1), np.take_along_axis(found, order, axis=1)

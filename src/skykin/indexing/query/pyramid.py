"""The pyramid: at which size of tile a place is most similar to a query."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from skykin.core.errors import UsageError
from skykin.core.shapes import Degrees, Numbers
from skykin.core.sphere import chord, directions_of
from skykin.indexing.answers import Level
from skykin.indexing.query.similarity import StyleIn, similarity_at
from skykin.indexing.sky_index import StoredIndex

#: A tile of another size stands for a place if its centre is no farther than this share of its side: half
#: a diagonal, as smaller tiles lie side by side.
FARTHEST = 0.75


@dataclass(frozen=True, eq=False)
class Pyramid:
    """Scores of the same places at several sizes.

    Parameters
    ----------
    sizes_deg : tuple of float
        The largest first.
    scores : float64 array (tiles, sizes)
        Of the tile of each size nearest to each standard tile; NaN where none is near.
    """

    sizes_deg: tuple[float, ...]
    scores: Numbers

    @property
    def best_size_deg(self) -> Degrees:
        """Size of the best score of each place; NaN where there is none."""
        known = np.isfinite(self.scores).any(axis=1)
        best = np.argmax(np.nan_to_num(self.scores, nan=-np.inf), axis=1)
        return np.where(known, np.array(self.sizes_deg)[best], np.nan)

    @property
    def best_score(self) -> Numbers:
        """Best score of each place; NaN where there is none."""
        best = np.nan_to_num(self.scores, nan=-np.inf).max(axis=1)
        return np.where(np.isfinite(best), best, np.nan)


def pyramid(index: StoredIndex, style_in: StyleIn, score: Numbers) -> Pyramid:
    """Score all sizes of tiles that the index can add up, at the places of its standard tiles.

    Parameters
    ----------
    index : StoredIndex
    style_in : callable
        From a kind of vector to the query's styles in that kind.
    score : array (tiles,)
        Of the standard tiles, the largest size.

    Raises
    ------
    UsageError
        If there is only one size.
    """
    if len(index.sizes_deg) < 2:
        raise UsageError(
            f"the cells of this index add up to tiles of one size only, {index.tile_deg:g}°; leave out the "
            "pyramid, or use an index of another recipe"
        )
    kind = index.scored_by
    wanted = style_in(kind)
    columns = [score]
    for size_deg in index.sizes_deg[1:]:
        level = index.tiles_at(size_deg)
        columns.append(at_places(index, level, similarity_at(index, level, wanted, kind).score))
    return Pyramid(tuple(index.sizes_deg), np.stack(columns, axis=-1))


def at_places(index: StoredIndex, level: Level, values: Numbers) -> Numbers:
    """Values of a level's tiles at the places of the standard tiles; NaN where no tile is near."""
    if not len(level.tiles):
        return np.full(len(index), np.nan)
    distance, nearest = cKDTree(directions_of(level.tiles)).query(directions_of(index.tiles))
    return np.where(distance <= chord(FARTHEST * level.size_deg), values[nearest], np.nan)

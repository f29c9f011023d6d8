"""Outliers: tiles unlike everything else."""

from __future__ import annotations

from dataclasses import dataclass

from skykin.core.progress import SILENT
from skykin.core.protocols import Progress
from skykin.core.shapes import Numbers
from skykin.indexing.query.neighbours import nearest_tiles_of
from skykin.indexing.sky_index import StoredIndex


@dataclass(frozen=True, eq=False)
class Oddness:
    """How unlike everything else each tile is.

    Parameters
    ----------
    oddness : float64 array (tiles,)
        1 less the mean score with its most similar tiles, 0 to 2; NaN without a style.
    neighbour, neighbour_score : array (tiles,)
        The most similar tile all the same, and the score with it; −1 and NaN without a style.
    """

    oddness: Numbers
    neighbour: Numbers
    neighbour_score: Numbers


def oddness(index: StoredIndex, k: int = 5, progress: Progress = SILENT) -> Oddness:
    r"""Tell how far each tile is from its `k` most similar tiles elsewhere on the sky.

    .. math:: o_i = 1 - \frac1k \sum_{j \in N(i)} s_{ij}

    Overlapping tiles do not count: an odd nebula would be similar to itself.

    Parameters
    ----------
    index : StoredIndex
    k : int
        With more of them, a rare kind of a few tiles is odd too.
    progress : Progress

    Raises
    ------
    UsageError
        As `nearest_tiles_of`.

    References
    ----------
    Ramaswamy, Rastogi & Shim 2000, SIGMOD, 427 (distance to the k-th neighbour; here the mean to k).
    """
    nearest = nearest_tiles_of(index, k, progress)
    return Oddness(1 - nearest.scores.mean(axis=1), nearest.numbers[:, 0], nearest.scores[:, 0])

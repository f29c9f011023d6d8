"""Outliers: tiles unlike everything else."""

from __future__ import annotations

from dataclasses import dataclass

from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress
from skykin.core.shapes import Numbers
from skykin.indexing.query.neighbours import nearest_kin
from skykin.indexing.sky_index import SkyIndex

SILENT = SilentProgress()


@dataclass(frozen=True, eq=False)
class Oddness:
    """How unlike everything else each tile is.

    Parameters
    ----------
    oddness : float64 array (tiles,)
        1 less the mean score with its nearest kin, 0 to 2; NaN without a style.
    kin, kin_score : array (tiles,)
        The tile most alike all the same, and the score with it; −1 and NaN without a style.
    """

    oddness: Numbers
    kin: Numbers
    kin_score: Numbers


def oddness(index: SkyIndex, k: int = 5, progress: Progress = SILENT) -> Oddness:
    r"""Tell how far each tile is from its `k` nearest kin elsewhere on the sky.

    .. math:: o_i = 1 - \frac1k \sum_{j \in \mathrm{kin}(i)} s_{ij}

    Tiles that share sky with it do not count: an odd nebula would be its own kin.

    Parameters
    ----------
    index : SkyIndex
    k : int
        With more of them, a rare kind of a few tiles is odd too.
    progress : Progress

    Raises
    ------
    UsageError
        As `nearest_kin`.

    References
    ----------
    Ramaswamy, Rastogi & Shim 2000, SIGMOD, 427 (distance to the k-th neighbour; here the mean to k).
    """
    kin = nearest_kin(index, k, progress)
    return Oddness(1 - kin.scores.mean(axis=1), kin.numbers[:, 0], kin.scores[:, 0])

"""An index as a user holds it, with its methods."""

from __future__ import annotations

from pathlib import Path

from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress
from skykin.jobs.explain import explain
from skykin.jobs.heat_map import heat_map
from skykin.jobs.kinds import cluster, neighbours, outliers
from skykin.jobs.search import nearest_tiles, search
from skykin.products.shown_index import ShownIndex


class SkyIndex(ShownIndex):
    """The style of a survey, cell by cell and tile by tile; `open_index` and `index` give it.

    Read-only.  Arrays stay on disk and are mapped while they are used; each file's hash is checked once, at
    its first use.  Its methods are the functions of the same names: ``index.search("orion")`` is
    ``skykin.search(index, "orion")``.

    Examples
    --------
    >>> made.sizes_deg
    (10.0, 5.0)
    >>> print(made.search("209,-19").best(1)["name"][0])
    G205.13-05.11
    """

    search = search
    nearest_tiles = nearest_tiles
    heat_map = heat_map
    explain = explain
    neighbours = neighbours
    cluster = cluster
    outliers = outliers


def open_index(path: str | Path, *, progress: Progress | None = None) -> SkyIndex:
    """Open an index that `index` or ``skykin index`` made.

    Parameters
    ----------
    path : path
        Its folder, or its address in a bucket.
    progress : Progress, optional
        Is told if the bucket cannot be reached, and the copy on this computer is used.

    Raises
    ------
    IndexRefusedError
        If there is none, it is not finished, of another version (``IX-VERSION``), or damaged
        (``IX-CORRUPT``).

    Examples
    --------
    >>> skykin.open_index(made.path)
    <SkyIndex 'blobs.skykin': 63 tiles of Survey of blobs, mean-std>
    """
    return SkyIndex.open(path, progress or SilentProgress())

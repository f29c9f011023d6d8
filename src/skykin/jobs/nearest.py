"""The tiles of a large index that are most like a reference, without a map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from astropy.table import QTable

from skykin.catalogue.references import how_combined, listed
from skykin.core.errors import UsageError
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress
from skykin.core.sphere import apart, directions_of, reach_deg
from skykin.indexing.answers import Kind
from skykin.indexing.query.likeness import SHORTLIST
from skykin.indexing.query.lists import lists_of
from skykin.indexing.query.nearest import by_lists, by_scan, nearest
from skykin.indexing.query.wanted import Wanted
from skykin.indexing.sky_index import SkyIndex, open_index
from skykin.jobs.asked import Reference, exactest, read_asked
from skykin.jobs.elsewhere import Scale
from skykin.jobs.search import CARRIED
from skykin.style.recipe import Combine

#: How much longer the list of candidates becomes while too few of them share no sky.
LONGER = 4


def nearest_tiles(
    index: SkyIndex | str | Path,
    reference: Reference | Sequence[Reference],
    k: int = 10,
    *,
    approximate: bool = False,
    unlike: Reference | Sequence[Reference] = (),
    width_deg: float | None = None,
    pixel_deg: float | None = None,
    combine: Combine | None = None,
    weights: Mapping[str, float] | None = None,
    progress: Progress | None = None,
) -> QTable:
    """Find the tiles most like a reference, and nothing else: no map, and no p-values.

    Parameters
    ----------
    index : SkyIndex or path
    reference : str, Path, int, SkyCoord, tuple, Footprint, MOC, Picture, Elsewhere, or a list of these
        As of `search_index`, like all that is not explained here.
    k : int
        How many tiles.
    approximate : bool
        Read only the part of the index where the best tiles lie; needs the extra ``approximate``.  The first
        time, where tiles belong is found out and written into the index's folder: 330 bytes a tile.
        Without counter-examples: what is least like those may be anywhere.
    unlike, width_deg, pixel_deg, combine, weights, progress

    Returns
    -------
    QTable
        Up to `k` rows, the best first, none of which shares sky with a better one or a reference: ``rank``,
        ``name``, ``lon``, ``lat``, ``width``, ``height``, ``score`` and one cosine per layer.

    Raises
    ------
    SkykinError
        With one sentence that says what is wrong, the value found and the way out.
    """
    opened = index if isinstance(index, SkyIndex) else open_index(index)
    if not 1 <= k <= len(opened):
        raise UsageError(
            f"{k} tiles were asked for, but the index holds {len(opened)}; ask for 1 to {len(opened)}"
        )
    if approximate and listed(unlike):
        raise UsageError(
            "the approximate index finds what is like a reference, not what is unlike a counter-example; "
            "leave one of the two out"
        )
    by = how_combined(reference, combine)
    scale = Scale(width_deg, pixel_deg)
    asked = [read_asked(opened, each, scale) for each in listed(reference)]
    others = [read_asked(opened, each, scale) for each in listed(unlike)]

    @cache
    def wanted_in(kind: Kind) -> Wanted:
        likes, unlikes = (tuple(each.style(kind) for each in group) for group in (asked, others))
        return Wanted(opened.recipe, likes, unlikes, by, dict(weights or {}))

    lists = lists_of(opened, progress or SilentProgress()) if approximate else None
    exact = exactest(opened, [*asked, *others])
    shortlist = by_scan(opened) if lists is None else by_lists(opened, lists)
    beside = ~np.all([each.apart() for each in asked], axis=0)
    count = max(SHORTLIST, LONGER * k)
    while True:
        numbers, found = nearest(opened, wanted_in, shortlist, count, exact)
        order = np.argsort(-found.score, kind="stable")
        order = order[np.isfinite(found.score[order]) & ~beside[numbers[order]]]
        chosen = order[_sharing_none(opened, numbers[order], k)]
        if len(chosen) == k or count >= len(opened):
            break
        count *= LONGER
    table = QTable({"rank": np.arange(1, len(chosen) + 1)})
    tiles = opened.tiles[numbers[chosen]]
    for name in CARRIED:
        table[name] = tiles[name]
    table["score"] = found.score[chosen]
    for number, layer in enumerate(opened.layers):
        table[f"cosine_{layer}"] = found.cosines[chosen, number]
    return table


def _sharing_none(index: SkyIndex, numbers: np.ndarray, k: int) -> list[int]:
    """Places of the first `k` of some tiles that share no sky with one before."""
    places = directions_of(index.tiles[numbers])
    left, chosen = np.ones(len(numbers), dtype=bool), []
    for place in range(len(numbers)):
        if left[place]:
            chosen.append(place)
            left &= apart(places[place : place + 1], places, reach_deg(index.tile_deg))[0]
        if len(chosen) == k:
            break
    return chosen

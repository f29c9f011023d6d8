"""Similarity of every tile of an index to a query."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields

import numpy as np

from skykin.core.shapes import Numbers
from skykin.indexing.answers import Kind, Level, Style
from skykin.indexing.sky_index import StoredIndex
from skykin.indexing.vectors import cosines_of
from skykin.style.similarity import QueryStyle, Similarity

#: Tiles that the second, larger kind of vector ranks again.
SHORTLIST = 256
#: Cosines from which scores are made at a time.
COSINES_AT_ONCE = 100_000
#: Gives the styles of a query in one kind of vector.
StyleIn = Callable[[Kind], QueryStyle[Style]]


def similarity(index: StoredIndex, style_in: StyleIn, exact: Kind) -> Similarity:
    """Score every standard tile: all by the quickest kind of vector, the best again by a more exact one.

    Parameters
    ----------
    index : StoredIndex
    style_in : callable
        From a kind of vector to the query's styles in that kind.
    exact : {"projection", "sketch", "exact"}
        Kind by which the best are scored.
    """
    quick = index.scored_by
    wanted = style_in(quick)
    found = _by_parts(wanted, index.cosines(wanted.styles))
    if quick == exact:
        return found
    best = np.argsort(-np.nan_to_num(found.score, nan=-np.inf), kind="stable")[:SHORTLIST]
    block = (slice(0, len(best)), index.rows(best, exact))
    again = compared(index, style_in(exact), len(best), [block], exact)
    for name in ("score", "cosines", "nearest", "view"):
        getattr(found, name)[best] = getattr(again, name)
    return found


def similarity_at(index: StoredIndex, level: Level, wanted: QueryStyle[Style], kind: Kind) -> Similarity:
    """Score every tile of one size."""
    return compared(index, wanted, len(level.tiles), level.vectors(None, kind), kind)


def compared(
    index: StoredIndex,
    wanted: QueryStyle[Style],
    tiles: int,
    blocks: Iterable[tuple[slice, Numbers]],
    kind: Kind,
) -> Similarity:
    """Score tiles whose vectors come block by block.

    Parameters
    ----------
    index : StoredIndex
        Whose columns the vectors have.
    wanted : QueryStyle
        In the same kind.
    tiles : int
        How many there are.
    blocks : iterable of (slice, array)
        Which tiles, and their vectors with all layers beside each other.
    kind : {"projection", "sketch", "exact"}
    """
    cosines = cosines_of(blocks, index.columns(kind), wanted.styles, tiles)
    return _by_parts(wanted, cosines)


def _by_parts(wanted: QueryStyle[Style], cosines: Numbers) -> Similarity:
    """Score tiles by their cosines (tiles, layers, styles), some at a time: they stay near the processor."""
    step = max(1, COSINES_AT_ONCE // cosines[0].size) if len(cosines) else 1
    parts = [
        wanted.similarity(np.moveaxis(cosines[start : start + step], 1, -1))
        for start in range(0, max(1, len(cosines)), step)
    ]
    names = [each.name for each in fields(Similarity)]
    return Similarity(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

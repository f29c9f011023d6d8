"""Similarity of every tile of an index to a query."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
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
FIELDS = tuple(each.name for each in fields(Similarity))
#: Gives the styles of a query in one kind of vector.
StyleIn = Callable[[Kind], QueryStyle[Style]]


def similarity(index: StoredIndex, style_in: StyleIn, exact: Kind, workers: int = 1) -> Similarity:
    """Score every standard tile: all by the quickest kind of vector, the best again by a more exact one.

    Cosines pass through memory block by block; what stays of each tile is its score and one cosine a layer.

    Parameters
    ----------
    index : StoredIndex
    style_in : callable
        From a kind of vector to the query's styles in that kind.
    exact : {"projection", "sketch", "exact"}
        Kind by which the best are scored.
    workers : int
        Threads.
    """
    quick = index.scored_by
    wanted = style_in(quick)
    found = _scored(wanted, index.cosine_blocks(wanted.styles, workers))
    if quick == exact:
        return found
    best = best_first(found.score, SHORTLIST)
    again = compared_again(index, style_in, best, exact)
    for name in FIELDS:
        getattr(found, name)[best] = getattr(again, name)
    return found


def similarity_blocks(
    index: StoredIndex, style_in: StyleIn, workers: int = 1
) -> Iterator[tuple[slice, Similarity]]:
    """Score all standard tiles by the quickest kind of vector, and yield them block by block: which, and how.

    With the best `SHORTLIST` of them `compared_again` these are the scores that `similarity` gives.
    """
    wanted = style_in(index.scored_by)
    for part, cosines in index.cosine_blocks(wanted.styles, workers):
        yield part, _scored(wanted, [(part, cosines)])


def compared_again(index: StoredIndex, style_in: StyleIn, numbers: Numbers, exact: Kind) -> Similarity:
    """Score some standard tiles by a more exact kind of vector."""
    block = (slice(0, len(numbers)), index.rows(numbers, exact))
    return compared(index, style_in(exact), [block], exact)


def best_first(score: Numbers, count: int) -> Numbers:
    """Give the rows of the `count` largest scores, the best first, equal ones in their order, NaN last."""
    return np.argsort(-np.nan_to_num(score, nan=-np.inf), kind="stable")[:count]


def similarity_at(index: StoredIndex, level: Level, wanted: QueryStyle[Style], kind: Kind) -> Similarity:
    """Score every tile of one size."""
    return compared(index, wanted, level.vectors(None, kind), kind)


def compared(
    index: StoredIndex,
    wanted: QueryStyle[Style],
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
    blocks : iterable of (slice, array)
        Which tiles, one after the other, and their vectors with all layers beside each other.
    kind : {"projection", "sketch", "exact"}
    """
    return _scored(wanted, cosines_of(blocks, index.columns(kind), wanted.styles))


def _scored(wanted: QueryStyle[Style], blocks: Iterable[tuple[slice, Numbers]]) -> Similarity:
    """Score tiles by their cosines (tiles, layers, styles), some at a time: they stay near the processor."""
    parts = []
    for _, cosines in blocks:
        step = max(1, COSINES_AT_ONCE // max(1, cosines[0].size)) if len(cosines) else 1
        for start in range(0, len(cosines), step):
            parts.append(wanted.similarity(np.moveaxis(cosines[start : start + step], 1, -1)))
    if not parts:
        shape = (0, len(wanted.styles), len(wanted.recipe.layers))
        parts.append(wanted.similarity(np.empty(shape)))
    return joined(parts)


def joined(parts: Sequence[Similarity]) -> Similarity:
    """Put similarities of tiles one after the other."""
    return Similarity(*(np.concatenate([getattr(part, name) for part in parts]) for name in FIELDS))


def some_of(found: Similarity, rows: Numbers | slice) -> Similarity:
    """Give the similarity of some of the tiles."""
    return Similarity(*(getattr(found, name)[rows] for name in FIELDS))

"""The tiles most similar to a query, and no others: what a large index answers at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from skykin.core.shapes import Numbers
from skykin.indexing.answers import Kind, Style
from skykin.indexing.dots import products
from skykin.indexing.query.lists import Lists
from skykin.indexing.query.similarity import StyleIn, compared
from skykin.indexing.sky_index import StoredIndex
from skykin.style.signature import LayerVectors
from skykin.style.similarity import QueryStyle, Similarity

#: From the styles of a query, in the quickest kind of vector, and a number of tiles to candidates.
Shortlist = Callable[[QueryStyle[Style], int], Numbers]


def nearest(
    index: StoredIndex, style_in: StyleIn, shortlist: Shortlist, count: int, exact: Kind
) -> tuple[Numbers, Similarity]:
    """Score the candidates for the `count` most similar tiles by an exact kind of vector.

    Returns
    -------
    int array (n,)
        Which tiles, in the order of the index.
    Similarity
        Of these.
    """
    numbers = shortlist(style_in(index.kinds[0]), count)
    block = (slice(0, len(numbers)), index.rows(numbers, exact))
    return numbers, compared(index, style_in(exact), [block], exact)


def by_scan(index: StoredIndex, workers: int = 1) -> Shortlist:
    """Take the best of all tiles; `workers` threads."""

    def shortlist(wanted: QueryStyle[Style], count: int) -> Numbers:
        each = [queries(index, wanted, style, index.kinds[0]) for style in wanted.styles]
        found = np.empty((len(index), len(each), len(each[0])), np.float32)
        for part, rows in index.vectors(kind=index.kinds[0]):
            own = products(rows, np.concatenate(each), workers=workers)
            found[part] = own.reshape(len(rows), *found.shape[1:])
        score = wanted.score(found.max(axis=-1))
        count = min(count, len(score))
        return np.sort(np.argpartition(-score, count - 1)[:count])

    return shortlist


def by_lists(index: StoredIndex, lists: Lists) -> Shortlist:
    """Take the best that the approximate index finds; counter-examples do not count."""

    def shortlist(wanted: QueryStyle[Style], count: int) -> Numbers:
        each = np.stack([queries(index, wanted, style, index.kinds[0]) for style in wanted.likes])
        # The vector whose product is the mean of several products is their mean.
        if wanted.over == "mean":
            each = np.stack([each[own].mean(axis=0) for own in wanted.groups[0]])
        if wanted.combine == "mean" and len(wanted.groups[0]) > 1:
            each = each.mean(axis=0, keepdims=True)
        return lists.best(np.concatenate(each), min(count, len(index)))

    return shortlist


def queries(index: StoredIndex, wanted: QueryStyle[Style], style: LayerVectors, kind: Kind) -> Numbers:
    """Give vectors (m, width) whose largest dot product with a tile's row is its score with a style."""
    columns = index.columns(kind)
    weights = wanted.layer_weights
    parts = np.zeros((len(weights), max(own.stop for own in columns.values())), np.float32)
    for number, layer in enumerate(index.layers):
        parts[number, columns[layer]] = style[layer]
    if wanted.recipe.combine == "max":
        return parts[weights > 0]
    return np.asarray(weights / weights.sum() @ parts, np.float32)[None]

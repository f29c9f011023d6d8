"""The tiles most like what is looked for, and no others: what a large index answers at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from skykin.core.shapes import Numbers
from skykin.indexing.answers import Kind, Style
from skykin.indexing.query.likeness import WantedIn, compared
from skykin.indexing.query.lists import Lists
from skykin.indexing.query.scan import scan
from skykin.indexing.query.wanted import Wanted
from skykin.indexing.sky_index import SkyIndex
from skykin.style.several import Likeness

#: From what is looked for, in the quickest kind of vector, and a number of tiles to about so many candidates.
Shortlist = Callable[[Wanted, int], Numbers]


def nearest(
    index: SkyIndex, wanted_in: WantedIn, shortlist: Shortlist, count: int, exact: Kind
) -> tuple[Numbers, Likeness]:
    """Score the candidates for the `count` most alike tiles by an exact kind of vector.

    Returns
    -------
    int array (n,)
        Which tiles, in the order of the index.
    Likeness
        Of these.
    """
    numbers = shortlist(wanted_in(index.kinds[0]), count)
    block = (slice(0, len(numbers)), index.rows(numbers, exact))
    return numbers, compared(index, wanted_in(exact), len(numbers), [block], exact)


def by_scan(index: SkyIndex) -> Shortlist:
    """Take the best of all tiles."""

    def shortlist(wanted: Wanted, count: int) -> Numbers:
        found = np.empty((len(index), len(wanted.styles)), np.float32)
        each = [queries(index, wanted, style) for style in wanted.styles]
        for part, rows in index.vectors(kind=index.kinds[0]):
            for number, vectors in enumerate(each):
                found[part, number] = np.max([scan(rows, vector) for vector in vectors], axis=0)
        likes, unlikes = np.split(found, [len(wanted.likes)], axis=1)
        score = likes.max(axis=1) if wanted.combine == "max" else likes.mean(axis=1)
        if wanted.unlikes:
            score = score - np.maximum(unlikes.max(axis=1), 0)
        count = min(count, len(score))
        return np.sort(np.argpartition(-score, count - 1)[:count])

    return shortlist


def by_lists(index: SkyIndex, lists: Lists) -> Shortlist:
    """Take the best that the approximate index finds; counter-examples do not count."""

    def shortlist(wanted: Wanted, count: int) -> Numbers:
        each = [queries(index, wanted, style) for style in wanted.likes]
        if wanted.combine == "mean":
            each = [np.mean(each, axis=0)]
        return lists.best(np.concatenate(each), min(count, len(index)))

    return shortlist


def queries(index: SkyIndex, wanted: Wanted, style: Style) -> Numbers:
    """Give vectors (m, width) whose largest dot product with a tile's row is its score with a style."""
    columns = index.columns(style.kind)
    weights = wanted.layer_weights
    parts = np.zeros((len(weights), max(own.stop for own in columns.values())), np.float32)
    for number, layer in enumerate(index.layers):
        parts[number, columns[layer]] = style.vectors[layer]
    if wanted.recipe.combine == "max":
        return parts[weights > 0]
    return np.asarray(weights / weights.sum() @ parts, np.float32)[None]

"""Likeness of every tile of an index to what is looked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from skykin.core.shapes import Numbers
from skykin.indexing.answers import Kind, Level
from skykin.indexing.query.wanted import Wanted
from skykin.indexing.sky_index import SkyIndex
from skykin.indexing.vectors import cosines_of
from skykin.style.several import Likeness, likeness_to_several

#: Tiles that the second, larger kind of vector ranks again.
SHORTLIST = 256


#: Brings something measured into the space of one kind of vector.
WantedIn = Callable[[Kind], Wanted]


def likeness(index: SkyIndex, wanted_in: WantedIn, exact: Kind) -> Likeness:
    """Score every standard tile: all by the quickest kind of vector, the best again by a more exact one.

    Parameters
    ----------
    index : SkyIndex
    wanted_in : callable
        From a kind of vector to what is looked for, in that kind.
    exact : {"projection", "sketch", "exact"}
        Kind by which the best are scored.
    """
    quick = index.kinds[0]
    wanted = wanted_in(quick)
    found = judged(wanted, index.cosines(wanted.styles))
    if quick == exact:
        return found
    best = np.argsort(-np.nan_to_num(found.score, nan=-np.inf), kind="stable")[:SHORTLIST]
    rows = index.rows(best, exact)
    again = compared(index, wanted_in(exact), len(best), [(slice(0, len(best)), rows)], exact)
    for name in ("score", "cosines", "nearest"):
        getattr(found, name)[best] = getattr(again, name)
    return found


def likeness_at(index: SkyIndex, level: Level, wanted: Wanted, kind: Kind) -> Likeness:
    """Score every tile of one size."""
    return compared(index, wanted, len(level.tiles), level.vectors(None, kind), kind)


def compared(
    index: SkyIndex, wanted: Wanted, tiles: int, blocks: Iterable[tuple[slice, Numbers]], kind: Kind
) -> Likeness:
    """Score tiles whose vectors come block by block.

    Parameters
    ----------
    index : SkyIndex
        Whose columns the vectors have.
    wanted : Wanted
        In the same kind.
    tiles : int
        How many there are.
    blocks : iterable of (slice, array)
        Which tiles, and their vectors with all layers beside each other.
    kind : {"projection", "exact"}
    """
    return judged(wanted, cosines_of(blocks, index.columns(kind), wanted.styles, tiles))


def judged(wanted: Wanted, cosines: Numbers) -> Likeness:
    """Make scores of cosines (tiles, layers, styles) with what is looked for and what is not."""
    likes = len(wanted.likes)
    by_style = np.moveaxis(cosines, 1, -1)
    each = wanted.joined(by_style)
    found = likeness_to_several(by_style[:, :likes], each[:, :likes], wanted.combine)
    if not wanted.unlikes:
        return found
    # Standardised styles of nothing in common have a cosine about 0: only what is above is taken off.
    return replace(found, score=found.score - np.maximum(each[:, likes:].max(axis=1), 0))

"""Likeness of every tile of an index to what is looked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from skykin.core.shapes import Numbers
from skykin.index.answers import Kind, Level, Style
from skykin.index.sky_index import SkyIndex
from skykin.search.wanted import Wanted
from skykin.style.halves import widened

#: Tiles that the second, larger kind of vector ranks again.
SHORTLIST = 256


@dataclass(frozen=True, eq=False)
class Likeness:
    """Scores of tiles.

    Parameters
    ----------
    score : float64 array (tiles,)
        Combined cosine less what is common with a counter-example, −2 to 1; NaN where a tile has no style.
    cosines : float64 array (tiles, layers)
        With the reference that a tile is most like, or their mean.
    nearest : int array (tiles,)
        Which reference a tile is most like.
    """

    score: Numbers
    cosines: Numbers
    nearest: Numbers


#: Brings something measured into the space of one kind of vector.
WantedIn = Callable[[Kind], Wanted]


def likeness(index: SkyIndex, wanted_in: WantedIn) -> Likeness:
    """Score every standard tile: all by the quickest kind of vector, the best again by the most exact.

    Parameters
    ----------
    index : SkyIndex
    wanted_in : callable
        From a kind of vector to what is looked for, in that kind.
    """
    quick, exact = index.kinds[0], index.kinds[-1]
    found = compared(index, wanted_in(quick), len(index), index.vectors(kind=quick), quick)
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
    cosines = cosines_with(index, wanted.styles, tiles, blocks, kind)
    likes = len(wanted.likes)
    each = wanted.joined(np.moveaxis(cosines, 1, -1))
    nearest = np.argmax(np.nan_to_num(each[:, :likes], nan=-np.inf), axis=1)
    if wanted.combine == "max":
        score = np.take_along_axis(each, nearest[:, None], axis=1)[:, 0]
        shown = np.take_along_axis(cosines, nearest[:, None, None], axis=2)[..., 0]
    else:
        score, shown = each[:, :likes].mean(axis=1), cosines[..., :likes].mean(axis=2)
    found = Likeness(score, shown, nearest)
    if not wanted.unlikes:
        return found
    # Standardised styles of nothing in common have a cosine about 0: only what is above is taken off.
    return replace(found, score=score - np.maximum(each[:, likes:].max(axis=1), 0))


def cosines_with(
    index: SkyIndex,
    styles: tuple[Style, ...],
    tiles: int,
    blocks: Iterable[tuple[slice, Numbers]],
    kind: Kind,
) -> Numbers:
    """Cosines (tiles, layers, styles) of tiles with styles."""
    columns = index.columns(kind)
    wanted = {
        layer: np.stack([style.vectors[layer] for style in styles], axis=-1).astype(np.float32)
        for layer in index.layers
    }
    found = np.empty((tiles, len(index.layers), len(styles)))
    for block, rows in blocks:
        scores = found[block]
        for part, wide in widened(rows):
            for number, layer in enumerate(index.layers):
                scores[part, number] = wide[:, columns[layer]] @ wanted[layer]
    return np.clip(found, -1, 1, out=found)

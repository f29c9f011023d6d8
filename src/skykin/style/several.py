"""Likeness of tiles to one reference or to several."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skykin.core.shapes import Numbers
from skykin.style.recipe import Combine


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
        Which reference a tile is most like; 0 where only their mean is known.
    """

    score: Numbers
    cosines: Numbers
    nearest: Numbers


def likeness_to_several(cosines: Numbers, scores: Numbers, by: Combine) -> Likeness:
    """Make one likeness of those to several references.

    Parameters
    ----------
    cosines : float64 array (..., references, layers)
    scores : float64 array (..., references)
        Their combination over the layers.
    by : {"max", "mean"}
        Whether a tile should be like any of the references, or like all of them.
    """
    nearest = np.argmax(np.nan_to_num(scores, nan=-np.inf), axis=-1)
    if by == "mean":
        return Likeness(scores.mean(axis=-1), cosines.mean(axis=-2), nearest)
    score = np.take_along_axis(scores, nearest[..., None], axis=-1)[..., 0]
    shown = np.take_along_axis(cosines, nearest[..., None, None], axis=-2)[..., 0, :]
    return Likeness(score, shown, nearest)

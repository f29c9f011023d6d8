"""What makes a tile similar to a reference, as figures and tables show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from skykin.core.picture import Picture
from skykin.core.provenance import Provenance
from skykin.core.shapes import Numbers
from skykin.core.views import AS_IT_IS, View


@dataclass(frozen=True)
class TileFacts:
    """One tile of an explanation.

    Parameters
    ----------
    name : str
    lon_deg, lat_deg : float
    score : float
    mean_intensity : float
        In the survey's unit.
    rank : int
        Among all tiles of the index, 1 is the best.
    match : bool
    """

    name: str
    lon_deg: float
    lat_deg: float
    score: float
    mean_intensity: float
    rank: int
    match: bool


@dataclass(frozen=True)
class RecipeRank:
    """Rank of the tile under one recipe.

    Parameters
    ----------
    recipe : str
    rank : int
        1 is the most like the reference.
    of : int
        Tiles that were ranked, the tile among them.
    score : float
    sampled : bool
        Whether the others are a small even sample, measured for this; otherwise all tiles of the index.
    """

    recipe: str
    rank: int
    of: int
    score: float
    sampled: bool


@dataclass(frozen=True, eq=False, repr=False)
class ExplainedTile:
    """Why a tile is similar to a reference.

    Parameters
    ----------
    reference_name : str
    tile : TileFacts
    counter : TileFacts or None
        The nearest tile of the same brightness that does not match; None if there is none.
    cosines, usual : Mapping of str to float
        Per layer, the tile's cosine and the mean over the survey.
    shares : Mapping of str to float
        Part of the score that each layer carries; they add up to 1 where the recipe takes the mean.
    sizes : Mapping of float to (float, float)
        Size of tile in degrees to the score there, and the mean score of tiles of that size.
    where : Mapping of str to float64 array (y, x)
        Per layer, what each position adds: its mean over covered positions is the cosine.
    whole : float64 array (rows, columns)
        The same of all layers together, in pixels of the tile: its mean is the score.
    ranks : tuple of RecipeRank
        Under the index's recipe first.
    reference_picture, tile_picture : Picture
    counter_picture : Picture or None
    unit, survey_title : str
    provenance : Provenance
    view : View
        Of the reference, that the tile is most similar to: turned, scaled, mirrored.
    """

    reference_name: str
    tile: TileFacts
    counter: TileFacts | None
    cosines: Mapping[str, float]
    usual: Mapping[str, float]
    shares: Mapping[str, float]
    sizes: Mapping[float, tuple[float, float]]
    where: Mapping[str, Numbers]
    whole: Numbers
    ranks: tuple[RecipeRank, ...]
    reference_picture: Picture
    tile_picture: Picture
    counter_picture: Picture | None
    unit: str
    survey_title: str
    provenance: Provenance
    view: View = AS_IT_IS

    @property
    def half(self) -> float:
        """Smallest share of the tile's covered area that carries half of what is above zero."""
        values = np.sort(self.whole[np.isfinite(self.whole)])[::-1].clip(0)
        if not values.sum() > 0:
            return float("nan")
        return float((np.searchsorted(values.cumsum(), values.sum() / 2) + 1) / len(values))

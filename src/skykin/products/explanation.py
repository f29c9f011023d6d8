"""An explained match, as one value that the figure, the JSON and the sentences are written from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from skykin.core.picture import Picture
from skykin.core.plain import plain
from skykin.core.provenance import Provenance
from skykin.core.shapes import Numbers
from skykin.products.stamp import creator
from skykin.products.wording import number


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


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why a tile is like a reference.

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

    @property
    def half(self) -> float:
        """Smallest share of the tile's covered area that carries half of what is above zero."""
        values = np.sort(self.whole[np.isfinite(self.whole)])[::-1].clip(0)
        if not values.sum() > 0:
            return float("nan")
        return float((np.searchsorted(values.cumsum(), values.sum() / 2) + 1) / len(values))

    @property
    def lines(self) -> list[str]:
        """The explanation in sentences."""
        tile = self.tile
        lines = [
            f"Tile {tile.name} scores {tile.score:.3f} against {self.reference_name}: rank {tile.rank} of "
            f"{self.ranks[0].of}, {'a match' if tile.match else 'no match'}."
        ]
        by_share = sorted(self.shares, key=lambda layer: -self.shares[layer])
        told = ", ".join(
            f"{layer} {self.cosines[layer]:.3f} (usually {self.usual[layer]:+.3f})" for layer in by_share
        )
        lines.append(f"Cosine of each layer, that which carries most first: {told}.")
        if np.isfinite(self.half):
            lines.append(f"Half of the likeness lies in {100 * self.half:.0f} % of the tile.")
        known = {size: pair for size, pair in self.sizes.items() if np.isfinite(pair[0])}
        if known:
            best = max(known, key=lambda size: known[size][0])
            told = ", ".join(f"{size:.3g}°: {known[size][0]:.3f}" for size in known)
            lines.append(f"By size of tile: {told}; most similar at {best:.3g}°.")
        counter = self.counter
        if counter is None:
            lines.append("No other tile away from the reference is as bright (to a tenth) without a match.")
        else:
            lines.append(
                f"Of the same brightness ({number(counter.mean_intensity, '.3g')} against "
                f"{number(tile.mean_intensity, '.3g')} {self.unit}) but no match: {counter.name}, score "
                f"{counter.score:.3f}, rank {counter.rank}."
            )
        for each in self.ranks[1:]:
            lines.append(
                f"Under recipe {each.recipe}: rank {each.rank} of {each.of} (the tile and an even sample), "
                f"score {each.score:.3f}."
            )
        return lines

    def _repr_html_(self) -> str:
        """Show the sentences in a notebook."""
        from html import escape  # noqa: PLC0415 - only here

        return "".join(f"<p>{escape(line)}</p>" for line in self.lines)


def write_explanation(result: Explanation, path: Path) -> None:
    """Write the numbers as JSON with sorted keys; what is not a number is null."""
    facts = result.provenance.to_dict()
    document = {
        "reference": result.reference_name,
        "survey": result.survey_title,
        "tile": vars(result.tile),
        "same_brightness": None if result.counter is None else vars(result.counter),
        "unit": result.unit,
        "layers": {
            layer: {
                "cosine": result.cosines[layer],
                "usual": result.usual[layer],
                "share": result.shares[layer],
            }
            for layer in result.cosines
        },
        "sizes": [
            {"size_deg": size, "score": own, "usual": usual} for size, (own, usual) in result.sizes.items()
        ],
        "half_of_likeness_in_share_of_tile": result.half,
        "ranks": [vars(each) for each in result.ranks],
        "sentences": result.lines,
        "acknowledgements": facts.pop("credits"),
        "creator": creator(result.provenance),
        "provenance": facts,
    }
    text = json.dumps(plain(document), sort_keys=True, allow_nan=False, indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")

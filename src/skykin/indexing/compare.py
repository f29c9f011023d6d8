"""The space in which styles are compared: from what adds up over cells to what cosines are taken of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from skykin.core.shapes import Numbers
from skykin.indexing.answers import Kind
from skykin.indexing.contrasts import ContrastsOfCells
from skykin.indexing.first_moments import FirstMomentsOfCells
from skykin.indexing.moments import Directions, LayerScale, Moments, SumsOfCells
from skykin.indexing.second_moments import SecondMomentsOfCells
from skykin.style.recipe import Recipe
from skykin.style.signature import Standardisation
from skykin.style.statistics.statistic import IndexCode

#: What is kept of each cell, by what the recipe's statistic asks for.
CODES: Mapping[IndexCode, type[Moments]] = {
    "sums": SumsOfCells,
    "spreads": FirstMomentsOfCells,
    "sketches": SecondMomentsOfCells,
    "directions": ContrastsOfCells,
}


def code_of(recipe: Recipe) -> type[Moments]:
    """Tell what an index of a recipe keeps of each cell."""
    return CODES[recipe.statistic.index_code]


def keeps_directions(recipe: Recipe) -> bool:
    """Whether cells are kept in the directions of a basis, from which the projections of tiles follow."""
    return code_of(recipe).kind == "projection"


@dataclass(frozen=True, eq=False)
class Space:
    """How an index codes what it keeps, and what it compares.

    Parameters
    ----------
    recipe : Recipe
    scale : Standardisation
        Mean and spread of a sample of tiles: the code of the cells, and the standard where the recipe asks
        for one and there is no other.
    directions : Mapping of str to Directions
        Per layer, where cells are kept in few directions.
    in_rows : bool
        Whether the average tile is that of all tiles, within rows of latitude.  Whole vectors of tiles are
        then kept: 128 directions would lose more than half of some scores.
    average : Standardisation or None
        That average; None until all facets are measured.
    """

    recipe: Recipe
    scale: Standardisation
    directions: Mapping[str, Directions] = field(default_factory=dict)
    in_rows: bool = False
    average: Standardisation | None = None

    @property
    def standard(self) -> Standardisation | None:
        """What signatures are taken relative to; None if they are compared, or still kept, as they are."""
        if self.in_rows:
            return self.average
        return self.scale if self.recipe.standardised else None

    @property
    def cell_kind(self) -> Kind:
        """What cells add up to: whole vectors, projections or sketches of them."""
        return code_of(self.recipe).kind

    @cached_property
    def layers(self) -> Mapping[str, LayerScale]:
        """What is known of each layer."""
        mean, spread = self.scale.mean, self.scale.spread
        how, standard = self.recipe.statistic, self.standard
        return {
            layer: LayerScale(layer, how, mean[layer], spread[layer], standard, self.directions.get(layer))
            for layer in self.recipe.layers
        }

    @cached_property
    def moments(self) -> Mapping[str, Moments]:
        """What is kept of each cell, layer by layer."""
        return {name: code_of(self.recipe).of(layer) for name, layer in self.layers.items()}

    @cached_property
    def columns(self) -> Mapping[str, slice]:
        """Columns of each layer where the numbers of a cell stand beside each other."""
        return side_by_side({layer: each.width for layer, each in self.moments.items()})

    @cached_property
    def compared_columns(self) -> Mapping[str, slice]:
        """Columns of each layer where what cells add up to stands beside each other."""
        return side_by_side({layer: each.compared_width for layer, each in self.moments.items()})

    @cached_property
    def whole_columns(self) -> Mapping[str, slice]:
        """Columns of each layer where whole vectors stand beside each other."""
        return side_by_side({layer: own.width for layer, own in self.layers.items()})

    def weights(self, coverage: Numbers) -> Numbers:
        """How much each cell counts."""
        return coverage if self.recipe.weighted else np.ones_like(coverage)

    def given(self, layer: str, signature: Numbers) -> Numbers:
        """Bring what a meter or a region gave to the unit of the lengths that are kept: float64."""
        exact = signature.astype(np.float64)
        return self.moments[layer].given(exact) if self.is_whole(layer, signature) else exact

    def is_whole(self, layer: str, signature: Numbers) -> bool:
        """Whether it is no sketch."""
        return signature.size == self.layers[layer].width

    def is_projected(self, layer: str, signature: Numbers) -> bool:
        """Whether it was added up from cells that are kept in the directions of a basis."""
        return self.cell_kind == "projection" and signature.size == len(self.directions[layer].basis)

    def short(self, layer: str, signature: Numbers) -> Numbers:
        """Bring a whole compared vector to what cells add up to; a sketch stays one."""
        return self.moments[layer].short(signature) if self.is_whole(layer, signature) else signature


def side_by_side(widths: Mapping[str, int]) -> dict[str, slice]:
    """Columns of each layer where all stand beside each other."""
    found, start = {}, 0
    for layer, width in widths.items():
        found[layer] = slice(start, start + width)
        start += width
    return found


def width_of(columns: Mapping[str, slice]) -> int:
    """Numbers of all layers together."""
    return int(max(part.stop for part in columns.values()))

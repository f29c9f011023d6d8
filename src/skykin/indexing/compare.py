"""The space in which styles are compared: from what adds up over cells to what cosines are taken of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TypeAlias

import numpy as np

from skykin.core.errors import UsageError, shown
from skykin.core.shapes import Numbers
from skykin.indexing.answers import Kind
from skykin.indexing.contrasts import CellCode, ContrastsOfCells
from skykin.indexing.first_moments import FirstMomentsOfCells
from skykin.indexing.second_moments import SecondMomentsOfCells
from skykin.style.engine.shared import CHANNELS
from skykin.style.recipe import Recipe
from skykin.style.standard import Standardisation
from skykin.style.statistics.forms import scale_of
from skykin.style.statistics.statistic import core_contrast, covariance, gram, mean_std

#: What is kept of each cell, by the recipe's statistic.
CellMoments: TypeAlias = FirstMomentsOfCells | SecondMomentsOfCells | ContrastsOfCells


@dataclass(frozen=True, eq=False)
class Space:
    """How an index codes what it keeps, and what it compares.

    Parameters
    ----------
    recipe : Recipe
    scale : Standardisation
        Mean and spread of the survey's tiles: the code of the cells, and the standard where the recipe asks
        for one.
    codes : Mapping of str to CellCode
        Per layer, where cells are kept in few directions.

    Raises
    ------
    UsageError
        If the recipe's statistic is none whose cells add up.
    """

    recipe: Recipe
    scale: Standardisation
    codes: Mapping[str, CellCode] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.recipe.statistic not in (mean_std, gram, covariance, core_contrast):
            name = shown(getattr(self.recipe.statistic, "__name__", self.recipe.statistic))
            raise UsageError(
                f"an index cannot add up the statistic {name}, only gram, covariance, mean_std and "
                "core_contrast"
            )

    @property
    def standard(self) -> Standardisation | None:
        """What signatures are taken relative to; None if the recipe compares them as they are."""
        return self.scale if self.recipe.standardised else None

    @property
    def cell_kind(self) -> Kind:
        """What cells add up to: whole vectors, projections or sketches of them."""
        if self.recipe.statistic is core_contrast:
            return "projection"
        return "exact" if self.recipe.statistic is mean_std else "sketch"

    @cached_property
    def moments(self) -> Mapping[str, CellMoments]:
        """What is kept of each cell, layer by layer."""
        return {layer: self._moments(layer) for layer in self.recipe.layers}

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
        return side_by_side({layer: self.scale.mean[layer].size for layer in self.recipe.layers})

    def weights(self, coverage: Numbers) -> Numbers:
        """How much each cell counts."""
        return coverage if self.recipe.weighted else np.ones_like(coverage)

    def compared(self, layer: str, raw: Numbers) -> Numbers:
        """Turn raw vectors ``(..., n)`` of a layer into those whose cosines are taken.

        It agrees with `Standardisation.apply`.
        """
        standard = self.standard
        return raw if standard is None else (raw - standard.mean[layer]) / standard.spread[layer]

    def given(self, layer: str, signature: Numbers) -> Numbers:
        """Bring what a meter or a region gave to the unit of the lengths that are kept: float64."""
        moments, exact = self.moments[layer], signature.astype(np.float64)
        if not isinstance(moments, SecondMomentsOfCells) or self.standard is not None:
            return exact
        return exact / moments.scale if self.is_whole(layer, signature) else exact

    def is_whole(self, layer: str, signature: Numbers) -> bool:
        """Whether it is no sketch."""
        return signature.size == self.scale.mean[layer].size

    def is_projected(self, layer: str, signature: Numbers) -> bool:
        """Whether it was added up from cells that are kept in the directions of a basis."""
        return self.cell_kind == "projection" and signature.size == len(self.codes[layer].basis)

    def short(self, layer: str, signature: Numbers) -> Numbers:
        """Bring a whole compared vector to what cells add up to; a sketch stays one."""
        moments = self.moments[layer]
        if isinstance(moments, SecondMomentsOfCells) and self.is_whole(layer, signature):
            return moments.sketch(signature)
        return signature

    def _moments(self, layer: str) -> CellMoments:
        mean, spread = self.scale.mean[layer], self.scale.spread[layer]
        if self.recipe.statistic is core_contrast:
            relative = (mean, spread) if self.standard else (np.zeros_like(mean), np.ones_like(spread))
            return ContrastsOfCells(*relative, self.codes[layer])
        if self.recipe.statistic is mean_std:
            return FirstMomentsOfCells(mean, spread, partial(self.compared, layer))
        offset = mean
        if self.standard is None:
            offset = np.zeros_like(mean)
            spread = np.full_like(mean, np.sqrt(np.mean(mean.astype(np.float64) ** 2)))
        channels, centred = CHANNELS[layer.partition("_")[0]], self.recipe.statistic is covariance
        return SecondMomentsOfCells(channels, centred, offset, spread, 1 / float(scale_of(layer)))


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

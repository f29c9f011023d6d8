"""The space in which styles are compared: from what adds up over cells to what cosines are taken of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from skykin.core.shapes import Numbers
from skykin.index.moments import Code
from skykin.style.recipe import Recipe
from skykin.style.signature import Signature
from skykin.style.standard import Standardisation


@dataclass(frozen=True, eq=False)
class Space:
    """How an index codes what it keeps, and what it compares.

    Parameters
    ----------
    recipe : Recipe
    scale : Standardisation
        Mean and spread of the survey's tiles: the code of the cells, and the standard where the recipe asks
        for one.
    """

    recipe: Recipe
    scale: Standardisation

    @property
    def standard(self) -> Standardisation | None:
        """What signatures are taken relative to; None if the recipe compares them as they are."""
        return self.scale if self.recipe.standardised else None

    @cached_property
    def codes(self) -> Mapping[str, Code]:
        """How each layer's cells are written."""
        return {layer: Code(self.scale.mean[layer], self.scale.spread[layer]) for layer in self.recipe.layers}

    @cached_property
    def columns(self) -> Mapping[str, slice]:
        """Columns of each layer where all stand beside each other."""
        return side_by_side({layer: self.scale.mean[layer].size for layer in self.recipe.layers})

    @property
    def width(self) -> int:
        """Numbers of all layers together."""
        return int(max(columns.stop for columns in self.columns.values()))

    def weights(self, coverage: Numbers) -> Numbers:
        """How much each cell counts."""
        return coverage if self.recipe.weighted else np.ones_like(coverage)

    def compared(self, layer: str, raw: Numbers) -> Numbers:
        """Turn raw vectors ``(..., n)`` of a layer into those whose cosines are taken.

        This is the only place of the index that knows; it agrees with `Standardisation.apply`.
        """
        standard = self.standard
        if standard is None:
            return raw
        return (raw - standard.mean[layer]) / standard.spread[layer]

    def signature(self, raw: Mapping[str, Numbers]) -> Signature:
        """Compare one vector per layer."""
        return Signature({layer: self.compared(layer, vector) for layer, vector in raw.items()})


def side_by_side(widths: Mapping[str, int]) -> dict[str, slice]:
    """Columns of each layer where all stand beside each other."""
    found, start = {}, 0
    for layer, width in widths.items():
        found[layer] = slice(start, start + width)
        start += width
    return found

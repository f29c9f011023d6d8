"""What is looked for: styles, counter-examples, and how much each layer counts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from skykin.core.errors import DataQualityError, UsageError, shown
from skykin.core.shapes import Numbers
from skykin.indexing.answers import Style
from skykin.style.recipe import Combine, Recipe
from skykin.style.similar import layer_cosines

#: Styles nearer than this in every layer are the same place, seen through other cells.
SAME = 0.999


@dataclass(frozen=True, eq=False)
class Wanted:
    """Styles to find, and styles to keep away from.

    Parameters
    ----------
    recipe : Recipe
    likes : tuple of Style
        At least one; what is compared with.
    unlikes : tuple of Style
        Counter-examples: what a tile has in common with one is taken off its score.
    combine : {"max", "mean"}
        Whether a tile should be like any of several references, or like all of them.
    weights : Mapping of str to float
        How much layers count; 1 where a layer is not named.

    Raises
    ------
    UsageError
        If there is nothing to look for, a weight cannot be meant, or a counter-example is a reference.
    DataQualityError
        If one has no style (``DQ-CONST``).
    """

    recipe: Recipe
    likes: tuple[Style, ...]
    unlikes: tuple[Style, ...] = ()
    combine: Combine = "max"
    weights: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.likes:
            raise UsageError("there is nothing to look for; give at least one reference")
        if self.combine not in ("max", "mean"):
            raise UsageError(f"references cannot be combined by {shown(self.combine)}; choose max or mean")
        self._check_weights()
        if not all(has_style(style) for style in self.styles):
            raise DataQualityError(
                "a reference or counter-example has no style, because nothing in it is covered or it is "
                "the same everywhere; choose another place",
                code="DQ-CONST",
            )
        if any(_same(like, unlike) for like in self.likes for unlike in self.unlikes):
            raise UsageError(
                "a counter-example is the same as a reference, so nothing could match; "
                "give another one with --not, or leave it out"
            )

    def _check_weights(self) -> None:
        layers = self.recipe.layers
        for layer, weight in self.weights.items():
            if layer not in layers:
                raise UsageError(
                    f"the recipe {self.recipe.name} has no layer {shown(layer)}; it has {', '.join(layers)}"
                )
            if not (math.isfinite(weight) and weight >= 0):
                raise UsageError(f"layer {layer} has the weight {weight:g}; use a finite number from 0 on")
            if self.recipe.combine == "max" and weight not in (0, 1):
                raise UsageError(
                    f"layer {layer} has the weight {weight:g}, but the recipe {self.recipe.name} takes the "
                    "best layer; there a layer counts (1) or not (0)"
                )
        if not self.layer_weights.any():
            raise UsageError("every layer has the weight 0, so nothing is compared; let one count")

    @property
    def styles(self) -> tuple[Style, ...]:
        """References, then counter-examples."""
        return (*self.likes, *self.unlikes)

    @property
    def layer_weights(self) -> Numbers:
        """Weight of each layer, in the order of the recipe."""
        return np.array([float(self.weights.get(layer, 1.0)) for layer in self.recipe.layers])

    def joined(self, cosines: Numbers) -> Numbers:
        """Make one score of the cosines (..., layers) with one style; NaN where a counted layer has none."""
        weights = self.layer_weights
        counted = np.asarray(cosines, np.float64)[..., weights > 0]
        if self.recipe.combine == "max":
            return np.asarray(counted.max(axis=-1))
        return np.asarray(counted @ (weights[weights > 0] / weights.sum()))


def has_style(style: Style) -> bool:
    """Whether there is anything to compare in every layer."""
    return all(bool(np.isfinite(v).all() and np.any(v)) for v in style.vectors.values())


def _same(one: Style, other: Style) -> bool:
    return all(cosine > SAME for cosine in layer_cosines(one.vectors, other.vectors).values())

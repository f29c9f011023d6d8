"""Similarity of styles: cosines per layer, combined into one score for a query."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from skykin.core.errors import UsageError, shown
from skykin.core.shapes import Numbers
from skykin.core.views import AS_IT_IS, Over, View
from skykin.style.recipe import Combine, Recipe
from skykin.style.signature import LayerVectors, Vector, layer_cosines, refuse_without_style

#: A `Signature`, or the style that an index keeps.
V = TypeVar("V", bound=LayerVectors)
#: Styles with larger cosines than this in every layer are the same place, seen through other cells.
SAME = 0.999


def combine(cosines: npt.ArrayLike, how: Combine) -> npt.NDArray[np.float64]:
    """Make one score of the cosines of the layers; each layer weighs the same.

    Parameters
    ----------
    cosines : array (..., layers)
    how : {"max", "mean"}

    Returns
    -------
    float64 array (...)
        NaN where the cosine of any layer is NaN.

    Raises
    ------
    UsageError
        If `how` is unknown.
    """
    values = np.asarray(cosines, dtype=np.float64)
    if how == "max":
        return np.asarray(values.max(axis=-1))
    if how == "mean":
        return np.asarray(values.mean(axis=-1))
    raise UsageError(f"cosines cannot be combined by {shown(how)}; choose max or mean")


@dataclass(frozen=True, eq=False)
class Similarity:
    """Similarity of tiles to a query.

    Parameters
    ----------
    score : float64 array (...)
        Combined cosine, less the similarity to the nearest counter-example, −2 to 1; NaN where a tile has no
        style.
    cosines : float64 array (..., layers)
        With the view of the reference that a tile is most similar to, or their mean.
    nearest : int array (...)
        Number of the reference that a tile is most similar to.
    view : int array (...)
        Number of the view of that reference, among the styles of all references.
    """

    score: Numbers
    cosines: Numbers
    nearest: Numbers
    view: Numbers


@dataclass(frozen=True, eq=False)
class QueryStyle(Generic[V]):
    """The styles that tiles are compared with, and how their cosines become one score.

    Parameters
    ----------
    recipe : Recipe
    likes : tuple of LayerVectors
        Style of each reference, at least one; where a reference has several views, one after the other.
    unlikes : tuple of LayerVectors
        Style of each counter-example, likewise; see `less_unlike`.
    combine : {"max", "mean"}
        How similarities to several references become one.
    weights : Mapping of str to float
        Weight of each layer; 1 where a layer is not named.
    views : tuple of tuple of View
        Views of each reference, then of each counter-example; each as it is, if left out.
    over : {"max", "mean"}
        How similarities to the views of a reference become one.

    Raises
    ------
    UsageError
        If there is no reference, a weight is invalid, or a counter-example is the same as a reference.
    DataQualityError
        If one has no style (``DQ-CONST``).
    """

    recipe: Recipe
    likes: tuple[V, ...]
    unlikes: tuple[V, ...] = ()
    combine: Combine = "max"
    weights: Mapping[str, float] = field(default_factory=dict)
    views: tuple[tuple[View, ...], ...] = ()
    over: Over = "max"

    def __post_init__(self) -> None:
        if not self.likes:
            raise UsageError("there is nothing to look for; give at least one reference")
        if not self.views:
            object.__setattr__(self, "views", ((AS_IT_IS,),) * len(self.styles))
        if self.combine not in ("max", "mean"):
            raise UsageError(f"references cannot be combined by {shown(self.combine)}; choose max or mean")
        self._check_weights()
        for style in self.styles:
            refuse_without_style(style, "a reference or counter-example", choose="another place")
        if any(_same(like, unlike) for like in self.likes for unlike in self.unlikes):
            raise UsageError(
                "a counter-example is the same as a reference, so nothing could match; "
                "give another one with --unlike, or leave it out"
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
    def styles(self) -> tuple[V, ...]:
        """References, then counter-examples."""
        return (*self.likes, *self.unlikes)

    @property
    def layer_weights(self) -> Numbers:
        """Weight of each layer, in the order of the recipe."""
        return np.array([float(self.weights.get(layer, 1.0)) for layer in self.recipe.layers])

    @cached_property
    def groups(self) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
        """Which of the styles are the views of each reference, and of each counter-example."""
        ends = np.cumsum([len(views) for views in self.views]).tolist()
        every = tuple(slice(start, stop) for start, stop in zip([0, *ends], ends, strict=False))
        likes = sum(each.stop <= len(self.likes) for each in every)
        return every[:likes], every[likes:]

    @property
    def names_nearest(self) -> bool:
        """Whether a tile's score is that of one reference out of several."""
        return len(self.groups[0]) > 1 and self.combine == "max"

    @cached_property
    def like_views(self) -> tuple[View, ...]:
        """View of each of the `likes`."""
        return tuple(view for views in self.views[: len(self.groups[0])] for view in views)

    @cached_property
    def vectors(self) -> dict[str, Numbers]:
        """Unit vectors of all styles, layer by layer: float32 arrays (styles, n)."""
        stacked = {
            layer: np.stack([style[layer] for style in self.styles]).astype(np.float64)
            for layer in self.recipe.layers
        }
        return {
            layer: (rows / np.linalg.norm(rows, axis=1)[:, None]).astype(np.float32)
            for layer, rows in stacked.items()
        }

    def joined(self, cosines: Numbers) -> Numbers:
        """Make one score of the cosines (..., layers) with one style; NaN where a counted layer has none."""
        weights = self.layer_weights
        counted = np.asarray(cosines, np.float64)[..., weights > 0]
        if self.recipe.combine == "max":
            return np.asarray(counted.max(axis=-1))
        return np.asarray(counted @ (weights[weights > 0] / weights.sum()))

    def similarity(self, cosines: Numbers) -> Similarity:
        """Make scores of cosines (..., styles, layers) with all `styles`."""
        each, (likes, unlikes) = self.joined(cosines), self.groups
        scores = self._over_views(each, likes)
        known = np.nan_to_num(each, nan=-np.inf)
        nearest = np.argmax(np.nan_to_num(scores, nan=-np.inf), axis=-1)
        best = np.stack([own.start + np.argmax(known[..., own], axis=-1) for own in likes], axis=-1)
        shown_cosines = np.stack(
            [
                np.take_along_axis(cosines, best[..., number, None, None], axis=-2)[..., 0, :]
                if self.over == "max"
                else cosines[..., own, :].mean(axis=-2)
                for number, own in enumerate(likes)
            ],
            axis=-2,
        )
        view = np.take_along_axis(best, nearest[..., None], axis=-1)[..., 0]
        if self.combine == "mean":
            found = Similarity(scores.mean(axis=-1), shown_cosines.mean(axis=-2), nearest, view)
        else:
            score = np.take_along_axis(scores, nearest[..., None], axis=-1)[..., 0]
            one = np.take_along_axis(shown_cosines, nearest[..., None, None], axis=-2)[..., 0, :]
            found = Similarity(score, one, nearest, view)
        if not unlikes:
            return found
        return replace(found, score=self._less_unlike(found.score, each))

    def score(self, each: Numbers) -> Numbers:
        """Make scores (...) of those (..., styles) with all `styles`."""
        scores = self._over_views(each, self.groups[0])
        score = scores.max(axis=-1) if self.combine == "max" else scores.mean(axis=-1)
        return np.asarray(self._less_unlike(score, each) if self.unlikes else score)

    def _less_unlike(self, score: Numbers, each: Numbers) -> Numbers:
        return less_unlike(score, self._over_views(each, self.groups[1]).max(axis=-1))

    def _over_views(self, scores: Numbers, groups: tuple[slice, ...]) -> Numbers:
        return np.stack([over_views(scores[..., own], self.over) for own in groups], axis=-1)

    def similarity_of(self, style: LayerVectors) -> Similarity:
        """Compare one tile."""
        return self.similarity(np.array([style.cosines(each) for each in self.styles]))


def over_views(scores: Numbers, by: Over) -> Numbers:
    """Make one score of those (..., views) with the views of a reference."""
    return np.asarray(scores.max(axis=-1) if by == "max" else scores.mean(axis=-1))


def less_unlike(score: Numbers, unlike: Numbers) -> Numbers:
    r"""Lower the scores of what is more similar to a counter-example than to the references.

    .. math:: s' = s - \max(u - s, 0)

    for the similarity s to the references and u to the nearest counter-example.  What is nearer to a
    reference keeps its score: to subtract u itself would lower the true matches as well, because everything
    that stands out of the sky has much in common.
    """
    return np.asarray(score - np.maximum(unlike - score, 0))


def _same(one: Mapping[str, Vector], other: Mapping[str, Vector]) -> bool:
    return all(cosine > SAME for cosine in layer_cosines(one, other).values())

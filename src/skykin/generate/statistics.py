"""The statistics of `skykin.style.statistics` on PyTorch: the same numbers, with gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from skykin.core.errors import UsageError, shown
from skykin.generate.extra import torch
from skykin.style.recipe import Recipe
from skykin.style.statistics.statistic import core_part

#: Features (channels, y, x), and weights (y, x) or None; both tensors.
GradientStatistic: TypeAlias = Callable[[Any, Any], Any]
#: The root has no slope at 0: a channel that does not vary keeps a spread of 10⁻⁶ and pulls nowhere.
LEAST_VARIANCE = 1e-12


def gram(features: Any, weights: Any = None) -> Any:
    """Correlate the channels of one layer; see `skykin.style.statistics.gram`."""
    flat, share = _flat(features, weights)
    rooted = flat * share.sqrt()
    return rooted @ rooted.T


def covariance(features: Any, weights: Any = None) -> Any:
    """Correlate the deviations from the means; see `skykin.style.statistics.covariance`."""
    flat, share = _flat(features, weights)
    deviations = (flat - (flat @ share)[:, None]) * share.sqrt()
    return deviations @ deviations.T


def mean_std(features: Any, weights: Any = None) -> Any:
    """Mean and standard deviation of each channel; see `skykin.style.statistics.mean_std`."""
    flat, share = _flat(features, weights)
    mean = flat @ share
    variance = (flat - mean[:, None]).square() @ share
    return torch.cat([mean, variance.clamp_min(LEAST_VARIANCE).sqrt()])


def core_contrast(features: Any, weights: Any = None) -> Any:
    """Mean over the core less the mean over all; see `skykin.style.statistics.core_contrast`."""
    whole, share = _flat(features, weights)
    middle, core_share = _flat(*core_part(features, weights))
    return middle @ core_share - whole @ share


#: By the name of the statistic.
TWINS: dict[str, GradientStatistic] = {
    "gram": gram,
    "covariance": covariance,
    "mean_std": mean_std,
    "core_contrast": core_contrast,
}


def with_gradient(recipe: Recipe) -> GradientStatistic:
    """Give the differentiable twin of a recipe's statistic.

    Raises
    ------
    UsageError
        If there is none.
    """
    twin = TWINS.get(recipe.statistic.name)
    if twin is None:
        raise UsageError(
            f"recipe {shown(recipe.name)} measures {shown(recipe.statistic.name)}, which has no gradient "
            f"here; pictures can be made from {', '.join(sorted(TWINS))}"
        )
    return twin


def _flat(features: Any, weights: Any) -> tuple[Any, Any]:
    """Features (channels, positions), and the share of each position; shares sum to 1."""
    flat = features.reshape(len(features), -1)
    if weights is None:
        return flat, torch.full_like(flat[0], 1 / flat.shape[1])
    return flat, weights.reshape(-1) / weights.sum()

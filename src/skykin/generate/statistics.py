"""The statistics of `skykin.style.statistics.statistic` on PyTorch: the same numbers, with gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from skykin.core.errors import UsageError, shown
from skykin.generate.extra import torch
from skykin.style.recipe import Recipe
from skykin.style.statistics import statistic as measured

#: Features (channels, y, x), and weights (y, x) or None; both tensors.
GradientStatistic: TypeAlias = Callable[[Any, Any], Any]
#: The root has no slope at 0: a channel that does not vary keeps a spread of 10⁻⁶ and pulls nowhere.
LEAST_VARIANCE = 1e-12


def gram(features: Any, weights: Any = None) -> Any:
    """Correlate the channels of one layer; see `skykin.style.statistics.statistic.gram`."""
    flat, share = _flat(features, weights)
    rooted = flat * share.sqrt()
    return rooted @ rooted.T


def covariance(features: Any, weights: Any = None) -> Any:
    """Correlate the deviations from the means; see `skykin.style.statistics.statistic.covariance`."""
    flat, share = _flat(features, weights)
    deviations = (flat - (flat @ share)[:, None]) * share.sqrt()
    return deviations @ deviations.T


def mean_std(features: Any, weights: Any = None) -> Any:
    """Mean and standard deviation of each channel; see `skykin.style.statistics.statistic.mean_std`."""
    flat, share = _flat(features, weights)
    mean = flat @ share
    variance = (flat - mean[:, None]).square() @ share
    return torch.cat([mean, variance.clamp_min(LEAST_VARIANCE).sqrt()])


def core_contrast(features: Any, weights: Any = None) -> Any:
    """Mean over the core less the mean over all; see `skykin.style.statistics.statistic.core_contrast`."""
    core = tuple(measured.middle_quarter(side) for side in features.shape[1:])
    whole, share = _flat(features, weights)
    middle, core_share = _flat(features[:, *core], None if weights is None else weights[core])
    return middle @ core_share - whole @ share


_TWINS: dict[Any, GradientStatistic] = {
    measured.gram: gram,
    measured.covariance: covariance,
    measured.mean_std: mean_std,
    measured.core_contrast: core_contrast,
}


def with_gradient(recipe: Recipe) -> GradientStatistic:
    """Give the differentiable twin of a recipe's statistic.

    Raises
    ------
    UsageError
        If there is none.
    """
    twin = _TWINS.get(recipe.statistic)
    if twin is None:
        known = ", ".join(sorted(each.__name__ for each in _TWINS))
        raise UsageError(
            f"recipe {shown(recipe.name)} measures {shown(recipe.statistic.__name__)}, which has no "
            "gradient here; "
            f"pictures can be made from {known}"
        )
    return twin


def _flat(features: Any, weights: Any) -> tuple[Any, Any]:
    """Features (channels, positions), and the share of each position; shares sum to 1."""
    flat = features.reshape(len(features), -1)
    if weights is None:
        return flat, torch.full_like(flat[0], 1 / flat.shape[1])
    return flat, weights.reshape(-1) / weights.sum()

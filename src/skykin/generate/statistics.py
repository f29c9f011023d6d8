"""The statistics of `skykin.style.statistics` on PyTorch: the same numbers, with gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from skykin.core.errors import UsageError, shown
from skykin.generate.extra import torch
from skykin.style.recipe import Recipe
from skykin.style.statistics.radial_profile import RINGS
from skykin.style.statistics.statistic import CORE, core_part, ring_masks

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


def radial_profile(features: Any, weights: Any = None) -> Any:
    """Means over four rings less the mean over all; see `skykin.style.statistics.radial_profile`."""
    return _profile(features, weights, RINGS)


def core_spread(features: Any, weights: Any = None) -> Any:
    """Core less mean over all, and the spread; see `skykin.style.statistics.core_spread`."""
    return _profile(features, weights, (CORE,))


def _profile(features: Any, weights: Any, rings: Sequence[int]) -> Any:
    """Rings less the mean, then standard deviations; a ring without a position is as the mean."""
    flat, share = _flat(features, weights)
    deviations = flat - (flat @ share)[:, None]
    masks = torch.as_tensor(ring_masks(tuple(features.shape[1:]), rings)).to(share)
    within = masks.reshape(len(rings), -1) * share
    means = within / within.sum(dim=1, keepdim=True).clamp_min(LEAST_VARIANCE) @ deviations.T
    spread = (deviations.square() @ share).clamp_min(LEAST_VARIANCE).sqrt()
    return torch.cat([means.reshape(-1), spread])


#: By the name of the statistic.
TWINS: dict[str, GradientStatistic] = {
    "gram": gram,
    "covariance": covariance,
    "mean_std": mean_std,
    "core_contrast": core_contrast,
    "core_spread": core_spread,
    "radial_profile": radial_profile,
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

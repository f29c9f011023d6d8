"""The objective of a picture: its losses, and how they change with each colour."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skykin.core.errors import DataQualityError, UsageError
from skykin.core.shapes import RGB, Coverage, Numbers
from skykin.generate.extra import torch
from skykin.generate.losses import Losses
from skykin.generate.settings import TextureSettings, TransferSettings
from skykin.generate.statistics import GradientStatistic, gram, with_gradient
from skykin.style.network.torch_vgg19 import TorchVGG19
from skykin.style.recipe import Recipe
from skykin.style.statistics.statistic import position_weights

#: The content layer of the TensorFlow tutorial.
CONTENT_LAYER = "block5_conv2"
#: A statistic below this root mean square is the rounding of a picture without structure.
NO_STRUCTURE = 1e-6

#: Adam's ε is made for losses of this size.
TEXTURE_WEIGHT = 1e6

#: One value per layer.
Targets = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class StyleLoss:
    """The distance in style from a reference, differentiable.

    Parameters
    ----------
    statistic : callable
    targets : Mapping of str to tensor
        The reference's statistic of each layer.
    factors : Mapping of str to float
        What the squared distance of each layer counts.
    """

    statistic: GradientStatistic
    targets: Targets
    factors: Mapping[str, float]

    def __call__(self, features: Targets) -> Any:
        """Sum over the layers of one picture."""
        return sum(
            factor * (self.statistic(features[layer], None) - self.targets[layer]).square().sum()
            for layer, factor in self.factors.items()
        )


@dataclass(frozen=True, eq=False)
class Objective:
    """The losses of a picture, and how they change with each colour.

    Parameters
    ----------
    network : TorchVGG19
    style : StyleLoss
    content : tensor (channels, y, x) or None
        The features to keep.
    content_weight, variation_weight : float
    """

    network: TorchVGG19
    style: StyleLoss
    content: Any = None
    content_weight: float = 0.0
    variation_weight: float = 0.0

    def __call__(self, rgb: Numbers) -> tuple[Losses, Numbers]:
        """Evaluate one picture.

        Parameters
        ----------
        rgb : array (rows, columns, 3)

        Returns
        -------
        Losses
        array (rows, columns, 3)
            The gradient of their sum.

        Raises
        ------
        UsageError
            If the losses are not finite numbers.
        """
        picture = self.network.tensor(rgb).requires_grad_()
        features = self.network(picture)
        terms = [self.style(features), torch.zeros(()), torch.zeros(())]
        if self.content is not None:
            terms[1] = self.content_weight * (features[CONTENT_LAYER] - self.content).square().mean()
        if self.variation_weight:
            terms[2] = self.variation_weight * sum(picture.diff(dim=axis).abs().sum() for axis in (0, 1))
        total = sum(terms)
        total.backward()
        losses = Losses(*(float(term.detach()) for term in terms))
        if not np.isfinite(losses.total):
            raise UsageError(f"the losses grew to {losses}; use smaller weights")
        return losses, picture.grad.numpy()

    def cosines(self, rgb: RGB) -> dict[str, float]:
        """Cosine of a picture's statistic with the reference's, layer by layer."""
        with torch.no_grad():
            features = self.network(self.network.tensor(rgb))
            return {
                layer: _cosine(self.style.statistic(features[layer], None), target)
                for layer, target in self.style.targets.items()
            }


def transfer_objective(
    content: RGB, style: RGB, style_coverage: Coverage | None, start: RGB, settings: TransferSettings
) -> Objective:
    """Follow the TensorFlow tutorial.

    Its weights are tuned for Gram matrices.  So that they mean the same under another statistic, whose
    numbers are of another size, its style loss is scaled to that of Gram matrices for the first picture.
    """
    recipe = settings.chosen_recipe
    network = TorchVGG19(tuple(dict.fromkeys((*recipe.layers, CONTENT_LAYER))), recipe.padding)
    statistic = with_gradient(recipe)
    measure = _measure_style(network, style, style_coverage, recipe)
    with torch.no_grad():
        first = network(network.tensor(start))
        kept = network(network.tensor(content))[CONTENT_LAYER] if settings.content_weight else None
    loss, grams = (_mean_squares(each, measure(each), settings.style_weight) for each in (statistic, gram))
    own = float(loss(first))
    scale = float(grams(first)) / own if own > 0 else 1.0
    loss = replace(loss, factors={layer: scale * each for layer, each in loss.factors.items()})
    return Objective(network, loss, kept, settings.content_weight, settings.variation_weight)


def texture_objective(reference: RGB, coverage: Coverage | None, settings: TextureSettings) -> Objective:
    r"""Style alone, each layer relative to the reference.

    .. math:: \frac{10^6}{L} \sum_l \| S_l - S_l^* \|^2 / \| S_l^* \|^2

    Raises
    ------
    DataQualityError
        If a layer of the reference has nothing to imitate.
    """
    recipe = settings.chosen_recipe
    network = TorchVGG19(recipe.layers, recipe.padding)
    statistic = with_gradient(recipe)
    targets = _measure_style(network, reference, coverage, recipe)(statistic)
    factors = {}
    for layer, target in targets.items():
        if float(target.square().mean().sqrt()) <= NO_STRUCTURE:
            raise DataQualityError(
                f"the {recipe.name} statistic of the reference is 0 in {layer}, so there is no style to "
                "imitate; "
                "choose a picture with structure",
                code="DQ-CONST",
            )
        factors[layer] = TEXTURE_WEIGHT / (float(target.square().sum()) * len(targets))
    return Objective(network, StyleLoss(statistic, targets, factors))


def _measure_style(
    network: TorchVGG19, rgb: RGB, coverage: Coverage | None, recipe: Recipe
) -> Callable[[GradientStatistic], Targets]:
    with torch.no_grad():
        features = network(network.tensor(rgb))

    def measure(statistic: GradientStatistic) -> Targets:
        return {
            layer: statistic(features[layer], _weights(network, features[layer], coverage, recipe))
            for layer in recipe.layers
        }

    return measure


def _weights(network: TorchVGG19, features: Any, coverage: Coverage | None, recipe: Recipe) -> Any:
    if coverage is None or not recipe.weighted:
        return None
    _, y, x = features.shape
    return network.tensor(position_weights(coverage, (y, x)))


def _mean_squares(statistic: GradientStatistic, targets: Targets, weight: float) -> StyleLoss:
    factors = {layer: weight / (target.numel() * len(targets)) for layer, target in targets.items()}
    return StyleLoss(statistic, targets, factors)


def _cosine(one: Any, other: Any) -> float:
    a, b = one.double().flatten(), other.double().flatten()
    return float((a @ b) / (a.norm() * b.norm()))

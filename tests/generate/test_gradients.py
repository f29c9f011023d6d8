"""Tests of the network and the statistics on PyTorch against the ones that score the sky."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from skykin.core.errors import UsageError  # noqa: E402
from skykin.generate import statistics as gradient  # noqa: E402
from skykin.generate.objective import (  # noqa: E402
    CONTENT_LAYER,
    Objective,
    StyleLoss,
    texture_objective,
    transfer_objective,
)
from skykin.generate.settings import TextureSettings, TransferSettings  # noqa: E402
from skykin.style.network.architecture import LAYERS, STYLE_LAYERS  # noqa: E402
from skykin.style.network.torch_vgg19 import TorchVGG19  # noqa: E402
from skykin.style.network.vgg19 import VGG19Encoder  # noqa: E402
from skykin.style.recipe import Recipe, recipe, recipes  # noqa: E402
from skykin.style.statistics.core_contrast import core_contrast  # noqa: E402
from skykin.style.statistics.core_spread import core_spread  # noqa: E402
from skykin.style.statistics.covariance import covariance  # noqa: E402
from skykin.style.statistics.gram import gram  # noqa: E402
from skykin.style.statistics.mean_std import mean_std  # noqa: E402
from skykin.style.statistics.radial_profile import radial_profile  # noqa: E402
from skykin.style.statistics.statistic import Statistic  # noqa: E402

pytestmark = pytest.mark.generate
PAIRS = [
    (gram, gradient.gram),
    (covariance, gradient.covariance),
    (mean_std, gradient.mean_std),
    (core_contrast, gradient.core_contrast),
    (core_spread, gradient.core_spread),
    (radial_profile, gradient.radial_profile),
]


def _id(each):
    return getattr(each, "__name__", repr(each))


def noise(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def off(found, expected):
    """Largest difference, relative to the largest value."""
    return float(np.abs(found - expected).max() / np.abs(expected).max())


@pytest.mark.parametrize("padding", ["zero", "edge"])
@pytest.mark.parametrize("shape", [(64, 48), (51, 67), (16, 35)])
def test_every_layer_answers_as_onnx_runtime_does(padding, shape):
    picture = noise(*shape, 3)
    expected = VGG19Encoder(LAYERS, padding)(picture)
    network = TorchVGG19(LAYERS, padding)
    with torch.no_grad():
        found = network(network.tensor(picture))
    assert list(found) == list(LAYERS)
    for layer in LAYERS:
        assert found[layer].shape == expected[layer].shape
        assert off(found[layer].numpy(), expected[layer]) < 1e-4, layer


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("one", "other"), PAIRS, ids=_id)
def test_statistics_are_the_ones_that_score_the_sky(one, other, weighted):
    features = VGG19Encoder(("block3_conv1",))(noise(48, 64, 3))["block3_conv1"]
    weights = noise(*features.shape[1:], seed=1) if weighted else None
    found = other(torch.tensor(features), None if weights is None else torch.tensor(weights))
    assert off(found.numpy(), one(features, weights)) < 1e-5


@pytest.mark.parametrize("name", list(recipes()))
def test_every_recipe_that_ships_can_make_pictures(name):
    assert gradient.with_gradient(recipe(name)) in {other for _, other in PAIRS}


def test_a_statistic_without_a_twin_is_refused():
    class Strange(Statistic):
        name = "strange"

        def moments(self, features):
            return features

        def finish(self, means, rings=None):
            return means

    with pytest.raises(UsageError, match="recipe 'own' measures 'strange', which has no gradient here"):
        gradient.with_gradient(
            Recipe(name="own", title="", description="", statistic=Strange(), threshold=0.5)
        )


@pytest.mark.parametrize(("_", "statistic"), PAIRS, ids=_id)
def test_the_slope_of_each_statistic_is_that_of_finite_differences(_, statistic):
    torch.manual_seed(0)
    weights = torch.rand(4, 5, dtype=torch.float64)
    features = torch.rand(3, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda each: statistic(each, weights), features)


@pytest.mark.parametrize(("_", "statistic"), PAIRS, ids=_id)
def test_the_slope_of_each_loss_by_colour_is_that_of_finite_differences(_, statistic):
    """The whole way: from the colours through the network, the statistic and all three losses."""
    network = TorchVGG19((*STYLE_LAYERS, CONTENT_LAYER), "edge", torch.float64)
    reference = network(network.tensor(noise(32, 32, 3, seed=1)))
    targets = {layer: statistic(reference[layer], None) for layer in STYLE_LAYERS}
    # Of 2 × 2 positions the core is the whole: block 5 has no contrast to lessen.
    factors = {layer: 1 / float(each.square().sum()) for layer, each in targets.items() if each.any()}
    objective = Objective(
        network, StyleLoss(statistic, targets, factors), reference[CONTENT_LAYER], 1e-3, 1e-3
    )
    picture = noise(32, 32, 3, seed=2).astype(np.float64)
    _, slope = objective(picture)
    random = np.random.default_rng(3)
    step = 1e-6
    for _ in range(6):
        direction = random.standard_normal(picture.shape)
        there = objective(picture + step * direction)[0].total
        back = objective(picture - step * direction)[0].total
        expected = (there - back) / (2 * step)
        assert float((slope * direction).sum()) == pytest.approx(expected, rel=1e-4)


def test_a_channel_without_variation_has_a_finite_slope():
    features = torch.ones(2, 3, 3, requires_grad=True)
    gradient.mean_std(features).sum().backward()
    assert torch.isfinite(features.grad).all()


def test_the_losses_are_those_of_the_tutorial():
    content, style = noise(32, 40, 3, seed=1), noise(48, 32, 3, seed=2)
    picture = noise(32, 40, 3, seed=3)
    losses, _ = transfer_objective(content, style, None, content, TransferSettings())(picture)
    encode = VGG19Encoder((*STYLE_LAYERS, CONTENT_LAYER))
    here, wanted, kept = encode(picture), encode(style), encode(content)
    differences = [gram(here[each]) - gram(wanted[each]) for each in STYLE_LAYERS]
    squares = [np.mean(np.square(each, dtype=np.float64)) for each in differences]
    assert losses.style == pytest.approx(1e-2 * np.mean(squares), rel=1e-4)
    content_squares = np.square(here[CONTENT_LAYER] - kept[CONTENT_LAYER], dtype=np.float64)
    assert losses.content == pytest.approx(1e4 * content_squares.mean(), rel=1e-4)
    variation = np.abs(np.diff(picture, axis=0)).sum() + np.abs(np.diff(picture, axis=1)).sum()
    assert losses.variation == pytest.approx(30 * variation, rel=1e-5)
    assert losses.total == pytest.approx(losses.style + losses.content + losses.variation)


@pytest.mark.parametrize("name", ["covariance", "mean-std"])
def test_weights_mean_the_same_under_every_statistic(name):
    content, style = noise(32, 32, 3, seed=1), noise(32, 32, 3, seed=2)
    settings = TransferSettings(recipe=name)
    losses, _ = transfer_objective(content, style, None, content, settings)(content)
    encode = VGG19Encoder(STYLE_LAYERS, settings.chosen_recipe.padding)
    here, wanted = encode(content), encode(style)
    squares = [
        np.square(gram(here[each]) - gram(wanted[each]), dtype=np.float64).mean() for each in STYLE_LAYERS
    ]
    assert losses.style == pytest.approx(1e-2 * np.mean(squares), rel=1e-3)


def test_masked_pixels_of_the_reference_do_not_count_where_the_recipe_says_so():
    reference = noise(64, 64, 3)
    coverage = np.ones((64, 64), np.float32)
    coverage[:, :32] = 0
    for name, same in (("poster", True), ("covariance", False)):
        settings = TextureSettings(recipe=name)
        whole = texture_objective(reference, None, settings).style.targets["block1_conv1"]
        half = texture_objective(reference, coverage, settings).style.targets["block1_conv1"]
        assert torch.equal(whole, half) is same

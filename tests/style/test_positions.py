"""Tests of dividing a cosine among positions: the parts add up, and say what more weight would change."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from skykin.style.positions import position_cosines
from skykin.style.recipe import recipe
from skykin.style.signature import Standardisation, flattened
from skykin.style.statistics.core_contrast import core_contrast
from skykin.style.statistics.covariance import covariance
from skykin.style.statistics.gram import gram
from skykin.style.statistics.mean_std import mean_std
from skykin.style.statistics.statistic import Statistic, position_weights

LAYERS = ("block1_conv1", "block2_conv1")
RECIPES = ("poster", "covariance", "mean-std")


def features(seed, side=16):
    rng = np.random.default_rng(seed)
    sizes = {"block1_conv1": (5, side), "block2_conv1": (7, side // 2)}
    return {layer: rng.gamma(2, size=(c, n, n)).astype(np.float32) for layer, (c, n) in sizes.items()}


def of_two_layers(name):
    return replace(recipe(name), layers=LAYERS, weighted=True)


def standard_of(chosen, coverage):
    if not chosen.standardised:
        return None
    return Standardisation.fit([chosen.signature(features(10 + n), coverage) for n in range(6)])


def cosine(one, other):
    one, other = one.astype(np.float64), other.astype(np.float64)
    return one @ other / np.linalg.norm(one) / np.linalg.norm(other)


@pytest.fixture
def coverage():
    cover = np.random.default_rng(5).random((16, 16)).astype(np.float32)
    cover[:4, :4] = 0
    return cover


@pytest.mark.parametrize("name", RECIPES)
def test_the_mean_over_covered_positions_is_the_cosine(name, coverage):
    chosen = of_two_layers(name)
    standard = standard_of(chosen, coverage)
    tile, reference = (chosen.signature(features(n), coverage) for n in (0, 1))
    if standard is not None:
        tile, reference = standard.apply(tile), standard.apply(reference)
    found = position_cosines(chosen, features(0), coverage, reference, standard)
    for layer, values in found.items():
        weights = position_weights(coverage, values.shape)
        assert np.isnan(values[weights == 0]).all()
        mean = np.average(values[weights > 0], weights=weights[weights > 0])
        assert mean == pytest.approx(cosine(tile[layer], reference[layer]), abs=2e-5)


@pytest.mark.parametrize("name", RECIPES)
def test_a_position_says_what_more_weight_there_would_change(name, coverage):
    # The numerator ⟨z, z'⟩ grows by (r_p − cos) times the share of weight that is added at p.
    chosen = of_two_layers(name)
    standard = standard_of(chosen, coverage)
    layer, values = "block1_conv1", features(0)
    tile, reference = (chosen.signature(features(n), coverage) for n in (0, 1))
    if standard is not None:
        tile, reference = standard.apply(tile), standard.apply(reference)
    found = position_cosines(chosen, values, coverage, reference, standard)[layer]
    lengths = np.linalg.norm(tile[layer].astype(float)) * np.linalg.norm(reference[layer].astype(float))
    place, more = (9, 11), coverage.sum() * 0.01
    heavier = coverage.copy()
    heavier[place] += more
    changed = chosen.signature(values, heavier)
    changed = changed if standard is None else standard.apply(changed)
    grown = (changed[layer].astype(float) - tile[layer]) @ reference[layer].astype(float) / lengths
    share = more / heavier.sum()
    expected = share * (found[place] - cosine(tile[layer], reference[layer]))
    assert grown == pytest.approx(expected, rel=0.06, abs=2e-4)


@pytest.mark.parametrize("statistic", [gram, covariance, mean_std])
def test_the_quick_ways_divide_as_the_definition_does(statistic):
    values, rng = features(3)["block1_conv1"].astype(np.float64), np.random.default_rng(7)
    share = rng.random((16, 16)) * (rng.random((16, 16)) > 0.2)
    share /= share.sum()
    direction = rng.normal(size=flattened(statistic(values.astype(np.float32))).size)
    quick = statistic.by_position(values, share, direction)
    defined = Statistic.by_position(statistic, values, share, direction)
    np.testing.assert_allclose(quick, defined, rtol=0, atol=1e-6 * np.abs(defined).max())


def test_both_ways_to_divide_a_contrast_add_up_to_it():
    values, rng = features(3)["block1_conv1"].astype(np.float64), np.random.default_rng(7)
    share = rng.random((16, 16))
    share /= share.sum()
    direction = rng.normal(size=5)
    whole = core_contrast(values.astype(np.float32), share.astype(np.float32)) @ direction
    for found in (
        core_contrast.by_position(values, share, direction),
        Statistic.by_position(core_contrast, values, share, direction),
    ):
        assert np.sum(share * found) == pytest.approx(whole, abs=1e-5)

"""Tests of dividing a cosine among positions: the parts add up, and say what more weight would change."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from skykin.core.errors import UsageError
from skykin.style.positions import position_cosines
from skykin.style.recipe import recipe
from skykin.style.signature import Signature
from skykin.style.standard import Standardisation
from skykin.style.statistics.statistic import position_weights

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


def test_a_statistic_that_is_no_sum_is_refused(coverage):
    def largest(values, weights=None):
        return values.max(axis=(1, 2))

    chosen = replace(of_two_layers("poster"), statistic=largest)
    reference = Signature({layer: np.ones(7 if "2" in layer else 5) for layer in LAYERS})
    with pytest.raises(UsageError, match="the statistic 'largest' cannot be divided among positions"):
        position_cosines(chosen, features(0), coverage, reference)

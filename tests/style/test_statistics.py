"""Tests of the statistics: values written out, and the laws that they obey."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skykin.core.errors import UsageError
from skykin.style.signature import flattened
from skykin.style.statistics.core_contrast import core_contrast
from skykin.style.statistics.covariance import covariance
from skykin.style.statistics.gram import gram
from skykin.style.statistics.mean_std import mean_std
from skykin.style.statistics.radial_profile import radial_profile
from skykin.style.statistics.statistic import Statistic, position_weights

STATISTICS = (gram, covariance, mean_std)
every_statistic = pytest.mark.parametrize("statistic", STATISTICS)


@st.composite
def layers(draw) -> np.ndarray:
    """Features of 1–5 channels at 1–7 × 1–7 positions, as large as real ones are."""
    shape = draw(st.tuples(st.integers(1, 5), st.integers(1, 7), st.integers(1, 7)))
    return draw(arrays(np.float32, shape, elements=st.floats(0, 4096, width=16)))


@st.composite
def layers_and_weights(draw) -> tuple[np.ndarray, np.ndarray]:
    """Features, and weights of which some are zero and one is not."""
    features = draw(layers())
    weights = draw(arrays(np.float32, features.shape[1:], elements=st.sampled_from([0, 0.25, 0.5, 1])))
    weights[0, 0] = 1
    return features, weights


def _close(found: np.ndarray, expected: np.ndarray, features: np.ndarray) -> None:
    """Agree to rounding in single precision, on the scale of what is summed."""
    scale = float(np.abs(features).max(initial=0.0))
    scale = scale**2 if found.ndim == 2 else scale
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=4e-6 * scale)


def test_a_gram_matrix_written_out():
    features = np.array([[[1, 2], [3, 4]], [[0, 1], [0, 1]]], dtype=np.float32)
    np.testing.assert_allclose(gram(features), [[30 / 4, 6 / 4], [6 / 4, 2 / 4]], rtol=1e-6)
    only_right = np.array([[0, 1], [0, 1]], dtype=np.float32)
    np.testing.assert_allclose(gram(features, only_right), [[20 / 2, 6 / 2], [6 / 2, 2 / 2]], rtol=1e-6)


def test_a_covariance_written_out():
    features = np.array([[[1, 2], [3, 4]], [[0, 1], [0, 1]]], dtype=np.float32)
    np.testing.assert_allclose(covariance(features), [[1.25, 0.25], [0.25, 0.25]], rtol=1e-6)


def test_mean_and_standard_deviation_written_out():
    features = np.array([[[1, 3]], [[5, 5]]], dtype=np.float32)
    np.testing.assert_allclose(mean_std(features), [2, 5, 1, 0], atol=1e-6)
    np.testing.assert_allclose(mean_std(features, np.array([[3, 1]], np.float32)), [1.5, 5, 0.75**0.5, 0])


@pytest.mark.parametrize("statistic", [*STATISTICS, core_contrast, radial_profile], ids=repr)
@given(data=layers_and_weights())
def test_the_quick_and_exact_ways_give_what_the_definition_says(statistic, data):
    features, weights = data
    quick, defined = flattened(statistic(features, weights)), Statistic.__call__(statistic, features, weights)
    np.testing.assert_array_equal(np.isnan(quick), np.isnan(defined))
    scale = float(np.abs(features).max(initial=0.0)) ** statistic(features).ndim
    # A root takes what rounds to 10⁻¹⁶ of a square to 10⁻⁸ of the mean.
    np.testing.assert_allclose(quick, defined, rtol=1e-5, atol=4e-6 * scale)


@every_statistic
@given(data=layers_and_weights(), seed=st.integers(0, 99))
def test_no_statistic_sees_where_things_are(statistic, data, seed):
    features, weights = data
    order = np.random.default_rng(seed).permutation(weights.size)
    moved = features.reshape(len(features), -1)[:, order].reshape(features.shape)
    moved_weights = weights.reshape(-1)[order].reshape(weights.shape)
    _close(statistic(moved), statistic(features), features)
    _close(statistic(moved, moved_weights), statistic(features, weights), features)


@every_statistic
@given(data=layers_and_weights())
def test_a_position_of_weight_zero_is_as_good_as_left_out(statistic, data):
    features, weights = data
    kept = weights > 0
    left = features[:, kept][:, None, :]
    _close(statistic(features, kept.astype(np.float32)), statistic(left), features)
    spoiled = np.where(kept, features, np.float32(999))
    _close(statistic(spoiled, weights), statistic(features, weights), np.append(features, np.float32(999)))


@every_statistic
@given(data=layers_and_weights(), factor=st.sampled_from([2**-20, 0.3, 7.0, 2**20]))
def test_only_the_ratio_of_weights_counts(statistic, data, factor):
    features, weights = data
    scaled = (weights * np.float32(factor)).astype(np.float32)
    _close(statistic(features, scaled), statistic(features, weights), features)


@every_statistic
@given(features=layers())
def test_equal_weights_are_no_weights(statistic, features):
    same = np.full(features.shape[1:], 0.7, dtype=np.float32)
    _close(statistic(features, same), statistic(features), features)


@every_statistic
@given(features=layers(), factor=st.sampled_from([0.125, 3.0, 64.0]))
def test_statistics_scale_with_their_features(statistic, features, factor):
    found, once = statistic(features * np.float32(factor)), statistic(features)
    _close(found, once * factor**once.ndim, features * factor)


@given(data=layers_and_weights(), offset=st.sampled_from([-3000.0, 1.5, 4096.0]))
def test_a_constant_added_to_a_channel_does_not_change_covariances(data, offset):
    features, weights = data
    steps = np.float32(offset) * np.arange(1, len(features) + 1, dtype=np.float32)
    lifted = features + steps[:, None, None]
    # The features as the lifted float32 array still tells them: what rounding took is not to be found again.
    told = (lifted.astype(np.float64) - steps[:, None, None]).astype(np.float32)
    _close(covariance(lifted, weights), covariance(told, weights), np.append(features, np.float32(1)))


@given(data=layers_and_weights())
def test_statistics_agree_with_double_precision(data):
    features, weights = data
    flat, w = features.reshape(len(features), -1).astype(np.float64), weights.reshape(-1).astype(np.float64)
    mean = flat @ w / w.sum()
    _close(gram(features, weights), (flat * w) @ flat.T / w.sum(), features)
    spread = np.cov(flat, bias=True, aweights=w).reshape(len(flat), len(flat))
    _close(covariance(features, weights), spread, features)
    expected = np.concatenate([mean, np.sqrt(np.diag(spread))])
    _close(mean_std(features, weights), expected, features)


def test_a_small_spread_on_a_large_mean_is_not_lost():
    wave = 3.0e4 + np.sin(np.linspace(0, 20 * np.pi, 64 * 64, endpoint=False))
    features = wave.astype(np.float32).reshape(1, 64, 64)
    expected = features.astype(np.float64).var()
    assert covariance(features)[0, 0] == pytest.approx(expected, rel=1e-5)
    assert mean_std(features)[1] == pytest.approx(expected**0.5, rel=1e-5)


def test_a_sum_that_overflows_single_precision_has_a_mean_that_does_not():
    features = np.full((2, 100, 100), 1e18, dtype=np.float32)
    np.testing.assert_allclose(gram(features), np.full((2, 2), 1e36), rtol=1e-5)


@every_statistic
def test_symmetric_single_precision_goes_out_and_nothing_is_changed_on_the_way_in(statistic):
    features = np.random.default_rng(1).random((6, 9, 9), dtype=np.float32)
    before = features.copy()
    found = statistic(features, np.ones((9, 9), np.float32))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(features, before)
    if found.ndim == 2:
        np.testing.assert_array_equal(found, found.T)


@every_statistic
def test_without_any_weight_there_is_no_style(statistic):
    features = np.ones((3, 4, 4), dtype=np.float32)
    assert np.isnan(statistic(features, np.zeros((4, 4), np.float32))).all()


@every_statistic
def test_weights_of_another_shape_are_refused(statistic):
    with pytest.raises(
        UsageError, match=r"weights of shape \(4, 3\) do not fit a layer of \(4, 4\) positions"
    ):
        statistic(np.ones((3, 4, 4), np.float32), np.ones((4, 3), np.float32))


def test_position_weights_are_means_of_the_pixels_behind_a_position():
    coverage = np.array([[1, 1, 0, 0.5, 9], [1, 0, 0, 0.5, 9]], dtype=np.float32)
    np.testing.assert_array_equal(position_weights(coverage, (2, 5)), coverage)
    np.testing.assert_array_equal(position_weights(coverage, (1, 2)), np.float32([[0.75, 0.25]]))


@given(rows=st.integers(16, 90), columns=st.integers(16, 90), block=st.integers(0, 4))
def test_position_weights_fit_every_layer_of_every_picture(rows, columns, block):
    y, x = rows, columns
    for _ in range(block):
        y, x = y // 2, x // 2
    weights = position_weights(np.ones((rows, columns), np.float32), (y, x))
    np.testing.assert_array_equal(weights, np.ones((y, x)))
    assert weights.dtype == np.float32


def test_a_layer_of_another_picture_is_refused():
    with pytest.raises(
        UsageError, match=r"layer of \(5, 5\) positions does not belong to coverage of \(64, 64\)"
    ):
        position_weights(np.ones((64, 64), np.float32), (5, 5))

"""Correlations with simpler things, and pictures that show nothing."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from skykin.core.errors import UsageError
from skykin.evaluation.confounders import Confounders, confounders, control_pictures
from skykin.evaluation.ranking import rank_correlation

pairs = st.lists(st.tuples(st.integers(-5, 5), st.floats(-9, 9)), min_size=3, max_size=30)


def test_a_score_that_is_brightness_correlates_fully_with_it() -> None:
    brightness = np.array([1.0, 2.0, 3.0, 10.0])
    found = confounders(brightness**3, brightness, np.array([-40.0, 30, 20, -10]), np.array([1, 0.9, 1, 1]))
    assert found.mean_intensity == pytest.approx(1)
    assert found.abs_latitude == pytest.approx(-1)
    assert found.coverage == pytest.approx(0.2581988897)


@given(pairs)
def test_rank_correlation_is_pearson_of_mean_ranks(sample: list[tuple[int, float]]) -> None:
    first, second = np.array(sample, dtype=float).T
    found = rank_correlation(first, second)
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        assert math.isnan(found)
    else:
        expected = np.corrcoef(rankdata(first), rankdata(second))[0, 1]
        assert found == pytest.approx(expected, abs=1e-12)


@given(pairs, st.randoms(use_true_random=False))
def test_rank_correlation_sees_neither_order_nor_scale(sample: list[tuple[int, float]], random) -> None:
    first, second = np.array(sample, dtype=float).T
    order = list(range(len(sample)))
    random.shuffle(order)
    found = rank_correlation(first, second)
    assert rank_correlation(np.exp(first[order]), second[order]) == pytest.approx(found, nan_ok=True)
    assert rank_correlation(second, first) == pytest.approx(found, nan_ok=True)
    assert rank_correlation(-first, second) == pytest.approx(-found, nan_ok=True)


def test_nan_tiles_are_left_out_of_the_pair_they_spoil() -> None:
    score = np.array([1.0, 2.0, 3.0, np.nan, 4.0])
    found = confounders(
        score, np.array([1.0, 2, 3, -9, np.nan]), np.array([9.0, 5, 3, 1, 0]), np.full(5, np.inf)
    )
    assert found.mean_intensity == pytest.approx(1)
    assert found.abs_latitude == pytest.approx(-1)
    assert math.isnan(found.coverage)


def test_a_constant_has_no_correlation() -> None:
    found = confounders(np.ones(9), np.arange(9.0), np.arange(9.0), np.ones(9))
    assert [math.isnan(value) for value in (found.mean_intensity, found.abs_latitude, found.coverage)] == [
        True
    ] * 3
    assert math.isnan(rank_correlation(np.array([1.0, 2.0]), np.array([1.0, 2.0])))


def test_the_summary_is_valid_json() -> None:
    text = json.dumps(Confounders(0.95, -0.5, math.nan).to_dict(), allow_nan=False)
    assert json.loads(text) == {
        "mean_intensity": 0.95,
        "abs_latitude": -0.5,
        "coverage": None,
        "noise": None,
    }


def test_values_of_different_shape_are_refused() -> None:
    with pytest.raises(UsageError, match=r"values of shape \(3,\) with values of \(4,\)$"):
        rank_correlation(np.ones(3), np.ones(4))


def test_control_pictures_are_what_they_are_called() -> None:
    pictures = control_pictures((64, 48), seed=3)
    assert list(pictures) == ["black", "grey", "white", "colour-noise", "grey-noise"]
    for picture in pictures.values():
        assert picture.rgb.shape == (64, 48, 3)
        assert picture.rgb.dtype == np.float32
        assert picture.covered == 1
        assert picture.footprint is None
        assert picture.rgb.flags.writeable
        assert 0 <= picture.rgb.min() <= picture.rgb.max() <= 1
    for name, level in (("black", 0), ("grey", 0.5), ("white", 1)):
        assert (pictures[name].rgb == level).all()


def test_noise_has_the_statistics_it_claims() -> None:
    pictures = control_pictures((256, 256), seed=3)
    colour, grey = pictures["colour-noise"].rgb, pictures["grey-noise"].rgb
    assert colour.mean() == pytest.approx(0.5, abs=0.005)
    assert colour.std() == pytest.approx(1 / math.sqrt(12), abs=0.005)
    assert abs(np.corrcoef(colour.reshape(-1, 3).T) - np.eye(3)).max() < 0.02
    assert (grey == grey[..., :1]).all()
    assert grey.mean() == pytest.approx(0.5, abs=0.005)
    assert grey.std() == pytest.approx(0.15, abs=0.005)


def test_the_seed_decides_the_noise() -> None:
    first, again, other = (control_pictures((8, 8), seed)["colour-noise"].rgb for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_a_picture_without_pixels_is_refused() -> None:
    with pytest.raises(UsageError, match="^a picture of 0 × 5 pixels shows nothing; use at least 1 × 1$"):
        control_pictures((0, 5), seed=1)

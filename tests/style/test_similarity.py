"""Tests of cosines between styles."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skykin.core.errors import UsageError
from skykin.style.signature import layer_cosines
from skykin.style.similarity import combine, less_unlike

numbers = st.floats(-(2.0**99), 2.0**99, width=32).filter(lambda x: x == 0 or abs(x) > 1e-30)
vectors = arrays(np.float32, 6, elements=numbers)


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    return layer_cosines({"a": a}, {"a": b})["a"]


def test_cosines_written_out():
    a = {"one": np.float32([1, 0]), "two": np.float32([3, 4])}
    b = {"one": np.float32([-2, 0]), "two": np.float32([4, 3])}
    assert layer_cosines(a, b) == pytest.approx({"one": -1.0, "two": 24 / 25})


@given(vectors)
def test_everything_is_its_own_kin(a):
    assume(np.any(a))
    assert abs(_cosine(a, a) - 1) <= 1e-12


@given(vectors, vectors)
def test_likeness_is_mutual_and_lies_between_minus_one_and_one(a, b):
    assume(np.any(a) and np.any(b))
    assert -1 <= _cosine(a, b) <= 1
    assert _cosine(a, b) == _cosine(b, a)


@given(vectors, vectors, st.sampled_from([2**-10, 0.5, 4.0, 2**10]))
def test_only_directions_count(a, b, factor):
    assume(np.any(a) and np.any(b))
    assert _cosine(a * np.float32(factor), b) == pytest.approx(_cosine(a, b), abs=1e-12)
    assert _cosine(-a, b) == pytest.approx(-_cosine(a, b), abs=1e-12)


def test_norms_beyond_single_precision_do_not_overflow():
    a = np.full(131_328, 3e38, dtype=np.float32)
    assert _cosine(a, a) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("bad", [0.0, math.nan, math.inf])
def test_without_a_direction_there_is_no_cosine(bad):
    assert math.isnan(_cosine(np.full(4, bad, np.float32), np.ones(4, np.float32)))
    assert math.isnan(_cosine(np.ones(4, np.float32), np.full(4, bad, np.float32)))


def test_signatures_of_other_layers_cannot_be_compared():
    with pytest.raises(
        UsageError, match="layers b cannot be compared with one of a; measure both with one recipe"
    ):
        layer_cosines({"b": np.ones(3, np.float32)}, {"a": np.ones(3, np.float32)})


def test_scores_are_the_largest_or_the_mean_of_the_layers():
    cosines = [[0.1, 0.5, 0.3], [-1.0, 0.0, -0.5]]
    np.testing.assert_allclose(combine(cosines, "max"), [0.5, 0.0])
    np.testing.assert_allclose(combine(cosines, "mean"), [0.3, -0.5])
    assert combine([0.25, 0.75], "mean") == 0.5


@pytest.mark.parametrize("how", ["max", "mean"])
def test_a_layer_without_cosine_leaves_no_score(how):
    scores = combine([[0.1, math.nan], [0.1, 0.2]], how)
    assert math.isnan(scores[0])
    assert scores[1] > 0


def test_an_unknown_way_to_combine_is_refused():
    with pytest.raises(UsageError, match="cannot be combined by 'median'; choose max or mean"):
        combine([0.1], "median")


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_only_what_is_nearer_to_a_counter_example_loses_as_much_of_its_score(score, unlike):
    found = float(less_unlike(np.array(score), np.array(unlike)))
    assert found == (score if unlike <= score else pytest.approx(score - (unlike - score)))

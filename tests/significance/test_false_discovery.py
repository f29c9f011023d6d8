"""False discovery rates, against an independent implementation and their laws."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import false_discovery_control

from skykin.core.errors import UsageError
from skykin.significance.calibration import q_of_one_more, q_values

p_values = arrays(np.float64, st.integers(1, 30), elements=st.floats(0, 1))


def test_q_values_written_out():
    # Benjamini and Hochberg: 4 × 0.01 / 1, 4 × 0.02 / 2, 4 × 0.04 / 3, 0.5.
    np.testing.assert_allclose(q_values(np.array([0.04, 0.01, 0.5, 0.02])), [0.16 / 3, 0.04, 0.5, 0.04])


@given(p_values)
def test_with_equal_weights_they_are_those_of_benjamini_and_hochberg(p):
    np.testing.assert_allclose(q_values(p), false_discovery_control(p), atol=1e-12)
    np.testing.assert_allclose(q_values(p, np.full(len(p), 0.3)), q_values(p), atol=1e-12)


@given(p_values, st.integers(2, 5))
def test_sampling_the_sky_more_densely_changes_nothing(p, times):
    np.testing.assert_allclose(q_values(np.repeat(p, times))[::times], q_values(p), atol=1e-12)


@given(p_values)
def test_a_tile_of_twice_the_sky_counts_as_two(p):
    weight = np.ones(len(p))
    weight[0] = 2
    np.testing.assert_allclose(q_values(p, weight), q_values(np.append(p, p[0]))[:-1], atol=1e-12)


@given(p_values)
def test_a_smaller_p_never_has_a_larger_q(p):
    q = q_values(p)
    assert (np.diff(q[np.argsort(p, kind="stable")]) >= 0).all()
    assert (q >= p - 1e-15).all()
    assert q.max() <= 1


def test_a_tile_without_p_is_not_tested():
    q = q_values(np.array([0.01, math.nan, 0.2]))
    assert math.isnan(q[1])
    np.testing.assert_allclose(q[[0, 2]], [0.02, 0.2])
    assert np.isnan(q_values(np.full(3, math.nan))).all()


def test_what_is_no_p_value_or_weight_is_refused():
    with pytest.raises(UsageError, match=r"between 0 and 1, but these reach from 0.5 to 1.5"):
        q_values(np.array([0.5, 1.5]))
    with pytest.raises(UsageError, match="some weights are not above 0"):
        q_values(np.array([0.5, 0.1]), np.array([1.0, 0.0]))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_one_tile_more_has_the_q_that_it_has_among_all(seed):
    rng = np.random.default_rng(seed)
    p, weight = rng.integers(0, 20, 30) / 19, rng.choice([0.5, 1.0, 2.0], 30)
    p[rng.random(30) < 0.1] = np.nan
    more, own = rng.integers(0, 25, 8) / 24, rng.choice([0.5, 3.0], 8)
    found = q_of_one_more(p, weight, more, own)
    wanted = [q_values(np.append(p, x), np.append(weight, w))[-1] for x, w in zip(more, own, strict=True)]
    np.testing.assert_allclose(found, wanted, rtol=1e-12)

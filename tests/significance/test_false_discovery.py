"""False discovery rates, against an independent implementation and their laws."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import false_discovery_control

from skykin.core.errors import UsageError
from skykin.significance.false_discovery import q_of_one_more, q_values

p_values = arrays(np.float64, st.integers(1, 30), elements=st.floats(0, 1))


def test_q_values_written_out():
    # Benjamini and Hochberg: 4 × 0.01 / 1, 4 × 0.02 / 2, 4 × 0.04 / 3, 0.5.
    np.testing.assert_allclose(q_values(np.array([0.04, 0.01, 0.5, 0.02])), [0.16 / 3, 0.04, 0.5, 0.04])


@given(p_values)
def test_with_equal_weights_they_are_those_of_benjamini_and_hochberg(p):
    np.testing.assert_allclose(q_values(p), false_discovery_control(p), atol=1e-12)
    np.testing.assert_allclose(q_values(p, p[::-1]), q_values(p)[::-1], atol=1e-12)


@given(p_values, st.integers(2, 5))
def test_to_test_everything_several_times_changes_nothing(p, times):
    np.testing.assert_allclose(q_values(np.repeat(p, times))[::times], q_values(p), atol=1e-12)


def test_what_was_not_tested_has_the_rate_of_a_cut_at_its_own_p_written_out():
    # 4 × 0.015 / 1; 4 × 0.02 / 2, that of the next, is smaller.  Below all of them: as if it were the first.
    p = np.array([0.04, 0.01, 0.5, 0.02])
    np.testing.assert_allclose(q_values(p, np.array([0.015, 0.045, 0.001])), [0.04, 4 * 0.045 / 3, 0.004])


@given(p_values, p_values)
def test_more_that_are_asked_after_change_no_other(p, at):
    np.testing.assert_allclose(q_values(p, np.append(p, at))[: len(p)], q_values(p), atol=1e-12)
    q = q_values(p, at)
    assert (np.diff(q[np.argsort(at, kind="stable")]) >= 0).all()


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


def test_what_is_no_p_value_is_refused():
    with pytest.raises(UsageError, match=r"between 0 and 1, but these reach from 0.5 to 1.5"):
        q_values(np.array([0.5, 1.5]))
    with pytest.raises(UsageError, match=r"between 0 and 1, but these reach from -0.1 to 0.1"):
        q_values(np.array([0.5]), np.array([0.1, -0.1]))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_one_more_has_the_q_that_it_has_among_all(seed):
    rng = np.random.default_rng(seed)
    p = rng.integers(0, 20, 30) / 19
    p[rng.random(30) < 0.1] = np.nan
    more = rng.integers(0, 25, 8) / 24
    found = q_of_one_more(p, more)
    wanted = [q_values(np.append(p, x))[-1] for x in more]
    np.testing.assert_allclose(found, wanted, rtol=1e-12)

"""Intervals of counted shares."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skykin.evaluation.share import share_interval


def test_the_interval_of_a_share_is_wilsons():
    # Newcombe 1998, Statistics in Medicine 17, 857, table I, row 3: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
    cases = {
        (81, 263): (0.2553, 0.3662),
        (15, 148): (0.0624, 0.1605),
        (0, 20): (0, 0.1611),
        (1, 29): (0.0061, 0.1718),
    }
    for (found, number), expected in cases.items():
        assert share_interval(found, number) == pytest.approx(expected, abs=5e-5)
    assert np.isnan(share_interval(0, 0)).all()


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_share_lies_in_its_interval_and_the_interval_in_0_to_1(counted):
    found, number = counted
    low, high = share_interval(found, number)
    assert 0 <= low <= found / number + 1e-12
    assert found / number - 1e-12 <= high <= 1

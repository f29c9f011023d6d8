"""Tests of samples of numbered things."""

from hypothesis import given
from hypothesis import strategies as st

from skykin.core.sampling import evenly, windows


def test_a_sample_is_spread_from_the_first_to_the_last():
    assert evenly(101, 5).tolist() == [0, 25, 50, 75, 100]
    assert evenly(3, 5).tolist() == [0, 1, 2]
    assert evenly(0, 5).tolist() == []
    assert evenly(9, 0).tolist() == []


@given(total=st.integers(1, 3000), wanted=st.integers(2, 400))
def test_a_sample_has_as_many_as_are_wanted_and_even_steps(total, wanted):
    found = evenly(total, wanted)
    assert len(found) == min(total, wanted)
    steps = found[1:] - found[:-1]
    assert steps.size == 0 or steps.max() - steps.min() <= 1
    assert (found[0], found[-1]) == (0, total - 1)


def test_windows_reach_from_the_first_item_to_the_last():
    assert windows(100, 10, 3) == [range(10), range(45, 55), range(90, 100)]
    assert windows(11, 10, 3) == [range(10), range(1, 11)]
    assert windows(4, 10, 3) == [range(4)]

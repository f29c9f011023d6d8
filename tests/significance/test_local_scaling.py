"""Cosines scaled by how much of a hub each side is."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skykin.core.errors import UsageError
from skykin.significance.local_scaling import csls, hubness

cosines = arrays(np.float64, (6, 15), elements=st.floats(-1, 1))


def test_hubness_is_the_mean_of_the_largest_cosines_written_out():
    values = np.array([[0.1, 0.9, 0.5, -1.0], [0.2, math.nan, 0.4, math.nan], [math.nan] * 4])
    np.testing.assert_allclose(hubness(values, 2), [0.7, 0.3, math.nan])
    np.testing.assert_allclose(hubness(values), [0.125, 0.3, math.nan])
    with pytest.raises(UsageError, match="a mean over 1 neighbour or more, not 0"):
        hubness(values, 0)


@given(cosines, st.integers(1, 20))
def test_hubness_lies_between_mean_and_maximum_and_forgets_the_order(values, neighbours):
    found = hubness(values, neighbours)
    assert (found <= values.max(axis=1) + 1e-12).all()
    assert (found >= values.mean(axis=1) - 1e-12).all()
    np.testing.assert_allclose(hubness(values[:, ::-1], neighbours), found, atol=1e-12)


def test_of_two_tiles_as_alike_the_one_that_is_like_everything_loses():
    scaled = csls(np.array([0.8, 0.8]), np.array([0.7, 0.1]), 0.2)
    np.testing.assert_allclose(scaled, [0.7, 1.3])


def test_local_scaling_undoes_a_hub_of_random_directions():
    rng = np.random.default_rng(0)
    tiles, anchors = rng.normal(size=(400, 8)), rng.normal(size=(60, 8))
    shared = np.zeros(8)
    shared[0] = 3
    tiles[:200] += shared  # half of the sky is like each other and like the reference
    reference = rng.normal(size=8) + shared
    anchors[:30] += shared

    def cosine(a, b):
        return a @ b.T / np.linalg.norm(a, axis=-1)[:, None] / np.linalg.norm(b, axis=-1)

    plain = cosine(tiles, reference[None])[:, 0]
    scaled = csls(plain, hubness(cosine(tiles, anchors)), float(hubness(cosine(reference[None], anchors))[0]))
    gap = [(each[:200].mean() - each[200:].mean()) / each.std() for each in (plain, scaled)]
    assert gap[1] < gap[0] / 1.1

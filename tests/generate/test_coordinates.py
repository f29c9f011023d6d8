"""Tests of the coordinates in which an optimiser takes its steps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skykin.generate.coordinates import WAVES_ACROSS, Pixels, Waves

sides = st.integers(16, 33)


def noise(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def picture(rows, columns):
    return noise(rows, columns, 3, seed=1).clip(0, 1).astype(np.float32)


@given(sides, sides)
def test_coordinates_lead_back_to_the_picture(rows, columns):
    reference = picture(rows, columns)
    for place in (Waves.like(reference), Pixels()):
        assert np.allclose(place.picture(place.coordinates(reference)), reference, atol=1e-9)


@given(sides, sides)
def test_the_slope_by_coordinates_is_that_of_a_loss_of_the_colours(rows, columns):
    """For a loss Σ b·I, which changes by b with each colour."""
    waves = Waves.like(picture(rows, columns))
    by_colour, step = noise(rows, columns, 3, seed=2), noise(rows, columns, 3, seed=3)
    grows = (by_colour * (waves.picture(step) - waves.picture(0 * step))).sum()
    assert (waves.slope(by_colour) * step).sum() == pytest.approx(grows)


def test_long_waves_change_more_readily_than_short_ones_but_not_the_longest():
    waves = Waves.like(picture(64, 64))
    across = np.arange(64) / 64

    def height(count):
        wave = np.repeat(np.cos(2 * np.pi * count * across)[None, :, None], 64, axis=0) * np.ones(3)
        return waves.picture(wave)[..., 0].std()

    assert height(WAVES_ACROSS) / height(4 * WAVES_ACROSS) == pytest.approx(4)
    assert height(1) == pytest.approx(height(WAVES_ACROSS))


def test_colours_change_together_as_those_of_the_reference():
    reference = np.full((16, 16, 3), 0.5, np.float32)
    reference[..., 0] += 0.3 * noise(16, 16).astype(np.float32).clip(-1, 1)
    reference[..., 1] = reference[..., 0]
    change = Waves.like(reference).slope(noise(16, 16, 3, seed=4))
    assert np.corrcoef(change[..., 0].ravel(), change[..., 1].ravel())[0, 1] > 0.99
    assert change[..., 2].std() < 0.02 * change[..., 0].std()

"""Values that no detector measured are left out, whatever the unit of the others."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skykin.survey.healpix.checks import mask_unseen
from skykin.survey.open import open_survey
from skykin.survey.plausible import FARTHEST, plausible_range
from tests.hostile.fits_files import header, picture
from tests.survey.test_sky_image import ORION, write

NOISE = np.random.default_rng(0).normal(5, 1, 5000)


@given(st.integers(-30, 30))
def test_the_range_scales_with_the_data(power):
    low, high = plausible_range(NOISE * 10.0**power)
    assert low == pytest.approx(plausible_range(NOISE)[0] * 10.0**power)
    assert high == pytest.approx(plausible_range(NOISE)[1] * 10.0**power)


def test_a_bright_star_is_within_and_a_hot_pixel_beyond():
    low, high = plausible_range(np.append(NOISE, [3e6, 1e30, np.nan, np.inf]))
    assert -1e30 < low < -3e6 < 3e6 < high < 1e30


def test_a_sky_that_is_mostly_of_one_value_has_the_range_of_the_others():
    values = np.zeros(1000)
    values[:5] = [1, 2, 3, 4, 1e30]
    assert plausible_range(values) == (-3 * FARTHEST, 3 * FARTHEST)


@pytest.mark.parametrize("values", [[], [np.nan], [7.0, 7.0, np.inf]])
def test_without_a_spread_there_is_no_limit(values):
    assert plausible_range(np.array(values)) == (-math.inf, math.inf)


@pytest.mark.parametrize("fault", [1e30, -1e30, 1e20, np.inf])
def test_a_hot_pixel_of_an_image_is_blank(tmp_path, fault):
    data = picture()
    whole = open_survey(write(tmp_path / "a.fits", header(), data)).sample(*ORION)
    data[30, 30] = fault
    values, coverage = open_survey(write(tmp_path / "b.fits", header(), data)).sample(*ORION)
    assert coverage.min() < 1
    assert np.abs(values).max() <= 1.01 * np.abs(whole[0]).max()


@pytest.mark.parametrize("scale", [1.0, 1e-25, 1e30])
def test_unseen_pixels_of_a_map_are_blank_and_large_values_are_not(scale):
    values = (np.random.default_rng(1).normal(0, 2, 3000) * scale).astype(np.float32)
    values[:2000] = np.float32(-1.6375e30)
    masked = values.copy()
    mask_unseen(masked, None)
    np.testing.assert_array_equal(np.isnan(masked), np.arange(3000) < 2000)

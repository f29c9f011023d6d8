"""Surveys changed on purpose."""

import numpy as np
import pytest

from skykin.core.footprint import Footprint
from skykin.core.protocols import Survey
from skykin.survey.derived.altered import AlteredSurvey, Patch
from tests.skies import blob_survey

SURVEY = blob_survey(nside=16)
LON, LAT = np.array([209.0, 80.0, 0.0, 359.9]), np.array([-19.0, 0.0, 5.0, 80.0])


def test_values_are_multiplied_and_coverage_stays():
    values, coverage = SURVEY.sample(LON, LAT)
    again, same = AlteredSurvey(SURVEY, factor=2.0).sample(LON, LAT)
    np.testing.assert_allclose(again, 2 * values)
    np.testing.assert_array_equal(same, coverage)
    assert isinstance(AlteredSurvey(SURVEY), Survey)
    assert AlteredSurvey(SURVEY, factor=2.0).to_dict()["altered"]["factor"] == 2.0


def test_the_turned_sky_is_the_same_sky_elsewhere():
    turned = AlteredSurvey(SURVEY, turn_deg=30.0)
    np.testing.assert_allclose(turned.sample((LON + 30) % 360, LAT)[0], SURVEY.sample(LON, LAT)[0], rtol=1e-5)


@pytest.mark.parametrize("turn_deg", [0.0, 90.0, 200.0])
@pytest.mark.parametrize("lat_deg", [0.0, 70.0])
def test_a_patch_lies_where_its_footprint_says(turn_deg, lat_deg):
    footprint = Footprint(350.0, lat_deg, 20.0, turn_deg=turn_deg)
    values = np.random.default_rng(0).random((24, 24, 3)).astype(np.float32)
    lon, lat = footprint.pixel_positions((24, 24))
    np.testing.assert_allclose(Patch(footprint, values).at(lon, lat)[0], values, atol=1e-4)


def test_a_patch_adds_nothing_outside_nor_on_the_other_side_of_the_sky():
    patch = Patch(Footprint(100.0, 20.0, 10.0), np.ones((8, 8, 3), np.float32))
    lon, lat = np.array([100.0, 100.0, 112.0, 280.0]), np.array([20.0, 26.0, 20.0, -20.0])
    np.testing.assert_array_equal(patch.at(lon, lat)[0][:, 0], [1, 0, 0, 0])
    altered = AlteredSurvey(SURVEY, patch=patch)
    gain = altered.sample(lon, lat)[0] - SURVEY.sample(lon, lat)[0]
    np.testing.assert_allclose(gain[:, 1], [1, 0, 0, 0], atol=1e-5)


def test_what_a_patch_hides_is_not_seen():
    hidden = np.zeros((8, 8), dtype=bool)
    hidden[:, 4:] = True  # the right half, where longitudes are smaller
    patch = Patch(Footprint(100.0, 20.0, 10.0), np.ones((8, 8, 3), np.float32), hidden)
    lon, lat = np.array([102.0, 98.0, 60.0]), np.array([20.0, 20.0, 20.0])
    _, before = SURVEY.sample(lon, lat)
    values, coverage = AlteredSurvey(SURVEY, patch=patch).sample(lon, lat)
    np.testing.assert_array_equal(coverage, before * [1, 0, 1])
    assert np.isfinite(values).all()

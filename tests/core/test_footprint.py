"""Footprints: where a tile lies."""

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from hypothesis import given
from hypothesis import strategies as st

from skykin.core.errors import UsageError
from skykin.core.footprint import Footprint, pixel_positions_of

footprints = st.builds(
    Footprint,
    lon_deg=st.floats(-360, 720),
    lat_deg=st.floats(-90, 90),
    width_deg=st.floats(0.1, 60),
    height_deg=st.floats(0.1, 60),
)


@given(footprints, st.integers(1, 9), st.integers(1, 9))
def test_pixel_positions_are_those_of_the_wcs(footprint, rows, columns):
    lon, lat = footprint.pixel_positions((rows, columns))
    x, y = np.meshgrid(np.arange(columns), np.arange(rows))
    expected_lon, expected_lat = footprint.wcs((rows, columns)).all_pix2world(x, y, 0)
    here = SkyCoord(lon * u.deg, lat * u.deg)
    there = SkyCoord(expected_lon * u.deg, expected_lat * u.deg)
    assert here.separation(there).deg.max() < 1e-9


def test_positions_of_many_footprints_are_those_of_each():
    tangent = [Footprint(210.0, -19.0, 15.0), Footprint(0.1, 89.0, 4.0, 2.0, turn_deg=33.0)]
    for footprints in (tangent, [*tangent, Footprint(10.0, 85.0, 30.0, 20.0, "CAR")]):
        lon, lat = pixel_positions_of(footprints, (3, 4))
        for place, footprint in enumerate(footprints):
            np.testing.assert_array_equal((lon[place], lat[place]), footprint.pixel_positions((3, 4)))
    assert pixel_positions_of([], (3, 4))[0].shape == (0, 3, 4)


def test_north_is_up_and_longitude_grows_to_the_left():
    lon, lat = Footprint(209, -19, 15).pixel_positions((3, 3))
    assert lat[0, 1] > lat[1, 1] > lat[2, 1]
    assert lon[1, 0] > lon[1, 1] > lon[1, 2]
    assert (lon[1, 1], lat[1, 1]) == pytest.approx((209, -19))


def test_a_tile_on_the_seam_continues_over_longitude_zero():
    lon, _ = Footprint(0, 0, 4).pixel_positions((1, 4))
    np.testing.assert_allclose(lon[0], [1.5, 0.5, 359.5, 358.5], atol=2e-3)


def test_a_tile_on_the_pole_sees_all_longitudes():
    lon, lat = Footprint(0, 90, 10).pixel_positions((3, 3))
    assert lat[1, 1] == pytest.approx(90)
    np.testing.assert_allclose(
        np.sort(lon.ravel()[[0, 1, 2, 3, 5, 6, 7, 8]]), np.arange(0, 360, 45), atol=1e-9
    )


def test_a_plate_carree_rectangle_beyond_the_pole_goes_on_on_the_other_side():
    lon, lat = Footprint(10, 85, 20, 20, "CAR").pixel_positions((4, 1))
    np.testing.assert_allclose(lat[:, 0], [87.5, 87.5, 82.5, 77.5])
    np.testing.assert_allclose(lon[:, 0], [190, 10, 10, 10])


@given(footprints)
def test_a_footprint_contains_its_own_pixels_and_not_what_lies_beyond(footprint):
    lon, lat = footprint.pixel_positions((5, 5))
    assert footprint.contains(SkyCoord(lon * u.deg, lat * u.deg, frame="galactic")).all()
    wider = Footprint(
        footprint.lon_deg, footprint.lat_deg, footprint.width_deg * 1.01, footprint.height_deg * 1.01
    )
    assert not footprint.contains(wider.outline(8)).any()


def test_the_outline_runs_counter_clockwise_from_the_top_right():
    corners = Footprint(100, 0, 10).outline()
    np.testing.assert_allclose(corners.l.deg, [95, 105, 105, 95])
    assert (corners.b.deg > 0).tolist() == [True, True, False, False]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((0, 91, 5), "latitude 91° is beyond the pole; use −90° to 90°"),
        ((float("nan"), 0, 5), "needs finite numbers, but lon_deg is nan"),
        ((0, 0, 0), "has no area; use sides above 0°"),
        ((0, 0, 120), "does not fit on the sky; use at most 90° × 90°"),
        ((0, 0, 400, 5, "CAR"), "does not fit on the sky; use at most 360° × 180°"),
    ],
)
def test_an_impossible_footprint_is_refused_in_one_sentence(arguments, sentence):
    with pytest.raises(UsageError, match=sentence):
        Footprint(*arguments)

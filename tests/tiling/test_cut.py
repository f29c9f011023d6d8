"""Pictures cut out of the sky."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skykin.core.footprint import Footprint
from skykin.core.picture import Picture
from skykin.tiling.grid import cut


class SmoothSky:
    """Colours by formula; turning it in longitude is exact."""

    def __init__(self, turned_deg=0.0):
        self.turned_deg = turned_deg

    def colours(self, lon_deg, lat_deg):
        lon, lat = np.radians(lon_deg - self.turned_deg), np.radians(lat_deg)
        x, y, z = np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)
        rgb = 0.5 + 0.5 * np.stack([np.sin(9 * x), np.cos(7 * y * z), x * z], axis=-1)
        return rgb.astype(np.float32), np.ones(lon.shape, np.float32)


@given(
    st.floats(0, 360),
    st.floats(-90, 90),
    st.floats(-400, 400),
    st.sampled_from(["TAN", "CAR"]),
)
def test_a_tile_does_not_change_when_sky_and_tile_turn_together(lon, lat, turn, projection):
    here = cut(SmoothSky(), Footprint(lon, lat, 15, 15, projection), 16)
    there = cut(SmoothSky(turn), Footprint(lon + turn, lat, 15, 15, projection), 16)
    np.testing.assert_allclose(there.rgb, here.rgb, atol=1e-6)


def test_rows_follow_the_sides_of_the_footprint():
    assert cut(SmoothSky(), Footprint(0, 0, 20, 10), 64).rgb.shape == (32, 64, 3)


def test_coverage_and_brightness_count_what_is_covered():
    rgb = np.zeros((2, 2, 3), np.float32)
    rgb[0] = 1
    picture = Picture(rgb, np.array([[1, 0], [1, 0]], np.float32))
    assert picture.covered == 0.5
    assert picture.brightness == 0.5
    assert np.isnan(Picture(rgb, np.zeros((2, 2), np.float32)).brightness)


def test_a_picture_refuses_coverage_of_another_shape():
    with pytest.raises(ValueError, match=r"shape \(2, 2, 3\) cannot have coverage of \(3, 2\)"):
        Picture(np.zeros((2, 2, 3), np.float32), np.zeros((3, 2), np.float32))

"""Settings of a map."""

import pytest
from astropy import units as u

from skykin.core.errors import UsageError
from skykin.core.settings import MapSettings


def test_without_a_recipe_tiles_are_fifteen_degrees_at_a_quarter_spacing():
    settings = MapSettings()
    assert (settings.tile_size_deg, settings.spacing_deg, settings.side_pixels) == (15, 3.75, 128)
    assert settings.workers >= 1


def test_angles_may_carry_their_unit():
    settings = MapSettings(tile_size=600 * u.arcmin, spacing=0.05 * u.rad)
    assert settings.tile_size_deg == pytest.approx(10)
    assert settings.spacing_deg == pytest.approx(2.8647889757)


def test_a_box_may_be_text():
    assert MapSettings(area="180,240,-40,10").area.lon_max_deg == 240


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        (
            {"tile_size": 0},
            "tile_size is '0.0', but it must be above 0° and at most 90°; the default is chosen for you",
        ),
        ({"tile_size": "wide"}, "tile_size is 'wide', but it must be an angle such as 15"),
        ({"tile_size": 3 * u.m}, "tile_size is '3.0 m', but it must be an angle"),
        ({"tile_size": float("nan")}, "tile_size is 'nan', but it must be a finite angle"),
        (
            {"spacing": 20},
            "spacing is '20.0', but it must be above 0° and at most the tile size; the default is chosen",
        ),
        (
            {"pixels": 8},
            "pixels is '8', but it must be a whole number from 32 to 2048; the default is chosen",
        ),
        (
            {"min_coverage": 0},
            "min_coverage is '0', but it must be above 0 and at most 1; the default is 0.5",
        ),
        ({"jobs": -5}, "jobs is '-5', but it must be a whole number from 1 to 1024; the default is chosen"),
        (
            {"stretch": "sqrt"},
            "stretch is 'sqrt', but it must be linear, asinh, log or symmetric; the default is asinh",
        ),
        ({"grid": "mercator"}, "grid is 'mercator', but it must be healpix or plate-carree"),
        ({"threshold": 2.0}, "threshold is '2.0', but it must be a cosine from −1 to 1"),
        ({"top_fraction": 1.5}, "top_fraction is '1.5', but it must be a share of the sky between 0 and 1"),
        ({"threshold": 0.9, "top_fraction": 0.1}, "threshold=0.9 and top_fraction=0.1 contradict each other"),
    ],
)
def test_a_setting_out_of_range_says_its_range_and_default(setting, sentence):
    with pytest.raises(UsageError, match=sentence):
        MapSettings(**setting)

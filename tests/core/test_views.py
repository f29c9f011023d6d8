"""Views of a reference: which there are, and what each shows."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skykin.core.errors import UsageError
from skykin.core.footprint import Footprint
from skykin.core.picture import Picture
from skykin.core.views import AS_IT_IS, MANY_VIEWS, ONE_VIEW, View, Views
from skykin.jobs.examples import cut_in_context, cut_in_view, viewed
from skykin.style.recipe import recipe

WHERE = Footprint(209.0, -19.0, 6.0)


class Slope:
    """A sky whose colours are Galactic positions about a place: no pixel is like another."""

    def colours(self, lon_deg, lat_deg):
        lon, lat = np.broadcast_arrays(lon_deg, lat_deg)
        east = (lon - 209 + 180) % 360 - 180
        rgb = 0.5 + np.stack([east / 60, (lat + 19) / 60, east * (lat + 19) / 900], axis=-1)
        return rgb.astype(np.float32), np.ones(lon.shape, np.float32)


def test_a_reference_is_looked_at_in_eight_turns_and_three_scales():
    found = MANY_VIEWS.each
    assert len(found) == len(set(found)) == 24
    assert found[0] == AS_IT_IS
    assert {each.angle_deg for each in found} == {0, 45, 90, 135, 180, 225, 270, 315}
    assert {round(each.scale, 3) for each in found} == {0.667, 1.0, 1.5}
    assert MANY_VIEWS.words == "8 turns × 3 scales (0.67, 1, 1.5)"


def test_recipes_that_compare_places_have_views_and_the_poster_has_one():
    assert recipe("core-contrast").views == MANY_VIEWS
    for name in ("poster", "covariance", "mean-std"):
        assert recipe(name).views == ONE_VIEW
        assert recipe(name).views.each == (AS_IT_IS,)
    assert not ONE_VIEW.several
    assert Views(scales=1.5).several


def test_what_is_not_given_is_the_recipes_own():
    asked = Views(turns=4, mirror=True).over(MANY_VIEWS)
    assert (asked.turns, asked.mirror, asked.scales, asked.by) == (4, True, (2 / 3, 1.0, 1.5), "max")
    assert len(asked.each) == 24
    assert "2 (mirrored)" in asked.words


def test_scales_are_read_from_text_and_each_counts_once():
    assert Views(scales="2/3, 1,3/2,1.0").scales == (2 / 3, 1.0, 1.5)
    assert Views(scales=2).scales == (2.0,)
    assert Views(scales=np.array([0.5, 1.0])).scales == (0.5, 1.0)


@given(
    st.builds(
        Views,
        turns=st.sampled_from([None, 1, 4, 8, 16]),
        mirror=st.sampled_from([None, True, False]),
        scales=st.none() | st.lists(st.floats(0.25, 4), min_size=1, max_size=8),
        views=st.sampled_from([None, "max", "mean"]),
    )
)
def test_views_become_plain_values_and_back(views):
    assert Views.from_dict(json.loads(json.dumps(views.to_dict()))) == views


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"turns": 7}, "turns is '7', but it must be 1, 4, 8 or 16; the default is the recipe's own"),
        ({"scales": 0}, "scales is '0', but it must be one to 8 numbers from 0.25 to 4, such as 2/3,1,3/2"),
        ({"scales": "1,100"}, "scales is '1,100', but it must be one to 8 numbers from 0.25 to 4"),
        ({"scales": "1/0"}, "scales is '1/0', but it must be one to 8"),
        ({"scales": "nan"}, "scales is 'nan', but it must be one to 8"),
        ({"scales": [1 + i / 10 for i in range(9)]}, "but it must be one to 8 numbers"),
        ({"mirror": 1}, "mirror is '1', but it must be True or False"),
        ({"views": "min"}, "views is 'min', but it must be max or mean"),
    ],
)
def test_what_no_view_can_be_is_refused_in_one_sentence(wrong, told):
    with pytest.raises(UsageError) as error:
        Views(**wrong)
    assert told in str(error.value)
    assert str(error.value).count(". ") == 0


# What a view shows


@pytest.mark.parametrize("halo", [0, 8])
@pytest.mark.parametrize("quarter", [1, 2, 3])
def test_a_view_turned_by_a_quarter_is_the_picture_turned_counter_clockwise(quarter, halo):
    plain = cut_in_context(Slope(), WHERE, 32, halo)
    turned = cut_in_context(Slope(), WHERE, 32, halo, View(90.0 * quarter))
    np.testing.assert_allclose(turned.rgb, np.rot90(plain.rgb, quarter), atol=1e-5)
    mirrored = cut_in_context(Slope(), WHERE, 32, halo, View(90.0 * quarter, mirrored=True))
    np.testing.assert_allclose(mirrored.rgb, np.rot90(plain.rgb[:, ::-1], quarter), atol=1e-5)


def test_north_turned_by_30_degrees_points_through_growing_longitude():
    plain = cut_in_context(Slope(), WHERE, 33, 0).rgb[0, 16]
    turned = cut_in_context(Slope(), WHERE, 33, 0, View(30.0)).rgb
    up, left = 16 * np.cos(np.radians(30)), 16 * np.sin(np.radians(30))
    row, column = 16 - round(up), 16 - round(left)
    np.testing.assert_allclose(turned[row, column], plain, atol=4e-3)


def test_a_view_half_as_large_shows_twice_as_much_sky():
    small = cut_in_context(Slope(), WHERE, 32, 0, View(scale=0.5))
    wide = cut_in_context(Slope(), Footprint(209.0, -19.0, 12.0), 32, 0)
    np.testing.assert_allclose(small.rgb, wide.rgb, atol=1e-6)
    assert View(scale=0.5).seen(WHERE).width_deg == 12.0


@settings(max_examples=20, deadline=None)
@given(st.floats(0, 360), st.floats(0.5, 2), st.booleans())
def test_a_tile_alone_is_seen_in_a_view_as_in_context(angle, scale, mirrored):
    view = View(angle, scale, mirrored)
    alone = cut_in_view(Slope(), WHERE, 16, view)
    context = cut_in_context(Slope(), WHERE, 16, 0, view)
    # Gnomonic and stereographic pictures differ by less than a part in a thousand.
    np.testing.assert_allclose(alone.rgb, context.rgb, atol=2e-3)


def test_a_picture_is_turned_and_scaled_about_its_middle():
    rgb = np.random.default_rng(1).random((24, 24, 3)).astype(np.float32)
    picture = Picture(rgb, np.ones((24, 24), np.float32))
    assert viewed(picture, AS_IT_IS) is picture
    np.testing.assert_allclose(viewed(picture, View(90.0)).rgb, np.rot90(rgb), atol=1e-5)
    np.testing.assert_allclose(viewed(picture, View(mirrored=True)).rgb, rgb[:, ::-1], atol=1e-5)
    small = viewed(picture, View(scale=0.5))
    assert small.coverage.shape == (24, 24)
    assert small.coverage[6:18, 6:18].min() == 1
    assert small.coverage[:5].max() == 0
    np.testing.assert_allclose(small.rgb[6:18, 6:18].mean(axis=(0, 1)), rgb.mean(axis=(0, 1)), atol=0.01)


def test_a_plate_carree_tile_cannot_be_turned():
    tile = Footprint(10.0, 0.0, 6.0, projection="CAR")
    assert View(scale=2).seen(tile).width_deg == 3.0
    with pytest.raises(
        UsageError, match="a tile of a plate carrée cannot be turned; use --turns 1, or anoth"
    ):
        View(45.0).seen(tile)

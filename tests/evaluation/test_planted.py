"""Images with objects of known kinds in them."""

import numpy as np
import pytest

from skykin.core.errors import UsageError
from skykin.evaluation.planted import (
    EASY,
    HARD,
    PIXEL_DEG,
    SHAPES,
    average_precision,
    cloud,
    planted,
    precision_at,
)

SMALL = {"ring": 2, "filaments": 1, "grains": 1}


def test_an_image_holds_as_many_objects_of_each_kind_as_requested():
    made = planted(SMALL, 3, cells=3)
    assert made.image.shape == (768, 768)
    assert [len(made.rows(kind)) for kind in ("ring", "filaments", "grains", "empty")] == [2, 1, 1, 5]


def test_the_same_seed_gives_the_same_image_and_another_seed_another():
    first, same, other = (planted(SMALL, seed, cells=2).image for seed in (3, 3, 4))
    assert np.array_equal(first, same)
    assert not np.allclose(first, other)


def test_the_easy_and_the_hard_image_have_64_cells():
    assert sum(EASY.values()) == 48
    assert sum(HARD.values()) == 62


@pytest.mark.parametrize("kind", SHAPES)
def test_objects_of_all_kinds_have_the_same_flux_for_their_size(kind):
    bare, made = (planted(counts, 5, noise=0, sizes=(1.0,), cells=2) for counts in ({}, {kind: 1}))
    # The background is drawn first, so it is the same.
    light = made.image.astype(float) - bare.image
    x, y = (round(float(made.objects[name][0])) for name in ("x", "y"))
    assert light.sum() == pytest.approx(3009.5, rel=1e-3)
    assert light[y - 70 : y + 70, x - 70 : x + 70].sum() == pytest.approx(3009.5, rel=0.05)


def test_dark_objects_take_away_what_bright_ones_add():
    bare, bright, dark = (
        planted(counts, 5, noise=0, cells=2, dark=dark).image.astype(float)
        for counts, dark in (({}, False), ({"ring": 1}, False), ({"ring": 1}, True))
    )
    np.testing.assert_allclose(bright - bare, bare - dark, atol=1e-4)


def test_sizes_are_drawn_among_three_and_between_two():
    three = planted(HARD, 1, sizes=(2 / 3, 1.0, 1.5))
    assert set(np.round(three.objects["size"], 3)) == {0.667, 1.0, 1.5}
    two = planted(SMALL, 1, sizes=(0.7, 1.5), cells=2)
    assert two.objects["size"].min() >= 0.7
    assert len(set(two.objects["size"])) == 4


def test_objects_that_are_not_turned_stand_alike():
    assert set(planted(SMALL, 1, turned=False, cells=2).objects["angle_deg"]) == {np.degrees(0.3)}


def test_an_object_lies_on_the_sky_where_its_pixels_lie():
    made = planted(SMALL, 3, cells=2)
    x, y = made.pixels(*made.sky())
    np.testing.assert_allclose(x, made.objects["x"], atol=1e-6)
    np.testing.assert_allclose(y, made.objects["y"], atol=1e-6)
    middle = made.wcs.wcs_pix2world(255.5, 255.5, 0)
    np.testing.assert_allclose(middle, (120, 0), atol=1e-9)
    assert PIXEL_DEG == 0.001953125


def test_a_tile_shows_the_object_near_its_centre_and_an_object_takes_its_best_tile():
    made = planted(SMALL, 3, cells=2)
    x, y = (np.asarray(made.objects[name], dtype=float) for name in ("x", "y"))
    tiles_x, tiles_y = np.array([x[0], x[0] + 38, x[0] + 42]), np.array([y[0], y[0] - 38, y[0]])
    assert made.shown(tiles_x, tiles_y).tolist() == [0, 0, -1]
    found = made.scored(tiles_x, tiles_y, np.array([[0.2, np.nan], [0.5, 0.1], [0.9, 0.9]]))
    assert found.tolist() == [[0.5, 0.1], *[[-np.inf, -np.inf]] * 3]


def test_precision_is_counted_among_the_best():
    score, good = np.array([0.9, 0.1, 0.8, 0.7]), np.array([True, True, False, True])
    assert precision_at(score, good, 2) == 0.5
    assert average_precision(score, good) == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)


def test_the_power_of_a_cloud_falls_as_its_slope():
    field = cloud(128, 3.0, np.random.default_rng(0))
    assert (field.mean(), field.std()) == pytest.approx((0, 1), abs=1e-9)
    power = np.abs(np.fft.fft2(field)) ** 2
    wave = np.hypot(*np.meshgrid(np.fft.fftfreq(128), np.fft.fftfreq(128)))
    some = (wave > 0.03) & (wave < 0.4)
    assert np.polyfit(np.log(wave[some]), np.log(power[some]), 1)[0] == pytest.approx(-3, abs=0.1)


def test_an_unknown_kind_and_too_many_objects_are_refused():
    with pytest.raises(
        UsageError, match="no kind of planted object is called 'galaxy'; there are ring, half"
    ):
        planted({"galaxy": 1}, 0)
    with pytest.raises(UsageError, match="5 objects do not fit into 4 cells; plant fewer"):
        planted({"ring": 5}, 0, cells=2)

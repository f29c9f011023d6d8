"""Pointings of a telescope, and the map made of them."""

import time

import numpy as np
import pytest
from astropy import units as u
from astropy_healpix import HEALPix
from hypothesis import given, settings
from hypothesis import strategies as st

from skykin.core.errors import DataQualityError, SkyError, TooLargeError
from skykin.core.extent import ALL_SKY
from skykin.core.provenance import Source
from skykin.survey.base import About
from skykin.survey.table.gridded import GriddedPointings
from skykin.survey.table.pointings import Pointings, grid_pointings

ABOUT = About("toy", "Toy survey", "R", ("red", "green", "blue"), Source("toy.fits", "0" * 64), ("nobody",))
BEAM_DEG = 8.0


def whole_sky(seed=0, count=1500):
    """Random pointings, on average 5° apart."""
    random = np.random.default_rng(seed)
    return Pointings(
        random.uniform(0, 360, count),
        np.degrees(np.arcsin(random.uniform(-1, 1, count))),
        random.normal(1, 1, (count, 3)),
        random.choice([0.0, 0.7, 1.0], (count, 3), p=[0.1, 0.1, 0.8]),
        BEAM_DEG,
    )


def distance_deg(lon, lat, pointings):
    """Independent of the code's chords: the haversine formula."""
    lon1, lat1, lon2, lat2 = map(np.radians, (lon, lat, pointings.lon_deg, pointings.lat_deg))
    h = np.sin((lat1 - lat2) / 2) ** 2 + np.cos(lat1) * np.cos(lat2) * np.sin((lon1 - lon2) / 2) ** 2
    return np.degrees(2 * np.arcsin(np.sqrt(h)))


def test_every_pixel_is_the_kernel_average_of_a_direct_sum():
    pointings = whole_sky()
    survey = grid_pointings(pointings, ABOUT)
    assert survey.nside == 32
    grid = HEALPix(32, order="ring")
    for pixel in np.random.default_rng(1).choice(grid.npix, 200, replace=False):
        lon, lat = grid.healpix_to_lonlat(pixel)
        d = distance_deg(lon.deg, lat.deg, pointings)
        k = np.where(d <= 1.5 * BEAM_DEG, np.exp(-4 * np.log(2) * (d / BEAM_DEG) ** 2), 0)
        total = k @ pointings.weight
        share = total / k.sum()
        if (share < 0.5).any():
            assert survey.coverage[pixel] == 0
        else:
            expected = (k @ (pointings.weight * pointings.values)) / total
            np.testing.assert_allclose(survey.values[pixel], expected, rtol=1e-5)
            assert survey.coverage[pixel] == pytest.approx(share.min(), rel=1e-5)


def test_the_order_of_rows_changes_no_bit():
    pointings = whole_sky()
    # Two rows at the same place, with other values, are ordered by their values.
    lon, lat = pointings.lon_deg.copy(), pointings.lat_deg.copy()
    lon[1], lat[1] = lon[0], lat[0]
    order = np.random.default_rng(5).permutation(len(pointings))
    here = Pointings(lon, lat, pointings.values, pointings.weight, BEAM_DEG)
    there = Pointings(lon[order], lat[order], pointings.values[order], pointings.weight[order], BEAM_DEG)
    one, two = grid_pointings(here, ABOUT), grid_pointings(there, ABOUT)
    assert one.values.tobytes() == two.values.tobytes()
    assert one.coverage.tobytes() == two.coverage.tobytes()


def test_the_map_turns_with_the_sky():
    pointings = whole_sky()
    turned = Pointings(
        pointings.lon_deg + 90, pointings.lat_deg, pointings.values, pointings.weight, BEAM_DEG
    )
    here, there = grid_pointings(pointings, ABOUT), grid_pointings(turned, ABOUT)
    grid = HEALPix(32, order="ring")
    lon, lat = grid.healpix_to_lonlat(np.arange(grid.npix))
    before = grid.lonlat_to_healpix(lon - 90 * u.deg, lat)
    np.testing.assert_allclose(there.values, here.values[before], rtol=2e-5, atol=2e-5)
    np.testing.assert_allclose(there.coverage, here.coverage[before], atol=1e-5)


@settings(max_examples=30)
@given(st.floats(-100, 100), st.integers(0, 100))
def test_a_flat_sky_stays_flat_even_where_it_is_filled(level, seed):
    pointings = whole_sky(seed, 60)
    flat = Pointings(
        pointings.lon_deg, pointings.lat_deg, np.full((60, 3), level), pointings.weight, BEAM_DEG
    )
    survey = grid_pointings(flat, ABOUT)
    assert (survey.coverage == 0).any()
    np.testing.assert_allclose(survey.values, level, rtol=1e-5, atol=1e-6)


def test_pointings_without_weight_do_not_touch_the_values_but_mask_their_place():
    pointings = whole_sky()
    lon, lat = pointings.lon_deg, pointings.lat_deg
    weight = np.ones((len(pointings), 3))
    star = distance_deg(100.0, 20.0, pointings) < 10
    weight[star] = 0
    values = pointings.values.copy()
    one = grid_pointings(Pointings(lon, lat, values, weight, BEAM_DEG), ABOUT)
    values[star] = np.nan
    values[np.flatnonzero(star)[0]] = 1e30
    two = grid_pointings(Pointings(lon, lat, values, weight, BEAM_DEG), ABOUT)
    np.testing.assert_array_equal(one.values, two.values)
    np.testing.assert_array_equal(one.coverage, two.coverage)
    assert np.isfinite(one.values).all()
    _, coverage = one.sample(np.array([100.0, 280.0]), np.array([20.0, -20.0]))
    np.testing.assert_allclose(coverage, [0, 1], rtol=1e-6)


def test_one_band_without_weight_masks_the_pixel_in_all():
    weight = np.ones((1500, 3))
    pointings = whole_sky()
    weight[distance_deg(100.0, 20.0, pointings) < 10, 1] = 0
    survey = grid_pointings(
        Pointings(pointings.lon_deg, pointings.lat_deg, pointings.values, weight, BEAM_DEG), ABOUT
    )
    values, coverage = survey.sample(np.array([100.0]), np.array([20.0]))
    assert coverage == [0]
    assert np.isfinite(values).all()


def test_sky_farther_than_a_beam_from_any_pointing_is_masked():
    pointing = Pointings([10.0], [0.0], [[1.0, 2.0, 3.0]], np.ones((1, 3)), BEAM_DEG)
    survey = grid_pointings(pointing, ABOUT)
    lon, lat = HEALPix(32, order="ring").healpix_to_lonlat(np.arange(12 * 32**2))
    d = distance_deg(lon.deg, lat.deg, pointing)
    np.testing.assert_array_equal(survey.coverage, np.where(d <= BEAM_DEG, 1, 0))
    np.testing.assert_array_equal(survey.values, np.broadcast_to([1, 2, 3], survey.values.shape))


def test_pixels_near_a_pole_and_near_the_seam_see_pointings_beyond():
    pointings = Pointings([180.0, 359.9], [89.0, 0.0], [[5.0] * 3, [7.0] * 3], np.ones((2, 3)), BEAM_DEG)
    values, coverage = grid_pointings(pointings, ABOUT).sample(np.array([0.0, 0.5]), np.array([89.0, 0.0]))
    np.testing.assert_allclose(values[:, 0], [5, 7])
    np.testing.assert_allclose(coverage, [1, 1], rtol=1e-6)


def test_longitudes_are_wrapped():
    ones = np.ones((4, 3))
    pointings = Pointings([360.0, -10.0, 400.0, -1e-20], [0, 0, 0, 0], ones, ones, 1.0)
    assert pointings.lon_deg.tolist() == [0.0, 350.0, 40.0, 0.0]


@pytest.mark.parametrize(
    ("change", "kind", "code", "sentence"),
    [
        ({"lat_deg": [0, 95]}, SkyError, "SKY-RANGE", "row 2 of 2 lies at l = 20°, b = 95°"),
        ({"lon_deg": [np.nan, 1]}, SkyError, "SKY-RANGE", "row 1 of 2 lies at l = nan°"),
        ({"lon_deg": [1, np.inf]}, SkyError, "SKY-RANGE", "row 2 of 2 lies at l = inf°"),
        ({"values": [[1, 1, 1], [1, np.nan, 1]]}, DataQualityError, "DQ-NONFINITE", "row 2 of 2 has values"),
        (
            {"weight": [[1, 1, 2], [1, 1, 1]]},
            DataQualityError,
            "DQ-NONFINITE",
            "row 1 .* weights from 0 to 1",
        ),
        ({"weight": [[1, 1], [1, 1]]}, DataQualityError, "IN-DIM", r"weights \(2, 2\)"),
        ({"lon_deg": []}, DataQualityError, "DQ-FEWVALID", "there are 0 pointings"),
        ({"beam_deg": 0}, SkyError, "SKY-RANGE", "a beam of 0° cannot be"),
        ({"beam_deg": np.nan}, SkyError, "SKY-RANGE", "a beam of nan°"),
    ],
)
def test_pointings_check_themselves(change, kind, code, sentence):
    good = {
        "lon_deg": [10, 20],
        "lat_deg": [0, 5],
        "values": np.ones((2, 3)),
        "weight": np.ones((2, 3)),
        "beam_deg": 1.0,
    }
    with pytest.raises(kind, match=sentence) as caught:
        Pointings(**(good | change))
    assert caught.value.code == code


def test_a_band_without_data_and_a_beam_too_small_are_refused():
    weight = np.ones((1, 3))
    with pytest.raises(TooLargeError, match="0.01° needs a map of NSIDE 32768, but 1024 is the finest"):
        grid_pointings(Pointings([0], [0], np.ones((1, 3)), weight, 0.01), ABOUT)
    weight = np.array([[1.0, 0.0, 1.0]])
    with pytest.raises(DataQualityError, match="0 of 1 pointings have data in the band green"):
        grid_pointings(Pointings([0], [0], np.ones((1, 3)), weight, 8.0), ABOUT)


def test_a_map_made_where_it_is_looked_at_is_the_map_made_at_once():
    pointings = whole_sky()
    whole, by_block = grid_pointings(pointings, ABOUT), GriddedPointings(pointings, ABOUT, ALL_SKY, "icrs")
    random = np.random.default_rng(3)
    lon, lat = random.uniform(0, 360, 500), np.degrees(np.arcsin(random.uniform(-1, 1, 500)))
    for one, two in zip(whole.sample(lon, lat), by_block.sample(lon, lat), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)
    assert by_block.to_dict() == whole.to_dict() | {"frame": "icrs"}


def test_values_do_not_depend_on_what_was_looked_at_before():
    pointings = whole_sky()
    lon, lat = np.arange(0.0, 360.0, 3.0), np.linspace(-80, 80, 120)
    at_once = GriddedPointings(pointings, ABOUT, ALL_SKY, "icrs")
    one_by_one = GriddedPointings(pointings, ABOUT, ALL_SKY, "icrs")
    apart = [one_by_one.sample(lon[i : i + 1], lat[i : i + 1])[0] for i in reversed(range(len(lon)))]
    np.testing.assert_array_equal(at_once.sample(lon, lat)[0], np.concatenate(apart[::-1]))


def test_four_hundred_pointings_of_a_narrow_beam_open_at_once():
    random = np.random.default_rng(4)
    pointings = Pointings(
        random.uniform(80, 90, 400),
        random.uniform(-5, 5, 400),
        np.full((400, 3), 7.0),
        np.ones((400, 3)),
        0.25,
    )
    start = time.process_time()
    survey = GriddedPointings(pointings, ABOUT, ALL_SKY, "galactic")
    values, coverage = survey.sample(pointings.lon_deg, pointings.lat_deg)
    assert time.process_time() - start < 1
    assert survey.nside == 1024
    np.testing.assert_allclose(values, 7, rtol=1e-6)
    assert coverage.min() > 0.9


@pytest.mark.wham
@pytest.mark.slow
def test_the_real_survey_is_gridded_onto_nside_256_with_its_stars_masked(wham_path):
    from skykin.survey.table.wham import open_wham

    survey = open_wham(wham_path)
    assert survey.nside == 256
    assert np.isfinite(survey.values).all()
    assert np.mean(survey.coverage == 0) == pytest.approx(0.079, abs=0.002)

"""Surveys on a HEALPix map."""

import numpy as np
import pytest
from astropy import units as u
from astropy_healpix import HEALPix
from hypothesis import given
from hypothesis import strategies as st

from skykin.core.errors import DataQualityError, HeaderInvalidError, SkyError
from skykin.core.protocols import Survey
from skykin.core.provenance import Source
from skykin.survey.base import About
from skykin.survey.healpix import cells
from skykin.survey.healpix.bands import HealpixBands

ABOUT = About("toy", "Toy survey", "R", ("red", "green", "blue"), Source("toy.fits", "0" * 64), ("nobody",))
NSIDE = 16
NPIX = 12 * NSIDE**2
GRID = HEALPix(NSIDE, order="ring")
RANDOM = np.random.default_rng(0)
VALUES = RANDOM.normal(size=(NPIX, 3)).astype(np.float32)
COVERAGE = RANDOM.choice([0, 0.6, 1], NPIX).astype(np.float32)
SURVEY = HealpixBands(VALUES, COVERAGE, 1.0, ABOUT)

longitudes = st.floats(-720, 720)
latitudes = st.floats(-90, 90)


def test_it_is_a_survey_and_says_what_it_is():
    assert isinstance(SURVEY, Survey)
    assert (SURVEY.name, SURVEY.title, SURVEY.unit, SURVEY.nside) == ("toy", "Toy survey", "R", NSIDE)
    assert (SURVEY.bands, SURVEY.credits) == (("red", "green", "blue"), ("nobody",))
    assert SURVEY.to_dict() == {
        "name": "toy",
        "file": "toy.fits",
        "sha256": "0" * 64,
        "unit": "R",
        "bands": ["red", "green", "blue"],
        "beam_deg": 1.0,
        "frame": "galactic",
        "projection": "HEALPix, NSIDE 16",
        "nside": 16,
        "gridding": "as given",
    }


def test_pixel_centres_have_the_pixels_own_values():
    lon, lat = GRID.healpix_to_lonlat(np.arange(NPIX))
    values, coverage = SURVEY.sample(lon.deg, lat.deg)
    np.testing.assert_allclose(values, VALUES, atol=1e-5)
    np.testing.assert_allclose(coverage, COVERAGE, atol=1e-5)


@given(longitudes, latitudes)
def test_samples_are_those_of_astropy_healpix(lon, lat):
    values, coverage = SURVEY.sample(np.array([lon]), np.array([lat]))
    for band in range(3):
        expected = GRID.interpolate_bilinear_lonlat((lon % 360) * u.deg, lat * u.deg, VALUES[:, band])
        np.testing.assert_allclose(values[0, band], expected, atol=1e-6)
    expected = GRID.interpolate_bilinear_lonlat((lon % 360) * u.deg, lat * u.deg, COVERAGE)
    np.testing.assert_allclose(coverage[0], expected, atol=1e-6)


@given(longitudes, latitudes, st.sampled_from([90, 180, 270]))
def test_samples_turn_with_the_map(lon, lat, turn):
    pixel_lon, pixel_lat = GRID.healpix_to_lonlat(np.arange(NPIX))
    before = GRID.lonlat_to_healpix(pixel_lon - turn * u.deg, pixel_lat)
    turned = HealpixBands(VALUES[before], COVERAGE[before], 1.0, ABOUT)
    here = SURVEY.sample(np.array([lon]), np.array([lat]))
    there = turned.sample(np.array([lon + turn]), np.array([lat]))
    np.testing.assert_allclose(here[0], there[0], atol=1e-5)
    np.testing.assert_allclose(here[1], there[1], atol=1e-5)


@given(latitudes)
def test_nothing_happens_at_the_seam(lat):
    lon = np.array([0.0, 360.0, -360.0, 720.0, -1e-20, 1e-13])
    values, coverage = SURVEY.sample(lon, np.full(6, lat))
    np.testing.assert_allclose(values, np.broadcast_to(values[0], values.shape), atol=1e-5)
    np.testing.assert_allclose(coverage, coverage[0], atol=1e-5)


@given(longitudes, st.sampled_from([-90.0, 90.0]))
def test_a_pole_has_one_value_from_all_sides(lon, lat):
    values, _ = SURVEY.sample(np.array([lon]), np.array([lat]))
    around = VALUES[:4] if lat > 0 else VALUES[-4:]
    np.testing.assert_allclose(values[0], around.mean(axis=0), atol=1e-6)


@given(longitudes, latitudes)
def test_samples_stay_within_the_values(lon, lat):
    values, coverage = SURVEY.sample(np.array([lon]), np.array([lat]))
    assert (values >= VALUES.min(axis=0) - 1e-6).all()
    assert (values <= VALUES.max(axis=0) + 1e-6).all()
    assert 0 <= coverage[0] <= 1


def test_masked_pixels_give_coverage_zero_and_finite_values():
    empty = HealpixBands(VALUES, np.zeros(NPIX, np.float32), 1.0, ABOUT)
    values, coverage = empty.sample(RANDOM.uniform(0, 360, 100), RANDOM.uniform(-90, 90, 100))
    assert np.isfinite(values).all()
    assert not coverage.any()


def test_a_full_sky_is_exactly_covered():
    full = HealpixBands(VALUES, np.ones(NPIX, np.float32), 1.0, ABOUT)
    _, coverage = full.sample(RANDOM.uniform(0, 360, 10_000), RANDOM.uniform(-90, 90, 10_000))
    np.testing.assert_allclose(coverage, 1, atol=1e-6)
    assert coverage.max() <= 1


def test_shapes_are_kept_and_pieces_do_not_show(monkeypatch):
    lon, lat = RANDOM.uniform(0, 360, (5, 7)), RANDOM.uniform(-90, 90, (5, 7))
    values, coverage = SURVEY.sample(lon, lat)
    assert (values.shape, coverage.shape) == ((5, 7, 3), (5, 7))
    assert (values.dtype, coverage.dtype) == (np.float32, np.float32)
    assert SURVEY.sample(np.float64(3), np.float64(4))[0].shape == (3,)
    assert SURVEY.sample(np.zeros((0, 2)), np.zeros((0, 2)))[0].shape == (0, 2, 3)
    monkeypatch.setattr(cells, "POSITIONS_AT_ONCE", 4)
    np.testing.assert_array_equal(SURVEY.sample(lon, lat)[0], values)


def test_the_map_cannot_be_changed_from_outside():
    values, coverage = VALUES.copy(), COVERAGE.copy()
    survey = HealpixBands(values, coverage, 1.0, ABOUT)
    values[:] = 0
    np.testing.assert_array_equal(survey.values, VALUES)
    with pytest.raises(ValueError, match="read-only"):
        survey.values[0] = 1


@pytest.mark.parametrize(("lon", "lat"), [(0, 90.1), (0, -91), (np.nan, 0), (0, np.nan), (np.inf, 0)])
def test_positions_off_the_sky_are_refused(lon, lat):
    with pytest.raises(SkyError, match=f"position l = {lon:g}°, b = {lat:g}° is not on the sky"):
        SURVEY.sample(np.array([1.0, lon]), np.array([1.0, lat]))


def test_maps_check_themselves():
    with pytest.raises(HeaderInvalidError, match=r"values of shape \(12, 2\) do not fit coverage"):
        HealpixBands(np.zeros((12, 2)), np.zeros(12), 1.0, ABOUT)
    with pytest.raises(HeaderInvalidError, match="13 pixels are not a whole HEALPix map"):
        HealpixBands(np.zeros((13, 3)), np.zeros(13), 1.0, ABOUT)
    with pytest.raises(HeaderInvalidError, match="108 pixels are not"):
        HealpixBands(np.zeros((108, 3)), np.zeros(108), 1.0, ABOUT)
    with pytest.raises(HeaderInvalidError, match="0 pixels are not"):
        HealpixBands(np.zeros((0, 3)), np.zeros(0), 1.0, ABOUT)
    bad = np.zeros((12, 3))
    bad[5, 1] = np.nan
    with pytest.raises(DataQualityError, match="pixel 5 has the value"):
        HealpixBands(bad, np.zeros(12), 1.0, ABOUT)
    with pytest.raises(DataQualityError, match="coverage runs from 0 to 2; it is a share"):
        HealpixBands(np.zeros((12, 3)), np.array([0] * 11 + [2]), 1.0, ABOUT)

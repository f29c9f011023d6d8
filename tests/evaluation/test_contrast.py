"""Brightness in discs."""

import numpy as np
import pytest

from skykin.core.errors import UsageError
from skykin.core.sphere import directions
from skykin.evaluation.contrast import INNER_DEG, OUTER_DEG, BrightnessSamples, positions_in_discs
from skykin.evaluation.tile_centres import TileCentres

FINE = TileCentres.healpix(32)


def samples(intensity, coverage=None):
    coverage = np.ones(len(FINE)) if coverage is None else coverage
    return BrightnessSamples(FINE.lon_deg, FINE.lat_deg, intensity, coverage)


def contrast(brightness, lon, lat):
    """Mean logarithm in the inner disc less that in the outer one, as the baselines take it."""
    inner, outer = (brightness.disc_means(lon, lat, side)[1] for side in (INNER_DEG, OUTER_DEG))
    return inner - outer


def test_the_mean_in_a_disc_is_that_of_the_samples_within():
    rng = np.random.default_rng(0)
    intensity, coverage = rng.lognormal(size=len(FINE)), rng.random(len(FINE))
    dot = directions(FINE.lon_deg, FINE.lat_deg) @ directions(120.0, 85.0)
    inside = np.degrees(np.arccos(dot)) <= 6
    expected = np.average(intensity[inside], weights=coverage[inside])
    found = samples(intensity, coverage).disc_means(np.array([120.0]), np.array([85.0]), 12.0)[0]
    assert found[0] == pytest.approx(expected, rel=1e-9)


def test_a_bright_spot_has_a_contrast_and_a_bright_sky_has_none():
    dot = directions(FINE.lon_deg, FINE.lat_deg) @ directions(40.0, 10.0)
    spot = 1 + 9 * (np.degrees(np.arccos(np.clip(dot, -1, 1))) < 3)
    lon, lat = np.array([40.0, 40.0, 200.0]), np.array([10.0, 17.0, 0.0])
    found = contrast(samples(spot), lon, lat)
    assert found[0] > 1.5
    assert found[1] < 0  # beside the spot
    assert found[2] == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(contrast(samples(7 * spot), lon, lat), found, atol=1e-9)


def test_values_below_zero_and_holes_do_no_harm():
    intensity, coverage = np.ones(len(FINE)), np.ones(len(FINE))
    intensity[::7] = -1
    hole = FINE.lat_deg > 80
    coverage[hole] = 0
    found = contrast(samples(intensity, coverage), np.array([0.0, 0.0]), np.array([89.0, 0.0]))
    assert np.isnan(found[0])
    assert np.isfinite(found[1])
    dark = contrast(samples(np.zeros(len(FINE))), np.array([0.0]), np.array([0.0]))
    assert np.isnan(dark).all()


def test_a_disc_needs_a_diameter():
    with pytest.raises(UsageError, match="a disc of 0° has no mean; use a diameter from 0° to 180°"):
        samples(np.ones(len(FINE))).disc_means(np.zeros(1), np.zeros(1), 0.0)


def test_positions_in_a_small_disc_are_spread_evenly_over_it():
    lon, lat = positions_in_discs(np.array([10.0, 200.0]), np.array([-89.5, 30.0]), 2.0)
    assert lon.shape == lat.shape == (2, 19)
    away = np.degrees(np.arccos(np.sum(directions(lon, lat) * directions(10.0, -89.5), axis=-1)))[0]
    assert 0.95 < away.max() <= 1.0
    assert np.mean(away**2) == pytest.approx(0.5, abs=0.001)  # as of a disc that is full
    assert np.mean(lat[1]) == pytest.approx(30.0, abs=0.02)

"""The noise of a survey: read, propagated to its bands, and drawn anew."""

from dataclasses import replace

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy_healpix import HEALPix

import skykin
from skykin.core.protocols import NoisySurvey, Survey
from skykin.core.robustness import Robustness
from skykin.core.settings import MapSettings
from skykin.products.summary import summary_lines
from skykin.survey.table.pointings import Pointings, grid_with_noise
from skykin.survey.table.wham_table import read_wham_table
from skykin.survey.velocity_bands import band_variance, integrate_bands
from tests.skies import blob_survey, intensity, write_wham_like

BANDS = ((20.0, 60.0), (-20.0, 20.0), (-60.0, -20.0))


def noisy_survey(noise=0.3, beam_deg=8.0):
    """The made-up sky as pointings 3.7° apart, all with the same noise."""
    grid = HEALPix(16, order="ring")
    lon, lat = (angle.to_value(u.deg) for angle in grid.healpix_to_lonlat(np.arange(grid.npix)))
    pointings = Pointings(lon, lat, intensity(lon, lat), np.ones((grid.npix, 3)), beam_deg)
    return grid_with_noise(pointings, np.full((grid.npix, 3), noise), blob_survey(nside=1).about)


def test_the_variance_of_a_band_is_that_of_its_integral_over_noisy_spectra():
    rng = np.random.default_rng(0)
    velocity = np.sort(rng.uniform(-65, 65, (3, 50)), axis=1)
    velocity[1, 40:] = np.nan
    variance = rng.uniform(0.5, 2, (3, 50))
    draws = [integrate_bands(velocity, rng.normal(0, np.sqrt(variance)), BANDS)[0] for _ in range(6000)]
    expected = np.var(draws, axis=0)
    covered = expected > 0
    found = band_variance(velocity, variance, BANDS)
    np.testing.assert_allclose(found[covered], expected[covered], rtol=0.1)


def test_variances_are_read_where_the_table_has_them(tmp_path):
    plain = write_wham_like(tmp_path / "plain.fits", lambda lon, lat: np.abs(lat) < 2)
    with fits.open(plain) as hdus:
        data = hdus[1].data
        values = np.full(data["DATA"].shape, 4e-4)
        values[0, :3] = -1
        column = fits.Column("VARIANCE", "72E", unit="(RAYLEIGH/(KM/S))^2", array=values)
        fits.BinTableHDU.from_columns(data.columns + column, name="WHAM_SS").writeto(tmp_path / "noisy.fits")
    assert read_wham_table(plain).variance is None
    table = read_wham_table(tmp_path / "noisy.fits")
    assert np.isnan(table.variance[0, :3]).all()
    # 40 km/s in channels of 2.03 km/s, 0.02 R/(km/s) each, independent.
    noise = np.sqrt(band_variance(table.velocity_km_s[1:], table.variance[1:], BANDS))
    np.testing.assert_allclose(noise, 0.02 * np.sqrt(40 * 2.03), rtol=0.03)


def test_new_noise_is_that_of_its_seed_and_as_large_as_it_should_be():
    survey = noisy_survey()
    first, again, other = survey.resampled(1), survey.resampled(1), survey.resampled(2)
    assert isinstance(survey, NoisySurvey)
    assert isinstance(first, Survey)
    assert not isinstance(first, NoisySurvey)
    np.testing.assert_array_equal(first.values, again.values)
    assert np.abs(first.values - other.values).max() > 0.1
    # Averaged by the kernel: σ √(Σk²) / Σk, with half-widths of 8° and 1.5 beams.
    d = np.arange(0, 12, 0.01)
    k = np.exp2(-4 * (d / 8) ** 2)
    pixel = HEALPix(16).pixel_area.to_value(u.deg**2)
    area = 2 * np.pi * d * 0.01 / pixel
    expected = 0.3 * np.sqrt((k**2 * area).sum()) / (k * area).sum()
    assert (first.values - survey.values).std() == pytest.approx(expected, rel=0.1)
    zero = replace(survey, noise=np.zeros_like(survey.noise))
    np.testing.assert_array_equal(zero.resampled(1).values, survey.values)


def test_the_noise_at_a_place_is_that_of_the_nearest_pointing_with_data():
    survey = noisy_survey()
    weight, noise = survey.pointings.weight.copy(), survey.noise.copy()
    pointings = survey.pointings
    near = np.argsort(np.hypot(pointings.lon_deg - 100, pointings.lat_deg - 20))
    noise[near[0]], noise[near[1]] = [9.0, 9.0, 9.0], [1.0, 2.0, 2.0]
    weight[near[0], 1] = 0
    changed = replace(survey, noise=noise, pointings=replace(pointings, weight=weight))
    lon, lat = pointings.lon_deg[near[1]], pointings.lat_deg[near[1]]
    np.testing.assert_allclose(changed.noise_at(np.array([[lon]]), np.array([[lat]])), [[3.0]])
    found = changed.noise_at(pointings.lon_deg[near[:1]], pointings.lat_deg[near[:1]])
    assert found[0] in (pytest.approx(3.0), pytest.approx(0.3 * np.sqrt(3)))


@pytest.fixture(scope="module")
def looked_at_again():
    settings = MapSettings(
        survey=noisy_survey(), tile_size=30, spacing=15, pixels=32, recipe="mean-std", engine="tiles",
        area="180,240,-50,10", robustness=Robustness(surrogates=2, noise_draws=2),
    )  # fmt: skip
    return skykin.map_as(settings, skykin.read_query("orion"))


def test_an_interval_holds_the_score_and_is_wider_where_noise_is_larger(looked_at_again):
    tiles = looked_at_again.tiles
    assert (tiles["score_low"] <= tiles["score"]).all()
    assert (tiles["score_high"] >= tiles["score"]).all()
    quiet = MapSettings(
        survey=noisy_survey(noise=0.03), tile_size=30, spacing=15, pixels=32, recipe="mean-std",
        engine="tiles", area="180,240,-50,10", robustness=Robustness(noise_draws=2),
    )  # fmt: skip
    narrow = skykin.map_as(quiet, skykin.read_query("orion")).summary.noise["median_width"]
    assert 0 < narrow < looked_at_again.summary.noise["median_width"] / 3


def test_surrogates_give_a_second_p_value_and_the_summary_says_what_was_done(looked_at_again):
    found = looked_at_again
    p = np.asarray(found.tiles["p_surrogate"])
    assert ((p > 0) & (p <= 1)).all()
    assert p.min() >= 1 / (1 + 2 * len(p))
    told = " ".join(summary_lines(found.summary))
    assert f"Of the {len(p)} most unusual tiles, " in told
    assert "2 pictures a tile" in told
    assert "(width of the 90 % interval, median); as much noise again moves them by" in told
    assert found.tiles["noise"].unit == u.R
    np.testing.assert_allclose(found.tiles["noise"].value, 0.3 * np.sqrt(3))
    assert found.provenance.calibration == {
        "csls": False,
        "surrogates": 2,
        "noise_draws": 2,
        "seed": 0,
    }


def test_a_survey_that_does_not_know_its_noise_says_so():
    found = skykin.map(
        survey=blob_survey(),
        recipe="poster",
        tile_size=30,
        spacing=15,
        pixels=32,
        area="190,230,-40,0",
        noise_draws=2,
    )
    assert "score_low" not in found.tiles.colnames
    assert "The noise of this survey is not known, so its scores have no interval." in summary_lines(
        found.summary
    )


@pytest.mark.wham
def test_our_noise_is_the_one_that_the_survey_publishes(wham_path):
    table = read_wham_table(wham_path)
    rows = np.random.default_rng(0).choice(len(table.star), 4000, replace=False)
    velocity, variance = table.velocity_km_s[rows], table.variance[rows]
    weight = integrate_bands(velocity, table.intensity[rows], ((-80, 80),) * 3)[1][:, 0]
    complete = (weight > 0.999) & ~table.star[rows]
    ours = np.sqrt(band_variance(velocity, variance, ((-80, 80),) * 3)[complete, 0])
    published = fits.getdata(wham_path)["ERROR"][rows][complete].astype(float)
    assert np.median(ours / published) == pytest.approx(1, abs=0.05)
    assert np.corrcoef(ours, published)[0, 1] > 0.95

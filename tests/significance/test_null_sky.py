"""How many tiles of a sky without forms are called unusual: WHAM with random phases."""

import numpy as np
import pytest

from skykin.significance.matched_null import Tiles
from skykin.significance.tile_scores import fisher
from skykin.style.engine.meter import StyleMeter
from skykin.style.network.vgg19 import VGG19Encoder
from skykin.style.recipe import recipe
from skykin.survey.render import RenderedSurvey, measure_stretch
from skykin.survey.table.wham import open_wham
from skykin.tiling.grid import cut, tile_grid
from tests.null_sky import Sphere, null_sky
from tests.significance.references import apart_from, calibrated
from tests.skies import blob_survey

TILE_DEG, SPACING_DEG, PIXELS = 15.0, 7.5, 64
REFERENCES = ((209.0, -19.4), (80.0, 0.5), (0.0, 0.0), (120.0, 60.0), (30.0, 15.0), (60.0, -45.0))


def test_harmonics_are_taken_apart_and_put_together_exactly():
    rng = np.random.default_rng(0)
    wanted = np.tril(rng.normal(size=(40, 40)) + 1j * rng.normal(size=(40, 40)))
    wanted[:, 0] = wanted[:, 0].real
    sphere = Sphere(40)
    np.testing.assert_allclose(sphere.analyse(sphere.synthesise(wanted)), wanted, atol=1e-10)


def test_a_null_sky_keeps_the_profile_of_brightness_with_latitude():
    before = blob_survey()
    after = null_sky(before, 0, degrees=60)
    lon, lat = np.meshgrid(np.arange(0, 360, 2.0), np.arange(-80, 81, 10.0))
    rows = [np.log(each.sample(lon, lat)[0]).mean(axis=1) for each in (before, after)]
    assert np.corrcoef(rows[0].ravel(), rows[1].ravel())[0, 1] > 0.95
    assert np.corrcoef(before.values[:, 1], after.values[:, 1])[0, 1] < 0.5
    np.testing.assert_array_equal(after.values, null_sky(before, 0, degrees=60).values)


@pytest.mark.slow
@pytest.mark.wham
def test_of_a_null_sky_one_tile_in_twenty_has_p_below_a_twentieth_and_few_are_discovered(wham_path):
    wham = open_wham(wham_path)
    found = [found for seed in (0, 1) for found in shares(null_sky(wham, seed))]
    small, any_discovery = np.mean(found, axis=0)
    assert small == pytest.approx(0.05, abs=0.01)
    # Twelve maps, each with a chance of 0.1.
    assert any_discovery <= 4 / 12


def shares(survey):
    """For each reference the share of tiles of p < 0.05, and whether any has q ≤ 0.1; recipe mean-std."""
    how = recipe("mean-std")
    meter = StyleMeter(how, VGG19Encoder(how.layers, how.padding))
    sky = RenderedSurvey(survey, measure_stretch(survey))
    grid = tile_grid("healpix", TILE_DEG, SPACING_DEG)
    pictures = [cut(sky, footprint, PIXELS) for footprint in grid.footprints]
    raw = [meter(picture) for picture in pictures]
    meter = meter.standardised(raw[::3])
    vectors = [np.array([meter.standard.apply(each)[layer] for each in raw]) for layer in how.layers]
    units = [each / np.linalg.norm(each, axis=1)[:, None] for each in vectors]
    brightness = np.array([picture.brightness for picture in pictures])
    coverage = np.array([picture.covered for picture in pictures])
    lon, lat = grid.centers()
    for lon_deg, lat_deg in REFERENCES:
        near = np.hypot((lon - lon_deg + 180) % 360 - 180, lat - lat_deg)
        row = int(np.argmin(near))
        score = fisher(np.mean([each @ each[row] for each in units], axis=0))
        tiles = Tiles(
            lon, lat, np.where(coverage < 0.5, np.nan, score), brightness, coverage, grid.area, TILE_DEG
        )
        null = apart_from(tiles, lon[row], lat[row]) & tiles.usable
        found = calibrated(tiles, lon[row], lat[row])
        yield np.mean(found.p[null] < 0.05), float((found.q[null] <= 0.1).any())

"""The intensity of a survey: the sum of its bands, each counted once however often it is shown."""

from dataclasses import replace

import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable

import skykin
from skykin.core.area import SkyBox
from skykin.core.footprint import Footprint
from skykin.core.provenance import Source
from skykin.indexing.facet_intensity import mean_intensities
from skykin.survey.base import About
from skykin.survey.derived.altered import AlteredSurvey
from skykin.survey.derived.combined import combine
from skykin.survey.derived.smooth import smoothed
from skykin.survey.healpix.bands import HealpixBands
from skykin.survey.intensity import intensity, mean_intensity
from skykin.survey.table.pointings import Pointings, grid_with_noise
from skykin.tiling.facets import facets
from tests.hostile.fits_files import image_bytes, write
from tests.hostile.healpix_files import write_map
from tests.hostile.hips_tiles import write_hips
from tests.skies import blob_survey

TILE = Footprint(209.0, -19.0, 2.0)
FIVE = np.full((64, 64), 5, np.float32)


def grey_image(tmp_path, data=FIVE):
    return skykin.open_survey(write(tmp_path, "grey", image_bytes(data)))


def constant_bands(values, intensity_bands):
    about = About("toy", "Toy", "R", ("a", "b", "c"), Source("toy", "0" * 64), (), intensity_bands)
    return HealpixBands(np.broadcast_to(np.float32(values), (192, 3)), np.ones(192), 1.0, about)


def test_a_grey_image_of_constant_5_has_intensity_5(tmp_path):
    survey = grey_image(tmp_path)
    np.testing.assert_array_equal(survey.sample(209.0, -19.0)[0], [5, 5, 5])
    assert intensity(survey, survey.sample(209.0, -19.0)[0]) == 5
    assert mean_intensity(survey, TILE) == pytest.approx(5)
    for facet in facets(2.0, 0.5, 64, SkyBox(208, 210, -20, -18)):
        np.testing.assert_allclose(mean_intensities(survey, facet)[facet.own], 5, rtol=1e-6)


@pytest.mark.slow
def test_what_is_made_of_a_grey_survey_stays_grey(tmp_path):
    survey = grey_image(tmp_path)
    for made in (smoothed(survey, 1.0), AlteredSurvey(survey, factor=2.0), AlteredSurvey(survey).overview):
        assert made.intensity_bands == (0,)
    assert mean_intensity(smoothed(survey, 1.0), TILE) == pytest.approx(5, rel=1e-5)
    assert mean_intensity(AlteredSurvey(survey, factor=2.0), TILE) == pytest.approx(10)
    mask = tmp_path / "mask.reg"
    mask.write_text("galactic\ncircle(209,-19,1.5)\n")
    inside = skykin.open_survey(tmp_path / "grey.fits", mask=mask)
    assert (inside.intensity_bands, mean_intensity(inside, TILE)) == ((0,), pytest.approx(5))
    folder = tmp_path / "plates"
    folder.mkdir()
    for name in ("one", "two"):
        write(folder, name, image_bytes(FIVE))
    assert mean_intensity(skykin.open_survey(folder), TILE) == pytest.approx(5)


@pytest.mark.slow
def test_maps_pictures_and_tables_of_one_column_are_grey_and_of_two_their_sum(tmp_path):
    five, seven = np.full(768, 5, np.float32), np.full(768, 7, np.float32)
    one = skykin.open_survey(write_map(tmp_path / "one.fits", {"I": five}))
    two = skykin.open_survey(write_map(tmp_path / "two.fits", {"I": five, "Q": seven}), columns=("I", "Q"))
    assert mean_intensity(one, TILE) == pytest.approx(5)
    assert mean_intensity(two, TILE) == pytest.approx(12)
    lon, lat = (angle.ravel() for angle in np.meshgrid(np.arange(200, 220.0), np.arange(-30, -10.0)))
    table = QTable({"l": lon * u.deg, "b": lat * u.deg, "flux": np.full(400, 5.0) * u.K})
    table.write(tmp_path / "table.ecsv")
    assert mean_intensity(skykin.open_survey(tmp_path / "table.ecsv"), TILE) == pytest.approx(5)
    assert skykin.open_survey(write_hips(tmp_path / "hips", orders=(0,))).intensity_bands == (0,)


def test_three_bands_are_added_as_before():
    assert mean_intensity(constant_bands([1, 2, 4], (0, 1, 2)), TILE) == pytest.approx(7)
    assert mean_intensity(constant_bands([1, 2, 4], (0, 2)), TILE) == pytest.approx(5)
    blobs = blob_survey()
    values, _ = blobs.sample(np.array([209.0, 80.0]), np.array([-19.0, 0.0]))
    np.testing.assert_array_equal(intensity(blobs, values), values.sum(axis=-1, dtype=np.float64))
    assert combine(blobs, blobs, blobs).intensity_bands == (0, 1, 2)


def test_the_noise_of_a_grey_survey_is_that_of_its_one_band():
    lon, lat = np.array([10.0, 14.0]), np.zeros(2)
    pointings = Pointings(lon, lat, np.ones((2, 3)), np.ones((2, 3)), 8.0)
    three = grid_with_noise(pointings, np.full((2, 3), 3.0), blob_survey(nside=1).about)
    grey = replace(three, about=replace(three.about, intensity_bands=(0,)))
    assert three.noise_at(10.0, 0.0) == pytest.approx(3 * np.sqrt(3))
    assert grey.noise_at(10.0, 0.0) == pytest.approx(3)


@pytest.mark.slow
def test_map_index_and_their_tables_have_the_intensity_of_a_grey_image(tmp_path):
    """An image of 5 with as much structure as style needs: a random half is 4, the other 6."""
    random = np.random.default_rng(0).permutation(64 * 64).reshape(64, 64)
    survey = grey_image(tmp_path, np.where(random % 2, 4, 6).astype(np.float32))
    settings = {
        "pixels": 32,
        "tile_size": 3.0,
        "spacing": 1.5,
        "recipe": "mean-std",
        "area": "207,211,-21,-17",
    }
    found = skykin.map(survey, "209,-19", jobs=1, **settings)
    np.testing.assert_allclose(found.tiles["mean_intensity"].to_value("K"), 5, atol=0.2)
    index = skykin.index(survey, tmp_path / "grey.skykin", **settings)
    np.testing.assert_allclose(index.tiles["mean_intensity"].to_value("K"), 5, atol=0.2)

"""Tiles over the seam and the poles equal their twins on a sky that is turned (section N of the corpus)."""

import numpy as np
import pytest
from astropy import units as u
from astropy_healpix import HEALPix
from PIL import Image

from skykin.core.footprint import Footprint
from skykin.survey.open import open_survey
from tests.hostile.healpix_files import write_map

NSIDE = 32
GRID = HEALPix(NSIDE, order="ring")
SKY = np.random.default_rng(0).normal(size=GRID.npix).astype(np.float32)
PLACES = [(0.0, 0.0), (359.9, 1.0), (123.0, 90.0), (7.0, -90.0), (45.0, 41.8), (209.0, -19.4), (180.0, 88.0)]


def pictures(survey, lon, lat, width=15.0):
    return survey.sample(*Footprint(lon, lat, width).pixel_positions((48, 48)))


@pytest.fixture(scope="module")
def maps(tmp_path_factory):
    """The same noise, turned by quarters about the Galactic poles: an exact symmetry of HEALPix."""
    folder = tmp_path_factory.mktemp("maps")
    lon, lat = GRID.healpix_to_lonlat(np.arange(GRID.npix))
    made = {}
    for turn in (0, 90, 180, 270):
        before = GRID.lonlat_to_healpix(lon - turn * u.deg, lat)
        made[turn] = open_survey(write_map(folder / f"{turn}.fits", {"I": SKY[before]}))
    return made


@pytest.mark.parametrize("turn", [90, 180, 270])
@pytest.mark.parametrize(("lon", "lat"), PLACES)
def test_n01_n02_tiles_over_seam_and_poles_equal_their_turned_twins(maps, lon, lat, turn):
    here, there = pictures(maps[0], lon, lat), pictures(maps[turn], lon + turn, lat)
    np.testing.assert_allclose(here[0], there[0], atol=1e-5)
    np.testing.assert_allclose(here[1], there[1], atol=1e-6)


def test_n03_a_tile_of_90_degrees_equals_its_twin(maps):
    np.testing.assert_allclose(
        pictures(maps[0], 30.0, 60.0, 90.0)[0], pictures(maps[90], 120.0, 60.0, 90.0)[0], atol=1e-5
    )


def test_n07_longitudes_may_be_negative(maps):
    np.testing.assert_array_equal(pictures(maps[0], 209.0, -19.4)[0], pictures(maps[0], -151.0, -19.4)[0])


@pytest.mark.parametrize(("lon", "lat"), [(180.0, 0.0), (179.9, 50.0), (12.0, 90.0), (200.0, -89.0)])
def test_n01_n02_a_picture_rolled_by_a_third_shows_the_same(tmp_path, lon, lat):
    noise = np.random.default_rng(0).integers(0, 255, (90, 180), np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png")
    Image.fromarray(np.roll(noise, 60, axis=1)).save(tmp_path / "b.png")
    plain = open_survey(tmp_path / "a.png", projection="plate-carree", frame="galactic")
    rolled = open_survey(tmp_path / "b.png", projection="plate-carree", frame="galactic", center_deg=120.0)
    here, there = pictures(plain, lon, lat), pictures(rolled, lon, lat)
    np.testing.assert_allclose(here[0], there[0], atol=1e-5)
    assert here[1].min() == there[1].min() == 1

"""Textures of overlapping tiles, read from one large picture."""

from dataclasses import replace

import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable

from skykin.core.progress import SilentProgress
from skykin.evaluation.plain_texture import MEASURES, plain_textures
from skykin.evaluation.texture_plane import HALO, textures_in_plane, tile_means
from skykin.jobs.baselines import texture_baselines
from skykin.jobs.judged_map import JudgedMap
from skykin.tiling.facets import facet_grid, facets
from tests.kinds import provenance
from tests.skies import blob_survey

RNG = np.random.default_rng(0)
STEP = 4


def test_means_over_tiles_are_means_over_tiles():
    values = RNG.random((44, 40, 2))
    found = tile_means(values, STEP)
    assert found.shape == (4, 3, 2)
    np.testing.assert_allclose(found[3, 1], values[12:44, 4:36].mean(axis=(0, 1)), rtol=1e-12)


def test_a_tile_in_a_plane_measures_as_alone_but_for_the_sky_around_it():
    rgb = RNG.random((2 * HALO + 44, 2 * HALO + 40, 3))
    found = textures_in_plane(rgb, STEP)
    top, left = HALO + 2 * STEP, HALO + STEP
    alone = plain_textures(rgb[None, top : top + 32, left : left + 32])
    for name in MEASURES:
        assert found[name].shape[:2] == (4, 3)
        if name != "wavelet scattering":
            np.testing.assert_allclose(found[name][2, 1], alone[name][0], rtol=1e-9, atol=1e-12)


def test_wavelets_in_a_plane_that_mirrors_a_tile_are_those_of_the_tile_alone():
    tile = RNG.random((32, 32, 3))
    around = np.pad(tile, ((HALO, HALO), (HALO, HALO), (0, 0)), mode="reflect")
    found = textures_in_plane(around, 32)["wavelet scattering"][0, 0]
    alone = plain_textures(tile[None])["wavelet scattering"][0]
    np.testing.assert_allclose(found[:12], alone[:12], atol=1e-9)
    np.testing.assert_allclose(found[12:], alone[12:], atol=0.01)  # the mirrors' mirror is one pixel off


def test_a_coarser_facet_has_its_tiles_where_they_were():
    piece = facets(20.0, 5.0, 64)[3]
    coarse = piece.coarser(32)
    assert (coarse.tile, coarse.spacing, coarse.shape) == (32, 8, tuple(side // 2 for side in piece.shape))
    for one, other in zip(piece.centers(), coarse.centers(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)


@pytest.fixture(scope="module")
def judged():
    """A map as the shared engine makes it, of 30° tiles."""
    survey = blob_survey(nside=16)
    grid = facet_grid(facets(30.0, 30.0, 64))
    lon, lat = grid.centers()
    width = np.array([footprint.width_deg for footprint in grid.footprints])
    columns = {"lon": lon, "lat": lat, "width": width, "height": width}
    tiles = QTable({name: values * u.deg for name, values in columns.items()} | {"area": grid.area})
    rendering = {"kind": "asinh", "low": [0, 0, 0], "high": [9, 9, 9], "softening": 0.02}
    facts = {
        "kind": "facets",
        "tile_size_deg": 30.0,
        "spacing_deg": round(grid.spacing_deg, 4),
        "pixels": 64,
        "projection": "TAN",
        "area": None,
    }
    place = {"name": "blob", "lon_deg": 209.0, "lat_deg": -19.0}
    return JudgedMap(tiles, provenance(grid=facts, rendering=rendering, reference=place), survey)


def test_baselines_of_facets_are_nearly_those_of_single_tiles(judged):
    found = texture_baselines(judged.sky, judged, 1, SilentProgress())
    # Tiles that no facet holds are measured one by one.
    moved = judged.tiles.copy()
    moved["lat"][0] += 3 * u.deg
    alone = texture_baselines(judged.sky, replace(judged, tiles=moved), 1, SilentProgress())
    assert list(found) == list(alone) == list(MEASURES)
    for name in MEASURES[:2]:
        assert np.corrcoef(found[name][1:], alone[name][1:])[0, 1] > 0.99
    assert np.corrcoef(found["wavelet scattering"][1:], alone["wavelet scattering"][1:])[0, 1] > 0.8


def test_a_map_of_a_survey_that_is_not_at_hand_has_no_facets(judged):
    assert judged.facets()
    assert replace(judged, survey=None).facets() == ()
    assert judged.area is None
    assert judged.spacing_deg == pytest.approx(30, rel=0.1)

"""Textures measured without a network."""

from dataclasses import replace

import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable

from skykin.core.footprint import Footprint
from skykin.core.progress import SilentProgress
from skykin.evaluation.plain_texture import (
    HALO,
    MEASURES,
    a_trous,
    cosine,
    histogram,
    pixel_gram,
    plain_textures,
    power_slope,
    scattering,
    similarities,
    textures_in_plane,
    tile_means,
)
from skykin.jobs.baselines import texture_baselines
from skykin.jobs.evaluated_map import EvaluatedMap
from skykin.tiling.facets import facet_grid, facets
from tests.kinds import provenance, query
from tests.skies import blob_survey

RNG = np.random.default_rng(0)
PICTURES = RNG.random((6, 32, 32, 3))


def red_noise(slope, side=32, seed=0):
    """A picture whose power spectrum falls as k to that slope."""
    wave = np.fft.fftfreq(side) * side
    k = np.hypot(wave[:, None], wave)
    k[0, 0] = 1
    noise = np.fft.fft2(np.random.default_rng(seed).standard_normal((side, side)))
    return np.fft.ifft2(noise * k ** (slope / 2)).real


def test_the_pixel_gram_is_the_mean_outer_product():
    flat = PICTURES[2].reshape(-1, 3)
    np.testing.assert_allclose(pixel_gram(PICTURES)[2], (flat.T @ flat / len(flat)).ravel())


def test_the_histogram_is_cumulative():
    grey = np.zeros((1, 4, 4))
    grey[0, :2] = 0.5
    levels = histogram(grey)[0]
    assert levels.shape == (32,)
    assert levels[0] == 0.5  # the black half
    assert levels[14] == 0.5
    assert levels[15] == 1.0  # up to 0.5


@pytest.mark.parametrize("slope", [-1.0, -2.0, -3.0])
def test_the_slope_of_a_made_up_spectrum_is_found(slope):
    found = power_slope(np.stack([red_noise(slope, seed=seed) for seed in range(60)]))[:, 0]
    assert found.mean() == pytest.approx(slope, abs=0.35)  # the window flattens steep ones a little


def test_a_picture_of_one_colour_has_no_slope():
    assert np.isnan(power_slope(np.full((1, 32, 32), 0.3))[0, 0])


def test_the_wavelet_bands_and_the_rest_add_up_to_the_picture():
    bands = a_trous(PICTURES[..., 0])
    rest = PICTURES[..., 0] - np.sum(bands, axis=0)
    assert rest.std() < 0.1 * PICTURES[..., 0].std()  # noise is in the finest bands
    assert np.std(bands[0]) > np.std(bands[-1])


def test_scattering_does_not_see_where_things_are_nor_how_they_are_turned():
    turned = np.rot90(PICTURES, axes=(1, 2))
    np.testing.assert_allclose(scattering(turned), scattering(PICTURES), atol=1e-9)
    assert scattering(PICTURES).shape == (6, 4 * 3 + 6)


def test_the_reference_is_most_like_itself_in_every_measure():
    pictures = plain_textures(np.concatenate([PICTURES, PICTURES[:3] ** 3]))
    reference = {name: values[4:5] for name, values in pictures.items()}
    for name, score in similarities(pictures, reference).items():
        assert name in MEASURES
        assert np.argmax(score) == 4
        assert score.shape == (9,)


def test_a_vector_of_zeros_has_no_cosine():
    found = cosine(np.array([[0.0, 0.0], [1.0, 0.0], [-2.0, 0.0]]), np.array([3.0, 0.0]))
    np.testing.assert_array_equal(found, [np.nan, 1.0, -1.0])


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
def evaluated():
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
    place = query(("blob", Footprint(209.0, -19.0, 30.0))).to_dict()
    return EvaluatedMap(tiles, provenance(grid=facts, rendering=rendering, query=place), survey)


def test_baselines_of_facets_are_nearly_those_of_single_tiles(evaluated):
    found = texture_baselines(evaluated.sky, evaluated, 1, SilentProgress())
    # Tiles that no facet holds are measured one by one.
    moved = evaluated.tiles.copy()
    moved["lat"][0] += 3 * u.deg
    alone = texture_baselines(evaluated.sky, replace(evaluated, tiles=moved), 1, SilentProgress())
    assert list(found) == list(alone) == list(MEASURES)
    for name in MEASURES[:2]:
        assert np.corrcoef(found[name][1:], alone[name][1:])[0, 1] > 0.99
    assert np.corrcoef(found["wavelet scattering"][1:], alone["wavelet scattering"][1:])[0, 1] > 0.8


def test_a_map_of_a_survey_that_is_not_at_hand_has_no_facets(evaluated):
    assert evaluated.facets()
    assert replace(evaluated, survey=None).facets() == ()
    assert evaluated.area is None
    assert evaluated.spacing_deg == pytest.approx(30, rel=0.1)

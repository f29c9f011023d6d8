"""The score map, read back by independent readers."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy_healpix import HEALPix
from hypothesis import given
from hypothesis import strategies as st

from skykin.core.footprint import Footprint
from skykin.products.score_map import ScoreMap, score_map, write_score_map
from skykin.products.stamp import ascii_text
from skykin.tiling.facets import facet_grid, facets
from tests import kinds


@pytest.fixture(scope="module")
def result():
    return kinds.made_up_result()


@pytest.fixture(scope="module")
def written(result, tmp_path_factory):
    path = tmp_path_factory.mktemp("map") / "score.fits"
    write_score_map(result, path)
    return path


def test_each_pixel_of_a_healpix_grid_has_the_score_of_the_tile_centred_there(result, written):
    header, table = fits.getheader(written, 1), fits.getdata(written, 1)
    healpix = HEALPix.from_header(str(written))
    assert header["NSIDE"] == 4
    assert (healpix.nside, healpix.order, healpix.frame.name) == (4, "ring", "galactic")
    for row, footprint in enumerate(result.footprints):
        pixel = healpix.skycoord_to_healpix(footprint.center)
        assert table["SCORE"][pixel] == np.float32(result.tiles["score"][row])
        assert table["COVERAGE"][pixel] == np.float32(result.tiles["coverage"][row])
        assert table["COSINE_BLOCK2_CONV1"][pixel] == np.float32(result.tiles["cosine_block2_conv1"][row])


def test_pixels_without_a_tile_are_nan(result, written):
    score = fits.getdata(written, 1)["SCORE"]
    assert len(score) == 192
    assert np.isnan(score).sum() == 192 - len(result.footprints) == 1


def test_a_user_can_ask_the_map_at_a_place_on_the_sky(written):
    with fits.open(written) as hdus:
        healpix = HEALPix.from_header(hdus[1])
        at_cygnus = healpix.interpolate_bilinear_skycoord(
            SkyCoord(78.75 * u.deg, 0 * u.deg, frame="galactic"), hdus[1].data["SCORE"].astype(float)
        )
    assert at_cygnus == pytest.approx(kinds.likeness(78.75, 0.0), abs=1e-6)


def test_the_header_has_the_words_that_viewers_look_for(written):
    header = fits.getheader(written, 1)
    wanted = {
        "PIXTYPE": "HEALPIX", "ORDERING": "RING", "COORDSYS": "G", "NSIDE": 4, "FIRSTPIX": 0,
        "LASTPIX": 191, "INDXSCHM": "IMPLICIT", "OBJECT": "FULLSKY",
        "TTYPE1": "SCORE", "TFORM1": "E", "TTYPE2": "COSINE_BLOCK1_CONV1", "TTYPE4": "STANDARDISED",
        "TTYPE5": "P", "TTYPE6": "Q", "TTYPE7": "COVERAGE",
    }  # fmt: skip
    assert {key: header[key] for key in wanted} == wanted
    assert all(f"{kind}{n}" in header for kind in ("TUNIT", "TDESC") for n in range(1, 5))


def test_checksums_are_written_and_a_flipped_bit_is_found(written, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with fits.open(written, checksum=True) as hdus:
            assert {"CHECKSUM", "DATASUM"} <= set(hdus[0].header) & set(hdus[1].header)
            assert hdus[1].verify_checksum() == hdus[1].verify_datasum() == 1
            hdus.verify("exception")
    damaged = tmp_path / "damaged.fits"
    content = bytearray(written.read_bytes())
    content[-2800] ^= 1
    damaged.write_bytes(content)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with fits.open(damaged, checksum=True) as hdus:
            _ = hdus[1].data
    assert any("Datasum verification failed" in str(warning.message) for warning in told)


def test_the_map_carries_provenance_and_acknowledgements(written):
    header = fits.getheader(written, 1)
    assert (header["SURVEY"], header["SURVHASH"]) == ("blobs", "ab" * 32)
    assert (header["RECIPE"], header["REFLON"], header["MATCH"]) == ("poster", 209.0, "score 0.9 or more")
    history = "\n".join(header["HISTORY"])
    assert "rendering.stretch = asinh" in history
    assert "versions.astropy = " in history
    comments = " ".join(header["COMMENT"])
    assert "The survey of the made-up Halpha sky was funded by nobody (-1 award)." in comments


def test_two_runs_write_the_same_bytes(result, written, tmp_path):
    write_score_map(result, tmp_path / "again.fits")
    assert (tmp_path / "again.fits").read_bytes() == written.read_bytes()


def test_a_plate_carree_grid_is_painted_from_the_nearest_tile():
    result = kinds.made_up_result(kinds.plate_carree_footprints(), None)
    painted = score_map(result)
    lon, lat = HEALPix(painted.nside, order="ring").healpix_to_lonlat(np.arange(12 * painted.nside**2))
    assert painted.nside == 8  # 7.3° a pixel: at most half of the 15° between tiles
    for pixel in range(0, 12 * painted.nside**2, 17):
        away = kinds.separation_deg(lon.deg[pixel], lat.deg[pixel], result.lon_deg, result.lat_deg)
        nearest = away < away.min() + 1e-6  # Two centres may be equally near.
        assert painted.columns["SCORE"][pixel] in result.tiles["score"][nearest].astype(np.float32)
        assert away.min() <= 15.0


def test_no_pixel_is_left_out_where_the_lattices_of_facets_meet():
    grid = facet_grid(facets(20.0, 5.0, 64))
    painted = score_map(kinds.made_up_result(grid.footprints, None))
    assert painted.nside == 32
    assert np.isfinite(painted.columns["SCORE"]).all()


def test_sky_farther_than_one_and_a_quarter_spacings_from_any_tile_stays_nan():
    part = tuple(f for f in kinds.plate_carree_footprints() if 60 <= f.lon_deg <= 120 and abs(f.lat_deg) < 31)
    painted = score_map(kinds.made_up_result(part, None))
    lon, lat = HEALPix(painted.nside, order="ring").healpix_to_lonlat(np.arange(12 * painted.nside**2))
    away = [kinds.separation_deg(lon.deg, lat.deg, each.lon_deg, each.lat_deg) for each in part]
    assert np.array_equal(np.isfinite(painted.columns["SCORE"]), np.min(away, axis=0) <= 1.25 * 15.0)


def test_one_tile_alone_is_a_map_too():
    alone = (Footprint(10.0, 20.0, 15.0, projection="CAR"),)
    painted = score_map(kinds.made_up_result(alone, None))
    assert painted.at(np.array([10.0]), np.array([20.0])) == pytest.approx(
        kinds.likeness(10.0, 20.0), abs=1e-6
    )
    assert np.isnan(painted.at(np.array([190.0]), np.array([-20.0])))


def test_a_tile_without_a_score_leaves_its_pixel_nan():
    result = kinds.made_up_result()
    result.tiles["score"][5] = np.nan
    assert np.isnan(score_map(result).columns["SCORE"]).sum() == 2


@given(lon=st.floats(0, 360), lat=st.floats(-90, 90), level=st.floats(0, 1))
def test_interpolation_keeps_a_constant_sky_constant_even_beside_holes(lon, lat, level):
    values = np.full(768, level)
    values[::7] = np.nan
    here = ScoreMap(8, {"SCORE": values}).at(np.array([lon]), np.array([lat]))
    assert np.isnan(here) or here == pytest.approx(level, abs=1e-12)


def test_interpolation_agrees_with_astropy_healpix_where_all_is_known():
    values = np.random.default_rng(3).random(768)
    rng = np.random.default_rng(4)
    lon, lat = rng.uniform(0, 360, 500), rng.uniform(-90, 90, 500)
    wanted = HEALPix(8, order="ring").interpolate_bilinear_lonlat(lon * u.deg, lat * u.deg, values)
    np.testing.assert_allclose(ScoreMap(8, {"SCORE": values}).at(lon, lat), wanted, atol=1e-12)


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("Hα at −60 km/s ± 1°", "Halpha at -60 km/s +/- 1 deg"),
        ("Señor Łukasz", "Senor ?ukasz"),
        ("two\nlines\x1b[31m", "two lines?[31m"),
    ],
)
def test_fits_headers_get_plain_ascii(text, spelled):
    assert ascii_text(text) == spelled

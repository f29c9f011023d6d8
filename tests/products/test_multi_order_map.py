"""The map of many orders, read back by independent readers."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS
from astropy_healpix import level_ipix_to_uniq, lonlat_to_healpix, uniq_to_level_ipix
from hypothesis import given
from hypothesis import strategies as st
from mocpy import MOC
from reproject import reproject_from_healpix

import skykin
from skykin.core.extent import Extent
from skykin.core.footprint import Footprint
from skykin.products.multi_order_map import cells_of_tiles, merged, write_multi_order_map
from skykin.products.score_map import write_score_map
from tests import kinds

ORION = SkyCoord(209 * u.deg, -19 * u.deg, frame="galactic")


@pytest.fixture(scope="module")
def result():
    return kinds.made_up_result()


@pytest.fixture(scope="module")
def written(result, tmp_path_factory):
    path = tmp_path_factory.mktemp("map") / "score.multiorder.fits"
    write_multi_order_map(result, path)
    return path


def row_at(table, place):
    """Row of the cell that holds a position, by astropy-healpix; None where there is none."""
    found = []
    for level in range(12):
        cell = lonlat_to_healpix(place.icrs.ra, place.icrs.dec, 1 << level, order="nested")
        found += np.flatnonzero(table["UNIQ"] == level_ipix_to_uniq(level, cell)).tolist()
    assert len(found) <= 1
    return found[0] if found else None


def nearest(result, place):
    away = kinds.separation_deg(place.galactic.l.deg, place.galactic.b.deg, result.lon_deg, result.lat_deg)
    return int(np.argmin(away))


def test_the_cell_at_orion_has_the_numbers_of_the_tile_there(result, written):
    table = Table.read(written, hdu=1)
    row, tile = row_at(table, ORION), nearest(result, ORION)
    assert result.tiles["name"][tile] == "G213.7-19.5"
    assert table["SCORE"][row] == np.float32(result.tiles["score"][tile])
    assert table["Q"][row] == np.float32(result.tiles["q"][tile])
    assert table["COSINE_BLOCK2_CONV1"][row] == np.float32(result.tiles["cosine_block2_conv1"][tile])
    assert table["RANK"][row] == result.tiles["rank"][tile]


def test_the_header_has_the_words_that_viewers_look_for(written):
    header = fits.getheader(written, 1)
    wanted = {"PIXTYPE": "HEALPIX", "ORDERING": "NUNIQ", "COORDSYS": "C", "MOCORDER": 3, "TTYPE1": "UNIQ",
              "TFORM1": "K", "TTYPE2": "SCORE", "INDXSCHM": "EXPLICIT", "SURVEY": "blobs"}  # fmt: skip
    assert {key: header[key] for key in wanted} == wanted
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with fits.open(written, checksum=True) as hdus:
            assert hdus[1].verify_checksum() == hdus[1].verify_datasum() == 1


def test_mocpy_finds_the_whole_sky_covered_by_cells_of_several_orders(written):
    levels, cells = uniq_to_level_ipix(Table.read(written, hdu=1)["UNIQ"].data)
    assert set(levels) == {2, 3}
    moc = MOC.from_healpix_cells(cells.astype(np.uint64), levels.astype(np.uint8), 3)
    assert moc.sky_fraction == pytest.approx(1, abs=0.01)
    assert (1 / (12 * 4.0**levels)).sum() == pytest.approx(moc.sky_fraction)  # no two overlap


def test_mocpy_gives_the_part_of_the_sky_above_a_score(result, written):
    table = Table.read(written, hdu=1)
    best = table[table["SCORE"] > 0.9]
    levels, cells = uniq_to_level_ipix(best["UNIQ"].data)
    moc = MOC.from_healpix_cells(cells.astype(np.uint64), levels.astype(np.uint8), 3)
    assert moc.contains_skycoords(ORION.icrs)
    far = SkyCoord(150 * u.deg, 45 * u.deg, frame="galactic").icrs
    assert not moc.contains_skycoords(far)


def test_skykin_reads_it_as_a_survey_with_the_same_values(result, written):
    survey = skykin.open_survey(written, options=skykin.SurveyOptions(columns=("SCORE",)))
    for lon, lat in ((209.0, -19.0), (80.0, 0.0), (0.0, 89.0)):
        place = SkyCoord(lon * u.deg, lat * u.deg, frame="galactic")
        values, coverage = survey.sample(lon, lat)
        assert coverage > 0.99
        assert values[0] == pytest.approx(result.tiles["score"][nearest(result, place)], abs=0.1)


def test_a_fine_field_has_fine_cells_near_its_tiles_only():
    lon, lat = (part.ravel() for part in np.meshgrid(np.arange(205.0, 213, 0.5), np.arange(-23.0, -15, 0.5)))
    footprints = tuple(Footprint(*place, 0.75) for place in zip(lon.tolist(), lat.tolist(), strict=True))
    found = kinds.made_up_result(footprints, tile_nside=None, extent=Extent(209.0, -19.0, 6.0))
    uniq, rows = cells_of_tiles(found)
    levels, cells = uniq_to_level_ipix(uniq)
    assert levels.max() == 8  # 0.23° a cell: at most half of the 0.5° between tiles
    moc = MOC.from_healpix_cells(cells.astype(np.uint64), levels.astype(np.uint8), 8)
    assert moc.contains_skycoords(ORION.icrs)
    # 16 by 16 tiles half a degree apart, and half a degree around them.
    assert moc.sky_fraction * 41253 == pytest.approx((8.5 * np.cos(np.radians(19))) * 8.5, rel=0.1)
    assert set(rows) == set(range(256))


@pytest.mark.filterwarnings("ignore:invalid value")
def test_reproject_puts_the_score_map_on_an_image_with_orion_in_its_middle(result, tmp_path):
    path = tmp_path / "score.fits"
    write_score_map(result, path)
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.crpix = ["GLON-TAN", "GLAT-TAN"], [209, -19], [8, 8]
    wcs.wcs.cdelt = [-0.5, 0.5]
    with fits.open(path) as hdus:
        image, _ = reproject_from_healpix(hdus[1], wcs, shape_out=(15, 15), order="nearest-neighbor")
    assert image[7, 7] == np.float32(result.tiles["score"][nearest(result, ORION)])


@given(st.lists(st.integers(-1, 2), min_size=1, max_size=192))
def testmerged_cells_show_the_same_tiles_and_no_four_of_them_could_be_one(shown):
    rows = np.array(shown)
    cells = np.flatnonzero(rows >= 0)
    uniq, shown_rows = merged(cells, rows[cells], 2)
    levels, numbers = uniq_to_level_ipix(uniq) if len(uniq) else (np.zeros(0, int), np.zeros(0, int))
    back = np.full(192, -1)
    for level, number, row in zip(levels, numbers, shown_rows, strict=True):
        width = 4 ** (2 - level)
        assert (back[number * width : (number + 1) * width] == -1).all()
        back[number * width : (number + 1) * width] = row
    assert (back[: len(rows)] == rows).all()
    parents = {}
    for level, number, row in zip(levels, numbers, shown_rows, strict=True):
        if level:
            parents.setdefault((level, number // 4), []).append(row)
    assert not [each for each in parents.values() if len(each) == 4 and len(set(each)) == 1]

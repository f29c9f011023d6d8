"""Single tiles of a HiPS: where their pixels lie, what they show, and the bytes of their files."""

import io

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from astropy_healpix.core import healpix_to_lonlat
from mocpy import MOC
from PIL import Image

from skykin.core.extent import ALL_SKY, Extent
from skykin.core.footprint import Footprint
from skykin.core.frames import to_galactic
from skykin.core.sphere import separation_deg
from skykin.products.hips.allsky import allsky
from skykin.products.hips.coverage import moc_bytes, moc_of_cells
from skykin.products.hips.encoding import fits_tile_bytes, jpeg_bytes, png_bytes
from skykin.products.hips.geometry import (
    children,
    nested,
    pixel_deg,
    recommended_order,
    tile_centre,
    tile_positions,
    tile_radius_deg,
    tiles_of,
)
from skykin.products.hips.number_tiles import NearestRows, NumberTiles, order_of_spacing
from skykin.products.hips.picture_tiles import PictureTiles
from skykin.products.hips.properties import HipsFacts, properties_text
from skykin.products.hips.reduce import mean_colours, mean_numbers, picked_labels
from skykin.survey.hips.allsky import cells_of_allsky
from skykin.survey.hips.cells import places, read_tile
from skykin.survey.hips.properties import HipsProperties

RANDOM = np.random.default_rng(4)
REGION = Extent(209.0, -19.0, 3.0)


class Longitudes:
    """A sky whose red is the longitude and whose green is the latitude, seen north of −60°."""

    def colours(self, lon_deg, lat_deg):
        colours = np.stack([lon_deg / 360, lat_deg / 180 + 0.5, 0 * lon_deg], axis=-1)
        return colours.astype(np.float32), (lat_deg > -60).astype(np.float32)


@pytest.mark.parametrize(
    ("frame", "order", "npix"),
    [("galactic", 0, 1), ("icrs", 0, 7), ("galactic", 1, 45), ("icrs", 4, 1357)],
)
def test_pixels_lie_where_the_reader_of_reproject_has_them(frame, order, npix):
    utils = pytest.importorskip("reproject.hips._utils")
    header = utils.tile_header(
        level=order, index=npix, frame=SkyCoord(0 * u.deg, 0 * u.deg, frame=frame).frame, tile_dims=512
    )
    header = header[0] if isinstance(header, tuple) else header
    x, y = RANDOM.integers(0, 512, (2, 50))
    said = WCS(header).pixel_to_world(x, y)
    lon, lat = tile_positions(order, npix, frame)
    ours = SkyCoord(lon[511 - y, x] * u.deg, lat[511 - y, x] * u.deg, frame="galactic")
    assert np.nanmax(said.separation(ours).deg) < 1e-4 * pixel_deg(order)


def test_pixels_are_numbered_as_our_own_reader_numbers_them():
    number = nested(512)[::-1].ravel()  # rows from the bottom, as the reader has them
    np.testing.assert_array_equal(number[places(9)], np.arange(512 * 512))


@pytest.mark.slow
def test_children_lie_in_the_quarters_of_their_parent():
    lon, lat = tile_positions(2, 77, "galactic")
    for child, rows, columns in zip(children(77), (0, 0, 256, 256), (0, 256, 0, 256), strict=True):
        at = tile_positions(3, child, "galactic")
        away = separation_deg(at[0][1, 1], at[1][1, 1], lon[rows, columns], lat[rows, columns])
        assert away < pixel_deg(2)


def test_a_tile_lies_within_its_radius():
    corners = (np.array([0.0, 0, 1, 1]), np.array([0.0, 1, 0, 1]))
    for order in range(5):
        cells = np.arange(12 << 2 * order)
        middle = healpix_to_lonlat(cells, 1 << order, order="nested")
        edge = healpix_to_lonlat(cells[:, None], 1 << order, *corners, order="nested")
        away = separation_deg(*(each.deg for each in edge), *(each.deg[:, None] for each in middle))
        assert tile_radius_deg(order) == pytest.approx(away.max(), rel=1e-6)


def test_the_order_follows_from_the_finest_detail():
    assert recommended_order(1.0) == recommended_order(0.1146) == 0
    assert recommended_order(0.114) == 1
    assert recommended_order(pixel_deg(7)) == 7
    assert order_of_spacing(0.75) == 0
    assert order_of_spacing(0.05) == 4


def test_a_region_needs_the_tiles_that_it_touches():
    assert tiles_of(ALL_SKY, 1, "galactic") == list(range(48))
    lon, lat = (angle.deg for angle in healpix_to_lonlat(np.arange(12 << 8), 16, order="nested"))
    for frame in ("galactic", "icrs"):
        away = REGION.distance_deg(*to_galactic(lon, lat, frame))
        chosen = tiles_of(REGION, 4, frame)
        assert set(np.flatnonzero(away <= REGION.radius_deg)) <= set(chosen)
        assert max(away[chosen]) <= REGION.radius_deg + tile_radius_deg(4)


def test_a_picture_tile_has_the_colours_of_the_sky_and_is_transparent_without_data():
    tile = PictureTiles(Longitudes()).tile(0, 8)
    lon, lat = tile_positions(0, 8, "galactic")
    np.testing.assert_array_equal(tile[..., 3] > 0, lat > -60)
    seen = lat > -60
    np.testing.assert_allclose(tile[seen, 0], lon[seen] / 360 * 255, atol=0.51)
    np.testing.assert_allclose(tile[seen, 1], (lat[seen] / 180 + 0.5) * 255, atol=0.51)
    assert not PictureTiles(Longitudes(), "galactic", REGION).tile(3, 5).any()


def test_each_pixel_has_the_number_of_the_nearest_tile_within_its_footprint():
    lon, lat = RANDOM.uniform(200, 215, 60), RANDOM.uniform(-25, -12, 60)
    footprints = [
        Footprint(*place, 1.5, 1.0, turn_deg=turn)
        for *place, turn in zip(lon.tolist(), lat.tolist(), range(0, 120, 2), strict=True)
    ]
    npix = tiles_of(Extent(207.0, -18.0, 0.1), 2, "icrs")[0]
    values = np.arange(60.0)
    values[7] = np.nan
    tile = NumberTiles(NearestRows(footprints, "icrs"), values).tile(2, npix)
    at_lon, at_lat = tile_positions(2, npix, "icrs")
    some = RANDOM.integers(0, 512, (2, 400))
    expected = []
    for place in zip(at_lon[tuple(some)], at_lat[tuple(some)], strict=True):
        nearest = int(np.argmin(separation_deg(lon, lat, *place)))
        inside = footprints[nearest].contains_deg(*map(np.asarray, place))
        expected.append(values[nearest] if inside else np.nan)
    np.testing.assert_array_equal(tile[tuple(some)], np.float32(expected))
    assert 0.02 < np.isfinite(tile).mean() < 0.9
    assert np.isnan(NumberTiles(NearestRows(footprints, "icrs"), values).tile(0, 7)).all()


@pytest.mark.slow
def test_rectangles_of_the_plate_carree_count_too():
    rows = NearestRows([Footprint(30.0, 40.0, 20.0, 10.0, "CAR"), Footprint(60.0, 40.0, 20.0, 10.0, "CAR")])
    found = rows.tile(0, 0)
    lon, lat = tile_positions(0, 0, "galactic")
    assert found is rows.tile(0, 0)
    for row, middle in enumerate((30, 60)):
        inside = (np.abs(lon - middle) < 9.9) & (np.abs(lat - 40) < 4.9)
        assert (found[inside] == row).all()
    assert (found[(np.abs(lat - 40) > 5.1)] == -1).all()


def test_a_fits_tile_is_read_by_astropy_and_by_our_own_reader():
    tile = RANDOM.random((512, 512)).astype(np.float32)
    tile[3, 4] = np.nan
    content = fits_tile_bytes(tile, 3, 412)
    with fits.open(io.BytesIO(content)) as hdus:
        hdus.verify("exception")
        assert (hdus[0].header["ORDER"], hdus[0].header["NPIX"]) == (3, 412)
        np.testing.assert_array_equal(hdus[0].data[::-1], tile)
    np.testing.assert_array_equal(read_tile(content, "Npix412.fits")[::-1, :, 0], tile)
    labels = np.full((512, 512), -32768, np.int16)
    labels[5, 6] = 4
    found = read_tile(fits_tile_bytes(labels, 0, 1), "Npix1.fits")[::-1, :, 0]
    assert found[5, 6] == 4
    assert np.isnan(found[6, 5])


def test_picture_tiles_keep_their_colours_and_their_top():
    tile = np.zeros((512, 512, 4), np.uint8)
    tile[:100] = (200, 30, 5, 255)
    kept = np.asarray(Image.open(io.BytesIO(png_bytes(tile))))
    np.testing.assert_array_equal(kept, tile)
    shown = np.asarray(Image.open(io.BytesIO(jpeg_bytes(tile)))).astype(int)
    assert np.abs(shown[50, 50] - (200, 30, 5)).max() < 4
    assert shown[300, 300].max() < 4


def test_means_leave_out_what_is_not_there_and_labels_are_picked():
    numbers = np.array([[1, 3, np.nan, np.nan], [np.nan, 5, np.nan, np.nan]], np.float32)
    np.testing.assert_array_equal(mean_numbers(numbers), np.float32([[3, np.nan]]))
    colours = np.zeros((2, 2, 4), np.uint8)
    colours[0] = [(10, 0, 0, 255), (20, 255, 0, 255)]
    np.testing.assert_array_equal(mean_colours(colours), [[(15, 128, 0, 255)]])
    labels = np.array([[-32768, 7], [9, 9]], np.int16)
    np.testing.assert_array_equal(picked_labels(labels), [[7]])


def test_an_allsky_is_read_back_tile_by_tile():
    blank = np.float32(np.nan)
    image = allsky(lambda npix: np.full((512, 512), npix, np.float32) if npix != 5 else None, 1, mean_numbers,
                   np.asarray(blank))  # fmt: skip
    cells = cells_of_allsky(fits_tile_bytes(image, 1, 0), "Norder1/Allsky.fits", 1)
    values, seen = cells.look_up(np.arange(48) << 12)
    expected = np.arange(48.0)
    expected[5] = 0
    np.testing.assert_array_equal(np.where(seen > 0, values[:, 0], 0), expected)


def test_properties_have_what_the_standard_wants_and_our_reader_reads_them():
    facts = HipsFacts(
        "orion", "Similarity to\nOrion\u202e", "galactic", 2, ("fits", "png"), REGION, 0.0021, (-0.1, 0.9),
        "R", credits=("Blobs 2026", "WHAM"),
    )  # fmt: skip
    text = properties_text(facts)
    said = dict(line.split("=", 1) for line in text.splitlines())
    said = {key.strip(): value.strip() for key, value in said.items()}
    assert said["obs_title"] == "Similarity to Orion"
    assert said["hips_frame"] == "galactic"
    assert said["hips_pixel_cut"] == "-0.1 0.9"
    assert said["hips_tile_format"] == "fits png"
    centre = SkyCoord(209 * u.deg, -19 * u.deg, frame="galactic").icrs
    assert float(said["hips_initial_ra"]) == pytest.approx(centre.ra.deg, abs=1e-5)
    assert float(said["hips_initial_dec"]) == pytest.approx(centre.dec.deg, abs=1e-5)
    read = HipsProperties.parse(text, "orion")
    assert (read.order_min, read.order, read.width, read.format) == (0, 2, 512, "fits")
    assert (read.frame, read.unit, read.sky_fraction) == ("galactic", "R", 0.0021)


def test_the_coverage_is_equatorial_and_holds_every_cell():
    cells = np.array(tiles_of(REGION, 5, "galactic"))
    moc = moc_of_cells(cells, 5, "galactic")
    lon, lat = np.array([tile_centre(5, cell, "galactic") for cell in cells]).T
    centres = SkyCoord(lon * u.deg, lat * u.deg, frame="galactic").icrs
    assert moc.contains_skycoords(centres).all()
    assert len(cells) / (12 * 4**5) <= moc.sky_fraction < 2 * len(cells) / (12 * 4**5)
    with fits.open(io.BytesIO(moc_bytes(moc))) as hdus:
        assert hdus[1].header["COORDSYS"] == "C"
        assert MOC.from_fits(io.BytesIO(moc_bytes(moc))) == moc
    assert moc_of_cells(np.arange(48), 1, "galactic").sky_fraction == 1.0

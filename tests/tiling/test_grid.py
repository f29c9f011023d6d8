"""Grids of tiles: they cover the sphere."""

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from hypothesis import given, settings
from hypothesis import strategies as st

from skykin.core.area import SkyBox
from skykin.core.errors import SkyError, UsageError
from skykin.core.extent import Extent
from skykin.tiling.grid import SAFE_SPACING, healpix_grid, plate_carree_grid, tile_grid

GRIDS = {
    "healpix": healpix_grid(15, 7.5),
    "plate carrée": plate_carree_grid(20, 10),
    "coarse healpix": healpix_grid(60, 30),
    "few rectangles": plate_carree_grid(50, 50),
}


@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS.keys())
def test_the_tiles_cover_the_sphere_without_holes(grid):
    rng = np.random.default_rng(5)
    lon, lat = rng.uniform(0, 360, 4000), np.degrees(np.arcsin(rng.uniform(-1, 1, 4000)))
    lon = np.append(lon, [0, 360, 0, 359.99999, 12])
    lat = np.append(lat, [0, 0, 90, -90, -89.9999])
    place = SkyCoord(lon * u.deg, lat * u.deg, frame="galactic")
    covered = np.zeros(len(lon), bool)
    for footprint in grid.footprints:
        covered |= footprint.contains(place)
    assert covered.all()


@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS.keys())
def test_the_centres_stand_for_the_whole_sky(grid):
    assert grid.area.sum() == pytest.approx(1, abs=1e-12)
    assert (grid.area > 0).all()
    assert len(grid.area) == len(grid)


def test_a_quarter_of_fifteen_degrees_asks_for_nside_16():
    grid = healpix_grid(15, 3.75)
    assert (grid.nside, len(grid)) == (16, 3072)
    assert grid.spacing_deg == pytest.approx(3.665, abs=1e-3)


def test_the_plate_carree_grid_is_turned_onto_itself_by_one_column():
    grid = plate_carree_grid(20, 10)
    lon, lat = grid.centers()
    turned = {(round((x + 10) % 360, 9), round(y, 9)) for x, y in zip(lon, lat, strict=True)}
    assert turned == {(round(x, 9), round(y, 9)) for x, y in zip(lon, lat, strict=True)}


def test_tiles_too_small_for_their_spacing_are_refused():
    with pytest.raises(UsageError, match=r"tiles of 4° about 4° apart leave gaps .* use --spacing"):
        healpix_grid(4, 4)


def test_more_tiles_than_fit_into_memory_are_refused():
    with pytest.raises(UsageError, match=r"gives about 1\.3e\+07 tiles, but 4,000,000 is the limit"):
        healpix_grid(5, 0.1)


@settings(max_examples=30)
@given(st.floats(2, 80))
@pytest.mark.slow
def test_a_spacing_of_the_advised_share_never_leaves_holes(width):
    assert len(healpix_grid(width, SAFE_SPACING * width)) >= 12


def test_a_box_keeps_the_tiles_centred_in_it_over_longitude_zero():
    lon, lat = healpix_grid(15, 7.5).within(SkyBox(350, 10, -10, 10)).centers()
    assert ((lon >= 350) | (lon <= 10)).all()
    assert (abs(lat) <= 10).all()
    assert len(lon) > 3


def test_a_box_without_a_tile_is_refused():
    with pytest.raises(
        SkyError, match="no tile is centred in longitudes 1° to 1.1°, latitudes 50° to 50.1°; choose a larger"
    ):
        healpix_grid(15, 7.5).within(SkyBox(1, 1.1, 50, 50.1))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1,2,3", "has 3 numbers, not four"),
        ("a,b,c,d", "is not four numbers"),
        ("0,360,10,-10", "latitudes from 10° to -10° hold no sky"),
        ("5,5,-10,10", "longitudes from 5° to 5° hold no sky"),
        ("0,nan,0,1", "the edge of an area lon_max_deg is 'nan', but it must be a finite angle"),
    ],
)
def test_an_impossible_box_is_refused_in_one_sentence(text, sentence):
    with pytest.raises(UsageError, match=sentence):
        SkyBox.parse(text)


def test_a_box_of_360_degrees_takes_every_longitude():
    assert SkyBox.parse("0,360,-90,90").contains(np.array([0.0, 200.0, 360.0]), np.zeros(3)).all()


def test_a_part_of_the_sky_has_the_tiles_of_the_whole_sky_that_are_centred_there():
    extent = Extent(205.0, -18.0, 9.0)
    for kind in ("healpix", "plate-carree"):
        whole, part = tile_grid(kind, 10, 3), tile_grid(kind, 10, 3, extent)
        kept = whole.keep(extent.contains(*whole.centers()))
        assert part.footprints == kept.footprints
        np.testing.assert_allclose(part.area, kept.area)
        assert part.pixels is None or (part.pixels == kept.pixels).all()


def test_tiles_of_a_tenth_of_a_degree_cover_a_small_survey_without_the_rest_of_the_sky():
    grid = healpix_grid(0.1, 0.025, Extent(158.07, -21.54, 0.5))
    assert grid.nside == 4096
    assert len(grid) == pytest.approx(np.pi * 0.5**2 / grid.spacing_deg**2, rel=0.05)
    lon, lat = grid.centers()
    inside = np.hypot((lon - 158.07) * np.cos(np.radians(lat)), lat + 21.54)
    assert inside.max() < 0.501


def test_an_extent_between_the_centres_of_tiles_is_refused():
    with pytest.raises(SkyError, match="no tile is centred within 0.01° of l=10.00°"):
        healpix_grid(10, 3, Extent(10, 10, 0.01))

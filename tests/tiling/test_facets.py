"""Tests of the facets that share out the sphere."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from scipy.spatial import cKDTree

from skykin.core.area import SkyBox
from skykin.core.errors import SkyError, UsageError
from skykin.core.extent import Extent
from skykin.core.footprint import Footprint
from skykin.core.sphere import directions
from skykin.tiling.facets import SCALE_BOUND, TURN_BOUND_DEG, facet_grid, facets
from skykin.tiling.grid import cut


class Ripples:
    """Colours that are smooth on the sphere and have no pole and no seam."""

    def colours(self, lon_deg, lat_deg):
        v = directions(*np.broadcast_arrays(lon_deg, lat_deg))
        rgb = 0.5 + 0.5 * np.sin(np.stack([21 * v[..., 0], 17 * v[..., 1], 25 * v[..., 2]], axis=-1))
        return rgb.astype(np.float32), np.ones(rgb.shape[:-1], np.float32)


def _degrees(chord):
    return np.degrees(2 * np.arcsin(chord / 2))


@pytest.fixture(scope="module")
def sphere():
    return facets(15, 3.75, 128)


def test_the_tiles_of_all_facets_cover_the_sphere_without_holes(sphere):
    grid = facet_grid(sphere)
    rng = np.random.default_rng(1)
    lon, lat = rng.random(50_000) * 360, np.degrees(np.arcsin(rng.random(50_000) * 2 - 1))
    distance, _ = cKDTree(directions(*grid.centers())).query(directions(lon, lat))
    # Inside a square lattice no point is farther than 0.71 spacings; where two meet, it may be.
    assert _degrees(distance.max()) < 1.2 * grid.spacing_deg
    assert grid.area.sum() == pytest.approx(1, abs=1e-12)
    assert grid.spacing_deg == pytest.approx(3.75)


def test_every_tile_belongs_to_one_facet_and_lies_nearer_no_other_than_a_spacing(sphere):
    grid = facet_grid(sphere)
    tree = cKDTree(directions(*grid.centers()))
    pairs = tree.query_pairs(1e-6)
    assert not pairs
    assert len(grid) == sum(int(facet.own.sum()) for facet in sphere)


def test_scale_and_direction_stay_within_the_stated_bounds(sphere):
    for footprint in facet_grid(sphere).footprints:
        assert abs(footprint.width_deg / 15 - 1) < SCALE_BOUND + 0.006  # a tile's own curvature on top
        if abs(footprint.lat_deg) < 75:
            assert abs(footprint.turn_deg) < TURN_BOUND_DEG


def test_a_tile_read_from_a_facet_shows_what_its_footprint_shows(sphere):
    halo = 16
    for facet in (sphere[0], sphere[3], sphere[25], sphere[-1]):
        whole = facet.picture(Ripples(), halo)
        rows, columns = np.nonzero(facet.own)
        for number in (0, len(rows) // 2, len(rows) - 1):
            top, left = halo + rows[number] * facet.spacing, halo + columns[number] * facet.spacing
            tile = whole.rgb[top : top + 128, left : left + 128]
            own = cut(Ripples(), facet.footprints()[number], 128).rgb
            assert np.abs(tile - own).max() < 0.06
            assert np.abs(tile[48:80, 48:80] - own[48:80, 48:80]).max() < 0.004


def test_a_turned_footprint_agrees_with_its_wcs_and_contains_its_corners():
    footprint = Footprint(120.0, 62.0, 12.0, 8.0, turn_deg=33.0)
    lon, lat = footprint.pixel_positions((8, 12))
    world = footprint.wcs((8, 12)).pixel_to_world(*np.meshgrid(np.arange(12), np.arange(8)))
    there = SkyCoord(lon * u.deg, lat * u.deg, frame="galactic")
    assert world.separation(there).deg.max() < 1e-9
    assert footprint.contains(there).all()
    inner = SkyCoord(120 * u.deg, 62.1 * u.deg, frame="galactic")
    up = SkyCoord(lon[0, 5:7].mean() * u.deg, lat[0, 5:7].mean() * u.deg, frame="galactic")
    assert footprint.contains(inner)
    assert footprint.center.position_angle(up).deg == pytest.approx(33.0, abs=0.5)
    with pytest.raises(ValueError, match="a CAR footprint cannot be rotated by 33°"):
        Footprint(0, 0, 10, projection="CAR", turn_deg=33)


def test_an_area_needs_only_the_facets_that_show_it(sphere):
    box = SkyBox(350, 20, -12, 8)
    found = facets(15, 3.75, 128, box)
    inside = facet_grid(sphere).within(box)
    assert len(found) <= 2
    assert set(facet_grid(found).footprints) == set(inside.footprints)
    assert facet_grid(found).area.sum() == pytest.approx(inside.area.sum())


def test_what_facets_cannot_be_is_refused_with_the_way_out():
    for step in (16, 8):
        with pytest.raises(
            UsageError, match=f"multiple of {step} pixels for this recipe, not 100; use --pixels 96, or"
        ):
            facets(15, 3.75, 100, step=step)
    with pytest.raises(
        UsageError,
        match="spacing of 1° is 8.5 pixels, .* use --spacing 1.88 or more, more --pixels, or, for a map,",
    ):
        facets(15, 1, 128)
    with pytest.raises(UsageError, match="needs 8; use --spacing 0.938 or more, more --pixels"):
        facets(15, 0.9, 128, step=8)
    with pytest.raises(SkyError, match="no tile 3.8° from the next is centred in the area; choose a larger"):
        facets(15, 3.75, 128, SkyBox(10, 10.01, 40, 40.01))


def test_a_survey_of_a_small_part_of_the_sky_gets_one_facet_about_its_middle():
    extent = Extent(123.4, -31.0, 3.0)
    (facet,) = facets(1.5, 0.375, 64, extent=extent)
    assert (facet.lon_deg, facet.lat_deg) == (123.4, -31.0)
    grid = facet_grid((facet,))
    lon, lat = grid.centers()
    assert extent.contains(lon, lat).all()
    assert grid.spacing_deg == pytest.approx(0.375, rel=1e-3)
    # Every place of the survey is in a tile, and the tiles stand for the survey's share of the sphere.
    tree = cKDTree(directions(lon, lat))
    rng = np.random.default_rng(2)
    away, around = 3 * np.sqrt(rng.random(2000)), rng.random(2000) * 2 * np.pi
    place = SkyCoord(123.4 * u.deg, -31 * u.deg).directional_offset_by(around * u.rad, away * u.deg)
    distance, _ = tree.query(directions(place.ra.deg, place.dec.deg))
    assert _degrees(distance.max()) < 1.1 * 0.375
    assert grid.area.sum() == pytest.approx(np.sin(np.radians(1.5)) ** 2)
    assert all(abs(f.width_deg / 1.5 - 1) < 0.002 and abs(f.turn_deg) < 5 for f in grid.footprints)


def test_larger_surveys_and_those_about_a_pole_get_the_facets_that_touch_them(sphere):
    for extent in (Extent(350, 20, 60), Extent(0, 88, 8), Extent(200, -60, 30)):
        some = facets(15, 3.75, 128, extent=extent)
        assert 1 <= len(some) < len(sphere)
        lon, lat = facet_grid(sphere).centers()
        inside = extent.contains(lon, lat)
        found = facet_grid(some)
        every = facet_grid(sphere).footprints
        assert set(found.footprints) == {each for each, kept in zip(every, inside, strict=True) if kept}
    # Only facets near the survey are thought of, however fine the grid.
    assert len(facets(0.02, 0.01, 32, SkyBox(39.9, 40.1, 9.9, 10.1), Extent(40, 10, 20))) < 9


def test_squares_of_cells_lie_where_the_tiles_made_of_them_lie(sphere):
    facet = sphere[7]
    rows, columns = np.nonzero(facet.own)
    prints = facet.square_footprints(facet.tile, facet.spacing, rows, columns)
    for one, other in zip(prints, facet.footprints(), strict=True):
        assert one.center.separation(other.center).deg < 1e-9
        assert (one.width_deg, one.turn_deg) == pytest.approx((other.width_deg, other.turn_deg))
    lon, lat = facet.square_centers(16, 16, *np.indices(tuple(side // 16 for side in facet.shape)))
    assert facet.home.contains(lon, lat).any()
    owners = sum(f.home.contains(lon, lat).astype(int) for f in sphere)
    assert (owners == 1).all()

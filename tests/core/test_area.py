"""Areas of the sky: what can be given, and what lies inside."""

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from mocpy import MOC
from regions import (
    CircleSkyRegion,
    EllipseSkyRegion,
    LineSkyRegion,
    PolygonSkyRegion,
    RectangleSkyRegion,
    Regions,
)

import skykin
from skykin.core.area import AreaUnion, SkyBox, read_area
from skykin.core.errors import SkyError, UsageError
from skykin.core.settings import MapSettings
from skykin.jobs.streamed import facets_of, grid_of
from skykin.style.recipe import recipe
from skykin.tiling.facets import facet_grid
from tests.skies import blob_survey

RANDOM = np.random.default_rng(0)
LON = RANDOM.uniform(0, 360, 4000)
LAT = np.degrees(np.arcsin(RANDOM.uniform(-1, 1, 4000)))
SKY = SkyCoord(LON, LAT, unit="deg", frame="galactic")
ORION = SkyCoord(209, -19.4, unit="deg", frame="galactic")
CORNERS = SkyCoord([199, 219, 219, 199], [-29, -29, -9, -9], unit="deg", frame="galactic")
BOX = SkyBox(190, 225, -30, 0)


@pytest.mark.parametrize(
    "given",
    [
        "190,225,-30,0",
        [190, 225, -30, 0],
        (190 * u.deg, 225 * u.deg, -0.5235987755982988 * u.rad, 0),
        [190, 225, -30, 0] * u.deg,
        np.array([190, 225, -30, 0]),
        BOX,
        {"lon_min_deg": 190, "lon_max_deg": 225, "lat_min_deg": -30, "lat_max_deg": 0},
    ],
)
def test_a_box_may_be_text_four_numbers_or_quantities(given):
    area = MapSettings(area=given).area
    assert [area.lon_min_deg, area.lon_max_deg, area.lat_min_deg, area.lat_max_deg] == pytest.approx(
        [190, 225, -30, 0]
    )


def test_four_numbers_give_the_tiles_of_the_same_text():
    survey = blob_survey(nside=8)
    chosen = recipe("mean-std")
    for area in ([190, 225, -30, 0], "190,225,-30,0"):
        settings = MapSettings(survey=survey, area=area, tile_size=15, spacing=7.5, pixels=32)
        grid, pieces = grid_of(settings, survey), facet_grid(facets_of(settings, chosen, survey))
        for tiles in (grid, pieces):
            lon, lat = tiles.centers()
            assert ((lon >= 190) & (lon <= 225) & (lat >= -30) & (lat <= 0)).all()
        assert (len(grid), len(pieces)) == (21, 20)


@pytest.mark.parametrize("engine", ["tiles", "shared"])
@pytest.mark.slow
def test_a_map_is_confined_to_four_numbers_as_to_text_and_says_so(engine):
    how = {"survey": blob_survey(), "tile_size": 30, "spacing": 15, "pixels": 32, "recipe": "mean-std"}
    by_text, by_list = (
        skykin.map(**how, engine=engine, area=area) for area in ("180,240,-45,10", [180, 240, -45, 10])
    )
    assert len(by_list.tiles) == len(by_text.tiles) < 30
    np.testing.assert_array_equal(by_list.tiles["lon"], by_text.tiles["lon"])
    np.testing.assert_array_equal(by_list.tiles["score"], by_text.tiles["score"])
    told = {"lon_min_deg": 180.0, "lon_max_deg": 240.0, "lat_min_deg": -45.0, "lat_max_deg": 10.0}
    assert by_list.provenance.grid["area"] == by_text.provenance.grid["area"] == told


def test_a_coverage_map_holds_what_mocpy_says():
    moc = MOC.from_cone(ORION.icrs.ra, ORION.icrs.dec, radius=20 * u.deg, max_depth=9)
    area = read_area(moc)
    np.testing.assert_array_equal(area.contains(LON, LAT), moc.contains_skycoords(SKY.icrs))
    assert area.contains(np.array([[209.0]]), np.array([[-19.4]])).tolist() == [[True]]
    assert area.share == pytest.approx((1 - np.cos(np.radians(20))) / 2, rel=0.01)
    assert area.extent().distance_deg(209, -19.4) < 0.5
    assert 20 < area.extent().radius_deg < 22
    assert area == read_area(area.to_dict()) == MapSettings(area=area).area
    assert hash(area) == hash(read_area(area.to_dict()))
    assert repr(area) == "<MocArea: a MOC of 0.0304 of the sky>"


@pytest.mark.parametrize(
    ("shape", "inside"),
    [
        (CircleSkyRegion(ORION, 20 * u.deg), SKY.separation(ORION) < 20 * u.deg),
        (EllipseSkyRegion(ORION, 40 * u.deg, 40 * u.deg), SKY.separation(ORION) < 20 * u.deg),
        (PolygonSkyRegion(CORNERS), (abs(LON - 209) < 10) & (LAT > -29) & (LAT < -9)),
        (RectangleSkyRegion(ORION, 20 * u.deg, 20 * u.deg), (abs(LON - 209) < 10.5) & (abs(LAT + 19.4) < 10)),
    ],
)
def test_sky_regions_become_areas(shape, inside):
    found = read_area(shape).contains(LON, LAT)
    assert inside.sum() > 20
    # Edges are great circles in one and circles of latitude in the other.
    assert np.mean(found != inside) < 0.002
    np.testing.assert_array_equal(found, read_area(Regions([shape])).contains(LON, LAT))


def test_several_areas_are_one():
    both = AreaUnion(
        (BOX, read_area(CircleSkyRegion(SkyCoord(80, 0, unit="deg", frame="galactic"), 5 * u.deg)))
    )
    assert both.contains(np.array([200.0, 80.0, 300.0]), np.array([-10.0, 1.0, 0.0])).tolist() == [1, 1, 0]
    assert read_area(both.to_dict()) == both
    assert read_area({"any_of": [both.to_dict(), BOX.to_dict()]}).parts == (*both.parts, BOX)
    assert (both.extent().is_all_sky, AreaUnion((BOX,)).extent()) == (True, BOX.extent())
    assert str(both).startswith("longitudes 190° to 225°, latitudes -30° to 0°; a MOC of 0.0019")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ([190, 225, -30], r"the area '\[190, 225, -30\]' has 3 numbers, not four; use lon_min,lon_max"),
        (
            [190, 225, -30, "b"],
            "the edge of an area lat_max_deg is 'b', but it must be a finite angle",
        ),
        ([0, 10, 5, 5], "latitudes from 5° to 5° hold no sky"),
        (MOC.new_empty(5), "the area is an empty MOC, which holds no sky"),
        ({"moc": "one"}, "the MOC 'one' cannot be read; write it as order/cells, such as 6/18079 18101"),
        ({"moc": "30/20613"}, "the MOC '30/20613' cannot be read; write it as order/cells"),
        ({"moc": "12/2692 28776-809"}, "the MOC '12/2692 28776-809' cannot be read"),
        ({"lon": 1}, "there is no edge of an area called 'lon'; did you mean lon_min_deg or lon_max_deg\\?"),
        (Regions([]), "the area is a list of no regions; give at least one"),
        (LineSkyRegion(ORION, ORION), "the area holds a 'LineSkyRegion', which has no area on the sky"),
        (3 * u.deg, "area is '3.0 deg', but it must be lon_min,lon_max"),
        ({1, 2, 3, 4}, r"area is '\{1, 2, 3, 4\}', but it must be lon_min,lon_max"),
    ],
)
def test_what_is_no_area_is_refused_in_one_sentence(given, sentence):
    with pytest.raises(UsageError, match=sentence):
        MapSettings(area=given)


def test_an_area_between_the_tiles_is_refused_by_its_name():
    survey = blob_survey(nside=8)
    tiny = MapSettings(
        area=MOC.from_cone(10 * u.deg, 40 * u.deg, radius=0.01 * u.deg, max_depth=16), spacing=7
    )
    with pytest.raises(SkyError, match="no tile is centred in a MOC of .* of the sky; choose a larger area"):
        grid_of(tiny, survey)


def test_a_small_region_is_placed_to_a_tenth_of_its_size():
    area = read_area(CircleSkyRegion(SkyCoord(209, -19, unit="deg", frame="galactic"), 30 * u.arcsec))
    extent = area.extent()
    assert extent.distance_deg(209, -19) * 3600 < 3
    assert 30 < extent.radius_deg * 3600 < 36

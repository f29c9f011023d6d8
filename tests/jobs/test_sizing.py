"""Tests of the size of tiles on an image of one's own."""

import re

import numpy as np
import pytest

from skykin.core.errors import SkyError, UsageError
from skykin.core.extent import Extent
from skykin.core.progress import SilentProgress
from skykin.core.settings import MapSettings
from skykin.jobs.left_out import left_out
from skykin.jobs.query import read_query
from skykin.jobs.sizing import about_objects, covered_deg2, reference_facts, sized, suited, tile_about
from skykin.style.recipe import recipe
from skykin.survey.open import open_survey
from skykin.tiling.facets import facet_grid, facets
from skykin.tiling.grid import healpix_grid
from tests.hostile.fits_files import image_bytes, write

CHOSEN = recipe("core-contrast")


class Listener(SilentProgress):
    def __init__(self):
        self.heard = []

    def say(self, text):
        self.heard.append(text)


@pytest.fixture(scope="module")
def plate(tmp_path_factory):
    """64 pixels of 0.01°: 0.64° a side."""
    content = image_bytes(CDELT1=-0.01, CDELT2=0.01, BMAJ=0.01)
    return open_survey(write(tmp_path_factory.mktemp("plate"), "plate", content))


def test_the_area_of_an_image_is_measured(plate):
    assert covered_deg2(plate) == pytest.approx(0.64**2, rel=0.03)


def test_without_a_size_thirty_independent_tiles_are_left(plate):
    listener = Listener()
    found = sized(suited(MapSettings(), CHOSEN), plate, CHOSEN, listener)
    assert found.tile_size_deg == pytest.approx(0.64 / 42**0.5, rel=0.05)
    assert found.spacing_deg == pytest.approx(found.tile_size_deg / 8)
    # A reference and the tiles that overlap it, √2 tiles about it, take π / 4 × 8 tiles at most.
    assert 0.64**2 / found.tile_size_deg**2 - 6.3 > 30
    assert listener.heard == [
        "note: plate.fits covers 1450 arcmin²; tiles are 5.88′ wide, as is a reference without a size of its "
        "own: 9.8 beams, 9.8 pixels of the image; 42 of them lie side by side"
    ]


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        (
            "l1251",
            "L1251 is 42′ wide: 70 beams, 70 pixels of the image, 7.1 tiles; the survey is too small for it",
        ),
        (
            "b33",
            "Horsehead Nebula is 6′ wide: 10 beams, 10 pixels of the image, 1 tiles; use --object-size 0.1 ",
        ),
        ("209,-19", "l=209.00 b=-19.00 has no size of its own: it is as large as a tile, 5.88′"),
    ],
)
def test_a_reference_is_told_in_beams_pixels_and_tiles(plate, reference, told):
    (example,) = read_query(reference).references
    assert told in reference_facts(example, plate, 0.098, covered_deg2(plate))
    small = read_query("b33", width=0.005).references[0]
    assert "hardly resolves it, and shows structure from 1.2′ on" in reference_facts(small, plate, 0.1, 0.4)
    wide = read_query("b33", width=0.04).references[0]
    assert reference_facts(wide, plate, 0.098, 0.4).endswith("0.41 tiles, which suits")


def test_an_object_sets_the_size_of_the_tiles():
    assert tile_about('30"', None) == pytest.approx(90 / 3600)
    assert tile_about(None, 6) == 6
    with pytest.raises(UsageError, match=r"a tile size \('6'\) and an object size \('30.'\), .* 1.5′, were"):
        tile_about('30"', 6)


def test_a_region_sets_the_size_of_the_tiles_and_is_seen_with_its_surroundings(plate, tmp_path):
    file = tmp_path / "object.reg"
    file.write_text('galactic\ncircle(209,-19,90")\n')
    asked, query = suited(MapSettings(), CHOSEN), read_query(str(file))
    listener = Listener()
    found = sized(asked, plate, CHOSEN, listener, query.references)
    assert found.tile_size_deg == pytest.approx(3 * 180 / 3600, rel=0.1)
    assert re.search(
        r"; the reference object.reg is 3.\d+′ wide: 5.\d+ beams, 5.\d+ pixels", listener.heard[0]
    )
    about = about_objects(query, asked, plate, CHOSEN).for_tiles(found.tile_size_deg).references[0]
    assert about.region is None
    assert about.footprint.width_deg == found.tile_size_deg
    # Texture has no surroundings, and a size that was given is kept.
    assert about_objects(query, asked, plate, recipe("covariance")) is query
    assert about_objects(query, MapSettings(tile_size=0.1), plate, CHOSEN) is query


def test_an_object_larger_than_the_image_is_refused_in_one_sentence(plate):
    asked = MapSettings(tile_size=tile_about(0.5, None))
    with pytest.raises(
        SkyError,
        match=r"^a tile of 1.5°, which shows an object of 30′ with what is around it, is larger than "
        r"plate.fits \(38.1′ × 38.1′\); look for something smaller, or in a larger image$",
    ):
        sized(suited(asked, CHOSEN), plate, CHOSEN, SilentProgress())


def test_too_few_tiles_are_said_with_the_way_out(plate):
    listener = Listener()
    sized(suited(MapSettings(tile_size=0.3), CHOSEN), plate, CHOSEN, listener)
    way_out = "4 of them lie side by side; too few to tell p and q well; use --tile-size 0.098 or less"
    assert way_out in listener.heard[0]


def test_positions_beside_an_image_are_no_tiles_left_out(plate):
    grid = healpix_grid(0.1, 0.03, plate.extent)
    lon, lat = grid.centers()
    scored = plate.sample(lon, lat)[1] > 0
    assert (~scored).sum() > 100
    assert left_out(plate, grid, scored) == 0
    hole = Extent(209, -19, 0.05).contains(lon, lat)
    assert hole.sum() > 5
    assert left_out(plate, grid, scored & ~hole) == hole.sum()
    assert left_out(plate, grid, np.arange(len(lon)) == 0) == scored.sum()


def test_every_row_of_a_table_is_a_reference(tmp_path):
    file = tmp_path / "refs.csv"
    file.write_text("name,ra,dec\nhead,85.2458,-2.4583\nother,85.5,-2.3\n")
    query = read_query([str(file), "carina"])
    assert [each.name for each in query.references] == ["head", "other", "Carina Nebula"]
    assert query.references[0].footprint.lon_deg == pytest.approx(206.95, abs=0.01)
    assert not query.references[0].sized
    assert read_query("carina", unlike=str(file), width=2).unlike[0].footprint.width_deg == 2
    rows = "".join(f"{i},{i / 10}\n" for i in range(101))
    file.write_text(f"l,b\n{rows}")
    with pytest.raises(UsageError, match="101 references were given, but at most 100 can be combined"):
        read_query(str(file))


def test_halves_of_a_facet_hold_its_tiles_in_the_same_order():
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr("skykin.tiling.facets.LEAST_HALVED", 1000)
        (whole,) = facets(0.1, 0.0125, 64, None, Extent(209, -19, 0.5), step=8)
    halves = facets(0.1, 0.0125, 64, None, Extent(209, -19, 0.5), step=8)
    assert [each.own.sum() for each in halves] == [whole.own[:39].sum(), whole.own[39:].sum()]
    lon, lat = facet_grid((whole,)).centers()
    other_lon, other_lat = facet_grid(halves).centers()
    np.testing.assert_allclose(other_lon, lon, atol=1e-9)
    np.testing.assert_allclose(other_lat, lat, atol=1e-9)
    small = facets(0.3, 0.0375, 64, None, Extent(209, -19, 0.5), step=8)[0]
    assert small.halves() == (small,)

"""Tests of a map as it is handed to a user: shown, written, read back."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from astropy import units as u
from PIL import Image

import skykin
from skykin.core.errors import CorruptFileError, InputRefusedError, UsageError
from skykin.products.summarised import write_summary
from skykin.products.tile_table import write_ecsv
from tests import kinds


def inlined_pictures(page):
    """Pictures that an HTML page holds, opened."""
    found = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    return [Image.open(io.BytesIO(base64.b64decode(each))) for each in found]


def test_twenty_tiles_have_a_repr_of_one_line():
    found = kinds.made_up_result(kinds.healpix_footprints()[:20])
    assert repr(found) == (
        "<SkyMap of Made-up Hα sky: 20 tiles of 15° by similarity to Orion, 0 match (score 0.9 or more)>"
    )
    for part in (found.scored, found.query, found.summary, found.provenance, found.query.references[0]):
        assert len(repr(part)) < 300, part
        assert "\n" not in repr(part)


def test_long_names_do_not_make_a_long_repr():
    references = tuple((f"a cloud with a long name, number {i}", found) for i, found in
                       enumerate(kinds.healpix_footprints()[:30]))  # fmt: skip
    found = kinds.made_up_result(query=kinds.query(*references), title="survey " * 50)
    assert len(repr(found)) < 300


@pytest.mark.slow
def test_a_map_shows_itself_with_its_picture_and_rounded_numbers(made):
    page = made.map._repr_html_()
    (picture,) = inlined_pictures(page)
    assert picture.size == (960, 576)
    assert len(page) < 400_000
    assert "<h3>Similarity to l=209.00 b=-19.00 in Survey of blobs</h3>" in page
    assert f"<p>{len(made.map.tiles)} tiles were scored." in page
    best = made.map.best(1)[0]
    row = page[page.index(str(best["name"])) :]
    assert f"<td>{best['lon'].value:.2f}</td>" in row
    assert f"<td>{best['ra'].value:.2f}</td>" in row
    assert f"<td>{best['score']:.3g}</td>" in row
    assert not re.search(r"\d\.\d{5,}", page.split("<table>")[1].split("</table>")[0])


@pytest.mark.slow
def test_a_map_whose_survey_is_gone_still_shows_its_scores(made):
    read = skykin.SkyMap.read(made.folder / "map")
    assert len(inlined_pictures(read._repr_html_())) == 1


def test_a_map_that_was_read_is_the_map_that_was_written(made):
    read = skykin.SkyMap.read(made.folder / "map")
    order = np.argsort(made.map.tiles["rank"])
    assert read.tiles.colnames == made.map.tiles.colnames
    for name in made.map.tiles.colnames:
        mine, theirs = made.map.tiles[name][order], read.tiles[name]
        assert getattr(mine, "unit", None) == getattr(theirs, "unit", None), name
        np.testing.assert_array_equal(np.asarray(mine), np.asarray(theirs), name)
    assert read.footprints == tuple(made.map.footprints[i] for i in order)
    assert read.query == made.map.query
    assert read.cut == made.map.cut
    assert read.survey == made.map.survey
    assert read.provenance.to_dict() == made.map.provenance.to_dict()
    assert read.summary.to_dict() == made.map.summary.to_dict()
    assert read.sentences() == made.map.sentences()
    assert read.n_independent == made.map.n_independent
    assert repr(read) == repr(made.map)
    assert list(read.best(3)["name"]) == list(made.map.best(3)["name"])
    assert list(read.regions["score"]) == pytest.approx(list(made.map.regions["score"]), nan_ok=True)


def test_pictures_of_a_map_that_was_read_come_from_its_survey(made):
    read = skykin.SkyMap.read(made.folder / "map", survey=made.survey)
    np.testing.assert_array_equal(read.pictures.best[0].rgb, made.map.pictures.best[0].rgb)
    np.testing.assert_array_equal(read.pictures.references[0].rgb, made.map.pictures.references[0].rgb)
    with pytest.raises(UsageError, match="'blobs' was an object in memory, which settings cannot bring back"):
        _ = skykin.SkyMap.read(made.folder / "map").pictures
    other = kinds_of_survey_with_another_hash()
    with pytest.raises(UsageError, match=r"sha256 0{12}…, but 'Survey of blobs' now has 1{12}…; give the"):
        _ = skykin.SkyMap.read(made.folder / "map", survey=other).pictures


def kinds_of_survey_with_another_hash():
    from dataclasses import replace

    from skykin.core.provenance import Source
    from tests.skies import blob_survey

    survey = blob_survey()
    return replace(survey, about=replace(survey.about, source=Source("blobs.fits", "1" * 64)))


def test_a_map_that_was_read_is_written_again_alike(made, tmp_path):
    read = skykin.SkyMap.read(made.folder / "map")
    write_ecsv(read, tmp_path / "tiles.ecsv")
    write_summary(read, tmp_path / "summary.json")
    for name in ("tiles.ecsv", "summary.json"):
        assert (tmp_path / name).read_bytes() == (made.folder / "map" / name).read_bytes(), name


def test_what_is_no_map_is_refused(made, tmp_path):
    with pytest.raises(InputRefusedError, match=r"has no tiles.ecsv and no summary.json"):
        skykin.SkyMap.read(tmp_path)
    for name in ("tiles.ecsv", "summary.json"):
        (tmp_path / name).write_bytes((made.folder / "map" / name).read_bytes()[:5000])
    with pytest.raises(CorruptFileError, match=r"cannot be read \(JSONDecodeError\); make them again with"):
        skykin.SkyMap.read(tmp_path)


def test_tiles_of_facets_tell_their_turn(made):
    tiles = made.map.tiles
    assert tiles["turn"].unit == u.deg
    assert [each.turn_deg for each in made.map.footprints] == list(tiles["turn"].value)
    assert np.abs(tiles["turn"].value).max() > 1
    found = made.index.search("209,-19")
    assert [each.turn_deg for each in found.footprints] == list(found.tiles["turn"].value)
    written = skykin.SkyMap.read(made.folder / "map").tiles["turn"].info
    assert written.description.startswith("Angle from Galactic north to the upward side of the tile")
    assert written.meta["ucd"] == "pos.posAng"


def test_a_map_knows_where_its_tiles_are_in_both_frames(made):
    tiles, where = made.map.tiles, made.map.coordinates
    assert where.frame.name == "galactic"
    np.testing.assert_allclose(where.icrs.ra.deg, tiles["ra"].value, atol=1e-9)
    np.testing.assert_allclose(where.icrs.dec.deg, tiles["dec"].value, atol=1e-9)

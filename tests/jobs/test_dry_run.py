"""Tests of what a map would take, told before it is made."""

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import skykin
from skykin.cli.main import app
from skykin.core.angle import size_words
from tests.hostile.fits_files import image_bytes, write


@pytest.fixture(scope="module")
def plate(tmp_path_factory):
    content = image_bytes(CDELT1=-0.01, CDELT2=0.01, BMAJ=0.01)
    return write(tmp_path_factory.mktemp("plate"), "plate", content)


def test_a_plan_tells_tiles_seconds_memory_and_shows_the_references(plate, tmp_path):
    told = skykin.dry_run(plate, ["209,-19", "209.1,-18.9"], tile_size=0.16, spacing=0.08, pixels=64, jobs=1)
    assert told.facts["references"] == "l=209.00 b=-19.00, l=209.10 b=-18.90"
    # 64 pixels of 0.01° on tiles 0.08° apart: 8 × 8 centres.
    tiles, size, apart, pixels = told.facts["tiles"].removeprefix("about ").split(", ")
    assert 49 <= int(tiles) <= 81
    assert (size, apart, pixels) == ("9.6′ wide", f"{size_words(0.08)} apart", "64 pixels a side")
    assert 20 <= float(told.facts["seconds"].split()[1]) < 200
    assert told.facts["memory"] == "about 0.7 GB"
    told.write_preview(tmp_path / "references.png")
    with Image.open(tmp_path / "references.png") as picture:
        assert picture.width > 1.4 * picture.height
        assert np.asarray(picture.convert("L")).min() < 100


def test_a_plan_shows_the_references_in_all_views(plate):
    options = {"tile_size": 0.16, "spacing": 0.08, "pixels": 64, "jobs": 1}
    told = skykin.dry_run(plate, "209,-19", turns=8, scales="2/3,1,3/2", **options)
    assert told.facts["views"] == "8 turns × 3 scales (0.67, 1, 1.5); a tile has the largest similarity"
    figure = told.plot()
    headings = [" ".join(axes.get_title(loc="left").split()) for axes in figure.axes]
    assert len(headings) == 24
    assert headings[0] == "as it is"
    assert {"turned by 45°", "turned by 90°, 1.5 times as large"} < set(headings)
    by_words = {
        heading: axes.images[0].get_array() for heading, axes in zip(headings, figure.axes, strict=True)
    }
    # Turned by 180°, the middle of the picture is the same, upside down.
    np.testing.assert_allclose(
        by_words["turned by 180°"][16:-16, 16:-16], by_words["as it is"][::-1, ::-1][16:-16, 16:-16], atol=0.1
    )
    rows = {round(axes.get_position().y0, 3) for axes in figure.axes}
    assert len(rows) == 3


def test_a_plan_says_how_many_views_it_shows_of_each_reference(plate):
    options = {"tile_size": 0.16, "spacing": 0.08, "pixels": 64, "jobs": 1}
    told = skykin.dry_run(
        plate, ["209,-19", "209.1,-18.9"], turns=16, mirror=True, scales=1, views="mean", **options
    )
    assert told.facts["views"] == (
        "16 turns × 2 (mirrored); a tile has the mean similarity; 12 of 32 are shown of each reference"
    )
    assert len(told.plot().axes) == 24


def test_a_plan_refuses_what_a_map_would_refuse(plate):
    way_out = (
        r"the survey covers 0% of the reference tile at l=29.00°, b=\+19.00°, less than 50%; the survey lies "
        r"about l=209.\d\d°, b=-1[89].\d\d°: choose a reference there \(bare numbers are Galactic; RA and "
        r"Dec are written 83.82 -5.39 icrs\)$"
    )
    with pytest.raises(skykin.SkykinError, match=way_out):
        skykin.dry_run(plate, "29,19")
    with pytest.raises(skykin.SkykinError, match="look for something smaller, or in a larger image"):
        skykin.dry_run(plate, "209,-19", object_size="30'")


def test_info_tells_how_large_the_tiles_would_be_and_what_to_change(plate):
    told = skykin.info(plate, object_size="5'").facts["tiles"]
    assert "tiles are 15′ wide, as is a reference without a size of its own: 25 beams, 25 pixels" in told
    assert "too few to tell p and q well; use --tile-size 0.098 or less, or --object-size 0.033" in told


def test_a_dry_run_prints_the_plan_and_writes_the_references_and_no_map(plate, tmp_path):
    asked = ["map", "--survey", str(plate), "-r", "209,-19", "--tile-size", "0.16", "--spacing", "0.08"]
    asked += ["--dry-run", "--quiet", "-o", str(tmp_path / "kin")]
    answer = CliRunner(env={"COLUMNS": "300"}).invoke(app, asked)
    assert answer.exit_code == 0, answer.output
    assert "tiles       about " in answer.stdout
    assert "seconds     about " in answer.stdout
    assert [each.name for each in tmp_path.iterdir()] == ["kin-references.png"]
    again = CliRunner(env={"COLUMNS": "300"}).invoke(app, asked)
    assert again.exit_code == 2
    assert "kin-references.png" in again.stderr

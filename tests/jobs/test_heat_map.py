"""Tests of heat maps: the same numbers as a search, from tiles that come part by part."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import QTable
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial import cKDTree
from typer.testing import CliRunner

import skykin
from skykin.cli.main import app
from skykin.core.errors import UsageError
from skykin.core.extent import Extent
from skykin.core.progress import SilentProgress
from skykin.core.sphere import chord, directions
from skykin.products.multi_order_map import write_cells, write_multi_order_map
from skykin.products.nearest_tile import Cells, Painter, TilesByPart, nearest_of
from skykin.products.score_map import write_pixels, write_score_map
from tests.asking import covered
from tests.skies import blob_survey

ORION, OTHER = "209,-19", "230,-25"
SILENT = SilentProgress()
SURVEY = blob_survey(covered=covered)
COMMAND = ["search", "-r", ORION, "--turns", "1", "--scales", "1", "--heat-map-only"]


def counter():
    with SILENT.stage("", None) as told:
        return told


@pytest.fixture(scope="module")
def index(asked_survey):
    return skykin.open_index(asked_survey[1].path)


def columns(table):
    """Columns of a FITS table, and its header without what only one of two maps has."""
    return {name: np.asarray(table.data[name]) for name in table.columns.names}


def words(header):
    """What a header tells besides its columns and the settings."""
    left_out = ("TTYPE", "TFORM", "TUNIT", "TDESC", "HISTORY", "COMMENT", "NAXIS", "TFIELDS", "CHECKSUM")
    return {key: header[key] for key in header if key and not key.startswith((*left_out, "DATASUM", "MATCH"))}


QUERIES = {
    "one reference": (ORION, {}),
    "the largest of two": ([ORION, OTHER], {"combine": "max"}),
    "the mean of two less a third": ([ORION, OTHER], {"combine": "mean", "unlike": "235,0"}),
    "views": (ORION, {"turns": 4, "scales": "2/3,1"}),
}


@pytest.mark.parametrize(
    "question", [pytest.param(each, marks=[pytest.mark.slow] * (each == "views")) for each in QUERIES]
)
def test_a_heat_map_is_the_map_of_a_search(index, question, tmp_path, monkeypatch):
    reference, more = QUERIES[question]
    # So few candidates that some of the tiles are scored by one kind of vector only.
    for place in ("skykin.indexing.query.similarity", "skykin.jobs.heat_map"):
        monkeypatch.setattr(f"{place}.SHORTLIST", 9)
    whole = skykin.search(index, reference, survey=SURVEY, **more)
    found = skykin.heat_map(index, reference, 4, survey=SURVEY, **more)
    write_score_map(whole, tmp_path / "score.fits")
    write_pixels(found.score_map, found, tmp_path / "heat.fits")
    write_multi_order_map(whole, tmp_path / "score.multiorder.fits")
    write_cells(found.multi_order, found, tmp_path / "heat.multiorder.fits")
    for name in ("fits", "multiorder.fits"):
        with fits.open(tmp_path / f"score.{name}") as one, fits.open(tmp_path / f"heat.{name}") as other:
            wanted, got = columns(one[1]), columns(other[1])
            assert set(wanted) - set(got) == {"STANDARDISED", "P", "Q", "RANK"} & set(wanted)
            for column, values in got.items():
                assert_allclose(values, wanted[column], rtol=0, atol=1e-6, err_msg=column)
            assert words(other[1].header) == words(one[1].header)
    best = whole.best(4)
    assert list(found.best["name"]) == list(best["name"])
    assert_allclose(found.best["score"], best["score"], atol=1e-6)
    assert_allclose(found.best["cosine_block3_conv1"], best["cosine_block3_conv1"], atol=1e-6)
    assert list(found.best["rank"]) == [1, 2, 3, 4]
    assert (found.n_tiles, found.n_constant) == (len(index), 0)


@pytest.mark.slow  # it draws a figure
def test_the_command_writes_a_folder_that_tells_where_it_comes_from(index, tmp_path):
    folder = tmp_path / "heat"
    done = CliRunner().invoke(app, [*COMMAND, str(index.path), "-k", "2", "-o", str(folder)])
    assert "p-values, matches and targets need all tiles at once" in done.output.replace("\n", " ")
    told = json.loads((folder / "summary.json").read_text())
    assert told["reference"] == "l=209.00 b=-19.00"
    assert told["n_tiles"] == len(index)
    assert told["best"][0]["name"] == "G205.13-05.11"
    assert told["provenance"]["settings"]["index"] == "blobs.skykin"
    assert 0 < told["sky_fraction_mapped"] < 0.2
    table = QTable.read(folder / "best.ecsv")
    assert (
        list(table["name"]) == [each["name"] for each in told["best"]] == ["G205.13-05.11", "G223.28-23.86"]
    )
    assert table.meta["reference"] == "l=209.00 b=-19.00"
    assert (folder / "heat-map.png").stat().st_size > 10_000
    assert {"score.fits", "score.multiorder.fits"} <= {path.name for path in folder.iterdir()}


def test_a_heat_map_knows_no_option_that_needs_all_tiles(index):
    refused = CliRunner().invoke(app, [*COMMAND, str(index.path), "--max-q", "0.1"])
    assert "lists the best tiles and knows no --max-q" in refused.output.replace("\n", " ")
    assert refused.exit_code == UsageError.exit_code


def test_more_of_the_best_than_there_are_tiles_is_refused(index):
    with pytest.raises(UsageError, match="0 tiles were requested, but there are .*; request 1 to "):
        skykin.heat_map(index, ORION, 0)


@st.composite
def parted(draw):
    """Places on the sky, about a point or everywhere, and how they are divided."""
    seed, count = draw(st.integers(0, 2**32 - 1)), draw(st.integers(2, 60))
    random = np.random.default_rng(seed)
    width = draw(st.sampled_from([5.0, 60.0, 180.0]))
    lon = (draw(st.floats(0, 360)) + random.uniform(-width, width, count)) % 360
    lat = np.clip(random.uniform(-width / 2, width / 2, count), -90, 90)
    part = np.sort(random.integers(0, draw(st.integers(1, 6)), count))
    return lon, lat, np.bincount(part, minlength=7)


def test_of_equally_near_tiles_a_cell_shows_the_first():
    lon, lat = np.array([3.0, 1.0, 359.0, 1.0, 359.0]), np.array([0.0, 1.0, 1.0, -1.0, -1.0])
    tree = cKDTree(directions(lon, lat))
    distance, row = nearest_of(tree, directions(np.array([0.0, 2.9]), np.array([0.0, 0.0])))
    assert row.tolist() == [1, 0]
    assert distance[0] == tree.query(directions(0.0, 0.0))[0]


@settings(max_examples=30)
@given(parted())
def test_tiles_that_are_read_part_by_part_are_as_far_apart_as_all_together(places):
    lon, lat, counts = places
    ends = np.cumsum(counts)
    tiles = TilesByPart(
        counts.tolist(), lambda n: (lon[ends[n] - counts[n] : ends[n]], lat[ends[n] - counts[n] : ends[n]])
    )
    centres = directions(lon, lat)
    apart = np.quantile(cKDTree(centres).query(centres, k=2)[0][:, 1], 0.95)
    apart_deg = math.degrees(2 * math.asin(apart / 2))
    assert tiles.spacing_deg(counter()) == pytest.approx(apart_deg, rel=1e-12)
    around, whole = tiles.around(apart_deg), Extent.around(lon, lat, apart_deg)
    assert around.is_all_sky == whole.is_all_sky
    assert around.radius_deg == pytest.approx(whole.radius_deg, abs=1e-5)
    for grid in (Cells(3, equatorial=True), Cells(3, equatorial=False)):
        cells = grid.within(around)
        away = np.linalg.norm(directions(*grid.centres(cells))[:, None] - centres, axis=-1)
        distance, row = away.min(axis=1), away.argmin(axis=1)
        assert_array_equal(
            tiles.nearest(grid, cells, apart_deg, counter()), np.where(distance <= chord(apart_deg), row, -1)
        )


@given(st.lists(st.integers(-1, 9), min_size=1, max_size=30), st.integers(1, 10))
def test_cells_are_painted_with_the_values_of_their_tiles_however_these_come(shown, step):
    rows, values = np.array(shown), np.arange(10) / 8
    painter = Painter(rows, ["SCORE"])
    for start in range(0, 10, step):
        numbers = np.arange(start, min(start + step, 10))
        painter.paint(numbers, {"SCORE": values[numbers]})
    assert_array_equal(painter.columns["SCORE"], np.where(rows >= 0, values[rows], np.nan))

"""Tests of the script that tries recipes of style."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from skykin.core.errors import ResourceError, UsageError
from skykin.core.sphere import directions
from skykin.evaluation.tile_centres import TileCentres
from skykin.tiling.facets import facets
from tests.skies import blob_survey

TOOLS = Path(__file__).parents[2] / "tools"


@pytest.fixture(scope="module")
def tool():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(TOOLS)
        import recipe_grid

        yield recipe_grid


@pytest.fixture(scope="module")
def tried(tool, tmp_path_factory):
    folder = tmp_path_factory.mktemp("grid")
    small = (
        "--pixels-per-degree 0.6 --nside 16 --layers block2_conv1 --radius 4 --around 15 --references orion"
    )
    where = [str(folder / "grid.csv"), "--cache", str(folder), "--stretch", "linear"]
    asked = tool.options([*where, *small.split()])
    return asked, tool.run(blob_survey(nside=16), asked)


@pytest.mark.slow
def test_the_script_tells_how_it_is_used():
    done = subprocess.run(
        [sys.executable, TOOLS / "recipe_grid.py", "--help"], capture_output=True, text=True, check=True
    )
    assert "--pixels-per-degree" in done.stdout
    assert "Try recipes of style on a survey" in done.stdout


def test_a_small_grid_has_a_row_for_each_variant_and_likeness(tried):
    with tried[0].output.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["variant"] for row in rows] == [
        f"{variant}.{kind}" for variant in ("z", "zb", "zL", "cs15.0") for kind in ("dot", "cos", "shr")
    ]
    assert {(row["rendering"], row["layers"], row["reference"]) for row in rows} == {
        ("linear06", "21", "orion")
    }
    assert all(
        0 <= float(row["auc_lat"]) <= 1 and -1 <= float(row["brightness_correlation"]) <= 1 for row in rows
    )


def test_the_table_has_the_columns_of_the_published_one(tool):
    published = (TOOLS.parent / "docs" / "explain" / "recipe-grid.csv").read_text(encoding="utf-8")
    assert published.splitlines()[0].split(",") == list(tool.COLUMNS)


def test_choosing_tells_what_no_network_reaches(tried):
    lines = tried[1]
    assert lines[0] == "reference: orion"
    assert lines[1].startswith("12 recipes, ")
    assert any(line.startswith("contrast 1° against 5°: 0.") for line in lines)
    assert sum(line.startswith("chosen on all: linear06 4.0 m ") for line in lines) == 3


def test_features_that_are_kept_are_not_measured_again(tool, tried, monkeypatch):
    monkeypatch.setattr("recipe_trials.features.measured", None)
    before = tried[0].output.read_bytes()
    tool.run(blob_survey(nside=16), tried[0])
    assert tried[0].output.read_bytes() == before


def test_a_reference_must_be_in_the_survey(tool, tried):
    north = blob_survey(nside=16, covered=lambda lon, lat: lat > 0)
    with pytest.raises(UsageError, match="the survey has no data at orion; leave orion out of --references"):
        tool.run(north, tried[0])


def test_features_that_were_not_kept_are_missed(tool, tried):
    places = TileCentres.healpix(8)
    bank = tool.FeatureBank.of(tried[0].cache, {}, places, 0.6, blob_survey(nside=16).extent)
    with pytest.raises(ResourceError, match="block2_conv1 of facet 1 is not in the cache"):
        bank.read("block2_conv1")


def test_every_position_lies_in_one_facet_and_is_found_in_its_picture(tool):
    from recipe_trials.features import SPACING_PIXELS, TILE_PIXELS, in_picture

    places, times = TileCentres.healpix(16), 0
    for facet in facets(TILE_PIXELS / 2, SPACING_PIXELS / 2, TILE_PIXELS):
        inside = facet.home.contains(places.lon_deg, places.lat_deg)
        times = times + inside
        expected = places.lon_deg[inside], places.lat_deg[inside]
        row, column = in_picture(facet, *expected)
        for place, size in zip((row, column), facet.shape, strict=True):
            assert 7 < place.min() <= place.max() < size - 7
        found = facet.square_centers(2, 1, row - 1, column - 1)
        np.testing.assert_allclose(directions(*found), directions(*expected), atol=1e-9)
    assert (times == 1).all()


def test_values_between_cells_are_interpolated(tool):
    from recipe_trials.features import interpolated, pooled

    plane = np.add.outer(10.0 * np.arange(8), np.arange(8.0))[None]
    cells = pooled(plane, 2)
    np.testing.assert_allclose(cells[0, :2, :2], [[5.5, 7.5], [25.5, 27.5]])
    np.testing.assert_allclose(
        interpolated(cells, np.array([0.5, -3]), np.array([0.25, 9])), [[16.0], [11.5]]
    )


def test_a_disc_mean_is_weighted_and_a_reference_is_most_like_itself(tool):
    from recipe_trials.discs import Discs
    from recipe_trials.variants import combined, likenesses, standard, without

    places = TileCentres.healpix(4)
    at = directions(places.lon_deg, places.lat_deg)
    weight = np.linspace(0, 1, 192)
    near = np.arccos(np.clip(at @ at[9], -1, 1)) <= np.radians(40)
    mean = Discs(places).mean(np.arange(192.0)[:, None], weight, 40)
    assert mean[9, 0] == pytest.approx(np.average(np.arange(192)[near], weights=weight[near]))
    assert Discs(places).mean(np.arange(192.0)[:, None], weight, 0.1)[0, 0] == 0
    rng = np.random.default_rng(0)
    known = np.ones(192, dtype=bool)
    raw = rng.normal(size=(192, 5)) + np.arange(192)[:, None]
    free = standard(without(raw, np.arange(192.0), known), known)
    assert np.abs(np.corrcoef(free.T, np.arange(192))[-1, :-1]).max() < 1e-6
    found = likenesses(free, np.array([7, 30]), known)
    assert [each.argmax() for each in found["cos"]] == [7, 30]
    assert found["cos"][0, 7] == pytest.approx(1)
    np.testing.assert_allclose(
        combined([found["cos"], found["cos"]], "cos", "max"), 2 * found["cos"].max(axis=0)
    )

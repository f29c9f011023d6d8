"""Tests of an index among itself: neighbours, kinds of sky, outliers."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import QTable
from astropy_healpix import HEALPix
from typer.testing import CliRunner

import skykin
from skykin.cli.main import app
from skykin.core.errors import ResourceError, UsageError


@pytest.fixture
def survey(asked_survey):
    return asked_survey[0]


@pytest.fixture
def index(asked_survey):
    return asked_survey[1]


def brute_force(index):
    """Score of every non-overlapping pair, −inf for all others."""
    rows, columns = index.rows(np.arange(len(index))), index.columns()
    score = np.mean([rows[:, own] @ rows[:, own].T for own in columns.values()], axis=0)
    places = SkyCoord(index.tiles["lon"], index.tiles["lat"], frame="galactic")
    apart = places[:, None].separation(places[None, :]).deg >= np.sqrt(2) * index.tile_deg
    return np.where(apart, score, -np.inf)


def test_the_nearest_tiles_of_are_those_of_all_pairs(index, tmp_path):
    table = skykin.neighbours(index, 3, output=tmp_path / "kin.ecsv")
    score = brute_force(index)
    assert len(table) == 3 * len(index)
    expected = -np.sort(-score, axis=1)[:, :3]
    np.testing.assert_allclose(np.asarray(table["neighbour_score"]).reshape(-1, 3), expected, atol=1e-5)
    assert table["separation"].min() >= np.sqrt(2) * index.tile_deg * u.deg * (1 - 1e-9)
    first = table[table["place"] == 1]
    assert list(first["tile"]) == list(index.tiles["name"])
    nearest = np.argmax(score, axis=1)
    assert list(first["neighbour"]) == list(np.asarray(index.tiles["name"])[nearest])
    pairs = set(zip(table["tile"], table["neighbour"], strict=True))
    mutual = [(kin, tile) in pairs for tile, kin in zip(table["tile"], table["neighbour"], strict=True)]
    np.testing.assert_array_equal(table["mutual"], mutual)
    read = QTable.read(tmp_path / "kin.ecsv")
    assert read["lon"].unit == u.deg
    assert read.meta["neighbours"] == 3
    with pytest.raises(UsageError, match="kin.ecsv' is there already"):
        skykin.neighbours(index, 3, output=tmp_path / "kin.ecsv")


@pytest.mark.parametrize(
    ("k", "told"),
    [
        (0, "0 neighbours were requested; request at least 1"),
        (10_000, "10000 neighbours were requested, but the index holds"),
        (-2, "neighbours were requested, but only .* do not overlap tile G"),
    ],
)
def test_more_neighbours_than_there_are_are_refused(index, k, told):
    k = len(index) + k if k == -2 else k
    with pytest.raises(UsageError, match=told):
        skykin.neighbours(index, k)


def test_kinds_part_the_sky_from_faint_to_bright(index):
    pytest.importorskip("sklearn")
    found = skykin.cluster(index, 3)
    assert set(found.tiles["kind"]) == {1, 2, 3}
    assert found.kinds["sky_share"].sum() == pytest.approx(1)
    assert (np.diff(found.kinds["mean_intensity"].value) > 0).all()
    assert -1 <= found.agreement <= 1
    again = skykin.cluster(index, 3)
    np.testing.assert_array_equal(again.tiles["kind"], found.tiles["kind"])
    assert again.pictures == ()
    # The example of a kind is the tile nearest to its middle.
    for row in found.kinds:
        own = found.tiles[found.tiles["kind"] == row["kind"]]
        assert row["example"] == own["name"][np.argmax(own["closeness"])]


@pytest.mark.slow
def test_a_map_a_catalogue_and_a_figure_of_kinds_are_written(index, survey, tmp_path):
    pytest.importorskip("sklearn")
    found = skykin.cluster(index, 3, survey=survey, output=tmp_path / "kinds")
    assert len(found.pictures) == 3
    with fits.open(tmp_path / "kinds" / "kinds.fits") as hdus:
        header, values = hdus[1].header, hdus[1].data["KIND"]
        healpix = HEALPix(header["NSIDE"], order=header["ORDERING"].lower())
    pixel = healpix.lonlat_to_healpix(found.tiles["lon"], found.tiles["lat"])
    assert (values[pixel] == found.tiles["kind"]).mean() > 0.9
    assert {"kinds-of-sky.png", "kinds.json", "tiles.ecsv"} <= {
        file.name for file in (tmp_path / "kinds").iterdir()
    }


@pytest.mark.parametrize("k", [1, 100_000])
def test_a_number_of_kinds_that_cannot_be_meant_is_refused(index, k):
    pytest.importorskip("sklearn")
    with pytest.raises(UsageError, match=f"{k} kinds were requested, but the index holds"):
        skykin.cluster(index, k)


def test_without_scikit_learn_one_sentence_names_the_extra(index, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.cluster", None)
    with pytest.raises(ResourceError, match=r'run `pip install "skykin\[learn\]"`'):
        skykin.cluster(index, 3)


def test_outliers_are_farthest_from_their_kin(index, survey):
    found = skykin.outliers(index, 4, survey=survey)
    expected = 1 - (-np.sort(-brute_force(index), axis=1)[:, :4]).mean(axis=1)
    by_name = dict(zip(index.tiles["name"], expected, strict=True))
    np.testing.assert_allclose(
        found.tiles["oddness"], [by_name[name] for name in found.tiles["name"]], atol=1e-5
    )
    assert list(found.tiles["rank"]) == list(range(1, len(index) + 1))
    assert (np.diff(found.tiles["oddness"]) <= 0).all()
    assert found.pictures[0].footprint == index.footprints[int(np.argmax(expected))]


@pytest.mark.slow
def test_a_catalogue_and_a_figure_of_outliers_are_written(index, survey, tmp_path):
    skykin.outliers(index, 4, survey=survey, output=tmp_path / "odd")
    assert {"outliers.ecsv", "outliers.png", "outliers.pdf"} <= {
        file.name for file in (tmp_path / "odd").iterdir()
    }


def test_the_commands_write_and_refuse(index, tmp_path):
    out = tmp_path / "n.ecsv"
    done = CliRunner().invoke(app, ["neighbours", str(index.path), "-k", "2", "-o", str(out)])
    assert done.exit_code == 0, done.output
    assert "pairs;" in done.output
    assert out.exists()
    done = CliRunner().invoke(app, ["outliers", str(index.path), "-k", "100000", "-o", str(tmp_path / "x")])
    assert done.exit_code == 2
    assert "100000 neighbours were requested" in done.output

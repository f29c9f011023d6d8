"""Tests of the public names: each command has a function, and each function the options of its command."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from typer.main import get_command

import skykin
from skykin.cli.main import app
from skykin.core.errors import UnknownNameError, UsageError
from skykin.products.result import Result

COMMANDS = get_command(app).commands
#: Options of a command that its function has under another name: progress bars, and how much is printed.
SHOWN = {"quiet": "progress", "no_preview": "preview"}
#: Options that choose what a terminal lists: `SkyMap.best(k)` and `nearest_tiles(approximate=True)`; and what
#: is a function of its own: `dry_run`, `heat_map`; and in which form a terminal prints a table.
LISTS = {
    "search": {"k", "approximate", "heat_map_only"},
    "map": {"dry_run"},
    "surveys": {"as_json", "as_csv"},
    "queries": {"as_json", "as_csv"},
    "watch": {"as_json"},
}
#: Names of maps: a function takes maps in memory, too.
FOLDERS = {"map_folder": "sky_map", "map_folders": "sky_maps"}


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_each_command_has_a_function_with_its_options(command):
    function = getattr(skykin, command)
    known = inspect.signature(function).parameters
    assert not [each for each in known.values() if each.kind is inspect.Parameter.VAR_KEYWORD]
    for option in COMMANDS[command].params:
        name = FOLDERS.get(option.name, SHOWN.get(option.name, option.name))
        if name in LISTS.get(command, ()) or (name == "progress" and name not in known):
            continue
        assert name in known, f"{command} lacks {name}"


def test_a_dry_run_has_the_options_of_a_map_that_decide_what_is_measured():
    known = inspect.signature(skykin.dry_run).parameters
    of_map = inspect.signature(skykin.map).parameters
    assert set(known) < set(of_map)
    assert {name: each.default for name, each in known.items()} == {
        name: of_map[name].default for name in known
    }


def test_a_heat_map_has_the_options_of_a_search_that_decide_the_scores():
    known = inspect.signature(skykin.heat_map).parameters
    of_search = inspect.signature(skykin.search).parameters
    assert set(known) - {"k"} < set(of_search)
    assert {name: each.default for name, each in known.items() if name != "k"} == {
        name: of_search[name].default for name in known if name != "k"
    }


def test_all_public_names_are_there_and_typed():
    source = Path(skykin.__file__).read_text(encoding="utf-8")
    typed = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("skykin."):
            typed |= {alias.asname: node.module for alias in node.names}
    assert typed == skykin._WHERE
    for name in skykin.__all__:
        assert getattr(skykin, name) is not None


@pytest.mark.parametrize(
    "name",
    [name for name in skykin.__all__ if name[0].isupper()],
)
def test_what_a_user_is_handed_says_in_one_line_what_it_is(name):
    kind = getattr(skykin, name)
    assert kind.__doc__
    if hasattr(kind, "plot"):
        assert all(hasattr(kind, each) for each in ("_repr_html_", "sentences", "heading"))


def test_surveys_names_those_with_a_name_and_the_formats():
    found = skykin.surveys()
    rows = {(row["kind"], row["name"]): row for row in found}
    assert "WHAM" in rows["survey", "wham"]["description"]
    assert rows["format", "fits-image"]["here"]
    for row in found:
        assert (row["install"] == "") == row["here"]


def test_regions_have_positions_in_both_frames():
    found = skykin.regions()
    row = found[list(found["name"]).index("Orion Molecular Cloud Complex")]
    where = SkyCoord(row["lon"], row["lat"], frame="galactic")
    assert where.separation(SkyCoord(row["ra"], row["dec"], frame="icrs")).arcsec < 1e-3
    assert row["lon"] == row["lon_deg"]


def test_catalogues_are_listed_shown_and_written(tmp_path):
    listed = skykin.catalogues()
    shown = skykin.catalogues("sharpless", output=tmp_path / "s.ecsv")
    assert dict(zip(listed["name"], listed["objects"], strict=True))["sharpless"] == len(shown)
    assert {"lon", "lat", "ra", "dec"} <= set(shown.colnames)
    assert len(skykin.catalogues(tmp_path / "s.ecsv")) == len(shown)
    with pytest.raises(UsageError, match="say which of the catalogues is to be written"):
        skykin.catalogues(output=tmp_path / "x.ecsv")
    with pytest.raises(UnknownNameError, match="'sharples'.*; and there is no such file"):
        skykin.catalogues("sharples")


def test_the_doctor_tells_cores_libraries_and_advice():
    found = skykin.doctor()
    assert int(found.facts["cores"]) >= 1
    assert found.facts["network"].startswith("ONNX Runtime on ")
    assert found.notes
    assert repr(found).startswith("<Info on This machine: cores, instructions, ")
    assert "<td>cores</td>" in found._repr_html_()
    assert "<img" not in found._repr_html_()
    with pytest.raises(UsageError, match="there is no picture of 'This machine'"):
        found.plot()


def test_info_tells_of_a_survey_and_of_an_index(made, tmp_path):
    told = skykin.info(made.survey, preview=tmp_path / "blobs.png")
    assert told.facts["survey"] == "blobs: Survey of blobs"
    assert (tmp_path / "blobs.png").stat().st_size > 1000
    assert '<img alt="The survey in its colours: Survey of blobs" ' in told._repr_html_()
    for index in (made.index, made.index.path):
        told = skykin.info(index)
        assert told.facts["index"] == "blobs.skykin"
        assert told.facts["checked"].endswith("MB, every file as it was written")


@pytest.mark.slow
def test_layers_of_pictures_in_memory_are_compared(tmp_path):
    one, other = np.random.default_rng(5).random((2, 32, 32, 3), np.float32)
    found = skykin.layers(one, other, jobs=1, output=tmp_path / "layers")
    assert found.cosines["block1_conv1"] == pytest.approx(
        found.pictures[0].layers.cosines(found.pictures[1].layers)["block1_conv1"]
    )
    assert (tmp_path / "layers" / "style-layers.png").stat().st_size > 1000
    assert repr(found).startswith("<OpenedLayers of a picture in memory and a picture in memory: Gram")
    assert len(found.sentences()) == 3
    with pytest.raises(UsageError, match=r"has the shape \(32, 32\), but it must be \(rows, columns, 3\)"):
        skykin.layers(np.zeros((32, 32)))


def test_every_result_says_what_its_picture_shows():
    public = [getattr(skykin, name) for name in skykin.__all__]
    kinds = [each for each in public if isinstance(each, type) and issubclass(each, Result)]
    assert len(kinds) >= 14
    for kind in kinds:
        assert hasattr(kind, "shows") or "picture_text" in vars(kind), kind

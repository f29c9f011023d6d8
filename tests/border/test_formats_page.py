"""The page on file formats: units, UCDs and files are those that are written."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import pytest
from astropy import units as u

from skykin.products.target_files import TARGET_COLUMNS, target_table
from skykin.products.target_list import target_list
from skykin.products.tile_table import COLUMNS, ranked_tiles
from skykin.viewing.questions import Question, body_of
from skykin.viewing.schema import ADDRESSES, schema

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def tables():
    """What makes the tables of the page."""
    spec = importlib.util.spec_from_file_location(
        "described_tables", DOCS / "_extensions" / "described_tables.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_columns_of_tiles_have_the_unit_and_ucd_that_the_page_tells(made, tables):
    table = ranked_tiles(made.map)
    for name in table.colnames:
        if name.startswith("cosine_"):
            continue
        assert table[name].info.meta["ucd"] == COLUMNS[name][1]
        told = tables.unit_of(name)
        if told != "the survey's":
            assert (table[name].unit or u.one) == u.Unit("" if told == "–" else told), name


def test_columns_of_targets_are_those_that_the_page_tells(made, tables):
    table = target_table(target_list(made.map))
    of_tile = {"tile", "view_angle_deg", "view_scale"}
    for name in table.colnames:
        assert name in tables.OF_TARGETS, name
        assert table[name].info.meta["ucd"] == TARGET_COLUMNS[name][1]
        told = tables.unit_of(name)
        if told != "the survey's" and name not in of_tile:
            assert (table[name].unit or u.one) == u.Unit("" if told == "–" else told), name


def test_files_of_a_map_are_told_by_their_names(tables):
    lines = "\n".join(tables._products())
    for name in ("targets", "figure-2-matches", "reference-tile", "scores"):
        assert f"| `{name}.png`, `.pdf` | a figure of the report |" in lines
    assert "<" not in lines, "no object of Python"


def test_the_page_of_addresses_has_every_body(tables):
    lines = "\n".join(tables._bodies())
    assert [name for name in schema()["$defs"] if f"**{name}**" not in lines] == []
    assert len(tables._addresses()) == len(ADDRESSES) + 2


def test_the_question_of_the_page_is_understood():
    page = (DOCS / "reference" / "json-api.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    question = body_of(Question, json.loads(text))
    assert (question.index, question.turns, question.targets) == ("wham", 8, 10)
    assert question.references[0].text == "orion"


def test_what_the_page_says_of_score_fits_is_in_its_header(made):
    page = " ".join((DOCS / "reference" / "formats.md").read_text(encoding="utf-8").split())
    header = made.map.score_map
    for name in header.columns:
        assert f"`{re.sub('BLOCK._CONV.$', 'LAYER', name)}`" in page

"""Text from files moves no cursor, turns no reading order and ends no line."""

import json
import unicodedata

import numpy as np
import pytest
from astropy.table import MaskedColumn, Table
from hypothesis import given
from hypothesis import strategies as st

from skykin.core.clean import lines, one_line
from skykin.core.clean_table import cleaned
from skykin.core.errors import shown
from skykin.core.plain import json_text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("\x1b]0;title\x07Orion\x1b[31m", "]0;titleOrion[31m"),
        ("Orion \u202egnp.exe\u2066\u200f", "Orion gnp.exe"),
        ("two\r\nlines\tand\u2028more\x85", "two  lines and more "),
        ("\x9b31m\ud800\uffff\ue000\x00", "31m"),
        ("Hα, 5 °, −3 µK, Lé, 日本", "Hα, 5 °, −3 µK, Lé, 日本"),
    ],
)
def test_what_a_terminal_obeys_is_left_out_and_the_rest_kept(text, kept):
    assert one_line(text) == kept


def test_ends_of_lines_are_kept_where_they_are_wanted():
    assert lines("a\r\nb\x1b[2J\n\u202ec") == "a\nb[2J\nc"


@given(st.text())
def test_cleaning_is_done_once_and_leaves_nothing_that_is_not_seen(text):
    clean = one_line(text)
    assert one_line(clean) == clean
    assert all(unicodedata.category(character)[0] != "C" for character in clean)
    assert len(shown(text)) < 400


def test_texts_of_a_table_are_cleaned_and_its_numbers_are_not_touched():
    table = Table(
        {"name": ["=HYPERLINK(1)", "-2+3", "+12.5", "M 42\x1b[2J", "@x", "-1e-5"], "z": np.arange(6.0)}
    )
    names = ["=HYPERLINK(1)", "-2+3", "+12.5", "M 42[2J", "@x", "-1e-5"]
    assert list(cleaned(table)["name"]) == names
    assert list(cleaned(table, formulas=True)["name"]) == [
        "'=HYPERLINK(1)", "'-2+3", "+12.5", "M 42[2J", "'@x", "-1e-5",
    ]  # fmt: skip
    assert list(cleaned(table)["z"]) == [0, 1, 2, 3, 4, 5]
    assert table["name"][3] == "M 42\x1b[2J"


def test_masks_and_descriptions_of_cleaned_columns_stay():
    column = MaskedColumn(["a\x00", "b"], mask=[False, True], description="names")
    found = cleaned(Table({"name": column}))["name"]
    assert list(found.mask) == [False, True]
    assert found[0] == "a"
    assert found.description == "names"


@given(st.text(st.characters(codec=None, exclude_categories=())))
def test_json_shows_no_command_and_reads_back_the_same(text):
    written = json_text({"title": [text]}, indent=1)
    assert json.loads(written) == {"title": [text]}
    assert all(line.isprintable() for line in written.split("\n"))


def test_json_keeps_the_letters_of_the_field():
    assert json_text("Hα 5 °\x1b\x9b\u202e\x7f\ud800") == '"Hα 5 °\\u001b\\u009b\\u202e\\u007f\\ud800"'

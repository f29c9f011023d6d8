"""Provenance: kept as plain values, written and read."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skykin.core.errors import UsageError
from skykin.core.provenance import Provenance
from skykin.core.settings import MapSettings
from tests import kinds
from tests.core.values import map_settings

PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
FACTS = st.dictionaries(
    st.text(max_size=9),
    PLAIN | st.lists(PLAIN, max_size=3).map(tuple) | st.dictionaries(st.text(max_size=5), PLAIN, max_size=2),
    max_size=4,
)
PROVENANCES = st.builds(
    Provenance,
    survey=FACTS,
    rendering=FACTS,
    grid=FACTS,
    query=FACTS,
    recipe=FACTS,
    encoder=st.text(max_size=9),
    credits=st.lists(st.text(max_size=9), max_size=3),
    calibration=FACTS,
    settings=map_settings.map(MapSettings.to_dict),
    versions=st.dictionaries(st.text(max_size=9), st.text(max_size=9), max_size=3),
)


@given(PROVENANCES)
@settings(max_examples=60, deadline=None)
def test_provenance_comes_back_from_its_plain_values_and_from_json(made):
    plain = made.to_dict()
    assert Provenance.from_dict(plain) == made
    assert Provenance.from_dict(json.loads(json.dumps(plain, allow_nan=False))) == made


def test_values_of_arrays_and_numbers_that_json_cannot_write_become_plain():
    made = kinds.provenance(survey={"beam": np.float32(0.5), "bands": (1, 2)}, grid={"limit": math.nan})
    assert made.survey == {"beam": 0.5, "bands": [1, 2]}
    assert made.grid == {"limit": None}
    assert made.credits == kinds.CREDITS


def test_settings_come_back_from_provenance():
    asked = MapSettings(tile_size=5, area=[180, 240, -45, 10], bands="1..2,3..4,5..6")
    made = json.loads(json.dumps(kinds.provenance(settings=asked.to_dict()).to_dict()))
    assert MapSettings.from_dict(Provenance.from_dict(made).settings) == asked


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"survey": "wham"}, "the part of provenance survey is 'wham', but it must be names with values"),
        ({"credits": "us"}, "the part of provenance credits is 'us', but it must be a list of texts"),
        ({"encoder": None}, "the part of provenance encoder is 'None', but it must be text"),
        ({"surveys": {}}, "there is no part of provenance called 'surveys'; did you mean survey?"),
    ],
)
def test_what_is_no_provenance_is_refused_in_one_sentence(changes, sentence):
    with pytest.raises(UsageError, match=sentence):
        Provenance.from_dict({**kinds.provenance().to_dict(), **changes})


def test_a_part_of_provenance_that_is_missing_is_named():
    plain = kinds.provenance().to_dict()
    del plain["recipe"]
    with pytest.raises(UsageError, match="the part of provenance recipe is missing; give it"):
        Provenance.from_dict(plain)

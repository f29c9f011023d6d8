"""Queries: positions in every form, and the way through plain values and back."""

import json

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from hypothesis import given, settings
from hypothesis import strategies as st
from mocpy import MOC

from skykin.catalogue.query import Example, Query
from skykin.core.area import MocArea
from skykin.core.errors import UsageError
from skykin.core.footprint import Footprint
from skykin.core.picture import Picture
from skykin.jobs.query import read_query

ORION = SkyCoord(209.0, -19.4, unit="deg", frame="galactic")
degrees = st.floats(0.1, 60)
footprints = st.one_of(
    st.builds(Footprint, st.floats(0, 359), st.floats(-90, 90), degrees, degrees, st.just(each), turn)
    for each, turn in (("TAN", st.floats(-180, 180)), ("CAR", st.just(0.0)))
)
regions = st.sets(st.integers(0, 12 * 4**3 - 1), min_size=1, max_size=4).map(
    lambda cells: MocArea(MOC.from_string("3/" + " ".join(map(str, cells)), "ascii"))
)


def pictures(levels):
    """Pictures whose colours are bytes, or any numbers."""
    random = np.random.default_rng(0)
    rgb = random.random((2, 3, 3), np.float32) if levels is None else np.full((2, 3, 3), levels / 255)
    return Picture(rgb.astype(np.float32), random.random((2, 3), np.float32))


places = st.builds(
    Example, st.text(max_size=9), footprints, st.booleans(), st.none() | regions, st.text(max_size=9)
)
given_pictures = st.builds(
    Example,
    st.text(max_size=9),
    picture=(st.none() | st.integers(0, 255)).map(pictures),
    pixel_deg=st.floats(0.001, 1),
)
elsewhere = st.builds(Example, st.text(max_size=9), within=st.just("other.skykin"), other=places)
examples = places | given_pictures | elsewhere
queries = st.builds(
    Query,
    st.lists(examples, min_size=1, max_size=3).map(tuple),
    st.lists(examples, max_size=2).map(tuple),
    st.sampled_from(["max", "mean"]),
    st.dictionaries(st.text(max_size=9), st.floats(0, 9), max_size=2),
    st.text(st.characters(categories=["L"]), max_size=9),
)


def positions(reference, **asked):
    return read_query(reference, **asked).positions


@given(queries)
@settings(max_examples=60, deadline=None)
def test_a_query_comes_back_from_its_plain_values_and_from_json(query):
    plain = query.to_dict()
    assert Query.from_dict(plain) == query
    again = Query.from_dict(json.loads(json.dumps(plain, allow_nan=False)))
    assert again == query
    for one, other in zip(query.references, again.references, strict=True):
        if one.picture is not None:
            np.testing.assert_array_equal(one.picture.rgb, other.picture.rgb)
            np.testing.assert_array_equal(one.picture.coverage, other.picture.coverage)


@pytest.mark.parametrize(
    "reference", [ORION, "209,-19.4", (209, -19.4), (209 * u.deg, -1164 * u.arcmin), (209, -19.4 * u.deg)]
)
def test_one_place_may_be_a_position_text_numbers_or_quantities(reference):
    np.testing.assert_allclose(positions(reference), [[209, -19.4]], atol=1e-9)


def test_positions_of_several_places_keep_all_their_digits():
    two = SkyCoord([209, 80], [-19, 1e-7], unit="deg", frame="galactic")
    np.testing.assert_allclose(positions(two), [[209, -19], [80, 1e-7]], rtol=0, atol=1e-12)
    found = positions(["carina", ORION, [1, 2]])
    np.testing.assert_allclose(found[1:], [[209, -19.4], [1, 2]], atol=1e-9)
    np.testing.assert_allclose(positions("carina"), found[:1])


def test_a_place_without_a_width_is_as_large_as_a_tile():
    (free,), (sized,) = (
        read_query("209,-19.4", width=width).for_tiles(6.0).references for width in (None, 90 * u.arcmin)
    )
    assert (free.footprint.width_deg, sized.footprint.width_deg) == pytest.approx((6.0, 1.5))


def test_a_frame_that_needs_a_time_is_refused_in_our_words():
    here = SkyCoord(1, 2, unit="deg", frame="altaz")
    with pytest.raises(UsageError, match="a position in the frame 'altaz' cannot be transformed to Galactic"):
        read_query(here)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"reference": []}, 'there is no reference; give one, such as "orion"'),
        ({"reference": 7}, "the reference is the number 7, which names a tile of an index; give a name"),
        ({"reference": True}, "a reference is a name, a place, a tile, a region or a picture, not True"),
        ({"reference": 3 * u.m}, "a reference is a name, a sky position or two Galactic degrees, not"),
        ({"reference": (3 * u.m, 2)}, "a reference is a name, a sky position or two Galactic degrees, not"),
        ({"reference": "orion", "combine": "sum"}, "combined by 'sum'; choose max or mean"),
        ({"reference": "orion", "width": "wide"}, "the width of a reference is 'wide'; use an angle"),
        ({"reference": "orion", "width": -1}, "the width of a reference is -1°; use a finite number above 0"),
        ({"reference": "orion", "pixel_scale": 0}, "the pixel scale of a reference is 0°; use a finite"),
    ],
)
def test_a_wrong_query_is_refused_in_one_sentence(asked, sentence):
    with pytest.raises(UsageError, match=sentence):
        read_query(**asked)

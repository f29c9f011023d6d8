"""Colours of physical values."""

import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skykin.core.errors import DataQualityError, UsageError
from skykin.core.picture import Picture
from skykin.core.provenance import Source
from skykin.survey.base import About
from skykin.survey.healpix.bands import HealpixBands
from skykin.survey.render import (
    RenderedSurvey,
    Stretch,
    TileRenderedSurvey,
    measure_stretch,
    measure_stretch_on,
)

KINDS = ["linear", "asinh", "log"]
ABOUT = About("toy", "Toy survey", "R", ("red", "green", "blue"), Source("toy.fits", "0" * 64), ("nobody",))
NPIX = 12 * 32**2


def sky(values, coverage=1.0):
    return HealpixBands(np.broadcast_to(values, (NPIX, 3)), np.broadcast_to(coverage, (NPIX,)), 1.0, ABOUT)


def lively(seed=0):
    return sky(np.random.default_rng(seed).lognormal(size=(NPIX, 3)))


def test_each_kind_follows_its_formula():
    x = np.array([0, 0.1, 0.5, 1])
    values = 10 + 4 * x[:, None] * np.ones(3)
    ends = ((10.0,) * 3, (14.0,) * 3)
    np.testing.assert_allclose(Stretch("linear", *ends, 1.0).apply(values)[:, 0], x, rtol=1e-6)
    np.testing.assert_allclose(
        Stretch("asinh", *ends, 0.1).apply(values)[:, 1], np.arcsinh(x / 0.1) / np.arcsinh(10), rtol=1e-5
    )
    np.testing.assert_allclose(
        Stretch("log", *ends, 0.1).apply(values)[:, 2], np.log(1 + x / 0.1) / np.log(11), rtol=1e-5
    )


def formula(kind, low, high, softening, values):
    """The curves of the docstring, written out in double precision."""
    low, high, values = (np.asarray(each, np.float32).astype(float) for each in (low, high, values))
    if kind == "symmetric":
        return 0.5 + np.arcsinh(np.clip(values / high, -1, 1) / softening) / np.arcsinh(1 / softening) / 2
    x = np.clip((values - low) / (high - low), 0, 1)
    return {
        "linear": lambda: x,
        "asinh": lambda: np.arcsinh(x / softening) / np.arcsinh(1 / softening),
        "log": lambda: np.log1p(x / softening) / np.log1p(1 / softening),
    }[kind]()


@given(
    st.sampled_from([*KINDS, "symmetric"]),
    st.sampled_from([1e-3, 0.01, 0.02, 0.1, 1.0, 50.0, 1e6]),
    st.integers(0, 2**32 - 1),
)
def test_colours_are_those_of_the_formulas_to_a_millionth(kind, softening, seed):
    values = np.random.default_rng(seed).lognormal(0, 2, (200, 3)) * [1, 10, -100]
    low, high = (0.1, 2.0, -500.0), (9.0, 60.0, 3.0)
    rgb = Stretch(kind, low, high, softening).apply(values)
    np.testing.assert_allclose(rgb, formula(kind, low, high, softening, values), rtol=0, atol=1e-6)


@given(
    st.sampled_from(KINDS),
    st.floats(1e-3, 10),
    st.lists(st.floats(-1e6, 1e6, width=32), min_size=2, max_size=9),
)
def test_colours_stay_within_0_and_1_and_keep_the_order_of_values(kind, softening, values):
    values = np.sort(np.array(values, np.float32))[:, None] * np.ones(3, np.float32)
    rgb = Stretch(kind, (-1.0, 0.0, 5.0), (1.0, 300.0, 5.5), softening).apply(values)
    assert rgb.dtype == np.float32
    assert rgb.min() >= 0
    assert rgb.max() <= 1
    assert (np.diff(rgb, axis=0) >= -1e-6).all()


FINITE = st.floats(-1e30, 1e30)
LIMITS = st.tuples(FINITE, FINITE).filter(lambda pair: pair[0] < pair[1])


@given(st.sampled_from([*KINDS, "symmetric"]), st.tuples(LIMITS, LIMITS, LIMITS), st.floats(1e-9, 1e9))
def test_a_stretch_is_what_its_plain_values_say(kind, limits, softening):
    low, high = zip(*limits, strict=True)
    stretch = Stretch(kind, low, high, softening)
    assert Stretch.from_dict(stretch.to_dict()) == stretch
    assert Stretch.from_dict(json.loads(json.dumps(stretch.to_dict() | {"per_tile": False}))) == stretch


@pytest.mark.parametrize(
    "facts",
    [{}, {"kind": "log", "low": [0, 0], "high": [1, 1], "softening": 1}, {"low": None}, {"kind": "log"}],
)
def test_plain_values_that_are_no_stretch_are_refused(facts):
    with pytest.raises(
        UsageError, match="is no stretch; it needs kind, low and high of three bands, and softe"
    ):
        Stretch.from_dict(facts)


@given(st.sampled_from(KINDS))
def test_values_beyond_the_limits_are_black_and_white(kind):
    stretch = Stretch(kind, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), 0.02)
    np.testing.assert_array_equal(stretch.apply(np.float32([[-3, 0, 0]])), [[0, 0, 0]])
    np.testing.assert_array_equal(stretch.apply(np.float32([[1, 2, 1e30]])), [[1, 1, 1]])


@pytest.mark.parametrize("kind", KINDS)
def test_limits_are_percentiles_per_band_and_the_same_on_every_run(kind):
    survey = sky(np.random.default_rng(0).normal([1, 10, 100], [0.1, 1, 10], (NPIX, 3)))
    stretch = measure_stretch(survey, kind, percentiles=(5, 95))
    assert stretch == measure_stretch(survey, kind, percentiles=(5, 95))
    # Bilinear samples between random pixels scatter less than the pixels.
    for low, high, middle in zip(stretch.low, stretch.high, (1, 10, 100), strict=True):
        assert 0.8 * middle < low < middle < high < 1.2 * middle
    assert stretch.high[2] == pytest.approx(100 + (stretch.high[0] - 1) * 100, rel=0.02)


def test_masked_sky_does_not_count():
    values = np.random.default_rng(0).lognormal(size=(NPIX, 3))
    values[NPIX // 2 :] = 1e6
    coverage = np.ones(NPIX)
    coverage[NPIX // 2 - 400 :] = 0
    assert measure_stretch(sky(values, coverage)).high[0] < 100


def test_one_picture_may_have_limits_of_its_own():
    values = np.linspace(0, 100, 303).reshape(101, 3)
    stretch = measure_stretch_on(values, np.ones(101), "linear", percentiles=(0, 100))
    np.testing.assert_allclose(stretch.low, values[0])
    np.testing.assert_allclose(stretch.high, values[-1])
    assert measure_stretch_on(values, np.ones(101), "asinh", softening=0.5).softening == 0.5


def test_settings_are_plain_values():
    stretch = measure_stretch(lively())
    assert json.loads(json.dumps(stretch.to_dict())) == {
        "kind": "asinh",
        "low": list(stretch.low),
        "high": list(stretch.high),
        "softening": 0.02,
    }
    assert all(type(limit) is float for limit in stretch.low + stretch.high)


def test_a_rendered_survey_is_sampled_first_and_stretched_then():
    survey = lively()
    stretch = measure_stretch(survey)
    lon, lat = np.meshgrid(np.linspace(0, 360, 9), np.linspace(-90, 90, 7))
    rgb, coverage = RenderedSurvey(survey, stretch).colours(lon, lat)
    values, expected_coverage = survey.sample(lon, lat)
    np.testing.assert_array_equal(rgb, stretch.apply(values))
    np.testing.assert_array_equal(coverage, expected_coverage)


def test_a_survey_rendered_tile_by_tile_has_the_full_range_in_each():
    survey = lively()
    lon, lat = np.meshgrid(np.linspace(100, 120, 40), np.linspace(20, 40, 40))
    rgb, coverage = TileRenderedSurvey(survey, "linear").colours(lon, lat)
    values, _ = survey.sample(lon, lat)
    np.testing.assert_array_equal(rgb, measure_stretch_on(values, coverage, "linear").apply(values))
    np.testing.assert_array_equal(rgb.min(axis=(0, 1)), [0, 0, 0])
    np.testing.assert_array_equal(rgb.max(axis=(0, 1)), [1, 1, 1])


@pytest.mark.parametrize("level", [0.0, 3.0, -1e6])
def test_a_constant_survey_is_refused(level):
    sentence = f"the red band has the value {re.escape(f'{level:g}')} everywhere"
    with pytest.raises(DataQualityError, match=sentence) as caught:
        measure_stretch(sky(level))
    assert caught.value.code == "DQ-CONST"


def test_one_constant_band_is_named():
    values = np.random.default_rng(0).lognormal(size=(NPIX, 3))
    values[:, 2] = 7
    with pytest.raises(DataQualityError, match="the blue band has the value 7 everywhere"):
        measure_stretch(sky(values))


def test_a_survey_without_coverage_is_refused():
    with pytest.raises(DataQualityError, match="0 of 49152 positions are covered") as caught:
        measure_stretch(sky(1.0, 0.0))
    assert caught.value.code == "DQ-ALLBLANK"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"kind": "sqrt"}, "stretch is 'sqrt', but it must be linear, asinh, log, symmetric or identity"),
        ({"softening": 0.0}, "softening is 0, but"),
        ({"softening": np.nan}, "softening is nan, but"),
        ({"high": (1.0, 0.0, 1.0)}, "the green band is shown from 0 to 0"),
        ({"low": (0.0, 0.0, -np.inf)}, "the blue band is shown from -inf to 1"),
    ],
)
def test_a_stretch_checks_itself(change, sentence):
    good = {"kind": "asinh", "low": (0.0, 0.0, 0.0), "high": (1.0, 1.0, 1.0), "softening": 0.1}
    with pytest.raises(UsageError, match=sentence):
        Stretch(**(good | change))


@pytest.mark.parametrize("percentiles", [(99, 1), (-1, 99), (1, 101), (5, 5), (np.nan, 99)])
def test_percentiles_out_of_order_are_refused(percentiles):
    with pytest.raises(UsageError, match="must grow within 0 to 100"):
        measure_stretch(lively(), percentiles=percentiles)


def test_an_unknown_kind_is_refused_by_the_measurement_too():
    with pytest.raises(UsageError, match="stretch is 'sqrt'"):
        measure_stretch(lively(), "sqrt")


def test_values_of_both_signs_are_grey_at_zero_and_mirror_each_other():
    survey = sky(np.random.default_rng(0).normal(0.3, 1, (NPIX, 3)))
    stretch = measure_stretch(survey, "symmetric", percentiles=(0, 90))
    assert stretch.low == tuple(-limit for limit in stretch.high)
    assert 1 < stretch.high[0] < 2.5
    values = np.linspace(-3, 3, 61)[:, None] * np.ones(3)
    rgb = stretch.apply(values)
    np.testing.assert_allclose(rgb + rgb[::-1], 1, atol=1e-6)
    assert rgb[30, 0] == 0.5
    assert (rgb[0, 0], rgb[-1, 0]) == (0, 1)
    expected = 0.5 + np.arcsinh(0.5 / 0.1) / np.arcsinh(10) / 2
    assert stretch.apply(np.array(stretch.high) / 2)[0] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("kind", ["linear", "asinh", "log", "symmetric"])
def test_colours_lead_back_to_the_values_that_they_show(kind):
    stretch = Stretch(kind, (-4.0, -2.0, -9.0), (4.0, 2.0, 9.0), 0.1)
    values = np.random.default_rng(0).uniform(-2, 2, (50, 3))
    np.testing.assert_allclose(stretch.values(stretch.apply(values)), values, atol=1e-5)


@pytest.mark.parametrize("kind", ["linear", "asinh", "log"])
@pytest.mark.parametrize(
    ("limits", "first", "second", "flat"),
    [
        ((0.0, 10.0), 5.0, 5.0, True),
        ((0.0, 10.0), 5.0, 5.000001, True),  # the last bits of single precision
        ((1000.0, 1006.0), 1003.0, 1003.0002, True),
        ((0.0, 10.0), 5.0, 5.001, False),  # a gradient without noise
        ((1000.0, 1006.0), 1003.0, 1003.01, False),
        ((0.0, 1e-30), 5e-31, 5.001e-31, False),
        ((0.0, 10.0), 20.0, 30.0, True),  # both are white
    ],
)
def test_a_picture_is_flat_where_its_values_differ_by_rounding_only(kind, limits, first, second, flat):
    stretch = Stretch(kind, (limits[0],) * 3, (limits[1],) * 3, 0.02)
    lowest, highest = (stretch.apply(np.full(3, value)) for value in (first, second))
    assert stretch.is_flat(lowest, highest) == flat
    one_band = np.where([True, False, False], highest, lowest)
    assert stretch.is_flat(lowest, one_band) == flat


def test_only_what_is_covered_shows_structure():
    rgb = np.full((8, 8, 3), 0.5, np.float32)
    rgb[:4] = 0.1
    coverage = np.ones((8, 8), np.float32)
    coverage[:4] = 0
    stretch = Stretch("linear", (0.0,) * 3, (1.0,) * 3, 1.0)
    assert stretch.is_flat_in(Picture(rgb, coverage))
    assert stretch.is_flat_in(Picture(rgb, coverage * 0))
    assert not stretch.is_flat_in(Picture(rgb, coverage * 0 + 1))
    assert stretch.is_flat_in(Picture(rgb[3:7, 2:6], coverage[3:7, 2:6] * 0 + 1), margin=1)

"""Settings: what is accepted, what is refused in which words, and the way through plain values and back."""

import json
import re
from dataclasses import fields

import numpy as np
import pytest
from astropy import units as u
from hypothesis import given, settings
from hypothesis import strategies as st

from skykin.core.area import MocArea, SkyBox
from skykin.core.criterion import MatchCriterion, ScoreCut
from skykin.core.errors import UsageError, shown
from skykin.core.robustness import Robustness
from skykin.core.settings import MapSettings
from skykin.core.survey_options import SurveyOptions
from tests.core.values import areas, criteria, cuts, map_settings, robustnesses, survey_options
from tests.skies import blob_survey

KINDS = (MapSettings, SurveyOptions, MatchCriterion, Robustness, ScoreCut, SkyBox)
VALUES = {
    "criterion": criteria,
    "cut": cuts,
    "robustness": robustnesses,
    "survey options": survey_options,
    "map settings": map_settings,
    "area": areas,
}
#: All that JSON can hold.
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
FIELDS = [(kind, each.name) for kind in KINDS for each in fields(kind)]


def test_without_a_recipe_tiles_are_fifteen_degrees_at_a_quarter_spacing():
    chosen = MapSettings()
    assert (chosen.tile_size_deg, chosen.spacing_deg, chosen.side_pixels) == (15, 3.75, 128)
    assert chosen.workers >= 1


def test_angles_may_carry_their_unit():
    chosen = MapSettings(tile_size=600 * u.arcmin, spacing=0.05 * u.rad)
    assert chosen.tile_size == pytest.approx(10)
    assert chosen.spacing == pytest.approx(2.8647889757)
    options = SurveyOptions(beam_deg=30 * u.arcmin, smooth_deg=1 * u.deg, scale_deg=36 * u.arcsec)
    assert (options.beam_deg, options.smooth_deg, options.scale_deg) == pytest.approx((0.5, 1, 0.01))
    assert SurveyOptions(center_deg=np.pi * u.rad).center_deg == pytest.approx(180)


def test_bands_may_be_text_pairs_or_quantities():
    expected = ((20.0, 60.0), (-20.0, 20.0), (-60.0, -20.0))
    fast = np.array(expected) * 1000 * u.m / u.s
    for given_bands in ("20..60,-20..20,-60..-20", [[20, 60], [-20, 20], [-60, -20]], fast, list(fast)):
        assert MapSettings(bands=given_bands).bands == expected
        assert SurveyOptions(bands=given_bands).bands == expected


def test_files_are_kept_as_text(tmp_path):
    assert MapSettings(survey=tmp_path / "a.fits").survey == str(tmp_path / "a.fits")
    assert MapSettings(survey=["a", tmp_path, "c"]).survey == ("a", str(tmp_path), "c")
    assert SurveyOptions(mask=tmp_path / "a.reg").mask == str(tmp_path / "a.reg")


def test_rest_and_unit_may_be_objects_of_astropy():
    options = SurveyOptions(rest=110.201 * u.GHz, unit=u.K * u.km / u.s)
    assert (options.rest, options.unit) == ("110.201 GHz", "K km / s")


def test_options_tell_that_the_first_hdu_was_chosen_and_not_where_a_mask_lies():
    assert SurveyOptions(hdu=0, mask="/a/b/mask.reg").given() == {"hdu": 0, "mask": "mask.reg"}


@pytest.mark.parametrize("kind", VALUES)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_every_value_comes_back_from_its_plain_values_and_from_json(kind, data):
    value = data.draw(VALUES[kind])
    plain = value.to_dict()
    again = json.loads(json.dumps(plain, allow_nan=False))
    if isinstance(value, SkyBox | MocArea):
        assert MapSettings(area=plain).area == MapSettings(area=again).area == value
    else:
        assert type(value).from_dict(plain) == type(value).from_dict(again) == value
        assert plain == again


@pytest.mark.parametrize(("kind", "name"), FIELDS)
@given(value=JSON)
@settings(max_examples=40, deadline=None)
def test_any_value_is_either_accepted_or_refused_in_our_words(kind, name, value):
    needed = {SkyBox: SkyBox(1, 2, 3, 4), ScoreCut: ScoreCut("q", 0.1)}
    plain = needed[kind].to_dict() if kind in needed else {}
    try:
        made = kind.from_dict({**plain, name: value})
    except UsageError:
        return
    assert repr(kind.from_dict(made.to_dict())) == repr(made)  # NaN is not equal to itself


AUTO = "; the default is chosen for you"
FILE = "; the default is the file's own"
RECIPE = "; the default is the recipe's own"
SURVEY = (
    "a name, a file or address, three of these, or an open survey; the default is far-infrared, or wham for "
    "velocity bands and the recipe poster"
)
SIZE = f"above 0° and at most 90°, such as 15 or 15.u.deg{AUTO}"
STEP = f"above 0° and at most the tile size, such as 15 or 15.u.deg{AUTO}"
AREA = "lon_min,lon_max,lat_min,lat_max in Galactic degrees .* a sky region; the default is the whole survey"
ANGLE = "an angle above 0° and at most 90°, such as 0.5 or 0.5.u.deg"
DRAWS = "0 or a whole number from 2 to 1000; the default is 0"
SWITCH = "True or False; the default is False"
WRONG = [
    (MapSettings, "survey", 3, SURVEY),
    (MapSettings, "survey", " ", SURVEY),
    (MapSettings, "survey", ["a", "b"], SURVEY),
    (MapSettings, "survey_option", "hdu=1", f"SurveyOptions or their plain values{FILE}"),
    (MapSettings, "tile_size", 0, SIZE),
    (MapSettings, "tile_size", "wide", SIZE),
    (MapSettings, "tile_size", 3 * u.m, SIZE),
    (MapSettings, "tile_size", float("nan"), SIZE),
    (MapSettings, "tile_size", [5, 6] * u.deg, SIZE),
    (MapSettings, "spacing", 20.0, STEP),
    (MapSettings, "spacing", True, STEP),
    (MapSettings, "pixels", 8, f"a whole number from 32 to 2048{AUTO}"),
    (MapSettings, "pixels", 64.0, f"a whole number from 32 to 2048{AUTO}"),
    (MapSettings, "grid", "mercator", "healpix or plate-carree; the default is healpix"),
    (
        MapSettings,
        "stretch",
        "sqrt",
        "linear, asinh, log, symmetric or identity; the default is identity for pictures of 8 bits, "
        "else asinh",
    ),
    (MapSettings, "stretch_per_tile", 1, SWITCH),
    (MapSettings, "recipe", 3, "the name of a recipe; the default is what suits the survey"),
    (MapSettings, "criterion", 0.9, f"a MatchCriterion or its plain values{RECIPE}"),
    (MapSettings, "robustness", True, "a Robustness or its plain values; the default is none"),
    (MapSettings, "area", 5, AREA),
    (MapSettings, "engine", "fast", f"tiles or shared, or left out{AUTO}"),
    (MapSettings, "dense", "yes", SWITCH),
    (MapSettings, "fast", "yes", SWITCH),
    (MapSettings, "device", "tpu", "cpu, cuda or auto; the default is cpu"),
    (
        MapSettings,
        "precision",
        "double",
        "float32 or tf32; the default is tf32 on a graphics card, float32 elsewhere",
    ),
    (MapSettings, "min_coverage", 0, "above 0 and at most 1; the default is 0.5"),
    (MapSettings, "jobs", -5, f"a whole number from 1 to 1024{AUTO}"),
    (MapSettings, "jobs", 1.5, f"a whole number from 1 to 1024{AUTO}"),
    (MatchCriterion, "threshold", 2.0, f"a cosine from −1 to 1{RECIPE}"),
    (MatchCriterion, "top_fraction", 1.5, f"a fraction of the sky between 0 and 1{RECIPE}"),
    (MatchCriterion, "max_q", 2, f"a false discovery rate between 0 and 1{RECIPE}"),
    (Robustness, "csls", "no", SWITCH),
    (Robustness, "surrogates", True, DRAWS),
    (Robustness, "surrogates", 1, DRAWS),
    (Robustness, "noise_draws", 1001, DRAWS),
    (Robustness, "seed", -1, "a whole number from 0; the default is 0"),
    (SurveyOptions, "hdu", -1, f"the number or name of an HDU{FILE}"),
    (SurveyOptions, "hdu", True, f"the number or name of an HDU{FILE}"),
    (SurveyOptions, "frame", "mars", f"galactic or icrs or ecliptic{FILE}"),
    (SurveyOptions, "projection", 1, f"plate-carree or mollweide or aitoff{FILE}"),
    (SurveyOptions, "center_deg", "east", "a longitude in degrees; the default is 0"),
    (SurveyOptions, "scale_deg", 0, ANGLE + AUTO),
    (SurveyOptions, "ordering", "nest", f"ring or nested{FILE}"),
    (SurveyOptions, "columns", (), f"names of columns{FILE}"),
    (SurveyOptions, "blank", "none", f"a finite number{FILE}"),
    (SurveyOptions, "unit", 5, f"a unit such as K or MJy/sr{FILE}"),
    (SurveyOptions, "beam_deg", -1.0, ANGLE + FILE),
    (SurveyOptions, "rest", 5, f"a frequency or wavelength such as 110.201 GHz{FILE}"),
    (SurveyOptions, "show", "all", f"bands or moments or channels{AUTO}"),
    (SurveyOptions, "channels", (1, 2), "three channel numbers, counted from 0; the default is none"),
    (SurveyOptions, "mask", 1, "the name of a MOC or DS9 region file; the default is none"),
    (SurveyOptions, "smooth_deg", 91, ANGLE + "; the default is no smoothing"),
    (SurveyOptions, "ignore_checksum", "yes", SWITCH),
    (SurveyOptions, "lenient", 0, SWITCH),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "name", "value", "sentence"), WRONG)
def test_a_wrong_value_says_its_name_what_is_allowed_and_the_default(kind, name, value, sentence):
    label = f"the survey option {name}" if kind is SurveyOptions else name
    with pytest.raises(
        UsageError, match=f"^{label} is {re.escape(shown(value))}, but it must be {sentence}$"
    ):
        kind(**{name: value})


def test_the_table_of_wrong_values_holds_every_field():
    named = {(kind, name) for kind, name, *_ in WRONG}
    own_sentence = {(MapSettings, "bands"), (SurveyOptions, "bands")}
    assert {each for each in FIELDS if each[0] not in (ScoreCut, SkyBox)} == named | own_sentence


def test_two_criteria_contradict_each_other():
    with pytest.raises(
        UsageError, match="^--threshold 0.9 and --top-fraction 0.1 contradict each other; give one of them$"
    ):
        MatchCriterion(threshold=0.9, top_fraction=0.1)
    assert MatchCriterion(max_q=0.1).given
    assert not MatchCriterion().given


@pytest.mark.parametrize("kind", [MapSettings, SurveyOptions, MatchCriterion, Robustness])
def test_an_unknown_name_is_refused_with_the_nearest_that_is_known(kind):
    first = fields(kind)[0].name
    with pytest.raises(UsageError, match=f"there is no .* called '{first}x'; did you mean {first}"):
        kind.from_dict({f"{first}x": 1})
    with pytest.raises(UsageError, match=f"there is no .* called 'zzz'; use one of {first}, "):
        kind.from_dict({"zzz": 1})
    with pytest.raises(UsageError, match="must have a name and a value, but 'zzz' was given"):
        kind.from_dict("zzz")


def test_a_part_that_is_needed_is_missing():
    with pytest.raises(UsageError, match="the part of a cut value is missing; give it"):
        ScoreCut.from_dict({"column": "q"})


def test_changes_reach_criterion_and_robustness_by_their_own_names():
    changed = MapSettings(area=[1, 2, 3, 4]).changed(max_q=0.2, csls=True, pixels=64)
    assert changed == MapSettings(
        area="1,2,3,4", criterion=MatchCriterion(max_q=0.2), robustness=Robustness(csls=True), pixels=64
    )
    with pytest.raises(UsageError, match="there is no setting called 'max_p'; did you mean max_q"):
        MapSettings().changed(max_p=0.1)


def test_a_survey_in_memory_is_named_and_not_brought_back():
    plain = MapSettings(survey=blob_survey(), pixels=64).to_dict()
    assert plain["survey"] == {"in_memory": "blobs"}
    assert plain["pixels"] == 64
    with pytest.raises(
        UsageError, match="the survey 'blobs' was an object in memory, .* give it again as survey"
    ):
        MapSettings.from_dict(json.loads(json.dumps(plain)))

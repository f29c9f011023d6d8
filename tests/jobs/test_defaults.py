"""What is mapped, and how, where nothing is requested."""

from types import SimpleNamespace

import pytest

from skykin.core.extent import ALL_SKY, Extent
from skykin.core.progress import SilentProgress
from skykin.core.settings import MapSettings
from skykin.jobs.opening import recipe_for, with_survey
from skykin.style.recipe import COARSE, RESOLVED, SHAPES, recipe
from skykin.survey.named import NamedSurvey, named_surveys
from tests.skies import blob_survey


class Listener(SilentProgress):
    def __init__(self):
        self.heard = []

    def say(self, text):
        self.heard.append(text)


def seen(beam_deg, extent=ALL_SKY):
    return SimpleNamespace(beam_deg=beam_deg, extent=extent)


@pytest.fixture
def no_far_infrared(monkeypatch):
    missing = {
        **named_surveys(),
        "far-infrared": NamedSurvey("far-infrared", "", "milkyway", lambda: None, None),
    }
    monkeypatch.setattr("skykin.jobs.opening.named_surveys", lambda: missing)


@pytest.mark.milkyway
def test_the_far_infrared_sky_is_mapped_where_nothing_is_requested(milkyway_path):
    assert with_survey(MapSettings(), SilentProgress()).survey == "far-infrared"


@pytest.mark.parametrize("asked", [{"recipe": "poster"}, {"bands": "20..60,-20..20,-60..-20"}])
def test_velocity_bands_and_the_original_experiment_are_of_wham(asked):
    assert with_survey(MapSettings(**asked), SilentProgress()).survey == "wham"


def test_a_survey_that_is_named_stays():
    assert with_survey(MapSettings(survey="gaia", recipe="poster"), SilentProgress()).survey == "gaia"
    sky = blob_survey(nside=8)
    assert with_survey(MapSettings(survey=sky), SilentProgress()).survey is sky


def test_without_the_far_infrared_picture_wham_is_mapped_and_the_reason_is_told(no_far_infrared):
    listener = Listener()
    assert with_survey(MapSettings(), listener).survey == "wham"
    assert listener.heard == [
        "note: the survey far-infrared, which is mapped by default, is not on this computer, so wham is "
        'mapped; run `pip install "skykin[milkyway]"` for the other'
    ]


def test_the_recipe_follows_what_the_survey_resolves():
    assert recipe_for(MapSettings(), seen(0.09)).name == RESOLVED == "core-spread"
    assert recipe_for(MapSettings(), seen(1.0)).name == COARSE == "core-contrast"
    image = seen(0.001, Extent(209.0, -19.0, 5.0))
    assert recipe_for(MapSettings(), image).name == SHAPES == "radial-profile"
    assert recipe_for(MapSettings(recipe="mean-std"), seen(0.09)).name == "mean-std"


def test_the_pixels_of_a_tile_are_known_before_the_survey_is_opened():
    assert recipe(RESOLVED).pixels == recipe(COARSE).pixels == recipe(SHAPES).pixels

"""Survey formats: ours, and those that other packages add through entry points."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import skykin
from skykin.cli.main import app
from skykin.core.errors import InputRefusedError, NotThisFormatError
from skykin.core.protocols import Survey
from skykin.survey import formats
from skykin.survey.formats import Glance, SurveyFormat, format_of, survey_formats
from tests.hostile.fits_files import image_bytes, write
from tests.tiny_package import write_package

RUN = CliRunner()
#: A format for files such as "sky: 7.5": one value over the whole sky.
PACKAGE = """
import numpy as np
from skykin.core.provenance import Source
from skykin.survey.base import About
from skykin.survey.formats import SurveyFormat
from skykin.survey.healpix.bands import HealpixBands

def open_sky(path, options, progress):
    values = np.full((12, 3), float(path.read_text().removeprefix("sky:")))
    about = About(path.stem, "One value", "K", ("value",) * 3, Source(path.name, "0" * 64), ())
    return HealpixBands(values, np.ones(12), 60.0, about)

FORMAT = SurveyFormat("one-value", "sky and a number", lambda glance: glance.first[:4] == b"sky:", open_sky)
BROKEN = SurveyFormat("broken", "always fails", lambda glance: 1 / 0, open_sky)
TAKEN = SurveyFormat("wham", "not ours", lambda glance: True, open_sky)
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install the package with some of its objects as entry points."""
    monkeypatch.syspath_prepend(tmp_path)

    def install(*names):
        entries = [f"{name.lower()} = skykin_one_value:{name}" for name in names]
        write_package(tmp_path, "skykin-one-value", PACKAGE, "skykin.formats", *entries)
        survey_formats.cache_clear()

    yield install
    survey_formats.cache_clear()
    sys.modules.pop("skykin_one_value", None)


@pytest.fixture
def seven(tmp_path):
    path = tmp_path / "seven.txt"
    path.write_text("sky: 7")
    return path


def add(monkeypatch, *more):
    known = {**survey_formats(), **{each.name: each for each in more}}
    monkeypatch.setattr(formats, "survey_formats", lambda: known)


def test_every_file_of_the_folder_is_a_format_of_its_name():
    files = {path.stem.replace("_", "-") for path in Path(formats.__file__).parent.glob("[!_]*.py")}
    assert len(files) >= 8
    assert set(survey_formats()) == files


def test_a_format_of_another_package_opens_its_files_and_is_listed(install, seven, monkeypatch):
    with pytest.raises(
        NotThisFormatError, match="'seven.txt' has none of the formats .* `skykin surveys` lists"
    ):
        skykin.open_survey(seven)
    install("FORMAT")
    survey = skykin.open_survey(seven)
    assert isinstance(survey, Survey)
    assert (survey.name, survey.title, survey.unit) == ("seven", "One value", "K")
    values, coverage = survey.sample(np.array([10.0, 200.0]), np.array([-80.0, 45.0]))
    np.testing.assert_array_equal(values, np.full((2, 3), 7.0))
    np.testing.assert_array_equal(coverage, [1, 1])
    monkeypatch.setenv("COLUMNS", "200")
    listed = RUN.invoke(app, ["surveys"]).output
    assert "one-value" in listed
    assert "sky and a number" in listed
    assert skykin.open_survey(write(seven.parent, "file", image_bytes())).to_dict()["projection"] == "TAN"


def test_a_format_whose_name_is_taken_is_left_out(install, seven):
    install("TAKEN", "FORMAT")
    with pytest.warns(
        UserWarning, match="'taken' of the package 'skykin-one-value' .* has the name 'wham', which is taken"
    ):
        assert skykin.open_survey(seven).name == "seven"
    assert survey_formats()["wham"].description == "the WHAM survey's FITS table of spectra"


def test_a_format_of_another_package_that_fails_stops_no_other(install, seven):
    install("BROKEN", "FORMAT")
    with pytest.warns(
        UserWarning,
        match=r"^the survey format 'broken', a plug-in, fails to look at 'seven.txt' \('division by zero'\); "
        "it is left out: update or remove its package$",
    ):
        assert skykin.open_survey(seven).name == "seven"


def test_two_formats_that_claim_one_file_are_named(tmp_path, monkeypatch):
    add(monkeypatch, SurveyFormat("greedy", "claims everything", lambda glance: True, lambda *_: None))
    with pytest.raises(InputRefusedError, match="can be read as fits-image and greedy") as caught:
        skykin.open_survey(write(tmp_path, "file", image_bytes()))
    assert caught.value.code == "IN-AMBIGUOUS"


def test_a_special_format_goes_before_the_general_one_that_it_names(tmp_path, monkeypatch):
    special = SurveyFormat("special", "some images", lambda glance: True, lambda *_: None, ("fits-image",))
    add(monkeypatch, special)
    assert format_of(Glance(write(tmp_path, "file", image_bytes()))) is special


def test_surveys_lists_names_and_formats(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    result = RUN.invoke(app, ["surveys"])
    assert result.exit_code == 0
    for word in ("planck-dust", "wham", "fits-cube", "folder", "on this computer"):
        assert word in result.output

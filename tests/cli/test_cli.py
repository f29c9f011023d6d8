"""The command line: what a person types, and what it answers."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

import skykin.jobs
from skykin.catalogue.regions import known_regions
from skykin.cli.main import app
from skykin.cli.map import default_folder
from skykin.core.errors import SkykinError, UsageError
from skykin.core.settings import MapSettings
from skykin.core.survey_options import DEFAULT_BANDS, read_bands
from skykin.style.recipe import recipes
from tests.skies import write_wham_like

QUICK = ["--tile-size", "20", "--spacing", "8", "--pixels", "32", "--area", "195,225,-30,-8"]


@pytest.fixture(scope="module")
def survey_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("survey")
    return write_wham_like(folder / "made up.fits", lambda lon, lat: (lon > 180) & (lon < 240) & (lat < 20))


def run(*arguments):
    return CliRunner(env={"COLUMNS": "300", "NO_COLOR": "1"}).invoke(app, [str(each) for each in arguments])


def test_a_map_is_written_and_its_summary_told(survey_file, tmp_path):
    folder = tmp_path / "kin of Orion"
    answer = run("map", "--survey", survey_file, *QUICK, "--recipe", "poster", "-o", folder)
    assert answer.exit_code == 0, answer.output
    assert "tiles were scored" in answer.stdout
    assert "Rank correlation (Spearman) of the score" in answer.stdout
    assert "Style of every tile" in answer.stderr
    assert json.loads((folder / "summary.json").read_text())["reference_score"] == pytest.approx(1, abs=1e-6)
    assert {"score.fits", "tiles.ecsv", "tiles.vot", "matches.reg", "matches.moc.fits", "report.html"} <= {
        path.name for path in folder.iterdir()
    }
    again = run("map", "--survey", survey_file, *QUICK, "-o", folder)
    assert again.exit_code == 2
    assert "USAGE-OUT: the folder" in again.stderr
    assert "add --overwrite" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--pixels", "3"], 2, "USAGE: pixels is '3', but it must be a whole number from 32 to 2048"),
        (["--bands", "10..20"], 2, "bands is '10..20', but it must be three pairs of finite velocities"),
        (["--recipe", "postr"], 2, "no recipe is called 'postr'; did you mean poster?"),
        (["--reference", "Orino"], 2, "Orino"),
        (["--survey", "nowhere.fits"], 2, "there is no survey called 'nowhere.fits' and no such file"),
        (["--area", "1,2,3"], 2, "the area '1,2,3' has 3 numbers, not four"),
        (["--tile-size", "0"], 2, "tile_size is '0.0', but it must be above 0° and at most 90°"),
        (["--threshold", "0.9", "--top-fraction", "0.1"], 2, "contradict each other"),
        (["--jobs", "-5"], 2, "jobs is '-5', but it must be a whole number from 1 to 1024"),
    ],
)
def test_a_wrong_option_is_one_sentence_and_nothing_written(tmp_path, monkeypatch, arguments, code, sentence):
    monkeypatch.chdir(tmp_path)
    answer = run("map", *arguments)
    assert answer.exit_code == code
    assert sentence in answer.stderr
    assert answer.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_survey_is_refused_with_exit_code_3(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = tmp_path / "wham.fits"
    page.write_text("<!DOCTYPE html><html>404</html>")
    answer = run("map", "--survey", page)
    assert answer.exit_code == 3
    assert answer.stderr.startswith("IN-HTML: ")
    assert list(tmp_path.iterdir()) == [page]


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (KeyboardInterrupt(), 130, "interrupted; nothing was written"),
        (MemoryError(), 6, "RS-MEM: this computer has too little free memory"),
        (ZeroDivisionError("by zero"), 8, "BUG: ZeroDivisionError: by zero; nothing was written"),
        (SkykinError("odd [/red] text"), 8, "BUG: odd [/red] text"),
    ],
)
def test_every_way_to_fail_has_its_exit_code(monkeypatch, error, code, sentence):
    def fail(*arguments, **settings):
        raise error

    monkeypatch.setattr(skykin.jobs, "map_kin", fail)
    answer = run("map")
    assert answer.exit_code == code
    assert sentence in answer.stderr


def test_help_explains_every_setting_with_its_default():
    answer = run("map", "--help")
    assert answer.exit_code == 0
    options = (
        "survey reference tile-size spacing pixels bands stretch recipe threshold max-q csls surrogates "
        "noise-draws seed area output jobs download"
    )
    assert all(f"--{option}" in answer.stdout for option in options.split())
    assert "20..60,-20..20,-60..-20" in answer.stdout


def test_the_lists_name_every_recipe_and_region():
    told = run("recipes").stdout
    assert all(name in told for name in recipes())
    told = run("regions").stdout
    assert all(str(name) in told for name in known_regions()["name"])


def test_the_version_is_told():
    assert run("--version").stdout == f"skykin {skykin.__version__}\n"


def test_bands_are_read_as_red_green_and_blue():
    assert read_bands("20..60,-20..20,-60..-20") == DEFAULT_BANDS
    with pytest.raises(
        UsageError, match="'1..2,3..4', but it must be three pairs of finite velocities in km/s"
    ):
        read_bands("1..2,3..4")


@pytest.mark.parametrize(
    ("reference", "folder"),
    [
        ("orion", "skykin-orion-core-contrast"),
        ("../../etc -rf", "skykin-etc--rf-core-contrast"),
        ("209,-19", "skykin-209--19-core-contrast"),
    ],
)
def test_the_default_folder_has_a_harmless_name(reference, folder):
    assert str(default_folder(MapSettings(reference=reference))) == folder


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals are sent otherwise there")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_half_way_leaves_nothing_and_says_so(survey_file, tmp_path, number):
    # A background job may be born deaf to Ctrl-C; what a person starts in a terminal is not.
    hearing = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    command = [
        sys.executable,
        "-c",
        f"{hearing}; from skykin.cli import main; main()",
        "map",
        "--survey",
        str(survey_file),
    ]
    command += [
        "--tile-size",
        "20",
        "--spacing",
        "4",
        "--pixels",
        "256",
        "--area",
        "190,230,-40,10",
        "-o",
        "out",
    ]
    process = subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    time.sleep(12)
    process.send_signal(number)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert "interrupted; nothing was written" in told
    assert list(tmp_path.iterdir()) == []

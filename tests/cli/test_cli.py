"""The command line: what a person types, and what it answers."""

import inspect
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import fields

import pytest
from typer.main import get_command
from typer.testing import CliRunner

import skykin.jobs.map
from skykin.catalogue.regions import known_regions
from skykin.cli.main import app
from skykin.cli.map import default_folder
from skykin.core.errors import SkykinError, UsageError
from skykin.core.settings import MapSettings
from skykin.core.survey_options import DEFAULT_BANDS, read_bands
from skykin.generate.settings import TextureSettings, TransferSettings
from skykin.style.recipe import recipes
from tests.hostile.fits_files import image_bytes, write
from tests.skies import write_wham_like

COMMANDS = get_command(app).commands
QUICK = ["--tile-size", "20", "--spacing", "8", "--pixels", "32", "--area", "195,225,-30,-8"]


@pytest.fixture(scope="module")
def survey_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("survey")
    return write_wham_like(folder / "made up.fits", lambda lon, lat: (lon > 180) & (lon < 240) & (lat < 20))


def run(*arguments):
    return CliRunner(env={"COLUMNS": "300", "NO_COLOR": "1"}).invoke(app, [str(each) for each in arguments])


@pytest.mark.slow
def test_a_map_is_written_and_its_summary_told(tmp_path):
    folder, image = tmp_path / "kin of Orion", write(tmp_path, "image", image_bytes())
    small = ["--survey", image, "--tile-size", "1.6", "--spacing", "0.8", "--pixels", "32"]
    answer = run("map", *small, "--reference", "209,-19", "--recipe", "poster", "-o", folder)
    assert answer.exit_code == 0, answer.output
    assert "tiles were scored" in answer.stdout
    assert "Rank correlation (Spearman) of the score" in answer.stdout
    assert "Style of every tile" in answer.stderr
    assert json.loads((folder / "summary.json").read_text())["reference_score"] == pytest.approx(1, abs=1e-6)
    assert {"score.fits", "tiles.ecsv", "tiles.vot", "matches.reg", "matches.moc.fits", "report.html"} <= {
        path.name for path in folder.iterdir()
    }
    again = run("map", *small, "-o", folder)
    assert again.exit_code == 2
    assert "USAGE-OUT: the folder" in again.stderr
    assert "add --overwrite" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--pixels", "3"], 2, "USAGE: --pixels is '3', but it must be a whole number from 32 to 2048"),
        (["--bands", "10..20"], 2, "--bands is '10..20', but it must be three pairs of finite velocities"),
        (["--recipe", "postr"], 2, "no recipe is called 'postr'; did you mean poster?"),
        (["--reference", "Orino"], 2, "Orino"),
        (["--survey", "nowhere.fits"], 2, "there is no survey called 'nowhere.fits' and no such file"),
        (["--area", "1,2,3"], 2, "the area '1,2,3' has 3 numbers, not four"),
        (["--tile-size", "0"], 2, "--tile-size is '0.0', but it must be above 0° and at most 90°"),
        (
            ["--threshold", "0.9", "--top-fraction", "0.1"],
            2,
            "--threshold 0.9 and --top-fraction 0.1 contradict each other",
        ),
        (["--jobs", "-5"], 2, "--jobs is '-5', but it must be a whole number from 1 to 1024"),
        (["--targets", "0"], 2, "--targets is '0', but it must be a whole number from 1 to 10000"),
        (
            ["--min-separation", "-3"],
            2,
            "--min-separation is '-3.0', but it must be above 0° and at most 180°",
        ),
        (["--site", "Paranall", "--night", "2026-01-15"], 2, "did you mean Paranal?"),
        (
            ["--site", "VLT", "--night", "tomorrow"],
            2,
            "--night is 'tomorrow', but it must be a date from 1900",
        ),
        (
            ["--site", "VLT"],
            2,
            "--site is 'Paranal', but it tells nothing without --night; give both, such as",
        ),
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
        (
            KeyboardInterrupt(),
            130,
            "interrupted; nothing was written; what the shared engine finished is kept",
        ),
        (MemoryError(), 6, "RS-MEM: this computer has too little free memory"),
        (RuntimeError("Can't start new thread"), 6, "RS-MEM: this computer has too little free memory"),
        (ZeroDivisionError("by zero"), 8, "BUG: ZeroDivisionError: by zero; nothing was written"),
        (SkykinError("odd [/red] text"), 8, "BUG: odd [/red] text"),
    ],
)
def test_every_way_to_fail_has_its_exit_code(monkeypatch, error, code, sentence):
    def fail(*arguments, **settings):
        raise error

    monkeypatch.setattr(skykin.jobs.map, "map", fail)
    answer = run("map")
    assert answer.exit_code == code
    assert sentence in answer.stderr


@pytest.mark.parametrize("command", [["surveys", "--json"], ["regions"], ["map", "--help"]], ids=" ".join)
def test_a_reader_that_ends_first_as_head_does_ends_the_command_quietly(monkeypatch, capsys, command):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as output, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", output)
        with pytest.raises(SystemExit) as left:
            app(command)
        output.write("this goes nowhere")
    assert left.value.code == 1
    assert capsys.readouterr().err == ""


def test_another_broken_pipe_is_told(monkeypatch):
    def fail(*arguments, **settings):
        raise BrokenPipeError(32, "Broken pipe")

    read, written = os.pipe()
    monkeypatch.setattr(skykin.jobs.map, "map", fail)
    with os.fdopen(written, "w") as output, monkeypatch.context() as patch, os.fdopen(read):
        patch.setattr(sys, "stdout", output)
        with pytest.raises(SystemExit) as left:
            app(["map"])
    assert left.value.code == 8


def test_the_commands_have_options():
    counts = {name: len(command.params) for name, command in COMMANDS.items()}
    assert counts["map"] >= 33
    assert counts["search"] >= 22
    assert counts["doctor"] == 0


@pytest.mark.parametrize("command", COMMANDS)
def test_help_names_every_option_whole(command):
    answer = run(command, "--help")
    assert answer.exit_code == 0
    words = set(re.findall(r"--?[a-z][a-z-]*", answer.stdout))
    options = [each for each in COMMANDS[command].params if each.param_type_name == "option"]
    names = {name for each in options for name in (*each.opts, *each.secondary_opts)}
    assert names - words == set()


def test_help_of_map_tells_defaults_that_depend_on_the_recipe():
    told = run("map", "--help").stdout
    assert "20..60,-20..20,-60..-20 for wham" in told
    assert "6 for recipes of cores and rings (core-spread 4), else 15" in told


#: Of the shell only: whether bars are drawn, and how long a list is (in Python, `SkyMap.best` and
#: `nearest_tiles`, which is also what is approximate).
SHELL_ONLY = {"quiet"}
#: These draw no bars, or always tell their progress.
WITHOUT_QUIET = {"catalogues", "doctor", "info", "regions", "surveys"}
SHELL_ONLY_OF = {
    # These are functions of their own: `dry_run` and, of a search, `heat_map`.
    "map": {"dry_run"},
    "info": {"no_preview"},  # In Python no `preview`.
    "search": {"k", "approximate", "heat_map_only"},
    "evaluate": {"map_folder"},  # In Python `sky_map`, which may be a map in memory, too.
    "learn": {"map_folder"},
    "page": {"map_folder"},
    "agree": {"map_folders"},  # In Python `sky_maps`.
    # In which form a table is printed.
    "surveys": {"as_json", "as_csv"},
    "queries": {"as_json", "as_csv"},
    "watch": {"as_json"},
}
#: Of Python only: who is told how far the work is.
PYTHON_ONLY = {"progress"}
WITHOUT_PROGRESS = {"doctor", "regions"}
PYTHON_ONLY_OF = {
    "index": {"client"},
    "map": {"client"},
    "info": {"download"},
    "watch": {"announce"},
    "evaluate": {"sky_map"},
    "learn": {"sky_map"},
    "page": {"sky_map"},
    "agree": {"sky_maps"},
}


#: Compared with their settings below.
OF_PICTURES = {"transfer", "texture"}
SAME_NAME = sorted(set(COMMANDS) & set(skykin.__all__) - {"recipes"} - OF_PICTURES)


def test_each_command_that_computes_has_a_function_of_its_name():
    # `recipes` gives recipes by name, where the command lists them.
    assert set(SAME_NAME) == set(COMMANDS) - {"recipes"} - OF_PICTURES
    assert len(SAME_NAME) == 23


@pytest.mark.parametrize("command", SAME_NAME)
def test_shell_and_python_have_the_same_options(command):
    shell = {each.name for each in COMMANDS[command].params if each.name != "help"}
    python = set(inspect.signature(getattr(skykin, command)).parameters)
    quiet = set() if command in WITHOUT_QUIET else SHELL_ONLY
    progress = set() if command in WITHOUT_PROGRESS else PYTHON_ONLY
    assert shell - python == quiet | SHELL_ONLY_OF.get(command, set())
    assert python - shell == progress | PYTHON_ONLY_OF.get(command, set())


@pytest.mark.parametrize("command", SAME_NAME)
def test_shell_and_python_have_the_same_defaults(command):
    python = inspect.signature(getattr(skykin, command)).parameters
    differing = {
        each.name: (each.default, python[each.name].default)
        for each in COMMANDS[command].params
        if each.name in python
        and not each.required
        and (each.default or None) != (python[each.name].default or None)
    }
    # The shell always writes; a reference of `map` is named in its help.
    assert set(differing) <= {"output", "reference"}


@pytest.mark.parametrize(
    ("command", "settings"), [("transfer", TransferSettings), ("texture", TextureSettings)]
)
def test_what_makes_a_picture_is_a_setting_of_the_same_name_in_python(command, settings):
    book = {"survey", "tile_size", "pixels", "stretch", "jobs", "download"}
    files = {"output", "overwrite", "snapshots", "resume", "figure"}
    shell = {each.name for each in COMMANDS[command].params if each.param_type_name == "option"}
    made = {each.name for each in fields(settings)}
    assert (
        shell - {"help"} - SHELL_ONLY - book - (files if command == "transfer" else files - {"figure"})
        <= made
    )
    assert made <= shell
    assert book - {"download", "jobs"} <= {each.name for each in fields(MapSettings)}


@pytest.mark.parametrize(
    ("arguments", "choices"),
    [
        (["map", "--stretch", "sqrt"], ["linear", "asinh", "log", "symmetric"]),
        (["map", "--grid", "mercator"], ["healpix", "plate-carree"]),
        (["map", "--engine", "fast"], ["tiles", "shared"]),
        (["map", "--combine", "sum"], ["max", "mean"]),
        (["search", "index", "-r", "orion", "--combine", "sum"], ["max", "mean"]),
        (["index", "wham", "--stretch", "sqrt"], ["linear", "asinh", "log", "symmetric"]),
        (["transfer", "a", "b", "--start", "end"], ["content", "noise"]),
        (["transfer", "a", "b", "--optimiser", "sgd"], ["adam", "l-bfgs"]),
        (["texture", "a", "--stretch", "sqrt"], ["linear", "asinh", "log", "symmetric"]),
        (["catalogues", "a.csv", "--frame", "mars"], ["galactic", "icrs", "ecliptic"]),
    ],
)
def test_a_wrong_choice_is_refused_with_exit_code_2_and_the_choices_that_help_shows(
    tmp_path, monkeypatch, arguments, choices
):
    monkeypatch.chdir(tmp_path)
    answer = run(*arguments)
    assert answer.exit_code == 2
    assert f"'{arguments[-1]}' is not one of {', '.join(map(repr, choices))}" in answer.stderr
    assert arguments[-2] in answer.stderr
    assert "|".join(choices) in run(arguments[0], "--help").stdout
    assert list(tmp_path.iterdir()) == []


def python_m(*arguments, **environment):
    """What ``python -m skykin`` answers, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "skykin", *arguments],
        env={**os.environ, "COLUMNS": "120", "NO_COLOR": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_python_m_skykin_is_the_same_program():
    assert python_m("--version").stdout == f"skykin {skykin.__version__}\n"
    refused = python_m("map", "--pixels", "3")
    assert refused.returncode == 2
    assert "USAGE: --pixels is '3'" in refused.stderr
    assert "Usage: skykin map" in python_m("map", "--help").stdout


@pytest.mark.slow
def test_a_shell_completes_commands_and_options():
    words = {"_SKYKIN_COMPLETE": "complete_bash", "COMP_CWORD": "1"}
    assert python_m(COMP_WORDS="skykin ma", **words).stdout.split() == ["map"]
    words["COMP_CWORD"] = "2"
    assert python_m(COMP_WORDS="skykin map --tile", **words).stdout.split() == ["--tile-size"]
    script = python_m(_SKYKIN_COMPLETE="source_bash").stdout
    assert "complete -o default -F _skykin_completion skykin" in script


def test_the_lists_name_every_recipe_and_region_in_a_row_of_its_own():
    def first_cells(command):
        lines = run(command).stdout.splitlines()
        return {line.split("│")[1].strip() for line in lines if line.startswith("│")}

    assert set(recipes()) <= first_cells("recipes")
    assert set(map(str, known_regions()["name"])) <= first_cells("regions")


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
        ("orion", "skykin-orion"),
        ("../../etc -rf", "skykin-etc--rf"),
        ("209,-19", "skykin-209--19"),
    ],
)
def test_the_default_folder_has_a_harmless_name(reference, folder):
    assert str(default_folder([reference], None)) == folder
    assert str(default_folder([reference], "poster")) == f"{folder}-poster"


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

"""The evaluation of a map: from the folder to the folder."""

import json
import shutil
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest
from astropy.table import QTable
from typer.testing import CliRunner

from skykin.cli.main import app
from skykin.core.errors import (
    CorruptFileError,
    DataQualityError,
    InputRefusedError,
    ResourceError,
    UsageError,
)
from skykin.core.progress import SilentProgress
from skykin.evaluation.plain_texture import MEASURES
from skykin.jobs.baselines import baselines
from skykin.jobs.evaluate import evaluate
from skykin.jobs.evaluated_map import evaluated_map
from skykin.products.evaluation import BEGIN, END, Evaluation, section
from skykin.products.folder import output_folder
from skykin.products.map_folder import read_map_folder
from skykin.products.summarised import write_summary
from skykin.products.tile_table import write_ecsv
from skykin.survey.render import RenderedSurvey, measure_stretch
from tests.kinds import BLOBS, CREDITS, made_up_result, provenance
from tests.skies import blob_survey

MANY = 24


def facts(**changes):
    """Provenance as the pipeline writes it."""
    return provenance(
        survey={"name": "blobs", "sha256": "ab" * 32, "bands": ["r", "g", "b"]},
        rendering={
            "kind": "asinh",
            "low": [0, 0, 0],
            "high": [1, 1, 1],
            "softening": 0.02,
            "per_tile": False,
        },
        grid={
            "kind": "healpix",
            "nside": 4,
            "projection": "TAN",
            "tile_size_deg": 15.0,
            "spacing_deg": 14.6583,
            "pixels": 32,
            "area": None,
            "min_coverage": 0.5,
        },
        **changes,
    )


def catalogue():
    """The blobs and places nearby, with a name that a page must escape."""
    rng = np.random.default_rng(0)
    lon, lat = (np.repeat([blob[i] for blob in BLOBS[1:4]], MANY // 3) for i in (1, 2))
    table = QTable({"name": [f"<b>blob {i}" for i in range(MANY)], "lon_deg": lon + rng.normal(0, 4, MANY)})
    table["lon_deg"] %= 360
    table["lat_deg"] = lat + rng.normal(0, 4, MANY)
    table["diameter_deg"] = np.full(MANY, 3.0)
    table.meta["title"] = "blobs & more"
    return table


def further_tests():
    """Tables of stability and injections."""
    rows = QTable(
        {
            "change": ["half the intensity", "stretch log", "reference Orion", "reference Rosette"],
            "correlation": [0.9, 0.8, 1.0, 0.5],
            "overlap": [0.7, 0.6, 1.0, 0.3],
            "auc": [0.6, 0.7, 0.5, 0.9],
            "auc_low": [0.5, 0.6, 0.4, 0.7],
            "auc_high": [0.7, 0.8, 0.6, 1.0],
            "other_reference": [False, False, True, True],
        }
    )
    found = QTable({"found": [True, False], "found_before": [False] * 2, "found_by_intensity": [True] * 2})
    changes = QTable(
        rows=[{"change": "rotated", "n": 2, "found": 0.5, "low": 0.1, "high": 0.9, "score": 0.61}]
    )
    return {"stability": rows, "injections": found, "injection_changes": changes}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The files of a map that an evaluation reads or changes; its figures take long to draw."""
    path = tmp_path_factory.mktemp("maps") / "map"
    with output_folder(path) as made:
        sky_map = made_up_result(provenance=facts())
        write_ecsv(sky_map, made / "tiles.ecsv")
        write_summary(sky_map, made / "summary.json")
        (made / "report.html").write_text(f"<main>\n{BEGIN}\n{END}\n</main>", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def result(folder):
    return evaluate(folder, [catalogue()], rotations=30, jobs=1)


def test_a_map_is_evaluated_beside_its_baselines(result):
    assert isinstance(result, Evaluation)
    assert result.evaluated == "score (poster)"
    assert result.rankings == ("score (poster)", "−|b|", "mean intensity")  # no survey at hand
    own = result.rows(list="blobs & more", zone="all sky", measure="AUC_lat", ranking=result.evaluated)[0]
    assert own["value"] > 0.7
    meaning, first, *_ = result.sentences()
    assert meaning.startswith(
        "AUC_lat is the chance that a catalogued object scores higher than the same cat"
    )
    assert first.startswith("blobs & more, all sky (")
    assert "The best ranking without a network, mean intensity, has AUC_lat" in first
    assert "AUC_lat" in result._repr_html_()


@pytest.mark.slow
def test_the_figure_of_areas_says_what_its_colours_are(result):
    (legend,) = result.plot().legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "the score",
        "other rankings",
        "list rotated (95 %)",
    ]


def test_the_evaluation_is_written_into_the_map_and_its_report(result, folder, tmp_path):
    copy = tmp_path / "map"
    shutil.copytree(folder, copy)
    page = result.add_to_map(copy)
    result.add_to_map(copy)  # a second time replaces the first
    assert page == copy / "report.html"
    text = page.read_text(encoding="utf-8")
    assert text.count("Evaluation: does the score find more than simpler rankings?") == 1
    assert "blobs &amp; more" in text
    assert "<b>blob" not in text
    document = json.loads((copy / "evaluation" / "evaluation.json").read_text(encoding="utf-8"))
    assert document["evaluated"] == "score (poster)"
    assert len(document["numbers"]) == len(result.numbers)
    assert document["provenance"]["recipe"]["name"] == "poster"
    table = QTable.read(copy / "evaluation" / "evaluation.ecsv")
    assert table["value"].info.description == "the number"
    assert 'src="data:image/' in text
    for suffix in ("png", "pdf"):
        assert (copy / "evaluation" / f"evaluation-auc.{suffix}").stat().st_size > 5000
    # The map can still be made anew over it.
    with output_folder(copy, overwrite=True) as again:
        (again / "tiles.ecsv").write_text("new")
    assert not (copy / "evaluation").exists()


@pytest.mark.slow
def test_what_was_written_is_read_again(result, tmp_path):
    written = result.write(tmp_path / "evaluation")
    for name in ("evaluation-recall", "evaluation-auc", "evaluation-objects"):
        for suffix in ("png", "pdf"):
            assert written[f"{name}.{suffix}"].stat().st_size > 5000
    read = Evaluation.read(tmp_path / "evaluation")
    for name in ("numbers", "objects", "curves"):
        own, again = getattr(result, name), getattr(read, name)
        assert again.colnames == own.colnames
        for column in own.colnames:
            np.testing.assert_array_equal(again[column], own[column])
    assert read.numbers["value"].info.description == "the number"
    assert read.sentences() == result.sentences()
    assert (read.title, read.evaluated, read.nulls) == (result.title, result.evaluated, result.nulls)
    assert read.facts == result.facts
    assert read.provenance.to_dict() == {**result.provenance.to_dict(), "credits": list(CREDITS)}
    with pytest.raises(UsageError, match="already holds"):
        result.write(tmp_path / "evaluation")
    with pytest.raises(InputRefusedError, match="has no evaluation.json and no .* made by `skykin evaluate`"):
        Evaluation.read(tmp_path.parent)


def test_tables_of_further_tests_are_read_again(result, tmp_path, monkeypatch):
    monkeypatch.setattr("skykin.products.evaluation._draw", lambda *_: [])
    tables = further_tests()
    tables["stability"]["auc"][0] = np.nan
    replace(result, **tables).write(tmp_path / "evaluation")
    read = Evaluation.read(tmp_path / "evaluation")
    for name, own in tables.items():
        assert getattr(read, name).colnames == own.colnames
        for column in own.colnames:
            np.testing.assert_array_equal(getattr(read, name)[column], own[column])


def test_a_notebook_shows_the_picture_and_a_prompt_one_line(result):
    assert repr(result) == "<Evaluation of score (poster) beside 2 rankings: blobs & more>"
    page = result._repr_html_()
    assert page.count("data:image/png;base64,") == 1
    assert "blobs &amp; more: every ranking" in page
    own = result.rows(list="blobs & more", zone="all sky", measure="AUC_lat", ranking=result.evaluated)[0]
    assert f"<td>{own['value']:.3f} [{own['low']:.3f}, {own['high']:.3f}]</td>" in page
    shown = result.plot()
    assert shown.axes[0].get_title("left").startswith("blobs & more: all sky (")
    labels = [label.get_text() for label in shown.axes[0].get_yticklabels()]
    assert labels == list(result.rankings)


def test_the_report_of_a_map_has_a_place_for_its_evaluation():
    template = (files("skykin.products") / "templates" / "report.html").read_text(encoding="utf-8")
    assert template.count(f"{BEGIN}\n{END}") == 1


def test_with_the_survey_at_hand_all_baselines_are_measured():
    survey = blob_survey(nside=16)
    found = made_up_result(provenance=facts(), sky=RenderedSurvey(survey, measure_stretch(survey)))
    evaluated = evaluated_map(found, survey=None, survey_option=None, bands=None, progress=SilentProgress())
    found = baselines(evaluated, 1, SilentProgress())
    contrasts = [f"log contrast {pair}" for pair in ("5°/15°", "2°/5°", "1°/5°")]
    assert list(found) == ["−|b|", "mean intensity", "mean intensity in 5°", *contrasts, *MEASURES]
    assert all(np.isfinite(score).mean() > 0.9 for score in found.values())


def test_another_survey_than_the_maps_is_refused(folder):
    sentence = "the map was made from a survey whose sha256 is 'abab.*', but that of 'blobs' is '0000"
    with pytest.raises(UsageError, match=sentence):
        evaluate(folder, [catalogue()], survey=blob_survey(nside=16))


def test_nulls_injections_and_stability_are_told(result):
    asked = replace(result, nulls=("mean intensity",), **further_tests())
    told = asked.sentences()
    assert "Share of the copies found, by what was changed: rotated 0.50." in told
    page = section(asked, ())
    assert "The reference put at empty places" in page
    assert "0.50 [0.10, 0.90]" in page
    assert any(line.startswith("AUC_lat of maps that should find nothing or less") for line in told)
    assert (
        "1 of 2 injected copies of the reference are among the best 1 % of the sky (0 of the same places "
        "were before; ranking by mean intensity finds 2)."
    ) in told
    assert "Made in 2 other ways, the map has an AUC_lat from 0.600 to 0.700 (mean 0.650 ± 0.071)." in told
    assert "For 2 references, the map has an AUC_lat from 0.500 to 0.900 (mean 0.700 ± 0.283)." in told


def test_the_command_tells_the_main_numbers(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("skykin.products.evaluation._draw", lambda *_: [])
    copy = tmp_path / "map"
    shutil.copytree(folder, copy)
    own = tmp_path / "mine.ecsv"
    catalogue().write(own)
    ran = CliRunner().invoke(app, ["evaluate", str(copy), "-c", str(own), "--rotations", "30", "-j", "1"])
    assert ran.exit_code == 0, ran.output
    assert "mine.ecsv, all sky (" in ran.output
    assert "the survey 'blobs' is not available (USAGE-NAME)" in ran.output
    assert "Open" in ran.output


def test_what_is_no_map_or_no_list_is_refused(folder, tmp_path):
    with pytest.raises(
        InputRefusedError, match=r"has no tiles.ecsv and no summary.json, so it is no folder made by"
    ):
        read_map_folder(tmp_path)
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    (broken / "summary.json").write_text("{")
    with pytest.raises(CorruptFileError, match="cannot be read .JSONDecodeError.; make them again"):
        read_map_folder(broken)
    with pytest.raises(UsageError, match="rotations is 3, but it must be from 20 to 3600; the default is"):
        evaluate(folder, rotations=3)
    with pytest.raises(UsageError, match="injections is -1, but it must be from 0 to 10000"):
        evaluate(folder, injections=-1)
    with pytest.raises(
        UsageError, match="look at the survey again, but it is not available; say where it is"
    ):
        evaluate(folder, [catalogue()], nulls=True)
    with pytest.raises(UsageError, match="two lists are called 'blobs & more'; rename one of them"):
        evaluate(folder, [catalogue(), catalogue()])
    few = catalogue()[:3]
    with pytest.raises(DataQualityError, match="only 3 of the 3 objects of 'blobs & more' lie on the map"):
        evaluate(folder, few)
    with pytest.raises(InputRefusedError, match="there is no folder .*nowhere.; name one that `skykin map`"):
        read_map_folder(tmp_path / "nowhere")
    with pytest.raises(
        ResourceError, match="^cannot read 'none.csv': No such file or directory; check its name$"
    ):
        evaluate(folder, "none.csv")

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
from skykin.core.errors import CorruptFileError, DataQualityError, InputRefusedError, UsageError
from skykin.core.progress import SilentProgress
from skykin.evaluation.plain_texture import MEASURES
from skykin.jobs.baselines import baselines
from skykin.jobs.evaluate import evaluate_map, keep_in_map
from skykin.jobs.judged_map import judged_map
from skykin.products.evaluation import Evaluation
from skykin.products.evaluation_files import BEGIN, END, section, write_evaluation
from skykin.products.figures.evaluation import draw_aucs
from skykin.products.folder import output_folder
from skykin.products.map_folder import read_map_folder
from skykin.products.summary import write_summary
from skykin.products.tile_table import write_ecsv
from skykin.survey.render import RenderedSurvey, measure_stretch
from tests.kinds import BLOBS, made_up_result, provenance
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


def targets():
    """The blobs and places nearby, with a name that a page must escape."""
    rng = np.random.default_rng(0)
    lon, lat = (np.repeat([blob[i] for blob in BLOBS[1:4]], MANY // 3) for i in (1, 2))
    table = QTable({"name": [f"<b>blob {i}" for i in range(MANY)], "lon_deg": lon + rng.normal(0, 4, MANY)})
    table["lon_deg"] %= 360
    table["lat_deg"] = lat + rng.normal(0, 4, MANY)
    table["diameter_deg"] = np.full(MANY, 3.0)
    table.meta["title"] = "blobs & more"
    return table


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The files of a map that an evaluation reads or changes; its figures take long to draw."""
    path = tmp_path_factory.mktemp("maps") / "map"
    with output_folder(path) as made:
        kin = made_up_result(provenance=facts())
        write_ecsv(kin, made / "tiles.ecsv")
        write_summary(kin, made / "summary.json")
        (made / "report.html").write_text(f"<main>\n{BEGIN}\n{END}\n</main>", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def result(folder):
    return evaluate_map(folder, [targets()], turns=30, jobs=1)


def test_a_map_is_judged_beside_its_baselines(result):
    assert isinstance(result, Evaluation)
    assert result.trial == "score (poster)"
    assert result.rankings == ("score (poster)", "−|b|", "mean intensity")  # no survey at hand
    own = result.rows(list="blobs & more", zone="all sky", measure="AUC_lat", ranking=result.trial)[0]
    assert own["value"] > 0.7
    first = result.sentences()[0]
    assert first.startswith("blobs & more, all sky (")
    assert "The best ranking without a network, mean intensity, has AUC_lat" in first
    assert "AUC_lat" in result._repr_html_()


def test_the_evaluation_is_written_into_the_map_and_its_report(result, folder, tmp_path, monkeypatch):
    monkeypatch.setattr("skykin.products.evaluation_files.FIGURES", (draw_aucs,))
    copy = tmp_path / "map"
    shutil.copytree(folder, copy)
    page = keep_in_map(result, copy, SilentProgress())
    keep_in_map(result, copy, SilentProgress())  # a second time replaces the first
    assert page == copy / "report.html"
    text = page.read_text(encoding="utf-8")
    assert text.count("Evaluation: is the score worth more than simpler rankings?") == 1
    assert "blobs &amp; more" in text
    assert "<b>blob" not in text
    document = json.loads((copy / "evaluation" / "evaluation.json").read_text(encoding="utf-8"))
    assert document["on_trial"] == "score (poster)"
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
def test_all_figures_are_drawn(result, tmp_path):
    written = write_evaluation(result, tmp_path / "evaluation", SilentProgress())
    for name in ("evaluation-recall", "evaluation-auc", "evaluation-objects"):
        for suffix in ("png", "pdf"):
            assert written[f"{name}.{suffix}"].stat().st_size > 5000


def test_the_report_of_a_map_has_a_place_for_its_evaluation():
    template = (files("skykin.products") / "templates" / "report.html").read_text(encoding="utf-8")
    assert template.count(f"{BEGIN}\n{END}") == 1


def test_with_the_survey_at_hand_all_baselines_are_measured():
    survey = blob_survey(nside=16)
    kin = replace(made_up_result(provenance=facts()), sky=RenderedSurvey(survey, measure_stretch(survey)))
    judged = judged_map(kin, survey=None, survey_option=None, bands=None, progress=SilentProgress())
    found = baselines(judged, 1, SilentProgress())
    contrasts = [f"log contrast {pair}" for pair in ("5°/15°", "2°/5°", "1°/5°")]
    assert list(found) == ["−|b|", "mean intensity", "mean intensity in 5°", *contrasts, *MEASURES]
    assert all(np.isfinite(score).mean() > 0.9 for score in found.values())


def test_another_survey_than_the_maps_is_refused(folder):
    sentence = "the map was made from a survey whose sha256 is 'abab.*', but that of 'blobs' is '0000"
    with pytest.raises(UsageError, match=sentence):
        evaluate_map(folder, [targets()], survey=blob_survey(nside=16))


def test_nulls_injections_and_stability_are_told(result):
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
        rows=[{"change": "turned", "n": 2, "found": 0.5, "low": 0.1, "high": 0.9, "score": 0.61}]
    )
    asked = replace(
        result, nulls=("mean intensity",), stability=rows, injections=found, injection_changes=changes
    )
    told = asked.sentences()
    assert "Share of the copies found, by what was changed: turned 0.50." in told
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
    monkeypatch.setattr("skykin.products.evaluation_files.FIGURES", ())
    copy = tmp_path / "map"
    shutil.copytree(folder, copy)
    own = tmp_path / "mine.ecsv"
    targets().write(own)
    ran = CliRunner().invoke(app, ["evaluate", str(copy), "-c", str(own), "--turns", "30", "-j", "1"])
    assert ran.exit_code == 0, ran.output
    assert "mine.ecsv, all sky (" in ran.output
    assert "the survey 'blobs' is not at hand (USAGE-NAME)" in ran.output
    assert "Open" in ran.output


def test_what_is_no_map_or_no_list_is_refused(folder, tmp_path):
    with pytest.raises(
        InputRefusedError, match=r"has no tiles.ecsv and no summary.json, so it is no folder made by"
    ):
        read_map_folder(tmp_path)
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    (broken / "summary.json").write_text("{")
    with pytest.raises(CorruptFileError, match="cannot be read .JSONDecodeError.; make it again"):
        read_map_folder(broken)
    with pytest.raises(UsageError, match="turns is 3, but it must be from 20 to 3600; the default is 300"):
        evaluate_map(folder, turns=3)
    with pytest.raises(UsageError, match="injections is -1, but it must be from 0 to 10000"):
        evaluate_map(folder, injections=-1)
    with pytest.raises(UsageError, match="look at the survey again, but it is not at hand; say where it is"):
        evaluate_map(folder, [targets()], nulls=True)
    with pytest.raises(UsageError, match="two lists are called 'blobs & more'; rename one of them"):
        evaluate_map(folder, [targets(), targets()])
    few = targets()[:3]
    with pytest.raises(DataQualityError, match="only 3 of the 3 objects of 'blobs & more' lie on the map"):
        evaluate_map(folder, [few])

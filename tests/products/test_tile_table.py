"""The catalogue, read back by independent readers; and the summary beside it."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from astropy import units as u
from astropy.io import votable
from astropy.io.votable.ucd import check_ucd
from astropy.table import QTable

from skykin.core.footprint import Footprint
from skykin.core.plain import plain
from skykin.products.summarised import write_summary
from skykin.products.summary import MapSummary, recall_rows, summary_lines
from skykin.products.tile_table import ranked_tiles, write_ecsv, write_votable
from tests import kinds

ORION = Footprint(209.0, -19.0, 15.0)


@pytest.fixture(scope="module")
def result():
    return kinds.made_up_result()


@pytest.fixture(scope="module")
def ecsv(result, tmp_path_factory):
    path = tmp_path_factory.mktemp("tables") / "tiles.ecsv"
    write_ecsv(result, path)
    return QTable.read(path)


@pytest.fixture(scope="module")
def vot(result, tmp_path_factory):
    path = tmp_path_factory.mktemp("tables") / "tiles.vot"
    write_votable(result, path)
    return path


def test_rows_are_sorted_by_rank_and_keep_their_values(result, ecsv):
    assert list(ecsv["rank"]) == list(range(1, len(result.footprints) + 1))
    assert (np.diff(ecsv["score"]) <= 0).all()
    best = int(np.argmax(result.scores))
    assert ecsv["name"][0] == result.tiles["name"][best]
    assert ecsv["lon"][0] == result.footprints[best].lon_deg * u.deg
    assert ecsv["cosine_block2_conv1"][0] == result.tiles["cosine_block2_conv1"][best]


def test_columns_have_units_descriptions_and_ucds(ecsv):
    assert (ecsv["lat"].unit, ecsv["width"].unit, ecsv["mean_intensity"].unit) == (u.deg, u.deg, u.R)
    assert all(ecsv[name].info.description for name in ecsv.colnames)
    ucds = {name: ecsv[name].info.meta["ucd"] for name in ecsv.colnames}
    assert all(check_ucd(ucd, check_controlled_vocabulary=True) for ucd in ucds.values())
    assert ucds["lon"].startswith("pos.galactic.lon")
    assert ucds["lat"].startswith("pos.galactic.lat")
    assert ucds["ra"].startswith("pos.eq.ra")
    assert ucds["dec"].startswith("pos.eq.dec")


def test_the_ecsv_carries_provenance_and_acknowledgements(ecsv):
    assert ecsv.meta["provenance"]["survey"]["sha256"] == "ab" * 32
    assert ecsv.meta["acknowledgements"] == list(kinds.CREDITS)
    assert ecsv.meta["match"] == "score 0.9 or more"


def test_writing_leaves_the_result_alone(result):
    assert result.tiles.meta == {}
    assert result.tiles["score"].info.description is None
    ranked_tiles(result)
    assert result.tiles.meta == {}
    assert result.tiles["score"].info.description is None


def test_the_votable_is_valid_to_the_letter(vot):
    # verify="exception" refuses whatever departs from the standard.
    document = votable.parse(vot, verify="exception")
    table = document.get_first_table()
    assert len(table.array) == 191
    assert {field.name: field.unit for field in table.fields}["lon"] == u.deg
    assert all(field.ucd and field.description for field in table.fields)


def test_the_votable_holds_the_same_numbers_as_the_ecsv(vot, ecsv):
    read = QTable.read(vot)
    assert read.colnames == ecsv.colnames
    for name in read.colnames:
        np.testing.assert_array_equal(np.asarray(read[name]), np.asarray(ecsv[name]))


def test_the_votable_names_its_frame_and_carries_the_stamp(vot):
    resource = votable.parse(vot).resources[0]
    frames = {system.ID: system.system for system in resource.coordinate_systems}
    fields = {field.name: field.ref and frames[field.ref] for field in resource.tables[0].fields}
    assert sorted(frames.values()) == ["ICRS", "galactic"]
    assert (fields["lon"], fields["lat"], fields["ra"], fields["dec"]) == (*["galactic"] * 2, *["ICRS"] * 2)
    assert set(fields.values()) == {"galactic", "ICRS", None}
    infos = {info.name: info.value for info in resource.infos}
    assert infos["survey.sha256"] == "ab" * 32
    assert infos["versions.astropy-healpix"]
    assert "funded by nobody" in " ".join(resource.description.split())


def test_names_from_outside_cannot_break_the_votable(tmp_path):
    result = kinds.made_up_result(query=kinds.query(("</TABLE><script>alert(1)</script>", ORION)))
    write_votable(result, tmp_path / "tiles.vot")
    document = votable.parse(tmp_path / "tiles.vot", verify="exception")
    assert "<script>alert(1)</script>" in document.resources[0].description
    assert "<script" not in (tmp_path / "tiles.vot").read_text(encoding="utf-8")


def test_the_validator_of_the_virtual_observatory_finds_no_fault(vot):
    told = io.StringIO()
    assert votable.validate(vot, output=told), told.getvalue()


def test_summary_json_is_sorted_and_has_null_for_what_is_no_number(result, tmp_path):
    write_summary(result, tmp_path / "summary.json")
    text = (tmp_path / "summary.json").read_text(encoding="utf-8")
    read = json.loads(text, parse_constant=pytest.fail)
    assert list(read) == sorted(read)
    assert read["controls"] == {"black": 0.935, "noise": None, "white": 0.7}
    assert read["provenance"]["recipe"]["name"] == "poster"
    assert read["acknowledgements"] == list(kinds.CREDITS)


def test_plain_reduces_anything_to_what_json_knows():
    mixed = {
        "a": np.float32(0.5),
        2: (np.int64(3), np.bool_(True)),
        "c": np.array([1.0, np.inf]),
        "d": 1 * u.deg,
    }
    assert plain(mixed) == {"a": 0.5, "2": [3, True], "c": [1.0, None], "d": "1.0 deg"}
    assert plain(Footprint) == str(Footprint)


def test_the_summary_puts_baselines_and_controls_right_beside_the_recovery():
    assert summary_lines(kinds.summary()) == [
        "190 tiles were scored; 2 were left out for too little data.",
        "12 of them match (score 0.9 or more): they stand for 6.2 % of the sky, "
        "and 7.0 % lies inside at least one of them.",
        "5 of 7 well-known star-forming regions (away from the reference, and in what the survey can show) "
        "are recovered in the best 6.2 % of the sky; as much sky "
        "ranked without any network recovers 5 by mean brightness and 3 by closeness to the Galactic plane "
        "(−|b|).",
        "So in this map the score finds no more of these regions than a simple ranking does.",
        "Regions recovered at 5 % / 10 % / 20 % of the sky: by score 57 % / 71 % / 71 %; by mean brightness "
        "57 % / 71 % / 86 %; by closeness to the Galactic plane (−|b|) 29 % / 43 % / 43 %.",
        "Rank correlation (Spearman) of the score: +0.95 with mean intensity, −0.41 with |b|, "
        "+0.02 with coverage.",
        "Score of control images, which show no sky: black 0.935, white 0.700.",
        "Beware: black would match too; the score alone is no proof of similarity.",
    ]


def test_a_score_that_beats_the_simple_rankings_is_not_called_useless():
    regions = {**kinds.summary().regions, "recovered": {"score": 6, "brightness": 5, "latitude": 3}}
    told = " ".join(summary_lines(kinds.summary(regions=regions, controls={"black": 0.2})))
    assert "no more of these regions" not in told
    assert "Beware" not in told


def test_what_a_summary_does_not_know_it_does_not_tell():
    told = summary_lines(MapSummary(n_tiles=3, controls={"black": None}))
    assert told == ["3 tiles were scored."]
    assert recall_rows(MapSummary()) == ([], [])


def test_parts_that_do_not_belong_together_are_refused():
    with pytest.raises(ValueError, match="190 rows of tiles do not fit 191 footprints"):
        kinds.made_up_result(tiles=kinds.made_up_result().tiles[1:])
    tiles = kinds.made_up_result().tiles
    tiles.remove_column("coverage")
    with pytest.raises(ValueError, match="the table of tiles lacks the columns coverage"):
        kinds.made_up_result(tiles=tiles)


@pytest.mark.slow
def test_a_map_shows_itself_in_a_notebook_with_names_escaped():
    shown = kinds.made_up_result(query=kinds.query(("<script>alert(1)</script>", ORION)))._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert "190 tiles were scored" in shown
    assert "<table" in shown

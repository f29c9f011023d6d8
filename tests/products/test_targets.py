"""Targets: the best of each group of matches, named, with what is known there, written and read back."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import QTable
from hypothesis import given, settings
from hypothesis import strategies as st
from regions import CircleSkyRegion, Regions

import skykin
from skykin.catalogue.target_choice import TargetChoice
from skykin.core.errors import InputRefusedError, UsageError
from skykin.core.footprint import Footprint
from skykin.evaluation.tile_centres import TileCentres
from skykin.products import target_page
from skykin.products.designation import designations
from skykin.products.field import Field
from skykin.products.figures.targets import draw_targets
from skykin.products.summary import summary_lines, target_lines
from skykin.products.target_facts import beside_rankings, contrast, target_facts
from skykin.products.target_files import write_target_ecsv, write_target_regions, write_target_votable
from skykin.products.target_list import candidates
from skykin.products.thumbnails import thumbnails
from skykin.survey.named import NamedSurvey, named_surveys
from tests import kinds
from tests.skies import blob_survey

ORION = Footprint(209.0, -19.0, 15.0)


@pytest.fixture(scope="module")
def found():
    return kinds.made_up_result(threshold=0.75)


@pytest.fixture(scope="module")
def targets(found):
    return found.targets()


def of(lon, lat, tile_deg=6.0):
    """Designations of Galactic places."""
    lon, lat = np.atleast_1d(np.asarray(lon, float)), np.atleast_1d(np.asarray(lat, float))
    icrs = SkyCoord(lon * u.deg, lat * u.deg, frame="galactic").icrs
    return designations(lon, lat, icrs.ra.deg, icrs.dec.deg, tile_deg)


def test_a_designation_cuts_its_digits_off():
    assert of(209.39, -19.39) == ["SKYKIN G209.3-19.3"]
    assert of(0.0, 0.0) == ["SKYKIN G000.0+00.0"]
    assert of(5.67, 7.05) == ["SKYKIN G005.6+07.0"]
    assert of(209.3, -0.04) == ["SKYKIN G209.3-00.0"]


def test_a_small_field_has_equatorial_designations():
    """The Orion Nebula, θ¹ Ori C at 05h35m16.46s −05°23′22.8″."""
    place = SkyCoord("05h35m16.46s", "-05d23m22.8s")
    given = (
        np.array([angle])
        for angle in (place.galactic.l.deg, place.galactic.b.deg, place.ra.deg, place.dec.deg)
    )
    assert designations(*given, 0.3) == ["SKYKIN J053516.4-052322"]


def test_places_that_would_share_a_name_get_more_digits():
    assert of([10.01, 10.02], [0.0, 0.0]) == ["SKYKIN G010.01+00.00", "SKYKIN G010.02+00.00"]
    assert of([10.01, 10.01], [0.0, 0.0])[0] == "SKYKIN G010.010000+00.000000"


@given(lon=st.floats(0, 359.999), lat=st.floats(-89.9, 89.9), tile_deg=st.sampled_from([6.0, 0.1]))
@settings(max_examples=80)
def test_a_designation_says_in_which_field_a_place_lies(lon, lat, tile_deg):
    (name,) = of(lon, lat, tile_deg)
    if tile_deg > 1:
        a, sign, b = re.fullmatch(r"SKYKIN G(\d{3}\.\d)([+-])(\d\d\.\d)", name).groups()
        assert -1e-8 < lon - float(a) < 0.1 + 1e-8
        assert -1e-8 < abs(lat) - float(b) < 0.1 + 1e-8
        return
    parts = re.fullmatch(r"SKYKIN J(\d\d)(\d\d)(\d\d\.\d)([+-])(\d\d)(\d\d)(\d\d)", name).groups()
    icrs = SkyCoord(lon * u.deg, lat * u.deg, frame="galactic").icrs
    h, m, s, sign, d, arcmin, arcsec = parts
    seconds = icrs.ra.deg / 15 * 3600 - (3600 * int(h) + 60 * int(m) + float(s))
    assert -1e-6 < seconds < 0.1 + 1e-6
    away = abs(icrs.dec.deg) * 3600 - (3600 * int(d) + 60 * int(arcmin) + int(arcsec))
    assert -1e-6 < away < 1 + 1e-6
    assert sign == ("-" if icrs.dec.deg < 0 else "+")


def test_targets_are_the_best_of_each_group_without_the_reference(found, targets):
    assert list(targets.table["tile"]) == ["G078.8+00.0", "G258.8+00.0", "G281.2+00.0", "G045.0+78.3"]
    assert list(targets.table["rank"]) == [1, 2, 3, 4]
    assert list(targets.table["score"]) == sorted(targets.table["score"], reverse=True)
    away = targets.coordinates[:, None].separation(targets.coordinates[None]).deg
    assert away[~np.eye(4, dtype=bool)].min() >= 15 * math.sqrt(2)
    assert (targets.coordinates.separation(ORION.center).deg > 15 * math.sqrt(2)).all()
    assert targets.table["group"].sum() == len(candidates(found)) == 9


def test_a_target_says_what_it_is(targets):
    best = targets.table[0]
    assert (best["name"], best["constellation"]) == ("SKYKIN G078.7+00.0", "Cygnus")
    where = SkyCoord(best["ra"], best["dec"])
    assert where.separation(SkyCoord(best["lon"], best["lat"], frame="galactic")).arcsec < 1e-3
    assert best["size"] == 15 * u.deg
    assert best["known"].startswith("Cygnus X, molecular cloud complex, 0.76°; ")
    assert best["known"].endswith(" more")
    assert (best["known_name"], best["known_kind"], best["known_list"]) == (
        "Cygnus X",
        "molecular cloud complex",
        "regions",
    )
    assert best["known_separation"].to_value(u.deg) == pytest.approx(0.755, abs=0.001)
    assert targets.table["mean_intensity"].unit == u.R
    assert repr(targets) == "<Targets: 4 of Made-up Hα sky like Orion, the best SKYKIN G078.7+00.0>"


def test_fewer_or_nearer_targets_are_chosen_on_request(found):
    near = found.targets(min_separation=5 * u.deg)
    assert len(near) == len(candidates(found)) == 9
    assert set(near.table["group"]) == {1}
    two = found.targets(2)
    assert (len(two), two.groups) == (2, 4)
    assert "the other 2 of 4 groups are not listed (--targets 4)" in two.sentences()[0]
    with pytest.raises(UsageError, match="min_separation is '-3', but it must be above 0° and at most 180°"):
        found.targets(min_separation=-3)


def test_more_targets_than_matches_is_one_sentence(found):
    told = found.targets(9999).sentences()
    assert told[0] == (
        "4 targets: the best of each group of matches that lie less than 21.2° apart, without those that "
        "overlap the reference; 9999 were requested, and there are no more."
    )


def test_no_match_is_one_sentence_and_empty_files(tmp_path):
    none = kinds.made_up_result(threshold=2.0).targets(site="Paranal", night="2026-01-15")
    assert len(none) == 0
    assert none.sentences() == [
        "No targets: no tile away from the reference has score 2 or more; a weaker criterion (--threshold, "
        "--top-fraction or --max-q) lists more."
    ]
    assert repr(none) == "<Targets: 0 of Made-up Hα sky like Orion>"
    write_target_ecsv(none, tmp_path / "targets.ecsv")
    write_target_votable(none, tmp_path / "targets.vot")
    write_target_regions(none, tmp_path / "targets.reg")
    assert len(skykin.Targets.read(tmp_path)) == 0
    assert (tmp_path / "targets.reg").read_text().startswith("# Region file format: DS9")
    assert "<li>" not in target_page.target_section(none, none.sentences(), most=10)


def test_matches_of_the_reference_alone_are_no_targets():
    found = kinds.made_up_result(threshold=0.95)
    tiles = found.tiles
    tiles["match"] &= found.overlapping
    assert found.n_matches > 0
    assert len(found.targets()) == 0


def test_a_place_without_an_object_stands_out(targets):
    table = targets.table.copy()
    table["known"], table["known_objects"], table["known_name"] = "nothing catalogued", 0, ""
    table["inside"] = ["Gum Nebula, ionised shell, 13°"] * 4
    bare = replace(targets, table=table)
    assert bare.uncatalogued.tolist() == [True] * 4
    assert bare.sentences()[1].endswith(" have q 0.1 or less. At 4 nothing is catalogued within 7.5°.")
    page = target_page.target_section(bare, [], most=10)
    told = '<span class="nothing">nothing catalogued</span> (inside Gum Nebula, ionised shell, 13°)</p>'
    assert page.count(told) == 4
    assert 'class="nothing"' not in target_page.target_section(targets, [], most=10)


def test_columns_of_a_view_and_of_several_references_are_carried(found):
    tiles = found.tiles.copy()
    tiles["view_angle_deg"], tiles["view_scale"] = 45.0, 1.5
    tiles["best_reference"] = "Orion"
    viewed = replace(found, scored=replace(found.scored, tiles=tiles)).targets()
    assert list(viewed.table["view_angle_deg"]) == [45.0] * 4
    facts = dict(target_page.target_page(viewed, []).rows[0].facts)
    assert (facts["view"], facts["most like"]) == ("45° × 1.5", "Orion")


def test_an_observer_is_told_altitude_and_dark_hours(found):
    seen = found.targets(site="VLT", night="2026-01-15")
    assert seen.table["transit_altitude"].unit == u.deg
    gum = seen.table[list(seen.table["tile"]).index("G258.8+00.0")]
    assert gum["transit_altitude"].value == pytest.approx(90 - abs(-24.63 - gum["dec"].value), abs=0.2)
    assert 6 < gum["hours_high"].to_value(u.h) < 9
    assert "Seen from Paranal (24.63° S, 70.40° W) in the night of 2026-01-15." in seen.sentences()
    with pytest.raises(UsageError, match="no observatory is called 'Barsoom'"):
        found.targets(site="Barsoom", night="2026-01-15")


@pytest.mark.slow
def test_all_files_are_written_into_one_folder(targets, tmp_path):
    targets.write(tmp_path / "t")
    names = {path.name for path in (tmp_path / "t").iterdir()} - {".skykin-products"}
    assert names == {"targets.ecsv", "targets.vot", "targets.reg", "targets.png", "targets.pdf"}
    assert skykin.Targets.read(tmp_path / "t").sentences() == targets.sentences()
    with pytest.raises(UsageError, match="already holds 6 files; add --overwrite"):
        targets.write(tmp_path / "t")


def test_written_targets_are_read_back(targets, tmp_path):
    write_target_ecsv(targets, tmp_path / "targets.ecsv")
    read = skykin.Targets.read(tmp_path)
    assert read.table.colnames == targets.table.colnames
    for name in read.table.colnames:
        mine, theirs = targets.table[name], read.table[name]
        assert getattr(mine, "unit", None) == getattr(theirs, "unit", None), name
        np.testing.assert_array_equal(np.asarray(mine), np.asarray(theirs), name)
    assert read.sentences() == targets.sentences()
    assert (read.choice, read.extent, read.heading) == (targets.choice, targets.extent, targets.heading)
    assert read.provenance.to_dict() == targets.provenance.to_dict()
    assert read.table["group"].info.description.startswith("Overlapping matches of which the target is")
    with pytest.raises(InputRefusedError, match="has no targets.ecsv, so it is no folder made by"):
        skykin.Targets.read(tmp_path / "..")


def test_the_votable_has_names_units_and_frames(targets, tmp_path):
    write_target_votable(targets, tmp_path / "t.vot")
    table = QTable.read(tmp_path / "t.vot", format="votable")
    assert list(table["name"]) == list(targets.table["name"])
    assert table["lon"].unit == u.deg
    assert "4 of" not in (tmp_path / "t.vot").read_text(errors="replace")[:200]
    assert 'ref="galactic"' in (tmp_path / "t.vot").read_text(errors="replace")


def test_regions_are_small_circles_with_names(targets, tmp_path):
    write_target_regions(targets, tmp_path / "t.reg")
    read = Regions.read(tmp_path / "t.reg", format="ds9")
    assert all(isinstance(region, CircleSkyRegion) for region in read)
    assert [region.meta["text"] for region in read] == list(targets.table["name"])
    assert [region.radius.to_value(u.deg) for region in read] == pytest.approx([15 / 8] * 4)
    for region, place in zip(read, targets.coordinates, strict=True):
        assert region.center.separation(place).deg < 1e-5
    assert "\ngalactic\n" in (tmp_path / "t.reg").read_text(encoding="ascii")


def test_regions_of_a_small_field_are_equatorial(targets, tmp_path):
    table = targets.table.copy()
    table["size"] = 0.1 * u.deg
    write_target_regions(replace(targets, table=table), tmp_path / "t.reg")
    assert "\nicrs\n" in (tmp_path / "t.reg").read_text(encoding="ascii")


def test_links_lead_to_the_place():
    made = dict(target_page.links(SkyCoord("05h35m16.46s", "-05d23m22.8s"), 6.0))
    place = "83.818583+-5.389667"
    assert made == {
        "SIMBAD": f"https://simbad.cds.unistra.fr/simbad/sim-coo?Coord={place}&CooFrame=ICRS&Radius=60"
        "&Radius.unit=arcmin",
        "Aladin Lite": f"https://aladin.cds.unistra.fr/AladinLite/?target={place}&fov=9&cooFrame=ICRS",
        "ESASky": f"https://sky.esa.int/esasky/?target={place}&fov=9&cooframe=J2000",
    }


def test_a_page_shows_pictures_and_what_is_known(targets):
    page = target_page.target_section(targets, targets.sentences(), most=3)
    assert page.count("<img") == page.count("<li>") == 3
    assert "1. SKYKIN G078.7+00.0" in page
    assert "Cygnus X, molecular cloud complex, 0.76°" in page
    assert "<p>4 targets: the best of each group" in page
    assert "The 3 best of 4 targets." in page


@pytest.mark.slow
def test_a_notebook_shows_figure_and_pictures(targets):
    page = targets._repr_html_()
    assert page.startswith("<h3>4 targets like Orion in Made-up Hα sky</h3><img ")
    assert page.count("<img") == 1 + 4


def test_texts_from_files_stay_texts_on_a_page(found):
    evil = "\"'><script>alert(1)</script>"
    listed = kinds.made_up_result(threshold=0.75, title=evil, query=kinds.query((evil, ORION))).targets()
    listed.table["known"] = [evil] * 4
    page = target_page.target_section(listed, [evil], most=10)
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_files_and_page_hold_no_control_characters(found, tmp_path):
    evil = "M\x1b[2J 42\u202e; circle(0,0,9)"
    tiles = found.tiles.copy()
    tiles["best_reference"] = evil
    asked = kinds.query((evil, ORION))
    listed = replace(
        found,
        scored=replace(found.scored, tiles=tiles),
        survey=replace(found.survey, title=evil),
        query=asked,
        provenance=kinds.provenance(credits=(evil,), query=asked.to_dict()),
    ).targets()
    write_target_ecsv(listed, tmp_path / "targets.ecsv")
    write_target_votable(listed, tmp_path / "targets.vot")
    write_target_regions(listed, tmp_path / "targets.reg")
    for name in ("targets.vot", "targets.reg"):
        assert b"\x1b" not in (tmp_path / name).read_bytes(), name
    assert len(Regions.read(tmp_path / "targets.reg", format="ds9")) == 4
    assert "\x1b" not in "".join(skykin.Targets.read(tmp_path).table["best_reference"])
    page = target_page.target_section(listed, [evil], most=10)
    assert "\x1b" not in page
    assert "\u202e" not in page


def test_pictures_come_from_the_survey_of_the_map(found, targets):
    (own,) = thumbnails(found, targets.footprints)
    assert (own.title, own.credit, len(own.pictures)) == ("Made-up Hα sky", "", 4)
    assert own.pictures[0].shape == (72, 72, 3)
    # Cygnus X is red, and in its middle.
    assert own.pictures[0][36, 30, 0] > 0.9
    assert thumbnails(found, ()) == ()


@pytest.mark.milkyway
@pytest.mark.slow
def test_pictures_come_from_every_survey_at_hand(milkyway_path, found, targets, monkeypatch):
    monkeypatch.setattr("skykin.products.thumbnails.named_surveys", named_surveys)
    made = {each.title.split(":")[0]: each for each in thumbnails(found, targets.footprints[:1])}
    assert {"Made-up Hα sky", "Gaia EDR3", "2MASS", "WISE and IRAS"} <= set(made)
    assert "ESA/Gaia/DPAC" in made["Gaia EDR3"].credit
    small = [Footprint(209.0, -19.4, 0.1)]
    assert [each.title for each in thumbnails(found, small)] == ["Made-up Hα sky"]


def test_a_survey_of_too_wide_a_beam_is_not_opened_for_small_places(found, monkeypatch):
    opened = []

    def open_survey(name):
        return NamedSurvey(name, "", "", Path, lambda *_: opened.append(name), {"wide": 1.0, "": 0.0}[name])

    named = {name: open_survey(name) for name in ("wide", "")}
    monkeypatch.setattr("skykin.products.thumbnails.named_surveys", lambda: named)
    monkeypatch.setattr("skykin.products.thumbnails.at_hand", lambda name: named[name].open())
    assert len(thumbnails(found, [Footprint(209.0, -19.4, 0.4)])) == 1
    assert opened == [""]


def test_a_list_is_held_against_rotated_places_brightness_and_contrast(found, targets):
    survey = blob_survey()
    made = beside_rankings(replace(targets, table=targets.table[[0, 1, 2, 3, 0]]), found, survey)
    facts = made["near_nebulae"]
    assert set(facts) == {"score", "brightness", "contrast"}
    (count,) = facts["score"]
    assert count == "5"
    # Every tile is at most 9° from a place of the list, and the plane is full of nebulae.
    assert facts["score"]["5"]["share"] > facts["score"]["5"]["rotated"] > 0
    told = target_lines(target_facts(targets) | made)
    assert told[2].startswith("Of the best 5 targets ")
    assert "of the same places rotated in longitude " in told[2]
    assert told[3].startswith("Of as many targets chosen without any network: ")
    named, rotated = made["complexes"]["named"], made["complexes"]["rotated"]
    assert set(named) == {"score", "brightness", "contrast"}
    # Cygnus X and the complexes within 7.5° of it, half a tile, are named by the target there.
    assert named["score"]["5"] >= 2 > rotated["score"]["5"] > 0
    counted, mean = made["complexes"]["counted"], rotated["score"]["5"]
    assert told[4] == (
        f"Of {counted} well-known complexes away from the reference, the best 5 targets name "
        f"{named['score']['5']}; rotated in longitude {mean:.1f} (mean); as many places chosen without any "
        f"network: {named['brightness']['5']} by mean brightness; {named['contrast']['5']} by contrast of 2° "
        "with 5°."
    )
    # Too few targets, or a part of the sky: nothing is told.
    assert beside_rankings(targets, found, survey) == {}


def test_the_contrast_of_a_blob_is_above_that_of_empty_sky():
    tiles = TileCentres(np.array([209.0, 150.0]), np.array([-19.0, 40.0]), np.array([0.001, 0.001]))
    blob, empty = contrast(blob_survey(), tiles)
    assert blob > 0.05
    assert abs(empty) < 0.01


def test_the_summary_begins_with_the_targets_unless_it_shall_not(targets):
    summary = kinds.summary(targets=target_facts(targets))
    assert summary_lines(summary)[0].startswith("4 targets: ")
    assert not summary_lines(summary, targets=False)[0].startswith("4 targets")
    assert skykin.MapSummary.from_dict(summary.to_dict()).targets == summary.to_dict()["targets"]
    assert target_lines({}) == []


def test_a_map_that_is_read_lists_the_same_targets(found, tmp_path):
    from skykin.products.summarised import write_summary
    from skykin.products.tile_table import write_ecsv

    chosen = replace(found, choice=TargetChoice(targets=3, site="Paranal", night="2026-01-15"))
    chosen.__dict__["summary"] = kinds.summary()
    write_ecsv(chosen, tmp_path / "tiles.ecsv")
    write_summary(chosen, tmp_path / "summary.json")
    read = skykin.SkyMap.read(tmp_path)
    assert read.choice == chosen.choice
    assert list(read.targets().table["name"]) == list(chosen.targets().table["name"])
    assert "transit_altitude" in read.targets().table.colnames


def test_a_map_shows_its_targets_first(found):
    caption, heads, rows = found.text_tables[0]
    assert caption == "Targets"
    assert [row[1] for row in rows] == list(found.targets().table["name"])
    assert rows[0][1] == "SKYKIN G078.7+00.0"
    assert heads[-2:] == ["known", "inside"]
    assert kinds.made_up_result(threshold=2.0).text_tables[0][0] == "Best non-overlapping tiles"


def test_a_terminal_shows_the_best_with_what_is_known_there(targets, capsys):
    from rich.console import Console

    from skykin.cli.target_table import target_table

    Console(width=120).print(target_table(targets, 2))
    told = capsys.readouterr().out
    assert "The kin of Orion: targets, the best 2 of 4" in told
    assert "Cygnus X" in told
    assert "G281.2" not in told


def test_no_number_is_cut_off_on_a_terminal_of_eighty_letters(targets, capsys):
    from rich.console import Console

    from skykin.cli.target_table import target_table

    table = targets.table.copy()
    table["name"] = ["SKYKIN J002409.9+615613"] * len(table)
    table["score"], table["p"], table["q"] = 0.123, 0.000345, 0.678
    table["view_angle_deg"], table["view_scale"] = 135.0 * u.deg, 0.667
    table["best_reference"] = "l=120.74 b=+0.75"
    Console(width=80).print(target_table(replace(targets, table=table)))
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    rows = [line for line in lines if "J002409.9+615613 0.123 135 0.667" in line and "0.000345 0.678" in line]
    assert len(rows) == len(targets)
    assert "…" not in "".join(rows)


def test_names_from_a_user_are_no_markup_on_a_terminal(targets, capsys):
    from rich.console import Console

    from skykin.cli.target_table import target_table

    Console(width=120).print(target_table(replace(targets, reference_name="[red]x[/nonsense]")))
    assert "The kin of [red]x[/nonsense]: targets" in capsys.readouterr().out


def test_targets_of_a_small_field_are_drawn_in_the_frame_of_its_image(found, tmp_path, monkeypatch):
    corners = SkyCoord([80.0, 90.0, 80.0, 90.0], [-8.0, -8.0, 0.0, 0.0], unit="deg").galactic
    field = Field.around(corners.l.deg, corners.b.deg, "icrs", 1.0)
    monkeypatch.setattr("skykin.products.figures.targets.field_of", lambda _: field)
    drawn = draw_targets(found, tmp_path)
    assert field.words == "Gnomonic projection in ICRS, longitudes growing to the left."
    assert drawn.caption.endswith(field.words)
    assert drawn.png.exists()

"""Names, titles and credits come from files: in no product are they more than text."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET

import pytest
from astropy.io import votable
from astropy.table import Table
from regions import PolygonSkyRegion, Regions
from rich.table import Table as Grid
from typer.testing import CliRunner

from skykin.catalogue.object_lists import object_list, write_object_table
from skykin.cli.bars import TerminalProgress
from skykin.cli.main import app
from skykin.cli.terminal import Terminal
from skykin.core.footprint import Footprint
from skykin.products.credits import write_credits
from skykin.products.matches import write_regions
from skykin.products.report import write_report
from skykin.products.result import html_table
from skykin.products.tile_table import write_votable
from tests import kinds

#: Escape sequences of both kinds, an end of line, marks of direction, what is in no XML, and DS9's commands.
HOSTILE = (
    "M\x1b[2J\x9b31m 42\r\n\u202e\u2066\x00\x0c\ufffe; circle(0,0,9) # text={y}; masked below coverage 0.5"
)
SEEN = "M[2J31m 42   ; circle(0,0,9) # text={y}; masked below coverage 0.5"
NEVER = ("\x1b", "\x9b", "\u202e", "\u2066", "\x00", "\x0c", "\ufffe")


@pytest.fixture(scope="module")
def result():
    facts = kinds.provenance().to_dict()
    facts["survey"] = facts["survey"] | {"title": HOSTILE}
    facts["credits"] = (HOSTILE,)
    return kinds.made_up_result(
        query=kinds.query((HOSTILE, Footprint(209.0, -19.0, 15.0))),
        threshold=2.0,
        title=HOSTILE,
        bands=(HOSTILE,) * 3,
        provenance=kinds.provenance(survey=facts["survey"], credits=facts["credits"]),
    )


def harmless(text):
    return not any(each in text for each in NEVER)


def test_the_report_shows_it_and_holds_no_control_characters(result, tmp_path):
    write_report(result, [], [], tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert harmless(page)
    assert "M[2J31m 42" in page


def test_a_notebook_holds_no_control_characters():
    page = html_table(HOSTILE, [HOSTILE], [[HOSTILE, "<b>"]])
    assert harmless(page)
    assert "&lt;b&gt;" in page


def test_the_votable_is_well_formed_and_valid(result, tmp_path):
    path = tmp_path / "tiles.vot"
    write_votable(result, path)
    assert harmless("".join(ET.parse(path).getroot().itertext()))  # noqa: S314 - we wrote it
    infos = {info.name: info.value for info in votable.parse(path, verify="exception").resources[0].infos}
    assert infos["survey.title"] == SEEN


def test_a_credit_is_no_region_and_breaks_no_comment(result, tmp_path):
    write_regions(result, tmp_path / "matches.reg")
    text = (tmp_path / "matches.reg").read_text(encoding="ascii")
    assert all(";" not in line for line in text.splitlines() if line.startswith("#"))
    read = Regions.read(tmp_path / "matches.reg", format="ds9")
    assert [type(region) for region in read] == [PolygonSkyRegion]


def test_what_to_cite_holds_no_control_characters(result, tmp_path):
    write_credits(result, tmp_path / "credits.txt")
    assert harmless((tmp_path / "credits.txt").read_text(encoding="utf-8"))


@pytest.mark.parametrize("end", [".csv", ".ecsv", ".xml"])
def test_names_in_a_catalogue_are_neither_formulas_nor_commands(tmp_path, end):
    table = object_list("nebulae")[:3]
    table["name"] = ['=HYPERLINK("http://x","M 42")', HOSTILE, "@SUM(1)"]
    write_object_table(table, tmp_path / f"a{end}")
    assert harmless((tmp_path / f"a{end}").read_text(encoding="utf-8"))
    mark = "'" if end == ".csv" else ""
    read = Table.read(tmp_path / f"a{end}", format="votable" if end == ".xml" else None)
    names = [f'{mark}=HYPERLINK("http://x","M 42")', SEEN, f"{mark}@SUM(1)"]
    assert [str(name) for name in read["name"]] == names


@pytest.mark.parametrize("terminal", [True, False])
def test_a_terminal_gets_no_command_that_is_not_richs_own(terminal):
    screen = io.StringIO()
    console = Terminal(file=screen, width=200, force_terminal=terminal, color_system=None)
    grid = Grid("name", title=HOSTILE)
    grid.add_row(HOSTILE)
    console.print(grid)
    console.print(HOSTILE, markup=False)
    progress = TerminalProgress(console)
    progress.say(HOSTILE)
    with progress.stage(HOSTILE, 2) as counter:
        counter.advance(2)
    told = screen.getvalue()
    assert "\x1b[2J\x9b" not in told
    assert harmless(told.replace("\x1b[2K", "").replace("\x1b[?25", "").replace("\x1b[1A", ""))


def test_a_name_from_a_file_does_not_reach_the_terminal_raw(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text('name,ra,dec\n"M 42\x1b[31m\u202e",83.8,-5.4\n', encoding="utf-8")
    shown = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"}).invoke(app, ["catalogues", str(path)])
    assert "M 42[31m" in shown.output
    assert harmless(shown.output)
    refused = CliRunner().invoke(app, ["catalogues", "no\x1b[31m\u202efile"])
    assert refused.exit_code == 2
    assert harmless(refused.output)

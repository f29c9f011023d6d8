"""The command `skykin catalogues`, and the files that it writes."""

import pytest
from astropy.table import Table
from typer.testing import CliRunner

from skykin.catalogue.object_lists import object_list, object_lists, write_object_table
from skykin.cli.main import app
from skykin.core.errors import UsageError


def run(*arguments):
    return CliRunner(env={"COLUMNS": "300", "NO_COLOR": "1"}).invoke(
        app, ["catalogues", *map(str, arguments)]
    )


def test_the_lists_are_told_with_their_numbers():
    told = run().stdout
    assert all(one.name in told and one.summary in told for one in object_lists())
    assert "313" in told
    assert "235" in told


def test_a_list_is_shown_with_its_flags_and_gaps():
    told = run("nebulae").stdout.splitlines()
    carina = next(line for line in told if "Carina Nebula" in line)
    assert "287.60" in carina
    assert "-0.70" in carina
    assert "yes" in carina
    collinder = next(line for line in told if "Collinder 121" in line)
    assert "no" in collinder
    assert "RCW 99" not in "".join(told)


@pytest.mark.parametrize("end", [".ecsv", ".csv", ".xml"])
def test_a_list_is_written_whole(tmp_path, end):
    path = tmp_path / f"contaminants{end}"
    assert run("contaminants", "-o", path).stdout == f"Wrote 109 rows to {path}\n"
    ours, written = object_list("contaminants"), Table.read(path, format="votable" if end == ".xml" else None)
    assert list(written["name"]) == list(ours["name"])
    assert list(written["lon_deg"]) == pytest.approx(list(ours["lon_deg"].value), abs=1e-9)
    assert list(written["diameter_deg"].mask) == list(ours["diameter_deg"].mask)
    if end == ".ecsv":
        assert written.meta["compiled"] == ours.meta["compiled"]


def test_a_file_of_the_user_is_shown_and_turned(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("name,ra,dec,size_arcmin\nM 42,83.8221,-5.3911,60\nnothing,,,\n")
    answer = run(path, "-o", tmp_path / "turned.csv")
    assert answer.exit_code == 0, answer.output
    assert "1 of 2 rows of 'mine.csv' have no position and are left out" in answer.stderr
    turned = Table.read(tmp_path / "turned.csv")
    assert turned["lon_deg"][0] == pytest.approx(209.01, abs=0.01)


def test_what_cannot_be_meant_is_refused(tmp_path):
    answer = run("sharples")
    assert answer.exit_code == 2
    assert "USAGE-NAME: no list is called 'sharples'; did you mean sharpless?" in answer.stderr
    assert "and there is no such file" in answer.stderr
    assert "say which of the catalogues is to be written" in run("-o", tmp_path / "a.csv").stderr
    with pytest.raises(UsageError, match="^cannot tell the form of 'a.fits'; end its name in .ecsv, .csv,"):
        write_object_table(object_list("galaxies"), tmp_path / "a.fits")
    (tmp_path / "b.csv").write_text("precious")
    answer = run("galaxies", "-o", tmp_path / "b.csv")
    assert answer.exit_code == 2
    assert "USAGE-OUT: 'b.csv' is there already; choose another name, or add --overwrite" in answer.stderr
    assert (tmp_path / "b.csv").read_text() == "precious"
    assert run("galaxies", "-o", tmp_path / "b.csv", "--overwrite").exit_code == 0

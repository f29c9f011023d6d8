"""Files of a folder that cannot be used do not stop the others, and are not forgotten."""

import json

import pytest
from typer.testing import CliRunner

from skykin.cli.main import app
from skykin.products.rejected import rejected_files
from tests.hostile.fits_files import image_bytes, write


@pytest.mark.slow
def test_a_map_of_a_folder_with_a_broken_file_is_made_and_says_so(tmp_path):
    folder = tmp_path / "plates"
    folder.mkdir()
    content = image_bytes(CDELT1=-0.01, CDELT2=0.01, BMAJ=0.02)
    write(folder, "good", content)
    write(folder, "broken", content[:9000])
    out = tmp_path / "out"
    how = ["--reference", "209,-19", "--pixels", "64", "--spacing", "0.07", "--output", str(out)]
    result = CliRunner().invoke(app, ["map", "--survey", str(folder), *how])
    assert result.exit_code == 4, result.output
    assert "1 of the files given could not be used" in result.output.replace("\n", " ")
    (line,) = (out / "rejected.jsonl").read_text().splitlines()
    rejected = json.loads(line)
    assert (rejected["file"], rejected["code"]) == ("broken.fits", "IN-TRUNC")
    assert "is cut short" in rejected["sentence"]
    assert "rejected.jsonl" in (out / ".skykin-products").read_text()


def test_a_survey_that_used_all_files_has_none():
    assert rejected_files({"name": "wham"}) == []

"""Opening surveys: by name, by content, by options."""

from __future__ import annotations

import gc
import gzip
import http.server
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import skykin
from skykin.cli.main import app
from skykin.core.area import SkyBox
from skykin.core.errors import CorruptFileError, HeaderInvalidError, RemoteError, UnknownNameError, UsageError
from skykin.core.extent import ALL_SKY, Extent
from skykin.core.protocols import Survey
from skykin.core.survey_options import SurveyOptions
from skykin.survey.fill import filled
from skykin.survey.named import named_surveys
from skykin.survey.open import open_recorded
from tests.hostile.fits_files import cube_bytes, image_bytes, write

RUN = CliRunner()


def test_every_survey_with_a_name_is_found_by_itself():
    assert {"wham", "hi4pi", "planck-dust", "sfd-dust"} <= set(named_surveys())


def test_what_is_opened_is_a_survey(tmp_path):
    for content in (image_bytes(), cube_bytes()):
        survey = skykin.open_survey(write(tmp_path, "file", content))
        assert isinstance(survey, Survey)
        known = survey.to_dict()
        wanted = {"name", "file", "sha256", "unit", "bands", "beam_deg", "frame", "projection"}
        assert wanted <= set(known)
        assert known["beam_deg"] == 0.2
        assert survey.extent.radius_deg == pytest.approx(4.6, abs=0.2)


def test_the_content_decides_and_not_the_name(tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(image_bytes())
    assert skykin.open_survey(path).to_dict()["projection"] == "TAN"
    packed = tmp_path / "looks-plain.fits"
    packed.write_bytes(gzip.compress(image_bytes(), mtime=0))
    survey = skykin.open_survey(packed)
    del survey
    gc.collect()


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        ({"frame": "mars"}, "the survey option frame is 'mars', but it must be galactic or icrs"),
        ({"colour": "blue"}, "no survey option called 'colour'; use one of hdu, frame"),
        ({"blank": "none"}, "the survey option blank is 'none', but it must be a finite number"),
        (
            {"channels": "1,2"},
            "the survey option channels is '\\(1, 2\\)', but it must be three channel numbers",
        ),
        ({"beam_deg": "-1"}, "the survey option beam_deg is '-1.0', but it must be an angle above 0°"),
        ({"ignore_checksum": "perhaps"}, "ignore_checksum is 'perhaps', but it must be True or False"),
        ({"beam": "1"}, "there is no survey option called 'beam'; did you mean beam_deg\\?"),
        ({"columns": " , "}, "the survey option columns is '\\(\\)'"),
    ],
)
def test_an_invalid_value_of_an_option_is_refused(texts, sentence):
    with pytest.raises(UsageError, match=sentence):
        SurveyOptions.parse(texts)


def test_options_are_read_from_texts_and_told_as_plain_values():
    options = SurveyOptions.parse({"hdu": "2", "columns": "l, b,ha", "channels": "3,2,1", "blank": "-1e3"})
    assert options == SurveyOptions(hdu=2, columns=("l", "b", "ha"), channels=(3, 2, 1), blank=-1000.0)
    assert options.given() == {
        "hdu": 2,
        "columns": ["l", "b", "ha"],
        "channels": [3, 2, 1],
        "blank": -1000.0,
    }
    assert SurveyOptions().given() == {}


def test_an_extent_holds_what_it_was_made_around():
    random = np.random.default_rng(0)
    lon, lat = random.uniform(355, 365, 200) % 360, random.uniform(80, 90, 200)
    extent = Extent.around(lon, lat)
    assert extent.contains(lon, lat).all() or extent.contains(lon, lat, 1e-6).all()
    assert extent.radius_deg < 8
    assert not extent.contains(np.array(0.0), np.array(-80.0))
    assert Extent.around(np.array([0.0, 180.0]), np.zeros(2)).is_all_sky
    assert SkyBox(350, 10, -5, 5).extent().lon_deg == pytest.approx(0, abs=1e-6)
    assert SkyBox(0, 360, -90, 90).extent() == ALL_SKY
    with pytest.raises(UsageError, match="no part of the sky lies 0°"):
        Extent(0, 0, 0)


def test_a_hole_of_a_picture_is_filled_with_its_mirrored_surroundings():
    y, x = np.mgrid[:40, :50]
    ramp = np.stack([x, y, x + y], axis=-1).astype(np.float32)
    coverage = np.ones((40, 50), np.float32)
    coverage[:, 30:] = 0
    holed = np.where(coverage[..., None] > 0, ramp, np.nan)
    result = filled(holed, coverage)
    np.testing.assert_array_equal(result[:, :30], ramp[:, :30])
    np.testing.assert_array_equal(result[:, 30:], ramp[:, 28:8:-1])


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 12))
def test_a_filled_picture_holds_covered_values_only(seed, rows, columns):
    random = np.random.default_rng(seed)
    values = random.permutation(rows * columns).reshape(rows, columns, 1).astype(np.float32)
    coverage = (random.random((rows, columns)) < 0.3).astype(np.float32)
    result = filled(values, coverage)
    expected = set(values[coverage > 0].ravel().tolist()) if coverage.any() else {0.0}
    assert set(result.ravel().tolist()) == expected


def test_positions_that_are_no_picture_are_filled_with_the_mean():
    assert np.isfinite(filled(np.full((5, 5, 3), np.nan), np.zeros((5, 5)))).all()
    line = filled(np.array([[1.0], [np.nan], [3.0]]), np.array([1, 0, 1]))
    assert line[1, 0] == 2


def test_info_tells_what_a_survey_holds_and_draws_it(tmp_path):
    path = write(tmp_path, "file", image_bytes(BMAJ=None))
    picture = tmp_path / "look.png"
    result = RUN.invoke(app, ["info", str(path), "--preview", str(picture)])
    assert result.exit_code == 0
    for line in (
        "frame       galactic",
        "projection  TAN",
        "resolution  0.2° (12′)",
        "unit        K",
        "brightness  intensity: 11.22 to 20.63",
        "extent      within 4.6",
    ):
        assert line in result.output
    assert "0.2°, are assumed" in result.output
    assert picture.read_bytes()[:4] == b"\x89PNG"


def test_info_refuses_in_one_sentence_and_draws_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "file", image_bytes()[:5000])
    result = RUN.invoke(app, ["info", "file.fits"])
    assert result.exit_code == 3
    assert "IN-TRUNC: 'file.fits' is cut short" in result.output
    assert [path.name for path in tmp_path.iterdir()] == ["file.fits"]
    result = RUN.invoke(app, ["info", "file.fits", "--survey-option", "hdu"])
    assert result.exit_code == 2
    assert "the survey option 'hdu' is not of the form name=value" in result.output


def test_a_missing_package_of_data_is_named(monkeypatch):
    monkeypatch.setattr("skykin.survey.named.dust_and_gas._find", lambda file: None)
    with pytest.raises(OSError, match=r'pip install "skykin\[dust\]"'):
        skykin.open_survey("planck-dust")


def test_three_surveys_with_commas_between_are_red_green_and_blue(tmp_path):
    one, two = (
        write(tmp_path, name, content) for name, content in (("a", image_bytes()), ("b", cube_bytes()))
    )
    survey = skykin.open_survey(f"{one},{two},{one}")
    values, _ = survey.sample(209.0, -19.0)
    red = skykin.open_survey(one).sample(209.0, -19.0)[0][0]
    assert values[0] == values[2] == pytest.approx(red, rel=1e-4)
    with pytest.raises(UsageError, match="2 surveys were given together"):
        skykin.open_survey([one, two])
    with pytest.raises(UnknownNameError, match="no survey called 'nothing'"):
        skykin.open_survey(f"{one},nothing,{one}")


def test_a_mistyped_name_is_told_the_file_or_survey_that_it_is_like(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "HorseHead.fits").touch()
    with pytest.raises(UnknownNameError, match="did you mean 'HorseHead.fits'. Otherwise use a path"):
        skykin.open_survey("HorseHed.fits")
    with pytest.raises(UnknownNameError, match="did you mean 'far-infrared'. Otherwise use a path"):
        skykin.open_survey("far-infared")
    with pytest.raises(UnknownNameError, match="no such file; use a path"):
        skykin.open_survey("nowhere/something.fits")


@pytest.mark.slow
def test_a_small_survey_is_mapped_with_tiles_of_its_own(tmp_path):
    found = skykin.map(write(tmp_path, "file", image_bytes()), "209,-19", pixels=64, spacing=0.7, jobs=1)
    grid = found.provenance.grid
    assert grid["tile_size_deg"] == pytest.approx(1.2)  # six beams
    assert 20 < len(found.tiles) < 300
    assert found.survey.extent.contains(found.lon_deg, found.lat_deg).all()
    assert found.summary.reference_score == pytest.approx(1, abs=1e-6)


def test_a_compressed_file_that_is_damaged_is_refused_like_any_other(tmp_path):
    path = tmp_path / "a.fits.gz"
    path.write_bytes(gzip.compress(image_bytes(), mtime=0)[:200])
    with pytest.raises(CorruptFileError, match="cannot be unpacked"):
        skykin.open_survey(path)


def test_info_keeps_a_picture_that_is_there_unless_told_otherwise(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path, "file", image_bytes())
    assert RUN.invoke(app, ["info", str(path)]).exit_code == 0
    name = next(tmp_path.glob("*-preview.png"))
    name.write_text("mine")
    again = RUN.invoke(app, ["info", str(path)])
    assert again.exit_code == 0
    assert f"{name.name} is there already and is kept; --overwrite replaces it" in again.output
    named = RUN.invoke(app, ["info", str(path), "--preview", name.name])
    assert named.exit_code == 2
    assert f"USAGE-OUT: the file '{name.name}' is there already; add --overwrite" in named.output
    assert name.read_text() == "mine"
    assert RUN.invoke(app, ["info", str(path), "--overwrite"]).exit_code == 0
    assert name.read_bytes()[:4] == b"\x89PNG"


def test_an_address_that_a_file_names_is_not_followed_unasked(tmp_path, monkeypatch):
    monkeypatch.setenv("SKYKIN_CACHE", str(tmp_path / "cache"))
    asked = []

    class Trap(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Trap) as trap:
        thread = threading.Thread(target=trap.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        address = f"http://127.0.0.1:{trap.server_port}/hips"
        for named in (address, ["a.fits", address, "b.fits"], f"a.fits, {address}, b.fits"):
            with pytest.raises(
                RemoteError, match="from which nothing was read .* not opened unasked"
            ) as caught:
                open_recorded(named)
            assert caught.value.code == "RM-BLOCKED"
        assert asked == []
        with pytest.raises(HeaderInvalidError, match="has no file properties"):
            open_recorded(address, download=True)
        assert asked == ["/hips/properties"]
        trap.shutdown()
        thread.join()

"""Tests of the way from names to files: transfer, texture and layers, in Python and in the shell."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS
from PIL import Image
from typer.testing import CliRunner

import skykin
from skykin.cli.main import app
from skykin.core.errors import ResourceError, UnknownNameError, UsageError
from skykin.core.settings import MapSettings
from skykin.jobs.studio.picture_book import PictureBook
from tests.skies import blob_survey, write_wham_like


def run(*arguments):
    return CliRunner(env={"COLUMNS": "300", "NO_COLOR": "1"}).invoke(app, [str(each) for each in arguments])


@pytest.fixture(scope="module")
def book():
    return PictureBook(MapSettings(survey=blob_survey(), pixels=32, jobs=1))


@pytest.fixture
def picture_file(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "style.png")
    return tmp_path / "style.png"


@pytest.fixture
def easel():
    pytest.importorskip("torch")
    return importlib.import_module("skykin.jobs.studio.easel").Easel


def texts(path):
    with Image.open(path) as image:
        image.load()
        return dict(image.text)


def test_a_picture_book_knows_regions_positions_and_files(book, picture_file):
    orion = book("orion")
    assert orion.name == "Orion Molecular Cloud Complex"
    assert orion.picture.rgb.shape == (32, 32, 3)
    assert orion.picture.footprint.width_deg == 15
    assert book("80,0").picture.footprint.lon_deg == 80
    read = book(picture_file)
    assert read.picture.footprint is None
    assert read.facts["file"] == "style.png"
    assert len(read.facts["sha256"]) == 64
    assert book.credits(orion)[0] == "Blobs 2026"
    assert "Blobs 2026" not in book.credits(read)
    assert book.sky_facts(read)["survey"] == {}
    with pytest.raises(UnknownNameError, match="no region is called 'orionn'"):
        book("orionn")


def test_a_hole_in_the_survey_is_refused():
    survey = blob_survey(covered=lambda lon, lat: lat > 0)
    book = PictureBook(MapSettings(survey=survey, pixels=32))
    with pytest.raises(
        skykin.SkykinError, match="Survey of blobs covers 0% of the tile at l=209.00°, b=-30.00°"
    ):
        book("209,-30")


@pytest.mark.generate
def test_a_transfer_keeps_the_place_and_the_stamp(book, easel, tmp_path):
    module = importlib.import_module("skykin.jobs.studio.transfer")
    settings = importlib.import_module("skykin.generate.settings").TransferSettings(steps=4)
    path = tmp_path / "out.png"
    painting = module.make_transfer(
        book, "carina", "orion", easel(path, snapshots=2), settings, figure=True, callback=None
    )
    made = {each.name for each in tmp_path.iterdir()}
    assert made == {
        "out.png", "out.fits", "out-figure.png", "out-figure.pdf", "out-step00002.png", "out.state.npz",
    }  # fmt: skip
    footprint = book("carina").picture.footprint
    with fits.open(path.with_suffix(".fits"), checksum=True) as hdus:
        data, header = hdus[0].data, hdus[0].header
        assert data.shape == (3, 32, 32)
        assert np.array_equal(data.transpose(1, 2, 0)[::-1], painting.rgb)
        place = WCS(header).celestial.pixel_to_world(15.5, 15.5)
        assert place.separation(footprint.center) < 0.1 * u.arcsec
        north = WCS(header).celestial.pixel_to_world(15.5, 31)
        assert north.b > place.b
        assert header["CTYPE3"] == "RGB"
        assert any("recipe.steps = 4" in line for line in header["HISTORY"])
        assert any("Blobs 2026" in line for line in header["COMMENT"])
    written = texts(path)
    assert written["Title"] == "Carina Nebula in the style of Orion Molecular Cloud Complex"
    source = json.loads(written["Source"])
    assert source["recipe"]["how"] == "transfer"
    assert source["recipe"]["style_loss_lowered"] == pytest.approx(painting.lowered)
    assert source["query"]["style"]["name"] == "Orion Molecular Cloud Complex"
    assert "torch" in source["versions"]
    assert "Blobs 2026" in written["Copyright"]
    tags = written["XML:com.adobe.xmp"]
    assert "<avm:Spatial.CoordinateFrame>GAL</avm:Spatial.CoordinateFrame>" in tags
    assert f"<rdf:li>{footprint.lon_deg:.12g}</rdf:li><rdf:li>{footprint.lat_deg:.12g}</rdf:li>" in tags
    pixels = np.asarray(Image.open(path))
    assert np.array_equal(pixels, np.round(painting.rgb * 255).astype(np.uint8))
    assert texts(tmp_path / "out-step00002.png")["Source"].count('"steps_done": 2') == 1


@pytest.mark.generate
def test_a_picture_file_as_content_has_no_fits(book, easel, picture_file, tmp_path):
    module = importlib.import_module("skykin.jobs.studio.transfer")
    settings = importlib.import_module("skykin.generate.settings").TransferSettings(steps=1)
    module.make_transfer(book, picture_file, "orion", easel(tmp_path / "out.png"), settings)
    assert not (tmp_path / "out.fits").exists()
    assert "XML:com.adobe.xmp" not in texts(tmp_path / "out.png")


@pytest.mark.generate
def test_work_that_was_interrupted_goes_on(book, easel, tmp_path):
    module = importlib.import_module("skykin.jobs.studio.transfer")
    chosen = importlib.import_module("skykin.generate.settings").TransferSettings
    whole = module.make_transfer(
        book, "carina", "orion", easel(tmp_path / "whole.png"), chosen(steps=6, optimiser="adam")
    )

    def stop(step):
        if step.number == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        module.make_transfer(
            book,
            "carina",
            "orion",
            easel(tmp_path / "a.png"),
            chosen(steps=6, optimiser="adam"),
            callback=stop,
        )
    assert {each.name for each in tmp_path.iterdir() if each.name.startswith("a")} == {"a.state.npz"}
    with pytest.raises(
        UsageError, match="'a.state.npz' exists already; add --resume to go on with it, --over"
    ):
        module.make_transfer(
            book, "carina", "orion", easel(tmp_path / "a.png"), chosen(steps=6, optimiser="adam")
        )
    rest = module.make_transfer(
        book, "carina", "orion", easel(tmp_path / "a.png", resume=True), chosen(steps=6, optimiser="adam")
    )
    assert np.array_equal(rest.rgb, whole.rgb)
    more = module.make_transfer(
        book, "carina", "orion", easel(tmp_path / "a.png", resume=True), chosen(steps=8, optimiser="adam")
    )
    assert len(more.history) == 9


@pytest.mark.generate
def test_textures_of_several_recipes_stand_side_by_side(book, easel, tmp_path):
    module = importlib.import_module("skykin.jobs.studio.texture")
    chosen = importlib.import_module("skykin.generate.settings").TextureSettings
    settings = [chosen(recipe=name, steps=2) for name in ("poster", "mean-std")]
    paintings = module.make_textures(book, "orion", easel(tmp_path / "out.png"), settings)
    assert list(paintings) == ["poster", "mean-std"]
    assert {each.suffix for each in tmp_path.glob("out.*")} == {".png", ".pdf"}
    for name, painting in paintings.items():
        pixels = np.asarray(Image.open(tmp_path / f"out-{name}.png"))
        assert np.array_equal(pixels, np.round(painting.rgb * 255).astype(np.uint8))
    assert texts(tmp_path / "out.png")["Title"] == "Textures in the style of Orion Molecular Cloud Complex"
    with pytest.raises(UsageError, match="a recipe is named twice in poster, poster"):
        module.make_textures(book, "orion", easel(tmp_path / "b.png"), [settings[0]] * 2)
    with pytest.raises(
        UsageError, match="only one texture can be resumed at a time, but 2 recipes are named"
    ):
        module.make_textures(book, "orion", easel(tmp_path / "out.png", resume=True), settings)


@pytest.mark.generate
def test_correlations_are_those_of_pixels_for_every_shift(easel):
    correlate = importlib.import_module("skykin.jobs.studio.texture").shifted_correlations
    one, other = np.random.default_rng(1).random((2, 12, 9, 3), dtype=np.float32)
    found = correlate(one, other)
    for shift in ((0, 0), (3, 7)):
        moved = np.roll(other, shift, axis=(0, 1))
        expected = [np.corrcoef(one[..., band].ravel(), moved[..., band].ravel())[0, 1] for band in range(3)]
        assert found[shift] == pytest.approx(np.mean(expected))
    assert not correlate(one, np.ones_like(one)).any()


@pytest.mark.parametrize("recipe", ["poster", "covariance"])
@pytest.mark.slow
def test_layers_are_drawn_for_reference_and_match(book, recipe, tmp_path):
    module = importlib.import_module("skykin.jobs.studio.layers")
    opened = module.make_layers(book, "orion", tmp_path / "out", match="carina", recipe=recipe)
    names = {"content-layers", "style-layers", "layer-numbers"}
    assert {each.name for each in (tmp_path / "out").glob("[!.]*")} == {
        "layers.ecsv", *(f"{name}.{kind}" for name in names for kind in ("png", "pdf")),
    }  # fmt: skip
    table = Table.read(tmp_path / "out" / "layers.ecsv")
    assert table["share_reference"].sum() == pytest.approx(1)
    first, second = (each.layers for each in opened.pictures)
    assert list(table["cosine"]) == pytest.approx(list(first.cosines(second).values()))
    assert any("Acknowledgement: Blobs 2026" in line for line in table.meta["comments"])


@pytest.mark.generate
def test_an_easel_refuses_what_it_cannot_write(easel, tmp_path):
    with pytest.raises(UsageError, match="the output is called 'a.jpg', but it must end in .png"):
        easel(tmp_path / "a.jpg")
    with pytest.raises(UsageError, match="snapshots is -1, but it must be 0 or more steps"):
        easel(tmp_path / "a.png", snapshots=-1)
    with pytest.raises(
        ResourceError, match=r"cannot write .*none/a.png': No such file or directory; nothing was"
    ):
        easel(tmp_path / "none" / "a.png").check()
    with pytest.raises(UsageError, match="there is no unfinished work in 'a.state.npz'; leave out --resume"):
        easel(tmp_path / "a.png", resume=True).check()
    (tmp_path / "a.png").touch()
    with pytest.raises(UsageError, match="'a.png' exists already; add --overwrite to replace it"):
        easel(tmp_path / "a.png").check()
    easel(tmp_path / "a.png", overwrite=True).check()
    (tmp_path / "b.png").mkdir()
    with pytest.raises(UsageError, match="b.png' is a folder; name a file"):
        easel(tmp_path / "b.png", overwrite=True).check()


@pytest.mark.generate
def test_the_commands_write_what_they_say(easel, picture_file, tmp_path):
    survey = write_wham_like(tmp_path / "sky.fits", lambda lon, lat: (lon > 180) & (lon < 240) & (lat < 20))
    quick = ["--survey", survey, "--pixels", 32, "--jobs", 1]
    answer = run("transfer", "orion", picture_file, "-o", tmp_path / "t.png", "--steps", 2, *quick)
    assert answer.exit_code == 0, answer.output
    assert "Painting: step 2 of 2, style loss " in answer.stderr
    assert "0:00 left" in answer.stderr
    assert "style loss lowered by" in answer.stdout
    assert (tmp_path / "t.fits").is_file()
    answer = run("texture", picture_file, "-o", tmp_path / "x.png", "--steps", 2, "--jobs", 1)
    assert answer.exit_code == 0, answer.output
    assert "poster: style cosines block1_conv1" in answer.stdout
    answer = run("layers", picture_file, tmp_path / "t.png", "-o", tmp_path / "l", "--jobs", 1)
    assert answer.exit_code == 0, answer.output
    assert "cosines: block1_conv1" in answer.stdout


@pytest.mark.generate
@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (
            ["transfer", "carina", "orion", "--steps", "-5"],
            2,
            "USAGE: --steps is '-5', but it must be a whole",
        ),
        (["transfer", "carina", "orion", "--recipe", "gram"], 2, "USAGE-NAME: no recipe is called 'gram'"),
        (["transfer", "carina", "orionn"], 2, "USAGE-NAME: no region is called 'orionn'"),
        (["transfer", "carina", "none.png"], 6, "IN-NOFILE: the picture 'none.png' cannot be opened"),
        (["transfer", "a.png", "a.png"], 3, "IN-NOTIMAGE: 'a.png' is not a PNG or JPEG picture"),
        (["transfer", "one.png", "one.png"], 2, "a picture of 1 × 1 pixels is too small for VGG19"),
        (["texture", "one.png", "-o", "no/x.png"], 6, "RS-DISK: cannot write 'no/x.png': No such file"),
        (["texture", "one.png", "--pixels", "7"], 2, "USAGE: --pixels is '7', but it must be"),
        (["texture", "one.png", "--survey", "cobe"], 2, "pixels is too small"),
        (["layers", "orion", "--survey", "cobe"], 2, "USAGE-NAME: there is no survey called 'cobe'"),
        (["layers", "one.png", "--recipe", "mean-std"], 2, "pixels is too small"),
    ],
)
def test_bad_input_gets_one_clear_sentence(  # noqa: PLR0917
    easel, tmp_path, monkeypatch, arguments, code, sentence
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").write_bytes(b"no picture")
    Image.new("RGB", (1, 1)).save(tmp_path / "one.png")
    answer = run(*arguments)
    assert answer.exit_code == code
    assert sentence in answer.stderr.splitlines()[-1]
    assert {each.name for each in tmp_path.iterdir()} == {"a.png", "one.png"}


@pytest.mark.generate
def test_ctrl_c_keeps_the_state_and_says_so(easel, picture_file, tmp_path, monkeypatch):
    bar = importlib.import_module("skykin.cli.painting_bar")

    def stop(title, console, step):
        if step.number == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(bar, "_line", stop)
    answer = run("transfer", picture_file, picture_file, "-o", tmp_path / "t.png", "--start", "noise")
    assert answer.exit_code == 130
    assert (
        "interrupted; the state is kept in t.state.npz; the same command with --resume goes on"
        in answer.stderr
    )


WITHOUT_TORCH = """
import sys
import numpy
class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
sys.meta_path.insert(0, NoTorch())
from typer.testing import CliRunner
from skykin.cli.main import app
import skykin
for command in (["transfer", "carina", "orion"], ["texture", "orion"]):
    answer = CliRunner(env={"COLUMNS": "300", "NO_COLOR": "1"}).invoke(app, command)
    print(answer.exit_code, answer.stderr.strip())
picture = numpy.zeros((32, 32, 3), numpy.float32)
for make in (lambda: skykin.transfer(picture, picture), lambda: skykin.texture(picture)):
    try:
        make()
    except skykin.SkykinError as error:
        print(error.code, error)
skykin.PictureBook
from PIL import Image
noise = numpy.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=numpy.uint8)
Image.fromarray(noise).save("a.png")
answer = CliRunner(env={"COLUMNS": "300", "NO_COLOR": "1"}).invoke(app, ["layers", "a.png", "-o", "opened"])
print(answer.exit_code, answer.stdout.splitlines()[-1])
"""


@pytest.mark.slow
def test_without_the_extra_each_command_says_what_to_install(tmp_path):
    answer = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    lines = answer.stdout.splitlines()
    sentence = 'making pictures needs PyTorch, which is not installed; run `pip install "skykin[generate]"`'
    assert lines[:2] == [f"6 RS-EXTRA: {sentence}"] * 2
    assert lines[2:4] == [f"RS-EXTRA {sentence}"] * 2
    # Layers need no gradients, and so no extra.
    assert lines[4:] == ["0 Open opened"]
    assert {each.name for each in tmp_path.iterdir()} == {"a.png", "opened"}


@pytest.mark.slow
def test_only_the_folder_that_makes_pictures_loads_pytorch():
    program = (
        "import sys, skykin.jobs, skykin.cli, skykin.jobs.studio.picture_book\n"
        "[getattr(skykin, name) for name in skykin.__all__]\n"
        "print('torch' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout == "False\n"

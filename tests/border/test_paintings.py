"""Tests of pictures that are made, with the painter replaced: what surrounds it needs no PyTorch."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image

import skykin
from skykin.core.errors import UsageError
from skykin.generate.losses import Losses
from skykin.generate.painting import Painting
from skykin.generate.state import PaintState
from tests.border.test_maps import inlined_pictures

CONTENT, STYLE = np.random.default_rng(7).random((2, 32, 32, 3), np.float32)


@pytest.fixture(autouse=True)
def painter(monkeypatch):
    """A painter that gives the mean of the pictures it is given."""

    def paint(*given, callback=None, resume=None, jobs=None, **coverage):
        rgb = np.mean([each for each in given if isinstance(each, np.ndarray)], axis=0).astype(np.float32)
        history = (Losses(4.0, 0.0, 0.0), Losses(1.0, 0.0, 0.0))
        state = PaintState("key", 1, rgb, np.zeros((2, 3)))
        return Painting(rgb, history, {"block1_conv1": 0.75}, state)

    for name in ("transfer", "texture"):
        module = importlib.import_module(f"skykin.jobs.studio.{name}")
        monkeypatch.setattr(module, f"paint_{name}", paint)
        monkeypatch.setattr(module, "check_extra", lambda: None)
    monkeypatch.setattr("skykin.jobs.studio.stamping.version", lambda name: "2.5")


def test_a_transfer_of_arrays_is_a_painting_that_shows_both(tmp_path):
    made = skykin.transfer(CONTENT, STYLE, output=tmp_path / "out.png", figure=True, jobs=1)
    assert isinstance(made, skykin.Transfer)
    np.testing.assert_allclose(made.rgb, (CONTENT + STYLE) / 2, atol=1e-6)
    assert repr(made) == (
        "<Transfer: a picture in memory in the style of a picture in memory, style loss lowered by 75.0%>"
    )
    assert made.sentences()[1] == "style cosines block1_conv1 0.7500"
    assert len(inlined_pictures(made._repr_html_())) == 1
    assert {each.name for each in tmp_path.iterdir()} == {
        "out.png", "out-figure.png", "out-figure.pdf", "out.state.npz",
    }  # fmt: skip
    pixels = np.asarray(Image.open(tmp_path / "out.png"))
    assert np.array_equal(pixels, np.round(made.rgb * 255).astype(np.uint8))


def test_a_transfer_of_the_sky_keeps_its_place(made, tmp_path):
    found = skykin.transfer("orion", (209.0, -19.0), survey=made.survey, pixels=32, jobs=1)
    found.write(tmp_path / "sky.png")
    header = fits.getheader(tmp_path / "sky.fits")
    assert header["CTYPE1"] == "GLON-TAN"
    assert found.heading == "Orion Molecular Cloud Complex in the style of l=209.00 b=-19.00"


def test_textures_are_found_by_the_names_of_their_recipes(tmp_path):
    made = skykin.texture(CONTENT, recipe=["poster", "mean-std"], output=tmp_path / "t.png", jobs=1)
    assert list(made) == ["poster", "mean-std"]
    np.testing.assert_allclose(made["poster"].rgb, CONTENT, atol=1e-6)
    assert repr(made) == "<Textures: Textures in the style of a picture in memory, by poster, mean-std>"
    assert made.sentences()[0] == "poster: style cosines block1_conv1 0.7500"
    assert "pixels correlate +1.00" in made.panels[1].note
    assert len(inlined_pictures(made._repr_html_())) == 1
    assert {"t.png", "t.pdf", "t-poster.png", "t-mean-std.png"} <= {each.name for each in tmp_path.iterdir()}


def test_snapshots_need_a_file_to_be_named_after():
    with pytest.raises(UsageError, match="snapshots and resume need a file to be named after; give output"):
        skykin.texture(CONTENT, snapshots=2)


@pytest.mark.slow
def test_a_picture_never_takes_the_place_of_a_file_unasked(tmp_path):
    made = skykin.transfer(CONTENT, STYLE, jobs=1)
    textures = skykin.texture(CONTENT, recipe=["poster", "mean-std"], jobs=1)
    for name, write in (
        ("out.png", made.write),
        ("out-figure.pdf", lambda path, **more: made.write(path, figure=True, **more)),
        ("out-mean-std.png", textures.write),
        ("out.pdf", textures.write),
    ):
        folder = tmp_path / name / "pictures"
        folder.mkdir(parents=True)
        (folder / name).write_text("mine")
        with pytest.raises(UsageError, match=f"the file '{name}' is there already; add --overwrite"):
            write(folder / "out.png")
        assert [(each.name, each.read_text()) for each in folder.iterdir()] == [(name, "mine")]
        write(folder / "out.png", overwrite=True)
        assert (folder / name).stat().st_size > 1000


def test_a_snapshot_never_takes_the_place_of_a_file_unasked(tmp_path):
    (tmp_path / "out-step00005.png").write_text("mine")
    with pytest.raises(UsageError, match="'out-step00005.png' exists already; add --overwrite"):
        skykin.transfer(CONTENT, STYLE, output=tmp_path / "out.png", snapshots=5, jobs=1)
    assert (tmp_path / "out-step00005.png").read_text() == "mine"

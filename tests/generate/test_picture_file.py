"""Tests of reading picture files, good and bad."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from skykin.core.errors import CorruptFileError, NotThisFormatError, ResourceError, TooLargeError
from skykin.generate import picture_file
from skykin.generate.picture_file import read_picture

COLOURS = np.arange(20 * 30 * 3, dtype=np.uint32).reshape(20, 30, 3).astype(np.uint8)


def save(path, array, **options):
    Image.fromarray(array).save(path, **options)
    return path


def test_a_png_keeps_its_colours_and_has_no_place_on_the_sky(tmp_path):
    picture = read_picture(save(tmp_path / "a.png", COLOURS))
    assert picture.rgb.dtype == np.float32
    assert np.array_equal(picture.rgb, COLOURS / np.float32(255))
    assert picture.covered == 1
    assert picture.footprint is None


def test_a_jpeg_is_read_within_its_own_loss(tmp_path):
    smooth = np.broadcast_to(np.arange(32, dtype=np.uint8)[:, None, None] * 8, (32, 32, 3)).copy()
    picture = read_picture(save(tmp_path / "a.jpg", smooth, quality=95))
    assert np.abs(picture.rgb - smooth / 255).max() < 0.03


def test_transparent_pixels_are_not_covered(tmp_path):
    alpha = np.full((20, 30, 1), 255, np.uint8)
    alpha[:5] = 0
    picture = read_picture(save(tmp_path / "a.png", np.concatenate([COLOURS, alpha], axis=2)))
    assert (picture.coverage[:5] == 0).all()
    assert (picture.coverage[5:] == 1).all()


def test_grey_of_16_bits_keeps_its_range(tmp_path):
    deep = np.linspace(0, 65535, 400).round().astype(np.uint16).reshape(20, 20)
    picture = read_picture(save(tmp_path / "a.png", deep))
    assert np.abs(picture.rgb[..., 1] - deep / 65535).max() < 0.5 / 255 + 1e-6


def test_a_large_picture_is_scaled_down_and_a_small_one_left(tmp_path):
    path = save(tmp_path / "a.png", COLOURS)
    assert read_picture(path, 15).rgb.shape == (10, 15, 3)
    assert read_picture(path, 64).rgb.shape == (20, 30, 3)


def test_a_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(ResourceError, match="none.png' cannot be opened: No such file or directory; check"):
        read_picture(tmp_path / "none.png")


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"SIMPLE  =                    T"])
def test_what_is_no_picture_is_refused(tmp_path, content):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(
        NotThisFormatError, match="'a.png' is not a PNG or JPEG picture; convert it"
    ) as refusal:
        read_picture(path)
    assert refusal.value.code == "IN-NOTIMAGE"


def test_a_format_that_was_not_asked_for_is_refused(tmp_path):
    save(tmp_path / "a.gif", COLOURS[..., 0])
    (tmp_path / "a.gif").rename(tmp_path / "a.png")
    with pytest.raises(NotThisFormatError, match="not a PNG or JPEG"):
        read_picture(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_picture_cut_short_is_refused(tmp_path, suffix):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = save(tmp_path / f"a.{suffix}", noise)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(CorruptFileError, match="is cut short or damaged"):
        read_picture(path)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    for side in (9_000, 60_000):
        head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
        data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
        (tmp_path / "a.png").write_bytes(data)
        with pytest.raises(TooLargeError, match="unpacks to more than 67108864 pixels") as refusal:
            read_picture(tmp_path / "a.png")
        assert refusal.value.code == "IN-BOMB"


def test_a_file_with_too_many_bytes_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(picture_file, "LARGEST_BYTES", 100)
    path = save(tmp_path / "a.png", COLOURS)
    with pytest.raises(TooLargeError, match=r"has \d+ bytes, more than 100; scale it down"):
        read_picture(path)


@pytest.mark.slow
def test_any_damage_ends_in_one_of_our_errors(tmp_path):
    stream = io.BytesIO()
    Image.fromarray(COLOURS).save(stream, format="PNG")
    whole, random = stream.getvalue(), np.random.default_rng(0)
    path = tmp_path / "a.png"
    for _ in range(300):
        damaged = bytearray(whole)
        for place in random.integers(0, len(whole), 3):
            damaged[place] = random.integers(0, 256)
        path.write_bytes(damaged)
        try:
            read_picture(path)
        except (CorruptFileError, NotThisFormatError, TooLargeError):
            continue

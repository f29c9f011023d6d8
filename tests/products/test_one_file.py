"""The page of a map as one file: what it holds, and that no text of a file becomes a part of it."""

import base64
import hashlib
import html
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

import skykin
from skykin.core.errors import UsageError
from skykin.core.frames import from_galactic
from skykin.core.sphere import separation_deg
from skykin.products.field import Field
from skykin.products.hips.gaps import shown_coverage
from skykin.products.one_file.rasters import PageSky, numbers_picture
from skykin.products.one_file.writing import script_json
from tests.products.one_page import HOSTILE, hostile_map, write_page


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("skykin.products.one_file.rasters.SKY_COLUMNS", 512)
        path = write_page(tmp_path_factory.mktemp("page") / "orion.html")
    return path.read_text(encoding="utf-8")


def contents_of(text):
    return json.loads(
        re.search(r'<script type="application/json" id="contents">(.*?)</script>', text, re.DOTALL)[1]
    )


def values_of(layer):
    with Image.open(io.BytesIO(base64.b64decode(layer["picture"].partition(",")[2]))) as picture:
        pixels = np.asarray(picture).astype(int)
    steps = 256 * pixels[..., 0] + pixels[..., 1]
    return np.where(steps, layer["low"] + (steps - 1) / 65534 * (layer["high"] - layer["low"]), np.nan)


def test_a_page_holds_the_scores_of_all_tiles_where_they_lie(text):
    contents, found = contents_of(text), hostile_map()
    assert [layer["key"] for layer in contents["layers"]] == ["score", "q"]
    assert contents["layers"][0]["threshold"] == 0.9
    for layer, values in zip(contents["layers"], (found.scores, -np.log10(found.tiles["q"])), strict=True):
        raster = values_of(layer)
        rows, columns = raster.shape
        column = ((0.5 - ((found.lon_deg + 180) % 360 - 180) / 360) * columns).astype(int) % columns
        row = ((0.5 - found.lat_deg / 180) * rows).astype(int)
        np.testing.assert_allclose(raster[row, column], values, atol=1e-4)
        assert np.isfinite(raster).mean() > 0.8


def test_a_page_lists_the_targets_with_where_they_lie(text):
    found = hostile_map()
    table = found.targets().table
    listed = contents_of(text)["targets"]
    assert [each["name"] for each in listed] == list(table["name"])
    assert [each["lon"] for each in listed] == pytest.approx(table["lon"].value.tolist(), abs=1e-6)
    assert text.count('<button type="button" data-target=') == len(table) > 1
    assert len(listed[0]["corners"]) == 16
    away = separation_deg(*np.array(listed[0]["corners"]).T, listed[0]["lon"], listed[0]["lat"])
    assert 7.4 < away.min() < away.max() < 10.7


def test_a_page_asks_nothing_of_the_network_and_runs_nothing_but_its_own_script(text):
    policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1])
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    for tag in ("style", 'script type="module"'):
        inside = re.search(rf"<{tag}>(.*?)</{tag.split()[0]}>", text, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert len(re.findall(r"<script[ >]", text)) == 2
    assert not re.findall(
        r"\bon\w+=|\bstyle=|<link|<iframe|\bimport\b[^\w]*\(|url\(", text.replace("onerror=", "")
    )
    sources = re.findall(r'\bsrc="([^"]{0,10})', text)
    assert set(sources) == {"data:image"}
    outside = {address.split("/")[2] for address in re.findall(r'href="(https://[^"]*)"', text)}
    assert outside == {"simbad.cds.unistra.fr", "aladin.cds.unistra.fr", "sky.esa.int"}


def test_hostile_names_are_text(text):
    shown = HOSTILE.replace("\u202e", "").replace("\u202c", "")
    assert HOSTILE not in text
    assert "\u202e" not in text
    assert html.escape(shown).replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in text
    assert "x" * 10_000 in text
    assert script_json({"a": "</script><!--"}) == '{"a":"\\u003c/script\\u003e\\u003c!--"}'


@pytest.mark.parametrize("frame", ["galactic", "icrs"])
def test_the_raster_of_a_field_lies_as_the_page_says(frame):
    lon, lat = np.array([209.0, 209.6, 208.7]), np.array([-19.0, -19.2, -18.6])
    sky = PageSky(Field.around(lon, lat, frame, 0.1))
    shape = sky.shape(0.01)
    places = sky.positions(shape)
    told = sky.geometry
    at = [angle[::7, ::9] for angle in from_galactic(*places, frame)]
    lon0, lat0 = np.radians([told["lon"], told["lat"]])
    east = np.cos(np.radians(at[1])) * np.sin(np.radians(at[0]) - lon0)
    level = np.cos(np.radians(at[1])) * np.cos(np.radians(at[0]) - lon0)
    up = np.sin(np.radians(at[1]))
    depth = level * np.cos(lat0) + up * np.sin(lat0)
    x = np.degrees(east / depth)
    y = np.degrees((up * np.cos(lat0) - level * np.sin(lat0)) / depth)
    columns = (told["x"][1] - x) / (told["x"][1] - told["x"][0]) * shape[1]
    rows = (told["y"][1] - y) / (told["y"][1] - told["y"][0]) * shape[0]
    np.testing.assert_allclose(columns, np.arange(shape[1])[None, ::9] + 0.5 + 0 * rows, atol=1e-3 * shape[1])
    np.testing.assert_allclose(rows, np.arange(shape[0])[::7, None] + 0.5 + 0 * columns, atol=1e-3 * shape[0])


def test_numbers_are_kept_to_a_part_in_sixty_thousand():
    values = np.array([[-0.2, np.nan, 0.731, 1.0]])
    kept = values_of({"picture": numbers_picture(values, -0.2, 1.0), "low": -0.2, "high": 1.0})
    np.testing.assert_allclose(kept, values, atol=1.2 / 65534)


def test_narrow_gaps_count_as_covered_and_wide_ones_do_not():
    coverage = np.ones((60, 60), np.float32)
    coverage[10:12, 10:12] = 0
    coverage[30:50, 30:50] = 0
    shown = shown_coverage(coverage, 0.5)
    assert shown[10:12, 10:12].all()
    assert not shown[30:50, 30:50].any()
    assert shown[:29].all()


def test_a_file_that_is_there_is_kept_and_wrong_pictures_are_one_sentence(tmp_path):
    path = tmp_path / "orion.html"
    path.write_text("mine")
    with pytest.raises(UsageError, match="the file 'orion.html' is there already; add --overwrite"):
        skykin.page(hostile_map(), path)
    with pytest.raises(UsageError, match="background is 'pink', but it must be survey, far-infrared, stars"):
        skykin.page(hostile_map(), tmp_path / "x.html", background="pink")
    assert path.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [path]

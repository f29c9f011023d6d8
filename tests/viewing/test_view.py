"""`view` in Python and `skykin view`: what they open, serve, print and end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from dataclasses import replace

import httpx
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from threadpoolctl import threadpool_limits
from typer.testing import CliRunner

import skykin
from skykin.cli.main import app
from skykin.core.errors import IndexRefusedError, InputRefusedError, ResourceError, UsageError
from skykin.evaluation.planted import PIXEL_DEG, planted
from skykin.viewing.hips import KeptOnDisk, Rendered, Served, folder_background
from skykin.viewing.questions import Criterion, Point, Question
from skykin.viewing.samp import send_table
from skykin.viewing.sky import Sky
from tests.viewing.conftest import hips_folder

EVERYWHERE = "0.0.0.0"  # noqa: S104 - told, not listened at


def test_a_page_is_served_until_it_is_closed(served, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    with skykin.view([served.index, served.index.path], background=[]) as page:
        assert opened == [page.url]
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]{32}/", page.url)
        assert page.is_local
        assert repr(page) == f"<View at {page.url}>"
        state = httpx.get(f"{page.url}api/state").json()
        assert [each["id"] for each in state["indexes"]] == ["blobs", "blobs-2"]
        assert state["indexes"][0]["recipes"][0]["tile_sizes_deg"][0] == pytest.approx(10)
        page.wait(0.01)
        assert page.is_open
    assert not page.is_open
    with pytest.raises(httpx.ConnectError):
        httpx.get(page.url)


def test_what_cannot_be_shown_is_told(served, tmp_path):
    index = served.index
    with pytest.raises(UsageError, match="0 indexes were given; show 1 to 12"):
        skykin.view([])
    with pytest.raises(UsageError, match="leave --index out, or give one survey"):
        skykin.view(index, index=tmp_path / "x.skykin")
    with pytest.raises(UsageError, match="the port is 70000; use 1 to 65535"):
        skykin.view(index, port=70_000)
    with pytest.raises(UsageError, match="the frame ancestors are '\\*'"):
        skykin.view(index, frame_ancestors="*")
    with pytest.raises(InputRefusedError, match="the background 'none' is no HiPS"):
        skykin.view(index, background=tmp_path / "none", no_browser=True)
    (tmp_path / "broken.skykin").mkdir()
    (tmp_path / "broken.skykin" / "manifest.sqlite").write_text("nothing")
    with pytest.raises(IndexRefusedError):
        skykin.view(tmp_path / "broken.skykin", no_browser=True)


def test_without_the_extra_it_is_told_what_to_install(served, monkeypatch):
    monkeypatch.setattr("skykin.viewing.view.find_spec", lambda name: None)
    with pytest.raises(ResourceError, match=r'needs starlette and uvicorn, .*`pip install "skykin\[view\]"`'):
        skykin.view(served.index)


def test_a_background_has_pictures_of_512_pixels_from_order_0_on(tmp_path):
    folder = hips_folder(tmp_path)
    assert folder_background(folder, "sky").facts("/t/").url == "/t/hips/sky"
    text = (folder / "properties").read_text()
    (folder / "properties").write_text(text.replace("= 512", "= 256"))
    with pytest.raises(InputRefusedError, match="has tiles of 256 pixels as png from order 0 on"):
        folder_background(folder, "sky")


def test_the_overview_is_made_of_the_coarsest_tiles(served):
    facts = served.page.backgrounds[0].hips.facts

    def tile(order, npix):
        base = npix if order == 0 else npix >> 2 * order
        pixels = np.full((512, 512, 4), base, np.uint8)
        if order == 0:
            # Each eighth of a side is a tile of order 3: its number within the base.
            for number in range(64):
                row = sum((number >> 2 * bit & 1) << bit for bit in range(3))
                column = sum((number >> 2 * bit + 1 & 1) << bit for bit in range(3))
                pixels[row * 64 : row * 64 + 64, column * 64 : column * 64 + 64, 1] = number
        return pixels

    overview = Rendered(replace(facts, order=3), tile)._overview()
    assert overview.shape == (29 * 64, 27 * 64, 4)
    for number in (0, 1, 26, 27, 64, 500, 767):
        row, column = divmod(number, 27)
        assert overview[row * 64 + 9, column * 64 + 50, :2].tolist() == [number // 64, number % 64]
    assert overview[-1, -1].tolist() == [0, 0, 0, 0]


def test_the_coarsest_tiles_are_there_the_next_time_and_made_anew_if_they_are_damaged(served, tmp_path):
    made = []

    class Hips:
        def file(self, path):
            made.append(path)
            return Served(path.encode(), "image/png")

    for _ in range(2):
        kept = KeptOnDisk(Hips(), tmp_path / "kept")
        coarse, fine = "Norder0/Dir0/Npix7.png", "Norder1/Dir0/Npix7.png"
        assert [kept.file(path).content for path in (coarse, fine, "properties")] == [
            coarse.encode(), fine.encode(), b"properties",
        ]  # fmt: skip
    assert made == [coarse, fine, "properties", fine, "properties"]
    (tmp_path / "kept" / "Npix7.png").write_bytes(b"damaged")
    assert kept.file(coarse).content == coarse.encode()
    assert made[-1] == coarse


@pytest.mark.slow
def test_targets_are_sent_to_a_program_that_reads_tables(served, answer, hub):
    got = []

    def load(_key, _sender, message, _mtype, parameters, _extra):
        got.append(httpx.get(parameters["url"]).content)
        hub.reply(message, {"samp.status": "samp.ok", "samp.result": {}})

    hub.bind_receive_call("table.load.votable", load)
    refused = served.client.post("api/samp", json={"query": answer["query"]})
    assert (refused.status_code, refused.json()["way_out"]) == (400, "start `skykin view` with --samp")
    object.__setattr__(served.page, "samp", True)
    try:
        sent = served.client.post("api/samp", json={"query": answer["query"]})
    finally:
        object.__setattr__(served.page, "samp", False)
    assert sent.json() == {"programs": ["TOPCAT"]}
    assert [table[:5] for table in got] == [b"<?xml"]


@pytest.mark.slow
def test_a_program_that_refuses_a_table_is_not_named_and_one_that_is_slow_is(hub, monkeypatch):
    monkeypatch.setattr("skykin.viewing.samp.ANSWER_S", 1)
    answers = [{"samp.status": "samp.error", "samp.error": {"samp.errortxt": "no"}}]

    def load(_key, _sender, message, *_rest):
        if answers:
            hub.reply(message, answers.pop())

    hub.bind_receive_call("table.load.votable", load)
    assert send_table("http://127.0.0.1:1/", "targets", "id").programs == ()
    assert send_table("http://127.0.0.1:1/", "targets", "id").programs == ("TOPCAT",)


def test_without_a_hub_on_this_computer_that_is_told(monkeypatch, tmp_path):
    lock = tmp_path / "samp"
    monkeypatch.setenv("SAMP_HUB", f"std-lockurl:file://{lock}")
    for text in (None, "", "samp.secret=x\nsamp.hub.xmlrpc.url=http://evil.example/\n",
                 "samp.secret=x\nsamp.hub.xmlrpc.url=http://127.0.0.1:1/\n",
                 "samp.secret=x\nsamp.hub.xmlrpc.url=file:///etc/passwd\n"):  # fmt: skip
        if text is not None:
            lock.write_text(text)
        with pytest.raises(ResourceError, match="no SAMP hub runs on this computer; start TOPCAT"):
            send_table("http://127.0.0.1:1/", "targets", "id")


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="a process is interrupted by a signal")
def test_the_command_prints_the_address_and_ends_with_one_sentence(served):
    command = [sys.executable, "-m", "skykin", "view", str(served.index.path), "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            url = process.stdout.readline().strip()
            assert httpx.get(f"{url}api/state", timeout=30).status_code == 200
            process.send_signal(signal.SIGINT)
            out, told = process.communicate(timeout=30)
        finally:
            process.kill()
    assert (process.returncode, out) == (0, "")
    assert told.rstrip().endswith("the page is closed; decisions on targets are kept beside the index")
    assert "Traceback" not in told


def test_an_overview_or_area_that_a_hips_lacks_is_empty_so_that_no_browser_logs_an_error(served, answer):
    heat = f"{served.root}{answer['heat']['url']}"
    for address in ("hips/folder/Moc.fits", "hips/folder/Norder3/Allsky.png", f"{heat}/Moc.fits"):
        found = served.client.get(address)
        assert (found.status_code, found.content) == (204, b""), address
    assert served.client.get("hips/folder/Norder3/Allsky.txt").status_code == 404


def test_with_another_host_the_command_says_who_can_reach_the_page(monkeypatch):
    class Served:
        url, is_local, is_open = "http://here:1/token/", False, False
        closed = 0

        def close(self):
            self.closed += 1

    page, asked = Served(), {}
    monkeypatch.setattr("skykin.viewing.view.view", lambda sources, **how: asked.update(how) or page)
    done = CliRunner().invoke(app, ["view", "a.skykin", "--host", EVERYWHERE, "--no-browser"])
    assert done.exit_code == 0
    assert done.stdout.startswith("http://here:1/token/\n")
    assert (
        "warning: the page is served beyond this computer; whoever has its address can use it" in done.stderr
    )
    assert (asked["host"], asked["no_browser"], asked["samp"]) == ("0.0.0.0", True, False)  # noqa: S104
    assert page.closed == 1


@pytest.fixture(scope="module")
def rings(tmp_path_factory):
    """Four rings and four blobs on an image of 4 × 4 cells, and its index."""
    sky = planted({"ring": 4, "blob": 4}, 3, cells=4)
    survey = skykin.open_survey((sky.image, sky.wcs))
    folder = tmp_path_factory.mktemp("rings")
    with pytest.MonkeyPatch.context() as changed, threadpool_limits(1):
        changed.setenv("SKYKIN_CACHE", str(folder / "cache"))
        changed.setattr("skykin.jobs.streamed.STANDARD_TILES_IN_CONTEXT", 24)
        tile_deg = 160 * PIXEL_DEG
        index = skykin.index(
            survey, folder / "rings.skykin", recipe="radial-profile", tile_size=tile_deg, spacing=tile_deg / 8
        )
    return sky, survey, index


@pytest.mark.slow
def test_a_click_on_a_ring_lists_the_other_rings_as_a_search_does(rings):
    image, survey, index = rings
    sky = Sky("rings", index, "/t/", survey)
    lon, lat = (float(values[image.rows("ring")[0]]) for values in image.sky())
    place = SkyCoord(lon, lat, unit="deg", frame="galactic").icrs
    asked = Question(
        index="rings",
        references=(Point(ra=float(place.ra.deg), dec=float(place.dec.deg)),),
        criterion=Criterion(kind="top_fraction", value=0.1),
    )
    answer = sky.ask(asked)
    table = skykin.search(index, (lon, lat), top_fraction=0.1, survey=survey).targets(50).table
    assert [each.name for each in answer.targets] == [str(name) for name in table["name"]]
    assert [each.score for each in answer.targets] == pytest.approx(list(table["score"]), abs=1e-6)
    assert [each.q for each in answer.targets] == pytest.approx(list(table["q"]), abs=1e-6, nan_ok=True)
    assert [each.view_scale for each in answer.targets] == pytest.approx(list(table["view_scale"]))
    assert len(answer.views) == 24
    x, y = image.pixels(*(np.array([getattr(each, axis) for each in answer.targets[:5]]) for axis in "lb"))
    assert set(image.rows("ring")[1:].tolist()) <= set(image.shown(x, y).tolist())

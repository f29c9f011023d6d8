"""A page of the small index of the made-up sky, served once."""

from __future__ import annotations

import re
import shutil
import warnings
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

import skykin
from skykin import viewing
from skykin.viewing.app import Page
from skykin.viewing.guard import Door
from skykin.viewing.hips import SurveyPicture, folder_background, survey_background
from skykin.viewing.serving import View, listen
from skykin.viewing.sky import Sky

ORION = {"kind": "place", "text": "209,-19"}
#: Score from which a tile matches.
CUT = -0.1
ASKED = {"index": "blobs", "references": [ORION], "criterion": {"kind": "score", "value": CUT}}


def hips_folder(folder):
    """The smallest HiPS, and files beside and in it that nobody may read."""
    tiles = folder / "sky" / "Norder0" / "Dir0"
    tiles.mkdir(parents=True)
    (folder / "sky" / "properties").write_text(
        "creator_did = ivo://a/b\nobs_title = Sky\ndataproduct_type = image\nhips_version = 1.4\n"
        "hips_frame = galactic\nhips_order = 0\nhips_order_min = 0\nhips_tile_width = 512\n"
        "hips_tile_format = png\n"
    )
    (tiles / "Npix0.png").write_bytes(b"\x89PNG")
    (tiles / "Npix1.png").symlink_to(folder / "secret.png")
    (folder / "sky" / "secret.txt").write_text("SECRET")
    (folder / "secret.png").write_text("SECRET")
    return folder / "sky"


@pytest.fixture(scope="session")
def served(asked_survey, tmp_path_factory):
    """Survey, index, sky, the page and a client of it."""
    survey, index = asked_survey
    folder = tmp_path_factory.mktemp("viewing")
    # Decisions lie beside an index: each worker has its own.
    copy = skykin.open_index(shutil.copytree(index.path, folder / "blobs.skykin"))
    listening = listen("127.0.0.1", None)
    door = Door("127.0.0.1", listening.getsockname()[1])
    base = f"/{door.token}/"
    sky = Sky("blobs", copy, base, survey)
    about = SurveyPicture("Blobs", (), 1.0, sky.frame, copy.extent)
    backgrounds = (
        survey_background("blobs", about, lambda: sky.pictured),
        folder_background(hips_folder(folder), "folder"),
    )
    page = Page((sky,), backgrounds, base)
    with View(page, door, listening) as view, httpx.Client(base_url=view.url, timeout=30) as client:
        root = f"http://127.0.0.1:{door.port}"
        yield SimpleNamespace(
            survey=survey, index=copy, sky=sky, page=page, view=view, door=door, client=client, root=root
        )


@pytest.fixture
def answer(served):
    """Of one question."""
    found = served.client.post("api/query", json=ASKED)
    assert found.status_code == 200, found.text
    return found.json()


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A hub on this computer, of astropy."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from astropy.samp import SAMPHubServer, SAMPIntegratedClient, conf

        with conf.set_temp("use_internet", False):
            lock = tmp_path / "samp"
            monkeypatch.setenv("SAMP_HUB", f"std-lockurl:file://{lock}")
            made = SAMPHubServer(web_profile=False, lockfile=str(lock), addr="127.0.0.1")
            made.start()
            other = SAMPIntegratedClient(name="TOPCAT", addr="127.0.0.1")
            other.connect(hub=made)
            yield other
            other.disconnect()
            made.stop()


@pytest.fixture(scope="session")
def chromium():
    """Debian's Chromium, driven by Playwright; none of its own services may reach the network."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    api = pytest.importorskip(
        "playwright.sync_api", reason="Playwright is not installed: pip install playwright"
    )
    if not (Path(viewing.__file__).parent / "aladin" / "aladin.js").is_file():
        pytest.skip("Aladin Lite is not here; run: make aladin")
    quiet = (
        "--headless --no-sandbox --disable-quic --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync --use-angle=swiftshader --enable-unsafe-swiftshader "
        "--ignore-gpu-blocklist"
    )
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=quiet.split())
        yield browser
        browser.close()


@pytest.fixture
def opener(chromium):
    """Opens pages; at the end none has asked another host, and none has logged an error but those allowed."""
    contexts, foreign, errors = [], [], []

    def opened(url, *, size=(1280, 800), without=None, ready="yes", allowed="(?!)", **how):
        width, height = size
        context = chromium.new_context(viewport={"width": width, "height": height}, **how)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)

        def logged(text):
            if not re.search(allowed, text):
                errors.append(text)

        page.on("request", lambda request: foreign.append(request.url) if is_foreign(request.url) else None)
        page.on("pageerror", lambda error: logged(str(error)))
        page.on("console", lambda line: logged(line.text) if line.type == "error" else None)
        if without is not None:
            page.route(without, lambda route: route.abort())
        page.goto(url)
        page.locator(f"body[data-ready={ready}]").wait_for()
        return page

    yield opened
    for context in contexts:
        context.close()
    assert foreign == []
    assert errors == []


def is_foreign(url):
    """Whether a request goes to another host than this computer."""
    return not url.startswith(("http://127.0.0.1:", "blob:http://127.0.0.1:", "data:"))


@pytest.fixture
def opened(opener, served):
    """Opens the page of the made-up sky, at a fragment of its address."""
    return lambda fragment="", **how: opener(f"{served.view.url}{fragment}", **how)

"""A page of the small index of the made-up sky, served once."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import httpx
import pytest

import skykin
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

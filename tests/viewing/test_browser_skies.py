"""The page in a real browser: other skies, beside each other, in pictures and overlays."""

from __future__ import annotations

import re

import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from threadpoolctl import threadpool_limits

import skykin
from skykin.evaluation.planted import PIXEL_DEG, planted
from skykin.survey.render import RenderedSurvey, measure_stretch
from skykin.viewing.app import Page
from skykin.viewing.guard import Door
from skykin.viewing.hips import SurveyPicture, survey_background
from skykin.viewing.serving import View, listen
from skykin.viewing.sky import Sky
from tests.skies import blob_survey
from tests.viewing.test_browser import ASKED, changed, drawn, pixel_of, said, targets, until

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TILE_DEG = 160 * PIXEL_DEG


@pytest.fixture(scope="module")
def rings(tmp_path_factory):
    """An image of sixteen cells with twelve rings."""
    made = planted({"ring": 12}, 7, cells=4)
    file = tmp_path_factory.mktemp("rings") / "rings.fits"
    fits.PrimaryHDU(made.image, made.wcs.to_header()).writeto(file)
    return made, file


@pytest.fixture(scope="module")
def ring_page(rings, tmp_path_factory):
    """A page of it."""
    _, file = rings
    folder = file.with_name("rings.skykin")
    with pytest.MonkeyPatch.context() as patch, threadpool_limits(1):
        patch.setenv("SKYKIN_CACHE", str(tmp_path_factory.mktemp("cache")))
        how = {"tile_size": TILE_DEG, "spacing": TILE_DEG * 3 / 8, "pixels": 64, "stretch": "linear"}
        skykin.index(file, folder, **how)
        with skykin.view(folder, no_browser=True) as view:
            yield view.url


@pytest.fixture(scope="module")
def pair(served):
    """A page of the made-up sky twice, and of a second picture: the same sky turned."""
    listening = listen("127.0.0.1", None)
    door = Door("127.0.0.1", listening.getsockname()[1])
    base = f"/{door.token}/"
    skies = tuple(Sky(name, served.index, base, served.survey) for name in ("blobs", "again", "third"))
    other = blob_survey(turned_deg=40.0)
    about = SurveyPicture("Blobs", (), 1.0, skies[0].frame, served.index.extent)
    turned = SurveyPicture("Turned", (), 1.0, "galactic", served.index.extent)
    pictures = (
        survey_background("blobs", about, lambda: skies[0].pictured),
        survey_background("again", about, lambda: skies[0].pictured),
        survey_background("turned", turned, lambda: RenderedSurvey(other, measure_stretch(other))),
    )
    with View(Page(skies, pictures, base), door, listening) as view:
        yield view.url


def test_a_planted_image_opens_framed_and_a_click_on_one_ring_lists_the_eleven_others(
    opener, ring_page, rings
):
    made, _ = rings
    rows = made.rows("ring")
    lon, lat = made.sky()
    places = SkyCoord(lon, lat, unit="deg", frame="galactic").icrs
    page = opener(f"{ring_page}#criterion=top_fraction+0.3&turns=1&scales=1")
    drawn(page)
    box = page.locator(".sky").bounding_box()
    for row in rows:
        x, y = pixel_of(page, places[row].ra.deg, places[row].dec.deg)
        assert box["x"] < x < box["x"] + box["width"]
        assert box["y"] < y < box["y"] + box["height"]
    with page.expect_response("**/api/query") as waiting:
        page.mouse.click(*pixel_of(page, places[rows[0]].ra.deg, places[rows[0]].dec.deg))
    found = waiting.value.json()["targets"]
    said(page, "targets found in")
    names = targets(page).locator(".name bdi").all_inner_texts()
    assert names == [target["name"] for target in found]
    first = SkyCoord([(target["ra"], target["dec"]) for target in found[:11]], unit="deg", frame="icrs")
    nearest, apart, _ = first.match_to_catalog_sky(places)
    assert sorted(nearest) == sorted(rows[1:])
    assert apart.max().deg < TILE_DEG / 2


def test_the_same_question_is_asked_of_indexes_side_by_side(opener, pair):
    page = opener(f"{pair}{ASKED}&index=blobs&index=again&index=third")
    said(page, "targets? found in")
    assert page.locator(".pane").count() == 3
    tabs = page.locator(".tabs button")
    assert tabs.count() == 3
    before = targets(page).count()
    tabs.nth(1).click()
    assert targets(page).count() == before
    targets(page).first.locator(".choose").click()
    page.wait_for_timeout(2500)
    one, *others = page.evaluate("window.skykin.panes.map((pane) => pane.sky.outlook)")
    assert [other["ra"] for other in others] == pytest.approx([one["ra"]] * 2, abs=0.5)
    assert [other["fov_deg"] for other in others] == pytest.approx([one["fov_deg"]] * 2, rel=0.05)


def test_pictures_fade_and_blink(opener, pair):
    page = opener(pair)
    first = drawn(page)
    page.get_by_text("Pictures", exact=True).click()
    page.get_by_label("Fade to").select_option(label="Turned")
    page.get_by_label("How much of the second picture").fill("1")
    until(page, changed(first))
    blink = page.get_by_role("button", name="Blink")
    blink.click()
    assert blink.get_attribute("aria-pressed") == "true"
    page.wait_for_timeout(1000)
    blink.click()
    assert blink.get_attribute("aria-pressed") == "false"
    page.locator("h1").click()
    page.keyboard.press("b")
    assert blink.get_attribute("aria-pressed") == "true"
    page.keyboard.press("B")
    assert blink.get_attribute("aria-pressed") == "false"


def test_catalogues_and_the_area_of_the_matches_lie_over_the_sky(opener, pair):
    page = opener(f"{pair}{ASKED}")
    said(page, "targets? found in")
    before = drawn(page)
    page.get_by_text("Overlays", exact=True).click()
    page.get_by_label("Area of the matches").check()
    page.locator("#choices .check input").nth(1).check()
    page.get_by_text("Overlays", exact=True).click()
    page.wait_for_url(re.compile("catalogue=.*moc=1"))
    until(page, changed(before))

"""The page in a real browser: what a person sees and does, on the made-up sky."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy_healpix import HEALPix
from PIL import Image

from skykin.survey.hips.cells import places as places_of_cells

pytestmark = [pytest.mark.browser, pytest.mark.slow]

#: A bright place of the made-up sky, its neighbour, and a criterion that several tiles meet.
BRIGHT = "209,-19"
ASKED = "#like=place+209,-19&criterion=score+-0.1"
HOSTILE = [
    "<script>window.broken = 1</script>",
    '"\' onerror=alert(1) x="',
    "\u202e\u2067right to left",
    "x" * 10_000,
]


def targets(page):
    return page.locator("ol.targets > li")


def said(page, words):
    """Wait until the page says this."""
    page.locator("#status", has_text=re.compile(words)).wait_for()


def colours(page, place="#skies"):
    """Pixels of a part of the page."""
    picture = page.locator(place).screenshot()
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"), int)


def until(page, holds, seconds=60):
    """Look at the skies until this holds of their pixels; a busy computer draws slowly."""
    for _ in range(2 * seconds):
        seen = colours(page)
        if holds(seen):
            return seen
        page.wait_for_timeout(500)
    raise AssertionError(f"not within {seconds} s")


def drawn(page):
    """Pixels of the skies once a picture is drawn and at rest."""
    before = []

    def at_rest(seen):
        before.append(seen)
        varied = len(np.unique(seen.reshape(-1, 3), axis=0)) > 200
        return varied and len(before) > 2 and all(np.array_equal(seen, each) for each in before[-3:])

    return until(page, at_rest)


def changed(before):
    """Whether part of the pixels are others than before."""
    return lambda seen: (np.abs(seen - before).sum(axis=-1) > 30).mean() > 0.001


def asked(opened, **how):
    """A page on which a question was asked."""
    page = opened(ASKED, **how)
    targets(page).first.wait_for()
    return page


def pixel_of(page, ra, dec):
    """Where a place lies on the page, as the page itself draws it."""
    box = page.locator(".sky").bounding_box()
    x, y = page.evaluate("place => window.skykin.panes[0].sky.toPixel(place)", [ra, dec])
    return box["x"] + x, box["y"] + y


def hips_colours(served, places):
    """Colours (0 to 255) of the background at places (ICRS, degrees), from its tiles of order 0."""
    frame = served.client.get("api/state").json()["backgrounds"][0]["frame"]
    sky = SkyCoord(places, unit="deg", frame="icrs")
    sky = sky.galactic if frame == "galactic" else sky
    cells = HEALPix(nside=512, order="nested").lonlat_to_healpix(sky.data.lon, sky.data.lat)
    found = []
    for tile, within in zip(*divmod(cells, 512**2), strict=True):
        content = served.client.get(f"hips/blobs/Norder0/Dir0/Npix{tile}.png").content
        picture = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"), int)[::-1]
        found.append(picture.reshape(-1, 3)[places_of_cells(9)[within]])
    return np.array(found)


def test_the_sky_is_drawn_as_the_survey_is_rendered(opened, served):
    page = opened()
    seen = drawn(page)
    box = page.locator("#skies").bounding_box()
    places = [(84.2, -5.2), (80.0, 0.0), (88.0, -8.0), (95.0, 4.0)]
    pixels = [pixel_of(page, *place) for place in places]
    found = np.array([seen[int(y - box["y"]), int(x - box["x"])] for x, y in pixels])
    assert np.ptp(found) > 30
    assert np.abs(found - hips_colours(served, places)).mean() < 20


def test_the_reference_as_it_is_is_compared_before_all_its_views(opened):
    page = opened("#turns=4&criterion=score+-0.1")
    bodies = []
    page.on("request", lambda each: bodies.append(each.post_data_json) if "/api/query" in each.url else None)
    page.evaluate("place => window.skykin.refer({ kind: 'place', text: place }, false)", BRIGHT)
    said(page, "targets? found in")
    settings = [tuple(each.get(name) for name in ("turns", "mirror", "scales")) for each in bodies if each]
    assert settings == [(1, False, [1]), (4, None, None)]
    assert "4 views" in page.locator("#question").inner_text()


def test_a_click_on_the_sky_paints_the_map_and_lists_targets(opened):
    page = opened("#criterion=score+-0.1")
    before = drawn(page)
    page.mouse.click(*pixel_of(page, 83.8, -5.4))
    said(page, "targets? found in")
    assert targets(page).count() >= 2
    page.evaluate("window.skykin.panes[0].sky.erase('targets')")  # what is left is the map
    until(page, changed(before))
    page.wait_for_url(re.compile(r"like=point\+8[34]\."))
    assert page.locator(".chip").count() == 1


def test_a_typed_place_is_asked_about_by_its_name(opened):
    page = opened("#criterion=score+-0.1", allowed="status of 404")
    page.fill("#place", BRIGHT)
    page.press("#place", "Enter")
    said(page, "targets? found in")
    assert targets(page).count() >= 2
    page.fill("#place", "no such place at all")
    page.press("#place", "Enter")
    said(page, "no such place at all")
    assert "wrong" in page.locator("#status").get_attribute("class")


def test_the_slider_draws_less_of_the_map_and_pales_what_is_less_similar(opened):
    page = asked(opened)
    page.locator("#threshold").fill(page.locator("#threshold").get_attribute("min"))
    whole = drawn(page)
    page.locator("#threshold").fill(page.locator("#threshold").get_attribute("max"))
    until(page, changed(whole))
    assert page.locator("li.target.below").count() == targets(page).count()
    page.wait_for_url(re.compile("threshold="))


def test_a_decision_and_a_note_are_stored_and_shown_again(opened, served):
    page = asked(opened)
    first = targets(page).first
    first.get_by_role("button", name="Keep").click()
    said(page, "Kept .*; saved")
    first.locator(".note").fill("look <b>again</b>")
    first.locator(".note").press("Enter")
    said(page, "with a note; saved")
    again = asked(opened)
    first = targets(again).first
    assert first.locator("[data-decision=keep]").get_attribute("aria-pressed") == "true"
    assert first.locator(".note").input_value() == "look <b>again</b>"
    first.locator("[data-decision=keep]").click()
    said(again, "No decision on")
    first.locator(".note").fill("")
    first.locator(".note").press("Enter")
    said(again, "saved")


def test_a_decision_that_cannot_be_stored_is_said_and_not_shown(opened):
    page = asked(opened, allowed="ERR_FAILED")
    page.route("**/targets/*", lambda route: route.abort())
    row = targets(page).first
    row.get_by_role("button", name="Reject").click()
    said(page, "The server does not answer")
    assert row.locator("[data-decision=reject]").get_attribute("aria-pressed") == "false"


@pytest.mark.parametrize(("title", "begins"), [
    ("Targets, VOTable", b"<?xml"), ("Targets, CSV", b"rank,"), ("Targets, DS9 regions", b"# Region"),
    ("Similarity map, FITS", b"SIMPLE"), ("Area of the matches, MOC", b"SIMPLE"),
    ("Picture of the map", b"\x89PNG"),
])  # fmt: skip
def test_files_can_be_downloaded(opened, title, begins):
    page = asked(opened)
    page.get_by_text("Download", exact=True).click()
    with page.expect_download(timeout=120_000) as waiting:
        page.get_by_role("link", name=title).click()
    content = waiting.value.path().read_bytes()
    assert content.startswith(begins)


def test_the_state_comes_back_from_the_address(opened):
    page = asked(opened)
    page.get_by_role("radio", name="Box").click()
    page.locator("#threshold").fill("0.2")
    targets(page).nth(1).locator(".choose").click()
    said(page, "similarity")
    name = targets(page).nth(1).locator(".name bdi").inner_text()
    page.wait_for_timeout(2000)
    hash_ = page.evaluate("location.hash")
    again = opened(hash_)
    targets(again).first.wait_for()
    assert again.locator("[aria-current=true] .name bdi").inner_text() == name
    assert float(again.locator("#threshold").input_value()) == pytest.approx(0.2, abs=0.02)
    place = again.evaluate("window.skykin.panes[0].sky.outlook")
    before = page.evaluate("window.skykin.panes[0].sky.outlook")
    assert place["ra"] == pytest.approx(before["ra"], abs=0.2)
    assert place["fov_deg"] == pytest.approx(before["fov_deg"], rel=0.02)


def test_why_shows_sentences_and_where_in_the_tile(opened):
    page = asked(opened)
    targets(page).first.get_by_role("button", name="Why").click()
    page.locator("dialog .sentences p").first.wait_for(timeout=90_000)
    assert (
        page.locator("dialog figure img")
        .nth(1)
        .evaluate("image => image.decode().then(() => image.naturalWidth)")
        > 50
    )
    page.keyboard.press("Escape")
    assert page.locator("dialog").is_hidden()


@pytest.mark.parametrize(("mode", "kind"), [("Circle", "circle"), ("Box", "box")])
def test_a_dragged_shape_becomes_the_reference(opened, mode, kind):
    page = opened("#criterion=score+-0.1")
    page.wait_for_timeout(1000)
    x, y = pixel_of(page, 83.8, -5.4)
    page.get_by_role("radio", name=mode).click()
    page.mouse.move(x - 12, y - 12)
    page.mouse.down()
    page.mouse.move(x + 12, y + 12, steps=4)
    page.mouse.up()
    said(page, "targets? found in")
    assert page.locator(".chip").inner_text().startswith(kind)
    page.wait_for_url(re.compile(f"like={kind}\\+"))


def test_a_polygon_is_clicked_corner_by_corner_and_ended_by_a_double_click(opened):
    page = opened("#criterion=score+-0.1")
    page.wait_for_timeout(1000)
    x, y = pixel_of(page, 83.8, -5.4)
    page.get_by_role("radio", name="Polygon").click()
    page.mouse.click(x - 14, y - 12)
    page.mouse.click(x + 14, y - 12)
    page.mouse.dblclick(x, y + 14)
    said(page, "targets? found in")
    assert page.locator(".chip").inner_text().startswith("polygon")
    page.wait_for_url(re.compile(r"like=polygon\+"))
    corners = re.search(r"like=polygon\+([^&]*)", page.url)[1]
    numbers = [float(each) for each in re.split(r"[+,;]|%2C", corners) if each]
    assert len(numbers) == 6
    assert numbers[::2] == pytest.approx([83.8] * 3, abs=8)
    assert numbers[1::2] == pytest.approx([-5.4] * 3, abs=8)


def test_targets_are_sent_to_another_program_by_a_button(opened, served, hub):
    got = []

    def load(_key, _sender, message, _mtype, parameters, _extra):
        got.append(parameters["url"])
        hub.reply(message, {"samp.status": "samp.ok", "samp.result": {}})

    hub.bind_receive_call("table.load.votable", load)
    object.__setattr__(served.page, "samp", True)
    try:
        page = asked(opened)
        page.get_by_text("Download", exact=True).click()
        page.get_by_role("button", name="Send to other programs").click()
        said(page, "TOPCAT")
    finally:
        object.__setattr__(served.page, "samp", False)
    assert [url.rsplit("/", 1)[1] for url in got] == ["targets.vot"]


def test_references_and_counter_examples_are_added_and_removed(opened):
    page = asked(opened)
    x, y = pixel_of(page, 80.0, -2.0)
    page.get_by_role("radio", name="+ Like").click()
    page.mouse.click(x, y)
    page.locator(".chips.references .chip").nth(1).wait_for()
    page.get_by_role("radio", name="Unlike").click()
    page.mouse.click(x - 25, y)
    page.locator(".chips.unlike .chip").first.wait_for()
    said(page, "targets? found in")
    page.locator(".chips.unlike button").click()
    page.locator(".chips.unlike").wait_for(state="detached")
    said(page, "targets? found in")
    assert page.locator(".chips.references .chip").count() == 2


def test_hostile_names_are_shown_as_text(opened, served):
    page = opened()

    def answer(route):
        found = route.fetch()
        body = found.json()
        for target, name in zip(body["targets"], HOSTILE, strict=False):
            target["name"] = name
            target["note"] = name[:2000]
            target["known"] = [{"name": name, "kind": name, "separation_deg": 0.1}]
        body["references"][0]["name"] = HOSTILE[0]
        body["summary"] = HOSTILE
        route.fulfill(response=found, json=body)

    page.route("**/api/query", answer)
    page.evaluate(f"location.hash = {ASKED!r}")
    targets(page).first.wait_for()
    assert page.evaluate("window.broken") is None
    assert page.locator("#panel script, #panel img[onerror]").count() == 0
    assert targets(page).first.locator(".name bdi").inner_text() == HOSTILE[0]
    width = page.locator("#panel").evaluate("panel => [panel.scrollWidth, panel.clientWidth]")
    assert width[0] <= width[1]
    targets(page).first.locator(".choose").click()
    said(page, re.escape(HOSTILE[0]))


def test_nothing_is_cut_off_at_a_width_of_400_pixels(opened):
    page = opened(ASKED, size=(400, 800))
    targets(page).first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    out = page.evaluate("""() => [...document.querySelectorAll("header *, main *, #status")]
        .filter((part) => !part.closest("#skies"))
        .filter((part) => part.offsetParent && !part.closest(".hidden, .menu > :not(summary)"))
        .map((part) => [part.getBoundingClientRect(), part.outerHTML.slice(0, 80)])
        .filter(([box]) => box.width > 0 && (box.left < -1 || box.right > 401))
        .map(([, text]) => text)""")
    assert out == []
    assert targets(page).first.locator(".choose").is_enabled()


def test_all_can_be_done_with_the_keyboard_alone(opened):
    page = opened("#criterion=score+-0.1")
    page.keyboard.press("/")
    page.keyboard.type(BRIGHT)
    page.keyboard.press("Enter")
    said(page, "targets? found in")
    page.locator("#place").blur()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    second = targets(page).nth(1)
    assert second.locator(".choose").get_attribute("aria-current") == "true"
    page.keyboard.press("k")
    said(page, "Kept")
    page.keyboard.press("k")
    said(page, "No decision")
    page.keyboard.press("?")
    assert page.locator("dialog").is_visible()
    page.keyboard.press("Escape")
    page.locator(".sky").focus()
    before = page.evaluate("window.skykin.panes[0].sky.outlook")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("+")
    after = page.evaluate("window.skykin.panes[0].sky.outlook")
    assert after["fov_deg"] == pytest.approx(0.8 * before["fov_deg"], rel=0.02)
    assert after["ra"] != pytest.approx(before["ra"], abs=0.01)
    names = page.evaluate("""() => [...document.querySelectorAll("button, input, select, summary")]
        .filter((part) => part.offsetParent)
        .filter((part) => !part.textContent.trim() && !part.getAttribute("aria-label"))
        .filter((part) => !part.labels?.length)
        .map((part) => part.outerHTML.slice(0, 80))""")
    assert names == []


def test_light_and_dark_follow_the_system_until_one_chooses(opened):
    page = opened(color_scheme="dark")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.locator("#theme").click()
    assert page.evaluate("document.documentElement.dataset.theme") == "light"


def test_a_page_without_aladin_says_what_is_missing(opened):
    page = opened(without="**/aladin/aladin.js", ready="no", allowed="ERR_FAILED")
    said(page, "Aladin Lite, which draws the sky, is missing; run “make aladin”")

"""The page of a map in a real browser, opened from a file."""

import shutil

import pytest

from tests.products.one_page import hostile_map, write_page

pytestmark = [pytest.mark.browser, pytest.mark.slow]
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("Debian's Chromium is not installed")
    with playwright.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=program, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return write_page(tmp_path_factory.mktemp("page") / "orion.html")


@pytest.fixture
def opened(browser, file):
    """Opens the page; in the end nothing was asked of a network, and nothing went wrong."""
    pages, told, asked = [], [], []

    def open_page(width=1280, scheme="light"):
        page = browser.new_page(
            viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce"
        )
        page.on("console", lambda message: told.append(message.text))
        page.on("pageerror", lambda error: told.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(file.as_uri())
        page.wait_for_selector("html[data-ready=yes]")
        settle(page)
        pages.append(page)
        return page

    yield open_page
    for page in pages:
        page.close()
    assert told == []
    assert {address.partition(":")[0] for address in asked} <= {"file", "data"}
    assert {address for address in asked if address.startswith("file:")} == {file.as_uri()}


def settle(page):
    """Wait for three pictures of the screen: what was asked for is drawn."""
    page.evaluate(
        """() => new Promise(done => { let left = 3;
        const wait = () => left-- ? requestAnimationFrame(wait) : done(); wait(); })"""
    )


def sky(page):
    return page.evaluate("({...document.getElementById('sky').dataset})")


def colour_at(page, across, down):
    """Red, green and blue of the sky at fractions of its width and height."""
    return page.evaluate(
        """([x, y]) => { const sky = document.getElementById('sky');
        const pen = new OffscreenCanvas(1, 1).getContext('2d');
        pen.drawImage(sky, -Math.floor(x * sky.width), -Math.floor(y * sky.height));
        return [...pen.getImageData(0, 0, 1, 1).data]; }""",
        [across, down],
    )


def test_the_sky_is_drawn_with_longitude_growing_to_the_left(opened):
    page = opened()
    red, _, blue, opaque = colour_at(page, 0.3, 0.55)
    assert (red > 150, blue < 50) == (True, True)
    assert opaque == 255
    red, _, blue, _ = colour_at(page, 0.63, 0.55)
    assert (blue > 150, red < 50) == (True, True)
    assert colour_at(page, 0.02, 0.02)[3] == 0
    assert int(sky(page)["shown"]) > 500


def test_a_click_on_a_target_flies_there_and_arrow_keys_step(opened):
    page, table = opened(), hostile_map().targets().table
    page.locator("button[data-target]").nth(1).click()
    settle(page)
    assert float(sky(page)["lon"]) == pytest.approx(table["lon"].value[1], abs=0.01)
    assert float(sky(page)["lat"]) == pytest.approx(table["lat"].value[1], abs=0.01)
    assert float(sky(page)["width"]) == pytest.approx(90, abs=0.1)
    assert page.locator("button[aria-current=true]").get_attribute("data-target") == "1"
    page.keyboard.press("ArrowUp")
    settle(page)
    assert float(sky(page)["lon"]) == pytest.approx(table["lon"].value[0], abs=0.01)
    assert f"Target 1 of {len(table)}: {table['name'][0]}, l " in page.locator("#status").text_content()
    red, green, _, _ = colour_at(page, 0.5, 0.5)
    assert red > 150
    assert green > 100  # the colour of a high similarity over the red sky


def test_a_click_on_the_sky_selects_the_target_there(opened):
    page = opened()
    page.locator("button[data-target]").nth(0).click()
    settle(page)
    page.locator("#home").click()
    settle(page)
    assert float(sky(page)["width"]) == 340
    page.locator("button[data-target]").nth(1).click()
    settle(page)
    box = page.locator("#sky").bounding_box()
    page.locator("#farther").click()
    settle(page)
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    settle(page)
    assert page.locator("button[aria-current=true]").get_attribute("data-target") == "1"
    assert float(sky(page)["width"]) == pytest.approx(90, abs=0.1)


def test_the_threshold_changes_what_is_shown_and_opacity_how(opened):
    page = opened()
    before = int(sky(page)["shown"])
    assert page.locator("#threshold-words").text_content().startswith("similarity 0.900 or more: 2")
    page.locator("#threshold").evaluate("(e) => { e.value = e.min; e.dispatchEvent(new Event('input')); }")
    settle(page)
    assert int(sky(page)["shown"]) > 20 * before
    assert page.locator("#threshold-words").text_content().endswith("100 % of what was searched")
    page.locator("#opacity").evaluate("(e) => { e.value = 0; e.dispatchEvent(new Event('input')); }")
    settle(page)
    red, green, _, _ = colour_at(page, 0.3, 0.55)
    assert red > 190
    assert green < 15
    page.get_by_label("false discovery rate (q)").check()
    settle(page)
    assert page.locator("#threshold-words").text_content().startswith("false discovery rate 0.10 or less")


def test_the_sky_is_moved_by_mouse_wheel_and_keys(opened):
    page = opened()
    canvas = page.locator("#sky")
    canvas.focus()
    page.keyboard.press("+")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowUp")
    settle(page)
    now = sky(page)
    assert float(now["width"]) == pytest.approx(0.6 * 340, abs=0.1)
    assert float(now["lon"]) == pytest.approx(20.4, abs=0.1)
    assert float(now["lat"]) == pytest.approx(20.4, abs=0.1)
    box = canvas.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 60, y, steps=4)
    page.mouse.up()
    settle(page)
    assert float(sky(page)["lon"]) < float(now["lon"]) - 10
    page.mouse.wheel(0, -200)
    settle(page)
    assert float(sky(page)["width"]) < 0.8 * float(now["width"])
    page.mouse.move(x + 30, y)
    assert page.locator("#here").text_content().startswith("l ")


def test_a_page_of_the_whole_sky_is_small(file):
    assert file.stat().st_size < 400_000


def test_hostile_names_are_shown_as_text(opened):
    page = opened()
    assert page.evaluate("window.hacked") is None
    assert "<script>window.hacked = 1</script><img src=x" in page.locator("h1").inner_text()
    assert page.evaluate("document.images.length") == page.locator("#targets img").count()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_telephone_shows_all_of_it(opened, scheme):
    page = opened(400, scheme)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(251, 250, 247)", "dark": "rgb(20, 22, 27)"}[scheme]
    page.locator("button[data-target]").nth(0).click()
    settle(page)
    assert float(sky(page)["width"]) == pytest.approx(90, abs=0.1)
    nameless = page.evaluate(
        """[...document.querySelectorAll('button, input, canvas[tabindex]')].filter(each =>
        !(each.getAttribute('aria-label') || each.textContent.trim() || each.labels?.length)).length"""
    )
    assert nameless == 0

"""The report and the whole folder: complete, self-contained, safe to open."""

from __future__ import annotations

import base64
import json
import re
from contextlib import contextmanager
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from skykin.core.errors import UsageError
from skykin.core.footprint import Footprint
from skykin.core.progress import SilentCounter, SilentProgress
from skykin.products import write
from skykin.products.figures import FIGURES
from skykin.products.figures.canvas import Drawn
from skykin.products.figures.scores import draw_scores
from skykin.products.folder import MARKER, OWN_FILES
from skykin.products.report import inlined, write_report
from skykin.products.summary import summary_lines
from skykin.products.write import write_products
from tests import kinds

ORION = Footprint(209.0, -19.0, 15.0)

EVIL = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>"


class Page(HTMLParser):
    """Collects tags, attributes and visible text."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.attributes, self.texts, self.open, self.headings = [], [], [], [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        self.open.append(tag)

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.texts.append(data)
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)

    def handle_endtag(self, tag):
        self.open.append(f"/{tag}")

    @property
    def text(self):
        return re.sub(r"\s+", " ", " ".join(self.texts))

    def values(self, wanted):
        return [value for _, name, value in self.attributes if name == wanted]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A small picture in place of the figures, whose drawing has its own tests."""
    folder = tmp_path_factory.mktemp("drawn")
    Image.fromarray(np.zeros((40, 80, 3), dtype=np.uint8)).save(folder / "fig.png")
    return [
        Drawn("fig", "A figure", "What it shows.", "Some Observatory", folder / "fig.png", folder / "fig.pdf")
    ]


@pytest.fixture(scope="module")
def page(drawn, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(kinds.made_up_result(threshold=0.75), drawn, [("score.fits", "the map")], path)
    return Page(path)


def test_the_targets_and_the_summary_come_before_everything_else(page):
    order = ["Targets", "What was found, and its significance", "Query", "Figures", "Best matches",
             "Well-known regions", "Files", "Settings and provenance", "Acknowledgements"]  # fmt: skip
    assert page.headings == order
    recovery = page.text.index("5 of 7 well-known star-forming regions")
    assert recovery < page.text.index("recovers 5 by mean brightness") < page.text.index("black 0.935")
    assert page.text.index("Beware: black would match too") < page.text.index("Query")
    assert "Regions recovered at" not in page.text  # The table says it.


def test_the_tables_hold_the_best_matches_and_every_region(page):
    rows = page.tags.count("tr")
    assert rows == (1 + 3) + (1 + 12) + (1 + 7)  # recall, matches, regions; each with its head
    assert "G078.8+00.0" in page.text
    assert "287.5° −0.6° 10.0°" in page.text
    assert "sky_share" not in page.text
    assert "Orion 209.0° −19.0° 18.0° 1.0000 yes 1.0 % near the reference" in page.text


def test_provenance_and_acknowledgements_are_there(page):
    assert "survey.sha256 " + "ab" * 32 in page.text
    assert all(credit in page.text for credit in (*kinds.CREDITS, "Some Observatory"))


def test_the_page_asks_nothing_of_the_network_and_runs_nothing(page):
    policy = next(value for value in page.values("content") if value.startswith("default-src"))
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "script" not in page.tags
    assert "link" not in page.tags
    assert all(value.startswith("data:image/") for value in page.values("src"))
    # Links to the targets are followed by a reader alone, and tell nobody where they were.
    linked = [value for value in page.values("href") if "//" in value]
    assert {value.split("/")[2] for value in linked} == {
        "simbad.cds.unistra.fr", "aladin.cds.unistra.fr", "sky.esa.int",
    }  # fmt: skip
    assert len(linked) == 3 * 4
    assert page.values("rel") == ["noreferrer noopener"] * len(linked)
    assert not any(name.startswith("on") for _, name, _ in page.attributes)


def test_names_from_files_stay_text(drawn, tmp_path):
    regions = kinds.regions()
    regions["name"] = [EVIL, *regions["name"][1:]]
    result = kinds.made_up_result(
        threshold=0.75, regions=regions, query=kinds.query((EVIL, ORION)), title=EVIL, bands=(EVIL,) * 3,
        provenance=kinds.provenance(survey={EVIL: EVIL}, credits=(EVIL,)),
        summary=kinds.summary(controls={EVIL: 0.5}),
    )  # fmt: skip
    result.tiles.replace_column("name", [EVIL] * len(result.tiles))
    evil = [Drawn("fig", EVIL, EVIL, EVIL, drawn[0].png, drawn[0].pdf)]
    write_report(result, evil, [(EVIL, EVIL)], tmp_path / "report.html")
    page = Page(tmp_path / "report.html")
    assert "script" not in page.tags
    assert page.tags.count("img") == 1 + 4  # the figure, and a picture of each target
    assert not any(name.startswith("on") for _, name, _ in page.attributes)
    assert page.text.count("<script>alert(1)</script>") > 10


def test_a_map_without_matches_says_so(drawn, tmp_path):
    write_report(kinds.made_up_result(threshold=2.0), drawn, [], tmp_path / "report.html")
    assert "No tile has score 2 or more." in Page(tmp_path / "report.html").text


def test_large_pictures_are_reduced_for_the_page_and_take_the_smaller_format(tmp_path):
    noise = np.random.default_rng(1).integers(0, 255, (600, 2000, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    assert inlined(tmp_path / "noise.png").startswith("data:image/jpeg;base64,")
    Image.fromarray(np.zeros((600, 2000, 3), dtype=np.uint8)).save(tmp_path / "flat.png")
    kind, _, content = inlined(tmp_path / "flat.png").partition(",")
    assert kind == "data:image/png;base64"
    (tmp_path / "back.png").write_bytes(base64.b64decode(content))
    with Image.open(tmp_path / "back.png") as picture:
        assert picture.size == (1600, 480)


class Stages(SilentProgress):
    def __init__(self):
        self.told = []

    @contextmanager
    def stage(self, title, total, unit=""):
        stages = self

        class Counter(SilentCounter):
            done = 0

            def advance(self, items=1):
                self.done += items

        counter = Counter()
        yield counter
        stages.told.append((title, total, counter.done, unit))


@pytest.mark.parametrize("drawing", [pytest.param(FIGURES, marks=pytest.mark.slow), (draw_scores,)], ids=len)
def test_all_products_are_written_as_one_folder_and_listed(tmp_path, monkeypatch, drawing):
    monkeypatch.setattr(write, "FIGURES", drawing)
    monkeypatch.setattr("skykin.products.figures.FIGURES", drawing)
    progress = Stages()
    written = write_products(kinds.made_up_result(threshold=0.75), tmp_path / "orion", progress=progress)
    names = {entry.name for entry in (tmp_path / "orion").iterdir()} - {MARKER}
    assert set(written) == names
    assert names <= OWN_FILES
    assert all(path.stat().st_size > (500 if path.suffix != ".txt" else 300) for path in written.values())
    figures = {name for name in names if name.endswith(".pdf")}
    assert len(figures) == len(drawing)
    assert names - figures - {name.replace(".pdf", ".png") for name in figures} == {
        "targets.ecsv", "targets.vot", "targets.reg", "score.fits", "score.multiorder.fits", "tiles.ecsv",
        "tiles.vot", "matches.reg", "matches.moc.fits", "preview.png", "credits.txt", "summary.json",
        "report.html",
    }  # fmt: skip
    assert progress.told == [("Writing products", 13 + len(drawing), 13 + len(drawing), "products")]
    page = Page(written["report.html"])
    assert {value for value in page.values("href") if "//" not in value} <= names
    assert written["report.html"].stat().st_size < 6e6
    cited = written["credits.txt"].read_text(encoding="utf-8")
    assert all(f"\n\n{credit}\n" in cited for credit in kinds.CREDITS)
    assert json.loads(written["summary.json"].read_text(encoding="utf-8"))["n_tiles"] == 190
    for path in written.values():
        assert b"/orion" not in path.read_bytes()[:20000], f"{path.name} tells where it was written"


@pytest.mark.parametrize("fault", [KeyboardInterrupt, RuntimeError])
def test_a_fault_in_the_last_product_leaves_nothing(tmp_path, monkeypatch, fault):
    def fail(*args):
        raise fault

    monkeypatch.setattr(write, "draw_figures", lambda *args: ())
    monkeypatch.setattr(write, "write_report", fail)
    with pytest.raises(fault):
        write_products(kinds.made_up_result(), tmp_path / "orion")
    assert list(tmp_path.iterdir()) == []


def test_an_existing_map_is_refused_before_anything_is_drawn(tmp_path, monkeypatch):
    (tmp_path / "orion").mkdir()
    (tmp_path / "orion" / "thesis.tex").write_text("mine")
    monkeypatch.setattr(write, "draw_figures", lambda *args: pytest.fail("work was done"))
    with pytest.raises(UsageError, match="--overwrite"):
        write_products(kinds.made_up_result(), tmp_path / "orion")


def test_a_map_of_a_part_of_the_sky_tells_shares_of_that_part():
    part, nearly_all = (kinds.summary(sky_fraction_mapped=share) for share in (0.1, 0.99))
    assert "of the mapped sky" in " ".join(summary_lines(part))
    assert "of the mapped sky" not in " ".join(summary_lines(nearly_all))

"""The manual stays true: pages are found, commands parse, words are plain, and numbers come from results."""

from __future__ import annotations

import ast
import functools
import importlib.util
import inspect
import re
import shlex
import shutil
import sys
from pathlib import Path

import click
import pytest
from astropy.table import QTable
from hypothesis import given
from hypothesis import strategies as st
from typer.main import get_command

import skykin
from skykin.cli.main import app
from skykin.survey.named.dust_and_gas import MAPS
from skykin.survey.named.milkyway import PICTURES

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [path for path in sorted(DOCS.rglob("*.md")) if "_build" not in path.parts]
README = ROOT / "README.md"
TEXTS = [README, ROOT / "GUIDE.md", *PAGES]
COMMAND = get_command(app)


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def tool(name):
    """Load a program of `tools/`."""
    spec = importlib.util.spec_from_file_location(Path(name).stem, ROOT / name)
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module
    spec.loader.exec_module(module)
    return module


QUOTED = tool("tools/quoted.py")


def test_every_page_is_in_a_table_of_contents():
    reached, waiting = set(), [DOCS / "index.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or not page.exists():
            continue
        reached.add(page)
        for block in re.findall(r"```\{toctree\}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            entries = [line.strip() for line in block.splitlines() if line.strip() and line[0] != ":"]
            waiting += [(page.parent / f"{entry}.md").resolve() for entry in entries]
    assert [name_of(page) for page in PAGES if page not in reached] == []


#: An alternative text of fewer words names a figure and does not say what it shows.
LEAST_WORDS = 7


@pytest.mark.parametrize("page", TEXTS, ids=name_of)
def test_every_image_has_an_alternative_text_that_says_what_it_shows(page):
    text = page.read_text(encoding="utf-8")
    told = re.findall(r"!\[([^\]]*)\]\(", text)
    for block in re.findall(r"```\{(?:image|figure)\}.*?```", text, re.DOTALL):
        told += re.findall(r":alt: *(.*)", block) or [""]
    assert [words for words in told if len(words.split()) < LEAST_WORDS] == []


def cells(page):
    """Alternative text, empty if there is none, and code of each cell of a notebook."""
    for block in re.findall(r"```\{code-cell\}[^\n]*\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        head, _, code = block.removeprefix("---\n").rpartition("---\n")
        yield re.sub("''", "'", "".join(re.findall(r"""alt: ['"](.*)['"]$""", head, re.MULTILINE))), code


def draws(code):
    """Whether a cell ends with a figure: the call of a method `plot`; other results show themselves."""
    last = ast.parse(code).body[-1]
    return (
        isinstance(last, ast.Expr)
        and isinstance(last.value, ast.Call)
        and getattr(last.value.func, "attr", "") == "plot"
    )


NOTEBOOKS = [page for page in PAGES if "```{code-cell}" in page.read_text(encoding="utf-8")]


@pytest.mark.parametrize("page", NOTEBOOKS, ids=name_of)
def test_every_figure_of_a_notebook_has_an_alternative_text_of_its_own(page):
    found = [(words, draws(code)) for words, code in cells(page)]
    assert found, "the cells of a notebook are found"
    assert [len(words.split()) >= LEAST_WORDS for words, _ in found] == [figure for _, figure in found]
    told = [words for words, figure in found if figure]
    assert len(set(told)) == len(told)
    # Else figures would be drawn by other means than `plot`, which the test above would not see.
    assert [code for _, code in cells(page) if "matplotlib" in code] == []


def lines_of_commands():
    """Every line that begins with skykin in a block for the shell, or that the manual runs."""
    for page in TEXTS:
        text = page.read_text(encoding="utf-8")
        for block in re.findall(r"```(?:sh|bash|console|\{run\})\n(.*?)```", text, re.DOTALL):
            if ":fails:" in block:
                continue
            joined = block.replace("\\\n", " ")
            for line in joined.splitlines():
                told = line.strip().removeprefix("$ ")
                if told.startswith("skykin "):
                    yield pytest.param(told, id=f"{page.stem}: {told[:50]}")


@pytest.mark.parametrize("line", list(lines_of_commands()))
def test_every_command_of_the_manual_parses_with_its_options(line):
    _, *words = shlex.split(re.split(r" [>|] ", line)[0], comments=True)
    options = {"--version", "--install-completion", "--show-completion", "--debug"}
    while words and words[0] in options:
        words.pop(0)
    if not words:
        return
    command = COMMAND.commands[words[0]]
    if "--help" in words:
        return
    with click.Context(COMMAND, info_name="skykin") as parent:
        command.make_context(words[0], words[1:], parent=parent)


def test_every_command_has_its_help_and_its_heading_once_in_the_reference():
    texts = [path.read_text(encoding="utf-8") for path in sorted((DOCS / "reference").glob("*.md"))]
    pages = [text for text in texts if "```{help}" in text]
    helps = [re.findall(r"```\{help\} ([\w-]+)\n", text) for text in pages]
    headings = [re.findall(r"^(?:## |# skykin )([\w-]+)$", text, re.MULTILINE) for text in pages]
    assert sorted(name for told in helps for name in told) == sorted(COMMAND.commands)
    for told, found in zip(helps, headings, strict=True):
        assert [name for name in told if found.count(name) != 1] == []


def test_the_overview_of_commands_links_each_to_its_place():
    text = (DOCS / "reference" / "commands.md").read_text(encoding="utf-8")
    linked = re.findall(r"\[`([\w-]+)`\]\([\w-]+\.md(?:#([\w-]+))?\)", text)
    assert sorted(name for name, _ in linked) == sorted(COMMAND.commands)
    assert [name for name, anchor in linked if anchor not in ("", name)] == []


def test_every_public_name_is_documented_once_in_the_reference():
    text = (DOCS / "reference" / "api.md").read_text(encoding="utf-8")
    told = re.findall(r"\.\. auto(?:class|function|exception):: skykin\.(\w+)", text)
    assert sorted(told) == sorted(name for name in skykin.__all__ if not name.startswith("__"))


def words():
    for line in (ROOT / "tests" / "words.txt").read_text(encoding="utf-8").splitlines():
        if line and line[0] != "#":
            wrong, _, better = (part.strip() for part in line.partition("|"))
            yield wrong, better


def found_words(text):
    flat = " ".join(text.split())
    return [
        f"{wrong!r}: say {better!r}" for wrong, better in words() if re.search(rf"\b{wrong}\b", flat, re.I)
    ]


@pytest.mark.parametrize("page", TEXTS, ids=name_of)
def test_pages_are_in_plain_english(page):
    assert found_words(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("name", sorted(COMMAND.commands))
def test_the_help_of_each_command_is_in_plain_english(name):
    command = COMMAND.commands[name]
    texts = [command.help or "", *(each.help or "" for each in command.params if hasattr(each, "help"))]
    assert found_words(" ".join(texts)) == []


def test_a_forbidden_word_is_found():
    assert found_words("The score,\nwhat it is\nworth") == ["'what it is worth': say 'significance'"]


def test_results_are_those_of_the_committed_tables():
    made = tool("tools/results.py")
    assert made.key("hard, noise 1.2") == "hard-noise-1-2"
    for name, read in (("planted", made.planted), ("recipe-grid", made.recipe_grid)):
        assert read(DOCS / "explain" / f"{name}.csv") == QUOTED.read(name)
    assert QUOTED.result("planted.hard.radial-profile-24-views-maximum.precision") == 0.849


@pytest.mark.slow
def test_the_numbers_of_an_evaluation_are_kept_by_list_zone_measure_and_ranking(made, tmp_path):
    places = QTable({"name": list("ABCDEF"), "lon_deg": [225, 230, 235, 240, 245, 248]})
    places["lat_deg"] = [-20, -10, 0, -25, -5, -15]
    judged = skykin.evaluate(made.map, [places], survey=made.survey, rotations=20)
    folder = tmp_path / "map"
    shutil.copytree(made.folder / "map", folder)
    judged.write(folder / "evaluation")
    results = tool("tools/results.py")
    kept = results.evaluated(folder)
    (row,) = judged.rows(list=judged.lists[0], zone="all sky", measure="AUC_lat", ranking="score (mean-std)")
    assert set(kept["lists"]) >= {results.key(each) for each in judged.lists}
    numbers = kept["lists"][results.key(judged.lists[0])]["all"]["auc"]
    assert numbers["score"]["value"] == pytest.approx(float(row["value"]), rel=1e-6)
    assert set(results.evaluated(folder, ("score",))["lists"]["together"]["all"]["brightness"]) == {"score"}
    assert kept["map"]["n_tiles"] == 63


@pytest.mark.parametrize("page", TEXTS, ids=name_of)
def test_the_numbers_that_a_page_quotes_are_those_of_its_results(page):
    assert QUOTED.differences(page.read_text(encoding="utf-8")) == []


#: Pages whose measured numbers all come from results.
MEASURED = [
    README,
    *(
        DOCS / f"{name}.md"
        for name in (
            "cluster",
            "gpu",
            "poster",
            "howto/search-index",
            "howto/choose",
            "howto/speed",
            "howto/view",
        )
    ),
    *(
        DOCS / "explain" / f"{name}.md"
        for name in ("agreement", "architecture", "cluster-model", "cosines", "engine")
    ),
    *(DOCS / "explain" / f"{name}.md" for name in ("evaluation", "index-format", "other-surveys", "planted")),
    *(
        DOCS / "explain" / f"{name}.md"
        for name in ("recipes", "reliability", "significance", "style", "views")
    ),
]


@pytest.mark.parametrize("page", MEASURED, ids=name_of)
def test_a_number_that_looks_measured_has_the_address_of_its_result(page):
    bare = QUOTED.unmarked(page.read_text(encoding="utf-8"))
    assert [text for text in bare if not text.startswith("| P@k / AP ")] == []  # a test of its own, below


def test_a_paragraph_without_addresses_is_found():
    page = "In 0.75 of 3 cases.\n\nIn 0.75.\n\n<!-- numbers: recipe-grid.runs -->\n\nAt 4 of 5.\n"
    assert QUOTED.unmarked(page) == ["In 0.75 of 3 cases.\n"]


def test_addresses_in_braces_stand_one_after_the_other():
    assert QUOTED.expanded("a.{b,c.{d,e}} _*2 f") == ["a.b", "a.c.d", "a.c.e", "_", "_", "f"]
    with pytest.raises(ValueError, match=r"a brace is not closed in 'a.\{b'"):
        QUOTED.expanded("a.{b")


def test_numbers_are_found_and_written_as_the_text_shows_them():
    text = "Of 161 319 tiles (VGG19, 4°, `0.5`) −0.006 [+.113], 74 %, 2e-7 and [this](45.md)"
    shown = QUOTED.numbers(text)
    assert [each.value for each in shown] == [161319, -0.006, 0.113, 74, 2e-7]
    assert [each.like(value) for each, value in zip(shown, [1e6, 0.25, -0.25, 8, 3e-12], strict=True)] == [
        "1 000 000", "+0.250", "−.250", "8", "3e-12",
    ]  # fmt: skip
    table = "| of 3 | 4 |\n|---|---|\n| 5 objects | 6 of 7 |\n"
    assert [each.text for each in QUOTED.numbers(table)] == ["6", "7"]


@given(
    shown=st.sampled_from(["0.86", ".863", "+0.05", "−.1", "7", "+3", "161 319", "2762", "2e-7", "1.5e-4"]),
    value=st.floats(1e-6, 1e6) | st.floats(-1e6, -1e-6),
)
def test_what_is_written_into_a_page_is_read_as_the_value(shown, value):
    value = abs(value) if "e" in shown else value
    (old,) = QUOTED.numbers(shown)
    (new,) = QUOTED.numbers(old.like(value))
    assert not new.differs(value)
    assert new.decimals == old.decimals


def test_a_number_that_is_not_that_of_its_result_is_told_and_renewed():
    page = (
        "Of 3628 runs 38 are\nthere twice, 1 %.\n\n<!-- numbers: recipe-grid.runs recipe-grid.twice _ -->\n"
    )
    assert QUOTED.differences(page) == ["38 is 39 in: 'Of 3628 runs 38 are\\nthere twice, 1 %.\\n'"]
    right = page.replace("38", "39")
    assert QUOTED.renewed(page) == right
    assert QUOTED.differences(right) == []
    (told,) = QUOTED.differences(page.replace("_ ", ""))
    assert told.startswith("2 addresses for 3 numbers: 3628 38 1")
    (told,) = QUOTED.differences(page.replace("runs _", "no _").replace("grid.runs", "grid.no"))
    assert told.startswith("docs/results has no 'recipe-grid.no'")


def test_the_table_of_planted_objects_holds_the_measured_numbers():
    made = tool("tools/results.py")
    lines = (DOCS / "explain" / "planted.md").read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("| P@k / AP "))
    sets = [made.key(cell) for cell in lines[start].split("|")[2:-1]]
    compared = 0
    for line in lines[start + 3 :]:
        if not line.startswith("|"):
            break
        ranking, *cells = (cell.strip().replace("`", "") for cell in line.split("|")[1:-1])
        for name, cell in zip(sets, cells, strict=True):
            if cell != "–":
                row = QUOTED.read("planted")[name][made.key(ranking)]
                shown = [f"{row[column]:.2f}".removeprefix("0") for column in ("precision", "ap")]
                assert cell == " / ".join(shown), f"{ranking}, {name}"
                compared += 1
    assert compared > 80


def test_notice_credits_every_survey_with_a_name_and_all_that_a_citation_names():
    notice = " ".join((ROOT / "NOTICE").read_text(encoding="utf-8").split())
    owed = [credit for *_, credit in (*MAPS, *PICTURES)]
    assert [credit for credit in owed if credit not in notice] == []
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"version: {skykin.__version__}\n" in citation
    for name in ("Simonyan", "Haffner", "149", "405", "10.1086/378850"):
        assert name in citation
        assert name in notice


def test_changes_are_gathered_under_their_version_and_older_ones_stay():
    made = tool("tools/changelog.py")
    before = "# Changes\n\nold head\n\n## 0.2.0\n\n- something\n\n## 0.1.0\n\n- first\n"
    after = made.changelog(["One\nchange.\n"], "0.2.0", before)
    assert after == f"{made.HEAD}\n## 0.2.0\n\n- One change.\n\n## 0.1.0\n\n- first\n"
    assert made.changelog(["One change."], "0.2.0", after) == after


def test_what_a_terminal_shows_is_folded_to_the_column_of_the_manual_but_for_tables():
    folding = tool("docs/_extensions/folding.py")
    word = "sky " * 30
    told = folding.folded(
        f"$ skykin map {word.strip()}\n\n  short\ncredits     {word}end\n{word}end\n| a  b  {word}|"
    )
    lines = told.split("\n")
    assert [len(line) <= folding.WIDTH for line in lines] == [True] * (len(lines) - 1) + [False]
    assert lines[0].endswith(" \\")
    assert lines[1].startswith("    sky")
    assert lines[2:4] == ["", "  short"]
    assert [line[:13] for line in lines[4:6]] == ["credits     s", "            s"]
    assert lines[-1] == f"| a  b  {word}|"
    command = "$ " + "x" * (folding.WIDTH - 18)  # the option would still fit, its value would not
    told_command = folding.folded(f"{command} --tile-size 12 -o dust")
    assert told_command == f"{command} \\\n    --tile-size 12 -o dust"
    joined = told.replace(" \\\n    ", " ").replace("\n            ", " ")
    assert joined.startswith(f"$ skykin map {word.strip()}\n")


def test_signatures_of_the_manual_show_no_object_of_python():
    shortened = tool("docs/_extensions/signatures.py").shortened
    told = "(sky=MapSettings(a=None, cut=Cut(q=None)), p=<Silent object>, views=<factory>, k=(1, 2), *, n=5)"
    assert shortened(told) == "(sky=…, p=…, views=…, k=(1, 2), *, n=5)"
    assert shortened("(lon_deg, lat_deg=0.0, text='a b')") == "(lon_deg, lat_deg=0.0, text='a b')"


def test_no_property_begins_with_words_that_the_manual_would_take_for_its_type():
    told = {
        f"{name}.{part}": inspect.getdoc(value).splitlines()[0]
        for name in skykin.__all__
        if inspect.isclass(of := getattr(skykin, name))
        for part, value in vars(of).items()
        if isinstance(value, property | functools.cached_property) and inspect.getdoc(value)
    }
    assert len(told) > 50
    assert {name: line for name, line in told.items() if ": " in re.sub(r"``.*?``|`.*?`", "", line)} == {}


@pytest.mark.parametrize("page", TEXTS, ids=name_of)
def test_no_line_of_a_page_is_left_out_as_a_comment(page):
    # MyST takes a line that begins with % for a comment, and so the rest of a sentence after "2.2" is lost.
    assert re.findall(r"^%.*", page.read_text(encoding="utf-8"), re.MULTILINE) == []


def test_numbers_of_the_manual_are_not_broken_at_their_spaces():
    unbroken = tool("docs/_extensions/unbroken.py").unbroken
    kept = "161_319 tiles 95_% take 7_GB, 12_345_678 in 20_ms at 13_km/s; 3_020 2_100 2026 7, 0.5 [−.1,_+0.7]"
    kept += " q_≤_0.1, l_=_209°, b_=_−19°, area = 3, x = y"
    assert unbroken(kept.replace("_", " ")).replace("\u00a0", "_") == kept
    assert unbroken("all q ≤ 0.1 at b = −19°") == "all q\u00a0≤\u00a00.1 at b\u00a0=\u00a0−19°"
    assert unbroken("95\n% [.1,\n.2] q\n≤ 0.1\nof") == "95\u00a0% [.1,\u00a0.2] q\u00a0≤\u00a00.1\nof"
    assert unbroken("5 px/°") == "5 px/\u2060°"


def test_options_in_code_of_the_manual_are_marked_so_that_they_stay_on_a_line():
    marked = tool("docs/_extensions/unbroken.py").with_whole_options
    told = '<p>--so</p><pre><span class="x-y">map</span> --tile-size 3 (-o a-b) <b>-</b>1</pre><p>-r</p>'
    whole = told.replace("--tile-size", '<span class="option">--tile-size</span>')
    assert marked(told) == whole.replace("-o a", '<span class="option">-o</span> a')


def test_no_page_of_the_manual_has_the_name_of_one_that_the_site_makes_itself():
    assert not {"search.md", "genindex.md", "404.md"} & {path.name for path in DOCS.glob("*.md")}

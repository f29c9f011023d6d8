"""The manual stays true: pages are found, commands parse, words are plain, and numbers come from results."""

from __future__ import annotations

import importlib.util
import re
import shlex
import shutil
from pathlib import Path

import click
import pytest
from astropy.table import QTable
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
    """Load a program of `tools/` or `docs/_extensions`."""
    spec = importlib.util.spec_from_file_location(Path(name).stem, ROOT / name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


RESULTS = tool("docs/_extensions/look_up.py")


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


@pytest.mark.parametrize("page", TEXTS, ids=name_of)
def test_every_image_has_alternative_text(page):
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"!\[\s*\]\([^)]*\)", text) == []
    for block in re.findall(r"```\{(?:image|figure)\}.*?```", text, re.DOTALL):
        assert ":alt:" in block


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


def test_every_command_has_its_help_in_the_reference():
    text = (DOCS / "reference" / "commands.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"```\{help\} ([\w-]+)\n", text)) == sorted(COMMAND.commands)
    assert [name for name in COMMAND.commands if f"## {name}\n" not in text] == []


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
        assert read(DOCS / "explain" / f"{name}.csv") == RESULTS.read(name)
    assert RESULTS.result("planted.hard.radial-profile-24-views-maximum.precision") == "0.849"


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
    assert kept["lists"][results.key(judged.lists[0])]["all-sky"]["auc-lat"]["score-mean-std"][
        "value"
    ] == float(row["value"])
    assert kept["map"]["n_tiles"] == 63


#: A sentence of a page, with the address of each number in it in `docs/results`.
QUOTED = [
    (
        "README.md",
        "`radial-profile`, the default of images, finds {} [{}, {}] (average precision {})",
        [f"planted.hard.radial-profile-24-views-maximum.{name}:.2f"
         for name in ("precision", "precision_low", "precision_high", "ap")],
    ),
    (
        "README.md",
        "`core-contrast` {}, template matching in the same views {}, contrast {}, chance {}",
        [f"planted.hard.{name}.precision:.2f"
         for name in ("core-contrast-24-views-maximum", "template-24-views-maximum", "contrast", "random")],
    ),
    *(
        (
            "docs/explain/index-speed.md",
            f"{row} | {{}} | {{}} | {{}} |",
            [f"index-speed.query-10000000.{side}_{what}"
             for what in ("cpu_ms", "cpu_ratio:.2f", "wall_ratio:.2f")],
        )
        for row, side in (
            ("score, without the compiled kernel", "score_without"),
            ("cosines, without the compiled kernel", "cosines_without"),
            ("score, widened by NumPy alone", "numpy"),
        )
    ),
    (
        "docs/explain/index-speed.md",
        "score of every tile | {} | **{}** | {} |",
        [f"index-speed.query-10000000.score_{what}"
         for what in ("cpu_ms", "cpu_ratio:.2f", "wall_ratio:.2f")],
    ),
    (
        "docs/explain/index-speed.md",
        "as a map needs | {} | **{}** | {} |",
        [f"index-speed.query-10000000.cosines_{what}"
         for what in ("cpu_ms", "cpu_ratio:.2f", "wall_ratio:.2f")],
    ),
    (
        "docs/explain/index-speed.md",
        "of which {} are read | | |---|---| | recall of the true 10 best, {} queries | {} |",
        [f"index-speed.approximate-10000000.{what}" for what in ("read", "queries", "recall")],
    ),
    ("docs/explain/recipes.md", "{} runs are in", ["recipe-grid.runs"]),
    ("docs/explain/recipes.md", "{} recipes are there twice", ["recipe-grid.twice"]),
]  # fmt: skip


@pytest.mark.parametrize(("page", "sentence", "addresses"), QUOTED, ids=[each[1][:40] for each in QUOTED])
def test_a_number_that_a_page_quotes_is_that_of_its_result(page, sentence, addresses):
    text = " ".join((ROOT / page).read_text(encoding="utf-8").split())
    assert sentence.format(*map(RESULTS.result, addresses)) in text


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
                row = RESULTS.read("planted")[name][made.key(ranking)]
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

"""The documentation: its options exist, its links lead somewhere, and its examples run."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

import skykin
from skykin.cli.main import app

ROOT = Path(__file__).parents[2]
DOCS = [path for path in sorted((ROOT / "docs").rglob("*.md")) if "_build" not in path.parts]
PAGES = [ROOT / "README.md", *DOCS]
REFERENCE = "\n".join(path.read_text() for path in sorted((ROOT / "docs" / "reference").glob("*.md")))
COMMAND = get_command(app)
#: Of the program and of every command, whole.
OPTIONS = {"--help", "--debug", "--version", "--install-completion", "--show-completion"} | {
    name
    for command in COMMAND.commands.values()
    for each in command.params
    if each.param_type_name == "option"
    for name in (*each.opts, *each.secondary_opts)
    if name.startswith("--")
}


def options_in(text):
    """Names of options, whole."""
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))


def test_every_option_is_in_the_reference_and_the_reference_names_no_other():
    named = options_in(REFERENCE)
    assert sorted(OPTIONS - named) == []
    assert sorted(named - OPTIONS) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_name_no_option_that_no_program_has(page):
    scripts = [path for folder in ("tools", "benchmarks") for path in (ROOT / folder).rglob("*.py")]
    named = set(re.findall(r"(?:tools|benchmarks)/[\w/]+\.py", page.read_text()))
    others = [path for path in scripts if path.relative_to(ROOT).as_posix() in named]
    known = OPTIONS.union(*(options_in(path.read_text()) for path in others))
    assert sorted(options_in(page.read_text()) - known) == []


def test_every_exported_name_is_there():
    assert [name for name in skykin.__all__ if not hasattr(skykin, name)] == []
    with pytest.raises(AttributeError, match="module 'skykin' has no attribute 'nothing'"):
        skykin.nothing  # noqa: B018


def prose(page):
    """Give the text of a page without its blocks of code."""
    return re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)


def anchors(page):
    """Give the anchors of the headings of a page, made as GitHub and Sphinx make them."""
    headings = re.findall(r"^#{1,4} (.*)$", prose(page), re.MULTILINE)
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading) for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", [*sorted(ROOT.glob("*.md")), *DOCS], ids=lambda page: page.name)
def test_links_within_the_project_lead_to_files_and_to_headings_in_them(page):
    broken = []
    for target, anchor in re.findall(r"\]\(([^)\s:#]*)(?:#([^)]*))?\)", prose(page)):
        path = page.parent / target if target else page
        if not path.exists() or (anchor and path.suffix == ".md" and anchor not in anchors(path)):
            broken.append(f"{target}#{anchor}")
    assert broken == []


def examples():
    for page in PAGES:
        for number, block in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)):
            yield pytest.param(block, id=f"{page.stem}-{number}")


@pytest.mark.slow
@pytest.mark.wham
@pytest.mark.parametrize("block", list(examples()))
def test_the_examples_run(block, wham_path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # some write files
    if "skykin.transfer" in block:
        pytest.importorskip("torch")
    exec(compile(block, "example", "exec"), {})  # noqa: S102 - our own pages

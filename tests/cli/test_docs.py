"""The documentation: it names everything, its links lead somewhere, and its examples run."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

import skykin
from skykin.cli.main import app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
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


def test_every_command_has_a_heading_in_the_manual():
    manual = (ROOT / "docs" / "manual.md").read_text()
    commands = [command.name for command in app.registered_commands]
    assert len(commands) == len(COMMAND.commands) >= 19
    assert [name for name in commands if f"## {name}\n" not in manual] == []


def test_every_exported_name_is_in_the_manual():
    manual = (ROOT / "docs" / "manual.md").read_text()
    exported = [name for name in skykin.__all__ if not name.startswith("__")]
    assert [name for name in exported if not re.search(rf"`(skykin\.)?{name}\b(?!-)", manual)] == []


def options_in(text):
    """Names of options, whole."""
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))


def test_every_option_is_in_the_manual_and_the_manual_names_no_other():
    manual = options_in((ROOT / "docs" / "manual.md").read_text())
    assert sorted(OPTIONS - manual) == []
    assert sorted(manual - OPTIONS) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_name_no_option_that_no_program_has(page):
    scripts = [path for folder in ("tools", "benchmarks") for path in (ROOT / folder).rglob("*.py")]
    named = set(re.findall(r"(?:tools|benchmarks)/[\w/]+\.py", page.read_text()))
    others = [path for path in scripts if path.relative_to(ROOT).as_posix() in named]
    known = OPTIONS.union(*(options_in(path.read_text()) for path in others))
    assert sorted(options_in(page.read_text()) - known) == []


def test_the_manual_says_how_a_shell_learns_to_complete():
    assert "`skykin --install-completion`" in (ROOT / "docs" / "manual.md").read_text()


def test_every_exported_name_is_there():
    assert [name for name in skykin.__all__ if not hasattr(skykin, name)] == []
    with pytest.raises(AttributeError, match="module 'skykin' has no attribute 'nothing'"):
        skykin.nothing  # noqa: B018


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_within_the_project_lead_to_files(page):
    targets = re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


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

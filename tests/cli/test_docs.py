"""The documentation: it names everything, its links lead somewhere, and its examples run."""

import re
from pathlib import Path

import pytest

import skykin
from skykin.cli.main import app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_every_command_has_a_heading_in_the_manual():
    manual = (ROOT / "docs" / "manual.md").read_text()
    commands = [command.name for command in app.registered_commands]
    assert len(commands) >= 3
    assert [name for name in commands if f"## {name}\n" not in manual] == []


def test_every_exported_name_is_in_the_manual():
    manual = (ROOT / "docs" / "manual.md").read_text()
    exported = [name for name in skykin.__all__ if not name.startswith("__")]
    assert [name for name in exported if f"`{name}" not in manual] == []


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
def test_the_examples_run(block, wham_path):
    if "skykin.transfer" in block:
        pytest.importorskip("torch")
    exec(compile(block, "example", "exec"), {})  # noqa: S102 - our own pages

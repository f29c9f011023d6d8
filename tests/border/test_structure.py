"""Tests of how the files of the package depend on each other."""

from __future__ import annotations

import ast
import re
from dataclasses import fields
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

from typer.main import get_command

import skykin
from skykin.cli.main import app

FOLDER = Path(skykin.__file__).parent


def _files() -> dict[str, Path]:
    """Every module of the package, by its dotted name."""
    found = {}
    for path in FOLDER.rglob("*.py"):
        parts = ("skykin", *path.relative_to(FOLDER).with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def _nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def _imported(path: Path, known: dict[str, Path]) -> set[str]:
    """Modules that a file imports: at its top, in its functions, and for its types."""
    names = set()
    for node in _nodes(path):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} has a relative import"
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= (whole & known.keys()) or {node.module}
    return {name for name in names if name in known and known[name] != path}


def test_no_file_imports_one_that_imports_it():
    files = _files()
    # The lazy public names import nothing by themselves; their types come from everywhere.
    graph = {name: _imported(path, files) for name, path in files.items() if name != "skykin"}
    assert len(graph) > 200
    TopologicalSorter(graph).prepare()  # raises CycleError, with the files of the cycle


def _texts(path: Path) -> list[str]:
    """Texts of more than one word in a file, but its docstrings; what is put into a text is ``{}``."""
    parts = {id(part) for node in _nodes(path) if isinstance(node, ast.JoinedStr) for part in node.values}
    docstrings = {id(node.value) for node in _nodes(path) if isinstance(node, ast.Expr)}
    found = []
    for node in _nodes(path):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = "" if id(node) in parts | docstrings else node.value
        elif isinstance(node, ast.JoinedStr):
            text = "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
        else:
            continue
        if " " in text.strip():
            found.append(text)
    return found


def test_a_sentence_names_a_setting_as_a_command_takes_it():
    options = [each for one in get_command(app).commands.values() for each in one.params]
    known = {name for each in options for name in each.opts} | {"--debug", "--help"}
    of_surveys = {each.name for each in fields(skykin.SurveyOptions)}
    keywords = {name for name in {each.name for each in options} | of_surveys if "_" in name}
    wrong, named = [], 0
    # The fields of a recipe and those of the page's questions have the same words, and are no options.
    for path in (each for each in _files().values() if each.name not in {"recipe.py", "questions.py"}):
        for text in _texts(path):
            typed = re.findall(r"(?<![\w-])--[a-z][a-z-]*", text)
            spoken = re.sub(r"^(the \w+ option )?\w+ is |--survey-option \w+", "", text)
            bare = keywords.intersection(re.findall(r"\w+", spoken))
            wrong += [(path.name, text) for name in [*typed, *bare] if name not in known]
            named += len(typed)
    assert not wrong, "\n".join(map(str, wrong))
    assert named > 80

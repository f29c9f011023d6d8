"""Tests of how the files of the package depend on each other."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import skykin

FOLDER = Path(skykin.__file__).parent


def _files() -> dict[str, Path]:
    """Every module of the package, by its dotted name."""
    found = {}
    for path in FOLDER.rglob("*.py"):
        parts = ("skykin", *path.relative_to(FOLDER).with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def _imported(path: Path, known: dict[str, Path]) -> set[str]:
    """Modules that a file imports: at its top, in its functions, and for its types."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
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

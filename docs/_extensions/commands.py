"""Two directives of the manual: what a command prints, and its help; both made anew by each build."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from docutils import nodes
from folding import WIDTH, folded
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

PROGRAM = "skykin"
#: Pages that followed each other are read so many pages apart.
APART = 7


class Run(SphinxDirective):
    """Commands, one per line, and what each prints.

    Only `skykin` is run, without a shell, in a folder that the commands of a page share.  One that fails
    ends the build, unless the option `fails` says that it is meant to.
    """

    has_content = True
    option_spec = {"fails": lambda _: True}  # noqa: RUF012 - the name that docutils gives it

    def run(self) -> list[nodes.Node]:
        """Give one block."""
        folder = _folder_of(self.env.app, self.env.docname)
        shown = []
        for line in self.content:
            if line.strip():
                shown.append(f"$ {line}\n{_printed(line, folder, 'fails' in self.options, self)}")
        block = nodes.literal_block("", folded("\n".join(shown).rstrip()))
        block["language"] = "console"
        return [block]


class Help(SphinxDirective):
    """The help of one command."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Give one block."""
        line = f"{PROGRAM} {self.arguments[0]} --help"
        with tempfile.TemporaryDirectory() as folder:
            block = nodes.literal_block("", _printed(line, Path(folder), False, self).strip())
        block["language"] = "text"
        return [block]


def _folder_of(app: Sphinx, page: str) -> Path:
    folders: dict[str, tempfile.TemporaryDirectory[str]] = app.__dict__.setdefault("skykin_folders", {})
    if page not in folders:
        folders[page] = tempfile.TemporaryDirectory()
    return Path(folders[page].name)


def _printed(line: str, folder: Path, fails: bool, directive: SphinxDirective) -> str:
    program, *arguments = shlex.split(line)
    if program != PROGRAM:
        raise directive.error(f"only {PROGRAM} is run, not {program!r}")
    plain = {"COLUMNS": str(WIDTH), "NO_COLOR": "1", "TERM": "dumb", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, "-m", PROGRAM, *arguments],
        cwd=folder,
        env=os.environ | plain,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if (done.returncode != 0) is not fails:
        raise directive.error(f"{line} ended with {done.returncode}:\n{done.stdout}")
    return "\n".join(each.rstrip() for each in done.stdout.splitlines()) + "\n"


def mixed(_: Sphinx, __: BuildEnvironment, pages: list[str]) -> None:
    """Reorder pages so that those of one folder, such as the notebooks, are read by several processes.

    Sphinx gives each process up to ten pages that follow each other.
    """
    pages[:] = [page for start in range(APART) for page in sorted(pages)[start::APART]]


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx."""
    app.add_directive("run", Run)
    app.add_directive("help", Help)
    app.connect("env-before-read-docs", mixed)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

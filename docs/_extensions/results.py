"""A role of the manual: a number from a result that a benchmark or an evaluation left in `docs/results`.

`` {result}`far-infrared.average:.2f` `` is `average` of `docs/results/far-infrared.json` with two decimals.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxRole

RESULTS = Path(__file__).parents[1] / "results"


@cache
def _read(name: str) -> Any:
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def result(text: str) -> str:
    """Look up a number by `file.key.key` and format it as after the colon.

    >>> result("nothing.here")
    Traceback (most recent call last):
        ...
    LookupError: docs/results has no 'nothing.here'
    """
    address, _, how = text.partition(":")
    name, *keys = address.split(".")
    try:
        found = _read(name)
        for key in keys:
            found = found[int(key)] if isinstance(found, list) else found[key]
    except (OSError, KeyError, IndexError, ValueError) as error:
        raise LookupError(f"docs/results has no {address!r}") from error
    return format(found, how)


class Result(SphinxRole):
    """The number in place of its address; an unknown address ends the build."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Give the text."""
        try:
            return [nodes.inline(self.rawtext, result(self.text))], []
        except (LookupError, ValueError, TypeError) as error:
            message = self.inliner.reporter.error(f"{error}", line=self.lineno)
            return [self.inliner.problematic(self.rawtext, self.rawtext, message)], [message]


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx."""
    app.add_role("result", Result())
    return {"parallel_read_safe": True, "parallel_write_safe": True}

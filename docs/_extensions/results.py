"""A role of the manual: a number from a result that a benchmark or an evaluation left in `docs/results`.

`` {result}`far-infrared.average:.2f` `` is `average` of `docs/results/far-infrared.json` with two decimals.
"""

from __future__ import annotations

from docutils import nodes
from look_up import result
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxRole


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

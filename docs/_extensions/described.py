"""A directive of the manual that describes files and addresses as the code does."""

from __future__ import annotations

import json

from described_tables import TABLES
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from skykin.viewing.schema import schema


class Written(SphinxDirective):
    """One of `TABLES`, or the JSON schema itself, made anew by each build."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Give the nodes of the table."""
        if self.arguments[0] == "schema":
            text = json.dumps(schema(), indent=2, ensure_ascii=False)
            block = nodes.literal_block(text, text)
            block["language"] = "json"
            return [block]
        made = nodes.container()
        self.state.nested_parse(StringList(TABLES[self.arguments[0]](), "described"), 0, made)
        return made.children


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx."""
    app.add_directive("described", Written)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

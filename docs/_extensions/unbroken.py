"""Numbers and options stay on a line: 161 319, 95 %, 7 GB, [0.1, 0.3], b = −19°, px/° and --tile-size."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx

#: A space, or the end of a line in the source, between groups of digits, or of a number and what it counts.
INSIDE = re.compile(r"(?<=\d)\s(?=\d{3}(?!\d)|%|[kMGT]i?B\b|[km]?m/s\b|m?s\b|µs\b)")
#: A letter and its number, such as b = −19°.
EQUAL = re.compile(r"(?<=\b[a-zA-Z])\s([=≤≥<>])\s(?=[+−±]?\.?\d)")
#: Both ends of an interval.
INTERVAL = re.compile(r"\[([+−]?[\d.]+),\s([+−]?[\d.]+)\]")
NO_BREAK_SPACE = "\u00a0"
#: Forbids a break where there is no space, such as after the stroke of px/°.
JOINER = "\u2060"
#: A block of code in HTML, and in it the tags, which stay, or an option.
CODE = re.compile(r"<pre>.*?</pre>", re.DOTALL)
OPTION = re.compile(r"<[^>]*>|(?<![\w-])--?[a-z][\w-]*")


def unbroken(text: str) -> str:
    """Put spaces that do not break within the numbers of a text."""
    held = EQUAL.sub(rf"{NO_BREAK_SPACE}\1{NO_BREAK_SPACE}", INSIDE.sub(NO_BREAK_SPACE, text))
    return INTERVAL.sub(rf"[\1,{NO_BREAK_SPACE}\2]", held).replace("/°", f"/{JOINER}°")


def join(_: Sphinx, page: nodes.document, __: str) -> None:
    """Do so in a page, but for its code."""
    from docutils import nodes  # noqa: PLC0415 - a test uses the function above without Sphinx

    for text in list(page.findall(nodes.Text)):
        code = (nodes.literal, nodes.literal_block, nodes.math, nodes.math_block, nodes.raw)
        if not isinstance(text.parent, code) and (better := unbroken(text)) != text:
            text.parent.replace(text, nodes.Text(better))


def with_whole_options(body: str) -> str:
    """Mark the options in blocks of code, which the style sheet keeps on a line each."""

    def marked(found: re.Match[str]) -> str:
        return found[0] if found[0].startswith("<") else f'<span class="option">{found[0]}</span>'

    return CODE.sub(lambda block: OPTION.sub(marked, block[0]), body)


def mark(_: Sphinx, __: str, ___: str, context: dict[str, Any], ____: nodes.document | None) -> None:
    """Do so in a page that has a text."""
    if "body" in context:
        context["body"] = with_whole_options(context["body"])


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx."""
    app.connect("doctree-resolved", join)
    app.connect("html-page-context", mark)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

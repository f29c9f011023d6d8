"""Folds what a terminal shows: sentences, facts and commands that are wider than the column of the manual."""

from __future__ import annotations

import re
import textwrap

#: Characters in a line of code at a window of 1280 pixels.
WIDTH = 94
#: What a line of facts begins with: a name, and the space to the column of texts.
NAME = re.compile(r"(?:\S+(?: \S+)* {2,})?")
#: Spaces that stay on a line: of an option and its value, of a number and its %.
KEPT = re.compile(r"(?<= )(-{1,2}[a-z-]+) (?![-\s])|(?<=\d) (?=%)")
HELD = "\0"


def folded(text: str) -> str:
    """Fold the lines of a text that are too wide; those of a table, aligned in several columns, stay."""
    return "\n".join(_folded(line) for line in text.split("\n"))


def _folded(line: str) -> str:
    if len(line) <= WIDTH:
        return line
    if line.startswith("$ "):
        pieces = _pieces(line, WIDTH - 2, "    ")
        return " \\\n".join(pieces)
    head = NAME.match(line)
    column = head.end() if head else 0
    if "  " in line[column:]:
        return line
    return "\n".join(_pieces(line, WIDTH, " " * column))


def _pieces(line: str, width: int, indent: str) -> list[str]:
    held = KEPT.sub(lambda found: f"{found[1] or ''}{HELD}", line)
    pieces = textwrap.wrap(
        held, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return [piece.replace(HELD, " ") for piece in pieces]

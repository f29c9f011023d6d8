"""Text from files, made harmless: nothing in it moves a cursor, turns the reading order or ends a line."""

from __future__ import annotations

import unicodedata


def one_line(text: object) -> str:
    """Keep visible characters and spaces; line ends, tabs and their like become spaces.

    Control characters (with them escape sequences of terminals), marks of direction, halves of surrogate
    pairs and code points without a character are left out.
    """
    plain = str(text)
    return plain if plain.isprintable() else "".join(map(_kept, plain))


def lines(text: object) -> str:
    """Do the same and keep where lines end."""
    return "\n".join(one_line(line) for line in str(text).replace("\r\n", "\n").split("\n"))


def file_name(text: str, longest: int = 60) -> str:
    """Make a name for a file or folder of a text, with nothing that a shell or file system minds."""
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in text).strip("-")[:longest]


def _kept(character: str) -> str:
    if character.isspace():
        return " " if character != "\N{NO-BREAK SPACE}" else character
    return "" if unicodedata.category(character)[0] == "C" else character

"""Values reduced to what JSON and YAML know."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

import numpy as np


def plain(value: object) -> object:
    """Reduce a value to dicts with text keys, lists, text, numbers, booleans and None.

    Numbers that JSON cannot write (NaN, infinities) become None; anything unknown becomes its text.
    """
    if isinstance(value, np.generic | np.ndarray) and not hasattr(value, "unit"):
        value = value.tolist()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return str(value)


def json_text(value: object, *, sort_keys: bool = False, indent: int | None = None) -> str:
    """Write a value as JSON for people and programs: letters as they are, what is not seen as an escape.

    The values read back are the same; a terminal that shows the file finds no command in it.
    """
    text = json.dumps(plain(value), sort_keys=sort_keys, allow_nan=False, indent=indent, ensure_ascii=False)
    return "\n".join(line if line.isprintable() else _escaped(line) for line in text.split("\n"))


def _escaped(line: str) -> str:
    return "".join(letter if letter.isprintable() else json.dumps(letter)[1:-1] for letter in line)

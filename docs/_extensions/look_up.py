"""A number from a result that a benchmark or an evaluation left in `docs/results`."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[1] / "results"


@cache
def read(name: str) -> Any:
    """Read a file, once."""
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
        found = read(name)
        for key in keys:
            found = found[int(key)] if isinstance(found, list) else found[key]
    except (OSError, KeyError, IndexError, ValueError) as error:
        raise LookupError(f"docs/results has no {address!r}") from error
    return format(found, how)

"""JSON that came over the network, read within bounds."""

from __future__ import annotations

import json
import math
from typing import Any

from skykin.core.errors import UsageError, shown

#: A body of more bytes is not read; a polygon of a thousand vertices takes 60 kB.
LONGEST_BODY = 262_144
DEEPEST = 16


def read_json(body: bytes) -> Any:
    """Read JSON: UTF-8, at most `DEEPEST` lists or objects within each other, finite numbers, no name twice.

    Raises
    ------
    UsageError
        Saying what is wrong.
    """
    if _depth(body) > DEEPEST:
        raise UsageError(f"the JSON is more than {DEEPEST} levels deep; use the form of /api/schema")
    try:
        return json.loads(
            body.decode("utf-8"), parse_constant=_no_number, parse_float=_finite, parse_int=_whole,
            object_pairs_hook=_once,
        )  # fmt: skip
    except UnicodeDecodeError as error:
        raise UsageError(f"the body is no UTF-8 from byte {error.start} on; send JSON in UTF-8") from error
    except json.JSONDecodeError as error:
        raise UsageError(
            f"the body is no JSON from character {error.pos} on; use the form of /api/schema"
        ) from error


def _depth(body: bytes) -> int:
    """How deep lists and objects lie within each other, without reading them."""
    deepest = depth = 0
    within = escaped = False
    for letter in body:
        if within:
            if escaped:
                escaped = False
            elif letter == 0x5C:
                escaped = True
            elif letter == 0x22:
                within = False
        elif letter == 0x22:
            within = True
        elif letter in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif letter in b"]}":
            depth -= 1
    return deepest


def _no_number(text: str) -> Any:
    raise UsageError(f"the JSON has the number {text}; use finite numbers")


def _finite(text: str) -> float:
    found = float(text)
    if not math.isfinite(found):
        raise UsageError(f"the JSON has the number {shown(text)}, which is too large; use finite numbers")
    return found


def _whole(text: str) -> int:
    if len(text) > 20:
        raise UsageError(f"the JSON has a number of {len(text)} digits; use at most 20")
    return int(text)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise UsageError(f"the JSON has the name {shown(twice)} twice in one object; keep one")
    return found

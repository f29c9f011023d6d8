"""What differs between two settings, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from skykin.core.errors import shown


def differences(made: Mapping[str, Any], asked: Mapping[str, Any]) -> list[str]:
    """List in words what differs between two nested settings, such as ``tile size 15 (asked for: 10)``."""
    left, right = dict(_flat(made)), dict(_flat(asked))
    return [
        f"{name} {shown(left.get(name, 'none'))} (asked for: {shown(right.get(name, 'none'))})"
        for name in sorted(left.keys() | right.keys())
        if left.get(name) != right.get(name)
    ]


def _flat(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        spoken = f"{above} {name}".strip().replace("_", " ")
        if isinstance(value, Mapping):
            yield from _flat(value, spoken)
        else:
            # As JSON reads it back: tuples are lists.
            yield spoken, json.loads(json.dumps(value))

"""Tables of the manual that tell columns, files and addresses as the code has them, in Markdown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from skykin.products.figures import NAMES
from skykin.products.target_files import TARGET_COLUMNS
from skykin.products.tile_table import COLUMNS
from skykin.products.write import PRODUCTS
from skykin.viewing.schema import schema

#: In degrees in tables; others of these names have no unit.
DEGREES = {
    "lon", "lat", "ra", "dec", "width", "height", "turn", "best_size", "view_angle_deg", "size",
    "known_separation", "transit_altitude",
}  # fmt: skip


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return lines + [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]


def _columns(columns: dict[str, tuple[str, str]]) -> list[str]:
    return _table(
        ("column", "what it is", "unit", "UCD"),
        ((f"`{name}`", text, unit_of(name), f"`{ucd}`") for name, (text, ucd) in columns.items()),
    )


def unit_of(name: str) -> str:
    """Give the unit of a column, as text."""
    if name in DEGREES:
        return "deg"
    return {"mean_intensity": "the survey's", "noise": "the survey's", "hours_high": "h"}.get(name, "–")


def _products() -> list[str]:
    rows = [(f"`{name}`", text) for name, text, _ in PRODUCTS]
    rows += [("`report.html`", "the report"), ("`rejected.jsonl`", "only if files could not be used")]
    rows += [(f"`{name}.png`, `.pdf`", "a figure of the report") for name in NAMES]
    return _table(("file", "what it is"), rows)


def _addresses() -> list[str]:
    return _table(
        ("address", "body", "answer"),
        (
            (f"`{address}`", _name(told.get("body")), _name(told["answer"]))
            for address, told in schema()["addresses"].items()
        ),
    )


def _name(part: dict[str, str] | None) -> str:
    if part is None:
        return "–"
    return f"`{part['$ref'].rpartition('/')[2]}`" if "$ref" in part else part["media"]


def _bodies() -> list[str]:
    lines: list[str] = []
    for name, body in schema()["$defs"].items():
        lines += ["", f"**{name}**: {body['description']}", ""]
        lines += _table(
            ("field", "type", "needed", "what is allowed"),
            (
                (
                    f"`{field}`",
                    _type(part),
                    "yes" if field in body["required"] else "",
                    part.get("description", ""),
                )
                for field, part in body["properties"].items()
            ),
        )
    return lines


def _type(part: dict[str, Any]) -> str:
    if "$ref" in part:
        return f"`{part['$ref'].rpartition('/')[2]}`"
    if "anyOf" in part:
        return " or ".join(_type(each) for each in part["anyOf"])
    if "enum" in part:
        return ", ".join(f"`{each}`" for each in part["enum"])
    if part.get("type") == "array":
        of = part.get("items") or part.get("prefixItems", [{}])[0]
        return f"list of {_type(of)}"
    return str(part.get("type", ""))


#: Those of a target: its own, and of the columns of its tile those that its table repeats.
OF_TARGETS = [name for name, told in TARGET_COLUMNS.items() if COLUMNS.get(name) != told] + [
    "lon", "lat", "ra", "dec", "score", "standardised", "p", "q", "mean_intensity", "coverage",
]  # fmt: skip
TABLES = {
    "tiles": lambda: _columns(COLUMNS),
    "targets": lambda: _columns({name: TARGET_COLUMNS[name] for name in OF_TARGETS}),
    "products": _products,
    "addresses": _addresses,
    "bodies": _bodies,
}

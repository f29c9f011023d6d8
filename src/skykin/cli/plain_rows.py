"""Tables on standard output for other programs: as JSON or as CSV."""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skykin.core.errors import UsageError

if TYPE_CHECKING:
    from astropy.table import Table

AsJson = Annotated[bool, typer.Option("--json", help="Print the rows as JSON, for other programs.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print the rows as CSV, for other programs.")]


def printed(table: Table, *, as_json: bool, as_csv: bool) -> bool:
    """Print the rows of a table if one of the two is requested; return whether it was.

    Numbers with a unit lose it; the unit stands in the manual.  What is not known is null, or empty in CSV.
    """
    if as_json and as_csv:
        raise UsageError("--json and --csv contradict each other; leave one out")
    if as_json:
        print(json.dumps(list(_rows(table)), indent=1, ensure_ascii=False))  # noqa: T201 - for programs
    elif as_csv:
        writer = csv.DictWriter(sys.stdout, table.colnames, lineterminator="\n")
        writer.writeheader()
        writer.writerows(_rows(table))
    return as_json or as_csv


def _rows(table: Table) -> Iterator[dict[str, Any]]:
    for row in table:
        yield {name: _plain(row[name]) for name in table.colnames}


def _plain(value: Any) -> Any:
    value = getattr(value, "value", value)
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value

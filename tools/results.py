"""Keep in `docs/results` the numbers that the manual quotes, each file named after what was measured.

    python tools/results.py                   # planted.json and recipe-grid.json, from tables in docs/explain
    python tools/results.py MAP_FOLDER NAME   # NAME.json, from a map that `skykin evaluate` has evaluated

`planted` is written by benchmarks/planted.py and `recipe-grid` by tools/recipe_grid.py, as tables.
"""

from __future__ import annotations

import csv
import json
import math
import re
import sys
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1] / "docs"
RESULTS = DOCS / "results"
#: Columns of words.
NAMES = ("set", "ranking", "kinds")
#: What of an evaluation is kept of each ranking.
KEPT = ("value", "low", "high", "p", "n", "gain", "gain_low", "gain_high")
#: What of the summary of a map is kept.
SUMMARY = (
    "survey",
    "recipe",
    "reference",
    "n_tiles",
    "n_matches",
    "spearman",
    "controls",
    "recall",
    "targets",
)


def key(text: str) -> str:
    """Make a key of words: `hard, noise 1.2` is `hard-noise-1-2`."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def planted(table: Path) -> dict[str, Any]:
    """Give sets of images, then rankings, then columns."""
    found: dict[str, Any] = {}
    for row in _rows(table):
        numbers = {
            name: _number(text) for name, text in row.items() if name not in ("set", "ranking", "kinds")
        }
        found.setdefault(key(row["set"]), {})[key(row["ranking"])] = {
            name: number for name, number in numbers.items() if number is not None
        }
    return found


def recipe_grid(table: Path) -> dict[str, Any]:
    """Give how many runs there are, and those of the layers that became the default, by their settings."""
    rows = _rows(table)
    settings = ("rendering", "radius_deg", "statistic", "variant", "layers", "reference", "combination")
    every = [tuple(row[name] for name in settings) for row in rows]
    chosen = {
        key(" ".join(row[name] for name in settings if row[name])): {
            name: _number(text) for name, text in row.items() if name not in settings
        }
        for row in rows
        if row["layers"] == "34+41" and row["reference"] == "orion"
    }
    return {"runs": len(rows), "twice": len(every) - len(set(every)), "chosen": chosen}


def evaluated(folder: Path) -> dict[str, Any]:
    """Give lists, then zones, measures and rankings of an evaluation; and the main numbers of its map."""
    import numpy as np  # noqa: PLC0415 - the tables above need no package

    from skykin import Evaluation  # noqa: PLC0415

    found: dict[str, Any] = {}
    for row in Evaluation.read(folder).numbers:
        at = found
        for name in ("list", "zone", "measure"):
            at = at.setdefault(key(str(row[name])), {})
        numbers = {name: float(row[name]) for name in KEPT if not np.ma.is_masked(row[name])}
        at[key(str(row["ranking"]))] = {name: each for name, each in numbers.items() if math.isfinite(each)}
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    return {"map": {name: summary[name] for name in SUMMARY if name in summary}, "lists": found}


def write(name: str, result: dict[str, Any]) -> None:
    """Write a result as text that changes line by line."""
    text = json.dumps(result, indent=1, sort_keys=True, ensure_ascii=False)
    (RESULTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def _rows(table: Path) -> list[dict[str, str]]:
    with table.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _number(text: str) -> float | int | None:
    if not text:
        return None
    return int(text) if re.fullmatch(r"\d+", text) else float(text)


def main() -> None:
    """Write what is asked for."""
    if len(sys.argv) == 3:
        write(sys.argv[2], evaluated(Path(sys.argv[1])))
        return
    if len(sys.argv) != 1:
        sys.exit(__doc__)
    write("planted", planted(DOCS / "explain" / "planted.csv"))
    write("recipe-grid", recipe_grid(DOCS / "explain" / "recipe-grid.csv"))


if __name__ == "__main__":
    main()

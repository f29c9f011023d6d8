"""Keep in `docs/results` the numbers that the manual quotes, each file named after what was measured.

    python tools/results.py                    # planted.json and recipe-grid.json, from tables
    python tools/results.py FOLDER NAME ...    # maps or benchmarks, made in FOLDER if they are not there

The names are those of `EVALUATED`, `BENCHMARKS` and `TIMED`.  `planted` is written by benchmarks/planted.py
and `recipe-grid` by tools/recipe_grid.py, as tables.  `earlier` holds what takes hours to measure again, or
needs what is gone, with its day and the commit that told it.  Afterwards `python tools/quoted.py --renew`
brings the numbers into the pages.
"""

from __future__ import annotations

import csv
import json
import math
import os
import platform
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1] / "docs"
RESULTS = DOCS / "results"
#: Maps that are evaluated: what follows `skykin map` and `skykin evaluate`; rankings that are kept, or all.
BRIEF = ("score", "log contrast 1°/5°", "log contrast 2°/5°")
EVALUATED: dict[str, tuple[str, str, tuple[str, ...] | None]] = {
    "far-infrared": ("", "--injections 40", None),
    "far-infrared-1-view": ("--turns 1 --scales 1", "", BRIEF),
    "far-infrared-8-views": ("--scales 1", "", BRIEF),
    "wham": ("--survey wham", "--injections 40", None),
    "wham-1-view": ("--survey wham --turns 1 --scales 1", "--injections 40 --nulls", None),
    "wham-set": ("--survey wham -r set:h-ii-regions --turns 1 --scales 1", "--injections 40", None),
    "poster": ("--recipe poster", "--injections 40", None),
    "mean-std": ("--survey wham --recipe mean-std", "--injections 40", None),
}
#: What writes its numbers itself.
BENCHMARKS = {
    "engine": "{python} benchmarks/engine.py --rounds 1 --json {}",
    "memory": "{python} benchmarks/memory.py --width 8300 --heights 1024 --json {}",
    "memory-dense": "{python} benchmarks/memory.py --width 4096 --heights 512 --spacings 32 16 --json {}",
    "image": "{python} benchmarks/query.py --json {}",
    "query": "{python} benchmarks/query.py {folder}/index-wham --json {}",
    "query-mean-std": "{python} benchmarks/query.py {folder}/index-mean-std --json {}",
}
#: What is only timed, on a machine where nothing else runs.
TIMED = {
    "job": "skykin map --quiet --output {}",
    "job-wham": "skykin map --survey wham --quiet --output {}",
    "index-wham": "skykin index wham --quiet --output {}",
    "index-mean-std": "skykin index wham --recipe mean-std --quiet --output {}",
}
#: A search of the second index, and an explanation of the second best tile that it finds.
SEARCH = {
    "search": "skykin search {folder}/index-mean-std -r orion --quiet --output {}",
    "explain": "skykin explain {folder}/index-mean-std -r orion --tile G083.84+00.00 --quiet --output {}",
}
#: Short names of the lists, zones and measures of an evaluation.
SHORT = {
    "Sharpless ≥ 0.5°": "sharpless",
    "nebulae not in Sharpless ≥ 0.5°": "nebulae",
    "well-known complexes": "complexes",
    "": "together",
    "all sky": "all",
    "|b| > 5°": "off-plane",
    "|b| ≤ 5°": "plane",
    "AUC_lat": "auc",
    "AUC against contaminants": "contaminants",
    "average AUC of all lists": "average",
    "rank correlation with brightness": "brightness",
    "recall at 10%": "recall",
}
#: What of an evaluation is kept of each ranking.
KEPT = ("value", "low", "high", "p", "n", "gain", "gain_low", "gain_high")
#: What of the summary of a map is kept.
SUMMARY = (
    "survey",
    "recipe",
    "reference",
    "n_tiles",
    "n_matches",
    "sky_fraction_matching",
    "sky_fraction_in_matching_tiles",
    "spearman",
    "controls",
    "regions",
    "recall_at",
    "targets",
)


def key(text: str) -> str:
    """Make a key of words: `hard, noise 1.2` is `hard-noise-1-2`."""
    return SHORT.get(text) or re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


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


def evaluated(folder: Path, rankings: tuple[str, ...] | None = None) -> dict[str, Any]:
    """Give lists, then zones, measures and rankings of an evaluation; and the main numbers of its map."""
    import numpy as np  # noqa: PLC0415 - the tables above need no package

    from skykin import Evaluation  # noqa: PLC0415

    judged = Evaluation.read(folder)
    found: dict[str, Any] = {}
    for row in judged.numbers:
        ranking = "score" if row["ranking"] == judged.evaluated else str(row["ranking"])
        if row["measure"] not in SHORT or (rankings and ranking not in rankings):
            continue
        at = found
        for name in ("list", "zone", "measure"):
            at = at.setdefault(key(str(row[name])), {})
        numbers = {name: float(row[name]) for name in KEPT if not np.ma.is_masked(row[name])}
        at[key(ranking)] = {name: _short(each) for name, each in numbers.items() if math.isfinite(each)}
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    changes = {
        part: {key(str(row["change"])): _changed(row) for row in table}
        for part, table in (("injections", judged.injection_changes), ("stability", judged.stability))
        if len(table)
    }
    kept = {name: _rounded(summary[name]) for name in SUMMARY if name in summary}
    return {"map": kept, "lists": found, **changes}


def make(folder: Path, name: str) -> dict[str, Any]:
    """Make what has this name, unless it is there, and give its numbers."""
    place, note = folder / name, folder / f"{name}.note"
    if name in TIMED:
        return {"made": run(TIMED[name], place, note)}
    if name in BENCHMARKS:
        made = run(BENCHMARKS[name], place.with_suffix(".numbers"), note)
        return {
            "made": made,
            **_rounded(json.loads(place.with_suffix(".numbers").read_text(encoding="utf-8"))),
        }
    if name == "search":
        return searched(folder)
    of_map, of_evaluation, rankings = EVALUATED[name]
    made = {
        "map": run(f"skykin map {of_map} --quiet --output {{}}", place, note.with_suffix(".map")),
        "evaluate": run(
            f"skykin evaluate {{}} {of_evaluation} --quiet", place, note.with_suffix(".evaluate")
        ),
    }
    return {"made": made, **evaluated(place, rankings)}


def searched(folder: Path) -> dict[str, Any]:
    """Search for Orion, and give rank, score and p of tiles apart from it and each other, best first."""
    from astropy.coordinates import SkyCoord  # noqa: PLC0415 - the tables above need no package
    from astropy.table import QTable  # noqa: PLC0415

    made = {name: run(line, folder / name, folder / f"{name}.note") for name, line in SEARCH.items()}
    tiles = QTable.read(folder / "search" / "tiles.ecsv")
    tiles.sort("rank")
    summary = json.loads((folder / "search" / "summary.json").read_text(encoding="utf-8"))
    (orion,) = summary["references"]
    apart_deg = summary["map"]["tile_deg"] * math.sqrt(2)
    taken, best = [SkyCoord(orion["lon_deg"], orion["lat_deg"], unit="deg")], []
    for row in tiles[:200]:
        place = SkyCoord(row["lon"], row["lat"])
        if len(best) < 4 and min(place.separation(each).deg for each in taken) > apart_deg:
            taken.append(place)
            best.append(
                {name: float(row[name]) for name in ("rank", "score", "p")} | {"name": str(row["name"])}
            )
    why = json.loads((folder / "explain" / "explanation.json").read_text(encoding="utf-8"))
    kept = ("layers", "sizes", "half_of_similarity_in_share_of_tile", "same_brightness", "tile")
    return {
        "made": made,
        "n_tiles": len(tiles),
        "best": best,
        "explain": {name: why[name] for name in kept},
    }


def run(command: str, place: Path, note: Path) -> dict[str, Any]:
    """Run a command, unless its note is there, and note what it took, when and where."""
    if not note.exists():
        load, wall = os.getloadavg()[0], time.perf_counter()
        words = shlex.split(command.format(place, python=sys.executable, folder=place.parent))
        process = subprocess.Popen(words, cwd=DOCS.parent)
        _, status, used = os.wait4(process.pid, 0)
        if status:
            sys.exit(f"{shlex.join(words)} failed")
        took = {
            "command": " ".join(command.format(place.name, python="python", folder=".").split()),
            "date": time.strftime("%Y-%m-%d", time.gmtime()),
            "wall_s": round(time.perf_counter() - wall, 1),
            "cpu_s": round(used.ru_utime + used.ru_stime, 1),
            "peak_gib": round(used.ru_maxrss / (2**30 if sys.platform == "darwin" else 2**20), 2),
            "load_before": round(load, 1),
            "machine": machine(),
        }
        note.write_text(json.dumps(took), encoding="utf-8")
    found: dict[str, Any] = json.loads(note.read_text(encoding="utf-8"))
    return found


def machine() -> str:
    """Tell what a time was measured on."""
    processor = platform.processor() or platform.machine()
    facts = Path("/proc/cpuinfo")
    if facts.exists():
        processor = dict(
            (part.strip() for part in line.split(":", 1))
            for line in facts.read_text().splitlines()
            if ":" in line
        ).get("model name", processor)
    return f"{os.cpu_count()} cores, {processor}"


def write(name: str, result: dict[str, Any]) -> None:
    """Write a result as text that changes line by line, what belongs to one row on one line."""
    (RESULTS / f"{name}.json").write_text(_text(result) + "\n", encoding="utf-8")


def _text(value: Any, indent: str = "") -> str:
    if not isinstance(value, dict) or not any(isinstance(each, dict) for each in value.values()):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    inner = indent + " "
    rows = [
        f"{inner}{json.dumps(name, ensure_ascii=False)}: {_text(value[name], inner)}"
        for name in sorted(value)
    ]
    return "{\n" + ",\n".join(rows) + "\n" + indent + "}"


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key(name): _rounded(each) for name, each in value.items()}
    return _short(value) if isinstance(value, float) else value


def _changed(row: Any) -> dict[str, Any]:
    """Give the numbers of a row, and how many copies were found."""
    numbers = {name: float(row[name]) for name in row.colnames if name != "change"}
    if "found" in numbers:
        numbers["count"] = round(numbers["found"] * numbers["n"])
    return {name: _short(each) for name, each in numbers.items() if math.isfinite(each)}


def _short(value: float) -> float:
    """Keep seven digits: more than any page shows."""
    return float(f"{value:.7g}")


def _rows(table: Path) -> list[dict[str, str]]:
    with table.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _number(text: str) -> float | int | None:
    if not text:
        return None
    return int(text) if re.fullmatch(r"\d+", text) else float(text)


def main() -> None:
    """Write what is asked for."""
    if len(sys.argv) == 2:
        sys.exit(__doc__)
    if len(sys.argv) > 2:
        for name in sys.argv[2:]:
            write(name, make(Path(sys.argv[1]).resolve(), name))
        return
    write("planted", planted(DOCS / "explain" / "planted.csv"))
    write("recipe-grid", recipe_grid(DOCS / "explain" / "recipe-grid.csv"))


if __name__ == "__main__":
    main()

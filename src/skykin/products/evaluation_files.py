"""The files of an evaluation, in a folder of their own within the map's."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from astropy.table import QTable, Row
from jinja2 import Environment, StrictUndefined

from skykin.core.atomic import write_text
from skykin.core.plain import plain
from skykin.core.protocols import Progress
from skykin.products.evaluation import AUC_LAT, Evaluation
from skykin.products.figures.canvas import Drawn, house_style
from skykin.products.figures.evaluation import FIGURES
from skykin.products.folder import MARKER, output_folder
from skykin.products.report import inlined
from skykin.products.stamp import creator
from skykin.products.wording import number

FOLDER = "evaluation"
REPORT = "report.html"
BEGIN, END = "<!-- evaluation: begin -->", "<!-- evaluation: end -->"
#: Measures that the report shows in columns, besides AUC_lat of every zone.
SHOWN = ("recall at 5%", "recall at 10%", "recall at 20%", "AUC against confusers")


def write_evaluation(result: Evaluation, folder: Path, progress: Progress) -> dict[str, Path]:
    """Write an evaluation as JSON, tables and figures; what was there of an earlier one is replaced.

    Parameters
    ----------
    result : Evaluation
    folder : Path
        Folder to come.
    progress : Progress

    Returns
    -------
    dict of str to Path
        File name to place.
    """
    with (
        progress.stage("Writing evaluation", len(FIGURES) + 1, "products") as counter,
        output_folder(folder, overwrite=True) as temporary,
    ):
        _write_tables(result, temporary)
        counter.advance()
        figures = []
        with house_style():
            for draw in FIGURES:
                figures.append(draw(result, temporary))
                counter.advance()
        page = section(result, figures)
        (temporary / "section.html").write_text(page, encoding="utf-8")
        names = sorted(path.name for path in temporary.iterdir())
    return {name: folder / name for name in names}


def add_to_map(map_folder: Path) -> bool:
    """Show the evaluation in the map's report, and count its folder among the map's products.

    Returns
    -------
    bool
        Whether the report has a place for it.
    """
    marker = map_folder / MARKER
    if marker.is_file():
        names = marker.read_text(encoding="utf-8").splitlines()
        if FOLDER not in names:
            write_text(marker, "".join(f"{name}\n" for name in sorted([*names, FOLDER])))
    report = map_folder / REPORT
    page = report.read_text(encoding="utf-8") if report.is_file() else ""
    if BEGIN not in page or END not in page:
        return False
    own = (map_folder / FOLDER / "section.html").read_text(encoding="utf-8")
    filled = re.sub(
        f"{re.escape(BEGIN)}.*{re.escape(END)}", lambda _: f"{BEGIN}\n{own}\n{END}", page, flags=re.DOTALL
    )
    write_text(report, filled)
    return True


def section(result: Evaluation, figures: Sequence[Drawn]) -> str:
    """Give the section of the report, as HTML; everything from files is escaped."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    source = (files("skykin.products") / "templates" / "evaluation.html").read_text(encoding="utf-8")
    return environment.from_string(source).render(
        sentences=result.sentences(),
        exclude=result.facts.get("exclude_deg", ""),
        tables=[_table(result, title) for title in result.lists] + _stability(result) + _injections(result),
        figures=[(figure, inlined(figure.png)) for figure in figures],
        folder=FOLDER,
    )


def _write_tables(result: Evaluation, folder: Path) -> None:
    facts = result.provenance.to_dict()
    document = {
        "title": result.title,
        "sentences": result.sentences(),
        "on_trial": result.trial,
        "nulls": result.nulls,
        **result.facts,
        "numbers": _records(result.numbers),
        "stability": _records(result.stability),
        "injections": _records(result.injections),
        "injection_changes": _records(result.injection_changes),
        "acknowledgements": facts.pop("credits"),
        "creator": creator(result.provenance),
        "provenance": facts,
    }
    text = json.dumps(plain(document), sort_keys=True, allow_nan=False, indent=1, ensure_ascii=False)
    (folder / "evaluation.json").write_text(text + "\n", encoding="utf-8")
    stamp = {"creator": creator(result.provenance), "provenance": plain(facts)}
    for name, table in (("evaluation", result.numbers), ("evaluation-objects", result.objects)):
        copy = table.copy()
        copy.meta = stamp
        copy.write(folder / f"{name}.ecsv", format="ascii.ecsv")


def _records(table: QTable) -> list[dict[str, object]]:
    return [{name: plain(row[name]) for name in table.colnames} for row in table]


def _table(result: Evaluation, title: str) -> tuple[str, list[str], list[list[str]]]:
    """Give caption, heads and rows: a row per ranking."""
    zones = [
        str(z) for z in dict.fromkeys(result.numbers["zone"])
        if result.rows(list=title, zone=str(z), measure=AUC_LAT)
    ]  # fmt: skip
    columns = [(f"{AUC_LAT}, {zone}", AUC_LAT, zone, True) for zone in zones]
    columns += [(name, name, "all sky", name.startswith("AUC")) for name in SHOWN
                if result.rows(list=title, measure=name)]  # fmt: skip
    rows = []
    for ranking in result.rankings:
        cells = [ranking]
        for _, measure, zone, full in columns:
            found = result.rows(list=title, zone=zone, measure=measure, ranking=ranking)
            cells.append(_cell(found[0], full) if found else "–")
        rows.append(cells)
    return f"{title}: every ranking", ["ranking", *(head for head, *_ in columns)], rows


def _cell(row: Row, full: bool) -> str:
    return _with_interval(row["value"], row["low"], row["high"]) if full else number(row["value"], ".2f")


def _with_interval(value: float, low: float, high: float) -> str:
    return f"{number(value, '.3f')} [{number(low, '.3f')}, {number(high, '.3f')}]"


def _stability(result: Evaluation) -> list[tuple[str, list[str], list[list[str]]]]:
    if not len(result.stability):
        return []
    heads = ["made with", "rank correlation with the map", "overlap of the best 10 %", "AUC_lat"]
    rows = [
        [
            str(row["change"]),
            number(row["correlation"], ".3f"),
            number(row["overlap"], ".2f"),
            _with_interval(row["auc"], row["auc_low"], row["auc_high"]),
        ]
        for row in result.stability
    ]
    return [("The same map made differently", heads, rows)]


def _injections(result: Evaluation) -> list[tuple[str, list[str], list[list[str]]]]:
    if not len(result.injection_changes):
        return []
    heads = ["copies of the reference with these changes", "copies", "found in 1 % of the sky", "mean score"]
    rows = [
        [
            str(row["change"]),
            str(row["n"]),
            f"{number(row['found'], '.2f')} [{number(row['low'], '.2f')}, {number(row['high'], '.2f')}]",
            number(row["score"], ".3f"),
        ]
        for row in result.injection_changes
    ]
    return [("The reference put at empty places", heads, rows)]

"""The evaluation of a map: its numbers, in sentences, figures, files, and a section of the map's report."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from astropy.table import QTable, Row

from skykin.core.atomic import write_text
from skykin.core.plain import json_text, plain
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress
from skykin.core.provenance import Provenance
from skykin.evaluation.assessment import AGAINST, AUC_LAT, AVERAGE, FOLLOWS, entries, rows_of
from skykin.evaluation.rotated import ALL_SKY
from skykin.products.folder import is_unchanged, output_folder, record
from skykin.products.map_folder import read_document, read_table, reading, table_of
from skykin.products.page import template
from skykin.products.result import Result, TextTable
from skykin.products.stamp import creator
from skykin.products.wording import number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from skykin.products.figures.canvas import Drawn

FOLDER = "evaluation"
REPORT = "report.html"
BEGIN, END = "<!-- evaluation: begin -->", "<!-- evaluation: end -->"
#: Measures that the report shows in columns, besides AUC_lat of every zone.
SHOWN = ("recall at 5%", "recall at 10%", "recall at 20%", AGAINST)
#: With a probability below this few rotated catalogues reach the number.
RARE = 0.05
#: What the numbers are, said once.
MEANING = (
    "AUC_lat is the chance that a catalogued object scores higher than the same catalogue rotated in "
    "longitude: 0.5 is chance, and all that latitude alone can reach."
)
CONTAMINANTS = "Contaminants are bright in Hα without forming stars."
DOCUMENT = "evaluation.json"
FILES = {
    "numbers": "evaluation.ecsv",
    "objects": "evaluation-objects.ecsv",
    "curves": "evaluation-curves.ecsv",
}
#: Tables that are kept in the document.
RECORDS = ("stability", "injections", "injection_changes")


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation(Result):
    """How well a map's score finds lists of objects, beside simpler rankings and beside chance.

    Parameters
    ----------
    title : str
        Which map was evaluated, in words.
    evaluated : str
        Name of the evaluated score, in the columns ``ranking``.
    numbers : QTable
        A row per list, zone, measure and ranking: ``value``, ``low`` and ``high`` (95 % interval), ``p``,
        ``null_low`` and ``null_high`` (catalogues rotated in longitude), ``n``, ``gain``, ``gain_low`` and
        ``gain_high`` (the evaluated score minus this ranking, paired).
    objects : QTable
        Each object with its score and the share of the sky that ranks at least as high.
    curves : QTable
        ``sky_fraction``, ``null_low``, ``null_high`` and the recall of the first list by each ranking.
    provenance : Provenance
        That of the map.
    nulls : tuple of str
        Rankings that should find nothing, or not more than the score.
    stability : QTable
        The same map made differently: ``change``, ``correlation``, ``overlap``, ``auc``, ``auc_low``,
        ``auc_high`` and ``other_reference`` (whether only that is different); without rows if not measured.
    injections : QTable
        The reference put at empty places: where, how, and whether it was found; no rows if not measured.
    injection_changes : QTable
        What each change does: ``change``, ``n``, ``found`` (share), ``low``, ``high`` and ``score``.
    facts : Mapping
        How it was done, JSON-ready.

    Examples
    --------
    >>> from astropy.table import QTable
    >>> lon_deg, lat_deg = [225, 230, 235, 240, 245, 248], [-20, -10, 0, -25, -5, -15]
    >>> places = QTable({"name": list("ABCDEF"), "lon_deg": lon_deg, "lat_deg": lat_deg})
    >>> judged = skykin.evaluate(found, [places], survey=survey, rotations=20)
    >>> judged.rankings[0], len(judged.objects)
    ('score (mean-std)', 6)
    """

    shows: ClassVar[str] = "Areas under the curve of every ranking, with their intervals"

    title: str
    evaluated: str
    numbers: QTable
    objects: QTable
    curves: QTable
    provenance: Provenance
    nulls: tuple[str, ...] = ()
    stability: QTable = field(default_factory=QTable)
    injections: QTable = field(default_factory=QTable)
    injection_changes: QTable = field(default_factory=QTable)
    facts: Mapping[str, object] = field(default_factory=dict)

    @property
    def lists(self) -> tuple[str, ...]:
        """Titles of the lists, in their order."""
        return entries(self.numbers, "list")

    @property
    def rankings(self) -> tuple[str, ...]:
        """Names of the rankings, the evaluated score first."""
        return entries(self.numbers, "ranking")

    def rows(self, **wanted: str) -> list[Row]:
        """Rows of `numbers` whose columns hold these texts."""
        return rows_of(self.numbers, **wanted)

    def sentences(self) -> list[str]:
        """Tell the main numbers in words, each beside the best ranking without a network."""
        told = [f"{MEANING} {CONTAMINANTS}" if self.rows(measure=AGAINST) else MEANING]
        told += [line for title in self.lists for line in self._about(title)]
        told += self._about_all()
        told += self._about_nulls()
        for row in self.rows(measure=FOLLOWS, zone=ALL_SKY.name, ranking=self.evaluated):
            told.append(f"Rank correlation with brightness within latitude rows: {_row_interval(row)}.")
        told += self._about_injections()
        told += self._about_stability()
        return told

    def plot(self) -> Figure:
        """Draw AUC_lat of every ranking with its interval, for each list and zone."""
        # Matplotlib is loaded for a picture only.
        from skykin.products.figures.canvas import house_style  # noqa: PLC0415
        from skykin.products.figures.evaluation import auc_figure  # noqa: PLC0415

        with house_style():
            return auc_figure(self.numbers, self.evaluated, self.nulls)

    def write(
        self, folder: str | Path, *, overwrite: bool = False, progress: Progress | None = None
    ) -> dict[str, Path]:
        """Write JSON, tables and figures; the folder appears whole or not at all.

        Parameters
        ----------
        folder : path
            Folder to come.
        overwrite : bool
            Whether a folder that Skykin made before may be replaced.
        progress : Progress, optional

        Returns
        -------
        dict of str to Path
            File name to place.
        """
        folder = Path(folder)
        with (
            (progress or SilentProgress()).stage("Writing evaluation", 2, "products") as counter,
            output_folder(folder, overwrite=overwrite) as temporary,
        ):
            self._write_tables(temporary)
            counter.advance()
            page = section(self, _draw(self, temporary))
            (temporary / "section.html").write_text(page, encoding="utf-8")
            counter.advance()
            names = sorted(path.name for path in temporary.iterdir())
        return {name: folder / name for name in names}

    @classmethod
    def read(cls, folder: str | Path) -> Evaluation:
        """Read what `write` wrote, or ``skykin evaluate``: its folder, or that of the map.

        Raises
        ------
        InputRefusedError
            If the folder holds no evaluation.
        CorruptFileError
            If one of its files cannot be read.
        """
        folder = Path(folder)
        if (folder / FOLDER).is_dir():
            folder = folder / FOLDER
        with reading(folder, (DOCUMENT, *FILES.values()), "evaluate", again="skykin evaluate"):
            document, provenance = read_document(folder / DOCUMENT)
            return cls(
                title=document["title"],
                evaluated=document["evaluated"],
                provenance=provenance,
                nulls=tuple(document["nulls"]),
                facts=document["facts"],
                **{name: read_table(folder / file) for name, file in FILES.items()},
                **{name: table_of(document[name]) for name in RECORDS},
            )

    def add_to_map(self, map_folder: str | Path, progress: Progress | None = None) -> Path:
        """Write it into the folder of its map, in place of an earlier one, and into the map's report.

        Returns
        -------
        Path
            What to look at: the report, or the numbers where there is no report.
        """
        map_folder = Path(map_folder)
        written = self.write(map_folder / FOLDER, overwrite=True, progress=progress)
        record(map_folder, [*written.values()])
        report = map_folder / REPORT
        page = "" if report.is_symlink() or not report.is_file() else report.read_text(encoding="utf-8")
        if BEGIN not in page or END not in page:
            return written[DOCUMENT]
        own = written["section.html"].read_text(encoding="utf-8")
        filled = re.sub(
            f"{re.escape(BEGIN)}.*{re.escape(END)}", lambda _: f"{BEGIN}\n{own}\n{END}", page, flags=re.DOTALL
        )
        untouched = is_unchanged(map_folder, REPORT)
        write_text(report, filled)
        if untouched:
            record(map_folder, [report])
        return report

    def __repr__(self) -> str:
        lists = ", ".join(self.lists)
        return f"<Evaluation of {self.evaluated} beside {len(self.rankings) - 1} rankings: {lists}>"

    @property
    def heading(self) -> str:
        """Which map was evaluated."""
        return self.title

    @property
    def text_tables(self) -> list[TextTable]:
        """Every ranking, list by list."""
        return [_table(self, title) for title in self.lists]

    def _about(self, title: str) -> Iterator[str]:
        for zone in entries(self.numbers, "zone"):
            rows = {str(row["ranking"]): row for row in self.rows(list=title, zone=zone, measure=AUC_LAT)}
            if self.evaluated in rows:
                yield self._headline(title, zone, rows)
        found = self.rows(list=title, zone=ALL_SKY.name, measure=AGAINST)
        against = {str(row["ranking"]): row for row in found}
        if self.evaluated in against:
            own = against[self.evaluated]
            yield f"{title} against contaminants: AUC {_row_interval(own)}{self._beside(against, 'AUC')}."

    def _about_all(self) -> Iterator[str]:
        rows = {str(row["ranking"]): row for row in self.rows(measure=AVERAGE)}
        if self.evaluated in rows:
            yield (
                f"Average of these numbers over all {len(self.lists)} lists: AUC "
                f"{_row_interval(rows[self.evaluated])}{self._beside(rows, 'AUC')}."
            )

    def _about_nulls(self) -> Iterator[str]:
        rows = {
            str(row["ranking"]): row
            for row in self.rows(list=self.lists[0], zone=ALL_SKY.name, measure=AUC_LAT)
        }
        known = [name for name in self.nulls if name in rows]
        if known:
            told = ", ".join(f"{name} {_row_interval(rows[name])}" for name in known)
            yield f"AUC_lat of maps that should find nothing or less ({self.lists[0]}, all sky): {told}."

    def _about_injections(self) -> Iterator[str]:
        if not len(self.injections):
            return
        found, before, by_intensity = (
            int(np.sum(self.injections[name])) for name in ("found", "found_before", "found_by_intensity")
        )
        yield (
            f"{found} of {len(self.injections)} injected copies of the reference are among the best 1 % of "
            f"the sky ({before} of the same places were before; ranking by mean intensity finds "
            f"{by_intensity})."
        )
        if len(self.injection_changes):
            told = ", ".join(f"{row['change']} {row['found']:.2f}" for row in self.injection_changes)
            yield f"Share of the copies found, by what was changed: {told}."

    def _about_stability(self) -> Iterator[str]:
        if not len(self.stability):
            return
        auc = np.asarray(self.stability["auc"], dtype=float)
        other = np.asarray(self.stability["other_reference"], dtype=bool)
        for chosen, how in ((~other, "Made in {} other ways"), (other, "For {} references")):
            if chosen.any():
                own = auc[chosen]
                spread = np.nanstd(own, ddof=1) if np.isfinite(own).sum() > 1 else math.nan
                yield (
                    f"{how.format(len(own))}, the map has an AUC_lat from {np.nanmin(own):.3f} to "
                    f"{np.nanmax(own):.3f} (mean {np.nanmean(own):.3f} ± {number(spread, '.3f')})."
                )

    def _headline(self, title: str, zone: str, rows: Mapping[str, Row]) -> str:
        own = rows[self.evaluated]
        chance = own["p"]
        reached = (
            "few catalogues rotated in longitude reach this" if chance < RARE
            else f"{100 * chance:.0f} % of the catalogues rotated in longitude reach this"
        )  # fmt: skip
        return (
            f"{title}, {zone} ({own['n']} objects): AUC_lat {_row_interval(own)}; {reached} "
            f"(p = {chance:.3f}){self._beside(rows, AUC_LAT)}."
        )

    def _beside(self, rows: Mapping[str, Row], what: str) -> str:
        rivals = {
            name: row for name, row in rows.items()
            if name not in (self.evaluated, *self.nulls) and math.isfinite(row["value"])
        }  # fmt: skip
        if not rivals:
            return ""
        name, best = max(rivals.items(), key=lambda item: float(item[1]["value"]))
        low, high = (number(best[end], "+.3f") for end in ("gain_low", "gain_high"))
        gain = f"{number(best['gain'], '+.3f')} [{low}, {high}]"
        verdict = (
            "the score does better" if best["gain_low"] > 0
            else "the score does worse" if best["gain_high"] < 0
            else "no difference is shown"
        )  # fmt: skip
        return (
            f". The best ranking without a network, {name}, has {what} {best['value']:.3f}: difference "
            f"{gain}, {verdict}"
        )

    def _write_tables(self, folder: Path) -> None:
        facts = self.provenance.to_dict()
        document = {
            "title": self.title,
            "sentences": self.sentences(),
            "evaluated": self.evaluated,
            "nulls": self.nulls,
            "facts": self.facts,
            "numbers": _records(self.numbers),
            **{name: _records(getattr(self, name)) for name in RECORDS},
            "acknowledgements": facts.pop("credits"),
            "creator": creator(self.provenance),
            "provenance": facts,
        }
        text = json_text(document, indent=1)
        (folder / DOCUMENT).write_text(text + "\n", encoding="utf-8")
        stamp = {"creator": creator(self.provenance), "provenance": plain(facts)}
        for name, file in FILES.items():
            copy = getattr(self, name).copy()
            copy.meta = stamp
            copy.write(folder / file, format="ascii.ecsv")


def section(result: Evaluation, figures: Sequence[Drawn]) -> str:
    """Give the section of the report, as HTML; everything from files is escaped."""
    from skykin.products.report import inlined  # noqa: PLC0415 - it loads matplotlib

    return template("evaluation.html").render(
        sentences=result.sentences(),
        exclude=result.facts.get("exclude_deg", ""),
        tables=[_table(result, title) for title in result.lists] + _stability(result) + _injections(result),
        figures=[(figure, inlined(figure.png)) for figure in figures],
        folder=FOLDER,
    )


def _draw(result: Evaluation, folder: Path) -> list[Drawn]:
    """Draw and save recall, areas under the curve, and each object."""
    # Matplotlib is loaded for a picture only.
    from skykin.products.figures import evaluation as figures  # noqa: PLC0415
    from skykin.products.figures.canvas import house_style, save_figure  # noqa: PLC0415

    first, own = result.lists[0], result.evaluated
    rival = figures.best_rival(result.numbers, first, (own, *result.nulls))
    listed = result.objects[np.asarray(result.objects["list"]).astype(str) == first]
    with house_style():
        sheets = (
            (
                "recall",
                "Recall against sky area",
                "The share of the objects whose tile is within the best part of the sky, by the score and by "
                "rankings without any network or data. The grey band holds 95 % of the catalogues rotated in "
                "longitude: inside it the score only knows latitudes. The thin diagonal is chance.",
                figures.recall_figure(result.curves, own, first),
            ),
            (
                "auc",
                "AUC with intervals",
                f"{MEANING} Bars: 95 % intervals from blocks of 30° of longitude drawn anew. Grey bands: the "
                "middle 95 % of the rotated catalogues.",
                figures.auc_figure(result.numbers, own, result.nulls),
            ),
            (
                "objects",
                "Each object",
                "How much of the sky one has to look at, best first, until the object is reached: by the "
                f"score, and by the best ranking without a network. All objects are in {FILES['objects']}.",
                figures.objects_figure(listed, own, rival, first),
            ),
        )
        return [
            save_figure(sheet, result, folder, name=f"evaluation-{name}", title=title, caption=caption)
            for name, title, caption, sheet in sheets
        ]


def _records(table: QTable) -> list[dict[str, object]]:
    return [{name: plain(row[name]) for name in table.colnames} for row in table]


def _table(result: Evaluation, title: str) -> tuple[str, list[str], list[list[str]]]:
    """Give caption, heads and rows: a row per ranking."""
    zones = [zone for zone in entries(result.numbers, "zone")
             if result.rows(list=title, zone=zone, measure=AUC_LAT)]  # fmt: skip
    columns = [(f"{AUC_LAT}, {zone}", AUC_LAT, zone, True) for zone in zones]
    columns += [(name, name, ALL_SKY.name, name.startswith("AUC")) for name in SHOWN
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
    return _row_interval(row) if full else number(row["value"], ".2f")


def _row_interval(row: Row) -> str:
    return _with_interval(row["value"], row["low"], row["high"])


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

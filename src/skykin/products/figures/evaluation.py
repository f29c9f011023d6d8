"""The figures of an evaluation, from its tables: recall, areas under the curve, and each object."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from astropy.table import QTable
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from skykin.evaluation.assessment import AUC_LAT, entries, rows_of
from skykin.evaluation.rotated import ALL_SKY
from skykin.products.figures.canvas import ORANGE, new_figure

#: Colours (Okabe & Ito) and dashes of the rankings that the score must beat.
LINES: tuple[tuple[str, Any], ...] = (
    ("#0072B2", "-"), ("#009E73", "--"), ("#CC79A7", "-."), ("#56B4E9", ":"), ("#D55E00", (0, (5, 1))),
    ("black", (0, (1, 1))), ("#0072B2", (0, (3, 1, 1, 1))), ("#009E73", (0, (1, 2))),
    ("black", "-."), ("0.5", "-"), ("0.5", "--"), ("0.5", ":"), ("0.5", "-."), ("0.7", "-"),
)  # fmt: skip
#: Colours of areas under the curve: of simpler rankings, of those that should find nothing, of chance.
OTHERS, NULLS, BY_CHANCE = "#0072B2", "0.55", "0.91"
MOST_OBJECTS = 45
#: Letters of the names of lists, and of objects and rankings, that are shown.
LONGEST_TITLE, LONGEST_NAME = 34, 30


def recall_figure(curves: QTable, evaluated: str, title: str) -> Figure:
    """Draw the share of the objects found against the share of the sky looked at.

    Parameters
    ----------
    curves : QTable
        ``sky_fraction``, ``null_low``, ``null_high``, and the recall by each ranking.
    evaluated : str
        Column of the evaluated score.
    title : str
        Of the list of objects.
    """
    figure = new_figure(11, 6.6)
    axes = figure.add_axes((0.068, 0.09, 0.66, 0.83))
    percent = {name: 100 * np.asarray(curves[name], dtype=float) for name in curves.colnames}
    share, low, high = (percent.pop(name) for name in ("sky_fraction", "null_low", "null_high"))
    axes.fill_between(share, low, high, color="0.88", linewidth=0, label="the score, list rotated (95 %)")
    axes.plot(share, share, color="0.7", linewidth=0.8)
    own = percent.pop(evaluated)
    for (name, recall), (colour, dashes) in zip(percent.items(), LINES, strict=False):
        axes.plot(share, recall, color=colour, linestyle=dashes, linewidth=1.2, label=name)
    axes.plot(share, own, color=ORANGE, linewidth=2.8, label=evaluated)
    axes.set_xlim(0, 60)
    axes.set_ylim(0, 102)
    axes.set_xlabel("share of the sky, best first (%)")
    axes.set_ylabel("objects found (%)")
    axes.legend(fontsize=8.5, loc="center left", bbox_to_anchor=(1.01, 0.5))
    axes.set_title(f"How much sky must be looked at: {title}", pad=10)
    return figure


def auc_figure(numbers: QTable, evaluated: str, nulls: Sequence[str] = ()) -> Figure:
    """Draw AUC_lat of every ranking with its interval, for each list and zone.

    Parameters
    ----------
    numbers : QTable
        As `Assessment.table` gives them.
    evaluated : str
        Name of the evaluated score.
    nulls : sequence of str
        Rankings that should find nothing.
    """
    lists, zones, names = (entries(numbers, column) for column in ("list", "zone", "ranking"))
    row_in = 0.27 * len(names) + 0.75
    figure = new_figure(12, 1.15 + row_in * len(lists))
    grid = figure.subplots(len(lists), len(zones), squeeze=False, sharex=True, sharey=True)
    height = figure.get_figheight()
    figure.subplots_adjust(
        left=0.19, right=0.985, bottom=0.5 / height, top=1 - 0.62 / height, wspace=0.05, hspace=0.2
    )
    for axes_row, title in zip(grid, lists, strict=True):
        for axes, zone in zip(axes_row, zones, strict=True):
            rows = {str(row["ranking"]): row
                    for row in rows_of(numbers, list=title, zone=zone, measure=AUC_LAT)}  # fmt: skip
            # The name of the list stands once, over the first of its columns.
            heading = f"{_short(title, LONGEST_TITLE)}: {zone}" if axes is axes_row[0] else zone
            _draw_forest(axes, rows, names, evaluated, nulls)
            number = next(iter(rows.values()))["n"] if rows else 0
            told = f"{heading} ({number})" if rows else f"{heading}: too few objects"
            axes.set_title(told, fontsize=9, fontweight="normal", pad=4)
    for axes in grid[-1]:
        axes.set_xlabel(AUC_LAT)
    figure.suptitle(
        "Objects against the same catalogue rotated in longitude", x=0.012, ha="left", fontweight="bold"
    )
    figure.legend(handles=_meanings(nulls), loc="upper right", bbox_to_anchor=(0.99, 1.0),
                  ncols=4, fontsize=8.5, handlelength=1.6, columnspacing=1.4)  # fmt: skip
    return figure


def _meanings(nulls: Sequence[str]) -> list[Line2D | Patch]:
    told = [(ORANGE, "the score"), (OTHERS, "other rankings"), (NULLS, "should find nothing")]
    lines = [Line2D([], [], color=colour, marker="o", label=label) for colour, label in told]
    return [*lines[: 3 if nulls else 2], Patch(color=BY_CHANCE, label="list rotated (95 %)")]


def _draw_forest(
    axes: Axes, rows: dict[str, Any], names: Sequence[str], evaluated: str, nulls: Sequence[str]
) -> None:
    axes.set_yticks(range(len(names)), [_short(name, LONGEST_NAME) for name in names], fontsize=8.5)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.axvline(0.5, color="0.5", linewidth=0.8)
    axes.set_xlim(0.2, 1.0)
    axes.set_xticks([0.25, 0.5, 0.75])
    for place, name in enumerate(names):
        if name not in rows or not math.isfinite(rows[name]["value"]):
            continue
        row, own = rows[name], name == evaluated
        colour = ORANGE if own else NULLS if name in nulls else OTHERS
        if math.isfinite(row["null_low"]):
            axes.barh(place, row["null_high"] - row["null_low"], 0.74, row["null_low"], color=BY_CHANCE)
        if math.isfinite(row["low"]):
            axes.plot([row["low"], row["high"]], [place, place], color=colour, linewidth=2.6 if own else 1.4)
        axes.plot(row["value"], place, "o", color=colour, markersize=6.5 if own else 4.5)


def objects_figure(table: QTable, evaluated: str, rival: str, title: str) -> Figure:
    """Draw, for the largest objects of a list, how much sky each of two rankings takes to reach them.

    Parameters
    ----------
    table : QTable
        Rows of `Assessment.objects`.
    evaluated, rival : str
        Names of the evaluated score and of the ranking beside it; no ranking if empty.
    title : str
        Of the list.
    """
    size = np.nan_to_num(np.asarray(table["diameter_deg"], dtype=float), nan=0.0)
    table = table[np.argsort(-size, kind="stable")[:MOST_OBJECTS]]
    table = table[np.argsort(np.asarray(table[f"sky share by {evaluated}"], dtype=float), kind="stable")]
    figure = new_figure(9.2, 1.5 + 0.2 * len(table))
    height = figure.get_figheight()
    axes = figure.add_axes((0.3, 0.62 / height, 0.67, 1 - 1.35 / height))
    place = np.arange(len(table))
    own = 100 * np.asarray(table[f"sky share by {evaluated}"], dtype=float)
    if rival:
        other = 100 * np.asarray(table[f"sky share by {rival}"], dtype=float)
        axes.hlines(place, own, other, color="0.85", linewidth=1)
        axes.plot(other, place, "D", color="#0072B2", markersize=4, label=rival)
    axes.plot(own, place, "o", color=ORANGE, markersize=6, label=evaluated)
    axes.set_yticks(place, [_label(row) for row in table], fontsize=7.5)
    axes.set_ylim(len(table) - 0.4, -0.6)
    axes.set_xscale("log")
    axes.set_xlim(0.02, 110)
    axes.set_xticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])
    axes.grid(axis="x", color="0.92")
    axes.set_xlabel("share of the sky that ranks at least as high (%)")
    axes.legend(fontsize=8.5, loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0)
    figure.suptitle(f"Each object: {title}, the largest {len(table)}", x=0.012, ha="left", fontweight="bold")
    return figure


def best_rival(numbers: QTable, title: str, left_out: Sequence[str]) -> str:
    """Name the ranking with the largest AUC_lat on a list, apart from some; empty if none has one."""
    values = {
        str(row["ranking"]): float(row["value"])
        for row in rows_of(numbers, list=title, zone=ALL_SKY.name, measure=AUC_LAT)
        if str(row["ranking"]) not in left_out and math.isfinite(row["value"])
    }
    return max(values, key=lambda name: values[name], default="")


def _label(row: Any) -> str:
    name = _short(str(row["name"]), LONGEST_NAME)
    latitude = f"{row['lat_deg']:+.0f}".replace("-", "−")
    return f"{name}  ({row['lon_deg']:.0f}°, {latitude}°)"


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"

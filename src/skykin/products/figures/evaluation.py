"""The figures of an evaluation: recall against sky, areas under the curve, and each object."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from skykin.products.evaluation import AUC_LAT, Evaluation
from skykin.products.figures.canvas import ORANGE, Drawn, new_figure, save_figure

#: Colours (Okabe & Ito) and dashes of the rankings that the score must beat.
LINES: tuple[tuple[str, Any], ...] = (
    ("#0072B2", "-"), ("#009E73", "--"), ("#CC79A7", "-."), ("#56B4E9", ":"), ("#D55E00", (0, (5, 1))),
    ("black", (0, (1, 1))), ("#0072B2", (0, (3, 1, 1, 1))), ("#009E73", (0, (1, 2))),
    ("#E69F00", ":"), ("0.5", "-"), ("0.5", "--"), ("0.5", ":"), ("0.5", "-."), ("0.7", "-"),
)  # fmt: skip
MOST_OBJECTS = 45
#: Letters of the names of lists and objects that are shown.
LONGEST_TITLE, LONGEST_NAME = 34, 30


def draw_recall(result: Evaluation, folder: Path) -> Drawn:
    """Draw the share of the objects found against the share of the sky looked at."""
    figure = new_figure(11, 6.6)
    axes = figure.add_axes((0.068, 0.09, 0.66, 0.83))
    table, title = result.curves, result.lists[0]
    share = 100 * np.asarray(table["sky_fraction"], dtype=float)
    low, high = (100 * np.asarray(table[name], dtype=float) for name in ("null_low", "null_high"))
    axes.fill_between(share, low, high, color="0.88", linewidth=0, label="the score, list turned (95 %)")
    axes.plot(share, share, color="0.7", linewidth=0.8)
    others = [name for name in result.rankings if name != result.trial]
    for name, (colour, dashes) in zip(others, LINES, strict=False):
        recall = 100 * np.asarray(table[name], dtype=float)
        axes.plot(share, recall, color=colour, linestyle=dashes, linewidth=1.2, label=name)
    own = 100 * np.asarray(table[result.trial], dtype=float)
    axes.plot(share, own, color=ORANGE, linewidth=2.8, label=result.trial)
    axes.set_xlim(0, 60)
    axes.set_ylim(0, 102)
    axes.set_xlabel("share of the sky, best first (%)")
    axes.set_ylabel("objects found (%)")
    axes.legend(fontsize=8.5, loc="center left", bbox_to_anchor=(1.01, 0.5))
    heading = f"How much sky must be looked at: {title}"
    axes.set_title(heading, pad=10)
    caption = (
        "The share of the objects whose tile is within the best part of the sky, by the score and by "
        "rankings without any network or data. The grey band holds 95 % of the same list turned about the "
        "Galactic poles: inside it the score only knows their latitudes. The thin diagonal is chance."
    )
    return save_figure(
        figure, result, folder, name="evaluation-recall", title="Recall against sky area", caption=caption
    )


def draw_aucs(result: Evaluation, folder: Path) -> Drawn:
    """Draw AUC_lat of every ranking with its interval, for each list and zone."""
    zones = list(dict.fromkeys(str(zone) for zone in result.numbers["zone"]))
    names = list(result.rankings)
    lists = result.lists
    row_in = 0.27 * len(names) + 0.75
    figure = new_figure(12, 1.15 + row_in * len(lists))
    grid = figure.subplots(len(lists), len(zones), squeeze=False, sharex=True, sharey=True)
    height = figure.get_figheight()
    figure.subplots_adjust(
        left=0.19, right=0.985, bottom=0.5 / height, top=1 - 0.62 / height, wspace=0.05, hspace=0.2
    )
    for axes_row, title in zip(grid, lists, strict=True):
        for axes, zone in zip(axes_row, zones, strict=True):
            _draw_forest(axes, result, title, zone, first=axes is axes_row[0])
    for axes in grid[-1]:
        axes.set_xlabel(AUC_LAT)
    caption = (
        "How often an object scores higher than the same objects turned in longitude: a half is chance, and "
        "what latitude alone gets. Bars: 95 % intervals from blocks of 30° of longitude drawn anew. Grey "
        "bands: the middle 95 % of the turned lists."
    )
    figure.suptitle(
        "Objects against the same objects turned in longitude", x=0.012, ha="left", fontweight="bold"
    )
    return save_figure(
        figure, result, folder, name="evaluation-auc", title="AUC with intervals", caption=caption
    )


def _draw_forest(axes: Axes, result: Evaluation, title: str, zone: str, *, first: bool) -> None:
    names = list(result.rankings)
    rows = {str(row["ranking"]): row for row in result.rows(list=title, zone=zone, measure=AUC_LAT)}
    axes.set_yticks(range(len(names)), names, fontsize=8.5)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.axvline(0.5, color="0.5", linewidth=0.8)
    axes.set_xlim(0.2, 1.0)
    axes.set_xticks([0.25, 0.5, 0.75])
    number = next(iter(rows.values()))["n"] if rows else 0
    # The name of the list stands once, over the first of its columns.
    heading = f"{_short(title, LONGEST_TITLE)}: {zone}" if first else zone
    told = f"{heading} ({number})" if rows else f"{heading}: too few objects"
    axes.set_title(told, fontsize=9, fontweight="normal", pad=4)
    for place, name in enumerate(names):
        if name not in rows or not math.isfinite(rows[name]["value"]):
            continue
        row, own = rows[name], name == result.trial
        colour = ORANGE if own else "0.55" if name in result.nulls else "#0072B2"
        if math.isfinite(row["null_low"]):
            axes.barh(place, row["null_high"] - row["null_low"], 0.74, row["null_low"], color="0.91")
        if math.isfinite(row["low"]):
            axes.plot([row["low"], row["high"]], [place, place], color=colour, linewidth=2.6 if own else 1.4)
        axes.plot(row["value"], place, "o", color=colour, markersize=6.5 if own else 4.5)


def draw_objects(result: Evaluation, folder: Path) -> Drawn:
    """Draw, for the largest objects of the first list, how much sky each ranking takes to reach them."""
    table = result.objects[np.asarray(result.objects["list"]).astype(str) == result.lists[0]]
    size = np.nan_to_num(np.asarray(table["diameter_deg"], dtype=float), nan=0.0)
    table = table[np.argsort(-size, kind="stable")[:MOST_OBJECTS]]
    table = table[np.argsort(np.asarray(table[f"sky share by {result.trial}"], dtype=float), kind="stable")]
    figure = new_figure(9.2, 1.5 + 0.2 * len(table))
    height = figure.get_figheight()
    axes = figure.add_axes((0.3, 0.62 / height, 0.67, 1 - 1.35 / height))
    rivals = [name for name in result.rankings if name != result.trial and name not in result.nulls]
    best = _best_rival(result, rivals)
    place = np.arange(len(table))
    own = 100 * np.asarray(table[f"sky share by {result.trial}"], dtype=float)
    if best:
        other = 100 * np.asarray(table[f"sky share by {best}"], dtype=float)
        axes.hlines(place, own, other, color="0.85", linewidth=1)
        axes.plot(other, place, "D", color="#0072B2", markersize=4, label=best)
    axes.plot(own, place, "o", color=ORANGE, markersize=6, label=result.trial)
    axes.set_yticks(place, [_label(row) for row in table], fontsize=7.5)
    axes.set_ylim(len(table) - 0.4, -0.6)
    axes.set_xscale("log")
    axes.set_xlim(0.02, 110)
    axes.set_xticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])
    axes.grid(axis="x", color="0.92")
    axes.set_xlabel("share of the sky that ranks at least as high (%)")
    axes.legend(fontsize=8.5, loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0)
    figure.suptitle(
        f"Each object: {result.lists[0]}, the largest {len(table)}", x=0.012, ha="left", fontweight="bold"
    )
    caption = (
        "How much of the sky one has to look at, best first, until the object is reached: by the score, and "
        "by the best ranking without a network. All objects are in evaluation-objects.ecsv."
    )
    return save_figure(
        figure, result, folder, name="evaluation-objects", title="Each object", caption=caption
    )


def _best_rival(result: Evaluation, rivals: list[str]) -> str:
    rows = {
        str(row["ranking"]): float(row["value"])
        for row in result.rows(list=result.lists[0], zone="all sky", measure=AUC_LAT)
    }
    known = [name for name in rivals if math.isfinite(rows.get(name, math.nan))]
    return max(known, key=lambda name: rows[name], default="")


def _label(row: Any) -> str:
    name = _short(str(row["name"]), LONGEST_NAME)
    latitude = f"{row['lat_deg']:+.0f}".replace("-", "−")
    return f"{name}  ({row['lon_deg']:.0f}°, {latitude}°)"


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


FIGURES = (draw_recall, draw_aucs, draw_objects)

"""How the scores are spread, and what else they follow."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import XAxis
from matplotlib.ticker import LogLocator, NullFormatter

from skykin.core.shapes import Numbers
from skykin.products.field import field_of
from skykin.products.figures.canvas import ORANGE, Drawn, new_figure, save_figure
from skykin.products.mapped import MappedTiles
from skykin.products.result import numbers
from skykin.products.wording import number

#: Colours (Okabe & Ito) and dashes of the lines that mark control pictures.
CONTROLS: tuple[tuple[str, Any], ...] = (
    ("black", "-"), ("#0072B2", "--"), ("#009E73", ":"), ("#CC79A7", "-."), ("#56B4E9", (0, (1, 1))),
)  # fmt: skip


def draw_scores(result: MappedTiles, folder: Path) -> Drawn:
    """Draw the histogram of the scores, and the scores against intensity and latitude."""
    # Within a small field the latitude hardly differs.
    small = field_of(result) is not None
    figure = new_figure(9 if small else 13, 4.4)
    histogram, intensity, *latitude = figure.subplots(1, 2 if small else 3)
    figure.subplots_adjust(
        left=0.08 if small else 0.06, right=0.96 if small else 0.985, bottom=0.14, top=0.84, wspace=0.22
    )
    _draw_histogram(histogram, result)
    column = result.tiles["mean_intensity"]
    unit = f" ({column.unit})" if str(getattr(column, "unit", None) or "") else ""
    _draw_scatter(intensity, numbers(column), result, f"mean intensity{unit}", "mean_intensity")
    if (numbers(column) > 0).all():
        _make_logarithmic(intensity.xaxis)
    for axes in latitude:
        _draw_scatter(axes, np.abs(result.lat_deg), result, "|b| (degrees)", "abs_latitude")
    others = (
        "Right: the score against a simple property"
        if small
        else ("Middle and right: the score against two simple properties")
    )
    caption = (
        "Left: how many tiles have which score, with the scores of pictures that have no "
        f"sky in them. {others} of a tile. The nearer a "
        "rank correlation (Spearman) is to ±1, the more the score only repeats that property."
    )
    title = "The scores and what they follow"
    return save_figure(figure, result, folder, name="scores", title=title, caption=caption)


def _make_logarithmic(axis: XAxis) -> None:
    """Label 1, 2, 5 of each power of ten, as plain numbers."""
    axis.axes.set_xscale("log")
    low, high = axis.get_view_interval()
    if high < 10 * low:  # No power of ten and hardly a label would be within.
        axis.axes.set_xscale("linear")
        return
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())


def _draw_histogram(axes: Axes, result: MappedTiles) -> None:
    scores = result.scores[np.isfinite(result.scores)]
    counts, _, _ = axes.hist(scores, bins=40, color="0.65", edgecolor="white", linewidth=0.4)
    highest = float(np.max(counts))
    controls = result.summary.controls
    threshold = result.cut.threshold
    lines = [] if threshold is None else [(threshold, f"threshold {threshold:.4g}", ORANGE, "-")]
    for place, (name, value) in enumerate(controls.items()):
        if value is not None and math.isfinite(value):
            lines.append(
                (value, f"{name.replace('_', ' ')} image {value:.3f}", *CONTROLS[place % len(CONTROLS)])
            )
    for value, label, colour, dashes in lines:
        axes.vlines(value, 0, 1.05 * highest, color=colour, linewidth=1.6, linestyle=dashes, label=label)
    # Room for the legend above the lines.
    axes.set_ylim(0, highest * (1.1 + 0.09 * len(lines)))
    axes.set_xlabel("score")
    axes.set_ylabel("tiles")
    axes.set_title("Scores of all tiles", pad=10)
    axes.legend(fontsize=8, loc="upper left", borderaxespad=0)


def _draw_scatter(axes: Axes, values: Numbers, result: MappedTiles, label: str, key: str) -> None:
    matches = np.asarray(result.tiles["match"], dtype=bool)
    for chosen, colour, text in ((~matches, "0.6", "other tiles"), (matches, ORANGE, "matches")):
        # Tens of thousands of points are a picture in the PDF too, not as many shapes.
        points = axes.scatter(values[chosen], result.scores[chosen], s=7, color=colour, linewidths=0)
        points.set(rasterized=True, label=text)
    if result.cut.threshold is not None:
        axes.axhline(result.cut.threshold, color=ORANGE, linewidth=1)
    axes.set_xlabel(label)
    axes.set_ylabel("score")
    value = result.summary.spearman.get(key)
    axes.set_title(f"Spearman {number(math.nan if value is None else value, '+.2f')}", pad=10)
    axes.legend(fontsize=8, loc="best", markerscale=2)

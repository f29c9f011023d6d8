"""Figures of a survey of a small part of the sky: cropped to its data, in the frame of its image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke

from skykin.core.footprint import Footprint
from skykin.core.protocols import ColouredSky
from skykin.core.shapes import Numbers
from skykin.core.sphere import directions, non_overlapping
from skykin.products.field import Field
from skykin.products.figures.annotations import draw_regions, draw_tiles, literal, name_regions
from skykin.products.figures.canvas import BLANK, new_figure
from skykin.products.figures.sky_axes import SkyAxes, field_axes
from skykin.products.mapped import MappedTiles
from skykin.products.preview import colours_at
from skykin.products.result import numbers
from skykin.products.wording import band_words

#: Inches about a panel: for degrees and names of the axes, and for its heading.
LEFT_IN, RIGHT_IN, FOOT_IN, HEAD_IN = 1.1, 0.2, 0.65, 0.6
#: Largest panel, inches, alone and beside another.
ALONE_IN, BESIDE_IN, HIGHEST_IN = 9.0, 4.7, 7.5
#: Wider fields are drawn one above the other.
WIDE = 1.8
REFERENCE_COLOUR, CUT_COLOUR = "#56E1FF", "#56E1FF"
#: A line that is seen on dark and on bright.
EDGED: dict[str, Any] = {"path_effects": [withStroke(linewidth=4.0, foreground="black")]}


def field_sheet(field: Field, panels: int, below_in: float) -> tuple[Figure, list[SkyAxes]]:
    """Make a sheet with axes of a field, side by side, or one above the other where it is wide.

    Parameters
    ----------
    field : Field
    panels : int
    below_in : float
        Inches to leave free below.
    """
    stacked = panels > 1 and field.aspect > WIDE
    widest = ALONE_IN if panels == 1 or stacked else BESIDE_IN
    width = min(widest, HIGHEST_IN * field.aspect)
    height = width / field.aspect
    cell_w, cell_h = max(width, 3.0) + LEFT_IN + RIGHT_IN, height + FOOT_IN + HEAD_IN
    across, down = (1, panels) if stacked else (panels, 1)
    sheet_w, sheet_h = cell_w * across, cell_h * down + below_in
    figure = new_figure(sheet_w, sheet_h)
    axes = []
    for number in range(panels):
        column, row = (0, number) if stacked else (number, 0)
        left, bottom = column * cell_w + LEFT_IN, sheet_h - (row + 1) * cell_h + FOOT_IN
        box = (left / sheet_w, bottom / sheet_h, width / sheet_w, height / sheet_h)
        axes.append(field_axes(figure, box, field))
    return figure, axes


def survey_field_figure(sky: ColouredSky, title: str, bands: Sequence[str], field: Field) -> Figure:
    """Draw a rendered survey, with a legend of its bands below."""
    figure, (axes,) = field_sheet(field, 1, 0.65)
    paint_survey(axes, sky)
    axes.axes.set_title(literal(title))
    figure.legend(handles=band_legend(bands), loc="lower center", ncols=2, fontsize=10)
    return figure


def paint_survey(axes: SkyAxes, sky: ColouredSky) -> None:
    """Show the colours of a survey, nothing where it has no data."""
    colours, coverage = colours_at(sky, *axes.positions())
    colours[coverage == 0] = np.nan
    axes.paint(colours)


def band_legend(bands: Sequence[str]) -> list[Patch]:
    """Say what each colour is; of a grey image once what brightness is."""
    handles = [
        Patch(facecolor=colour, edgecolor="black", label=literal(text)) for colour, text in band_words(bands)
    ]
    return [*handles, Patch(facecolor=BLANK, edgecolor="black", label="dark grey: no data")]


def matches_field_figure(result: MappedTiles, field: Field, colours: Colormap) -> Figure:
    """Outline the matching tiles over the survey; where they overlap the best, and the others thin."""
    figure, (axes,) = field_sheet(field, 1, 0.95)
    paint_survey(axes, result.sky)
    best, others = _grouped(result)
    scores = np.array([result.score_of(each) for each in best])
    low, high = _limits(result, scores)
    paint = ScalarMappable(Normalize(low, high), colours)
    draw_tiles(axes, others, colors="white", linewidths=0.6, alpha=0.7, zorder=3)
    paints = paint.to_rgba(scores)
    draw_tiles(axes, best, colors=paints, linewidths=2.4, zorder=4, capstyle="projecting", **EDGED)
    draw_tiles(axes, result.references, colors=REFERENCE_COLOUR, linewidths=2.4, linestyles="--", zorder=6)
    number = int(np.sum(result.tiles["match"]))
    axes.axes.set_title(
        f"Tiles in the style of {literal(result.short_name)}:\n"
        f"{number} of {len(result.footprints)} have {result.cut.words}",
        fontsize=11,
    )
    _bar(figure, axes.axes, paint, "score", 0.62)
    handles = [Line2D([], [], color=REFERENCE_COLOUR, lw=2.4, ls="--", label="the reference")]
    if best:
        label = "matches, the best where they overlap"
        handles.append(Line2D([], [], color=colours(1.0), lw=2.4, label=label, **EDGED))
    figure.legend(handles=handles, loc="lower center", ncols=2, fontsize=9)
    return figure


def heat_field_figure(
    result: MappedTiles, field: Field, scores_on: Any, *, with_survey: bool = True
) -> Figure:
    """Draw the survey and, beside it, the scores.

    Parameters
    ----------
    result : MappedTiles
    field : Field
    scores_on : callable
        Gives scores, and the values that the line of the cut is drawn among, on axes.
    with_survey : bool
        Whether the survey is drawn, which must be opened for it.
    """
    figure, axes = field_sheet(field, 1 + with_survey, 0.95)
    scores, lined = scores_on(axes[-1])
    if with_survey:
        paint_survey(axes[0], result.sky)
        axes[0].axes.set_title(literal(result.survey.title))
    apart = result.scores[~result.overlapping & np.isfinite(result.scores)]
    low, high = _limits(result, apart, low=float(np.quantile(apart, 0.005)) if apart.size else None)
    image = axes[-1].paint(scores, cmap="cividis", norm=Normalize(low, high))
    axes[-1].axes.set_title(f"Similarity to {literal(result.short_name)}")
    for each in axes:
        _line(each, lined, result.cut.value)
        draw_tiles(each, result.references, colors="white", linewidths=1.6, linestyles="--", zorder=6,
                   path_effects=[withStroke(linewidth=3.2, foreground="black")])  # fmt: skip
        draw_regions(each, result)
    name_regions(axes[0], result, _shown(axes[0], result))
    beyond = bool(result.scores[np.isfinite(result.scores)].max(initial=low) > high)
    _bar(figure, axes[-1].axes, image, "score", 0.62, extend="both" if beyond else "min")
    handles, labels = axes[0].axes.get_legend_handles_labels()
    handles = [
        Line2D([], [], color=CUT_COLOUR, label=result.cut.words),
        Line2D([], [], color="0.45", lw=1.6, ls="--", label="the reference"),
        *handles,
    ]
    figure.legend(handles=handles, labels=[handles[0].get_label(), "the reference", *labels],
                  loc="lower center", ncols=3, fontsize=9)  # fmt: skip
    return figure


def _grouped(result: MappedTiles) -> tuple[list[Footprint], list[Footprint]]:
    """Give the matches away from the reference: the best of those that overlap, and the others."""
    overlapping = {result.footprints[i] for i in np.flatnonzero(result.overlapping)}
    matches = [each for each in result.matching if each not in overlapping]
    if not matches:
        return [], []
    where = directions(
        np.array([each.lon_deg for each in matches]), np.array([each.lat_deg for each in matches])
    )
    chosen = {int(i) for i in non_overlapping(where, result.scored.tile_deg, len(matches))}
    best = [each for i, each in enumerate(matches) if i in chosen]
    return best, [each for i, each in enumerate(matches) if i not in chosen]


def _limits(result: MappedTiles, scores: Numbers, low: float | None = None) -> tuple[float, float]:
    """Give the ends of a colour scale, which the reference itself does not stretch."""
    if low is None:
        low = result.cut.threshold if result.cut.threshold is not None else float(scores.min(initial=1.0))
    high = float(scores.max(initial=low))
    return min(low, high - 0.01), high


def _line(axes: SkyAxes, values: Numbers, at: float) -> None:
    known = values[np.isfinite(values)]
    if known.size and known.min() < at < known.max():
        axes.axes.contour(values, levels=[at], colors=CUT_COLOUR, linewidths=1.4, zorder=3)


def _bar(figure: Figure, axes: Axes, paint: Any, label: str, up_in: float, **options: Any) -> None:
    """Draw a colour bar below axes, so far from the sheet's lower edge."""
    box, (width, height) = axes.get_position(), figure.get_size_inches()
    place = (box.x0 + 0.1 * box.width, (up_in + 0.1) / height, 0.8 * box.width, 0.13 / height)
    bar = figure.colorbar(paint, cax=figure.add_axes(place), orientation="horizontal", **options)
    bar.ax.tick_params(labelsize=8, pad=1)
    points_of_arrow = 0.0 if options.get("extend", "max") == "max" else 0.05 * 72 * place[2] * width
    bar.ax.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=9, labelpad=14 + points_of_arrow)


def _shown(axes: SkyAxes, result: MappedTiles) -> Numbers:
    where = axes.place(numbers(result.regions["lon_deg"]), numbers(result.regions["lat_deg"]))
    return np.flatnonzero(axes.holds(where) & np.isfinite(where).all(axis=-1))

"""The scores on the sky, beneath the far-infrared sky with the well-known regions."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from skykin.core.shapes import Numbers
from skykin.products.field import field_of
from skykin.products.figures.annotations import draw_regions, draw_tiles, literal, name_regions
from skykin.products.figures.backdrop import Backdrop, far_infrared_sky
from skykin.products.figures.canvas import Drawn, new_figure, save_figure
from skykin.products.figures.sky_axes import SkyAxes, mollweide_axes
from skykin.products.figures.small_field import heat_field_figure
from skykin.products.mapped import MappedTiles
from skykin.products.preview import seen_colours
from skykin.products.result import numbers
from skykin.products.score_map import score_map

THRESHOLD_COLOUR, REFERENCE_COLOUR = "#56E1FF", "white"


def heat_map_figure(result: MappedTiles) -> Figure:
    """Draw the scores on the sky with the names of the well-known regions; needs no survey."""
    if (field := field_of(result)) is not None:
        return heat_field_figure(
            result, field, lambda axes: _scores_and_lined(axes, result), with_survey=False
        )
    figure = new_figure(12, 7.2)
    sky = mollweide_axes(figure, (0.05, 0.12, 0.9, 0.82))
    scores, lined = _scores_and_lined(sky, result)
    _draw_scores(sky, scores, lined, result, bar=(0.25, 0.085, 0.5, 0.02))
    name_regions(sky, result, _scored(sky, result, scores))
    _legend(sky, result)
    return figure


def draw_heat_map(result: MappedTiles, folder: Path) -> Drawn:
    """Draw the annotated sky, and the heat map of the scores below or beside it."""
    field = field_of(result)
    backdrop = None if field else far_infrared_sky()
    if field is not None:
        figure = heat_field_figure(result, field, partial(_scores_and_lined, result=result))
    else:
        figure = _two_skies(result, backdrop)
    caption = (
        f"Score of every tile against {result.query.name}, interpolated between the tiles' centres, and "
        f"{backdrop.title if backdrop else 'the survey as rendered'}. Line: {result.cut.words}. "
    )
    caption += "The colours span the scores away from the reference, which scores higher by construction. "
    if field is not None:
        caption += field.words
    else:
        caption += (
            "Circles are well-known regions that are recovered, crosses those that are not, diamonds are not "
            "counted (near the reference, not shown by the survey, or off the scored sky). Mollweide "
            "projection in Galactic coordinates."
        )
    return save_figure(
        figure,
        result,
        folder,
        name="figure-4-heat-map",
        title=f"Similarity of the sky to {result.short_name}",
        caption=caption,
        credit=backdrop.credit if backdrop else "",
    )


def _two_skies(result: MappedTiles, backdrop: Backdrop | None) -> Figure:
    """Draw the annotated sky above, and the scores below."""
    figure = new_figure(12, 13.2)
    above = mollweide_axes(figure, (0.05, 0.535, 0.9, 0.43))
    below = mollweide_axes(figure, (0.05, 0.075, 0.9, 0.43))
    lon_deg, lat_deg = above.positions()
    scores, lined = _scores_and_lined(above, result)
    above.paint(backdrop.at(lon_deg, lat_deg) if backdrop else seen_colours(result, lon_deg, lat_deg))
    _draw_contour(above, result, lined)
    draw_regions(above, result)
    name_regions(above, result, _scored(above, result, scores))
    behind = backdrop.title if backdrop else "the survey as rendered"
    above.axes.set_title(f"Well-known star-forming regions over {behind}")
    _draw_scores(below, scores, lined, result, bar=(0.25, 0.045, 0.5, 0.012))
    _legend(above, result)
    return figure


def _scored(sky: SkyAxes, result: MappedTiles, scores: Numbers) -> Numbers:
    """Rows of the regions where the axes have scores: elsewhere names would only cover each other."""
    where = sky.place(numbers(result.regions["lon_deg"]), numbers(result.regions["lat_deg"]))
    shown = np.flatnonzero(sky.holds(where))
    columns, rows = where[shown].astype(int).T
    return np.asarray(shown[np.isfinite(scores[rows, columns])])


def _draw_scores(
    sky: SkyAxes,
    scores: Numbers,
    lined: Numbers,
    result: MappedTiles,
    *,
    bar: tuple[float, float, float, float],
) -> None:
    """Draw scores, outlines and regions; `bar` is the box of the colour bar, in shares of the figure."""
    # What overlaps the reference scores high by construction, and would leave few colours to the rest.
    apart = result.scores[~result.overlapping & np.isfinite(result.scores)]
    known = apart if apart.size else scores[np.isfinite(scores)]
    low, high = (float(np.quantile(known, 0.005)), float(known.max())) if known.size else (0.0, 1.0)
    beyond = bool(np.nanmax(result.scores, initial=high) > high)
    image = sky.paint(scores, cmap="cividis", norm=Normalize(low, max(high, low + 1e-6)))
    _draw_contour(sky, result, lined)
    draw_tiles(
        sky, result.references, colors=REFERENCE_COLOUR, linewidths=1.6, linestyles="--", zorder=6,
        path_effects=[withStroke(linewidth=3.2, foreground="black")],
    )  # fmt: skip
    draw_regions(sky, result)
    figure = sky.axes.figure
    colours = figure.colorbar(
        image, cax=figure.add_axes(bar), orientation="horizontal",
        extend="both" if beyond else "min",
        label=f"score (similarity to {literal(result.short_name)}, no unit)",
    )  # fmt: skip
    threshold = result.cut.threshold
    if threshold is not None and low < threshold < high:
        colours.ax.axvline(threshold, color=THRESHOLD_COLOUR, linewidth=2)
    dashed = "reference tiles" if len(result.query.references) > 1 else "reference tile"
    sky.axes.set_title(f"Similarity to {literal(result.short_name)} (dashed: the {dashed})")


def _scores_and_lined(sky: SkyAxes, result: MappedTiles) -> tuple[Numbers, Numbers]:
    """Scores, and the values that the line of the cut is drawn among."""
    scores = _interpolated(sky, result, "SCORE")
    return scores, scores if result.cut.column == "score" else _interpolated(sky, result, "Q")


def _interpolated(sky: SkyAxes, result: MappedTiles, column: str) -> Numbers:
    """Values of the score map at each position of the axes; NaN off the sky."""
    lon_deg, lat_deg = sky.positions()
    values = score_map(result).at(np.nan_to_num(lon_deg), np.nan_to_num(lat_deg), column)
    return np.where(np.isfinite(lon_deg), values, np.nan)


def _draw_contour(sky: SkyAxes, result: MappedTiles, values: Numbers) -> None:
    """Draw the line among the values of its column."""
    line = result.cut
    known = values[np.isfinite(values)]
    if known.size and known.min() < line.value < known.max():
        sky.axes.contour(values, levels=[line.value], colors=THRESHOLD_COLOUR, linewidths=1.2, zorder=3)


def _legend(sky: SkyAxes, result: MappedTiles) -> None:
    sky.axes.plot([], [], color=THRESHOLD_COLOUR, label=result.cut.words)
    legend = sky.axes.legend(loc="lower right", fontsize=9, bbox_to_anchor=(1.0, -0.04))
    legend.set_zorder(8)

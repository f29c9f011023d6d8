"""The matching tiles as outlines over the Milky Way."""

from __future__ import annotations

import math
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from skykin.core.shapes import Numbers
from skykin.core.sphere import directions
from skykin.products.field import field_of
from skykin.products.figures.annotations import draw_tiles, literal, name_regions
from skykin.products.figures.backdrop import Backdrop, gaia_sky
from skykin.products.figures.canvas import Drawn, new_figure, save_figure
from skykin.products.figures.sky_axes import SkyAxes, axes_for
from skykin.products.figures.small_field import matches_field_figure
from skykin.products.mapped import MappedTiles
from skykin.products.preview import seen_colours
from skykin.products.result import numbers

NAMED, APART_DEG = 10, 12.0
#: Scores that differ by less get no colour bar of their own.
LEAST_SPAN = 0.01
REFERENCE_COLOUR = "#56E1FF"
#: The part of the map that shows on a dark sky.
BRIGHT = ListedColormap(matplotlib.colormaps["plasma"](np.linspace(0.4, 1.0, 256)))


def draw_matches(result: MappedTiles, folder: Path) -> Drawn:
    """Outline the matching tiles, coloured by their scores, and the references."""
    field = field_of(result)
    backdrop = None if field else gaia_sky()
    figure = _all_sky(result, backdrop) if field is None else matches_field_figure(result, field, BRIGHT)
    number = len(result.matching)
    behind = f"over {backdrop.title}" if backdrop else "over the survey itself as rendered"
    if not (backdrop or field):
        behind += " (the pictures of the extra `milkyway` are not installed)"
    dashed = "references" if len(result.query.references) > 1 else "reference"
    if field is not None:
        told = (
            "Coloured by score: the best of each group of overlapping matches; thin and white: the others. "
            f"Matches that overlap the {dashed} (dashed) are not drawn. {field.words}"
        )
    else:
        told = (
            "Plate carrée in Galactic coordinates: tiles look wider towards the poles. "
            f"Dashed: the {dashed}. Named are recovered regions with the highest scores."
        )
    how = "" if field else ", coloured by score"
    caption = f"The {number} tiles with {result.cut.words}{how}, {behind}. {told}"
    return save_figure(
        figure,
        result,
        folder,
        name="figure-2-matches",
        title=f"Tiles in the style of {result.short_name}",
        caption=caption,
        credit=backdrop.credit if backdrop else "",
    )


def _all_sky(result: MappedTiles, backdrop: Backdrop | None) -> Figure:
    figure = new_figure(12, 7.1)
    sky = axes_for(figure, (0.06, 0.17, 0.92, 0.77), result.survey.extent, "plate carrée")
    lon_deg, lat_deg = sky.positions()
    sky.paint(backdrop.at(lon_deg, lat_deg) if backdrop else seen_colours(result, lon_deg, lat_deg))
    _draw_outlines(sky, result)
    name_regions(sky, result, _best_known(result), size=8.5)
    matches, name = result.matching, literal(result.short_name)
    sky.axes.set_title(
        f"Tiles in the style of {name}: {len(matches)} of {len(result.footprints)} have {result.cut.words}"
    )
    sky.axes.legend(
        handles=[Line2D([], [], color=REFERENCE_COLOUR, lw=2.5, ls="--", label=f"reference: {name}")],
        loc="upper right", labelcolor="white", fontsize=9,
    )  # fmt: skip
    return figure


def _draw_outlines(sky: SkyAxes, result: MappedTiles) -> None:
    matches = result.matching[::-1]  # The best on top.
    scores = np.array([result.score_of(footprint) for footprint in matches])
    known = result.scores[np.isfinite(result.scores)]
    low = result.cut.threshold if result.cut.threshold is not None else float(min(scores, default=0))
    high = float(known.max(initial=0))
    norm = Normalize(min(low, high - LEAST_SPAN), high)
    paint = ScalarMappable(norm, BRIGHT)
    # Hundreds of overlapping outlines must not hide the sky.
    strength = float(np.clip(12 / np.sqrt(max(len(matches), 1)), 0.45, 1.0))
    draw_tiles(sky, matches, colors=paint.to_rgba(scores, strength), linewidths=strength, zorder=3)
    draw_tiles(sky, result.references, colors=REFERENCE_COLOUR, linewidths=2.5, linestyles="--", zorder=6)
    box = sky.axes.figure.add_axes((0.32, 0.075, 0.4, 0.016))
    sky.axes.figure.colorbar(paint, cax=box, orientation="horizontal", label="score")


def _best_known(result: MappedTiles) -> Numbers:
    """Rows of the recovered regions with the highest scores, no two of them near each other.

    The region that was looked for is not among them: the reference has its own label.
    """
    lon_deg, lat_deg = numbers(result.regions["lon_deg"]), numbers(result.regions["lat_deg"])
    where = directions(lon_deg, lat_deg)
    chosen: list[int] = []
    for row in np.argsort(-numbers(result.regions["score"]), kind="stable"):
        apart = all(where[row] @ where[other] < math.cos(math.radians(APART_DEG)) for other in chosen)
        found = result.regions["recovered"][row] and result.regions["counted"][row]
        if apart and found and len(chosen) < NAMED:
            chosen.append(int(row))
    return np.array(chosen, dtype=int)

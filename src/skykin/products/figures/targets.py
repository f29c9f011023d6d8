"""The targets on the sky, the best of them named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from astropy import units as u
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from skykin.catalogue.query import Query
from skykin.core.shapes import Numbers
from skykin.products.field import Field, field_of
from skykin.products.figures.annotations import LEADER, LONGEST_LEADER, draw_tiles, literal
from skykin.products.figures.backdrop import Backdrop, far_infrared_sky
from skykin.products.figures.canvas import ORANGE, Drawn, new_figure, save_figure
from skykin.products.figures.labels import place_labels
from skykin.products.figures.sky_axes import COLUMNS, WHITE_ON_BLACK, SkyAxes, axes_for, field_axes
from skykin.products.mapped import MappedTiles
from skykin.products.preview import WIDEST_REGION_DEG, seen_colours
from skykin.products.result import shortened
from skykin.products.target_list import TargetList, target_list

#: Targets whose names are written; the others have their numbers.
NAMED = 20
LONGEST_LABEL = 30
#: How bright the sky behind marks and names is left.
DIMMED = 0.75
#: From a mark to the number beside it, pixels.
BESIDE = np.array([8.0, 5.0])
REFERENCE_COLOUR = "#56E1FF"
UNKNOWN_COLOUR = "#FF6FD8"
KNOWN: dict[str, Any] = {
    "marker": "o", "s": 34, "facecolors": ORANGE, "edgecolors": "black", "linewidths": 0.9,
}  # fmt: skip
UNKNOWN: dict[str, Any] = {
    "marker": "*", "s": 110, "facecolors": UNKNOWN_COLOUR, "edgecolors": "black", "linewidths": 0.9,
}  # fmt: skip


def draw_targets(result: MappedTiles, folder: Path) -> Drawn:
    """Draw the targets of a map, and save the figure."""
    return save_targets(target_list(result), folder)


def save_targets(targets: TargetList, folder: Path) -> Drawn:
    """Draw targets on the sky, and save the figure."""
    figure, backdrop = _drawn(targets)
    behind = backdrop.title if backdrop else "the survey as rendered"
    regional = targets.extent.radius_deg < WIDEST_REGION_DEG
    unknown = int(targets.uncatalogued.sum())
    field = _field(targets)
    shown = (
        f"{'Gnomonic' if regional else 'Mollweide'} projection in Galactic coordinates, longitude growing to "
        "the left."
    )
    caption = (
        f"The {len(targets)} targets over {behind}: the best tile of each group of overlapping matches "
        f"({targets.matched}), numbered from the best on. Circles: something is catalogued there, whose "
        f"name is written; stars: nothing is ({unknown}). Dashed: the reference. "
        f"{shown if field is None else field.words}"
    )
    return save_figure(
        figure, targets, folder, name="targets", caption=caption,
        title=f"Targets like {shortened(targets.reference_name)}",
        credit=backdrop.credit if backdrop else "",
    )  # fmt: skip


def targets_figure(targets: TargetList) -> Figure:
    """Draw targets on the sky; needs no survey where an all-sky picture is installed."""
    return _drawn(targets)[0]


def _drawn(targets: TargetList) -> tuple[Figure, Backdrop | None]:
    field = _field(targets)
    if field is not None:
        figure = new_figure(9, 8.4)
        sky = field_axes(figure, (0.13, 0.13, 0.84, 0.8), field)
    else:
        figure = new_figure(12, 6.9)
        sky = axes_for(figure, (0.04, 0.07, 0.92, 0.86), targets.extent, "mollweide")
    regional = targets.extent.radius_deg < WIDEST_REGION_DEG
    backdrop = None if regional else far_infrared_sky()
    if backdrop is not None:
        sky.paint(DIMMED * backdrop.at(*sky.positions()))
    elif targets.found is not None:
        sky.paint(DIMMED * seen_colours(targets.found, *sky.positions()))
    query = Query.from_dict(targets.provenance.query)
    draw_tiles(sky, query.footprints, colors=REFERENCE_COLOUR, linewidths=2, linestyles="--", zorder=4)
    _mark(sky, targets)
    more = f" of {targets.groups}" if targets.groups > len(targets) else ""
    name = literal(shortened(targets.reference_name, 50))
    sky.axes.set_title(f"{len(targets)}{more} targets like {name}")
    _legend(figure, targets, name)
    return figure, backdrop


def _field(targets: TargetList) -> Field | None:
    """Frame and pixels of a small field, where its survey is at hand."""
    return None if targets.found is None else field_of(targets.found)


def _mark(sky: SkyAxes, targets: TargetList) -> None:
    """Draw the targets, and write the names of the best and the numbers of the others beside them."""
    if not len(targets):
        sky.axes.text(
            0.5, 0.5, f"no target: no tile away from the reference\nhas {targets.matched}",
            transform=sky.axes.transAxes, ha="center", va="center", fontsize=13, zorder=8, **WHITE_ON_BLACK,
        )  # fmt: skip
        return
    lon, lat = (targets.table[name].to_value(u.deg) for name in ("lon", "lat"))
    points = sky.place(lon, lat)
    unknown = targets.uncatalogued
    for chosen, how in ((~unknown, KNOWN), (unknown, UNKNOWN)):
        sky.axes.scatter(*points[chosen].T, zorder=6, **how)
    _name(sky, points, _labels(targets))


def _labels(targets: TargetList) -> list[str]:
    """Write number and name of each target, what is catalogued or its designation; then numbers alone."""
    labels = [str(rank) for rank in targets.table["rank"]]
    for place, row in enumerate(targets.table[:NAMED]):
        name = str(row["known_name"]).split(" (")[0] or str(row["name"]).split(" ", 1)[1]
        labels[place] += f" {shortened(name, LONGEST_LABEL)}"
    return labels


def _name(sky: SkyAxes, points: Numbers, labels: list[str]) -> None:
    """Write the first labels where there is room, joined by lines, and the others close to their points."""
    how = {"va": "center", "zorder": 7, **WHITE_ON_BLACK}
    for (x, y), label in zip(points[NAMED:] + BESIDE, labels[NAMED:], strict=True):
        sky.axes.text(x, y, label, fontsize=6.5, ha="left", **how)
    named = points[:NAMED]
    texts = [sky.axes.text(0, 0, literal(label), fontsize=8, ha="center", **how) for label in labels[:NAMED]]
    sky.axes.apply_aspect()
    scale = sky.axes.bbox.width / COLUMNS
    boxes = [text.get_window_extent() for text in texts]
    sizes = np.array([[box.width, box.height] for box in boxes]) / scale
    keep_clear = np.concatenate([sky.marks, points[NAMED:], points[NAMED:] + 2 * BESIDE])
    centres = place_labels(named, sizes, sky.holds, LONGEST_LEADER, keep_clear)
    for text, centre, extent, point in zip(texts, centres, sizes, named, strict=True):
        text.set_position(tuple(centre))
        near = np.clip(point, centre - extent / 2, centre + extent / 2)
        sky.axes.plot(*np.stack([point, near]).T, **LEADER)


def _legend(figure: Figure, targets: TargetList, name: str) -> None:
    unknown = int(targets.uncatalogued.sum())
    edge: dict[str, Any] = {"linestyle": "", "markeredgecolor": "black"}
    handles = [
        Line2D([], [], marker="o", color=ORANGE, label=f"catalogued ({len(targets) - unknown})", **edge),
        Line2D([], [], marker="*", color=UNKNOWN_COLOUR, markersize=11,
               label=f"nothing catalogued within {targets.known_within_deg:.3g}° ({unknown})", **edge),
        Line2D([], [], color=REFERENCE_COLOUR, lw=2, ls="--", label=f"reference: {name}",
               path_effects=[withStroke(linewidth=3, foreground="0.6")]),
    ]  # fmt: skip
    figure.legend(handles=handles, loc="lower center", ncols=3, fontsize=9)

"""Regions, tiles and names drawn over an all-sky map."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.patheffects import withStroke

from skykin.core.clean import lines
from skykin.core.footprint import Footprint
from skykin.core.shapes import Numbers
from skykin.products.figures.labels import place_labels
from skykin.products.figures.sky_axes import WHITE_ON_BLACK, SkyAxes
from skykin.products.mapped import MappedTiles
from skykin.products.result import numbers

#: Longest line from a point to its name, in shares of the width.
LONGEST_LEADER = 1 / 6
#: How the regions are drawn: by shape, so that it shows without colour.
FOUND: dict[str, Any] = {
    "marker": "o",
    "s": 26,
    "facecolors": "white",
    "edgecolors": "black",
    "linewidths": 0.8,
}
MISSED: dict[str, Any] = {
    "marker": "X",
    "s": 30,
    "facecolors": "black",
    "edgecolors": "white",
    "linewidths": 0.8,
}
UNCOUNTED: dict[str, Any] = {
    "marker": "D", "s": 20, "facecolors": "0.75", "edgecolors": "black", "linewidths": 0.8,
}  # fmt: skip
#: The line from a point, which is marked, to its name.
LEADER: dict[str, Any] = {
    "color": "white", "linewidth": 0.7, "zorder": 4, "marker": ".", "markevery": [0], "markersize": 4,
    "path_effects": [withStroke(linewidth=1.7, foreground="black")],
}  # fmt: skip


def draw_tiles(sky: SkyAxes, footprints: Sequence[Footprint], **options: Any) -> None:
    """Draw the outlines of footprints."""
    if footprints:
        outlines = [footprint.outline(points_on(footprint)) for footprint in footprints]
        sky.outline(outlines, **options)


def points_on(footprint: Footprint) -> int:
    """How many points along a side draw a footprint smoothly on an all-sky map."""
    return max(8, math.ceil(max(footprint.width_deg, footprint.height_deg)))


def draw_regions(sky: SkyAxes, result: MappedTiles) -> None:
    """Mark the annotated regions: circles where recovered, crosses where not, diamonds where not counted."""
    where = sky.place(numbers(result.regions["lon_deg"]), numbers(result.regions["lat_deg"]))
    recovered, counted = (np.asarray(result.regions[name], dtype=bool) for name in ("recovered", "counted"))
    for chosen, how, label in (
        (recovered & counted, FOUND, "recovered"),
        (~recovered & counted, MISSED, "not recovered"),
        (~counted, UNCOUNTED, "not counted"),
    ):
        seen = chosen & sky.holds(where)
        if seen.any():
            sky.axes.scatter(*where[seen].T, zorder=5, label=f"region {label} ({seen.sum()})", **how)


def name_regions(sky: SkyAxes, result: MappedTiles, chosen: Numbers, size: float = 8.0) -> None:
    """Write the names of the chosen regions near them, joined by thin lines, none upon another."""
    if not len(chosen):
        return
    rows = result.regions[chosen]
    points = sky.place(numbers(rows["lon_deg"]), numbers(rows["lat_deg"]))
    texts = [
        sky.axes.text(
            0, 0, literal(name), fontsize=size, ha="center", va="center", zorder=7, **WHITE_ON_BLACK
        )
        for name in rows["name"]
    ]
    sky.axes.apply_aspect()
    columns = sky.shape[1]
    scale = sky.axes.bbox.width / columns
    boxes = [text.get_window_extent() for text in texts]
    sizes = np.array([[box.width, box.height] for box in boxes]) / scale
    centres = place_labels(points, sizes, sky.holds, LONGEST_LEADER * columns, sky.marks)
    for text, centre, extent, point in zip(texts, centres, sizes, points, strict=True):
        text.set_position(tuple(centre))
        near = np.clip(point, centre - extent / 2, centre + extent / 2)
        sky.axes.plot(*np.stack([point, near]).T, **LEADER)


def literal(text: object) -> str:
    """Keep matplotlib from reading dollar signs as mathematics, and from drawing control characters."""
    return lines(text).replace("$", r"\$")

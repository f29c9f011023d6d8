"""The figure of a heat map without significance: scores on the sky."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from skykin.catalogue.query import Query
from skykin.core.extent import Extent
from skykin.products.figures.annotations import draw_tiles, literal
from skykin.products.figures.canvas import new_figure
from skykin.products.figures.sky_axes import axes_for
from skykin.products.score_map import ScoreMap


def scores_alone_figure(painted: ScoreMap, query: Query, extent: Extent, title: str) -> Figure:
    """Draw the scores on the part of the sky that is given, the least 0.5 % cut off, and the references."""
    figure = new_figure(12, 7.2)
    sky = axes_for(figure, (0.05, 0.13, 0.9, 0.81), extent, "mollweide")
    lon_deg, lat_deg = sky.positions()
    values = painted.at(np.nan_to_num(lon_deg), np.nan_to_num(lat_deg))
    known = np.asarray(painted.columns["SCORE"], np.float64)
    known = known[np.isfinite(known)]
    low, high = (float(np.quantile(known, 0.005)), float(known.max())) if known.size else (0.0, 1.0)
    norm = Normalize(low, max(high, low + 1e-6))
    image = sky.paint(np.where(np.isfinite(lon_deg), values, np.nan), cmap="cividis", norm=norm)
    draw_tiles(sky, query.footprints, colors="white", linewidths=1.6, linestyles="--", zorder=6)
    figure.colorbar(
        image, cax=figure.add_axes((0.25, 0.085, 0.5, 0.02)), orientation="horizontal", extend="min",
        label=f"score (similarity to {literal(query.name)}, no unit)",
    )  # fmt: skip
    sky.axes.set_title(literal(title))
    return figure

"""The survey in the colours that the network saw, all-sky."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from scipy.ndimage import binary_dilation, binary_erosion

from skykin.core.extent import Extent
from skykin.core.protocols import ColouredSky
from skykin.core.shapes import Numbers
from skykin.products.figures.annotations import literal
from skykin.products.figures.canvas import BLANK, Drawn, new_figure, save_figure
from skykin.products.figures.sky_axes import COLUMNS, MOLLWEIDE_HALF_DEG, axes_for
from skykin.products.mapped import MappedTiles
from skykin.products.preview import WIDEST_REGION_DEG, colours_at

#: Gaps are shown from this width on; many of the narrower ones are single pointings with a bright star.
WIDE_GAP_DEG = 3.0
#: The primary colours of the picture itself, not of a palette.
PRIMARIES = {"red": "#FF0000", "green": "#00FF00", "blue": "#0000FF"}


def wide_gaps(gaps: Numbers) -> Numbers:
    """Keep of the gaps of a Mollweide map, bool (rows, columns), the parts near a whole disc without data."""
    radius = WIDE_GAP_DEG / 2 * COLUMNS / (2 * MOLLWEIDE_HALF_DEG)
    # Half as much again reaches into the corners of a square.
    return np.asarray(binary_dilation(binary_erosion(gaps, _disc(radius)), _disc(1.5 * radius)) & gaps)


def _disc(radius: float) -> Numbers:
    across = np.arange(-math.ceil(radius), math.ceil(radius) + 1)
    return np.asarray(np.hypot(across, across[:, None]) <= radius)


def survey_figure(sky: ColouredSky, title: str, bands: Sequence[str], extent: Extent) -> Figure:
    """Draw a rendered survey in Mollweide, a part of the sky in gnomonic, with a legend of its bands."""
    figure = new_figure(12, 6.8)
    axes = axes_for(figure, (0.05, 0.09, 0.9, 0.83), extent, "mollweide")
    colours, coverage = colours_at(sky, *axes.positions())
    gaps = (coverage == 0) & np.isfinite(colours[..., 0])
    colours[gaps if extent.radius_deg < WIDEST_REGION_DEG else wide_gaps(gaps)] = np.nan
    axes.paint(colours)
    axes.axes.set_title(literal(title))
    handles = [
        Patch(facecolor=colour, edgecolor="black", label=f"{name}: {literal(band)}")
        for (name, colour), band in zip(PRIMARIES.items(), bands, strict=True)
    ]
    handles.append(Patch(facecolor=BLANK, edgecolor="black", label="grey: no data"))
    figure.legend(handles=handles, loc="lower center", ncols=4, fontsize=10)
    return figure


def draw_rendered_sky(result: MappedTiles, folder: Path) -> Drawn:
    """Draw the rendered survey in Mollweide, with a legend of its three bands."""
    title = f"{result.survey.title} in the colours of the search"
    figure = survey_figure(result.sky, title, result.survey.bands, result.survey.extent)
    regional = result.survey.extent.radius_deg < WIDEST_REGION_DEG
    bands = "; ".join(f"{name}: {band}" for name, band in zip(PRIMARIES, result.survey.bands, strict=True))
    caption = f"{result.survey.title} as it was shown to the network. {bands}; grey: no data. " + (
        "Gnomonic projection in Galactic coordinates, longitude growing to the left."
        if regional
        else f"Gaps narrower than about {WIDE_GAP_DEG:g}°, as around bright stars, are filled in. "
        "Mollweide projection in Galactic coordinates, the Galactic centre in the middle, "
        "longitude growing to the left."
    )
    return save_figure(figure, result, folder, name="figure-3-rendered-sky", title=title, caption=caption)

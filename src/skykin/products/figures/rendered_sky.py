"""The survey in the colours that the network saw, all-sky."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from matplotlib.patches import Patch
from scipy.ndimage import binary_dilation, binary_erosion

from skykin.core.shapes import Numbers
from skykin.products.figures.annotations import literal
from skykin.products.figures.canvas import BLANK, Drawn, new_figure, save_figure
from skykin.products.figures.sky_axes import COLUMNS, MOLLWEIDE_HALF_DEG, mollweide_axes
from skykin.products.preview import colours_at
from skykin.products.result import KinMap

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


def draw_rendered_sky(result: KinMap, folder: Path) -> Drawn:
    """Draw the rendered survey in Mollweide, with a legend of its three bands."""
    figure = new_figure(12, 6.8)
    sky = mollweide_axes(figure, (0.05, 0.09, 0.9, 0.83))
    colours, coverage = colours_at(result.sky, *sky.positions())
    colours[wide_gaps((coverage == 0) & np.isfinite(colours[..., 0]))] = np.nan
    sky.paint(colours)
    title = f"{result.survey_title} in the colours of the search"
    sky.axes.set_title(literal(title))
    handles = [
        Patch(facecolor=colour, edgecolor="black", label=f"{name}: {literal(band)}")
        for (name, colour), band in zip(PRIMARIES.items(), result.bands, strict=True)
    ]
    handles.append(Patch(facecolor=BLANK, edgecolor="black", label="grey: no data"))
    figure.legend(handles=handles, loc="lower center", ncols=4, fontsize=10)
    bands = "; ".join(f"{name}: {band}" for name, band in zip(PRIMARIES, result.bands, strict=True))
    caption = (
        f"{result.survey_title} as it was shown to the network. {bands}; grey: no data. "
        f"Gaps narrower than about {WIDE_GAP_DEG:g}°, as around bright stars, are filled in. "
        "Mollweide projection in Galactic coordinates, the Galactic centre in the middle, "
        "longitude growing to the left."
    )
    return save_figure(figure, result, folder, name="figure-3-rendered-sky", title=title, caption=caption)

"""The survey in the colours that the network saw, all-sky."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from scipy.ndimage import binary_dilation, binary_erosion

from skykin.core.protocols import ColouredSky
from skykin.core.shapes import Numbers
from skykin.products.field import Field, field_of
from skykin.products.figures.annotations import literal
from skykin.products.figures.canvas import Drawn, new_figure, save_figure
from skykin.products.figures.sky_axes import COLUMNS, MOLLWEIDE_HALF_DEG, mollweide_axes
from skykin.products.figures.small_field import band_legend, survey_field_figure
from skykin.products.mapped import MappedTiles
from skykin.products.preview import colours_at
from skykin.products.wording import band_words

#: Gaps are shown from this width on; many of the narrower ones are single pointings with a bright star.
WIDE_GAP_DEG = 3.0


def wide_gaps(gaps: Numbers) -> Numbers:
    """Keep of the gaps of a Mollweide map, bool (rows, columns), the parts near a whole disc without data."""
    radius = WIDE_GAP_DEG / 2 * COLUMNS / (2 * MOLLWEIDE_HALF_DEG)
    # Half as much again reaches into the corners of a square.
    return np.asarray(binary_dilation(binary_erosion(gaps, _disc(radius)), _disc(1.5 * radius)) & gaps)


def _disc(radius: float) -> Numbers:
    across = np.arange(-math.ceil(radius), math.ceil(radius) + 1)
    return np.asarray(np.hypot(across, across[:, None]) <= radius)


def survey_figure(sky: ColouredSky, title: str, bands: Sequence[str], field: Field | None) -> Figure:
    """Draw a rendered survey with a legend of its bands: a small field, or the whole sky in Mollweide."""
    if field is not None:
        return survey_field_figure(sky, title, bands, field)
    figure = new_figure(12, 6.8)
    axes = mollweide_axes(figure, (0.05, 0.09, 0.9, 0.83))
    colours, coverage = colours_at(sky, *axes.positions())
    colours[wide_gaps((coverage == 0) & np.isfinite(colours[..., 0]))] = np.nan
    axes.paint(colours)
    axes.axes.set_title(literal(title))
    figure.legend(handles=band_legend(bands), loc="lower center", ncols=4, fontsize=10)
    return figure


def draw_rendered_sky(result: MappedTiles, folder: Path) -> Drawn:
    """Draw the rendered survey, with a legend of its bands."""
    title, field = f"{result.survey.title} in the colours of the search", field_of(result)
    figure = survey_figure(result.sky, title, result.survey.bands, field)
    bands = "; ".join(text for _, text in band_words(result.survey.bands))
    caption = f"{result.survey.title} as it was shown to the network. {bands}; dark grey: no data. " + (
        field.words
        if field is not None
        else f"Gaps narrower than about {WIDE_GAP_DEG:g}°, as around bright stars, are filled in. "
        "Mollweide projection in Galactic coordinates, the Galactic centre in the middle, "
        "longitude growing to the left."
    )
    return save_figure(figure, result, folder, name="figure-3-rendered-sky", title=title, caption=caption)

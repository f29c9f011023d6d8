"""The figure of an agreement: every map beside the rank product, each by its share of the sky."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from astropy import units as u
from astropy_healpix import HEALPix
from matplotlib.colors import LogNorm

from skykin.core.shapes import Numbers
from skykin.products.figures.annotations import literal
from skykin.products.figures.canvas import Drawn, new_figure, save_figure
from skykin.products.figures.sky_axes import mollweide_axes

if TYPE_CHECKING:
    from skykin.products.agreement import Agreement

COLUMNS = 2
LOWEST, HIGHEST = 0.002, 1.0


def draw_agreement(result: Agreement, folder: Path) -> Drawn:
    """Draw the share of the sky that ranks at least as high: in all maps together, then in each."""
    panels = [("All together: rank product", result.on_pixels("sky_share"))]
    panels += [(title, result.on_pixels(f"share_{name}")) for name, title in result.maps.items()]
    rows = -(-len(panels) // COLUMNS)
    figure = new_figure(12, 3.25 * rows + 1.1)
    low = 0.95 / (3.25 * rows + 1.1)
    height = (1 - low) / rows
    grid = HEALPix(result.nside, order="ring")
    for number, (title, values) in enumerate(panels):
        row, column = divmod(number, COLUMNS)
        box = (0.04 + 0.49 * column, 1 - (row + 1) * height, 0.45, height * 0.86)
        sky = mollweide_axes(figure, box)
        lon, lat = sky.positions()
        known = np.isfinite(lon)
        picture: Numbers = np.full(lon.shape, np.nan)
        picture[known] = values[grid.lonlat_to_healpix(lon[known] * u.deg, lat[known] * u.deg)]
        image = sky.paint(
            100 * picture, cmap="cividis_r", norm=LogNorm(100 * LOWEST, 100 * HIGHEST, clip=True)
        )
        sky.axes.set_title(literal(title), fontsize=10)
    bar = figure.colorbar(
        image, cax=figure.add_axes((0.25, 0.55 * low, 0.5, 0.16 * low)), orientation="horizontal",
        label=f"share of the sky at least as like {literal(result.reference_name)} (%)",
    )  # fmt: skip
    ticks = [0.2, 1, 5, 20, 100]
    bar.set_ticks(ticks, labels=[f"{tick:g}" for tick in ticks])
    caption = (
        f"Share of the sky that is at least as like {result.reference_name}: by the rank product of all "
        "maps, and by each alone; bright is alike. Mollweide projection in Galactic coordinates; grey: no "
        "data."
    )
    return save_figure(
        figure, result, folder, name="agreement", title="Agreement of the maps", caption=caption
    )

"""The figure of an agreement: every map beside the rank product, each by its share of the sky."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from astropy import units as u
from astropy_healpix import HEALPix
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from skykin.core.shapes import Numbers
from skykin.products.figures.annotations import literal
from skykin.products.figures.canvas import new_figure
from skykin.products.figures.sky_axes import mollweide_axes

COLUMNS = 2
LOWEST, HIGHEST = 0.002, 1.0


def agreement_figure(shares: Mapping[str, Numbers], nside: int, reference_name: str) -> Figure:
    """Draw the share of the sky that ranks at least as high, a panel for each title.

    Parameters
    ----------
    shares : Mapping of str to array (12 nside²,)
        From 0 to 1, on a HEALPix grid (RING, Galactic); NaN where nothing is known.
    nside : int
    reference_name : str
    """
    rows = -(-len(shares) // COLUMNS)
    figure = new_figure(12, 3.25 * rows + 1.1)
    low = 0.95 / (3.25 * rows + 1.1)
    height = (1 - low) / rows
    grid = HEALPix(nside, order="ring")
    for number, (title, values) in enumerate(shares.items()):
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
        label=f"share of the sky at least as similar to {literal(reference_name)} (%)",
    )  # fmt: skip
    ticks = [0.2, 1, 5, 20, 100]
    bar.set_ticks(ticks, labels=[f"{tick:g}" for tick in ticks])
    return figure

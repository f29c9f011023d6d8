"""How bright the tiles of a facet are in the survey's own unit."""

from __future__ import annotations

import math

import numpy as np

from skykin.core.protocols import Survey
from skykin.core.shapes import Numbers
from skykin.style.engine.cells import Lattice, tile_sums
from skykin.survey.intensity import INTENSITY_POSITIONS, intensity
from skykin.tiling.facets import Facet

#: Rows of positions that are looked up at a time: bounds the memory whatever the survey needs for one.
ROWS_AT_ONCE = 64


def mean_intensities(survey: Survey, facet: Facet) -> Numbers:
    """Mean intensity over the covered part of each tile, in the survey's unit.

    Neighbours share what is looked up: one position per small square of the facet, of which at least
    `INTENSITY_POSITIONS` lie along a tile.

    Parameters
    ----------
    survey : Survey
    facet : Facet

    Returns
    -------
    float64 array (rows, columns)
        For every tile of the facet's lattice; NaN where nothing is covered.
    """
    side = _square(facet)
    rows, columns = (length // side for length in facet.shape)
    light, weight = np.empty((rows, columns)), np.empty((rows, columns))
    for start in range(0, rows, ROWS_AT_ONCE):
        part = slice(start, min(start + ROWS_AT_ONCE, rows))
        down, across = np.mgrid[part, :columns]
        values, weight[part] = survey.sample(*facet.square_centers(side, side, down, across))
        light[part] = intensity(survey, values) * weight[part]
    lattice = Lattice(*facet.shape, facet.tile, facet.spacing)
    covered = tile_sums(weight, lattice)
    # Sums over tiles are differences of large ones: less than this is nothing.
    covered[covered < 1e-6] = np.nan
    return np.asarray(tile_sums(light, lattice) / covered)


def _square(facet: Facet) -> int:
    """Side of the squares, pixels: the largest of which tile and spacing are made."""
    common = math.gcd(facet.tile, facet.spacing)
    fit = [n for n in range(1, common + 1) if common % n == 0 and facet.tile // n >= INTENSITY_POSITIONS]
    return max(fit, default=1)

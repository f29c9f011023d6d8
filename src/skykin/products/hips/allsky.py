"""The file ``Allsky`` of a HiPS: all tiles of an order, reduced and side by side."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from skykin.core.shapes import Numbers
from skykin.products.hips.reduce import Reduce

#: Order of the tiles, where there is one so fine, and pixels along a side of a reduced tile.
ALLSKY_ORDER, REDUCED = 3, 64


def allsky(tile: Callable[[int], Numbers | None], order: int, reduce: Reduce, blank: Numbers) -> Numbers:
    """Reduced tiles of an order in rows of ⌊√(12·4^order)⌋, from the top left.

    Parameters
    ----------
    tile : callable
        From the number of a tile to its pixels (512, 512, ...), None where there is none.
    order : int
    reduce : callable
        Halves the sides of a tile.
    blank : array (...)
        A pixel without data.

    References
    ----------
    Fernique et al. 2017, HiPS 1.0, IVOA Recommendation, section 4.3.2.
    """
    count = 12 << 2 * order
    across = math.isqrt(count)
    rows = -(-count // across)
    image = np.empty((rows * REDUCED, across * REDUCED, *blank.shape), blank.dtype)
    image[:] = blank
    for number in range(count):
        pixels = tile(number)
        if pixels is not None:
            while len(pixels) > REDUCED:
                pixels = reduce(pixels)
            row, column = (REDUCED * index for index in divmod(number, across))
            image[row : row + REDUCED, column : column + REDUCED] = pixels
    return image

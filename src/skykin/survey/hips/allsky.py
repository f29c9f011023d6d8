"""The file ``Allsky`` of a HiPS: all tiles of an order, reduced and side by side."""

from __future__ import annotations

import math

import numpy as np

from skykin.core.errors import HeaderInvalidError, shown
from skykin.core.shapes import Numbers
from skykin.survey.healpix.cell_map import CellMap
from skykin.survey.hips.cells import places, read_tile

#: Tiles of finer orders would make an image of more than 3500 tiles.
FINEST_ORDER = 4


def cells_of_allsky(content: bytes, file: str, order: int) -> CellMap:
    """Cells of an Allsky file: its tiles run in rows of ⌊√(12·4^order)⌋ from the top left.

    Parameters
    ----------
    content : bytes
    file : str
        Its path within the HiPS.
    order : int
        Of the tiles.

    Raises
    ------
    InputRefusedError
        If it cannot be decoded, or has not the sides that its tiles need.

    References
    ----------
    Fernique et al. 2017, HiPS 1.0, IVOA Recommendation, section 4.3.2.
    """
    image = read_tile(content, file)[::-1]  # from the top
    tiles = 12 * 4**order
    across = math.isqrt(tiles)
    width = image.shape[1] // across
    fits = 1 <= width == image.shape[1] / across and image.shape[0] >= width * -(-tiles // across)
    if not fits or width & (width - 1):
        raise HeaderInvalidError(
            f"{shown(file)} has {image.shape[1]} × {image.shape[0]} pixels, but its {tiles} tiles stand in "
            f"rows of {across}, each a power of two wide; choose another HiPS",
            code="IN-DIM",
        )
    values = np.empty((tiles, width * width, image.shape[2]), np.float32)
    shift = width.bit_length() - 1
    for number in range(tiles):
        row, column = (width * index for index in divmod(number, across))
        tile: Numbers = image[row : row + width, column : column + width][::-1]
        values[number] = tile.reshape(-1, image.shape[2])[places(shift)]
    return CellMap.of(order + shift, values.reshape(-1, image.shape[2]))

"""Where the pixels of a HiPS tile lie on the sky, and which tiles a part of the sky needs."""

from __future__ import annotations

import math
from functools import cache
from typing import Literal

import numpy as np
from astropy import units as u
from astropy.coordinates import Latitude, Longitude
from astropy_healpix.core import healpix_to_lonlat
from mocpy import MOC

from skykin.core.extent import Extent
from skykin.core.frames import from_galactic, to_galactic
from skykin.core.shapes import Degrees, Numbers
from skykin.survey.healpix.cells import cell_side_deg

HipsFrame = Literal["galactic", "icrs"]
#: Pixels along a side of a tile, and its logarithm: by so much a pixel's level is above its tile's order.
WIDTH, SHIFT = 512, 9
#: Pixels of a finer order have no HEALPix number of 63 bits.
FINEST_ORDER = 20


def pixel_deg(order: int) -> float:
    """Side of a pixel of a tile, the root of its area, degrees: 0.115 at order 0."""
    return cell_side_deg(order + SHIFT)


def recommended_order(finest_deg: float) -> int:
    """Coarsest order whose pixels are not larger than the finest detail of a survey, such as its pixel."""
    order = 0
    while order < FINEST_ORDER and pixel_deg(order) > finest_deg:
        order += 1
    return order


def tile_positions(order: int, npix: int, frame: HipsFrame) -> tuple[Degrees, Degrees]:
    """Galactic longitude and latitude of each pixel centre of a tile, degrees.

    Parameters
    ----------
    order, npix : int
        Of the tile: a HEALPix cell of NSIDE 2^order in NESTED order.
    frame : {"galactic", "icrs"}
        Of the HiPS.

    Returns
    -------
    lon_deg, lat_deg : array (512, 512)
        The first row is the top of the tile as a picture.  It begins with the cell's southern corner and ends
        with its eastern one; the last row ends with the northern corner.

    References
    ----------
    Fernique et al. 2017, HiPS 1.0, IVOA Recommendation, section 4.1.
    """
    pixels = (npix << 2 * SHIFT) + nested(WIDTH)
    lon, lat = healpix_to_lonlat(pixels, 1 << (order + SHIFT), order="nested")
    return to_galactic(lon.to_value(u.deg), lat.to_value(u.deg), frame)


def tile_centre(order: int, npix: int, frame: HipsFrame) -> tuple[float, float]:
    """Galactic longitude and latitude of the centre of a tile, degrees."""
    lon, lat = healpix_to_lonlat(np.array([npix]), 1 << order, order="nested")
    lon_deg, lat_deg = to_galactic(lon.to_value(u.deg), lat.to_value(u.deg), frame)
    return float(lon_deg[0]), float(lat_deg[0])


@cache
def nested(width: int) -> Numbers:
    """Give the number within a cell, NESTED, of each pixel of a tile (rows from the top, columns)."""
    side = np.arange(width)
    return nested_at(side[:, None], side[None, :], width.bit_length() - 1)


def nested_at(rows: Numbers, columns: Numbers, bits: int) -> Numbers:
    """Give the numbers within a cell, NESTED, of pixels of a tile that is 2^bits wide.

    The bits of a NESTED number are those of two coordinates in turn: the first, from the southern to the
    eastern corner of a cell, is the row of a tile; the second, from the southern to the western one, its
    column.
    """
    found = np.zeros(np.broadcast_shapes(np.shape(rows), np.shape(columns)), np.int64)
    for bit in range(bits):
        found |= ((rows >> bit) & 1) << 2 * bit | ((columns >> bit) & 1) << (2 * bit + 1)
    return found


def tiles_of(extent: Extent, order: int, frame: HipsFrame) -> list[int]:
    """Numbers of the tiles of an order that a cap of the sky touches, growing."""
    if extent.is_all_sky:
        return list(range(12 << 2 * order))
    lon, lat = from_galactic(np.array([extent.lon_deg]), np.array([extent.lat_deg]), frame)
    touched = MOC.from_cone(
        Longitude(lon[0] * u.deg), Latitude(lat[0] * u.deg), radius=extent.radius_deg * u.deg, max_depth=order
    )
    return sorted(int(cell) for cell in touched.flatten())


def tile_radius_deg(order: int) -> float:
    r"""Largest distance from the centre of a tile to a corner, degrees, at any place of the sky.

    .. math:: \angle\left((z, \phi) = (\tfrac23, \tfrac{\pi}{4 N}),
              \ (1 - \tfrac13 (1 - \tfrac1N)^2, 0)\right), \qquad N = 2^{order}

    as in the HEALPix libraries (``max_pixrad``).
    """
    nside = float(1 << order)
    one, other = 2 / 3, 1 - (1 - 1 / nside) ** 2 / 3
    along = math.sqrt((1 - one * one) * (1 - other * other)) * math.cos(math.pi / (4 * nside))
    return math.degrees(math.acos(min(one * other + along, 1.0)))


def children(npix: int) -> tuple[int, int, int, int]:
    """Tiles of the next finer order within a tile: from its top left, top right, lower left and lower right.

    The first bit of a child's number is its row, the second its column.
    """
    first = npix << 2
    return first, first + 2, first + 1, first + 3

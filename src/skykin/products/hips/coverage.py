"""The file ``Moc.fits`` of a HiPS: which part of the sky it covers."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy_healpix.core import healpix_to_lonlat, lonlat_to_healpix
from mocpy import MOC

from skykin.core.frames import from_galactic, to_galactic
from skykin.core.shapes import Numbers
from skykin.products.hips.geometry import HipsFrame

#: Positions along a side of a cell of another frame at which equatorial cells are looked up: none is missed
#: that shares more than a corner with it.
POSITIONS = 4


def moc_of_cells(cells: Numbers | Sequence[int], order: int, frame: HipsFrame) -> MOC:
    """Coverage of HEALPix cells of one order in a frame, in equatorial coordinates as the standard wants.

    Parameters
    ----------
    cells : int array (n,)
        Numbers in NESTED order.
    order : int
    frame : {"galactic", "icrs"}
    """
    cells = np.asarray(cells, np.int64)
    if len(cells) == 12 << 2 * order:
        return MOC.from_str("0/0-11")
    if frame != "icrs":
        within = (np.arange(POSITIONS) + 0.5) / POSITIONS
        dx, dy = (part.ravel() for part in np.meshgrid(within, within))
        lon, lat = healpix_to_lonlat(cells[:, None], 1 << order, dx[None, :], dy[None, :], order="nested")
        galactic = to_galactic(lon.to_value(u.deg).ravel(), lat.to_value(u.deg).ravel(), frame)
        ra, dec = from_galactic(*galactic, "icrs")
        cells = np.unique(lonlat_to_healpix(ra * u.deg, dec * u.deg, 1 << order, order="nested"))
    depth = np.full(len(cells), order, np.uint8)
    return MOC.from_healpix_cells(cells.astype(np.uint64), depth, max_depth=order)


def moc_bytes(moc: MOC) -> bytes:
    """Encode a MOC as the bytes of ``Moc.fits``."""
    stream = io.BytesIO()
    written: fits.HDUList = moc.serialize("fits")
    written.writeto(stream)
    return stream.getvalue()

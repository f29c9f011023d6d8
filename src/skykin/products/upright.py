"""World coordinates of a picture whose first row is in the south, as FITS and plots have it."""

from __future__ import annotations

from astropy.wcs import WCS

from skykin.core.footprint import Footprint


def upright_wcs(footprint: Footprint, shape: tuple[int, int]) -> WCS:
    """Turn the world coordinates of a footprint, row 0 in the north, into the same with row 0 in the south.

    Parameters
    ----------
    footprint : Footprint
    shape : (rows, columns)
    """
    turned = footprint.wcs(shape)
    turned.wcs.cdelt = [turned.wcs.cdelt[0], -turned.wcs.cdelt[1]]
    turned.wcs.crpix = [turned.wcs.crpix[0], shape[0] + 1 - turned.wcs.crpix[1]]
    turned.wcs.set()
    return turned

"""Cutting the picture of a footprint out of the sky."""

from __future__ import annotations

from skykin.core.footprint import Footprint
from skykin.core.picture import Picture
from skykin.core.protocols import ColouredSky


def cut(sky: ColouredSky, footprint: Footprint, pixels: int) -> Picture:
    """Return the picture of `footprint`, `pixels` wide, its pixels as square as the footprint allows.

    Parameters
    ----------
    sky : ColouredSky
    footprint : Footprint
    pixels : int
        Columns of the picture.
    """
    rows = max(1, round(pixels * footprint.height_deg / footprint.width_deg))
    rgb, coverage = sky.colours(*footprint.pixel_positions((rows, pixels)))
    return Picture(rgb, coverage, footprint)

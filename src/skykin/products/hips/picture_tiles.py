"""A survey in colours as HiPS tiles, each rendered when it is requested."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skykin.core.extent import ALL_SKY, Extent
from skykin.core.protocols import ColouredSky
from skykin.core.shapes import Numbers
from skykin.products.hips.geometry import WIDTH, HipsFrame, tile_centre, tile_positions, tile_radius_deg


@dataclass(frozen=True, eq=False)
class PictureTiles:
    """Tiles of a survey as it is rendered for the network: the same colours, 8 bits.

    Parameters
    ----------
    sky : ColouredSky
        The survey rendered.
    frame : {"galactic", "icrs"}
        Of the HiPS.
    extent : Extent
        Cap of the sky that holds the survey; nothing is looked up outside.
    """

    sky: ColouredSky
    frame: HipsFrame = "galactic"
    extent: Extent = ALL_SKY

    def tile(self, order: int, npix: int) -> Numbers:
        """Colours and opacity of a tile, its first row at the top; transparent where there is no data.

        Parameters
        ----------
        order, npix : int

        Returns
        -------
        uint8 array (512, 512, 4)
        """
        pixels = np.zeros((WIDTH, WIDTH, 4), np.uint8)
        lon_deg, lat_deg = (np.array(angle) for angle in tile_centre(order, npix, self.frame))
        if self.extent.contains(lon_deg, lat_deg, tile_radius_deg(order)):
            lon, lat = tile_positions(order, npix, self.frame)
            colours, coverage = self.sky.colours(lon, lat)
            seen = coverage > 0
            pixels[seen, :3] = np.round(colours[seen] * 255).clip(0, 255)
            pixels[seen, 3] = 255
        return pixels

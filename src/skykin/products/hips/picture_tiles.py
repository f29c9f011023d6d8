"""A survey in colours as HiPS tiles, each rendered when it is requested."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skykin.core.extent import ALL_SKY, Extent
from skykin.core.protocols import ColouredSky
from skykin.core.shapes import RGB, Coverage, Numbers
from skykin.products.hips.gaps import shown_coverage
from skykin.products.hips.geometry import (
    WIDTH,
    HipsFrame,
    pixel_deg,
    tile_centre,
    tile_positions,
    tile_radius_deg,
)


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

        Narrow gaps of a survey of the whole sky are filled in, as they are for the network.

        Parameters
        ----------
        order, npix : int

        Returns
        -------
        uint8 array (512, 512, 4)
        """
        lon_deg, lat_deg = (np.array(angle) for angle in tile_centre(order, npix, self.frame))
        if not self.extent.contains(lon_deg, lat_deg, tile_radius_deg(order)):
            return np.zeros((WIDTH, WIDTH, 4), np.uint8)
        colours, coverage = self.sky.colours(*tile_positions(order, npix, self.frame))
        if self.extent.is_all_sky:
            coverage = shown_coverage(coverage, pixel_deg(order))
        return opaque(colours, coverage)


def opaque(colours: RGB, coverage: Coverage) -> Numbers:
    """Turn colours from 0 to 1 into 8 bits with opacity, uint8 (..., 4): 0 where nothing is covered."""
    pixels = np.zeros((*coverage.shape, 4), np.uint8)
    seen = coverage > 0
    pixels[seen, :3] = np.round(colours[seen] * 255).clip(0, 255)
    pixels[seen, 3] = 255
    return pixels

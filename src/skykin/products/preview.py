"""The sky in the colours that the network saw."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from skykin.core.extent import Extent
from skykin.core.footprint import WIDEST_TANGENT_DEG, Footprint
from skykin.core.shapes import RGB, Coverage, Degrees
from skykin.products.mapped import MappedTiles
from skykin.products.stamp import picture_texts

if TYPE_CHECKING:
    from skykin.core.protocols import ColouredSky

#: Surveys of a larger radius are shown on the whole sky: at 45° a gnomonic plane is twice as large.
WIDEST_REGION_DEG = 45.0
#: Positions requested at a time: bounds the memory whatever the survey needs per position.
CHUNK = 1 << 18


def sky_image(sky: ColouredSky, width: int = 2048) -> RGB:
    """Plate carrée picture of the whole sky, the Galactic centre in its middle, longitude to the left.

    Parameters
    ----------
    sky : ColouredSky
    width : int
        Columns; there are half as many rows.

    Returns
    -------
    float32 array (width / 2, width, 3)
        Colours from 0 to 1.  Gaps of the survey are filled in from around them, as they are for the network.
    """
    rows = width // 2
    lon_deg = (180.0 - (np.arange(width) + 0.5) * 360.0 / width) % 360.0
    lat_deg = 90.0 - (np.arange(rows) + 0.5) * 180.0 / rows
    return colours_at(sky, *np.broadcast_arrays(lon_deg[None, :], lat_deg[:, None]))[0]


def region_image(sky: ColouredSky, extent: Extent, width: int) -> RGB:
    """Gnomonic picture of the part of the sky that a survey saw, cropped to it; black where it did not.

    Parameters
    ----------
    sky : ColouredSky
    extent : Extent
        Cap that holds the survey.
    width : int
        Pixels on a side of the square about the cap.
    """
    side_deg = min(2 * extent.radius_deg, WIDEST_TANGENT_DEG)
    footprint = Footprint(extent.lon_deg, extent.lat_deg, side_deg)
    colours, coverage = sky.colours(*footprint.pixel_positions((width, width)))
    seen = coverage > 0
    picture = np.where(seen[..., None], colours, 0).astype(np.float32)
    if not seen.any():
        return picture
    rows, columns = (np.flatnonzero(seen.any(axis=axis)) for axis in (1, 0))
    return picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def colours_at(sky: ColouredSky, lon_deg: Degrees, lat_deg: Degrees) -> tuple[RGB, Coverage]:
    """Colours and coverage at any number of positions, requested in chunks.

    Positions that are NaN (off the sky, in the corners of a map) have the colour NaN and coverage 0.
    """
    lon, lat = np.ravel(lon_deg), np.ravel(lat_deg)
    colours = np.full((lon.size, 3), np.nan, dtype=np.float32)
    coverage = np.zeros(lon.size, dtype=np.float32)
    wanted = np.flatnonzero(np.isfinite(lon) & np.isfinite(lat))
    for start in range(0, wanted.size, CHUNK):
        chosen = wanted[start : start + CHUNK]
        colours[chosen], coverage[chosen] = sky.colours(lon[chosen], lat[chosen])
    shape = np.shape(lon_deg)
    return colours.reshape(*shape, 3), coverage.reshape(shape)


def seen_colours(result: MappedTiles, lon_deg: Degrees, lat_deg: Degrees) -> RGB:
    """Colours of the rendered survey; of a small one, NaN where it saw nothing."""
    colours, coverage = colours_at(result.sky, lon_deg, lat_deg)
    if result.survey.extent.radius_deg < WIDEST_REGION_DEG:
        colours[coverage == 0] = np.nan
    return colours


def write_preview(result: MappedTiles, path: Path, width: int = 2048) -> None:
    """Write the rendered sky, whole in plate carrée or a part in gnomonic, as PNG with the stamp in texts."""
    texts = PngInfo()
    for key, text in picture_texts(result, f"{result.survey.title} in the colours of the search").items():
        texts.add_itxt(key, text)
    regional = result.survey.extent.radius_deg < WIDEST_REGION_DEG
    picture = (
        region_image(result.sky, result.survey.extent, width // 2)
        if regional
        else sky_image(result.sky, width)
    )
    pixels = np.round(picture * 255.0).clip(0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(path, format="PNG", pnginfo=texts)

"""Rasters of the sky that a page holds: the survey in colours, and numbers of tiles."""

from __future__ import annotations

import base64
import io
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from skykin.core.frames import Frame, to_galactic
from skykin.core.protocols import ColouredSky
from skykin.core.shapes import Degrees, Numbers
from skykin.products.field import LONGEST_PIXELS, Field, field_of
from skykin.products.figures.backdrop import Backdrop
from skykin.products.hips.gaps import shown_coverage
from skykin.products.mapped import MappedTiles
from skykin.products.preview import colours_at

#: Columns of a picture of the whole sky, and pixels along the longer side of that of a field.
SKY_COLUMNS, FIELD_PIXELS = 2048, 1500
#: Columns of the coarsest raster of the whole sky; that of a field has half as many.
COARSEST = 1024
#: Pixels of numbers from one tile to the next.
PIXELS_PER_TILE = 4
QUALITY = 85
#: Numbers are kept in so many steps; 0 is no number.
STEPS = 65_534


@dataclass(frozen=True)
class PageSky:
    """The part of the sky that a page shows.

    Parameters
    ----------
    field : Field or None
        A small field, in a gnomonic picture; None for the whole sky in plate carrée.
    """

    field: Field | None

    @classmethod
    def of(cls, found: MappedTiles) -> PageSky:
        """Choose what shows a map."""
        return cls(field_of(found))

    @property
    def frame(self) -> Frame:
        """Frame of its graticule."""
        return "galactic" if self.field is None else self.field.frame

    @property
    def geometry(self) -> dict[str, Any]:
        """How the rasters lie on the sky, for the script of the page."""
        if self.field is None:
            return {"kind": "plate"}
        return {
            "kind": "tangent",
            "lon": self.field.lon_deg,
            "lat": self.field.lat_deg,
            "x": self.field.x_deg,
            "y": self.field.y_deg,
        }

    def shape(self, finest_deg: float) -> tuple[int, int]:
        """Rows and columns of a raster whose pixels need not be smaller than `finest_deg`."""
        if self.field is None:
            columns = min(SKY_COLUMNS, max(COARSEST, 2 * math.ceil(180 / finest_deg)))
            return columns // 2, columns
        tall, wide = (side / LONGEST_PIXELS for side in self.field.shape)
        wide_deg = max(high - low for low, high in (self.field.x_deg, self.field.y_deg))
        longest = min(FIELD_PIXELS, max(COARSEST // 2, math.ceil(wide_deg / finest_deg)))
        return max(2, round(longest * tall)), max(2, round(longest * wide))

    def positions(self, shape: tuple[int, int]) -> tuple[Degrees, Degrees]:
        """Galactic longitude and latitude of each pixel (rows, columns), the first row at the top."""
        across, down = ((np.arange(count) + 0.5) / count for count in (shape[1], shape[0]))
        if self.field is None:
            lon, lat = np.broadcast_arrays((180 - 360 * across[None, :]) % 360, 90 - 180 * down[:, None])
            return lon, lat
        rows, columns = self.field.shape
        x, y = np.meshgrid(across * columns - 0.5, (1 - down) * rows - 0.5)
        lon, lat = self.field.wcs.pixel_to_world_values(x, y)
        return to_galactic(lon, lat, self.frame)

    def picture(self, sky: ColouredSky | Backdrop) -> str:
        """Give the colours of a survey, or of a picture of the whole sky, as a ``data:`` address."""
        shape = self.shape(1e-9)
        positions = self.positions(shape)
        if isinstance(sky, Backdrop):
            colours = sky.at(*positions)
        else:
            colours, coverage = colours_at(sky, *positions)
            if self.field is None:
                coverage = shown_coverage(coverage, 180 / shape[0])
            colours[coverage == 0] = 0
        pixels = np.round(np.nan_to_num(colours) * 255).clip(0, 255).astype(np.uint8)
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, format="JPEG", quality=QUALITY, subsampling=0)
        return data_address(stream.getvalue(), "jpeg")


def numbers_picture(values: Numbers, low: float, high: float) -> str:
    r"""Keep numbers (rows, columns) from `low` to `high` as the red and green of a PNG, a ``data:`` address.

    .. math:: 256 R + G = 1 + \mathrm{round}\left(65534\,\frac{v - low}{high - low}\right)

    and 0 where there is no number.
    """
    share = np.clip((np.nan_to_num(values) - low) / (high - low), 0, 1)
    steps = np.where(np.isfinite(values), 1 + np.round(share * STEPS), 0).astype(np.uint16)
    pixels = np.zeros((*values.shape, 3), np.uint8)
    pixels[..., 0], pixels[..., 1] = steps >> 8, steps & 255
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG", compress_level=9)
    return data_address(stream.getvalue(), "png")


def data_address(content: bytes, kind: str) -> str:
    """Write a picture as an address that holds it."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"

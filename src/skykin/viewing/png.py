"""Small pictures as the bytes of PNG files."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from skykin.core.picture import Picture
from skykin.core.shapes import RGB

#: Sides of small pictures on a page, pixels; a smaller picture is enlarged without smoothing.
SIDE = 144
#: Where there is no data.
BLANK = 0.38


def picture_png(picture: Picture, side: int = SIDE) -> bytes:
    """Encode a picture; grey where it is not covered."""
    return rgb_png(np.where(picture.coverage[..., None] > 0, picture.rgb, BLANK), side)


def rgb_png(colours: RGB, side: int = SIDE) -> bytes:
    """Encode colours from 0 to 1, brought to so many pixels along the longer side."""
    image = Image.fromarray(np.round(np.clip(colours, 0, 1) * 255).astype(np.uint8))
    factor = side / max(image.size)
    width, height = (max(1, round(length * factor)) for length in image.size)
    image = image.resize(
        (width, height), Image.Resampling.LANCZOS if factor < 1 else Image.Resampling.NEAREST
    )
    stream = io.BytesIO()
    image.save(stream, format="PNG", compress_level=2)
    return stream.getvalue()

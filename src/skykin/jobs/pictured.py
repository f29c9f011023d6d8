"""A picture as reference: brought to the scale of an index's pixels and measured."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from PIL import Image

from skykin.core.errors import TooLargeError, UsageError, shown
from skykin.core.picture import Picture
from skykin.core.shapes import Numbers
from skykin.indexing.sky_index import SkyIndex
from skykin.jobs.kept import meter_of
from skykin.style.engine.meter import ContextMeter
from skykin.style.signature import Signature
from skykin.survey.picture.file import read_picture

#: The network pools four times: a smaller picture has no position in its deepest layer.
SMALLEST = 16
#: Pixels on a side, once at the index's scale: what one run of the network holds in a gigabyte.
LARGEST = 2048


def read_picture_reference(path: Path) -> Picture:
    """Read a PNG, JPEG or TIFF file as colours; transparent pixels are not covered."""
    file = read_picture(path)
    rgb = np.asarray(file.values, np.float32) / np.float32(file.white)
    rgb = np.ascontiguousarray(np.broadcast_to(rgb, (*rgb.shape[:2], 3))).clip(0, 1)
    seen = np.ones(rgb.shape[:2], np.float32) if file.seen is None else file.seen.astype(np.float32)
    return Picture(rgb, seen)


def picture_signature(
    index: SkyIndex, picture: Picture, name: str, pixel_deg: float
) -> tuple[Signature, Picture]:
    """Measure a picture as the index measured its tiles.

    It is scaled so that its pixels are as large on the sky as those of the index.  A recipe that weighs by
    coverage sees all of it, with what is missing to a square masked; any other sees its middle square.

    Parameters
    ----------
    index : SkyIndex
    picture : Picture
    name : str
        For sentences.
    pixel_deg : float
        Side of its pixels on the sky.

    Returns
    -------
    Signature
    Picture
        What was measured.

    Raises
    ------
    UsageError
        If it is smaller than 16 pixels of the index.
    TooLargeError
        If it is larger than 2048.
    """
    factor = pixel_deg / (index.tile_deg / index.pixels)
    rows, columns = (side * factor for side in picture.coverage.shape)
    told = f"the picture {shown(name)} of {picture.coverage.shape[1]} × {picture.coverage.shape[0]} pixels"
    if min(rows, columns) < SMALLEST:
        raise UsageError(
            f"{told} is {min(rows, columns):.3g} pixels of the index wide, which show no style; use at "
            f"least {SMALLEST} ({SMALLEST * index.tile_deg / index.pixels:.3g}°), or check --pixel-scale"
        )
    if max(rows, columns) > LARGEST:
        raise TooLargeError(
            f"{told} spans {max(rows, columns):.4g} pixels of the index, more than {LARGEST} "
            f"({LARGEST * index.tile_deg / index.pixels:.3g}°); crop it, or check --pixel-scale"
        )
    scaled = _scaled(picture, round(rows), round(columns))
    context = picture_context(index, scaled)
    meter = meter_of(index)
    side = len(context.coverage) - 2 * meter.halo
    return ContextMeter(meter.shared, side, meter.standard)(context), scaled


def picture_context(index: SkyIndex, picture: Picture) -> Picture:
    """Make a square of a picture at the index's scale, and repeat its border as context."""
    step = index.recipe.picture_step
    square = _padded(picture, step) if index.recipe.weighted else _cropped(picture, step)
    around = [(meter_of(index).halo, meter_of(index).halo)] * 2
    return Picture(
        np.pad(square.rgb, [*around, (0, 0)], mode="edge"), np.pad(square.coverage, around, mode="edge")
    )


def _scaled(picture: Picture, rows: int, columns: int) -> Picture:
    if picture.coverage.shape == (rows, columns):
        return picture
    # Masked pixels must not bleed into what is seen.
    coverage = _resized(picture.coverage, rows, columns)
    weighted = np.stack(
        [_resized(picture.rgb[..., band] * picture.coverage, rows, columns) for band in range(3)], axis=-1
    )
    rgb = weighted / np.maximum(coverage, 1e-3)[..., None]
    return Picture(rgb.clip(0, 1).astype(np.float32), coverage.clip(0, 1))


def _resized(values: Numbers, rows: int, columns: int) -> Numbers:
    image = Image.fromarray(np.ascontiguousarray(values, np.float32))
    # Bilinear in Pillow averages over all pixels behind a larger one.
    return np.asarray(image.resize((columns, rows), Image.Resampling.BILINEAR), np.float32)


def _padded(picture: Picture, step: int) -> Picture:
    """Make it a square of a multiple of `step` pixels about its middle.

    What is added repeats the border and is not covered.
    """
    rows, columns = picture.coverage.shape
    side = math.ceil(max(rows, columns) / step) * step
    more = [((side - n) // 2, side - n - (side - n) // 2) for n in (rows, columns)]
    return Picture(np.pad(picture.rgb, [*more, (0, 0)], mode="edge"), np.pad(picture.coverage, more))


def _cropped(picture: Picture, step: int) -> Picture:
    """Cut out the largest square of a multiple of `step` pixels about the middle."""
    rows, columns = picture.coverage.shape
    side = min(rows, columns) // step * step
    top, left = (rows - side) // 2, (columns - side) // 2
    own = slice(top, top + side), slice(left, left + side)
    return Picture(picture.rgb[own], picture.coverage[own])

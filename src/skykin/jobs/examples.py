"""References as the network sees them: places, parts of the sky and pictures, at the scale of the tiles."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image
from scipy.ndimage import map_coordinates

from skykin.catalogue.query import Example
from skykin.core.errors import TooLargeError, UsageError, shown
from skykin.core.footprint import WIDEST_TANGENT_DEG, Footprint
from skykin.core.picture import Picture
from skykin.core.protocols import ColouredSky
from skykin.core.shapes import RGB, Coverage, Degrees, Numbers
from skykin.core.views import AS_IT_IS, View
from skykin.style.engine.meter import ContextMeter, StyleMeter
from skykin.tiling.facets import Facet
from skykin.tiling.grid import cut

#: The network pools four times: a smaller picture has no position in its deepest layer.
SMALLEST = 16
#: Pixels on a side of a picture at the scale of the tiles: what one run of the network holds in a gigabyte.
LARGEST = 2048
#: Largest part of the sky that is measured at once, pixels.
LARGEST_PART = 1024


@dataclass(frozen=True)
class Geometry:
    """How large a tile is.

    Parameters
    ----------
    tile_deg : float
        Side on the sky, degrees.
    pixels : int
        Side in pixels.
    """

    tile_deg: float
    pixels: int

    @property
    def pixel_deg(self) -> float:
        """Side of a pixel on the sky, degrees."""
        return self.tile_deg / self.pixels


@dataclass(frozen=True, eq=False)
class MaskedSky:
    """A sky of which only the part that belongs to an example counts."""

    sky: ColouredSky
    example: Example

    def colours(self, lon_deg: Degrees, lat_deg: Degrees) -> tuple[RGB, Coverage]:
        """Colours as they are, and coverage 0 outside the part."""
        rgb, coverage = self.sky.colours(lon_deg, lat_deg)
        shape = np.shape(coverage)
        lon, lat = (np.broadcast_to(angle, shape).ravel() for angle in (lon_deg, lat_deg))
        return rgb, coverage * np.asarray(self.example.contains(lon, lat)).reshape(shape)


def cut_in_context(
    sky: ColouredSky, footprint: Footprint, pixels: int, halo: int, view: View = AS_IT_IS
) -> Picture:
    """Return the picture of a facet that holds this one tile, north up, with `halo` pixels around it.

    In another view the tile is turned about its centre and scaled.
    """
    pixel = 4 * math.tan(math.radians(footprint.width_deg / view.scale / 4)) / pixels
    alone = np.ones((1, 1), dtype=bool)
    facet = Facet(footprint.lon_deg, footprint.lat_deg, pixel, pixels, pixels, 0.0, 0.0, alone, 0.0)
    return view.shown(replace(facet.picture(sky, halo, view.drawn_deg), footprint=footprint))


def cut_in_view(sky: ColouredSky, footprint: Footprint, pixels: int, view: View = AS_IT_IS) -> Picture:
    """Return the picture of a tile alone, in a view."""
    return view.shown(cut(sky, view.seen(footprint), pixels))


def seen_picture(
    example: Example, sky: ColouredSky | None, geometry: Geometry, view: View = AS_IT_IS
) -> Picture:
    """Picture of an example, to be looked at: what was given, or the rectangle of sky that holds it."""
    if example.picture is not None:
        return viewed(example.picture, view)
    assert example.footprint is not None and sky is not None  # noqa: PT018, S101 - it lies on the sky
    return cut_in_view(sky, example.footprint, geometry.pixels, view)


def viewed(picture: Picture, view: View) -> Picture:
    """Turn a picture about its middle and scale it; what lies beyond its border is not covered.

    The picture keeps its size in pixels.
    """
    if view.plain:
        return picture
    rows, columns = picture.coverage.shape
    scaled = _scaled(picture, max(1, round(rows * view.scale)), max(1, round(columns * view.scale)))
    turn = math.radians(view.drawn_deg)
    up, across = ((side - 1) / 2 - np.arange(side) for side in (rows, columns))
    north = up[:, None] * math.cos(turn) + across * math.sin(turn)
    east = across * math.cos(turn) - up[:, None] * math.sin(turn)
    middle = [(side - 1) / 2 for side in scaled.coverage.shape]
    places = np.stack([middle[0] - north, middle[1] - east])
    coverage = map_coordinates(scaled.coverage, places, order=1, mode="constant")
    bands = [
        map_coordinates(band, places, order=1, mode="nearest") for band in np.moveaxis(scaled.rgb, -1, 0)
    ]
    return view.shown(Picture(np.stack(bands, axis=-1).astype(np.float32), coverage.astype(np.float32)))


def example_in_context(
    example: Example,
    sky: ColouredSky | None,
    geometry: Geometry,
    meter: StyleMeter | ContextMeter,
    view: View = AS_IT_IS,
) -> tuple[Picture, StyleMeter | ContextMeter]:
    """Give the picture of an example that is measured, with what lies around it, and the meter of its size.

    Parameters
    ----------
    example : Example
        A place, a part of the sky, or a picture.
    sky : ColouredSky or None
        A picture needs none.
    geometry : Geometry
        Of the tiles: the picture has pixels as large on the sky as theirs.
    meter : StyleMeter or ContextMeter
        What measures the tiles.
    view : View
        The part of the sky in another view has as many pixels as it is.
    """
    step = meter.recipe.picture_step
    if example.picture is not None:
        scaled = viewed(scaled_picture(example, geometry), view)
        square = _padded(scaled, step) if meter.recipe.weighted else _cropped(scaled, step)
        around = [(meter.halo, meter.halo)] * 2
        picture = Picture(
            np.pad(square.rgb, [*around, (0, 0)], mode="edge"), np.pad(square.coverage, around, mode="edge")
        )
    else:
        where = example.footprint
        assert where is not None and sky is not None  # noqa: PT018, S101 - it lies on the sky
        steps = where.width_deg / geometry.pixel_deg / step
        pixels = round(steps) * step
        if example.region is not None:
            pixels, where = _whole_steps(where, math.ceil(steps) * step, geometry)
        part: ColouredSky = sky if example.region is None else MaskedSky(sky, example)
        picture = cut_in_context(part, where, min(max(pixels, step), LARGEST_PART), meter.halo, view)
    if isinstance(meter, StyleMeter):
        return picture, meter
    side = len(picture.coverage) - 2 * meter.halo
    return picture, ContextMeter(meter.shared, side, meter.standard)


def _whole_steps(where: Footprint, pixels: int, geometry: Geometry) -> tuple[int, Footprint]:
    """Look at a region in a square of whole steps at the scale of the tiles."""
    side_deg = pixels * geometry.pixel_deg
    if pixels > LARGEST_PART or side_deg > WIDEST_TANGENT_DEG:
        return pixels, where
    return pixels, replace(where, width_deg=side_deg, height_deg=side_deg)


def scaled_picture(example: Example, geometry: Geometry) -> Picture:
    """Bring a picture to the scale at which tiles are measured.

    Raises
    ------
    UsageError
        If its scale is not known, or it is smaller than 16 pixels of the tiles.
    TooLargeError
        If it is larger than 2048.
    """
    picture = example.picture
    assert picture is not None  # noqa: S101 - requested by the caller
    if example.pixel_deg is None:
        raise UsageError(
            f"the scale of the picture {shown(example.name)} is not known; give the side of its pixels on "
            "the sky in degrees (--pixel-scale)"
        )
    factor = example.pixel_deg / geometry.pixel_deg
    rows, columns = (side * factor for side in picture.coverage.shape)
    told = (
        f"the picture {shown(example.name)} of {picture.coverage.shape[1]} × {picture.coverage.shape[0]} "
        "pixels"
    )
    if min(rows, columns) < SMALLEST:
        raise UsageError(
            f"{told} is {min(rows, columns):.3g} pixels of the tiles wide, which show no style; use at "
            f"least {SMALLEST} ({SMALLEST * geometry.pixel_deg:.3g}°), or check --pixel-scale"
        )
    if max(rows, columns) > LARGEST:
        raise TooLargeError(
            f"{told} spans {max(rows, columns):.4g} pixels of the tiles, more than {LARGEST} "
            f"({LARGEST * geometry.pixel_deg:.3g}°); crop it, or check --pixel-scale"
        )
    return _scaled(picture, round(rows), round(columns))


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

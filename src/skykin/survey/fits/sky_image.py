"""An image with world coordinates as a survey."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field
from functools import partial
from itertools import product

import numpy as np

from skykin.core.extent import Extent
from skykin.core.shapes import BandValues, Coverage, Degrees, Numbers
from skykin.survey.base import About, BaseSurvey
from skykin.survey.fill import filled, in_rows
from skykin.survey.fits.pixels import Pixels, take
from skykin.survey.fits.world import ImageGrid, World

#: An output pixel that spans many image pixels is the mean of at most so many points per side.
MOST_POINTS_PER_PIXEL = 6
#: Where less of the four pixels around a position is good, nothing is known there.
LEAST_SHARE = 0.25


@dataclass(frozen=True, eq=False, repr=False)
class SkyImage(BaseSurvey):
    """One or three planes of pixels on the sky.

    Parameters
    ----------
    planes : one or three Pixels
        All of one shape; one is shown as grey.
    world : World
    beam_deg : float
        Angular resolution (full width), degrees.
    about : About
    facts : dict
        What else provenance should say.

    Raises
    ------
    SkyError
        If no pixel lies on the sky.
    """

    planes: tuple[Pixels, ...]
    world: World
    beam_deg: float
    about: About
    facts: dict[str, object] = field(default_factory=dict)
    extent: Extent = field(init=False)
    _grid: ImageGrid = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_grid", ImageGrid(self.world, self.planes[0].shape))
        object.__setattr__(self, "extent", self._grid.extent())

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.planes[0].shape

    @property
    def pixel_deg(self) -> float:
        """Side of a pixel at the reference position, degrees."""
        return self._grid.pixel_deg

    @property
    def intensity_bands(self) -> tuple[int, ...]:
        """The first of the three bands of a grey image, otherwise all."""
        return tuple(range(len(self.planes)))

    def _facts(self) -> dict[str, object]:
        rows, columns = self.shape
        return {
            "frame": self.world.frame,
            "projection": self.world.axes.projection,
            "pixels": f"{columns} × {rows}",
            "pixel_deg": self.pixel_deg,
            **self.facts,
        }

    def _sample(self, lon_deg: Degrees, lat_deg: Degrees) -> tuple[BandValues, Coverage]:
        r"""Interpolate between the four pixels around each position, blank ones left out.

        .. math:: I = \frac{\sum_p w_p g_p I_p}{\sum_p w_p g_p}, \qquad c = \sum_p w_p g_p

        with bilinear weights :math:`w_p` and :math:`g_p = 1` for pixels that hold a value, else 0.  Where
        positions form a picture whose pixels span several of the image's, each is the mean of several
        points, so that fine structure is not picked at random.

        Raises
        ------
        CorruptFileError
            If the file has changed since it was opened.
        """
        x, y = in_rows(self._grid.pixels_at, lon_deg, lat_deg)
        points, sides = _points(x, y, self._grid)
        values, shares = in_rows(partial(self._observed, points), x, y, *sides)
        return filled(values, shares), shares

    def _observed(self, points: int, x: Numbers, y: Numbers, *sides: Numbers) -> tuple[BandValues, Coverage]:
        """Values and coverage of the mean of so many points along each side of a pixel of the picture."""
        total: Numbers = np.zeros((*x.shape, len(self.planes)))
        weight: Numbers = np.zeros(x.shape)
        offsets = (np.arange(points) + 0.5) / points - 0.5
        for a, d in product(offsets, offsets) if sides else [(0.0, 0.0)]:
            dx, dy = (a * sides[0] + d * sides[2], a * sides[1] + d * sides[3]) if sides else (0.0, 0.0)
            value, share = self._interpolate(x + dx, y + dy)
            total += value * share[..., None]
            weight += share
        coverage = weight / points**2
        seen = coverage >= LEAST_SHARE
        values = (total / np.where(weight > 0, weight, 1)[..., None]).astype(np.float32)
        if len(self.planes) == 1:
            values = np.repeat(values, 3, axis=-1)
        shares = np.where(seen, np.minimum(coverage, 1), 0).astype(np.float32)
        return values, shares

    def _interpolate(self, x: Numbers, y: Numbers) -> tuple[Numbers, Numbers]:
        """Values (..., planes) and the share of the weights that is good (...)."""
        grid = self._grid
        total, weight = np.zeros((*x.shape, len(self.planes))), np.zeros(x.shape)
        inside = grid.inside(x, y)
        if not inside.any():
            return total, weight
        xs, ys = x[inside], y[inside]
        column, row = np.floor(xs).astype(np.int64), np.floor(ys).astype(np.int64)
        right, up = xs - column, ys - row
        sum_, good = np.zeros((len(xs), len(self.planes))), np.zeros(len(xs))
        for r, wr in ((row, 1 - up), (row + 1, up)):
            for c, wc in ((column, 1 - right), (column + 1, right)):
                rows, columns = grid.neighbour(r, c)
                values = np.stack([take(plane, rows, columns) for plane in self.planes], axis=-1)
                known = np.isfinite(values).all(axis=-1)
                w = np.where(known, wr * wc, 0)
                sum_ += np.where(known[:, None], values, 0) * w[:, None]
                good += w
        total[inside] = sum_ / np.where(good > 0, good, 1)[:, None]
        weight[inside] = good
        return total, weight


def _points(x: Numbers, y: Numbers, grid: ImageGrid) -> tuple[int, tuple[Numbers, ...]]:
    """How many points along each side make up one pixel of the picture requested, and its sides.

    The sides are x and y of that along a row and of that along a column, in image pixels; none for one point.
    """
    if x.ndim != 2 or min(x.shape) < 2:
        return 1, ()
    across = _steps(x, 1, grid.turn_pixels), _steps(y, 1, math.nan)
    down = _steps(x, 0, grid.turn_pixels), _steps(y, 0, math.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # all NaN where nothing is inside
        span = np.nanmedian(np.maximum(np.hypot(*across), np.hypot(*down)))
    count = 1 if not span >= 1.5 else min(MOST_POINTS_PER_PIXEL, round(float(span)))
    return count, (*across, *down) if count > 1 else ()


def _steps(pixel: Numbers, axis: int, turn: float) -> Numbers:
    """How far the next position is along an axis of the picture, in image pixels; 0 over a seam."""
    step = np.gradient(pixel, axis=axis)
    if math.isfinite(turn):
        step = (step + turn / 2) % turn - turn / 2
    typical = np.nanmedian(np.abs(step)) if np.isfinite(step).any() else 0.0
    return np.where(np.abs(step) > 8 * typical + 1, 0.0, np.nan_to_num(step))

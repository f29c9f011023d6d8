"""Where the pixels of an image lie on the sky, and what is next to each."""

from __future__ import annotations

import math
import threading
import warnings
from typing import Any

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS

from skykin.core.errors import SkyError
from skykin.core.extent import Extent
from skykin.core.frames import from_galactic, to_galactic
from skykin.core.shapes import Degrees, Numbers
from skykin.survey.fits.world import World

#: Projections in which a turn of 360° is a straight step across the image.
CYLINDRICAL = ("CAR", "CEA", "MER", "CYP")
#: Points at which an image is asked where it lies, per side.
EXTENT_POINTS = 33
EDGE = 0.5 + 1e-6


class ImageGrid:
    """Where the pixels of an image lie, and what is next to each."""

    def __init__(self, world: World, shape: tuple[int, int]) -> None:
        self.world, (self.rows, self.columns) = world, shape
        self._lock = threading.Lock()  # astropy changes a WCS while it computes
        matrix = np.asarray(world.wcs.pixel_scale_matrix, np.float64)
        self.pixel_deg = pixel_side_deg(world)
        #: Columns in a turn of 360°, NaN where a turn is no straight step along rows.
        self.turn_pixels = math.nan
        straight = abs(matrix[1, 0]) + abs(matrix[0, 1]) < 1e-9 * np.abs(matrix).max()
        if world.projection in CYLINDRICAL and straight and world.lon_axis == 0 and world.wcs.sip is None:
            self.turn_pixels = 360.0 / abs(matrix[0, 0])
        self.wraps = bool(self.columns + 0.01 >= self.turn_pixels) and (
            abs(self.turn_pixels - round(self.turn_pixels)) < 0.01
        )

    def pixels_at(self, lon_deg: Degrees, lat_deg: Degrees) -> tuple[Numbers, Numbers]:
        """Columns and rows, from 0 at the first pixel's centre, at Galactic positions; NaN off the image."""
        lon, lat = self._from_galactic(lon_deg, lat_deg)
        world = [lon.ravel(), lat.ravel()]
        if self.world.lon_axis == 1:
            world.reverse()
        with self._lock, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if self.world.wcs.sip is None:
                x, y = self.world.wcs.wcs_world2pix(*world, 0)
            else:
                x, y = self._undistorted(world)
        x, y = x.reshape(lon.shape), y.reshape(lon.shape)
        if math.isfinite(self.turn_pixels):
            # The image may begin anywhere: bring each column into the turn that starts at its left edge.
            x = (x + 0.5) % self.turn_pixels - 0.5
        return x, y

    def _undistorted(self, world: list[Numbers]) -> tuple[Numbers, Numbers]:
        """Invert the distortion, near the image only: its polynomial means nothing elsewhere."""
        x, y = self.world.wcs.wcs_world2pix(*world, 0)
        margin = max(self.rows, self.columns) / 4
        near = (np.abs(x - self.columns / 2) < self.columns / 2 + margin) & (
            np.abs(y - self.rows / 2) < self.rows / 2 + margin
        )
        x[~near], y[~near] = np.nan, np.nan
        if near.any():
            x[near], y[near] = self.world.wcs.all_world2pix(world[0][near], world[1][near], 0, quiet=True)
        return x, y

    def inside(self, x: Numbers, y: Numbers) -> np.ndarray:
        """Tell which positions lie on the image, the outer half of its edge pixels included."""
        within = (y >= -EDGE) & (y <= self.rows - 1 + EDGE)
        return np.asarray(
            within & (np.isfinite(x) if self.wraps else (x >= -EDGE) & (x <= self.columns - 1 + EDGE))
        )

    def neighbour(self, row: Numbers, column: Numbers) -> tuple[Numbers, Numbers]:
        """Rows and columns of pixels, those beyond an edge replaced by what lies there on the sky."""
        if not self.wraps:
            return np.clip(row, 0, self.rows - 1), np.clip(column, 0, self.columns - 1)
        turn = round(self.turn_pixels)
        beyond = (row < 0) | (row >= self.rows)
        # Over a pole the sky goes on half a turn away.
        column = np.where(beyond & self._reaches_pole(row), column + turn // 2, column) % turn
        mirrored = np.where(row < 0, -1 - row, np.where(row >= self.rows, 2 * self.rows - 1 - row, row))
        return np.clip(mirrored, 0, self.rows - 1), np.minimum(column, self.columns - 1)

    def _reaches_pole(self, row: Numbers) -> Numbers:
        edge = np.where(row < 0, -0.5, self.rows - 0.5)
        with self._lock:
            world = self.world.wcs.wcs_pix2world(np.array([[0.0, -0.5], [0.0, self.rows - 0.5]]), 0)
        at_pole = np.abs(np.abs(world[:, 1]) - 90) < self.pixel_deg / 4
        return np.asarray(np.where(edge < 0, at_pole[0], at_pole[1]))

    def extent(self) -> Extent:
        """Cap that holds the image.

        Raises
        ------
        SkyError
            If none of it lies on the sky.
        """
        x = np.linspace(-0.5, self.columns - 0.5, EXTENT_POINTS)
        y = np.linspace(-0.5, self.rows - 0.5, EXTENT_POINTS)
        xx, yy = (grid.ravel() for grid in np.meshgrid(x, y))
        with self._lock, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            world = self.world.wcs.all_pix2world(np.column_stack([xx, yy]), 0)
        known = np.isfinite(world).all(axis=1)
        if not known.any():
            raise SkyError(
                "no pixel of the image lies on the sky by its world coordinates; correct the header",
                code="SKY-PROJ",
            )
        order = [self.world.lon_axis, 1 - self.world.lon_axis]
        lon, lat = self._to_galactic(*world[known][:, order].T)
        step = self.pixel_deg * max(self.rows, self.columns) / (EXTENT_POINTS - 1)
        return Extent.around(lon, lat, step / 2)

    def _from_galactic(self, lon_deg: Degrees, lat_deg: Degrees) -> tuple[Degrees, Degrees]:
        frame = self.world.frame
        if frame in ("galactic", "icrs", "ecliptic"):
            return from_galactic(lon_deg, lat_deg, frame)  # type: ignore[arg-type]
        there = SkyCoord(lon_deg * u.deg, lat_deg * u.deg, frame="galactic").transform_to(self._frame())
        return there.ra.deg, there.dec.deg

    def _to_galactic(self, lon_deg: Degrees, lat_deg: Degrees) -> tuple[Degrees, Degrees]:
        frame = self.world.frame
        if frame in ("galactic", "icrs", "ecliptic"):
            return to_galactic(lon_deg, lat_deg, frame)  # type: ignore[arg-type]
        here = SkyCoord(lon_deg * u.deg, lat_deg * u.deg, frame=self._frame()).galactic
        return here.l.deg, here.b.deg

    def _frame(self) -> Any:
        year = self.world.equinox
        equinox = f"J{year:g}" if self.world.frame == "fk5" else f"B{year:g}"
        return SkyCoord(
            0 * u.deg, 0 * u.deg, frame=self.world.frame, equinox=equinox
        ).frame.replicate_without_data()


def pixel_side_deg(world: World) -> float:
    """Side of a square as large as a pixel at the reference position, degrees."""
    return float(math.sqrt(abs(np.linalg.det(np.asarray(world.wcs.pixel_scale_matrix, np.float64)))))


def celestial_world(world: World) -> World:
    """Keep the two axes of the sky of a world with more."""
    if world.wcs.naxis == 2:
        return world
    wcs: WCS = world.wcs.sub(
        [min(world.lon_axis, world.lat_axis) + 1, max(world.lon_axis, world.lat_axis) + 1]
    )
    first = world.lon_axis < world.lat_axis
    return World(
        wcs, 0 if first else 1, 1 if first else 0, world.frame, world.equinox, world.projection, world.cards
    )

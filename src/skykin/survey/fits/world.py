"""Where the pixels of an image lie on the sky, and what is next to each."""

from __future__ import annotations

import math
import threading
import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from astropy import units as u
from astropy.coordinates import BarycentricMeanEcliptic, SkyCoord
from astropy.io import fits
from astropy.time import Time
from astropy.wcs import WCS
from astropy.wcs.utils import wcs_to_celestial_frame

from skykin.core.errors import SkyError, shown
from skykin.core.extent import Extent
from skykin.core.frames import from_galactic, to_galactic
from skykin.core.protocols import Progress
from skykin.core.shapes import Degrees, Numbers
from skykin.survey.fits.header_wcs import DISTORTED, HeaderWcs, read_wcs

#: Projections in which a turn of 360° is a straight step across the image; "" has plain degrees as axes.
CYLINDRICAL = ("CAR", "CEA", "MER", "CYP", "")
#: Further ones: their faces may be laid out over another turn than the library's.
PERIODIC = (*CYLINDRICAL, "HPX", "TSC", "CSC", "QSC")
#: Projections whose inverse wcslib finds by a fit or by search, and not always.
UNCERTAIN = (*DISTORTED, "CSC")
#: Pixels over which the scale at the reference position is measured.
NEAR_PIXELS = 1e-2
#: Steps of the search for a position.
CORRECTIONS = 8
#: Points at which an image is asked where it lies, per side.
EXTENT_POINTS = 33
EDGE = 0.5 + 1e-6
#: Pixels by which half of them may come back elsewhere than they are.
LARGEST_ERROR = 0.1


@dataclass(frozen=True, eq=False)
class World:
    """World coordinates of an image.

    Parameters
    ----------
    axes : HeaderWcs
        As astropy made them of the header.
    frame : str
        ``galactic``, ``icrs``, ``fk5``, ``fk4``, ``fk4noeterms`` or ``ecliptic``.
    place : coordinate frame of astropy
        The same with its equinox.
    """

    axes: HeaderWcs
    frame: str
    place: Any

    @property
    def sky(self) -> WCS:
        """World coordinates of longitude and latitude alone, in this order."""
        return self.axes.sky

    @property
    def pixel_deg(self) -> float:
        """Side of a square as large as a pixel at the reference position, degrees."""
        return float(math.sqrt(abs(np.linalg.det(np.asarray(self.sky.pixel_scale_matrix, np.float64)))))

    def from_galactic(self, lon_deg: Degrees, lat_deg: Degrees) -> tuple[Degrees, Degrees]:
        """Turn Galactic positions into those of the image's frame, degrees."""
        if self.frame in ("galactic", "icrs", "ecliptic"):
            return from_galactic(lon_deg, lat_deg, self.frame)  # type: ignore[arg-type]
        there = SkyCoord(lon_deg * u.deg, lat_deg * u.deg, frame="galactic").transform_to(self.place)
        return there.spherical.lon.deg, there.spherical.lat.deg

    def to_galactic(self, lon_deg: Degrees, lat_deg: Degrees) -> tuple[Degrees, Degrees]:
        """Turn positions of the image's frame into Galactic ones, degrees."""
        if self.frame in ("galactic", "icrs", "ecliptic"):
            return to_galactic(lon_deg, lat_deg, self.frame)  # type: ignore[arg-type]
        here = SkyCoord(lon_deg * u.deg, lat_deg * u.deg, frame=self.place).galactic
        return here.l.deg, here.b.deg


def read_world(header: fits.Header, where: str, progress: Progress) -> World:
    """Read the world coordinates of an image; see `read_wcs` for what is refused."""
    axes = read_wcs(header, where, progress)
    kind = str(axes.sky.wcs.ctype[0])[:4].rstrip("-")
    if kind == "GLON":
        return World(axes, "galactic", SkyCoord(0 * u.deg, 0 * u.deg, frame="galactic").frame)
    if kind == "ELON":
        year = axes.sky.wcs.equinox
        if not math.isfinite(year) or year == 2000:
            return World(axes, "ecliptic", None)
        return World(axes, "ecliptic of date", BarycentricMeanEcliptic(equinox=Time(year, format="jyear")))
    plain = WCS(naxis=2)
    plain.wcs.ctype = ["RA---CAR", "DEC--CAR"]
    plain.wcs.radesys, plain.wcs.equinox = axes.sky.wcs.radesys.strip().upper(), axes.sky.wcs.equinox
    try:
        place = wcs_to_celestial_frame(plain)
    except ValueError as error:
        raise SkyError(
            f"RADESYS of {where} is {shown(axes.sky.wcs.radesys)}, but it must be one of ICRS, FK5, FK4, "
            "FK4-NO-E",
            code="SKY-FRAME",
        ) from error
    return World(axes, place.name, place)


class ImageGrid:
    """Where the pixels of an image lie, and what is next to each."""

    def __init__(self, world: World, shape: tuple[int, int]) -> None:
        self.world, (self.rows, self.columns) = world, shape
        self._lock = threading.Lock()  # astropy changes a WCS while it computes
        self.pixel_deg = world.pixel_deg
        #: Columns and rows in a turn of 360°; None where a turn is no straight step.
        self.turn = _turn(world)
        #: Columns in a turn, NaN where it does not run along rows.
        self.turn_pixels = math.nan
        if self.turn is not None and world.axes.projection in CYLINDRICAL:
            world.sky.wcs.bounds_check(False, True)  # native longitudes beyond 180°
            across, up = self.turn
            if abs(up) < 1e-9 * abs(across):
                self.turn_pixels = abs(across)
        self.wraps = bool(self.columns + 0.01 >= self.turn_pixels) and (
            abs(self.turn_pixels - round(self.turn_pixels)) < 0.01
        )

    def pixels_at(self, lon_deg: Degrees, lat_deg: Degrees) -> tuple[Numbers, Numbers]:
        """Columns and rows, from 0 at the first pixel's centre, at Galactic positions; NaN off the image."""
        lon, lat = self.world.from_galactic(lon_deg, lat_deg)
        with self._lock, warnings.catch_warnings(action="ignore"):
            x, y = self.world.sky.wcs_world2pix(lon.ravel(), lat.ravel(), 0)
            if self.world.sky.sip is not None:
                self._undistort(lon.ravel(), lat.ravel(), x, y)
            elif self.world.axes.projection in UNCERTAIN:
                self._correct(lon.ravel(), lat.ravel(), x, y)
        if self.turn is not None:
            # The image may begin anywhere: bring each position into the turn about the middle of the image.
            (across, up), middle = self.turn, ((self.columns - 1) / 2, (self.rows - 1) / 2)
            turns = ((x - middle[0]) * across + (y - middle[1]) * up) / (across**2 + up**2)
            turns = np.floor(turns + 0.5)
            x, y = x - turns * across, y - turns * up
        return x.reshape(lon.shape), y.reshape(lon.shape)

    def _undistort(self, lon: Numbers, lat: Numbers, x: Numbers, y: Numbers) -> None:
        """Invert the distortion, near the image only: its polynomial means nothing elsewhere."""
        margin = max(self.rows, self.columns) / 4
        near = (np.abs(x - self.columns / 2) < self.columns / 2 + margin) & (
            np.abs(y - self.rows / 2) < self.rows / 2 + margin
        )
        x[~near], y[~near] = np.nan, np.nan
        if near.any():
            x[near], y[near] = self.world.sky.all_world2pix(lon[near], lat[near], 0, quiet=True)

    def _correct(self, lon: Numbers, lat: Numbers, x: Numbers, y: Numbers) -> None:
        r"""Bring positions to where the projection, which is exact, gives back what was asked.

        .. math:: p \leftarrow p + L^{-1}(w) - L^{-1}(P(p))

        with the projection :math:`P` from pixels to the sky and an inverse :math:`L^{-1}` that is nearly
        its own: wcslib's of the same projection, or that of the undistorted one where wcslib finds none.
        """
        nearly, known = self._undistorted or self.world.sky, np.isfinite(x) & np.isfinite(y)
        where = known if self._undistorted is None else ~known
        if not where.any():
            return
        wanted = np.stack(nearly.wcs_world2pix(lon[where], lat[where], 0))
        found = wanted.copy()
        for _ in range(CORRECTIONS):
            found += wanted - np.stack(nearly.wcs_world2pix(*self.world.sky.wcs_pix2world(*found, 0), 0))
        x[where], y[where] = found

    @cached_property
    def _undistorted(self) -> WCS | None:
        """The projection without its polynomial, for those that have one."""
        if self.world.axes.projection not in DISTORTED:
            return None
        sky, plain = self.world.sky, WCS(naxis=2)
        plain.wcs.ctype = [f"{text[:5]}TAN" for text in sky.wcs.ctype]
        plain.wcs.crpix, plain.wcs.crval = sky.wcs.crpix, sky.wcs.crval
        plain.wcs.lonpole, plain.wcs.latpole = sky.wcs.lonpole, sky.wcs.latpole
        plain.wcs.cd = np.eye(2)
        # Where latitude comes first, wcslib's TPV takes the matrix of the header in another order.
        beside = sky.wcs.crpix + np.array([[0, 0], [1, 0], [0, 1]]) * NEAR_PIXELS
        middle, right, up = plain.wcs_world2pix(sky.wcs_pix2world(beside, 1), 1)
        plain.wcs.cd = np.stack([right - middle, up - middle], axis=1) / NEAR_PIXELS
        return plain

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
            world = self.world.sky.wcs_pix2world(np.array([[0.0, -0.5], [0.0, self.rows - 0.5]]), 0)
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
        with self._lock, warnings.catch_warnings(action="ignore"):
            lon, lat = self.world.sky.all_pix2world(np.column_stack([xx, yy]), 0).T
        known = np.isfinite(lon) & (np.abs(lat) <= 90)
        if not known.any():
            raise SkyError(
                "no pixel of the image lies on the sky by its world coordinates; correct the header",
                code="SKY-PROJ",
            )
        lon, lat = self.world.to_galactic(lon[known], lat[known])
        back = self.pixels_at(lon, lat)
        if not np.median(np.hypot(back[0] - xx[known], back[1] - yy[known])) < LARGEST_ERROR:
            raise SkyError(
                "the world coordinates of the image cannot be inverted: pixels that they place on the sky "
                "are not found from there; correct the header, or resample the image to a plain projection",
                code="SKY-PROJ",
            )
        step = self.pixel_deg * max(self.rows, self.columns) / (EXTENT_POINTS - 1)
        return Extent.around(lon, lat, step / 2)


def _turn(world: World) -> tuple[float, float] | None:
    """Columns and rows of a turn of 360°, in a projection in which it is a straight step."""
    wcs = world.sky.wcs
    if world.axes.projection not in PERIODIC or world.sky.sip is not None:
        return None
    stretch = 1.0
    if world.axes.projection == "CYP":
        stretch = next((value for axis, m, value in wcs.get_pv() if axis == wcs.lat + 1 and m == 2), 1.0)
    across, up = np.linalg.solve(np.asarray(world.sky.pixel_scale_matrix, np.float64), [360.0 * stretch, 0.0])
    return float(across), float(up)

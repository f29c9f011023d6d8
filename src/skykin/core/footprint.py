"""A footprint is where a tile lies on the sky."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS

from skykin.core.errors import UsageError
from skykin.core.shapes import Degrees
from skykin.core.sphere import seen_from

Projection = Literal["TAN", "CAR"]
#: A gnomonic picture stretches by 1/cos² from its centre: at 45° off axis a factor two, our limit.
WIDEST_TANGENT_DEG = 90.0


@dataclass(frozen=True)
class Footprint:
    """A rectangle on the sky in Galactic coordinates, longitude growing to the left; north up unless rotated.

    Parameters
    ----------
    lon_deg, lat_deg : float
        Galactic longitude and latitude of the centre, degrees; longitude is wrapped to [0, 360).
    width_deg : float
        Side along longitude, degrees.
    height_deg : float, optional
        Side along latitude, degrees; the width if left out.
    projection : {"TAN", "CAR"}
        ``TAN``: gnomonic picture about the centre, the same shape everywhere on the sphere.
        ``CAR``: rectangle of the plate carrée, `width_deg` degrees *of longitude* wide.
    turn_deg : float
        Angle from north to the picture's upward direction, through growing longitude; ``TAN`` only.

    Raises
    ------
    UsageError
        If a number is not finite, the latitude is beyond a pole, or the footprint is larger than the
        projection can show.

    Examples
    --------
    >>> tile = skykin.Footprint(209, -19, 6)
    >>> tile.height_deg
    6.0
    >>> skykin.Footprint(-10, 0, 6).lon_deg
    350.0
    """

    lon_deg: float
    lat_deg: float
    width_deg: float
    height_deg: float = math.nan
    projection: Projection = "TAN"
    turn_deg: float = 0.0

    def __post_init__(self) -> None:
        if math.isnan(self.height_deg):
            object.__setattr__(self, "height_deg", float(self.width_deg))
        for name in ("lon_deg", "lat_deg", "width_deg", "height_deg", "turn_deg"):
            value = float(getattr(self, name))
            if not math.isfinite(value):
                raise UsageError(f"a footprint needs finite numbers, but {name} is {value}")
            object.__setattr__(self, name, value)
        # A tiny negative longitude is rounded up to 360 by one modulo.
        object.__setattr__(self, "lon_deg", self.lon_deg % 360.0 % 360.0)
        if abs(self.lat_deg) > 90.0:
            raise UsageError(f"Galactic latitude {self.lat_deg:g}° is beyond the pole; use −90° to 90°")
        if self.width_deg <= 0 or self.height_deg <= 0:
            raise UsageError(
                f"a footprint of {self.width_deg:g}° × {self.height_deg:g}° has no area; use sides above 0°"
            )
        if self.turn_deg and self.projection == "CAR":
            raise UsageError(f"a CAR footprint cannot be rotated by {self.turn_deg:g}°; use a TAN footprint")
        widest = WIDEST_TANGENT_DEG if self.projection == "TAN" else 360.0
        tallest = WIDEST_TANGENT_DEG if self.projection == "TAN" else 180.0
        if self.width_deg > widest or self.height_deg > tallest:
            raise UsageError(
                f"a {self.projection} footprint of {self.width_deg:g}° × {self.height_deg:g}° "
                f"does not fit on the sky; use at most {widest:g}° × {tallest:g}°"
            )

    @property
    def center(self) -> SkyCoord:
        """Centre as a Galactic `~astropy.coordinates.SkyCoord`."""
        return SkyCoord(self.lon_deg * u.deg, self.lat_deg * u.deg, frame="galactic")

    def wcs(self, shape: tuple[int, int]) -> WCS:
        """World coordinates of a picture with `shape` (rows, columns), row 0 at the top.

        Row 0 is north, so ``CDELT2`` is negative: FITS writers flip the rows and the sign together.
        """
        rows, columns = shape
        wcs = WCS(naxis=2)
        wcs.wcs.ctype = [f"GLON-{self.projection}", f"GLAT-{self.projection}"]
        wcs.wcs.cunit = ["deg", "deg"]
        wcs.wcs.crpix = [(columns + 1) / 2, (rows + 1) / 2]
        if self.projection == "TAN":
            wcs.wcs.crval = [self.lon_deg, self.lat_deg]
            wcs.wcs.lonpole = 180.0  # FITS would turn a picture centred on the north pole by half a circle.
            side = [
                2 * math.degrees(math.tan(math.radians(s / 2))) for s in (self.width_deg, self.height_deg)
            ]
        else:
            # A plate carrée keeps equal spacing only about the equator: put the reference there.
            wcs.wcs.crval = [self.lon_deg, 0.0]
            side = [self.width_deg, self.height_deg]
            wcs.wcs.crpix = [(columns + 1) / 2, (rows + 1) / 2 + self.lat_deg * rows / self.height_deg]
        wcs.wcs.cdelt = [-side[0] / columns, -side[1] / rows]
        if self.turn_deg:
            sine, cosine = self._turn()
            tall = side[1] / rows / (side[0] / columns)
            wcs.wcs.pc = [[cosine, sine * tall], [-sine / tall, cosine]]
        wcs.wcs.set()
        return wcs

    def pixel_positions(self, shape: tuple[int, int]) -> tuple[Degrees, Degrees]:
        """Galactic longitude and latitude of each pixel centre, degrees.

        Parameters
        ----------
        shape : (rows, columns)

        Returns
        -------
        lon_deg, lat_deg : array (rows, columns)
            Rows run from the top (north) down, columns from the largest longitude on.  In a plate carrée
            rectangle that reaches beyond a pole, the latitude continues on the other side.
        """
        return self._at(*_pixel_fractions(shape))

    def outline(self, points_per_side: int = 1) -> SkyCoord:
        """Corners of the footprint, counter-clockwise as seen on the sky.

        Parameters
        ----------
        points_per_side : int
            More than one adds points along each edge, which is straight in the picture, not on the sky.

        Returns
        -------
        SkyCoord
            ``4 * points_per_side`` Galactic positions; the first is not repeated.
        """
        lon_deg, lat_deg = self.outline_deg(points_per_side)
        return SkyCoord(lon_deg * u.deg, lat_deg * u.deg, frame="galactic")

    def outline_deg(self, points_per_side: int = 1) -> tuple[Degrees, Degrees]:
        """Galactic longitudes and latitudes of the same corners, degrees."""
        step = np.arange(points_per_side) / points_per_side
        half = np.full(points_per_side, 0.5)
        # Top right, top left, bottom left, bottom right: longitude grows to the left.
        across = np.concatenate([step - 0.5, half, 0.5 - step, -half])
        up = np.concatenate([half, 0.5 - step, -half, step - 0.5])
        return self._at(across, up)

    def contains(self, position: SkyCoord) -> np.ndarray:
        """Tell which positions lie inside the footprint, edges included."""
        galactic = position.galactic
        return self.contains_deg(galactic.l.deg, galactic.b.deg)

    def contains_deg(self, lon_deg: Degrees, lat_deg: Degrees) -> np.ndarray:
        """Tell which Galactic positions, degrees, lie inside the footprint, edges included."""
        lon = np.radians((lon_deg - self.lon_deg + 180.0) % 360.0 - 180.0)
        lat = np.radians(lat_deg)
        if self.projection == "CAR":
            inside = np.abs(np.degrees(lon)) <= self.width_deg / 2
            return np.asarray(inside & (np.abs(lat_deg - self.lat_deg) <= self.height_deg / 2))
        east, north, depth = seen_from(lon, lat, math.radians(self.lat_deg))
        with np.errstate(divide="ignore", invalid="ignore"):
            x, y = east / depth, north / depth
        half_width, half_height = self._half_sides()
        if self.turn_deg:
            sine, cosine = self._turn()
            x, y = x * cosine - y * sine, x * sine + y * cosine
        return np.asarray((depth > 0) & (np.abs(x) <= half_width) & (np.abs(y) <= half_height))

    def _half_sides(self) -> tuple[float, float]:
        """Half width and half height on the tangent plane of the unit sphere."""
        return math.tan(math.radians(self.width_deg / 2)), math.tan(math.radians(self.height_deg / 2))

    def _turn(self) -> tuple[float, float]:
        """Sine and cosine of the turn."""
        return math.sin(math.radians(self.turn_deg)), math.cos(math.radians(self.turn_deg))

    def _at(self, across: np.ndarray, up: np.ndarray) -> tuple[Degrees, Degrees]:
        """Positions at fractions of the sides: `across` grows with longitude, `up` with latitude."""
        if self.projection == "CAR":
            across, up = np.broadcast_arrays(across, up)
            lon = self.lon_deg + across * self.width_deg
            lat = self.lat_deg + up * self.height_deg
            beyond = np.abs(lat) > 90.0
            lat = np.where(beyond, np.sign(lat) * 180.0 - lat, lat)
            return np.where(beyond, lon + 180.0, lon) % 360.0, lat
        return _in_gnomonic(self._in_plane(), across, up)

    def _in_plane(self) -> tuple[float, ...]:
        """Longitude, half sides, and sines and cosines of the turn and of the latitude."""
        lat0 = math.radians(self.lat_deg)
        return (self.lon_deg, *self._half_sides(), *self._turn(), math.sin(lat0), math.cos(lat0))


def pixel_positions_of(footprints: Sequence[Footprint], shape: tuple[int, int]) -> tuple[Degrees, Degrees]:
    """Galactic longitude and latitude of each pixel centre of many footprints, degrees.

    Parameters
    ----------
    footprints : sequence of Footprint
    shape : (rows, columns)

    Returns
    -------
    lon_deg, lat_deg : array (footprints, rows, columns)
        As :meth:`Footprint.pixel_positions` gives them one by one.
    """
    if not footprints or any(each.projection == "CAR" for each in footprints):
        places = np.array([each.pixel_positions(shape) for each in footprints]).reshape(-1, 2, *shape)
        return places[:, 0], places[:, 1]
    planes = np.array([each._in_plane() for each in footprints])
    across, up = _pixel_fractions(shape)
    return _in_gnomonic(planes.T[:, :, None, None], across, up)


def _pixel_fractions(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Pixel centres as fractions of the sides: (1, columns) along longitude and (rows, 1) along latitude."""
    rows, columns = shape
    across = 0.5 - (np.arange(columns) + 0.5) / columns
    up = 0.5 - (np.arange(rows) + 0.5) / rows
    return across[None, :], up[:, None]


def _in_gnomonic(
    plane: Sequence[float] | np.ndarray, across: np.ndarray, up: np.ndarray
) -> tuple[Degrees, Degrees]:
    """Positions at fractions of the sides of one footprint, or of many with a plane of arrays."""
    lon_deg, half_width, half_height, sine, cosine, sine_lat, cosine_lat = plane
    x, y = 2 * across * half_width, 2 * up * half_height
    x, y = x * cosine + y * sine, y * cosine - x * sine
    # Turn the tangent plane's unit vectors (depth, x, y) about the axis through longitude ± 90°.
    forward = cosine_lat - y * sine_lat
    north = sine_lat + y * cosine_lat
    lon = lon_deg + np.degrees(np.arctan2(x, forward))
    lat = np.degrees(np.arctan2(north, np.hypot(x, forward)))
    return lon % 360.0, lat

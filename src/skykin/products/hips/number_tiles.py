"""Numbers of the tiles of a map or an index as HiPS tiles: each pixel has that of the nearest tile."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from skykin.core.footprint import Footprint
from skykin.core.shapes import Degrees, Numbers
from skykin.core.sphere import chord, directions, seen_from
from skykin.products.hips.geometry import (
    WIDTH,
    HipsFrame,
    recommended_order,
    tile_centre,
    tile_positions,
    tile_radius_deg,
)

#: HiPS tiles whose rows are kept: 64 MiB.
KEPT = 64
PIXELS_PER_TILE = 4


class NearestRows:
    """Which tile of a map or an index each pixel of a HiPS shows: the same for every query.

    Parameters
    ----------
    footprints : sequence of Footprint
        Where the tiles lie, at least one.
    frame : {"galactic", "icrs"}
        Of the HiPS.
    """

    def __init__(self, footprints: Sequence[Footprint], frame: HipsFrame = "galactic") -> None:
        self.frame = frame
        self._places = _Places.of(footprints)
        self._tree = cKDTree(self._places.ahead)
        self._kept: OrderedDict[tuple[int, int], Numbers] = OrderedDict()
        self._lock = threading.Lock()

    def tile(self, order: int, npix: int) -> Numbers:
        """Row of the nearest tile at each pixel where it lies in that tile's footprint; −1 elsewhere.

        Returns
        -------
        int32 array (512, 512)
            Its first row is the top; not to be written to.
        """
        key = order, npix
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        rows = self._found(order, npix)
        rows.flags.writeable = False
        with self._lock:
            self._kept[key] = rows
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return rows

    def _found(self, order: int, npix: int) -> Numbers:
        centre = directions(*tile_centre(order, npix, self.frame))
        farthest = self._places.reach_deg
        if self._tree.query(centre)[0] > chord(tile_radius_deg(order) + farthest):
            return np.full((WIDTH, WIDTH), -1, np.int32)
        return self.at(*tile_positions(order, npix, self.frame))

    def at(self, lon_deg: Degrees, lat_deg: Degrees) -> Numbers:
        """Row of the nearest tile at Galactic positions where they lie in its footprint; −1 elsewhere.

        Returns
        -------
        int32 array, the shape of the positions
        """
        lon, lat = np.ravel(lon_deg), np.ravel(lat_deg)
        farthest = chord(self._places.reach_deg)
        distance, found = self._tree.query(directions(lon, lat), distance_upper_bound=farthest)
        rows = np.where(found < self._tree.n, found, -1).astype(np.int32)
        doubtful = np.flatnonzero((rows >= 0) & (distance > chord(self._places.sure_deg)))
        inside = self._places.contain(rows[doubtful], lon[doubtful], lat[doubtful])
        rows[doubtful[~inside]] = -1
        return rows.reshape(np.shape(lon_deg))


@dataclass(frozen=True, eq=False)
class NumberTiles:
    """One number per tile of a map or an index, as HiPS tiles.

    Parameters
    ----------
    rows : NearestRows
    values : array (tiles,)
        Such as scores; NaN where there is none.
    """

    rows: NearestRows
    values: Numbers

    def tile(self, order: int, npix: int) -> Numbers:
        """Numbers of a HiPS tile, its first row at the top; NaN where no tile lies.

        Returns
        -------
        float32 array (512, 512)
        """
        padded = np.append(np.asarray(self.values, np.float32), np.float32(np.nan))
        return np.asarray(padded[self.rows.tile(order, npix)])


@dataclass(frozen=True, eq=False)
class _Places:
    """Footprints as arrays.

    Parameters
    ----------
    ahead : array (tiles, 3)
        Directions of the centres.
    lon_deg, lat_deg, width_deg, height_deg, turn_deg : array (tiles,)
    gnomonic : bool array (tiles,)
        Whether a tile is a gnomonic picture; others are rectangles of the plate carrée.
    """

    ahead: Numbers
    lon_deg: Degrees
    lat_deg: Degrees
    width_deg: Degrees
    height_deg: Degrees
    turn_deg: Degrees
    gnomonic: np.ndarray

    @classmethod
    def of(cls, footprints: Sequence[Footprint]) -> _Places:
        lon, lat, width, height, turn = np.array(
            [(p.lon_deg, p.lat_deg, p.width_deg, p.height_deg, p.turn_deg) for p in footprints]
        ).T
        gnomonic = np.array([each.projection == "TAN" for each in footprints])
        return cls(directions(lon, lat), lon, lat, width, height, turn, gnomonic)

    @property
    def reach_deg(self) -> float:
        """Distance from the centre beyond which no pixel lies in a tile."""
        half = np.hypot(*(np.minimum(side, 170.0) / 2 for side in (self.width_deg, self.height_deg)))
        return min(float(half.max()), 180.0)

    @property
    def sure_deg(self) -> float:
        """Distance from the centre within which every pixel lies in the tile."""
        return float(np.where(self.gnomonic, np.minimum(self.width_deg, self.height_deg), 0.0).min()) / 2

    def contain(self, rows: Numbers, lon_deg: Degrees, lat_deg: Degrees) -> np.ndarray:
        """Tell which positions lie in the footprints of these rows, as `Footprint.contains_deg` does."""
        width, height = self.width_deg[rows], self.height_deg[rows]
        lon = (lon_deg - self.lon_deg[rows] + 180.0) % 360.0 - 180.0
        flat = (np.abs(lon) <= width / 2) & (np.abs(lat_deg - self.lat_deg[rows]) <= height / 2)
        lat0 = np.radians(self.lat_deg[rows])
        east, north, depth = seen_from(np.radians(lon), np.radians(lat_deg), lat0)
        with np.errstate(divide="ignore", invalid="ignore"):
            x, y = east / depth, north / depth
        sine, cosine = (turn(np.radians(self.turn_deg[rows])) for turn in (np.sin, np.cos))
        x, y = x * cosine - y * sine, x * sine + y * cosine
        tilted = (
            (depth > 0)
            & (np.abs(x) <= np.tan(np.radians(width / 2)))
            & (np.abs(y) <= np.tan(np.radians(height / 2)))
        )
        return np.asarray(np.where(self.gnomonic[rows], tilted, flat))


def order_of_spacing(spacing_deg: float) -> int:
    """Order for numbers of tiles that stand so far apart: at least four pixels from one to the next."""
    return recommended_order(spacing_deg / PIXELS_PER_TILE)

"""Objects on a map, and the same objects rotated in longitude about the Galactic poles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skykin.core.errors import DataQualityError, UsageError
from skykin.core.extent import Extent
from skykin.core.shapes import Degrees, Numbers
from skykin.evaluation.tile_centres import TileCentres


@dataclass(frozen=True)
class Zone:
    """Galactic latitudes from one |b|, not included, to another, included.

    Parameters
    ----------
    name : str
        For tables and figures.
    above_deg, up_to_deg : float
        Limits of |b|, degrees.
    """

    name: str
    above_deg: float = -1.0
    up_to_deg: float = 90.0

    def contains(self, lat_deg: Degrees) -> np.ndarray:
        """Tell which latitudes lie inside."""
        away = np.abs(lat_deg)
        return np.asarray((away > self.above_deg) & (away <= self.up_to_deg))


ALL_SKY = Zone("all sky")
OFF_PLANE = Zone("|b| > 5°", above_deg=5.0)
PLANE = Zone("|b| ≤ 5°", up_to_deg=5.0)
ZONES = (ALL_SKY, OFF_PLANE, PLANE)


ROTATIONS = 300
EXCLUDE_DEG = 12.0


@dataclass(frozen=True, eq=False)
class RotatedObjects:
    r"""The tiles on which objects lie: column 0 at their place, column k rotated by :math:`360° k / (T+1)`.

    A rotated object keeps its latitude, so a score that knows nothing but latitude cannot tell the columns
    apart.  An object has the score of the tile whose centre is nearest to its own: a tile is already an
    average over several degrees, and the largest score within an object would grow with its size.

    Parameters
    ----------
    lon_deg, lat_deg : array (objects,)
        Galactic positions of the objects that lie on the map and away from the reference.
    rows : int array (objects,)
        Their rows in the list that was given.
    tile : int array (objects, 1 + rotations)
        Index of the tile; -1 where the place is off the map or near the reference.
    sky : bool array (tiles,)
        Tiles that are not near the reference.
    """

    lon_deg: Degrees
    lat_deg: Degrees
    rows: Numbers
    tile: Numbers
    sky: np.ndarray

    @classmethod
    def on(
        cls,
        tiles: TileCentres,
        lon_deg: Degrees,
        lat_deg: Degrees,
        *,
        reference: tuple[float, float] | Degrees | None = None,
        exclude_deg: float = EXCLUDE_DEG,
        rotations: int = ROTATIONS,
    ) -> RotatedObjects:
        """Place objects on a map.

        Parameters
        ----------
        tiles : TileCentres
        lon_deg, lat_deg : array (objects,)
            Galactic positions, degrees.
        reference : (lon_deg, lat_deg) or array (references, 2), optional
            The references: objects, rotated or not, and sky nearer to it than `exclude_deg` are left
            out, because to find a reference shows nothing.
        rotations : int
            How often the objects are rotated.

        Raises
        ------
        UsageError
            If `rotations` is not above 0, or positions are not finite.
        """
        lon_deg, lat_deg = np.asarray(lon_deg, dtype=np.float64), np.asarray(lat_deg, dtype=np.float64)
        if rotations < 1:
            raise UsageError(f"objects cannot be rotated {rotations} times; use at least 1")
        if not (np.isfinite(lon_deg).all() and np.isfinite(lat_deg).all()):
            raise UsageError("every object needs a finite position, but some are NaN or infinite")
        angle = np.arange(rotations + 1) * 360.0 / (rotations + 1)
        rotated_lon = (lon_deg[:, None] + angle) % 360.0
        rotated_lat = np.broadcast_to(lat_deg[:, None], rotated_lon.shape)
        tile = tiles.nearest(rotated_lon, rotated_lat) if lon_deg.size else np.empty(rotated_lon.shape, int)
        sky = np.ones(len(tiles), dtype=bool)
        for place in () if reference is None else np.atleast_2d(reference):
            about = Extent(float(place[0]), float(place[1]), exclude_deg)
            sky &= ~about.contains(tiles.lon_deg, tiles.lat_deg)
            tile = np.where(about.contains(rotated_lon, rotated_lat), -1, tile)
        rows = np.flatnonzero(tile[:, 0] >= 0)
        return cls(lon_deg[rows], lat_deg[rows], rows, tile[rows], sky)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def own_tile(self) -> Numbers:
        """Index of the tile that each object lies in, not rotated."""
        return np.asarray(self.tile[:, 0])

    def keep(self, chosen: np.ndarray) -> RotatedObjects:
        """Return the objects for which `chosen` (objects,) is true, or whose indices it holds."""
        return RotatedObjects(
            self.lon_deg[chosen], self.lat_deg[chosen], self.rows[chosen], self.tile[chosen], self.sky
        )

    def within(self, zone: Zone) -> RotatedObjects:
        """Return the objects in a zone of latitude; rotated, they stay in it."""
        return self.keep(zone.contains(self.lat_deg))

    def scored(self, *scores: Numbers) -> RotatedObjects:
        """Return the objects at whose place every one of the scores (tiles,) has a value."""
        known = np.all([np.isfinite(score) for score in scores], axis=0)
        return self.keep(known[self.own_tile])

    def latitude_score(self) -> Numbers:
        """−|b| at every place itself (objects, 1 + rotations): the score without any data."""
        return np.repeat(-np.abs(self.lat_deg)[:, None], self.tile.shape[1], axis=1)

    def values(self, score: Numbers) -> Numbers:
        """Score of each object (objects, 1 + rotations); NaN where there is none.

        Parameters
        ----------
        score : array (tiles,) or (objects, 1 + rotations)
            Of the tiles; or of the places themselves, for what is known more finely than the tiles.

        Raises
        ------
        UsageError
            If the score fits neither the tiles nor the places.
        DataQualityError
            If an object's own place has no score; see `scored`.
        """
        score = np.asarray(score, dtype=np.float64)
        if score.shape not in (self.sky.shape, self.tile.shape):
            raise UsageError(
                f"a score of shape {score.shape} fits neither {self.sky.size} tiles nor {len(self)} objects "
                f"at {self.tile.shape[1]} places"
            )
        found = np.where(self.tile >= 0, score[self.tile] if score.ndim == 1 else score, np.nan)
        if np.isnan(found[:, 0]).any():
            raise DataQualityError(
                f"{np.isnan(found[:, 0]).sum()} of {len(self)} objects lie where the map has no score; "
                "leave them out first",
                code="DQ-FEWVALID",
            )
        return found

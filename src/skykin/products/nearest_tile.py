"""Which tile is nearest to each HEALPix cell, where the tiles are read part by part."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from astropy import units as u
from astropy_healpix import HEALPix
from astropy_healpix.core import healpix_to_lonlat
from scipy.spatial import cKDTree

from skykin.core.extent import Extent
from skykin.core.frames import to_galactic
from skykin.core.protocols import Counter
from skykin.core.shapes import Degrees, Numbers
from skykin.core.sphere import chord, directions, separation_deg
from skykin.products.hips.geometry import tiles_of

#: A distance between neighbours that so many of all are not larger than.
WIDEST = 0.95
#: Parts whose search trees are kept: a part and those around it.
TREES = 16
#: Tiles of a lattice that may be equally near to a place.
MOST_TIED = 8
#: The largest distances are sorted out when there are so many times as many as are needed.
TRIMMED_FROM = 2
#: What rounding may take from an angle, degrees.
ROUNDED_DEG = 1e-5


@dataclass(frozen=True)
class Cells:
    """HEALPix cells of one order: equatorial and NESTED, or Galactic and in RING order.

    Parameters
    ----------
    order : int
    equatorial : bool
    """

    order: int
    equatorial: bool

    def within(self, around: Extent) -> Numbers:
        """Numbers of the cells that a cap touches, growing."""
        if self.equatorial:
            return np.asarray(tiles_of(around, self.order, "icrs"), np.int64)
        if around.is_all_sky:
            return np.arange(12 << 2 * self.order)
        ring = HEALPix(1 << self.order, order="ring")
        return np.sort(ring.nested_to_ring(around.pixels(1 << self.order)))

    def centres(self, cells: Numbers) -> tuple[Degrees, Degrees]:
        """Galactic positions of the middles of cells, degrees."""
        kind = "nested" if self.equatorial else "ring"
        lon, lat = healpix_to_lonlat(cells, 1 << self.order, order=kind)
        place = lon.to_value(u.deg), lat.to_value(u.deg)
        return to_galactic(*place, "icrs") if self.equatorial else place


def nearest_of(tree: cKDTree, places: Numbers, workers: int = 1) -> tuple[Numbers, Numbers]:
    """Find the nearest point of a tree to each place, the first of those that are equally near.

    Parameters
    ----------
    tree : cKDTree
    places : array (places, 3)
        Unit vectors.
    workers : int
        Threads.

    Returns
    -------
    distance, row : array (places,)
    """
    distance, row = tree.query(places, k=2, workers=workers)
    nearest = row[:, 0]
    tied = np.flatnonzero(distance[:, 0] == distance[:, 1])
    if tied.size:
        away, rows = tree.query(places[tied], k=min(MOST_TIED, tree.n))
        nearest[tied] = np.where(away == away[:, :1], rows, tree.n).min(axis=1)
    return distance[:, 0], nearest


@dataclass(frozen=True, eq=False)
class TilesByPart:
    """Centres of tiles, of which a few parts are in memory at a time.

    Parameters
    ----------
    counts : sequence of int
        Tiles of each part.
    read : callable
        From the number of a part to the Galactic longitudes and latitudes of its tiles, degrees.
    workers : int
        Threads.
    """

    counts: Sequence[int]
    read: Callable[[int], tuple[Degrees, Degrees]]
    workers: int = 1

    def __len__(self) -> int:
        return sum(self.counts)

    @property
    def _parts(self) -> Iterator[tuple[int, int]]:
        """Number and first tile of each part that has tiles."""
        start = 0
        for part, count in enumerate(self.counts):
            if count:
                yield part, start
            start += count

    @cached_property
    def _caps(self) -> dict[int, Extent]:
        """Cap that holds each part."""
        return {part: Extent.around(*self.read(part)) for part, _ in self._parts}

    @cached_property
    def _tree(self) -> Callable[[int], cKDTree]:
        return lru_cache(TREES)(lambda part: cKDTree(directions(*self.read(part))))

    def around(self, margin_deg: float) -> Extent:
        """Cap that holds all tiles, as `Extent.around`."""
        places = (directions(*self.read(part)) for part, _ in self._parts)
        middle = sum(each.sum(axis=0) for each in places) / len(self)
        length = float(np.linalg.norm(middle))
        if length < 1e-6:
            return Extent()
        lon, lat = math.degrees(math.atan2(middle[1], middle[0])), math.degrees(math.asin(middle[2] / length))
        farthest = max(float(separation_deg(*self.read(part), lon, lat).max()) for part, _ in self._parts)
        radius = farthest + margin_deg
        return Extent() if radius >= 90 else Extent(lon % 360, lat, max(radius, 1e-9))

    def spacing_deg(self, counter: Counter) -> float:
        """Distance from a tile's centre to the next where the grid is at its widest, as `score_map` has it.

        There are at least two tiles.
        """
        below = math.floor(WIDEST * (len(self) - 1))
        kept, largest = len(self) - below, np.zeros(0)
        for part, _ in self._parts:
            largest = np.concatenate([largest, self._to_next(part)])
            if len(largest) > kept * TRIMMED_FROM:
                largest = np.partition(largest, len(largest) - kept)[-kept:]
            counter.advance(self.counts[part])
        largest = np.sort(largest)[-kept:]
        # The quantile of all distances, of which only those from it on were kept.
        return _angle_deg(largest[0] + (largest[1] - largest[0]) * (WIDEST * (len(self) - 1) - below))

    def _to_next(self, part: int) -> Numbers:
        """Straight distance from each tile of a part to the nearest other, in whichever part."""
        lon, lat = self.read(part)
        places = directions(lon, lat)
        distance = self._tree(part).query(places, k=2, workers=self.workers)[0][:, 1]
        reach_deg = _angle_deg(float(distance.max()))
        for other in self._beside(part, reach_deg):
            cap = self._caps[other]
            near = cap.distance_deg(lon, lat) <= cap.radius_deg + reach_deg + ROUNDED_DEG
            theirs = self._tree(other).query(places[near], workers=self.workers)[0]
            distance[near] = np.minimum(distance[near], theirs)
        return np.asarray(distance)

    def _beside(self, part: int, reach_deg: float) -> list[int]:
        """Other parts with tiles that may be so near to one of this."""
        numbers = np.array(list(self._caps))
        lon, lat, radius = np.array([(c.lon_deg, c.lat_deg, c.radius_deg) for c in self._caps.values()]).T
        own = self._caps[part]
        near = own.distance_deg(lon, lat) <= own.radius_deg + radius + reach_deg + ROUNDED_DEG
        return [int(other) for other in numbers[near] if other != part]

    def nearest(self, grid: Cells, cells: Numbers, farthest_deg: float, counter: Counter) -> Numbers:
        """Find the tile with the nearest centre to each cell: its number, −1 where that is too far.

        Of equally near tiles it is the first.

        Parameters
        ----------
        grid : Cells
        cells : int array (n,)
            Numbers, growing.
        farthest_deg : float
        counter : Counter
            Told of tiles.
        """
        found, least = np.full(len(cells), -1), np.full(len(cells), np.nextafter(chord(farthest_deg), 9))
        for part, start in self._parts:
            near = grid.within(self._caps[part].widened(farthest_deg + ROUNDED_DEG))
            at = np.searchsorted(cells, near)
            at = at[(at < len(cells)) & (cells[np.minimum(at, len(cells) - 1)] == near)]
            places = directions(*grid.centres(cells[at]))
            distance, row = nearest_of(self._tree(part), places, self.workers)
            nearer = distance < least[at]
            found[at[nearer]], least[at[nearer]] = start + row[nearer], distance[nearer]
            counter.advance(self.counts[part])
        return found


class Painter:
    """Gives cells the numbers of the tiles that they show, as the tiles come.

    Parameters
    ----------
    shown : int array (n,)
        Number of the tile that each cell shows; −1 for none.
    names : sequence of str
        Of the columns.
    """

    def __init__(self, shown: Numbers, names: Sequence[str]) -> None:
        self._order = np.argsort(shown, kind="stable")
        self._shown = shown[self._order]
        self.columns = {name: np.full(len(shown), np.nan, np.float32) for name in names}

    def paint(self, numbers: Numbers, values: Mapping[str, Numbers]) -> None:
        """Take the values of tiles by their numbers, which grow."""
        first, last = np.searchsorted(self._shown, [numbers[0], numbers[-1] + 1])
        own = self._shown[first:last]
        row = np.minimum(np.searchsorted(numbers, own), len(numbers) - 1)
        known = numbers[row] == own
        for name, column in self.columns.items():
            column[self._order[first:last][known]] = values[name][row[known]]


def _angle_deg(distance: float) -> float:
    """Angle of a straight distance between points of the unit sphere; infinite where that is."""
    return math.degrees(2 * math.asin(distance / 2)) if distance <= 2 else math.inf

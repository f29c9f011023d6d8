"""The style of a part of the sky: all its cells together, each counted once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skykin.core.errors import SkyError, UsageError
from skykin.core.extent import Extent
from skykin.core.shapes import Numbers
from skykin.core.sphere import directions
from skykin.indexing.answers import Contains, Region
from skykin.indexing.compare import Space
from skykin.indexing.moments import positive
from skykin.indexing.stored import StoredFacet
from skykin.style.signature import Signature
from skykin.style.statistics.statistic import TILE_CELLS
from skykin.survey.render import Stretch

#: Points along a side of a cell that tell how much of it lies inside.
POINTS = 4


@dataclass(frozen=True)
class Place:
    """A part of the sky.

    Parameters
    ----------
    contains : callable
        What lies inside.
    squares : sequence of callable
        What lies inside its concentric parts, the smallest first, for recipes that compare them.
    around : Extent, optional
        Holds all of it.  Cells then count as far as they lie inside, instead of those that are centred there.
    lat_deg : float, optional
        Galactic latitude of its middle; that of the middle of its cells if left out.
    """

    contains: Contains
    squares: Sequence[Contains] = ()
    around: Extent | None = None
    lat_deg: float | None = None


def region_of(
    facets: Sequence[StoredFacet], space: Space, stretch: Stretch, place: Place, cell_deg: float
) -> Region:
    """Add up the cells that lie inside.

    Parameters
    ----------
    facets : sequence of StoredFacet
    space : Space
    stretch : Stretch
        How values became colours.
    place : Place
    cell_deg : float
        Side of a cell, degrees.

    Raises
    ------
    SkyError
        If there is none, or none has data (``SKY-RANGE``).
    UsageError
        If the recipe compares concentric parts, and not as many are given.
    """
    rings = space.recipe.statistic.rings
    if len(place.squares) < len(rings):
        sides = ", ".join(f"{eighths}/{TILE_CELLS}" for eighths in rings)
        raise UsageError(
            f"the recipe {space.recipe.name} compares the core of a region with the rest of it; say what its "
            f"concentric parts of {sides} of its side are"
        )
    whole, within = _Sum(space), [_Sum(space) for _ in rings]
    inside, covered, area, middle = 0, 0, 0.0, np.zeros(3)
    lowest, highest = np.full(3, np.nan), np.full(3, np.nan)
    for facet in facets:
        if not _may_lie_in(facet, place.around):
            continue
        mine = _near(facet, place.around)
        share = _share(facet, mine, place.contains, place)
        mine, share = mine[share > 0], share[share > 0]
        if not mine.size:
            continue
        cells = facet.cells[mine]
        coverage = cells["coverage"] * share
        inside += mine.size
        lowest = np.fmin(lowest, np.fmin.reduce(cells["lowest"]))
        highest = np.fmax(highest, np.fmax.reduce(cells["highest"]))
        covered += int((coverage > 0).sum())
        solid = coverage * _area_deg2(facet, cells)
        area += float(solid.sum())
        middle += solid @ directions(cells["lon"], cells["lat"])
        weights = np.where(coverage > 0, space.weights(cells["coverage"]), 0).astype(np.float64)
        whole.add(facet.moments[mine], weights * share)
        inner: Numbers | float = 0.0
        for ring, contains in zip(within, place.squares, strict=False):
            square = _share(facet, mine, contains, place)
            ring.add(facet.moments[mine], weights * np.maximum(square - inner, 0))
            inner = square
    if not covered:
        found = (
            f"0 of {inside} cells in the region have data"
            if inside
            else f"no cell of the index is centred in the region (cells are {cell_deg:.2g}° wide)"
        )
        raise SkyError(f"{found}; choose a region that the survey covers, or a larger one")
    by_ring = [ring.means() for ring in within]
    lat = place.lat_deg
    if lat is None:
        lat = math.degrees(math.atan2(middle[2], math.hypot(middle[0], middle[1])))
    style = {
        layer: space.moments[layer].finish(
            mean, np.stack([r[layer] for r in by_ring]) if by_ring else None, np.array(lat)
        )
        for layer, mean in whole.means().items()
    }
    return Region(Signature(style), covered, area, bool(stretch.is_flat(lowest, highest)))


class _Sum:
    """Adds cells up."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._weight, self._sums = 0.0, dict[str, Numbers]()

    def add(self, moments: Numbers, weights: Numbers) -> None:
        """Take coded moments of cells, all layers beside each other."""
        self._weight += float(weights.sum())
        for layer, columns in self._space.columns.items():
            part = self._space.moments[layer].sums(moments[:, columns], weights[:, None]).sum(axis=0)
            self._sums[layer] = self._sums.get(layer, 0) + part

    def means(self) -> dict[str, Numbers]:
        """Divide by the weight; NaN if there is none."""
        weight = positive(np.array(self._weight))
        return {layer: total / weight for layer, total in self._sums.items()}


def _may_lie_in(facet: StoredFacet, around: Extent | None) -> bool:
    """Whether a facet's own part of the sky is near, so that its cells have to be read."""
    home = facet.facet.home
    if around is None or home is None:
        return True
    reach_deg = around.widened(_margin_deg(facet)).radius_deg + home.far_deg
    return bool(around.distance_deg(np.array(home.lon_deg), np.array(home.lat_deg)) <= reach_deg)


def _margin_deg(facet: StoredFacet) -> float:
    """How far from a place cells are centred that may lie partly in it, with a margin."""
    return math.degrees(2 * facet.cell * facet.facet.pixel)


def _near(facet: StoredFacet, around: Extent | None) -> Numbers:
    """Which of a facet's own cells may lie inside."""
    cells = facet.cells
    own = np.flatnonzero(cells["own"])
    if around is None:
        return own
    reach = around.widened(_margin_deg(facet))
    return np.asarray(own[reach.contains(cells["lon"][own], cells["lat"][own])])


def _share(facet: StoredFacet, mine: Numbers, contains: Contains, place: Place) -> Numbers:
    """Share of each cell that lies inside; 0 or 1 if cells are not divided."""
    if not len(mine):
        return np.zeros(0)
    cells = facet.cells[mine]
    if place.around is None:
        return np.asarray(contains(cells["lon"], cells["lat"]), dtype=np.float64)
    side = facet.cell // POINTS
    rows = (cells["row"] * POINTS)[:, None, None] + np.arange(POINTS)[:, None]
    columns = (cells["column"] * POINTS)[:, None, None] + np.arange(POINTS)
    lon, lat = facet.facet.square_centers(side, side, *np.broadcast_arrays(rows, columns))
    found = np.asarray(contains(lon.ravel(), lat.ravel()), dtype=np.float64)
    return np.asarray(found.reshape(len(mine), -1).mean(axis=1))


def _area_deg2(facet: StoredFacet, cells: Numbers) -> Numbers:
    """Solid angle of cells: the plane draws what is far from its centre larger."""
    plane = facet.facet
    lat, lon = np.radians(cells["lat"]), np.radians(cells["lon"] - plane.lon_deg)
    middle = math.radians(plane.lat_deg)
    cosine = np.sin(lat) * math.sin(middle) + np.cos(lat) * math.cos(middle) * np.cos(lon)
    side = math.degrees(facet.cell * plane.pixel) * (1 + cosine) / 2
    return np.asarray(side**2)

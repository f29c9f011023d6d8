"""The style of a part of the sky: all its cells together, each counted once."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from skykin.core.errors import SkyError
from skykin.core.shapes import Numbers
from skykin.index.answers import Contains, Region
from skykin.index.compare import Space
from skykin.index.stored import StoredFacet
from skykin.style.signature import Signature


def region_of(facets: Sequence[StoredFacet], space: Space, contains: Contains, cell_deg: float) -> Region:
    """Add up the cells that are centred inside.

    Raises
    ------
    SkyError
        If there is none, or none has data (``SKY-RANGE``).
    """
    sums: dict[str, Numbers] = {}
    weight, inside, covered, area = 0.0, 0, 0, 0.0
    for facet in facets:
        cells = facet.cells
        mine = np.flatnonzero(cells["own"])
        mine = mine[np.asarray(contains(cells["lon"][mine], cells["lat"][mine]), dtype=bool)]
        if not mine.size:
            continue
        coverage = cells["coverage"][mine]
        inside += mine.size
        covered += int((coverage > 0).sum())
        area += float((coverage * _area_deg2(facet, cells[mine])).sum())
        w = np.where(coverage > 0, space.weights(coverage), 0).astype(np.float64)
        weight += w.sum()
        moments = facet.moments[mine]
        for layer, columns in space.columns.items():
            part = space.moments[layer].sums(moments[:, columns], w[:, None]).sum(axis=0)
            sums[layer] = sums.get(layer, 0) + part
    if not covered:
        found = (
            f"0 of {inside} cells in the region have data"
            if inside
            else f"no cell of the index is centred in the region (cells are {cell_deg:.2g}° wide)"
        )
        raise SkyError(f"{found}; choose a region that the survey covers, or a larger one")
    found_style = {layer: space.moments[layer].finish(total / weight) for layer, total in sums.items()}
    return Region(Signature(found_style), covered, area)


def _area_deg2(facet: StoredFacet, cells: Numbers) -> Numbers:
    """Solid angle of cells: the plane draws what is far from its centre larger."""
    plane = facet.facet
    lat, lon = np.radians(cells["lat"]), np.radians(cells["lon"] - plane.lon_deg)
    middle = math.radians(plane.lat_deg)
    cosine = np.sin(lat) * math.sin(middle) + np.cos(lat) * math.cos(middle) * np.cos(lon)
    side = math.degrees(facet.cell * plane.pixel) * (1 + cosine) / 2
    return np.asarray(side**2)

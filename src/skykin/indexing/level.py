"""Levels of the pyramid of tile sizes, added up from cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.table import QTable

from skykin.core.shapes import Numbers
from skykin.indexing.answers import Contains, Kind, Level
from skykin.indexing.compare import Space
from skykin.indexing.moments import unit_rows
from skykin.indexing.stored import StoredFacet
from skykin.style.engine.cells import boxes
from skykin.survey.render import Stretch
from skykin.tiling.grid import tile_names

#: A small tile is shifted by at most this share of its side.
FINEST_SHIFT = 4


def reaches(whole: int) -> list[int]:
    """Sides of tiles in cells: the standard tile's, halves of it while they are whole, and one cell."""
    found = [whole]
    while found[-1] % 2 == 0:
        found.append(found[-1] // 2)
    return found if found[-1] == 1 else [*found, 1]


@dataclass(frozen=True, eq=False)
class LevelReader:
    """Reads tiles of any size that cells add up to.

    Parameters
    ----------
    facets : sequence of StoredFacet
    space : Space
    bases : Mapping of str to array (k, n)
    stretch : Stretch
        How values became colours.
    min_coverage : float
        Tiles with a smaller share of observed pixels are left out.
    inside : callable, optional
        Where tiles are centred, besides in their facet's own part of the sky.
    """

    facets: Sequence[StoredFacet]
    space: Space
    bases: Mapping[str, Numbers]
    stretch: Stretch
    min_coverage: float
    inside: Contains | None

    def level(self, reach: int, cell_deg: float) -> Level:
        """List the tiles of `reach` × `reach` cells; those of the standard size are the standard tiles."""
        standard = self.facets[0]
        step = standard.step if reach == standard.reach else max(1, reach // FINEST_SHIFT)
        chosen = [self._chosen(facet, reach, step) for facet in self.facets]
        tables = [
            self._table(number, facet, where, reach, step)
            for number, (facet, where) in enumerate(zip(self.facets, chosen, strict=True))
        ]
        whole = np.concatenate(tables)
        columns = {name: whole[name] for name in whole.dtype.names or ()}
        names = tile_names(columns["lon"], columns["lat"], step * cell_deg)
        table = QTable({"name": names})
        for name, values in columns.items():
            angle = name in {"lon", "lat", "width", "height", "turn"}
            table[name] = values * u.deg if angle else values
        return Level(reach * cell_deg, step * cell_deg, table, self._vectors(chosen, reach, step))

    def _vectors(
        self, chosen: list[Numbers], reach: int, step: int
    ) -> Callable[[str | None, Kind | None], Iterator[tuple[slice, Numbers]]]:
        def blocks(layer: str | None = None, kind: Kind | None = None) -> Iterator[tuple[slice, Numbers]]:
            layers = self.space.recipe.layers if layer is None else (layer,)
            start = 0
            for facet, where in zip(self.facets, chosen, strict=True):
                stop = start + int(where.sum())
                if stop > start:
                    rows = [self._rows(facet, each, where, reach, step) for each in layers]
                    if (kind or "projection") != self.space.cell_kind:
                        rows = [part @ self.bases[each].T for each, part in zip(layers, rows, strict=True)]
                    yield slice(start, stop), np.concatenate(rows, axis=1)
                start = stop

        return blocks

    def _rows(self, facet: StoredFacet, layer: str, where: Numbers, reach: int, step: int) -> Numbers:
        found = facet.squares(layer, reach, step)[where]
        flat = self.stretch.is_flat(*facet.extremes(reach, step))[where]
        return unit_rows(found, np.where(flat, 0, np.linalg.norm(found.astype(np.float64), axis=-1)))

    def _chosen(self, facet: StoredFacet, reach: int, step: int) -> Numbers:
        share = self._share(facet, reach, step)
        grid: Numbers = np.indices(share.shape)
        place = facet.facet.square_centers(reach * facet.cell, step * facet.cell, *grid)
        own = np.ones(share.shape, dtype=bool)
        home = facet.facet.home
        if home is not None:
            own = home.contains(*place)
        within = True if self.inside is None else self.inside(*place)
        return np.asarray(own & within & (share >= self.min_coverage))

    def _share(self, facet: StoredFacet, reach: int, step: int) -> Numbers:
        share = boxes(boxes(facet.coverage().astype(np.float64), reach, 0), reach, 1) / reach**2
        return np.asarray(share[::step, ::step])

    def _table(self, number: int, facet: StoredFacet, where: Numbers, reach: int, step: int) -> Numbers:
        rows, columns = np.nonzero(where)
        record = np.dtype(
            [(name, "<f8") for name in ("lon", "lat", "width", "height", "turn", "coverage", "area")]
            + [(name, "<i4") for name in ("facet", "row", "column")]
        )
        table = np.zeros(len(rows), record)
        plane = facet.facet
        prints = plane.square_footprints(reach * facet.cell, step * facet.cell, rows, columns)
        for name in ("lon", "lat", "width", "height", "turn"):
            table[name] = [getattr(footprint, f"{name}_deg") for footprint in prints]
        table["coverage"] = self._share(facet, reach, step)[where]
        table["area"] = plane.share * (step * facet.cell / plane.spacing) ** 2
        table["facet"], table["row"], table["column"] = number, rows, columns
        return table

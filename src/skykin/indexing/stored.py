"""What an index holds of one facet, read back: its cells, its tiles, and any squares of cells."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from skykin.core.errors import IndexRefusedError, shown
from skykin.core.extent import Extent
from skykin.core.shapes import Numbers
from skykin.indexing.compare import Space
from skykin.indexing.contrasts import ContrastsOfCells
from skykin.indexing.copies import shard_used
from skykin.indexing.dots import products
from skykin.indexing.manifest import read_manifest
from skykin.indexing.moments import add_all, add_up, unit_rows
from skykin.indexing.remote import remote_of, shard_needed
from skykin.indexing.shards import Shard, check_shard, map_again, open_shard, windows
from skykin.style.engine.cells import Lattice, ring_side, square_extremes
from skykin.style.recipe import Recipe
from skykin.tiling.facets import Cap, Facet, Sector

#: Tiles that are gathered cell by cell at a time.
GATHERED = 256


@dataclass(frozen=True, eq=False)
class Shelf:
    """Shards by name; each is hashed before its first use.

    Nothing stays mapped: a large index passes through memory block by block.
    """

    folder: Path
    shards: Mapping[str, Shard]
    _opened: dict[str, tuple[np.dtype, int]] = field(default_factory=dict)

    def __call__(self, name: str) -> Numbers:
        """Map the shard of that name."""
        with self._replacement_told(name):
            shard = self._known(name)
            return map_again(self.folder, shard, *self._opened[name])

    def windows(self, name: str) -> Iterator[tuple[slice, Numbers]]:
        """Map the shard of that name, some rows after the other."""
        with self._replacement_told(name):
            shard = self._known(name)
            yield from windows(self.folder, shard, *self._opened[name])

    def check(self, name: str) -> None:
        """Hash the shard of that name."""
        with self._replacement_told(name):
            self._bring(name, self.shards[name])
            check_shard(self.folder, self.shards[name])

    def _bring(self, name: str, shard: Shard) -> None:
        """Fetch a shard of an index in a bucket that is not here yet."""
        if self._is_copy and (self.folder / shard.file).is_file():
            shard_used(self.folder / shard.file)
        elif self._is_copy:
            shard_needed(
                self.folder,
                name,
                lambda: [(each.name, each.file, each.sha256, each.size) for each in self.shards.values()],
            )

    @cached_property
    def _is_copy(self) -> bool:
        """Whether the index is in a bucket, and this the copy."""
        return remote_of(self.folder.parent) is not None

    def _known(self, name: str) -> Shard:
        shard = self.shards.get(name)
        if shard is None:
            raise IndexRefusedError(f"the index has no shard {name!r}, although its manifest needs one")
        if name not in self._opened:
            self._bring(name, shard)
            check_shard(self.folder, shard)
            array, begins = open_shard(self.folder, shard)
            self._opened[name] = array.dtype, begins
        return shard

    @contextmanager
    def _replacement_told(self, name: str) -> Iterator[None]:
        """Tell a shard that another version of the index has not from one that is damaged."""
        try:
            yield
        except IndexRefusedError as error:
            index = self.folder.parent
            try:
                remote = remote_of(index)
                now = read_manifest(remote.manifest_folder() if remote else index).shards.get(name)
            except IndexRefusedError as gone:
                if gone.code != "IX-VERSION":
                    raise error from gone
                now = None
            if now == self.shards.get(name):
                raise
            raise IndexRefusedError(
                f"the index {shown(index.name)} was replaced while it was open, as when data is appended to "
                "it; open it again",
                code="IX-REPLACED",
            ) from error


@dataclass(frozen=True, eq=False)
class StoredFacet:
    """One facet of an index.

    Parameters
    ----------
    name : str
        Of its step.
    plan : dict
        Its geometry, as `facet_plan` wrote it.
    shelf : Shelf
    space : Space
    cell : int
        Side of a cell, pixels.
    """

    name: str
    plan: Mapping[str, Any]
    shelf: Shelf
    space: Space
    cell: int

    @property
    def cells(self) -> Numbers:
        """Cells, one record each."""
        return self.shelf(f"cells-{self.name}")

    @property
    def moments(self) -> Numbers:
        """Coded moments of the cells, all layers beside each other."""
        return self.shelf(f"moments-{self.name}")

    @property
    def tiles(self) -> Numbers:
        """Standard tiles, one record each."""
        return self.shelf(f"tiles-{self.name}")

    @property
    def records(self) -> Numbers:
        """The same with the lengths of their whole vectors, where the average came after them."""
        if not self.space.in_rows:
            return np.asarray(self.tiles)
        tiles = np.array(self.tiles)
        tiles["norms"] = self.norms
        return tiles

    @property
    def norms(self) -> Numbers:
        """Lengths of the whole vectors of the standard tiles, float32 (tiles, layers); 0 without style."""
        return self.shelf(f"norms-{self.name}") if self.space.in_rows else self.tiles["norms"]

    @property
    def facet(self) -> Facet:
        """Its geometry."""
        return facet_of(self.plan)

    def weights(self) -> Numbers:
        """How much each cell counts, (rows, columns) of the lattice of cells; 0 where there is none."""
        cells = self.cells
        grid = np.zeros(self._shape, np.float32)
        grid[cells["row"], cells["column"]] = self.space.weights(cells["coverage"])
        return grid

    def coverage(self) -> Numbers:
        """Share of good data of each cell, (rows, columns); 0 where there is none."""
        cells = self.cells
        grid = np.zeros(self._shape, np.float32)
        grid[cells["row"], cells["column"]] = cells["coverage"]
        return grid

    def extremes(self, reach: int, step: int) -> tuple[Numbers, Numbers]:
        """Smallest and largest colours of such squares as `squares` compares: (rows, columns, 3)."""
        cells = self.cells
        lowest, highest = (np.full((*self._shape, 3), np.nan, np.float32) for _ in range(2))
        lowest[cells["row"], cells["column"]] = cells["lowest"]
        highest[cells["row"], cells["column"]] = cells["highest"]
        return square_extremes(lowest, highest, reach, step)

    def squares(self, layer: str, reach: int, step: int) -> Numbers:
        """Compare all squares of `reach` × `reach` cells, `step` apart: (rows, columns, n)."""
        cells, columns = self.cells, self.space.columns[layer]
        moments = self.moments[:, columns]
        grid = np.zeros((*self._shape, moments.shape[1]), moments.dtype)
        grid[cells["row"], cells["column"]] = moments
        lat = self._lat_deg(reach, step)
        return add_up(self.space.moments[layer], grid, self.weights(), lat, reach=reach, step=step)

    def products(self, vectors: Numbers, along: Sequence[ContrastsOfCells], workers: int = 1) -> Numbers:
        """Multiply the standard tiles with vectors (m, n), each layer divided by its length.

        Only for moments that are linear: the product is taken of the cells, and added up.

        Parameters
        ----------
        vectors : array (m, n)
            All layers beside each other.
        along : sequence of ContrastsOfCells
            Of each layer, what adds up along the vectors.
        workers : int
            Threads.

        Returns
        -------
        float64 array (tiles, layers, m)
        """
        tiles, cells, columns = self.tiles, self.cells, self.space.columns
        ends = [own.stop for own in columns.values()]
        products_of_cells = products(self.moments, vectors, ends, workers=workers)
        reach, step = self.reach, self.step
        lat, weights = self._lat_deg(reach, step), self.weights()
        lengths = tiles["norms"].astype(np.float64)
        lengths = np.where(lengths > 0, lengths, np.nan)
        found = np.empty((len(tiles), len(columns), len(vectors)))
        for number, moments in enumerate(along):
            grid = np.zeros((*self._shape, len(vectors)))
            grid[cells["row"], cells["column"]] = products_of_cells[:, number]
            sums = add_up(moments, grid, weights, lat, reach=reach, step=step)
            rows = sums[tiles["row"], tiles["column"]].astype(np.float64)
            found[:, number] = rows / lengths[:, number, None]
        return found

    def summed(self, layer: str) -> tuple[Numbers, Numbers]:
        """Add cells up to the standard tiles: vectors (tiles, n) divided by lengths, and these lengths."""
        tiles = self.tiles
        squares = self.squares(layer, self.reach, self.step)[tiles["row"], tiles["column"]]
        lengths = self.lengths(layer, squares)
        return unit_rows(squares, lengths), lengths

    def lengths(self, layer: str, compared: Numbers, numbers: Numbers | slice = slice(None)) -> Numbers:
        """Lengths of whole vectors of tiles that were added up; 0 of those without style."""
        known = self.tiles["norms"][numbers, self.space.recipe.layers.index(layer)]
        if not self.space.in_rows:
            return np.asarray(known)
        square = np.einsum("tn,tn->t", compared, compared, dtype=np.float64)
        return np.where(known > 0, np.sqrt(np.nan_to_num(square)), 0).astype(np.float32)

    def summed_rows(self, layer: str, numbers: Numbers) -> Numbers:
        """Return the same of some tiles only, read from their own cells."""
        tiles, cells, columns = self.tiles[numbers], self.cells, self.space.columns[layer]
        where = np.zeros(self._shape, np.intp)
        where[cells["row"], cells["column"]] = np.arange(len(cells))
        across, moments = np.arange(self.reach), self.space.moments[layer]
        found = np.empty((len(tiles), moments.compared_width), np.float32)
        for start in range(0, len(tiles), GATHERED):
            part = tiles[start : start + GATHERED]
            rows = part["row"][:, None, None] * self.step + across[:, None]
            places = where[rows, part["column"][:, None, None] * self.step + across].reshape(len(part), -1)
            weights = self.space.weights(cells["coverage"][places])
            own = self.moments[places, columns]
            found[start : start + GATHERED] = add_all(moments, own, weights, part["lat"])
        return unit_rows(found, self.lengths(layer, found, numbers))

    def _lat_deg(self, reach: int, step: int) -> Numbers:
        """Galactic latitudes of the middles of such squares as `squares` compares."""
        down, across = ((side - reach) // step + 1 for side in self._shape)
        grid = np.indices((down, across))
        return self.facet.square_centers(reach * self.cell, step * self.cell, *grid)[1]

    @property
    def _shape(self) -> tuple[int, int]:
        rows, columns = self.facet.shape
        return rows // self.cell, columns // self.cell

    @property
    def reach(self) -> int:
        """Cells along a side of a standard tile."""
        return int(self.plan["tile"]) // self.cell

    @property
    def step(self) -> int:
        """Cells from one standard tile to the next."""
        return int(self.plan["spacing"]) // self.cell


def facet_plan(facet: Facet) -> dict[str, Any]:
    """All that decides what a facet shows, as plain values."""
    home = facet.home
    part: dict[str, float] = {}
    if isinstance(home, Sector):
        part = {"width_deg": home.width_deg, "low_deg": home.low_deg, "high_deg": home.high_deg}
    elif isinstance(home, Cap):
        part = {"radius_deg": home.extent.radius_deg}
    return {
        "lon_deg": facet.lon_deg,
        "lat_deg": facet.lat_deg,
        "pixel": facet.pixel,
        "tile": facet.tile,
        "spacing": facet.spacing,
        "left": facet.left,
        "top": facet.top,
        "rows": facet.own.shape[0],
        "columns": facet.own.shape[1],
        "home": part,
        "share": facet.share,
        "own": _runs(facet.own),
    }


def facet_name(plan: Mapping[str, Any]) -> str:
    """Short name of a facet, from all that decides it."""
    text = json.dumps(plan, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def facet_of(plan: Mapping[str, Any]) -> Facet:
    """Rebuild a facet from all that decides it."""
    part, lon, lat = plan["home"], plan["lon_deg"], plan["lat_deg"]
    home: Sector | Cap | None = None
    if "width_deg" in part:
        home = Sector(lon, lat, part["width_deg"], part["low_deg"], part["high_deg"])
    elif part:
        home = Cap(Extent(lon, lat, part["radius_deg"]))
    own = np.repeat(np.arange(len(plan["own"])) % 2 == 1, plan["own"]).reshape(plan["rows"], plan["columns"])
    edge = (plan["left"], plan["top"])
    return Facet(lon, lat, plan["pixel"], plan["tile"], plan["spacing"], *edge, own, plan["share"], home)


def _runs(own: np.ndarray) -> list[int]:
    """Lengths of the runs of tiles that are not and that are a facet's own, in turn, row by row."""
    flat = np.concatenate([[False], own.ravel()])
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    found: list[int] = np.diff(np.concatenate([[0], edges, [own.size]])).tolist()
    return found


def cell_of(plan: Mapping[str, Any], recipe: Recipe) -> int:
    """Side of a cell, pixels."""
    return cell_pixels(Lattice(plan["tile"], plan["tile"], plan["tile"], plan["spacing"]), recipe)


def cell_pixels(lattice: Lattice, recipe: Recipe) -> int:
    """Side of the cells that the tiles of a lattice are made of, and their rings where the recipe needs them.

    Raises
    ------
    UsageError
        If there is no such cell.
    """
    if recipe.statistic.has_core:
        return ring_side(lattice, recipe.step) * recipe.step
    return lattice.cell

"""A finished index, opened for reading."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import QTable

from skykin.core.area import read_area
from skykin.core.errors import IndexRefusedError, UsageError, shown
from skykin.core.extent import Extent
from skykin.core.footprint import Footprint
from skykin.core.progress import SILENT
from skykin.core.protocols import Progress
from skykin.core.shapes import Numbers
from skykin.indexing.answers import Contains, Kind, Level, Region, Style
from skykin.indexing.builder import read_space, stored_facets
from skykin.indexing.compare import Space
from skykin.indexing.facts import IndexFacts
from skykin.indexing.layout import SHARDS
from skykin.indexing.level import LevelReader
from skykin.indexing.manifest import read_manifest
from skykin.indexing.region import Place, region_of
from skykin.indexing.remote import local_folder, remote_of
from skykin.indexing.stored import Shelf, StoredFacet
from skykin.indexing.vectors import TileVectors
from skykin.style.engine.meter import ContextMeter
from skykin.style.engine.shared import SharedMeter
from skykin.style.network.choice import network_like, same_network
from skykin.style.signature import Signature, Standardisation
from skykin.tiling.grid import tile_names

#: Columns of `StoredIndex.tiles` that are angles in degrees, and those that are plain numbers.
ANGLES = ("lon", "lat", "width", "height", "turn")
SHARES = ("coverage", "brightness", "area")
#: How tiles are named, by `skykin.tiling.grid.tile_names`, and how far from its name a tile may be centred.
TILE_NAME = re.compile(r"G(\d+\.\d+)([+-]\d+\.\d+)")
NAMED_WITHIN_DEG = 0.006


@dataclass(frozen=True, eq=False)
class StoredIndex(IndexFacts):
    """The style of a survey, cell by cell and tile by tile, as it lies on disk.

    Read-only.  Arrays stay on disk and are mapped while they are used; each file's hash is checked once, at
    its first use.

    Parameters
    ----------
    path : Path
    manifest : Manifest
        The committed state that was opened; what is appended later is not seen.
    """

    @classmethod
    def open(cls, path: str | Path, progress: Progress = SILENT) -> Self:
        """Open the index in a folder or, at an address such as ``s3://bucket/sky.skykin``, in a bucket.

        Parameters
        ----------
        path : path
        progress : Progress
            Is told if the bucket cannot be reached, and the copy on this computer is used.

        Raises
        ------
        IndexRefusedError
            If there is none, it is not finished, of another version (``IX-VERSION``), or damaged
            (``IX-CORRUPT``).
        """
        remote, folder = remote_of(path), local_folder(path)
        manifest = read_manifest(folder if remote is None else remote.manifest_folder(progress))
        if not manifest.steps or manifest.missing:
            done = len(manifest.steps) - len(manifest.missing)
            raise IndexRefusedError(
                f"the index {shown(folder.name)} is not finished: {done} of {len(manifest.steps)} parts are "
                "there; run the command that began it again",
                code="IX-UNFINISHED",
            )
        return cls(folder, manifest)

    def __repr__(self) -> str:
        name, title = shown(self.path.name), self.survey_title
        return f"<{type(self).__name__} {name}: {len(self)} tiles of {title[:60]}, {self.recipe.name}>"

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Kinds of vectors that it answers with, the quickest first; the first is the default everywhere."""
        return self._vectors.kinds

    @property
    def scored_by(self) -> Kind:
        """Kind by which all tiles are scored; the best may be scored again by a more exact one."""
        return self._vectors.scored_by

    @property
    def standard(self) -> Standardisation | None:
        """What an average tile is like; None if the recipe compares signatures as they are."""
        return self._space.standard

    @cached_property
    def tiles(self) -> QTable:
        """The standard tiles.

        Returns
        -------
        QTable
            name; lon, lat, width, height, turn (degrees, Galactic); ra, dec (degrees, ICRS); coverage,
            brightness; mean_intensity (the survey's unit); area (share of the sphere); facet, row, column
            (its place in the index).
        """
        return self._table(self._records, np.repeat(np.arange(len(self.counts)), self.counts))

    def some_tiles(self, numbers: Sequence[int] | Numbers) -> QTable:
        """Give rows of `tiles` by their numbers, without reading the others."""
        wanted = np.asarray(numbers, dtype=np.intp)
        return self._table(self.some_records(wanted), self._facet_of(wanted))

    def _table(self, records: Numbers, facet: Numbers) -> QTable:
        table = QTable({"name": tile_names(records["lon"], records["lat"], self.spacing_deg)})
        for name in ANGLES:
            table[name] = records[name] * u.deg
        icrs = SkyCoord(table["lon"], table["lat"], frame="galactic").icrs
        table["ra"], table["dec"] = u.Quantity(icrs.ra, u.deg), u.Quantity(icrs.dec, u.deg)
        for name in SHARES:
            table[name] = records[name]
        table["mean_intensity"] = records["mean_intensity"] * u.Unit(self.unit)
        table["facet"] = facet
        table["row"], table["column"] = records["row"], records["column"]
        return table

    @cached_property
    def footprints(self) -> tuple[Footprint, ...]:
        """Where the standard tiles lie, in the order of `tiles`."""
        return _footprints(self._records)

    def footprint(self, number: int) -> Footprint:
        """Where one standard tile lies."""
        return _footprints(self.some_records(np.array([number])))[0]

    def number_of(self, name: str) -> int | None:
        """Find a standard tile by its name, facet by facet; None where there is none of that name."""
        told = TILE_NAME.fullmatch(name)
        if told is None:
            return None
        lon, lat = (float(angle) for angle in told.groups())
        for facet, start in enumerate(self._starts):
            records = self.records_of(facet)
            near = np.flatnonzero(
                (abs(records["lat"] - lat) < NAMED_WITHIN_DEG)
                & (abs((records["lon"] - lon + 180) % 360 - 180) < NAMED_WITHIN_DEG)
            )
            names = tile_names(records["lon"][near], records["lat"][near], self.spacing_deg)
            if name in names:
                return int(start + near[names.index(name)])
        return None

    def some_records(self, numbers: Numbers) -> Numbers:
        """Read what is recorded of some standard tiles: `layout.tile_record`."""
        return self._gathered(numbers, lambda facet: facet.records)

    def records_of(self, facet: int) -> Numbers:
        """Read what is recorded of the standard tiles of one facet: `layout.tile_record`."""
        return self._facets[facet].records

    def vectors(self, layer: str | None = None, kind: Kind | None = None) -> Iterator[tuple[slice, Numbers]]:
        """Yield which tiles, and their vectors, block by block in the order of `tiles`.

        Parameters
        ----------
        layer : str, optional
            All layers beside each other (see `columns`) if left out.
        kind : {"projection", "exact"}, optional

        Yields
        ------
        slice, float16 or float32 array (tiles, n)
            Rows are divided by the length of the tile's whole signature in that layer: the dot product with
            the layer's `Style.vectors` is a cosine.  Read-only, mapped from disk where it can be.
        """
        return self._vectors.blocks(layer, kind)

    def columns(self, kind: Kind | None = None) -> Mapping[str, slice]:
        """Which columns of `vectors` without a layer belong to which layer."""
        return self._vectors.columns(kind)

    def rows(self, numbers: Sequence[int] | Numbers, kind: Kind | None = None) -> Numbers:
        """Give the vectors of some tiles, all layers beside each other.

        Returns
        -------
        float32 array (len(numbers), n)
            NaN where a tile has no style.
        """
        found = self._vectors.rows(numbers, kind)
        found[~self.styled_at(np.asarray(numbers, dtype=np.intp).reshape(-1))] = np.nan
        return found

    def cosines(self, styles: Sequence[Style], workers: int = 1) -> Numbers:
        """Compare all standard tiles with styles of one kind.

        Parameters
        ----------
        styles : sequence of Style
        workers : int
            Threads.

        Returns
        -------
        float64 array (tiles, layers, styles)
            From −1 to 1; NaN where a tile has no style.
        """
        found = np.empty((len(self), len(self.layers), len(styles)))
        for part, cosines in self.cosine_blocks(styles, workers):
            found[part] = cosines
        return found

    def cosine_blocks(self, styles: Sequence[Style], workers: int = 1) -> Iterator[tuple[slice, Numbers]]:
        """Yield the same block by block, as a large index needs: which tiles, and their cosines."""
        for part, found in self._vectors.cosines(styles, workers):
            found[~self.styled_at(np.arange(part.start, part.stop))] = np.nan
            yield part, found

    @property
    def blank(self) -> Numbers:
        """Share of each standard tile where nothing was observed: float64 (tiles,)."""
        return np.asarray(self._records["blank"])

    def styled_at(self, numbers: Numbers) -> np.ndarray:
        """Which of some standard tiles have a style, bool (n,): those that have structure."""
        norms = self._gathered(numbers, lambda facet: facet.norms)
        return np.asarray((norms > 0).all(axis=1))

    def norms(self, layer: str) -> Numbers:
        """Length of each standard tile's whole signature in a layer: float32 array (tiles,)."""
        self._known_layer(layer)
        return np.asarray(self._records["norms"][:, self.layers.index(layer)])

    def tile(self, number: int, kind: Kind | None = None) -> Style:
        """Return the style of one standard tile."""
        kind = self._vectors.known(kind)
        row = self.rows([number], kind)[0]
        vectors = {layer: row[columns] for layer, columns in self.columns(kind).items()}
        norms = self._gathered(np.array([number]), lambda facet: facet.norms)[0].tolist()
        return Style(kind, vectors, dict(zip(self.layers, norms, strict=True)))

    def meter(self) -> ContextMeter:
        """Return what measures a picture as the index measured its tiles; loads the network.

        A picture has `ContextMeter.halo` pixels of context on each side.
        """
        encoder = str(self.manifest.facts["encoder"])
        network = network_like(encoder, self.layers)
        if not same_network(network.name, encoder):
            raise IndexRefusedError(
                f"the index {shown(self.path.name)} was measured by {shown(self.manifest.facts['encoder'])}, "
                f"but here is {shown(network.name)}; build the index again",
                code="IX-MISMATCH",
            )
        return ContextMeter(SharedMeter(self.recipe, network), self.pixels, self.standard)

    def project(self, signature: Signature, kind: Kind | None = None) -> Style:
        """Bring a signature that `meter` or `region` gave into the space in which the index compares."""
        kind = self._vectors.known(kind)
        vectors, norms = {}, {}
        for layer in self.layers:
            given = self._space.given(layer, signature[layer])
            norms[layer] = float(np.linalg.norm(given))
            unit = (given / norms[layer] if norms[layer] > 0 else given * np.nan).astype(np.float32)
            if kind == "exact" and not self._space.is_whole(layer, unit):
                raise UsageError(
                    f"the style is a {self._space.cell_kind}, which has no exact vector; use "
                    f"{' or '.join(dict.fromkeys(('projection', self._space.cell_kind)))}"
                )
            short = unit if kind == "exact" else self._space.short(layer, unit)
            turned = kind == "projection" and not self._space.is_projected(layer, unit)
            vectors[layer] = self._vectors.bases[layer] @ short if turned else short
        return Style(kind, vectors, norms)

    def is_whole(self, signature: Signature) -> bool:
        """Whether it was measured, not added up from cells that keep only some of it."""
        return all(self._space.is_whole(layer, signature[layer]) for layer in self.layers)

    def translate(self, other: StoredIndex, signature: Signature, lat_deg: float | None = None) -> Signature:
        """Bring a signature of another index of the same recipe to this one's standard.

        Parameters
        ----------
        other : SkyIndex
        signature : Signature
        lat_deg : float, optional
            Galactic latitude of what it is of, where indexes standardise within rows of latitude.

        Raises
        ------
        IndexRefusedError
            If the recipes differ (``IX-MISMATCH``).
        """
        if other.recipe.key() != self.recipe.key():
            raise IndexRefusedError(
                f"the index {shown(other.path.name)} was made with recipe {shown(other.recipe.name)}, but "
                f"{shown(self.path.name)} with {shown(self.recipe.name)}; compare indexes of one recipe",
                code="IX-MISMATCH",
            )
        theirs, ours = other.standard, self.standard
        if theirs is None or ours is None:
            return signature
        if theirs.whitening or not self.is_whole(signature):
            raise UsageError(
                f"what cells of {shown(other.survey_title)} add up to cannot be brought to another survey by "
                f"the recipe {self.recipe.name}; cut the region's picture and give that"
            )
        theirs, ours = theirs.at(lat_deg), ours.at(lat_deg)
        return Signature(
            {
                layer: ours.compared(layer, vector * theirs.spread[layer] + theirs.mean[layer])
                for layer, vector in signature.items()
            }
        )

    def region(
        self,
        contains: Contains,
        squares: Sequence[Contains] = (),
        around: Extent | None = None,
        *,
        lat_deg: float | None = None,
    ) -> Region:
        """Return the style of all that lies inside: a box, a polygon, a MOC; every cell counts once.

        Parameters
        ----------
        contains : callable
            From Galactic longitudes and latitudes (arrays of degrees) to a bool array, such as
            `SkyBox.contains`.
        squares : sequence of callable
            The same of its concentric parts, the smallest first; needed by recipes that compare such with the
            rest: of the core alone for `core-contrast`.
        around : Extent, optional
            Holds all of the region.  Cells then count as far as they lie inside, instead of those that are
            centred there.
        lat_deg : float, optional
            Galactic latitude of its middle, where the recipe standardises within rows of latitude; that of
            the middle of its cells if left out.

        Raises
        ------
        SkyError
            If no cell with data lies there (``SKY-RANGE``).
        UsageError
            If the recipe compares concentric parts, and not as many are given.
        """
        place = Place(contains, squares, around, lat_deg)
        return region_of(self._facets, self._space, self.stretch, place, self.cell_deg)

    def tiles_at(self, size_deg: float) -> Level:
        """Return the level of the pyramid whose tiles are nearest in size."""
        reach = round(self.nearest_size_deg(size_deg) / self.cell_deg)
        area = self.manifest.facts["area"]
        inside = None if area is None else read_area(area).contains
        reader = LevelReader(
            self._facets, self._space, self._vectors.bases, self.stretch, self.min_coverage, inside
        )
        return reader.level(reach, self.cell_deg)

    @cached_property
    def _shelf(self) -> Shelf:
        return Shelf(self.path / SHARDS, self.manifest.shards)

    @cached_property
    def _space(self) -> Space:
        return read_space(self.recipe, self._shelf, self.manifest.steps)

    @cached_property
    def _facets(self) -> list[StoredFacet]:
        return stored_facets(self.manifest.steps, self._shelf, self._space)

    @cached_property
    def _records(self) -> Numbers:
        return np.concatenate([facet.records for facet in self._facets])

    @cached_property
    def _starts(self) -> Numbers:
        """Number of the first standard tile of each facet."""
        return np.cumsum([0, *self.counts])[:-1]

    def _facet_of(self, numbers: Numbers) -> Numbers:
        """Which facet each of some standard tiles belongs to."""
        return np.searchsorted(self._starts, numbers, side="right") - 1

    def _gathered(self, numbers: Numbers, read: Callable[[StoredFacet], Numbers]) -> Numbers:
        """Gather what facets hold of some standard tiles."""
        facets = self._facet_of(numbers)
        parts, places = [read(self._facets[0])[:0]], [np.zeros(0, np.intp)]
        for facet in np.unique(facets).tolist():
            mine = np.flatnonzero(facets == facet)
            parts.append(read(self._facets[facet])[numbers[mine] - self._starts[facet]])
            places.append(mine)
        found = np.concatenate(parts)
        found[np.concatenate(places)] = found.copy()
        return found

    @cached_property
    def _vectors(self) -> TileVectors:
        whole = bool(self.manifest.facts["exact"]) or self._space.in_rows
        return TileVectors(self._shelf, self._facets, self.counts, self._space, whole)

    def _known_layer(self, layer: str) -> None:
        if layer not in self.layers:
            raise UsageError(f"the index has no layer {shown(layer)}; choose among {', '.join(self.layers)}")


def _footprints(records: Numbers) -> tuple[Footprint, ...]:
    columns = (records[name].tolist() for name in ANGLES)
    return tuple(Footprint(x, y, w, h, turn_deg=turn) for x, y, w, h, turn in zip(*columns, strict=True))


def opened(index: StoredIndex | str | Path, progress: Progress = SILENT) -> StoredIndex:
    """Give an index, opened if it is not yet."""
    return index if isinstance(index, StoredIndex) else StoredIndex.open(index, progress)

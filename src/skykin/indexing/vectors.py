"""Vectors of the standard tiles, block by block or by number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from skykin.core.errors import UsageError, shown
from skykin.core.shapes import Numbers
from skykin.indexing.answers import Kind, Style
from skykin.indexing.compare import Space, side_by_side, width_of
from skykin.indexing.contrasts import ContrastsOfCells
from skykin.indexing.dots import products
from skykin.indexing.stored import Shelf, StoredFacet


@dataclass(frozen=True, eq=False)
class TileVectors:
    """The vectors of the standard tiles, wherever they come from.

    Parameters
    ----------
    shelf : Shelf
    facets : sequence of StoredFacet
    counts : sequence of int
        Standard tiles of each.
    space : Space
    whole : bool
        Whether whole vectors are stored.
    """

    shelf: Shelf
    facets: Sequence[StoredFacet]
    counts: Sequence[int]
    space: Space
    whole: bool

    @cached_property
    def bases(self) -> Mapping[str, Numbers]:
        """Per layer, the directions (k, n) that tiles are projected on."""
        return {layer: np.array(self.shelf(f"basis-{layer}")) for layer in self.space.recipe.layers}

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Kinds of vectors that there are, the quickest first."""
        found: list[Kind] = ["projection", self.space.cell_kind]
        if self.whole:
            found.append("exact")
        return tuple(dict.fromkeys(found))

    @property
    def scored_by(self) -> Kind:
        """Kind by which all tiles are scored: whole vectors where they are always kept, else the quickest."""
        return "exact" if self.space.in_rows else self.kinds[0]

    def known(self, kind: Kind | None) -> Kind:
        """Give the kind that is meant, the quickest one by default.

        Raises
        ------
        UsageError
            If there is none of that name.
        """
        if kind is None:
            return self.kinds[0]
        if kind not in self.kinds:
            raise UsageError(f"the index has no vectors {shown(kind)}; choose {' or '.join(self.kinds)}")
        return kind

    def columns(self, kind: Kind | None) -> Mapping[str, slice]:
        """Which columns belong to which layer, where all stand beside each other."""
        kind = self.known(kind)
        if kind == "projection":
            return side_by_side({layer: len(basis) for layer, basis in self.bases.items()})
        return self.space.compared_columns if kind == self.space.cell_kind else self.space.whole_columns

    def blocks(self, layer: str | None, kind: Kind | None) -> Iterator[tuple[slice, Numbers]]:
        """Yield which tiles, and their vectors, in the order of the tiles."""
        kind = self.known(kind)
        columns = slice(None) if layer is None else self.columns(kind)[layer]
        start = 0
        for facet, count in zip(self.facets, self.counts, strict=True):
            if count and self._stored(kind):
                for part, rows in self.shelf.windows(f"{kind}-{facet.name}"):
                    yield slice(start + part.start, start + part.stop), rows[:, columns]
            elif count:
                layers = self.space.recipe.layers if layer is None else (layer,)
                yield (
                    slice(start, start + count),
                    np.concatenate([facet.summed(x)[0] for x in layers], axis=1),
                )
            start += count

    def cosines(self, styles: Sequence[Style], workers: int = 1) -> Iterator[tuple[slice, Numbers]]:
        """Yield which tiles, and their cosines (tiles, layers, styles) with styles of one kind."""
        kind, layers = self.known(styles[0].kind), self.space.recipe.layers
        if kind != "projection" or self._stored(kind):
            yield from cosines_of(self.blocks(None, kind), self.columns(kind), styles, workers)
            return
        wanted = np.concatenate([_beside(style, layers) for style in styles])
        along = self._along(wanted)
        start = 0
        for facet, count in zip(self.facets, self.counts, strict=True):
            if count:
                found = facet.products(wanted, along, workers)
                yield slice(start, start + count), np.clip(found, -1, 1, out=found)
            start += count

    def _along(self, vectors: Numbers) -> list[ContrastsOfCells]:
        """Give what cells add up to along vectors (m, n), layer by layer."""
        found = []
        for layer, own in self.space.columns.items():
            moments = self.space.moments[layer]
            assert isinstance(moments, ContrastsOfCells)  # noqa: S101 - no others are linear
            found.append(moments.along(vectors[:, own].T))
        return found

    def rows(self, numbers: Sequence[int] | Numbers, kind: Kind | None) -> Numbers:
        """Vectors of some tiles: float32 (len(numbers), n)."""
        kind, wanted = self.known(kind), np.asarray(numbers, dtype=np.intp).reshape(-1)
        total = sum(self.counts)
        if wanted.size and not (wanted.min() >= 0 and wanted.max() < total):
            wrong = wanted.min() if wanted.min() < 0 else wanted.max()
            raise UsageError(f"there is no tile {wrong}; the index has tiles 0 to {total - 1}")
        found = np.empty((wanted.size, width_of(self.columns(kind))), np.float32)
        start = 0
        for facet, count in zip(self.facets, self.counts, strict=True):
            mine = np.flatnonzero((wanted >= start) & (wanted < start + count))
            if mine.size:
                found[mine] = self._some(facet, kind, wanted[mine] - start)
            start += count
        return found

    def _some(self, facet: StoredFacet, kind: Kind, numbers: Numbers) -> Numbers:
        if self._stored(kind):
            return self.shelf(f"{kind}-{facet.name}")[numbers]
        parts = [facet.summed_rows(layer, numbers) for layer in self.space.recipe.layers]
        return np.concatenate(parts, axis=1)

    def _stored(self, kind: Kind) -> bool:
        if kind == self.space.cell_kind == "projection":
            return False
        return kind == "projection" or (kind == "exact" and self.whole)


def cosines_of(
    blocks: Iterable[tuple[slice, Numbers]],
    columns: Mapping[str, slice],
    styles: Sequence[Style],
    workers: int = 1,
) -> Iterator[tuple[slice, Numbers]]:
    """Compare tiles, whose vectors come block by block, with styles.

    Parameters
    ----------
    blocks : iterable of (slice, array)
        Which tiles, and their vectors with all layers beside each other.
    columns : Mapping of str to slice
        Which columns belong to which layer; one after the other.
    styles : sequence of Style
        Of the same kind.
    workers : int
        Threads.

    Yields
    ------
    slice, float64 array (tiles, layers, styles)
        Which tiles, and their cosines.
    """
    wanted = np.concatenate([_beside(style, columns) for style in styles])
    ends = [own.stop for own in columns.values()]
    for part, rows in blocks:
        found = products(rows, wanted, ends, workers=workers).astype(np.float64)
        yield part, np.clip(found, -1, 1, out=found)


def _beside(style: Style, layers: Iterable[str]) -> Numbers:
    """Vectors of all layers beside each other, (1, n)."""
    return np.concatenate([style.vectors[layer] for layer in layers])[None]

"""A HiPS as a folder: tiles of all orders, the coverage, the Allsky files and the properties."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from skykin.core.errors import DataQualityError, shown
from skykin.core.protocols import Counter, Progress
from skykin.core.shapes import Numbers
from skykin.products.hips.allsky import ALLSKY_ORDER, REDUCED, allsky
from skykin.products.hips.coverage import moc_bytes, moc_of_cells
from skykin.products.hips.encoding import BLANK, fits_tile_bytes, jpeg_bytes, png_bytes
from skykin.products.hips.geometry import SHIFT, WIDTH, children, nested_at, tiles_of
from skykin.products.hips.properties import HipsFacts, HipsFormat, properties_text
from skykin.products.hips.sources import HipsSource, Pixels
from skykin.survey.hips.cells import tile_file

ENDINGS: dict[HipsFormat, str] = {"fits": "fits", "png": "png", "jpeg": "jpg"}
#: Bytes of a tile on disk, for the estimate: a picture of a smooth sky has fewer.
TILE_BYTES: dict[HipsFormat, int] = {"fits": 1_054_080, "png": 400_000, "jpeg": 150_000}
#: Cells of the coverage that are gathered at most.
MOST_CELLS = 400_000
#: Where fewer than one in so many tiles has data, an Allsky of numbers would be 13 MB of nothing.
SPARSE = 10
#: Tiles of the finest order are counted one by one up to this many.
FINEST_COUNTED = 1 << 22


@dataclass(frozen=True)
class HipsSize:
    """How much a HiPS will be.

    Parameters
    ----------
    finest : int
        Tiles of the finest order.
    tiles : int
        Tiles of all orders, of each format.
    size_bytes : int
        On disk, about.
    """

    finest: int
    tiles: int
    size_bytes: int

    @classmethod
    def of(cls, facts: HipsFacts) -> HipsSize:
        """Count the tiles that the extent touches."""
        counts = [tile_count(facts, order) for order in range(facts.order + 1)]
        total = sum(counts)
        return cls(counts[-1], total, total * sum(TILE_BYTES[each] for each in facts.formats))


def tile_count(facts: HipsFacts, order: int) -> int:
    """Tiles of an order that the extent touches; by its area where they are very many."""
    share = (1 - math.cos(math.radians(facts.extent.radius_deg))) / 2
    about = math.ceil((12 << 2 * order) * share)
    if facts.extent.is_all_sky or about > FINEST_COUNTED:
        return about
    return len(tiles_of(facts.extent, order, facts.frame))


def write_hips(source: HipsSource, facts: HipsFacts, folder: Path, progress: Progress) -> HipsFacts:
    """Write a HiPS into an empty folder.

    Tiles of the finest order are rendered one by one, those of lower orders are reduced from their four
    children; at most four tiles of each order are held at a time.

    Parameters
    ----------
    source : HipsSource
    facts : HipsFacts
        Its share of the sky is measured on the way.
    folder : Path
    progress : Progress

    Returns
    -------
    HipsFacts
        With the share of the sky that has data.

    Raises
    ------
    DataQualityError
        ``DQ-ALLBLANK`` if there is no data anywhere.
    """
    with progress.stage("Writing the HiPS", HipsSize.of(facts).finest, "tiles") as counter:
        tree = _Tree(source, facts, folder, counter)
        for npix in tiles_of(facts.extent, 0, facts.frame):
            tree.grow(0, npix)
    if not tree.cells:
        raise DataQualityError(
            f"{shown(facts.title)} has no data, so there is nothing to write; name another survey or column"
        )
    cells = np.unique(np.concatenate(tree.cells))
    moc = moc_of_cells(cells, tree.moc_order, facts.frame)
    (folder / "Moc.fits").write_bytes(moc_bytes(moc))
    for kind, content in _allsky_files(source, tree.reduced_order, tree.reduced, facts):
        (folder / f"Norder{tree.reduced_order}" / f"Allsky.{ENDINGS[kind]}").write_bytes(content)
    told = replace(facts, sky_fraction=len(cells) / (12 << 2 * tree.moc_order))
    (folder / "properties").write_text(properties_text(told), encoding="utf-8")
    return told


def _allsky_files(
    source: HipsSource, order: int, reduced: dict[int, Pixels], facts: HipsFacts
) -> Iterator[tuple[HipsFormat, bytes]]:
    colours = allsky(
        lambda npix: reduced[npix].colours if npix in reduced else None,
        order,
        source.reduce_colours,
        np.zeros(4, np.uint8),
    )
    blank = np.array(np.nan, np.float32) if facts.bitpix < 0 else np.array(BLANK, np.int16)
    values = allsky(
        lambda npix: reduced[npix].numbers if npix in reduced else None, order, source.reduce_numbers, blank
    )
    for kind in facts.formats:
        if kind != "fits" or len(reduced) * SPARSE >= 12 << 2 * order:
            yield kind, _encoded(Pixels(colours, values), kind, order, 0)


@dataclass(eq=False)
class _Tree:
    """Tiles below one another, the finest first."""

    source: HipsSource
    facts: HipsFacts
    folder: Path
    counter: Counter
    cells: list[Numbers] = field(default_factory=list)
    reduced: dict[int, Pixels] = field(default_factory=dict)

    def __post_init__(self) -> None:
        orders = range(self.facts.order + 1)
        self.reduced_order = min(ALLSKY_ORDER, self.facts.order)
        self._wanted = [frozenset(tiles_of(self.facts.extent, k, self.facts.frame)) for k in orders]
        finer = int(math.log2(max(MOST_CELLS / len(self._wanted[-1]), 1)) / 2)
        self._finer = min(finer, SHIFT)
        self.moc_order = self.facts.order + self._finer

    def grow(self, order: int, npix: int) -> Pixels | None:
        """Write a tile and all below it; None if it has no data."""
        if npix not in self._wanted[order]:
            return None
        if order == self.facts.order:
            pixels: Pixels | None = self._rendered(order, npix)
        else:
            pixels = self._joined([self.grow(order + 1, child) for child in children(npix)])
        if pixels is None:
            return None
        for kind in self.facts.formats:
            path = self.folder / tile_file(order, npix, ENDINGS[kind])
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_encoded(pixels, kind, order, npix))
        if order == self.reduced_order:
            self.reduced[npix] = self._small(pixels)
        return pixels

    def _rendered(self, order: int, npix: int) -> Pixels | None:
        pixels = self.source.tile(order, npix)
        self.counter.advance()
        seen = _has_number(pixels.numbers) | pixels.seen
        if not seen.any():
            return None
        side = WIDTH >> self._finer
        covered = seen.reshape(1 << self._finer, side, 1 << self._finer, side).any(axis=(1, 3))
        rows, columns = np.nonzero(covered)
        within = nested_at(rows, columns, self._finer)
        self.cells.append((npix << 2 * self._finer) + within)
        return pixels

    def _joined(self, four: list[Pixels | None]) -> Pixels | None:
        first = next((each for each in four if each is not None), None)
        if first is None:
            return None
        numbers = np.full((2 * WIDTH, 2 * WIDTH), _blank(first.numbers), first.numbers.dtype)
        colours = np.zeros((2 * WIDTH, 2 * WIDTH, 4), np.uint8)
        for place, pixels in enumerate(four):
            if pixels is not None:
                row, column = (WIDTH * index for index in divmod(place, 2))
                part = np.s_[row : row + WIDTH, column : column + WIDTH]
                numbers[part], colours[part] = pixels.numbers, pixels.colours
        return Pixels(self.source.reduce_colours(colours), self.source.reduce_numbers(numbers))

    def _small(self, pixels: Pixels) -> Pixels:
        while len(pixels.numbers) > REDUCED:
            pixels = Pixels(
                self.source.reduce_colours(pixels.colours), self.source.reduce_numbers(pixels.numbers)
            )
        return pixels


def _blank(numbers: Numbers) -> float:
    return BLANK if np.issubdtype(numbers.dtype, np.integer) else np.nan


def _has_number(numbers: Numbers) -> np.ndarray:
    whole = np.issubdtype(numbers.dtype, np.integer)
    return np.asarray(numbers != BLANK if whole else np.isfinite(numbers))


def _encoded(pixels: Pixels, kind: HipsFormat, order: int, npix: int) -> bytes:
    if kind == "fits":
        return fits_tile_bytes(pixels.numbers, order, npix)
    return png_bytes(pixels.colours, fast=False) if kind == "png" else jpeg_bytes(pixels.colours)

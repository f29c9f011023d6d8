"""A stream reads a picture of any height band by band of rows, and runs the network over it once."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np

from skykin.core.errors import UsageError
from skykin.core.shapes import RGB, Chroma, Coverage, Numbers
from skykin.style.network.blocks import Block, BlockNetwork
from skykin.style.network.devices import ContextNetwork
from skykin.style.network.torch_vgg19 import TorchContextNetwork

#: Positions that one run of a block answers: activations stay near the processor, little is run twice.
MOST_ROWS = 64
#: The same along rows, by the pixels between positions: where a chunk is run four convolutions deep, wider.
MOST_COLUMNS = {1: 128, 2: 128, 4: 256, 8: 128, 16: 256}
#: Pixels of the picture that one run of a deep block spans: bounds what waits to be measured.
MOST_PIXEL_ROWS = 512


class RowSource(Protocol):
    """A picture that is read from top to bottom.

    Rows and columns count from its own first pixel; its context has numbers below 0 and beyond the end.
    """

    @property
    def height(self) -> int:
        """Own rows, a multiple of the deepest layer's stride."""

    @property
    def width(self) -> int:
        """Own columns, likewise."""

    def rows(self, start: int, stop: int, halo: int) -> tuple[RGB, Coverage]:
        """Colours ``(stop − start, width + 2 halo, 3)`` and coverage of rows `start` to `stop`."""


@dataclass(frozen=True, eq=False)
class PlaneSource:
    """A picture, or a part of it, read from top to bottom.

    Beyond the border of the whole picture its outermost pixels repeat; inside, context is what is there.

    Parameters
    ----------
    rgb : array (rows, columns, 3)
        Colours from 0 to 1; an array in memory or a memory-mapped file.
    coverage : array (rows, columns), optional
        All covered if left out.
    top, left, height, width : int
        The part; all of it, without a remainder of less than 16 pixels, if left out.

    Raises
    ------
    UsageError
        If the part does not lie in the picture.
    """

    rgb: RGB
    coverage: Coverage | None = None
    top: int = 0
    left: int = 0
    height: int = 0
    width: int = 0

    def __post_init__(self) -> None:
        rows, columns, _ = self.rgb.shape
        object.__setattr__(self, "height", self.height or (rows - self.top) // 16 * 16)
        object.__setattr__(self, "width", self.width or (columns - self.left) // 16 * 16)
        inside = 0 <= self.top <= self.top + self.height <= rows
        if not (inside and 0 <= self.left <= self.left + self.width <= columns):
            raise UsageError(
                f"a part of {self.height} × {self.width} pixels from row {self.top} and column {self.left} "
                f"does not lie in a picture of {rows} × {columns}"
            )

    def rows(self, start: int, stop: int, halo: int) -> tuple[RGB, Coverage]:
        """Colours and coverage of some rows, with `halo` columns of context on each side."""
        _let_go(self.rgb)
        rows, columns, _ = self.rgb.shape
        down = _within(self.top + start, self.top + stop, rows)
        across = _within(self.left - halo, self.left + self.width + halo, columns)
        beyond = tuple((inner.start - outer[0], outer[1] - inner.stop) for inner, outer in (down, across))
        inside = down[0], across[0]
        band = np.asarray(self.rgb[inside], np.float32)
        cover = None if self.coverage is None else np.asarray(self.coverage[inside], np.float32)
        if any(map(any, beyond)):
            band = np.pad(band, (*beyond, (0, 0)), mode="edge")
            cover = None if cover is None else np.pad(cover, beyond, mode="edge")
        return band, np.ones(band.shape[:2], np.float32) if cover is None else cover


@dataclass(frozen=True, eq=False)
class Piece:
    """What one layer answers to a part of the picture.

    Parameters
    ----------
    layer : str
    stride : int
        Pixels between positions.
    row, column : int
        Where it begins, in positions of the layer; multiples of 64 / stride.
    features : float32 array (channels, y, x)
        Of a network on a device: a tensor there, in its precision.
    """

    layer: str
    stride: int
    row: int
    column: int
    features: Chroma


@dataclass(frozen=True)
class CoverageRows:
    """Coverage of the next own rows, whole columns; comes before the pieces that it weighs."""

    row: int
    coverage: Coverage


def stream(network: ContextNetwork, source: RowSource) -> Iterator[Piece | CoverageRows]:
    """Yield every layer of the network over the picture's own pixels, each position exactly once.

    Every position sees true context: the blocks run without padding, and what a block still needs of the
    rows above is kept, not computed again.  Only inside a block its own convolutions overlap by up to four
    rows and columns.  Memory grows with the width, not with the height.

    On a device, whose memory is large and whose small products are slow, bands are as high as fit into it;
    what they overlap is computed again.

    Parameters
    ----------
    network : ContextNetwork
    source : RowSource

    Yields
    ------
    CoverageRows or Piece
        Of each layer from top to bottom, in a row of pieces from left to right; a row of pieces is complete
        when its last column is.
    """
    if isinstance(network, TorchContextNetwork):
        yield from _on_device(network, source)
    elif isinstance(network, BlockNetwork):
        yield from _by_blocks(network, source)


def _on_device(network: TorchContextNetwork, source: RowSource) -> Iterator[Piece | CoverageRows]:
    """Run the network over bands of rows, one picture at a time."""
    halo, most = network.halo, network.rows_at_once(source.width)
    with network.alone:
        for top in range(0, source.height, most):
            bottom = min(top + most, source.height)
            rgb, coverage = source.rows(top - halo, bottom + halo, halo)
            yield CoverageRows(top, network.brought(coverage[halo:-halo, halo:-halo]))
            for layer, features in network.answers(rgb):
                stride = network.strides[layer]
                yield Piece(layer, stride, top // stride, 0, features)


def _by_blocks(network: BlockNetwork, source: RowSource) -> Iterator[Piece | CoverageRows]:
    """Run block after block over small pieces that stay near the processor."""
    below = None
    for block in reversed(network.blocks):
        below = _Level(block, source.height, source.width, below)
    assert below is not None  # noqa: S101 - a network has a block
    level, first = below, network.blocks[0]
    edges = _row_edges(first, source.height)
    for top, bottom in pairwise(edges):
        rgb, coverage = source.rows(top - first.depth, bottom + first.depth, network.halo)
        rgb = np.ascontiguousarray(rgb, dtype=np.float32)
        own = slice(max(top, 0), min(bottom, source.height))
        if own.start < own.stop:
            at = top - first.depth
            columns = slice(network.halo, network.halo + source.width)
            yield CoverageRows(own.start, coverage[own.start - at : own.stop - at, columns])
        yield from level.run(rgb, (top, bottom))
        yield from _descend(level.below)


def _descend(level: _Level | None) -> Iterator[Piece]:
    """Run a block as far as it has rows, and then the ones below."""
    while level is not None and (band := level.next_band()) is not None:
        yield from level.run(*band)
        yield from _descend(level.below)


class _Room:
    """Room for the entrance of one run, used again and again: fresh memory costs as much as the copy."""

    def __init__(self) -> None:
        self._room: Numbers = np.empty(0, np.float32)

    def copied(self, part: Numbers) -> Numbers:
        """Copy a part so that it lies in one piece; valid until the next copy."""
        if self._room.size < part.size:
            self._room = np.empty(part.size, np.float32)
        copy = self._room[: part.size].reshape(part.shape)
        copy[...] = part
        return copy


class _Level:
    """A block, the rows that it has received and still needs, and the level that takes what goes on."""

    def __init__(self, block: Block, height: int, width: int, below: _Level | None) -> None:
        self.block, self.below, self._room = block, below, _Room()
        self.height, self.width = height // block.stride, width // block.stride
        self._edges = _row_edges(block, height)
        self._rows: Numbers = np.empty((1, 0, 0, self.width + 2 * block.margin), np.float32)
        self._first = self._end = 0

    def put(self, part: Numbers, column: int) -> None:
        """Take rows ``(1, channels, y, x)`` that follow those received before, from left to right."""
        _, channels, y, x = part.shape
        if column == 0:
            self._make_room(channels, y)
        self._rows[:, :, self._end : self._end + y, column : column + x] = part
        if column + x == self._rows.shape[3]:
            self._end += y

    def _make_room(self, channels: int, y: int) -> None:
        if self._end + y <= self._rows.shape[2]:
            return
        kept = self._end - self._first
        rows, left = self._rows, self._rows[:, :, self._first : self._end]
        if rows.shape[2] < kept + y:
            most = max(bottom - top for top, bottom in pairwise(self._edges)) + 2 * self.block.depth
            self._rows = np.empty((1, channels, max(most, kept) + y, rows.shape[3]), np.float32)
        if kept:
            self._rows[:, :, :kept] = left
        self._first, self._end = 0, kept

    def next_band(self) -> tuple[Numbers, tuple[int, int]] | None:
        """Entrance of the next run, valid until rows are put, and its span [top, bottom); None if too few."""
        if len(self._edges) < 2:
            return None
        top, bottom = self._edges[:2]
        needed = self._first + bottom - top + 2 * self.block.depth
        if self._end < needed:
            return None
        band = self._rows[:, :, self._first : needed]
        self._first += bottom - top
        del self._edges[0]
        return band, (top, bottom)

    def run(self, entrance: Numbers, span: tuple[int, int]) -> Iterator[Piece]:
        """Run one band of rows, chunk of columns by chunk."""
        (top, bottom), block = span, self.block
        edges = _edges(self.width, MOST_COLUMNS[block.stride], block.margin - block.depth)
        for left, right in pairwise(edges):
            start = left - edges[0]
            columns = slice(start, start + right - left + 2 * block.depth)
            part = entrance[:, columns] if entrance.ndim == 3 else entrance[..., columns]
            taps, further = block(self._room.copied(part))
            rows = slice(max(top, 0), min(bottom, self.height))
            own = slice(max(left, 0), min(right, self.width))
            for tap, answer in taps.items():
                surplus = block.surplus(tap)
                y, x = rows.start - top + surplus, own.start - left + surplus
                if rows.start < rows.stop and own.start < own.stop:
                    features = answer[:, y : y + rows.stop - rows.start, x : x + own.stop - own.start]
                    yield Piece(tap, block.stride, rows.start, own.start, features)
            if further is not None and self.below is not None:
                self.below.put(further, start // 2)


def _row_edges(block: Block, height: int) -> list[int]:
    """Rows at which the runs of a block begin and end, in positions; the outer ones lie in the context."""
    rows = min(MOST_ROWS, MOST_PIXEL_ROWS // block.stride)
    return _edges(height // block.stride, rows, block.margin - block.depth)


def _edges(own: int, most: int, context: int) -> list[int]:
    inner = [edge for edge in range(most, own, most) if own - edge >= most // 4]
    return [-context, *inner, own + context]


def _let_go(rgb: RGB) -> None:
    """Drop pages of a mapped file that were read before: else they count as memory of this process."""
    file: object = rgb if isinstance(rgb, np.memmap) and rgb.mode != "c" else None
    while isinstance(file, np.ndarray):
        file = file.base
    if isinstance(file, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        file.madvise(mmap.MADV_DONTNEED)


def _within(start: int, stop: int, length: int) -> tuple[slice, tuple[int, int]]:
    """Part of a range that lies in a picture, and the range."""
    return slice(max(start, 0), min(stop, length)), (start, stop)

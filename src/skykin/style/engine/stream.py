"""A stream runs the network once over a picture of any height, band of rows by band of rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np

from skykin.core.shapes import RGB, Chroma, Coverage, Numbers
from skykin.style.network.blocks import Block, BlockNetwork

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


def stream(network: BlockNetwork, source: RowSource) -> Iterator[Piece | CoverageRows]:
    """Yield every layer of the network over the picture's own pixels, each position exactly once.

    Every position sees true context: the blocks run without padding, and what a block still needs of the
    rows above is kept, not computed again.  Only inside a block its own convolutions overlap by up to four
    rows and columns.  Memory grows with the width, not with the height.

    Parameters
    ----------
    network : BlockNetwork
    source : RowSource

    Yields
    ------
    CoverageRows or Piece
        Of each layer from top to bottom, in a row of pieces from left to right; a row of pieces is complete
        when its last column is.
    """
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

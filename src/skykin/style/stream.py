"""A stream runs the network once over a picture of any height, band of rows by band of rows."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np

from skykin.core.shapes import RGB, Chroma, Coverage, Numbers
from skykin.style.blocks import Block, BlockNetwork

#: Positions that one run of a block answers: activations stay near the processor, little is run twice.
MOST_ROWS, MOST_COLUMNS = 64, 256
#: Pixels of the picture that one run of a deep block spans: bounds what waits to be measured.
MOST_PIXEL_ROWS = 256


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
    first, *deeper = network.blocks
    levels = [_Level(block, source.height, source.width) for block in deeper]
    edges = _row_edges(first, source.height)
    for top, bottom in pairwise(edges):
        rgb, coverage = source.rows(top - first.depth, bottom + first.depth, network.halo)
        rgb = np.ascontiguousarray(rgb, dtype=np.float32)
        own = slice(max(top, 0), min(bottom, source.height))
        if own.start < own.stop:
            at = top - first.depth
            columns = slice(network.halo, network.halo + source.width)
            yield CoverageRows(own.start, coverage[own.start - at : own.stop - at, columns])
        onward = yield from _run(first, rgb, (top, bottom), (source.height, source.width))
        yield from _descend(levels, onward)


def _descend(levels: list[_Level], onward: Numbers | None) -> Iterator[Piece]:
    """Give new rows to the next block, and what it makes of them to the ones below."""
    if not levels or onward is None:
        return
    level, *deeper = levels
    level.append(onward)
    while (band := level.next_band()) is not None:
        further = yield from _run(level.block, *band, (level.height, level.width))
        yield from _descend(deeper, further)


class _Level:
    """The rows that a block has received and still needs."""

    def __init__(self, block: Block, height: int, width: int) -> None:
        self.block = block
        self.height, self.width = height // block.stride, width // block.stride
        self._edges = _row_edges(block, height)
        self._parts: list[Numbers] = []
        self._start = -block.margin

    def append(self, rows: Numbers) -> None:
        """Take rows that follow those received before."""
        self._parts.append(rows)

    def next_band(self) -> tuple[Numbers, tuple[int, int]] | None:
        """Entrance of the next run, and its rows [top, bottom); None while rows are missing."""
        if len(self._edges) < 2:
            return None
        top, bottom = self._edges[:2]
        received = self._start + sum(part.shape[2] for part in self._parts)
        if received < bottom + self.block.depth:
            return None
        rows = np.concatenate(self._parts, axis=2)
        done = bottom - top
        self._parts = [rows[:, :, done:].copy()]
        self._start += done
        del self._edges[0]
        return rows[:, :, : done + 2 * self.block.depth], (top, bottom)


def _run(
    block: Block, entrance: Numbers, span: tuple[int, int], size: tuple[int, int]
) -> Generator[Piece, None, Numbers | None]:
    """Run one band of rows, chunk of columns by chunk; return what goes on to the next block."""
    (top, bottom), (height, width) = span, size
    onward = []
    edges = _edges(width, MOST_COLUMNS, block.margin - block.depth)
    for left, right in pairwise(edges):
        start = left - edges[0]
        columns = slice(start, start + right - left + 2 * block.depth)
        part = entrance[:, columns] if entrance.ndim == 3 else entrance[..., columns]
        taps, further = block(np.ascontiguousarray(part))
        rows = slice(max(top, 0), min(bottom, height))
        own = slice(max(left, 0), min(right, width))
        for tap, answer in taps.items():
            surplus = block.surplus(tap)
            y, x = rows.start - top + surplus, own.start - left + surplus
            if rows.start < rows.stop and own.start < own.stop:
                features = answer[:, y : y + rows.stop - rows.start, x : x + own.stop - own.start]
                yield Piece(tap, block.stride, rows.start, own.start, features)
        if further is not None:
            onward.append(further)
    return np.concatenate(onward, axis=3) if onward else None


def _row_edges(block: Block, height: int) -> list[int]:
    """Rows at which the runs of a block begin and end, in positions; the outer ones lie in the context."""
    rows = min(MOST_ROWS, MOST_PIXEL_ROWS // block.stride)
    return _edges(height // block.stride, rows, block.margin - block.depth)


def _edges(own: int, most: int, context: int) -> list[int]:
    inner = [edge for edge in range(most, own, most) if own - edge >= most // 4]
    return [-context, *inner, own + context]

"""The reader of a layer on a device: its features, and the sums of its cells and tiles, stay there."""

from __future__ import annotations

from typing import Any

from skykin.core.shapes import Coverage, Numbers
from skykin.style.arrays import library, on_host
from skykin.style.engine.cells import Lattice, Taker, boxes, ring_side, square_sums
from skykin.style.engine.stream import Piece
from skykin.style.statistics.form import Form, scale_of

#: Features of a few rows of cells are summed at once, as far as they and their products fit into this.
FEATURE_BYTES = 256 << 20
#: Sums of cells that are kept until they are added up to tiles, beyond those that a row of tiles needs.
SUM_BYTES = 1 << 30


class DeviceReader:
    """Sums one layer over cells as its pieces come, and hands on the statistic of each tile.

    The same as `CellReader`, for tensors on a device, where few large operations cost less than many small.

    Parameters
    ----------
    lattice : Lattice
    layer : str
    stride : int
        Pixels between positions of the layer.
    form : Form
        The layer's statistic as sums.
    taker : Taker
        Is given every tile, row of tiles by row of tiles.

    Raises
    ------
    UsageError
        As for `CellReader`.
    """

    def __init__(self, lattice: Lattice, layer: str, stride: int, form: Form, taker: Taker) -> None:
        self._side = ring_side(lattice, stride) if form.rings else lattice.side(stride)
        cell = self._side * stride
        self._form, self._taker = form, taker
        self._scale = float(scale_of(layer)) if form.degree else 1.0
        self._down, self._across = lattice.height // cell, lattice.width // cell
        self._reach, self._step = lattice.tile // cell, lattice.spacing // cell
        self._together = self._reach + max(SUM_BYTES // (self._across * form.sums * 4), 1)
        self._sums: Any = None
        self._weights: Any = None
        #: The row of cells at which the sums that are kept begin.
        self._read = 0

    def add(self, piece: Piece, weights: Coverage | None) -> None:
        """Take a piece, which is as wide as the picture, and the weights of its positions, all 1 if None."""
        side, (channels, y, _) = self._side, piece.features.shape
        # A cell's features are held twice; of the product of channels, a matrix.
        each = self._across * channels * max(3 * side * side, channels if self._form.degree == 2 else 0) * 4
        few = max(FEATURE_BYTES // each, 1)
        for row in range(0, y // side, few):
            part = slice(row * side, min(row + few, y // side) * side)
            own = None if weights is None else weights[part, : self._across * side]
            self._sum(piece.features[:, part, : self._across * side], own)
            last = self._read + len(self._sums) == self._down
            if last or len(self._sums) >= self._together:
                self._hand_on()

    def _sum(self, features: Any, weights: Any) -> None:
        """Sum a few rows of cells."""
        own, side, across = library(features), self._side, self._across
        channels, y, _ = features.shape
        cut = features.reshape(channels, y // side, side, across, side).permute(1, 3, 2, 4, 0)
        cells = cut.reshape(-1, side * side, channels).float()
        if weights is None:
            weights = own.ones((y, across * side), device=features.device)
        roots = weights.sqrt().reshape(y // side, side, across, side).permute(0, 2, 1, 3)
        roots = roots.reshape(-1, side * side, 1)
        sums = own.empty((len(cells), self._form.sums), device=features.device)
        self._form.fill_cells(cells * (roots * self._scale), roots, sums)
        total = (roots.double() ** 2).sum(1)
        self._keep(sums.reshape(-1, across, self._form.sums), total.reshape(-1, across))

    def _keep(self, sums: Any, weights: Any) -> None:
        """Put rows of cells below those that are kept."""
        if self._sums is None or not len(self._sums):
            self._sums, self._weights = sums, weights
            return
        own = library(sums)
        self._sums = own.concat([self._sums, sums])
        self._weights = own.concat([self._weights, weights])

    def _hand_on(self) -> None:
        """Add cells up to the tiles that are complete."""
        rows = len(self._sums) - (self._reach - 1)
        if rows < 1:
            return
        first = -self._read % self._step
        weight = self._tile_sums(self._weights, first)
        if weight.numel():
            self._tiles((self._read + first) // self._step, first, weight.clip(min=0).float())
        # A copy, so that what is no longer needed is let go.
        self._sums, self._weights = self._sums[rows:].clone(), self._weights[rows:].clone()
        self._read += rows

    def _tiles(self, row: int, first: int, weight: Any) -> None:
        means: Any = None
        form, weights = self._form, weight.reshape(-1, 1)
        if form.needs_means:
            behind = self._sums[..., form.stretches[-1].summed.stop :]
            means = self._tile_sums(behind, first).reshape(len(weights), -1) / weights
        elif form.rings:
            means = self._ring_means(first, weight.shape)
        for stretch in form.stretches:
            sums = self._tile_sums(self._sums[..., stretch.summed], first).reshape(len(weights), -1)
            values = form.finish(stretch, sums, weights, means).reshape(*weight.shape, -1)
            self._taker.take(row, 0, stretch, values if self._taker.on_device else on_host(values))

    def _ring_means(self, first: int, shape: tuple[int, ...]) -> Numbers:
        """Means (rings, tiles, sums) over the rings of tiles."""
        form, found = self._form, list[Any]()
        sums, of_weights = (
            square_sums(each, self._reach, form.rings) for each in (self._sums, self._weights)
        )
        within: Any
        weights: Any
        for within, weights in zip(sums, of_weights, strict=True):
            total = weights[first :: self._step, :: self._step].reshape(-1, 1).float().clip(min=0)
            own = within[first :: self._step, :: self._step].reshape(shape[0] * shape[1], -1)
            found.append(own / total)
        return library(self._sums).stack(found)  # type: ignore[no-any-return]

    def _tile_sums(self, cells: Any, first: int) -> Any:
        """Sum over the cells of each tile, in memory of their own."""
        sums: Any = boxes(boxes(cells, self._reach, 0), self._reach, 1)
        return sums[first :: self._step, :: self._step].clone()

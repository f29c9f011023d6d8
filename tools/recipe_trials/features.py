"""Means of the network's channels over cells of about 1°, interpolated to positions on the sky."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from skykin.core.errors import ResourceError
from skykin.core.extent import Extent
from skykin.core.protocols import ColouredSky
from skykin.core.shapes import Degrees, Numbers
from skykin.core.sphere import directions
from skykin.evaluation.tile_centres import TileCentres
from skykin.scale.store import WorkStore
from skykin.style.engine.stream import Piece, PlaneSource, stream
from skykin.style.network.blocks import BlockNetwork, block_network
from skykin.style.statistics.statistic import position_weights
from skykin.tiling.facets import Facet, facets

#: Features are averaged over squares of at most this size before they are interpolated.
CELL_DEG = 1.1
#: The lattice of a facet only says how large its picture is: 8 pixels, half the largest cell, are left beyond
#: the outermost positions.
TILE_PIXELS, SPACING_PIXELS = 48, 16


@dataclass(frozen=True, eq=False)
class Pooled:
    """What one layer answers about each position.

    Parameters
    ----------
    mean, square : float32 array (positions, channels)
        Weighted means of the features and of their squares over the cells around.
    weight : float32 array (positions,)
        Coverage behind them, 0 to 1.
    """

    mean: Numbers
    square: Numbers
    weight: Numbers


@dataclass(frozen=True, eq=False)
class FeatureBank:
    """Pooled features of one rendering, kept on disk facet by facet and layer by layer.

    Parameters
    ----------
    store : WorkStore
    places : TileCentres
        Positions.
    pieces : tuple of Facet
        Their pictures hold the positions.
    pixels_per_degree : float
    """

    store: WorkStore
    places: TileCentres
    pieces: tuple[Facet, ...]
    pixels_per_degree: float

    @classmethod
    def of(
        cls, cache: Path, job: Mapping[str, object], places: TileCentres, scale: float, extent: Extent
    ) -> FeatureBank:
        """Open the bank of a rendering at so many pixels per degree; `job` holds all that decides it."""
        pieces = facets(TILE_PIXELS / scale, SPACING_PIXELS / scale, TILE_PIXELS, extent=extent)
        how = {"scale": scale, "positions": len(places), "tile": TILE_PIXELS, "cell": CELL_DEG}
        return cls(WorkStore.of(cache, {**job, **how}), places, pieces, scale)

    def fill(self, sky: ColouredSky, layers: Sequence[str]) -> None:
        """Measure what is not kept yet; stopped at any time, it goes on where it was."""
        network = block_network(layers)
        for number, facet in enumerate(self.pieces):
            inside = self._inside(facet)
            if not len(inside) or all(self.store.get(f"{layer}-{number}") is not None for layer in layers):
                continue
            at = self.places.lon_deg[inside], self.places.lat_deg[inside]
            for layer, found in measured(network, facet, sky, at, self.pixels_per_degree).items():
                self.store.put(f"{layer}-{number}", found)
            print(f"facet {number + 1} of {len(self.pieces)}", flush=True)

    def read(self, layer: str) -> Pooled:
        """Put a layer together; positions outside all facets have weight 0.

        Raises
        ------
        ResourceError
            If a part could not be kept.
        """
        whole = np.empty((0, 0), np.float32)
        for number, facet in enumerate(self.pieces):
            inside = self._inside(facet)
            if not len(inside):
                continue
            part = self.store.get(f"{layer}-{number}")
            if part is None:
                raise ResourceError(
                    f"{layer} of facet {number + 1} is not in the cache; is its disk full? "
                    "Choose another --cache"
                )
            if not whole.size:
                whole = np.zeros((len(self.places), part.shape[1]), np.float32)
            whole[inside] = part
        channels = whole.shape[1] // 2
        return Pooled(whole[:, :channels], whole[:, channels:-1], whole[:, -1])

    def _inside(self, facet: Facet) -> Numbers:
        return np.flatnonzero(facet.home.contains(self.places.lon_deg, self.places.lat_deg))


def measured(
    network: BlockNetwork, facet: Facet, sky: ColouredSky, at: tuple[Degrees, Degrees], scale: float
) -> dict[str, Numbers]:
    """Run the network over a facet.

    Returns
    -------
    dict of str to float32 array (positions, 2 channels + 1)
        Of each layer: means, means of squares, weight.
    """
    halo, (rows, columns) = network.halo, facet.shape
    picture = facet.picture(sky, halo)
    coverage = picture.coverage[halo : halo + rows, halo : halo + columns]
    down, across = in_picture(facet, *at)
    found = {}
    for layer, (features, stride) in whole_layers(
        network, PlaneSource(picture.rgb, picture.coverage, halo, halo, rows, columns)
    ).items():
        weight = position_weights(coverage, features.shape[1:])
        several = 1
        while 2 * several * stride / scale <= CELL_DEG:
            several *= 2
        cells = (pooled(each, several) for each in (features * weight, features**2 * weight, weight[None]))
        where = down / (stride * several) - 0.5, across / (stride * several) - 0.5
        mean, square, share = (interpolated(each, *where) for each in cells)
        safe = np.where(share > 0, share, 1)
        found[layer] = np.concatenate([mean / safe, square / safe, share], axis=1).astype(np.float32)
    return found


def whole_layers(network: BlockNetwork, source: PlaneSource) -> dict[str, tuple[Numbers, int]]:
    """All features of a picture, (channels, y, x), and the pixels between them, layer by layer."""
    found: dict[str, tuple[Numbers, int]] = {}
    for piece in stream(network, source):
        if not isinstance(piece, Piece):
            continue
        channels, y, x = piece.features.shape
        if piece.layer not in found:
            size = source.height // piece.stride, source.width // piece.stride
            found[piece.layer] = np.zeros((channels, *size), np.float32), piece.stride
        part = slice(piece.row, piece.row + y), slice(piece.column, piece.column + x)
        found[piece.layer][0][:, *part] = piece.features
    return found


def in_picture(facet: Facet, lon_deg: Degrees, lat_deg: Degrees) -> tuple[Numbers, Numbers]:
    """Rows and columns of positions in a facet's picture, pixels from its upper left corner.

    The inverse of `Facet.square_centers`.
    """
    forward, east, north = directions(lon_deg - facet.lon_deg, lat_deg).T
    sine, cosine = np.sin(np.radians(facet.lat_deg)), np.cos(np.radians(facet.lat_deg))
    depth, up = forward * cosine + north * sine, north * cosine - forward * sine
    x, y = (2 * side / (1 + depth) / facet.pixel for side in (east, up))
    return facet.top + facet.tile / 2 - y, facet.left + facet.tile / 2 - x


def pooled(features: Numbers, several: int) -> Numbers:
    """Means over squares of `several` positions; a remainder is dropped."""
    channels, rows, columns = features.shape
    y, x = rows // several, columns // several
    squares = features[:, : y * several, : x * several].reshape(channels, y, several, x, several)
    return squares.mean(axis=(2, 4))


def interpolated(cells: Numbers, row: Numbers, column: Numbers) -> Numbers:
    """Values (positions, channels) between the centres of cells (channels, y, x), bilinear."""
    _, rows, columns = cells.shape
    row, column = np.clip(row, 0, rows - 1), np.clip(column, 0, columns - 1)
    top, left = np.floor(row).astype(int), np.floor(column).astype(int)
    below, right = np.minimum(top + 1, rows - 1), np.minimum(left + 1, columns - 1)
    down, across = (row - top).astype(np.float32), (column - left).astype(np.float32)
    upper = cells[:, top, left] * (1 - across) + cells[:, top, right] * across
    lower = cells[:, below, left] * (1 - across) + cells[:, below, right] * across
    return (upper * (1 - down) + lower * down).T

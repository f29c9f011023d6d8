"""Means of channels, cell by cell, in few directions: cores less their tiles add up from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from skykin.core.shapes import Degrees, Numbers
from skykin.indexing.moments import Directions, LayerScale, Moments, Whole, halved, positive, with_rings
from skykin.style.basis import fit_basis
from skykin.style.engine.cells import Lattice
from skykin.style.engine.shared import Reader, SharedMeter, VectorTaker
from skykin.style.engine.stream import PlaneSource
from skykin.style.signature import Signature, Standardisation
from skykin.style.statistics.form import Averages
from skykin.style.statistics.statistic import CORE

#: Directions that are kept of each layer: an index of all of WHAM then stays below 60 MB.
DIRECTIONS = 120


@dataclass(frozen=True, eq=False)
class ContrastsOfCells(Moments):
    r"""Mean of each channel in the directions of a basis; core less tile is linear in it.

    .. math:: B\,z = \sum_{i \in \mathrm{core}} \frac{w_i}{W_\mathrm{core}} c_i
              - \sum_{i \in \mathrm{tile}} \frac{w_i}{W_\mathrm{tile}} c_i - B\,\frac{m}{s} , \qquad
              c_i = B\,\frac{\mu_i - \mu_0}{s}

    with the means :math:`\mu_i` of the cells, the basis :math:`B`, and mean :math:`m` and spread :math:`s` of
    the survey's tiles.  The product with the basis is taken first and the sums second, so that nothing is
    lost besides what lies outside the basis.

    Parameters
    ----------
    mean, spread : float32 array (channels,)
        Of the statistic over the survey's tiles; 0 and 1 where the recipe compares it as it is.
    directions : Directions
    """

    mean: Numbers
    spread: Numbers
    directions: Directions

    kind = "projection"

    @classmethod
    def of(cls, layer: LayerScale) -> Self:
        """Keep cells in the directions that were fitted on the survey."""
        assert layer.directions is not None  # noqa: S101 - they are measured with the scale
        if layer.standard is not None:
            return cls(layer.mean, layer.spread, layer.directions)
        return cls(np.zeros_like(layer.mean), np.ones_like(layer.spread), layer.directions)

    @property
    def width(self) -> int:
        """One number per direction."""
        return len(self.directions.basis)

    @property
    def compared_width(self) -> int:
        """The same number."""
        return self.width

    @property
    def rings(self) -> tuple[int, ...]:
        """The core of a tile is compared with the tile."""
        return (CORE,)

    def reader(
        self,
        shared: SharedMeter,
        layer: str,
        lattice: Lattice,
        *,
        exact: bool,  # noqa: ARG002
    ) -> tuple[Reader, Callable[[], Numbers]]:
        """Read the means of cells."""
        reader, means = mean_reader(shared, layer, lattice)

        def cells() -> Numbers:
            relative = (means() - self.directions.middle) / self.spread
            return halved(relative @ self.directions.basis.T)

        return reader, cells

    def tile_reader(
        self, shared: SharedMeter, layer: str, lattice: Lattice, *, keep: bool
    ) -> tuple[Reader, Callable[[], Whole]]:
        """Read the whole vectors of tiles: a basis holds most of their lengths, not all."""
        form = shared.form(layer)
        taker = VectorTaker(lattice, form, shared.unit(layer))

        def whole() -> Whole:
            compared = (taker.vectors() - self.mean) / self.spread
            return Whole(np.linalg.norm(compared.astype(np.float64), axis=-1), compared if keep else None)

        return shared.reader(layer, lattice, form, taker), whole

    def along(self, vectors: Numbers) -> ContrastsOfCells:
        """Give the same of vectors (k, m) in place of the directions."""
        others = Directions(self.directions.middle, vectors.T @ self.directions.basis)
        return replace(self, directions=others)

    def sums(self, cells: Numbers, weights: Numbers) -> Numbers:
        """Numbers times weights."""
        return weights * np.asarray(cells, np.float64)

    def finish(self, means: Numbers, rings: Numbers | None, lat_deg: Degrees) -> Numbers:  # noqa: ARG002
        """Core less tile, relative to the survey."""
        assert rings is not None  # noqa: S101 - it needs the core
        usual = self.directions.basis.astype(np.float64) @ (self.mean / self.spread).astype(np.float64)
        return np.asarray(rings[0] - means - usual, np.float32)


def mean_reader(shared: SharedMeter, layer: str, lattice: Lattice) -> tuple[Reader, Callable[[], Numbers]]:
    """Give what reads a layer, and then the means (rows, columns, channels) of its squares."""
    form = Averages(shared.form(layer))
    taker = VectorTaker(lattice, form, shared.unit(layer))
    return shared.reader(layer, lattice, form, taker), taker.vectors


@dataclass(frozen=True, eq=False)
class SampledTile:
    """One tile, cell by cell.

    Parameters
    ----------
    means : Mapping of str to float32 array (rows, columns, channels)
        Of each layer; NaN where a cell has no weight.
    weights : float array (rows, columns)
    """

    means: Mapping[str, Numbers]
    weights: Numbers

    @property
    def signature(self) -> Signature:
        """Core less tile of each layer, as they are."""
        return Signature({layer: self._contrast(means) for layer, means in self.means.items()})

    def _contrast(self, means: Numbers) -> Numbers:
        w = self.weights[..., None]
        reach = len(self.weights)
        whole, core = with_rings(w * np.nan_to_num(means.astype(np.float64)), reach, 1, (CORE,))
        weight, core_weight = with_rings(w, reach, 1, (CORE,))
        assert core is not None  # noqa: S101 - a tile has one
        assert core_weight is not None  # noqa: S101 - likewise
        return np.asarray((core / positive(core_weight) - whole / positive(weight))[0, 0, 0], np.float32)


def sampled_tile(shared: SharedMeter, source: PlaneSource, cell: int, weights: Numbers) -> SampledTile:
    """Measure the cells of one tile.

    Parameters
    ----------
    shared : SharedMeter
    source : PlaneSource
        The tile with its context.
    cell : int
        Side of a cell, pixels.
    weights : array (rows, columns)
        How much each cell counts.
    """
    lattice = Lattice(source.height, source.width, cell, cell)
    readers, means = {}, {}
    for layer in shared.network.layers:
        readers[layer], means[layer] = mean_reader(shared, layer, lattice)
    shared.read(source, readers)
    return SampledTile({layer: read() for layer, read in means.items()}, weights)


def fit_directions(tiles: Sequence[SampledTile], standard: Standardisation) -> dict[str, Directions]:
    """Find the directions in which places of a survey differ from what surrounds them.

    Parameters
    ----------
    tiles : sequence of SampledTile
    standard : Standardisation
        Zero mean and unit spread where the recipe compares signatures as they are.

    Returns
    -------
    dict of str to Directions
        Fitted on every cell of every tile, less the mean of its tile: a core is made of such cells.
    """
    found = {}
    for layer in standard.mean:
        middle, spread = standard.mean[layer], standard.spread[layer]
        known = [(tile.means[layer][tile.weights > 0], tile.weights[tile.weights > 0]) for tile in tiles]
        known = [(means, weights) for means, weights in known if len(weights)]
        rows = [means - np.average(means, axis=0, weights=weights) - middle for means, weights in known]
        flat = np.concatenate(rows) / spread
        lengths = np.linalg.norm(flat, axis=1, keepdims=True)
        basis = fit_basis(flat / np.where(lengths > 0, lengths, np.nan), DIRECTIONS)
        typical = np.concatenate([means for means, _ in known]).mean(axis=0, dtype=np.float64)
        found[layer] = Directions(typical.astype(np.float32), basis)
    return found

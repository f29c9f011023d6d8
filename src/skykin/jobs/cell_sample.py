"""A sample of a survey's tiles, cell by cell: what is usual, and in which directions places differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skykin.core.footprint import Footprint
from skykin.core.protocols import ColouredSky, Progress
from skykin.indexing.contrasts import SampledTile, fit_directions, sampled_tile
from skykin.indexing.facet_style import cell_shares
from skykin.indexing.moments import Directions
from skykin.indexing.stored import cell_pixels
from skykin.jobs.facet_rows import cut_in_context
from skykin.jobs.judge import standard_sample
from skykin.scale.local import ordered_map
from skykin.style.engine.cells import Lattice
from skykin.style.engine.shared import SharedMeter
from skykin.style.engine.stream import PlaneSource
from skykin.style.signature import Standardisation
from skykin.tiling.grid import TileGrid


@dataclass(frozen=True, eq=False)
class Sampler:
    """Measures tiles cell by cell, each alone in its true context.

    Parameters
    ----------
    sky : ColouredSky
    shared : SharedMeter
    tile, spacing : int
        Side of a tile and distance between tiles, pixels.
    """

    sky: ColouredSky
    shared: SharedMeter
    tile: int
    spacing: int

    def scale(
        self, grid: TileGrid, *, workers: int, progress: Progress
    ) -> tuple[Standardisation, dict[str, Directions]]:
        """Measure mean and spread of the survey's tiles, and the directions of their cells."""
        sample = standard_sample(grid, in_context=True)
        tiles = []
        with progress.stage("An average tile", len(sample), "tiles") as counter:
            for tile in ordered_map(self._measure, sample, workers):
                tiles.append(tile)
                counter.advance()
        standard = Standardisation.fit(tile.signature for tile in tiles)
        return standard, fit_directions(tiles, standard)

    def _measure(self, footprint: Footprint) -> SampledTile:
        halo, side = self.shared.network.halo, self.tile
        picture = cut_in_context(self.sky, footprint, side, halo)
        cell = cell_pixels(Lattice(side, side, side, self.spacing), self.shared.recipe)
        own = slice(halo, halo + side)
        weights = cell_shares(picture.coverage[own, own].astype(np.float64), cell)
        if not self.shared.recipe.weighted:
            weights = np.ones_like(weights)
        source = PlaneSource(picture.rgb, picture.coverage, halo, halo, side, side)
        return sampled_tile(self.shared, source, cell, weights)

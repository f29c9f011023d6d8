"""What an index keeps of one facet: its cells and its standard tiles."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from skykin.core.picture import Picture
from skykin.core.protocols import ColouredSky, Survey
from skykin.core.shapes import Numbers
from skykin.index.compare import Space
from skykin.index.layout import CELL, tile_record
from skykin.index.moments import CodedTaker, add_up
from skykin.sky.facets import Facet
from skykin.style.cells import CellReader, Lattice, tile_sums
from skykin.style.plane import PlaneSource
from skykin.style.shared import SharedMeter
from skykin.survey.intensity import mean_intensity


@dataclass(frozen=True, eq=False)
class FacetStyle:
    """The cells and the standard tiles of one facet.

    Parameters
    ----------
    cells : CELL array (n,)
    moments : float16 array (n, numbers)
        Coded, all layers beside each other.
    tiles : record array (m,)
    picture_sha256 : str
        Of the facet's rendered picture, context included.
    """

    cells: Numbers
    moments: Numbers
    tiles: Numbers
    picture_sha256: str


@dataclass(frozen=True, eq=False)
class FacetMeter:
    """Measures facets for an index.

    Parameters
    ----------
    survey : Survey
    sky : ColouredSky
        The survey, rendered.
    shared : SharedMeter
    space : Space
        In which tiles are compared.
    min_coverage : float
        Tiles with a smaller share of observed pixels are left out.
    """

    survey: Survey
    sky: ColouredSky
    shared: SharedMeter
    space: Space
    min_coverage: float

    def picture(self, facet: Facet) -> tuple[Picture, str]:
        """Look through a facet; return the picture and its hash."""
        picture = facet.picture(self.sky, self.shared.network.halo)
        digest = hashlib.sha256(np.ascontiguousarray(picture.rgb).data)
        digest.update(np.ascontiguousarray(picture.coverage).data)
        return picture, digest.hexdigest()

    def __call__(self, facet: Facet) -> FacetStyle:
        """Measure a facet by one run of the network over it."""
        picture, sha256 = self.picture(facet)
        halo, (height, width) = self.shared.network.halo, facet.shape
        own = slice(halo, halo + height), slice(halo, halo + width)
        lattice = Lattice(height, width, facet.tile, facet.spacing)
        coverage = picture.coverage[own].astype(np.float64)
        covered = tile_sums(coverage, lattice) / facet.tile**2
        wanted = facet.own & (covered >= self.min_coverage)
        cells = _cells(facet, lattice, coverage, wanted)
        layers = self.shared.network.layers
        if not wanted.any():
            nothing = np.zeros((0, self.space.width), np.float16)
            return FacetStyle(cells[:0], nothing, np.zeros(0, tile_record(layers)), sha256)
        source = PlaneSource(picture.rgb, picture.coverage, halo, halo, height, width)
        by_layer = self._moments(source, Lattice(height, width, lattice.cell, lattice.cell))
        light = tile_sums(picture.rgb[own].mean(axis=-1, dtype=np.float64) * coverage, lattice)
        tiles = self._tiles(facet, wanted, covered, light / facet.tile**2)
        square = coverage.reshape(height // lattice.cell, lattice.cell, width // lattice.cell, lattice.cell)
        weights = self.space.weights(square.mean(axis=(1, 3)).astype(np.float32))
        reach, step = facet.tile // lattice.cell, facet.spacing // lattice.cell
        for number, (layer, moments) in enumerate(by_layer.items()):
            raw = add_up(moments, weights, self.space.codes[layer], reach, step)[wanted]
            tiles["norms"][:, number] = np.linalg.norm(self.space.compared(layer, raw), axis=-1)
        kept = np.concatenate([m[cells["row"], cells["column"]] for m in by_layer.values()], axis=-1)
        return FacetStyle(cells, kept, tiles, sha256)

    def _moments(self, source: PlaneSource, lattice: Lattice) -> Mapping[str, Numbers]:
        takers, readers = {}, {}
        for layer, stride in self.shared.strides():
            form = self.shared.form(layer)
            takers[layer] = CodedTaker(lattice, form, self.shared.unit(layer), self.space.codes[layer])
            readers[layer] = CellReader(lattice, layer, stride, form, takers[layer])
        self.shared.read(source, readers)
        return {layer: takers[layer].cells for layer in self.shared.network.layers}

    def _tiles(self, facet: Facet, wanted: Numbers, covered: Numbers, light: Numbers) -> Numbers:
        tiles = np.zeros(int(wanted.sum()), tile_record(self.shared.network.layers))
        tiles["row"], tiles["column"] = np.nonzero(wanted)
        own = [f for f, kept in zip(facet.footprints(), wanted[facet.own], strict=True) if kept]
        for number, footprint in enumerate(own):
            place = (footprint.lon_deg, footprint.lat_deg, footprint.width_deg, footprint.height_deg)
            for name, value in zip(("lon", "lat", "width", "height"), place, strict=True):
                tiles[name][number] = value
            tiles["turn"][number] = footprint.turn_deg
            tiles["mean_intensity"][number] = mean_intensity(self.survey, footprint)
        tiles["coverage"] = covered[wanted]
        tiles["brightness"] = light[wanted] / covered[wanted]
        tiles["area"] = facet.share
        return tiles


def _cells(facet: Facet, lattice: Lattice, coverage: Numbers, wanted: Numbers) -> Numbers:
    """List the cells that a tile needs, or that are covered and the facet's own."""
    cell, reach, step = lattice.cell, facet.tile // lattice.cell, facet.spacing // lattice.cell
    rows, columns = lattice.height // cell, lattice.width // cell
    share = coverage.reshape(rows, cell, columns, cell).mean(axis=(1, 3))
    needed = np.zeros((rows, columns), dtype=bool)
    for row, column in zip(*np.nonzero(wanted), strict=True):
        needed[row * step : row * step + reach, column * step : column * step + reach] = True
    lon, lat = facet.square_centers(cell, cell, *np.indices((rows, columns)))
    own = np.ones_like(needed) if facet.home is None else facet.home.contains(lon, lat)
    kept = needed | (own & (share > 0))
    found = np.zeros(int(kept.sum()), CELL)
    found["row"], found["column"] = np.nonzero(kept)
    found["lon"], found["lat"], found["coverage"], found["own"] = lon[kept], lat[kept], share[kept], own[kept]
    return found

"""What an index keeps of one facet: its cells and its standard tiles."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from skykin.core.picture import Picture
from skykin.core.protocols import Survey
from skykin.core.shapes import Coverage, Numbers
from skykin.core.sphere import SPHERE_DEG2
from skykin.indexing.compare import Space, width_of
from skykin.indexing.facet_intensity import mean_intensities
from skykin.indexing.layout import CELL, tile_record
from skykin.indexing.moments import Whole, add_up, unit_rows
from skykin.indexing.stored import cell_pixels
from skykin.style.engine.cells import Lattice, cell_extremes, square_extremes, tile_sums
from skykin.style.engine.shared import Reader, SharedMeter
from skykin.style.engine.stream import Piece, PlaneSource
from skykin.style.row_moments import RowMoments
from skykin.survey.render import RenderedSurvey
from skykin.tiling.facets import Facet


@dataclass(frozen=True, eq=False)
class FacetStyle:
    """The cells and the standard tiles of one facet.

    Parameters
    ----------
    cells : CELL array (n,)
    moments : float16 or float32 array (n, numbers)
        Coded, all layers beside each other.
    tiles : record array (m,)
    picture_sha256 : str
        Of the facet's rendered picture, context included.
    exact : float32 array (m, n) or None
        Whole vectors of the tiles where cells do not add up to them, divided by their lengths.
    moments_of_tiles : RowMoments or None
        Where the average of all tiles is not known yet; norms are then 1, or 0 of a tile without style.
    """

    cells: Numbers
    moments: Numbers
    tiles: Numbers
    picture_sha256: str
    exact: Numbers | None = None
    moments_of_tiles: RowMoments | None = None


@dataclass(frozen=True, eq=False)
class FacetMeter:
    """Measures facets for an index.

    Parameters
    ----------
    survey : Survey
    sky : RenderedSurvey
    shared : SharedMeter
    space : Space
        In which tiles are compared.
    min_coverage : float
        Tiles with a smaller share of observed pixels are left out.
    exact : bool
        Keep whole vectors of the tiles where cells do not add up to them.
    """

    survey: Survey
    sky: RenderedSurvey
    shared: SharedMeter
    space: Space
    min_coverage: float
    exact: bool = False

    @property
    def _averages(self) -> bool:
        return self.space.in_rows and self.space.average is None

    def _moments(self, facet: Facet, tiles: Numbers, vectors: list[Numbers]) -> RowMoments:
        """Take the moments of the tiles that have a style; their lengths are told when all are averaged."""
        known = (np.isfinite(tiles["norms"]) & (tiles["norms"] > 0)).all(axis=1)
        tiles["norms"] = known[:, None]
        width = width_of(self.space.whole_columns)
        rows = np.concatenate(vectors, axis=-1)[known] if vectors else np.zeros((0, width))
        one_deg2 = tiles["width"] * tiles["height"]
        areas = (facet.share * SPHERE_DEG2 / one_deg2)[known]
        assert self.space.recipe.rows_deg is not None  # noqa: S101 - see Space
        return RowMoments.of(rows, tiles["lat"][known], areas, self.space.recipe.rows_deg)

    @property
    def _keeps_exact(self) -> bool:
        return self.exact and self.space.cell_kind != "exact"

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
        cell = cell_pixels(lattice, self.space.recipe)
        extremes = cell_extremes(picture.rgb[own], picture.coverage[own], cell)
        cells = _cells(facet, cell, coverage, extremes, wanted)
        layers = self.shared.network.layers
        if not wanted.any():
            nothing = np.zeros((0, width_of(self.space.columns)), np.float16)
            whole_width = width_of(self.space.whole_columns)
            exact = np.zeros((0, whole_width), np.float32) if self._keeps_exact else None
            tiles = np.zeros(0, tile_record(layers))
            of_tiles = self._moments(facet, tiles, []) if self._averages else None
            return FacetStyle(cells[:0], nothing, tiles, sha256, exact, of_tiles)
        source = PlaneSource(picture.rgb, picture.coverage, halo, halo, height, width)
        by_layer, whole = self._read(source, lattice, cell)
        light = tile_sums(picture.rgb[own].mean(axis=-1, dtype=np.float64) * coverage, lattice)
        tiles = self._tiles(facet, wanted, covered, light / facet.tile**2)
        weights = self.space.weights(cell_shares(coverage, cell).astype(np.float32))
        reach, step = facet.tile // cell, facet.spacing // cell
        _, lat = facet.centers()
        vectors = []
        for number, (layer, grid) in enumerate(by_layer.items()):
            if layer in whole:
                tiles["norms"][:, number] = whole[layer].norms[wanted]
                continue
            found = add_up(self.space.moments[layer], grid, weights, lat, reach=reach, step=step)[wanted]
            tiles["norms"][:, number] = np.linalg.norm(found.astype(np.float64), axis=-1)
            vectors.append(found)
        # A tile without structure has no style.
        flat = self.sky.stretch.is_flat(*square_extremes(*extremes, reach, step))[wanted]
        tiles["norms"][flat] = 0
        of_tiles = self._moments(facet, tiles, vectors) if self._averages else None
        tiles["blank"] = tile_sums(coverage == 0, lattice)[wanted] / facet.tile**2
        kept = np.concatenate([grid[cells["row"], cells["column"]] for grid in by_layer.values()], axis=-1)
        return FacetStyle(cells, kept, tiles, sha256, self._exact(whole, tiles, wanted), of_tiles)

    def _read(
        self, source: PlaneSource, lattice: Lattice, cell: int
    ) -> tuple[dict[str, Numbers], dict[str, Whole]]:
        """Cells of each layer, and whole vectors of its tiles where cells do not add up to them."""
        squares = Lattice(lattice.height, lattice.width, cell, cell)
        readers: dict[str, Reader] = {}
        cells, whole = {}, {}
        for layer, moments in self.space.moments.items():
            readers[layer], cells[layer] = moments.reader(self.shared, layer, squares, exact=self.exact)
            beside = moments.tile_reader(self.shared, layer, lattice, keep=self.exact)
            if beside is not None:
                readers[layer], whole[layer] = _Both(readers[layer], beside[0]), beside[1]
        self.shared.read(source, readers)
        layers = self.shared.network.layers
        return {layer: cells[layer]() for layer in layers}, {layer: whole[layer]() for layer in whole}

    def _exact(self, whole: Mapping[str, Whole], tiles: Numbers, wanted: Numbers) -> Numbers | None:
        """Whole vectors of the tiles, divided by their lengths."""
        parts = []
        for number, layer in enumerate(self.shared.network.layers):
            vectors = whole[layer].vectors if layer in whole else None
            if vectors is None:
                return None
            parts.append(unit_rows(vectors[wanted], tiles["norms"][:, number]))
        return np.concatenate(parts, axis=-1)

    def _tiles(self, facet: Facet, wanted: Numbers, covered: Numbers, light: Numbers) -> Numbers:
        tiles = np.zeros(int(wanted.sum()), tile_record(self.shared.network.layers))
        tiles["row"], tiles["column"] = np.nonzero(wanted)
        own = [f for f, kept in zip(facet.footprints(), wanted[facet.own], strict=True) if kept]
        for number, footprint in enumerate(own):
            place = (footprint.lon_deg, footprint.lat_deg, footprint.width_deg, footprint.height_deg)
            for name, value in zip(("lon", "lat", "width", "height"), place, strict=True):
                tiles[name][number] = value
            tiles["turn"][number] = footprint.turn_deg
        tiles["mean_intensity"] = mean_intensities(self.survey, facet)[wanted]
        tiles["coverage"] = covered[wanted]
        tiles["brightness"] = light[wanted] / covered[wanted]
        tiles["area"] = facet.share
        return tiles


def _cells(
    facet: Facet, cell: int, coverage: Numbers, extremes: tuple[Numbers, Numbers], wanted: Numbers
) -> Numbers:
    """List the cells that a tile needs, or that are covered and the facet's own."""
    share = cell_shares(coverage, cell)
    lon, lat = facet.square_centers(cell, cell, *np.indices(share.shape))
    own = np.ones(share.shape, dtype=bool) if facet.home is None else facet.home.contains(lon, lat)
    kept = kept_cells(facet, cell, share, wanted)
    found = np.zeros(int(kept.sum()), CELL)
    found["row"], found["column"] = np.nonzero(kept)
    found["lon"], found["lat"], found["coverage"], found["own"] = lon[kept], lat[kept], share[kept], own[kept]
    found["lowest"], found["highest"] = (colours[kept] for colours in extremes)
    return found


def kept_cells(facet: Facet, cell: int, share: Numbers, wanted: Numbers) -> np.ndarray:
    """Tell which cells (rows, columns) are kept, of their coverage and of the tiles that are."""
    reach, step = facet.tile // cell, facet.spacing // cell
    needed = np.zeros(share.shape, dtype=bool)
    for row, column in zip(*np.nonzero(wanted), strict=True):
        needed[row * step : row * step + reach, column * step : column * step + reach] = True
    own = np.ones_like(needed)
    if facet.home is not None:
        own = facet.home.contains(*facet.square_centers(cell, cell, *np.indices(share.shape)))
    return needed | (own & (share > 0))


def cell_shares(coverage: Numbers, cell: int) -> Numbers:
    """Mean coverage of each cell."""
    rows, columns = (length // cell for length in coverage.shape)
    return np.asarray(coverage.reshape(rows, cell, columns, cell).mean(axis=(1, 3)))


@dataclass(frozen=True, eq=False)
class _Both:
    """Gives each piece to two readers."""

    first: Reader
    second: Reader

    def add(self, piece: Piece, weights: Coverage | None) -> None:
        self.first.add(piece, weights)
        self.second.add(piece, weights)

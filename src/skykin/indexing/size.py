"""How large an index would be, from where a survey is covered and before anything is measured."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from skykin.core.protocols import Survey
from skykin.core.sampling import evenly
from skykin.indexing.compare import Space, keeps_directions, width_of
from skykin.indexing.contrasts import DIRECTIONS
from skykin.indexing.facet_style import cell_shares, kept_cells
from skykin.indexing.layout import CELL, tile_record
from skykin.indexing.moments import Directions
from skykin.indexing.stored import cell_pixels
from skykin.style.basis import COMPONENTS, FITTED_TILES
from skykin.style.engine.cells import Lattice, boxes
from skykin.style.network.architecture import channels_of
from skykin.style.recipe import Recipe
from skykin.style.row_moments import BEFORE, edges_of, row_of
from skykin.style.signature import Signature, Standardisation, flattened
from skykin.style.whitening import Whitening
from skykin.tiling.facets import Facet

#: Facets, evenly spread, whose coverage is looked at; the others are taken to be like them.
FACETS = 64
#: Rows and columns of places in a cell where coverage is looked at.
LOOKS = 4


@dataclass(frozen=True)
class IndexSize:
    """How much an index would hold.

    Parameters
    ----------
    tiles, cells : int
    bytes : int
        Of all shards.
    sampled : bool
        Whether only a part of the facets was looked at.
    """

    tiles: int
    cells: int
    bytes: int
    sampled: bool


def index_size(
    survey: Survey,
    facets: Iterable[Facet],
    number: int,
    recipe: Recipe,
    min_coverage: float,
    *,
    exact: bool = False,
    in_rows: bool = False,
) -> IndexSize:
    """Count tiles and cells, each cell looked at in 16 places, and the bytes that are kept of them.

    Parameters
    ----------
    survey : Survey
    facets : iterable of Facet
    number : int
        How many facets there are.
    recipe : Recipe
    min_coverage : float
    exact : bool
        Whether whole vectors of the tiles are kept.
    in_rows : bool
        Whether the average tile is that of all tiles, within rows of latitude.
    """
    chosen = frozenset(evenly(number, FACETS).tolist())
    looked = (facet for place, facet in enumerate(facets) if place in chosen)
    counts = np.array([_counted(survey, facet, recipe, min_coverage) for facet in looked])
    tiles, cells, parts = (int(np.rint(n)) for n in counts.sum(axis=0) * (number / len(chosen)))
    size = _bytes(recipe, tiles, cells, exact=exact, in_rows=in_rows)
    if in_rows:
        size += _bytes_of_rows(recipe, parts)
    return IndexSize(tiles, cells, size, len(chosen) < number)


def _counted(survey: Survey, facet: Facet, recipe: Recipe, min_coverage: float) -> tuple[int, int, int]:
    """Tiles and cells of one facet, and in how many rows of latitude the tiles lie."""
    height, width = facet.shape
    cell = cell_pixels(Lattice(height, width, facet.tile, facet.spacing), recipe)
    part = cell // LOOKS
    places = facet.square_centers(part, part, *np.indices((height // part, width // part)))
    share = cell_shares(np.asarray(survey.sample(*places)[1], np.float64), LOOKS)
    reach, step = facet.tile // cell, facet.spacing // cell
    covered = boxes(boxes(share, reach, 0), reach, 1)[::step, ::step] / reach**2
    wanted = facet.own & (covered >= min_coverage)
    if not wanted.any():
        return 0, 0, 0
    rows = row_of(facet.centers()[1][wanted], recipe.rows_deg or 90.0)
    return int(wanted.sum()), int(kept_cells(facet, cell, share, wanted).sum()), len(np.unique(rows))


def _bytes_of_rows(recipe: Recipe, parts: int) -> int:
    """Bytes of the averages of so many rows of facets, and of those of the whole sky."""
    numbers = sum(layer.mean.size for layer in _space(recipe).layers.values())
    edges = len(edges_of(recipe.rows_deg or 90.0))
    return parts * 8 * (BEFORE + 2 * numbers) + 2 * numbers * 4 * (edges + 2)


def _bytes(recipe: Recipe, tiles: int, cells: int, *, exact: bool, in_rows: bool) -> int:
    """Bytes of all shards of so many tiles and cells, without the averages of rows."""
    space = _space(recipe)
    whole = exact and space.cell_kind == "exact"
    # Only means and spreads have two lengths; sums of any statistic are always in single precision.
    long = recipe.statistic.index_code == "sums" or (whole and recipe.statistic.index_code == "spreads")
    of_cell = CELL.itemsize + width_of(space.columns) * (4 if long else 2)
    of_tile = tile_record(recipe.layers).itemsize
    numbers = [layer.width for layer in space.layers.values()]
    once = sum(2 * layer.mean.size * 4 for layer in space.layers.values())
    if keeps_directions(recipe):
        once += sum(own.basis.nbytes + own.middle.nbytes for own in space.directions.values())
    else:
        compared = [each.compared_width for each in space.moments.values()]
        most = min(COMPONENTS, max(tiles, 1), FITTED_TILES)
        kept = [width if width <= COMPONENTS else most for width in compared]
        of_tile += 2 * sum(kept)
        once += 4 * sum(width * count for width, count in zip(compared, kept, strict=True))
    if exact:
        of_tile += 4 * sum(numbers)
    elif in_rows:
        of_tile += 2 * sum(numbers)
    if in_rows:
        of_tile += 4 * len(recipe.layers)
    return cells * of_cell + tiles * of_tile + once


def _space(recipe: Recipe) -> Space:
    """Give a space of the recipe's sizes, whose numbers mean nothing."""
    ones: dict[str, np.ndarray] = {}
    for layer in recipe.layers:
        measured = recipe.statistic(np.ones((channels_of(layer), 8, 8), np.float32))
        ones[layer] = np.ones(flattened(measured).size, np.float32)
    whitening, directions = {}, {}
    blocks = recipe.statistic.blocks
    for layer, own in ones.items():
        if recipe.directions is not None:
            width = own.size // sum(blocks)
            each = np.ones((min(recipe.directions, width), width), np.float32)
            whitening[layer] = Whitening(blocks, tuple(each for _ in blocks))
        if keeps_directions(recipe):
            basis = np.ones((min(DIRECTIONS, own.size), own.size), np.float32)
            directions[layer] = Directions(own, basis)
    return Space(recipe, Standardisation(Signature(ones), Signature(ones), 1, whitening), directions)

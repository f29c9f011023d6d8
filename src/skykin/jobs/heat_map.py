"""A heat map of an index: exact scores of all tiles, shard by shard, of which the sky's pixels stay."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.table import QTable

from skykin.catalogue.query import Query
from skykin.core.errors import UsageError
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress, Survey
from skykin.core.settings import MapSettings
from skykin.core.shapes import Numbers
from skykin.core.sphere import directions_of, non_overlapping
from skykin.core.views import Over
from skykin.indexing.query.similarity import (
    FIELDS,
    SHORTLIST,
    best_first,
    compared_again,
    joined,
    similarity_blocks,
    some_of,
)
from skykin.indexing.sky_index import StoredIndex
from skykin.jobs.query import Reference
from skykin.jobs.search import listed_tiles, stored_survey
from skykin.jobs.stored import StoredSurvey
from skykin.products.folder import check_output_folder
from skykin.products.heat_map import HeatMap
from skykin.products.mapped import SurveyFacts
from skykin.products.multi_order_map import MultiOrderMap, finest_cells, merged
from skykin.products.nearest_tile import Painter, TilesByPart
from skykin.products.score_map import REACH, MapPixels, ScoreMap, pixels_of, shown_pixels
from skykin.style.recipe import Combine
from skykin.style.similarity import Similarity

#: Candidates are so many times as many as may overlap the best: facets overlap a little at their borders.
CROWDED = 1.5


def heat_map(
    index: StoredIndex | str | Path,
    reference: Reference | Sequence[Reference] | Query,
    k: int = 10,
    *,
    unlike: Reference | Sequence[Reference] = (),
    combine: Combine | None = None,
    weight: Mapping[str, float] | None = None,
    width: float | u.Quantity | None = None,
    pixel_scale: float | u.Quantity | None = None,
    turns: int | None = None,
    mirror: bool | None = None,
    scales: float | str | Sequence[float] | None = None,
    views: Over | None = None,
    measure: bool = False,
    survey: Survey | str | Path | None = None,
    jobs: int | None = None,
    output: str | Path | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> HeatMap:
    """Score every tile of an index, shard by shard: for an index whose tiles do not fit into memory.

    Scores are those of `search`, and so is the map.  What stays in memory is a shard's tiles, the pixels of
    the map and the best tiles.  Significance, matches and targets need all tiles at once, and are left out.

    Parameters
    ----------
    index : SkyIndex or path
    reference : str, Path, int, SkyCoord, tuple, Footprint, MOC, Picture, Elsewhere, or a list of these
        As of `search`, like all that is not explained here.
    k : int
        How many of the best tiles are listed.
    unlike, combine, weight, width, pixel_scale, turns, mirror, scales, views, measure, survey :
    jobs : int, optional
        Threads; all available cores if left out.
    output : path, optional
        Folder for ``score.fits``, ``score.multiorder.fits``, ``best.ecsv``, ``summary.json`` and a figure;
        nothing is written if left out.
    overwrite : bool
        Whether a folder that Skykin made before may be replaced.
    progress : Progress, optional

    Returns
    -------
    HeatMap

    Raises
    ------
    SkykinError
        With one sentence that says what is wrong, the value found and the way out.

    Examples
    --------
    >>> found = skykin.heat_map(made, "209,-19", k=2)
    >>> found.best["name"].tolist(), sorted(found.score_map.columns)[-2:]
    (['G205.13-05.11', 'G223.28-23.86'], ['COVERAGE', 'SCORE'])
    """
    if output is not None:
        check_output_folder(Path(output), overwrite=overwrite)
    progress = progress or SilentProgress()
    source = stored_survey(
        index, reference, unlike=unlike, combine=combine, weight=weight, width=width,
        pixel_scale=pixel_scale, turns=turns, mirror=mirror, scales=scales, views=views,
        survey=survey, measure=measure, workers=MapSettings(jobs=jobs).workers, progress=progress,
    )  # fmt: skip
    here = source.index
    if not 1 <= k <= len(here):
        raise UsageError(f"{k} tiles were requested, but there are {len(here)}; request 1 to {len(here)}")
    found = _Streamed(source, k, progress).heat_map()
    if output is not None:
        found.write(output, overwrite=overwrite, progress=progress)
    return found


class _Best:
    """The best of the tiles that came so far: their numbers and similarities.

    Parameters
    ----------
    count : int
        How many.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.numbers: Numbers = np.zeros(0, np.intp)
        self.found: Similarity | None = None

    def take(self, numbers: Numbers, found: Similarity) -> None:
        """Take further tiles, whose numbers are larger."""
        together = found if self.found is None else joined([self.found, found])
        numbers = np.concatenate([self.numbers, numbers])
        rows = best_first(together.score, self.count)
        self.numbers, self.found = numbers[rows], some_of(together, rows)


class _Streamed:
    """One pass over the tiles of an index.

    Parameters
    ----------
    source : StoredSurvey
    k : int
        How many of the best tiles are listed.
    progress : Progress
    """

    def __init__(self, source: StoredSurvey, k: int, progress: Progress) -> None:
        self.source, self.index, self.k, self.progress = source, source.index, k, progress
        self.names = {f"COSINE_{layer.upper()}": number for number, layer in enumerate(source.index.layers)}
        crowd = 2 * math.pi * (self.index.tile_deg / self.index.spacing_deg) ** 2
        self.best, self.ahead = _Best(max(SHORTLIST, math.ceil(CROWDED * k * crowd))), _Best(SHORTLIST)
        self.constant = 0

    def heat_map(self) -> HeatMap:
        """Find which tile each pixel shows, then score all tiles."""
        index, source = self.index, self.source
        _ = source.query_style  # a reference without style ends here
        pixels, uniq, shown = self._places()
        names = ("SCORE", *self.names, "COVERAGE")
        self.painters = [Painter(rows, names) for rows in (pixels.source, shown)]
        with self.progress.stage("Scoring tiles", len(index), "tiles") as counter:
            for part, found in similarity_blocks(index, source.style_in, source.workers):
                self._take(np.arange(part.start, part.stop), found)
                counter.advance(part.stop - part.start)
        if index.scored_by != source.exact:
            self._again()
        flat, cells = (painter.columns for painter in self.painters)
        settings = {"index": index.path.name, "query": source.query.told(), "measure": source.measure}
        return HeatMap(
            ScoreMap(pixels.nside, flat, pixels.pixels),
            MultiOrderMap(uniq, cells),
            self._table(),
            source.query,
            SurveyFacts(index.survey_title, index.bands, index.extent),
            replace(index.provenance, query=source.query.told(), settings=settings),
            len(index),
            self.constant,
        )

    def _places(self) -> tuple[MapPixels, Numbers, Numbers]:
        """Find which tile is shown by each pixel, and by each cell of many orders, with their numbers."""
        index = self.index
        tiles = TilesByPart(index.counts, self._centres, self.source.workers)
        with self.progress.stage("Placing tiles", 3 * len(index), "tiles") as counter:
            apart_deg = tiles.spacing_deg(counter) if len(index) > 1 else 0.0
            apart_deg = apart_deg or index.footprint(0).height_deg
            around = tiles.around(2 * apart_deg)
            grid, pixels = pixels_of(apart_deg, around)
            flat = shown_pixels(grid, pixels, tiles.nearest(grid, pixels, REACH * apart_deg, counter))
            grid, cells = finest_cells(apart_deg, around)
            rows = tiles.nearest(grid, cells, REACH * apart_deg, counter)
        return (flat, *merged(cells[rows >= 0], rows[rows >= 0], grid.order))

    def _centres(self, facet: int) -> tuple[Numbers, Numbers]:
        records = self.index.records_of(facet)
        return np.array(records["lon"]), np.array(records["lat"])

    def _take(self, numbers: Numbers, found: Similarity) -> None:
        """Take the scores of some tiles."""
        records, index, query = self.index.some_records(numbers), self.index, self.source.query
        self.constant += int((~np.isfinite(found.score)).sum())
        self._paint(numbers, found, records["coverage"])
        away = np.flatnonzero(~query.overlapped(records["lon"], records["lat"], index.tile_deg))
        self.best.take(numbers[away], some_of(found, away))
        self.ahead.take(numbers, found)

    def _paint(self, numbers: Numbers, found: Similarity, coverage: Numbers) -> None:
        values = {name: found.cosines[:, layer] for name, layer in self.names.items()}
        for painter in self.painters:
            painter.paint(numbers, {"SCORE": found.score, **values, "COVERAGE": coverage})

    def _again(self) -> None:
        """Score the best tiles by whole vectors, as `search` does."""
        numbers = np.sort(self.ahead.numbers)
        found = compared_again(self.index, self.source.style_in, numbers, self.source.exact)
        self._paint(numbers, found, self.index.some_records(numbers)["coverage"])
        best, (_, own, theirs) = self.best, np.intersect1d(self.best.numbers, numbers, return_indices=True)
        for name in FIELDS:
            getattr(best.found, name)[own] = getattr(found, name)[theirs]

    def _table(self) -> QTable:
        """List the best tiles, none of which overlaps a better one."""
        found, source = self.best.found, self.source
        assert found is not None  # noqa: S101 - an index has tiles
        order = best_first(found.score, self.best.count)
        order = order[np.isfinite(found.score[order])]
        tiles = self.index.some_tiles(self.best.numbers[order])
        chosen = non_overlapping(directions_of(tiles), self.index.tile_deg, self.k)
        return listed_tiles(tiles[chosen], some_of(found, order[chosen]), source)

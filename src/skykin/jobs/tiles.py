"""The table of scored tiles."""

from __future__ import annotations

import numpy as np
from astropy import units as u
from astropy.table import QTable

from skykin.catalogue.references import References
from skykin.core.criterion import MatchCriterion, ScoreCut
from skykin.core.errors import SkyError
from skykin.core.protocols import NoisySurvey, Progress
from skykin.core.settings import MapSettings
from skykin.core.shapes import Numbers
from skykin.evaluation.ranking import threshold_of_top
from skykin.evaluation.recovery import ScoredTiles
from skykin.jobs.judge import Judge
from skykin.products.matches import coverage_map
from skykin.scale.local import ordered_map
from skykin.style.recipe import Recipe
from skykin.tiling.grid import TileGrid, tile_names

#: Rows and columns of positions in a tile at which the survey's noise is looked up.
NOISE_POSITIONS = (5, 5)


def score_tiles(
    judge: Judge,
    grid: TileGrid,
    settings: MapSettings,
    progress: Progress,
    rows: list[Numbers | None] | None,
) -> tuple[QTable, TileGrid]:
    """Score every tile with enough coverage; return their table and the grid of those tiles."""
    if rows is None:
        rows = []
        with progress.stage("Style of every tile", len(grid), "tiles") as counter:
            for row in ordered_map(judge.row, grid.footprints, settings.workers):
                rows.append(row)
                counter.advance()
    scored = np.array([row is not None for row in rows])
    if not scored.any():
        raise SkyError(
            f"none of {len(rows)} tiles is covered to {settings.min_coverage:.0%}; "
            "choose another area or a smaller min_coverage"
        )
    grid = grid.keep(scored)
    table = _tile_table(np.array([row for row in rows if row is not None]), grid, judge)
    table.meta["n_left_out"] = int((~scored).sum())
    return table, grid


def _tile_table(numbers: Numbers, grid: TileGrid, judge: Judge) -> QTable:
    lon, lat = grid.centers()
    layers = len(judge.meter.recipe.layers)
    cosines, score = numbers[:, :layers], numbers[:, layers]
    brightness, coverage, intensity = numbers[:, -3:].T
    table = QTable(
        {
            "rank": ranks(score),
            "name": tile_names(lon, lat, grid.spacing_deg),
            "lon": lon * u.deg,
            "lat": lat * u.deg,
            "width": np.array([footprint.width_deg for footprint in grid.footprints]) * u.deg,
            "height": np.array([footprint.height_deg for footprint in grid.footprints]) * u.deg,
            "score": score,
            "coverage": coverage,
            "brightness": brightness,
            "mean_intensity": intensity * u.Unit(judge.survey.unit),
            "area": grid.area,
        }
    )
    if judge.anchors is not None:
        table["hubness"] = numbers[:, layers + 2]
    if judge.sought.names_nearest:
        table["nearest"] = numbers[:, layers + 1].astype(int)
    if isinstance(judge.survey, NoisySurvey):
        where = np.array([footprint.pixel_positions(NOISE_POSITIONS) for footprint in grid.footprints])
        noise = judge.survey.noise_at(where[:, 0], where[:, 1]).mean(axis=(-2, -1))
        table["noise"] = noise * u.Unit(judge.survey.unit)
    for layer, column in zip(judge.meter.recipe.layers, cosines.T, strict=True):
        table[f"cosine_{layer}"] = column
    return table


def name_nearest(tiles: QTable, references: References) -> None:
    """Name the nearest reference in the column ``best_reference``, where it is known."""
    if "nearest" in tiles.colnames:
        names = np.array([place.name for place in references.places])
        tiles["best_reference"] = names[tiles["nearest"]]
        tiles.remove_column("nearest")


def ranks(score: Numbers) -> Numbers:
    """Places from 1 on: best first, tiles without a score last; equal scores keep the order of the grid."""
    rank = np.empty(len(score), dtype=int)
    rank[np.argsort(np.where(np.isnan(score), np.inf, -score), kind="stable")] = np.arange(1, len(score) + 1)
    return rank


def line_of(tiles: QTable, chosen: Recipe, criterion: MatchCriterion, beside: np.ndarray) -> ScoreCut:
    """Return where the line between match and no match is drawn: as asked, else as the recipe says.

    Tiles `beside` a reference share sky with it: that they are like it is no finding.
    """
    rule: MatchCriterion | Recipe = criterion if criterion.given else chosen
    if rule.max_q is not None:
        line = ScoreCut("q", rule.max_q)
        if rule.top_fraction is None or (line.matches(tiles["q"]) & ~beside).any():
            return line
    if rule.top_fraction is not None:
        threshold = threshold_of_top(tiles["score"], rule.top_fraction, tiles["area"])
        return ScoreCut("score", threshold, rule.max_q)
    assert rule.threshold is not None  # noqa: S101 - a recipe has one of the three
    return ScoreCut("score", rule.threshold)


def scored(tiles: QTable) -> ScoredTiles:
    """Give the columns that a ranking needs."""
    return ScoredTiles(
        tiles["lon"].to_value(u.deg),
        tiles["lat"].to_value(u.deg),
        tiles["score"],
        tiles["mean_intensity"].value,
        tiles["area"],
    )


def share_inside(tiles: QTable, grid: TileGrid) -> float:
    """Share of the sky inside at least one matching tile."""
    matching = [footprint for footprint, match in zip(grid.footprints, tiles["match"], strict=True) if match]
    return float(coverage_map(matching).sky_fraction)

"""The scores of a map, made again with something changed: nulls that should find nothing, and stability."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from astropy import units as u
from astropy.table import QTable

from skykin.catalogue.object_lists import ObjectList
from skykin.catalogue.query import Query
from skykin.core.errors import DataQualityError
from skykin.core.picture import Picture
from skykin.core.protocols import Progress, Survey
from skykin.core.settings import MapSettings
from skykin.core.shapes import Degrees, Numbers
from skykin.evaluation.measures import auc_lat
from skykin.evaluation.ranking import rank_correlation, threshold_of_top
from skykin.evaluation.rotated import RotatedObjects
from skykin.evaluation.tile_centres import TileCentres
from skykin.jobs.evaluated_map import EvaluatedMap
from skykin.jobs.query import read_query
from skykin.jobs.streamed import Alter, StreamedSurvey
from skykin.products.result import numbers
from skykin.scale.local import ordered_map
from skykin.scale.store import WorkStore
from skykin.significance.surrogates import phase_randomised
from skykin.survey.derived.altered import AlteredSurvey
from skykin.survey.download import cache_folder

RANDOM_NETWORK, RANDOM_PHASES, EMPTY = "random-weight network", "phase-randomised sky", "empty reference"
NULLS = (RANDOM_NETWORK, RANDOM_PHASES, EMPTY)
#: An empty place is at least so far from the plane.
EMPTY_ABOVE_DEG = 40.0
#: Tiles that are measured one by one for a null, those of the lists among them.
MOST_TILES = 4000
#: What stability looks for besides, compares, and makes the tiles smaller by.
REFERENCES = ("Orion", "Carina", "Cygnus X", "Rosette", "rho Oph")
TOP = 0.1
OTHER_TILE = 2 / 3


@dataclass(frozen=True, eq=False)
class Change:
    """What is different.

    Parameters
    ----------
    name : str
        In words.
    settings : Mapping
        Other settings of the map.
    query : Query, optional
        Another query.
    factor : float
        What the survey's values are multiplied by.
    shift_deg : float
        By how much the sky is rotated in longitude beneath the grid of tiles.
    same_stretch : bool
        Whether values become colours as in the map; else the limits are measured anew.
    random_seed : int, optional
        Untrained network of this seed.
    alter : callable, optional
        Applied to every picture, that of the reference too; only tile by tile.
    alter_reference : callable, optional
        Applied to the picture of the reference alone.
    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    query: Query | None = None
    factor: float = 1.0
    shift_deg: float = 0.0
    same_stretch: bool = True
    random_seed: int | None = None
    alter: Alter | None = None
    alter_reference: Alter | None = None

    @property
    def only_references(self) -> bool:
        """Whether nothing but the references differs: the pictures and their styles are the map's own."""
        same_sky = self.factor == 1 and self.shift_deg == 0 and self.same_stretch
        return same_sky and self.random_seed is None and self.alter is None and not self.settings

    def query_of(self, evaluated: EvaluatedMap) -> Query:
        """Give the query, where its references lie on the sky that is used."""
        query = replace(self.query or evaluated.query, views=evaluated.query.views)
        return query.rotated(self.shift_deg)

    def survey(self, survey: Survey) -> Survey:
        """Give the survey that is used."""
        same = self.factor == 1 and self.shift_deg == 0
        return survey if same else AlteredSurvey(survey, self.factor, self.shift_deg)


@dataclass(frozen=True, eq=False)
class Remade:
    """Scores of a map that was made again.

    Parameters
    ----------
    centres : TileCentres
    score : array (tiles,)
    positions : array (references, 2)
        Galactic longitude and latitude of the references, degrees.
    """

    centres: TileCentres
    score: Numbers
    positions: Degrees

    def at(self, centres: TileCentres) -> Numbers:
        """Score of the tile nearest to each of these centres; NaN where there is none."""
        index = self.centres.nearest(centres.lon_deg, centres.lat_deg)
        return np.where(index >= 0, self.score[index], np.nan)


def remade(evaluated: EvaluatedMap, change: Change, workers: int, progress: Progress) -> Remade:
    """Make the scores of a map again; those of an earlier run are kept for later ones."""
    settings = replace(evaluated.settings(workers), **change.settings)
    store = store_of(evaluated, change)
    kept = store.get("scores")
    if kept is None:
        kept = _scores(evaluated, change, settings, store, progress)
        store.clear()
        store.put("scores", kept)
    lon, lat, area, score = kept
    return Remade(TileCentres(lon, lat, area), score, (change.query or evaluated.query).positions)


def remade_all(
    evaluated: EvaluatedMap, changes: Sequence[Change], workers: int, progress: Progress
) -> list[Remade]:
    """Make the scores again in several ways; those of other references alone are read together."""
    settings = evaluated.settings(workers)
    together = [
        change for change in changes
        if change.only_references and store_of(evaluated, change).get("scores") is None
    ]  # fmt: skip
    if len(together) > 1 and settings.engine == "shared":
        _read_together(evaluated, together, settings, progress)
    return [remade(evaluated, change, workers, progress) for change in changes]


def streamed(
    evaluated: EvaluatedMap, change: Change, settings: MapSettings, store: WorkStore, progress: Progress
) -> StreamedSurvey:
    """Set up what scores single pictures, as the map did."""
    assert evaluated.survey is not None  # noqa: S101 - checked by the caller
    made = StreamedSurvey.set_up(
        settings,
        change.survey(evaluated.survey),
        evaluated.sky.stretch if evaluated.sky is not None and change.same_stretch else None,
        random_seed=change.random_seed,
        alter=change.alter,
    )
    return made.standardised(store, progress)


def _scores(
    evaluated: EvaluatedMap, change: Change, settings: MapSettings, store: WorkStore, progress: Progress
) -> Numbers:
    """Positions, area and score of every tile, each a row."""
    progress.say(f"the map again: {change.name}")
    made = streamed(evaluated, change, settings, store, progress)
    query = change.query_of(evaluated).for_tiles(settings.tile_size_deg, made.projection)
    tiles = made.scores(query, made.style(query, change.alter_reference), store, progress).tiles
    return np.stack(
        [
            (tiles["lon"].to_value(u.deg) - change.shift_deg) % 360.0,
            tiles["lat"].to_value(u.deg),
            numbers(tiles["area"]),
            numbers(tiles["score"]),
        ]
    )


def _read_together(
    evaluated: EvaluatedMap, changes: Sequence[Change], settings: MapSettings, progress: Progress
) -> None:
    """Read the facets once for all references, and keep the scores of each change."""
    progress.say("the map again: " + ", ".join(change.name for change in changes))
    store = WorkStore.of(cache_folder(), {"references of": evaluated.provenance.to_dict()})
    made = streamed(evaluated, Change("as it is"), settings, store, progress)
    queries = [
        change.query_of(evaluated).for_tiles(settings.tile_size_deg, made.projection) for change in changes
    ]
    styles = [
        made.style(query, change.alter_reference) for query, change in zip(queries, changes, strict=True)
    ]
    reader = made.reader()
    scores = []
    with progress.stage("Style of every facet", len(made.pieces), "facets") as counter:
        found = ordered_map(lambda piece: reader.scores(piece, styles), made.pieces, settings.workers)
        for each in found:
            scores.append(each)
            counter.advance()
    lon, lat = made.grid.centers()
    score = np.concatenate(scores)
    known = np.isfinite(score).any(axis=1)
    for change, own in zip(changes, score.T, strict=True):
        kept = np.stack([lon[known], lat[known], made.grid.area[known], own[known]])
        store_of(evaluated, change).put("scores", kept)
    store.clear()


def store_of(evaluated: EvaluatedMap, change: Change, rows: Numbers | None = None) -> WorkStore:
    """Where the scores of all tiles, or of some rows, are kept: named after all that decides them."""
    facts = {
        "map": evaluated.provenance.to_dict(),
        "change": change.name,
        "settings": {name: str(value) for name, value in change.settings.items()},
        "query": None if change.query is None else change.query.to_dict(),
        **({} if rows is None else {"rows": rows.tolist()}),
    }
    return WorkStore.of(cache_folder(), facts)


def null_scores(
    evaluated: EvaluatedMap, lists: Sequence[ObjectList], seed: int, workers: int, progress: Progress
) -> dict[str, Numbers]:
    """Score the map's own tiles in ways that have no right to find anything; each array (tiles,).

    - *random-weight network*: the same architecture, never trained;
    - *phase-randomised sky*: every picture, the reference's too, keeps its mean colours and power spectra but
      not the phases that make structure of them; measured tile by tile, and so on the tiles of the lists and
      a few thousand others at most, NaN elsewhere;
    - *empty reference*: the reference is a dark piece of sky far from the plane.
    """
    random = Change(RANDOM_NETWORK, {}, random_seed=seed)
    chosen = tiles_of(evaluated, lists, seed)
    return {
        RANDOM_NETWORK: remade(evaluated, random, workers, progress).at(evaluated.centres),
        RANDOM_PHASES: _with_random_phases(evaluated, chosen, seed, workers, progress),
        EMPTY: remade(evaluated, empty_reference(evaluated), workers, progress).at(evaluated.centres),
    }


def empty_reference(evaluated: EvaluatedMap) -> Change:
    """Look for a dark piece of sky."""
    return Change(EMPTY, query=read_query(empty_place(evaluated)))


def tiles_of(evaluated: EvaluatedMap, lists: Sequence[ObjectList], seed: int) -> Numbers:
    """Rows of the tiles of all objects, and of random others until there are `MOST_TILES`, in order."""
    centres = evaluated.centres
    known = np.isfinite(evaluated.score)
    own = np.zeros(len(centres), dtype=bool)
    for each in lists:
        row = centres.nearest(each.lon_deg, each.lat_deg)
        own[row[row >= 0]] = True
    others = np.random.default_rng(seed).permutation(np.flatnonzero(known & ~own))
    chosen = own & known
    chosen[others[: max(0, MOST_TILES - int(chosen.sum()))]] = True
    return np.flatnonzero(chosen)


def _with_random_phases(
    evaluated: EvaluatedMap, rows: Numbers, seed: int, workers: int, progress: Progress
) -> Numbers:
    change = Change(RANDOM_PHASES, {"engine": "tiles"}, alter=PhaseRandomiser(seed))
    store = store_of(evaluated, change, rows)
    scores = store.get("scores")
    if scores is None:
        settings = replace(evaluated.settings(workers), **change.settings)
        made = streamed(evaluated, change, settings, store, progress)
        query = evaluated.query.for_tiles(settings.tile_size_deg, made.projection)
        scorer = made.scorer(made.style(query))
        footprints = evaluated.footprints()
        found = []
        with progress.stage(RANDOM_PHASES, len(rows), "tiles") as counter:
            pictures = (footprints[row] for row in rows)
            for score in ordered_map(lambda each: scorer.score(scorer.look(each)), pictures, workers):
                found.append(score)
                counter.advance()
        scores = np.array(found)
        store.clear()
        store.put("scores", scores)
    whole = np.full(len(evaluated.centres), np.nan)
    whole[rows] = scores
    return whole


def empty_place(evaluated: EvaluatedMap) -> str:
    """Galactic position of the darkest tile at high latitude, among the better covered half of those.

    Raises
    ------
    DataQualityError
        If there is none.
    """
    centres, intensity = evaluated.centres, evaluated.intensity
    coverage = numbers(evaluated.tiles["coverage"])
    high = np.abs(centres.lat_deg) >= EMPTY_ABOVE_DEG
    high &= np.isfinite(intensity) & np.isfinite(evaluated.score)
    if not high.any():
        raise DataQualityError(
            f"no tile of the map lies at |b| ≥ {EMPTY_ABOVE_DEG:g}°, so there is no empty reference; leave "
            "out --nulls",
            code="DQ-FEWVALID",
        )
    seen = np.flatnonzero(high & (coverage >= np.median(coverage[high])))
    darkest = seen[np.argmin(intensity[seen])]
    return f"{centres.lon_deg[darkest]:.4f},{centres.lat_deg[darkest]:.4f}"


@dataclass(frozen=True)
class PhaseRandomiser:
    """Gives every picture random phases; the same picture becomes the same noise.

    Parameters
    ----------
    seed : int
        With the picture's own values it decides the phases.
    """

    seed: int

    def __call__(self, picture: Picture) -> Picture:
        """Return a picture with the same mean colours and power spectra."""
        values = np.frombuffer(np.ascontiguousarray(picture.rgb).tobytes(), np.uint32)
        return phase_randomised(picture, [self.seed, int(values.sum(dtype=np.uint64)) & 0xFFFFFFFF])


def stability(
    evaluated: EvaluatedMap,
    objects: ObjectList,
    *,
    rotations: int,
    seed: int,
    workers: int,
    progress: Progress,
) -> QTable:
    """Make the map again in other ways, and compare it with itself.

    Parameters
    ----------
    evaluated : EvaluatedMap
        With its survey.
    objects : ObjectList
        For AUC_lat.

    Returns
    -------
    QTable
        A row per change: ``change``, ``other_reference`` (whether only that differs), ``correlation`` (ranks,
        with the evaluated map), ``overlap`` (of the best 10 % of the sky: common part of the whole),
        ``auc``, ``auc_low`` and ``auc_high``.
    """
    changes = changes_of(evaluated)
    made = remade_all(evaluated, changes, workers, progress)
    rows = [_compared(evaluated, each, objects, rotations, seed) for each in made]
    kinds = [{"change": each.name, "other_reference": each.query is not None} for each in changes]
    return QTable(rows=[{**kind, **row} for kind, row in zip(kinds, rows, strict=True)])


def changes_of(evaluated: EvaluatedMap) -> Sequence[Change]:
    """List the changes: intensity, orientation, grid, tile size, stretch, reference."""
    width = evaluated.reference.width_deg
    step = float(evaluated.provenance.grid["spacing_deg"])  # type: ignore[arg-type]
    other = "log" if evaluated.provenance.rendering["kind"] == "asinh" else "asinh"
    smaller = {"tile_size": width * OTHER_TILE, "spacing": step * OTHER_TILE}
    return (
        Change("half the intensity", factor=0.5),
        Change("twice the intensity", factor=2.0),
        Change("reference rotated by 90°", alter_reference=quarter_turn),
        Change("grid moved by half a step", shift_deg=step / 2),
        Change(f"tiles of {width * OTHER_TILE:.3g}°", smaller),
        Change(f"stretch {other}", {"stretch": other}, same_stretch=False),
        *(Change(f"reference {name}", query=read_query(name)) for name in REFERENCES),
    )


def quarter_turn(picture: Picture) -> Picture:
    """Turn a picture by 90°."""
    rgb, coverage = (np.ascontiguousarray(np.rot90(values)) for values in (picture.rgb, picture.coverage))
    return replace(picture, rgb=rgb, coverage=coverage)


def _compared(
    evaluated: EvaluatedMap, made: Remade, objects: ObjectList, rotations: int, seed: int
) -> dict[str, object]:
    centres = evaluated.centres
    again = made.at(centres)
    both = np.isfinite(again) & np.isfinite(evaluated.score)
    area = centres.area[both]
    best = [score[both] >= threshold_of_top(score[both], TOP, area) for score in (evaluated.score, again)]
    together = area[best[0] | best[1]].sum()
    placed = RotatedObjects.on(
        made.centres,
        objects.lon_deg,
        objects.lat_deg,
        reference=made.positions,
        rotations=rotations,
    ).scored(made.score)
    auc = auc_lat(placed, made.score, seed=seed)
    return {
        "correlation": rank_correlation(evaluated.score, again),
        "overlap": float(area[best[0] & best[1]].sum() / together) if together else math.nan,
        "auc": auc.value,
        "auc_low": auc.interval[0],
        "auc_high": auc.interval[1],
    }

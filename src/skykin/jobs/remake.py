"""The scores of a map, made again with something changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from astropy import units as u

from skykin.catalogue.references import References, resolve_references
from skykin.core.errors import UsageError, shown
from skykin.core.protocols import Progress, Survey
from skykin.core.settings import MapSettings
from skykin.core.shapes import Numbers
from skykin.evaluation.tile_centres import TileCentres
from skykin.jobs.bench import Alter, Bench
from skykin.jobs.facet_rows import FacetReader
from skykin.jobs.judged_map import JudgedMap
from skykin.products.result import numbers
from skykin.scale.local import ordered_map
from skykin.scale.store import WorkStore
from skykin.style.engine.meter import ContextMeter
from skykin.style.recipe import recipe
from skykin.survey.derived.altered import AlteredSurvey
from skykin.survey.download import cache_folder


@dataclass(frozen=True, eq=False)
class Change:
    """What is different.

    Parameters
    ----------
    name : str
        In words.
    settings : Mapping
        Other settings of the map.
    factor : float
        What the survey's values are multiplied by.
    turn_deg : float
        By how much the sky is turned beneath the grid of tiles, in longitude.
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
    factor: float = 1.0
    turn_deg: float = 0.0
    same_stretch: bool = True
    random_seed: int | None = None
    alter: Alter | None = None
    alter_reference: Alter | None = None

    @property
    def only_asks(self) -> bool:
        """Whether the pictures, and how they are measured, are the map's own."""
        same_sky = self.factor == 1 and self.turn_deg == 0 and self.same_stretch
        return (
            same_sky and self.random_seed is None and self.alter is None and {*self.settings} <= {"reference"}
        )

    def references(self, settings: MapSettings) -> References:
        """Give what is looked for, where it lies on the sky that is used."""
        return resolve_references(settings.reference, settings.combine).turned(self.turn_deg)

    def survey(self, survey: Survey) -> Survey:
        """Give the survey that is used."""
        same = self.factor == 1 and self.turn_deg == 0
        return survey if same else AlteredSurvey(survey, self.factor, self.turn_deg)


@dataclass(frozen=True, eq=False)
class Remade:
    """Scores of a map that was made again.

    Parameters
    ----------
    change : str
    centres : TileCentres
    score : array (tiles,)
    references : References
    """

    change: str
    centres: TileCentres
    score: Numbers
    references: References

    def at(self, centres: TileCentres) -> Numbers:
        """Score of the tile nearest to each of these centres; NaN where there is none."""
        index = self.centres.nearest(centres.lon_deg, centres.lat_deg)
        return np.where(index >= 0, self.score[index], np.nan)


def settings_of(judged: JudgedMap, workers: int) -> MapSettings:
    """Give the settings that the map was made with, as its provenance tells them.

    Raises
    ------
    UsageError
        If the recipe of that name measures something else by now.
    """
    grid: Any = judged.provenance.grid
    chosen, how = judged.provenance.recipe, judged.provenance.rendering
    if recipe(str(chosen["name"])).key() != chosen["key"]:
        raise UsageError(
            f"the recipe {shown(chosen['name'])} has changed since the map was made; make the map again"
        )
    return MapSettings(
        survey=judged.survey,  # type: ignore[arg-type]
        reference=tuple(f"{each.lon_deg},{each.lat_deg}" for each in judged.references),
        combine=judged.combine,
        tile_size=grid["tile_size_deg"],
        spacing=judged.spacing_deg,
        pixels=grid["pixels"],
        grid="plate-carree" if grid["kind"] == "plate-carree" else "healpix",
        stretch=how["kind"],  # type: ignore[arg-type]
        stretch_per_tile=bool(how["per_tile"]),
        recipe=str(chosen["name"]),
        area=judged.area,
        engine="shared" if grid["kind"] == "facets" else "tiles",
        min_coverage=grid["min_coverage"],
        jobs=workers,
    )


def remade(judged: JudgedMap, change: Change, workers: int, progress: Progress) -> Remade:
    """Make the scores of a map again; those of an earlier run are kept for later ones."""
    settings = replace(settings_of(judged, workers), **change.settings)
    store = store_of(judged, change)
    kept = store.get("scores")
    if kept is None:
        kept = _scores(judged, change, settings, store, progress)
        store.clear()
        store.put("scores", kept)
    lon, lat, area, score = kept
    references = resolve_references(settings.reference, settings.combine)
    return Remade(change.name, TileCentres(lon, lat, area), score, references)


def remade_all(
    judged: JudgedMap, changes: Sequence[Change], workers: int, progress: Progress
) -> list[Remade]:
    """Make the scores again in several ways; those that only ask for something else are read together."""
    settings = settings_of(judged, workers)
    asked = [
        change for change in changes
        if change.only_asks and store_of(judged, change).get("scores") is None
    ]  # fmt: skip
    if len(asked) > 1 and settings.engine == "shared":
        _read_together(judged, asked, settings, progress)
    return [remade(judged, change, workers, progress) for change in changes]


def bench_of(
    judged: JudgedMap, change: Change, settings: MapSettings, store: WorkStore, progress: Progress
) -> Bench:
    """Set up what scores single pictures, as the map did."""
    assert judged.survey is not None  # noqa: S101 - asked for by the caller
    made = Bench.set_up(
        settings,
        change.survey(judged.survey),
        change.references(settings),
        judged.sky.stretch if judged.sky is not None and change.same_stretch else None,
        random_seed=change.random_seed,
        alter=change.alter,
    )
    return made.standardised(store, progress)


def _scores(
    judged: JudgedMap, change: Change, settings: MapSettings, store: WorkStore, progress: Progress
) -> Numbers:
    """Positions, area and score of every tile, each a row."""
    progress.say(f"the map again: {change.name}")
    made = bench_of(judged, change, settings, store, progress)
    tiles, _ = made.tiles(made.judge(made.sought(change.alter_reference)), store, progress)
    return np.stack(
        [
            (tiles["lon"].to_value(u.deg) - change.turn_deg) % 360.0,
            tiles["lat"].to_value(u.deg),
            numbers(tiles["area"]),
            numbers(tiles["score"]),
        ]
    )


def _read_together(
    judged: JudgedMap, changes: Sequence[Change], settings: MapSettings, progress: Progress
) -> None:
    """Read the facets once for all that is asked, and keep the scores of each change."""
    progress.say("the map again: " + ", ".join(change.name for change in changes))
    store = WorkStore.of(cache_folder(), {"asked of": judged.provenance.as_dict()})
    made = bench_of(judged, Change("as it is"), settings, store, progress)
    assert isinstance(made.meter, ContextMeter)  # noqa: S101 - there are facets
    asked = [
        made.asking(change.references(replace(settings, **change.settings))).sought(change.alter_reference)
        for change in changes
    ]
    reader = FacetReader(made.sky, made.meter, asked[0], settings.min_coverage)
    scores = []
    with progress.stage("Style of every facet", len(made.pieces), "facets") as counter:
        found = ordered_map(lambda piece: reader.scores(piece, asked), made.pieces, settings.workers)
        for each in found:
            scores.append(each)
            counter.advance()
    lon, lat = made.grid.centers()
    score = np.concatenate(scores)
    known = np.isfinite(score).any(axis=1)
    for change, own in zip(changes, score.T, strict=True):
        kept = np.stack([lon[known], lat[known], made.grid.area[known], own[known]])
        store_of(judged, change).put("scores", kept)
    store.clear()


def store_of(judged: JudgedMap, change: Change, rows: Numbers | None = None) -> WorkStore:
    """Where the scores of all tiles, or of some rows, are kept: named after all that decides them."""
    facts = {
        "map": judged.provenance.as_dict(),
        "change": change.name,
        "settings": {name: str(value) for name, value in change.settings.items()},
        **({} if rows is None else {"rows": rows.tolist()}),
    }
    return WorkStore.of(cache_folder(), facts)

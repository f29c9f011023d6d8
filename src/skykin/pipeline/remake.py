"""The scores of a map, made again with something changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from astropy import units as u

from skykin.core.errors import UsageError, shown
from skykin.core.footprint import Footprint
from skykin.core.picture import Picture
from skykin.core.protocols import Progress, Survey
from skykin.core.settings import MapSettings
from skykin.core.shapes import Numbers
from skykin.evaluate.references import References, resolve_references
from skykin.evaluate.tile_centres import TileCentres
from skykin.pipeline.judge import (
    Judge,
    check_reference,
    cutter_of,
    footprints_of,
    instrument,
    look_of,
    read_tiles,
    sought_of,
    with_standard,
)
from skykin.pipeline.judged_map import JudgedMap
from skykin.pipeline.plan import facets_of, grid_of
from skykin.pipeline.tiles import score_tiles
from skykin.products.result import numbers
from skykin.scale.store import WorkStore
from skykin.sky.facets import facet_grid
from skykin.style.recipe import recipe
from skykin.survey.altered import AlteredSurvey
from skykin.survey.download import cache_folder
from skykin.survey.render import RenderedSurvey, measure_stretch

Alter = Callable[[Picture], Picture]


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
    score, intensity : array (tiles,)
    references : References
    """

    change: str
    centres: TileCentres
    score: Numbers
    intensity: Numbers
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


@dataclass(frozen=True, eq=False)
class Bench:
    """A map's instruments set up again: what scores a picture, and the tiles that it scores.

    Parameters
    ----------
    judge : Judge
        Its ``cutter`` gives the pictures.
    settings : MapSettings
    sky : RenderedSurvey
    """

    judge: Judge
    settings: MapSettings
    sky: RenderedSurvey

    def with_survey(self, survey: Survey) -> Judge:
        """Return the judge of another survey in the same colours, with the same standard and reference."""
        sky = replace(self.sky, survey=survey)
        look = look_of(self.judge.meter, self.settings, sky, cutter_of(self.settings, survey, sky))
        return replace(self.judge, cutter=look, survey=survey)


def remade(judged: JudgedMap, change: Change, workers: int, progress: Progress) -> Remade:
    """Make the scores of a map again; those of an earlier run are kept for later ones."""
    settings = replace(settings_of(judged, workers), **change.settings)
    references = resolve_references(settings.reference, settings.combine)
    store = store_of(judged, change)
    kept = store.get("scores")
    if kept is None:
        kept = _scores(judged, change, settings, store, progress)
        store.clear()
        store.put("scores", kept)
    lon, lat, area, score, intensity = kept
    return Remade(change.name, TileCentres(lon, lat, area), score, intensity, references)


def bench(
    judged: JudgedMap, change: Change, settings: MapSettings, store: WorkStore, progress: Progress
) -> Bench:
    """Set up what scores single pictures, as the map did."""
    assert judged.survey is not None  # noqa: S101 - asked for by the caller
    chosen = recipe(settings.recipe)
    references = resolve_references(settings.reference, settings.combine).turned(change.turn_deg)
    survey = change.survey(judged.survey)
    shared = settings.engine == "shared"
    kept = judged.sky.stretch if judged.sky is not None and change.same_stretch else None
    sky = RenderedSurvey(survey, kept or measure_stretch(survey, settings.stretch))
    cutter = cutter_of(settings, survey, sky)
    projection = judged.reference.projection
    own = footprints_of(references, settings, projection)
    for where, place in zip(own, references.places, strict=True):
        check_reference(cutter(where), place, settings)
    meter, _, look = instrument(chosen, settings, sky, cutter, shared=shared, random_seed=change.random_seed)
    if change.alter is not None:
        plain, alter = look, change.alter

        def altered(footprint: Footprint) -> Picture:
            return alter(plain(footprint))

        look = altered
    pieces = facets_of(settings, chosen, survey)
    grid = facet_grid(pieces) if pieces else grid_of(settings, survey)
    meter = with_standard(meter, grid, look, store=store, workers=settings.workers, progress=progress)
    seen = [look(where) for where in own]
    if change.alter_reference is not None:
        seen = [change.alter_reference(each) for each in seen]
    sought = sought_of(meter, seen, references)
    return Bench(Judge(meter, look, survey, sought, settings.min_coverage), settings, sky)


def _scores(
    judged: JudgedMap, change: Change, settings: MapSettings, store: WorkStore, progress: Progress
) -> Numbers:
    """Positions, area, score and intensity of every tile, each a row."""
    progress.say(f"the map again: {change.name}")
    made = bench(judged, change, settings, store, progress)
    survey = made.judge.survey
    pieces = facets_of(settings, made.judge.meter.recipe, survey)
    grid = facet_grid(pieces) if pieces else grid_of(settings, survey)
    rows = (
        read_tiles(made.judge, made.sky, pieces, store=store, workers=settings.workers, progress=progress)
        if pieces
        else None
    )
    tiles, _ = score_tiles(made.judge, grid, settings, progress, rows)
    return np.stack(
        [
            (tiles["lon"].to_value(u.deg) - change.turn_deg) % 360.0,
            tiles["lat"].to_value(u.deg),
            numbers(tiles["area"]),
            numbers(tiles["score"]),
            numbers(tiles["mean_intensity"]),
        ]
    )


def store_of(judged: JudgedMap, change: Change, rows: Numbers | None = None) -> WorkStore:
    """Where the scores of all tiles, or of some rows, are kept: named after all that decides them."""
    facts = {
        "map": judged.provenance.as_dict(),
        "change": change.name,
        "settings": {name: str(value) for name, value in change.settings.items()},
        **({} if rows is None else {"rows": rows.tolist()}),
    }
    return WorkStore.of(cache_folder(), facts)

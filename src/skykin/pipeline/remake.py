"""The scores of a map, made again with something changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
from skykin.evaluate.reference import ReferencePlace, resolve_reference
from skykin.evaluate.tile_centres import TileCentres
from skykin.pipeline.facet_rows import FacetReader
from skykin.pipeline.judge import (
    Judge,
    check_reference,
    cutter_of,
    instrument,
    look_of,
    read_tiles,
    style_of,
    with_standard,
)
from skykin.pipeline.judged_map import JudgedMap
from skykin.pipeline.plan import facets_of, grid_of
from skykin.pipeline.tiles import score_tiles
from skykin.products.result import numbers
from skykin.scale.local import ordered_map
from skykin.scale.store import WorkStore
from skykin.sky.cut import cut
from skykin.sky.facets import facet_grid
from skykin.style.context import ContextMeter
from skykin.style.recipe import recipe
from skykin.style.signature import Signature
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

    @property
    def only_asks(self) -> bool:
        """Whether the pictures, and how they are measured, are the map's own."""
        same_sky = self.factor == 1 and self.turn_deg == 0 and self.same_stretch
        return (
            same_sky and self.random_seed is None and self.alter is None and {*self.settings} <= {"reference"}
        )

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
    reference : ReferencePlace
    """

    change: str
    centres: TileCentres
    score: Numbers
    reference: ReferencePlace

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
    place, chosen, how = judged.provenance.reference, judged.provenance.recipe, judged.provenance.rendering
    if recipe(str(chosen["name"])).key() != chosen["key"]:
        raise UsageError(
            f"the recipe {shown(chosen['name'])} has changed since the map was made; make the map again"
        )
    return MapSettings(
        survey=judged.survey,  # type: ignore[arg-type]
        reference=f"{place['lon_deg']},{place['lat_deg']}",
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
    place = resolve_reference(settings.reference)
    store = store_of(judged, change)
    kept = store.get("scores")
    if kept is None:
        kept = _scores(judged, change, settings, store, progress)
        store.clear()
        store.put("scores", kept)
    lon, lat, area, score = kept
    return Remade(change.name, TileCentres(lon, lat, area), score, place)


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


def bench(
    judged: JudgedMap, change: Change, settings: MapSettings, store: WorkStore, progress: Progress
) -> Bench:
    """Set up what scores single pictures, as the map did."""
    assert judged.survey is not None  # noqa: S101 - asked for by the caller
    chosen, place = recipe(settings.recipe), resolve_reference(settings.reference)
    place = replace(place, lon_deg=(place.lon_deg + change.turn_deg) % 360.0)
    survey = change.survey(judged.survey)
    shared = settings.engine == "shared"
    kept = judged.sky.stretch if judged.sky is not None and change.same_stretch else None
    sky = RenderedSurvey(survey, kept or measure_stretch(survey, settings.stretch))
    cutter = cutter_of(settings, survey, sky)
    projection = judged.reference.projection
    where = Footprint(place.lon_deg, place.lat_deg, settings.tile_size_deg, projection=projection)
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
    seen = look(where)
    if change.alter_reference is not None:
        seen = change.alter_reference(seen)
    return Bench(
        Judge(meter, look, survey, style_of(meter, seen, place), settings.min_coverage), settings, sky
    )


def _scores(
    judged: JudgedMap, change: Change, settings: MapSettings, store: WorkStore, progress: Progress
) -> Numbers:
    """Positions, area and score of every tile, each a row."""
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
        ]
    )


def _read_together(
    judged: JudgedMap, changes: Sequence[Change], settings: MapSettings, progress: Progress
) -> None:
    """Read the facets once for all that is asked, and keep the scores of each change."""
    progress.say("the map again: " + ", ".join(change.name for change in changes))
    store = WorkStore.of(cache_folder(), {"asked of": judged.provenance.as_dict()})
    made = bench(judged, Change("as it is"), settings, store, progress)
    meter, survey = made.judge.meter, made.judge.survey
    styles = [_asked(made, judged, change) for change in changes]
    assert isinstance(meter, ContextMeter)  # noqa: S101 - there are facets
    pieces = facets_of(settings, meter.recipe, survey)
    reader = FacetReader(made.sky, meter, made.judge.reference, settings.min_coverage)
    stacked = {layer: np.stack([style[layer] for style in styles]) for layer in meter.recipe.layers}
    scores = []
    with progress.stage("Style of every facet", len(pieces), "facets") as counter:
        for found in ordered_map(lambda piece: reader.scores(piece, stacked), pieces, settings.workers):
            scores.append(found)
            counter.advance()
    grid = facet_grid(pieces)
    lon, lat = grid.centers()
    score = np.concatenate(scores)
    known = np.isfinite(score).any(axis=1)
    for change, own in zip(changes, score.T, strict=True):
        kept = np.stack([lon[known], lat[known], grid.area[known], own[known]])
        store_of(judged, change).put("scores", kept)
    store.clear()


def _asked(made: Bench, judged: JudgedMap, change: Change) -> Signature:
    """Style of what a change asks for."""
    settings = replace(made.settings, **change.settings)
    place = resolve_reference(settings.reference)
    where = Footprint(
        place.lon_deg, place.lat_deg, settings.tile_size_deg, projection=judged.reference.projection
    )
    check_reference(cut(made.sky, where, settings.side_pixels), place, settings)
    seen = made.judge.cutter(where)
    if change.alter_reference is not None:
        seen = change.alter_reference(seen)
    return style_of(made.judge.meter, seen, place)


def store_of(judged: JudgedMap, change: Change, rows: Numbers | None = None) -> WorkStore:
    """Where the scores of all tiles, or of some rows, are kept: named after all that decides them."""
    facts = {
        "map": judged.provenance.as_dict(),
        "change": change.name,
        "settings": {name: str(value) for name, value in change.settings.items()},
        **({} if rows is None else {"rows": rows.tolist()}),
    }
    return WorkStore.of(cache_folder(), facts)

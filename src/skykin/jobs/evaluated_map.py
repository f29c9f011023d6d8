"""The map that is evaluated: its tiles, its settings, and the survey that they were cut from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from astropy import units as u
from astropy.table import QTable

from skykin.catalogue.query import Query
from skykin.core.area import SkyArea, read_area
from skykin.core.errors import SkykinError, UsageError, shown
from skykin.core.footprint import Footprint
from skykin.core.plain import plain
from skykin.core.protocols import Progress, Survey
from skykin.core.provenance import Provenance
from skykin.core.settings import MapSettings
from skykin.core.shapes import Numbers
from skykin.core.survey_options import BandsLike, SurveyOptions
from skykin.evaluation.tile_centres import TileCentres
from skykin.products.map_folder import read_map_folder
from skykin.products.result import numbers
from skykin.products.sky_map import SkyMap
from skykin.style.network.architecture import SMALLEST_CELL
from skykin.style.recipe import Combine, recipe
from skykin.survey.open import open_recorded, open_survey
from skykin.survey.render import RenderedSurvey, Stretch
from skykin.tiling.facets import Facet, facets

#: The spacing in provenance is rounded; a little more gives the same grid.
ROUNDED = 1.001


@dataclass(frozen=True, eq=False)
class EvaluatedMap:
    """A map with all that its evaluation needs, wherever it comes from: memory, a folder, an index.

    Parameters
    ----------
    tiles : QTable
        As `SkyMap.tiles`.
    provenance : Provenance
    survey : Survey or None
        None where the survey is not available: what needs its pictures is then left out.
    """

    tiles: QTable
    provenance: Provenance
    survey: Survey | None

    @cached_property
    def centres(self) -> TileCentres:
        """Where the tiles lie."""
        return TileCentres.of(self.tiles)

    @property
    def score(self) -> Numbers:
        """Score of each tile; NaN where it has none."""
        return numbers(self.tiles["score"])

    @property
    def intensity(self) -> Numbers:
        """Mean intensity of each tile."""
        return numbers(self.tiles["mean_intensity"])

    @cached_property
    def query(self) -> Query:
        """The query of the map."""
        return Query.from_dict(self.provenance.query)

    @property
    def reference(self) -> Footprint:
        """The first reference."""
        return self.references[0]

    @property
    def references(self) -> tuple[Footprint, ...]:
        """Where the references lie."""
        return self.query.footprints

    @property
    def combine(self) -> Combine:
        """How similarities to several references are combined."""
        return self.query.combine

    @property
    def places(self) -> Numbers:
        """Galactic longitude and latitude of all references, degrees: (references, 2)."""
        return self.query.positions

    @property
    def spacing_deg(self) -> float:
        """Distance between neighbouring tiles, degrees, that gives the grid of the map."""
        grid: Any = self.provenance.grid
        return float(min(grid["spacing_deg"] * ROUNDED, grid["tile_size_deg"]))

    @property
    def area(self) -> SkyArea | None:
        """The part of the sky that the map was confined to; None for the whole survey."""
        made: Any = self.provenance.grid["area"]
        return None if made is None else read_area(made)

    def settings(self, workers: int) -> MapSettings:
        """Give the settings that the map was made with, as its provenance tells them.

        Raises
        ------
        UsageError
            If the recipe of that name measures something else by now.
        """
        grid: Any = self.provenance.grid
        chosen, how = self.provenance.recipe, self.provenance.rendering
        if recipe(str(chosen["name"])).key() != chosen["key"]:
            raise UsageError(
                f"the recipe {shown(chosen['name'])} has changed since the map was made; make the map again"
            )
        return MapSettings(
            survey=self.survey,
            tile_size=grid["tile_size_deg"],
            spacing=self.spacing_deg,
            pixels=grid["pixels"],
            grid="plate-carree" if grid["kind"] == "plate-carree" else "healpix",
            stretch=how["kind"],  # type: ignore[arg-type]
            stretch_per_tile=bool(how["per_tile"]),
            recipe=str(chosen["name"]),
            area=self.area,
            engine="shared" if grid["kind"] == "facets" else "tiles",
            min_coverage=grid["min_coverage"],
            jobs=workers,
        )

    @property
    def sky(self) -> RenderedSurvey | None:
        """The survey in the colours of the map; None without the survey."""
        if self.survey is None:
            return None
        return RenderedSurvey(self.survey, Stretch.from_dict(self.provenance.rendering))

    def footprints(self) -> tuple[Footprint, ...]:
        """Tiles as rectangles on the sky, north up."""
        projection = self.reference.projection
        return tuple(
            Footprint(float(x), float(y), float(w), float(h), projection)
            for x, y, w, h in zip(
                *(self.tiles[name].to_value(u.deg) for name in ("lon", "lat", "width", "height")), strict=True
            )
        )

    def facets(self) -> tuple[Facet, ...]:
        """Large pictures that the tiles were read from; none where they were measured one by one."""
        grid: Any = self.provenance.grid
        if grid["kind"] != "facets" or self.survey is None:
            return ()
        size = grid["tile_size_deg"], self.spacing_deg, grid["pixels"]
        # What was made in steps of 16 pixels is in steps of 8, too.
        return facets(*size, self.area, self.survey.extent, step=SMALLEST_CELL)

    def rows_of(self, piece: Facet) -> tuple[Numbers, np.ndarray]:
        """Row of the tile nearest to each own tile of a facet, and whether it is that very tile."""
        centres = self.centres
        lon, lat = (values[piece.own] for values in piece.centers())
        row = centres.nearest(lon, lat)
        return row, (row >= 0) & (np.abs(centres.lat_deg[row] - lat) < centres.spacing_deg / 4)


def evaluated_map(
    sky_map: SkyMap | str | Path,
    *,
    survey: Survey | str | Path | None,
    survey_option: SurveyOptions | None,
    bands: BandsLike | None,
    progress: Progress,
) -> EvaluatedMap:
    """Take a map in memory, or read one from its folder and open its survey again.

    Parameters
    ----------
    survey : Survey, str or Path, optional
        The survey of the map; if left out, the ready-made one of the same name, if there is one.

    Raises
    ------
    UsageError
        If the survey is not the one that the map was made from.
    SkykinError
        If the folder holds no map.
    """
    if isinstance(sky_map, SkyMap):
        own = getattr(sky_map.sky, "survey", None)
        survey = own if isinstance(own, Survey) else None
        return _placed(EvaluatedMap(sky_map.tiles, sky_map.provenance, survey))
    read = read_map_folder(Path(sky_map))
    if isinstance(survey, Survey):
        opened: Survey | None = survey
    else:
        opened = _opened(read.provenance, survey, survey_option, bands, progress)
    if opened is not None:
        _check_same(opened, read.provenance)
    return _placed(EvaluatedMap(read.tiles, read.provenance, opened))


def _placed(evaluated: EvaluatedMap) -> EvaluatedMap:
    if not evaluated.references:
        raise UsageError(
            "the references of the map are pictures or lie in another survey, so there is no sky about them "
            "to leave out; evaluate a map of places"
        )
    return evaluated


def _opened(
    provenance: Provenance,
    survey: str | Path | None,
    options: SurveyOptions | None,
    bands: BandsLike | None,
    progress: Progress,
) -> Survey | None:
    name = survey or str(provenance.survey["name"])
    try:
        opener = open_recorded if survey is None else open_survey
        return opener(name, options=options, bands=bands, progress=progress)
    except SkykinError as error:
        if survey is not None:
            raise
        progress.say(
            f"note: the survey {shown(name)} is not available ({error.code}), so the baselines that need its "
            "pictures are left out; say where it is with --survey"
        )
        return None


def _check_same(survey: Survey, provenance: Provenance) -> None:
    now: Any = plain({**survey.to_dict(), "bands": survey.bands})
    for what in ("sha256", "bands"):
        before: Any = plain(provenance.survey.get(what))
        if before is not None and now.get(what) is not None and before != now[what]:
            raise UsageError(
                f"the map was made from a survey whose {what} is {shown(before)}, but that of "
                f"{shown(survey.name)} is {shown(now[what])}; give that of the map with --survey, "
                "--survey-option and --bands"
            )

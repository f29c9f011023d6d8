"""The whole job in one function: from a survey and references to a map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from astropy import units as u

from skykin.catalogue.query import Example, Query
from skykin.catalogue.target_choice import DEFAULT_CHOICE, TargetChoice
from skykin.core.area import AreaLike
from skykin.core.criterion import MatchCriterion
from skykin.core.footprint import Footprint
from skykin.core.picture import Picture
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress, Survey
from skykin.core.provenance import Provenance, library_versions
from skykin.core.robustness import Robustness
from skykin.core.settings import (
    DEFAULTS,
    DeviceKind,
    GridKind,
    MapSettings,
    PrecisionKind,
    StretchKind,
)
from skykin.core.survey_options import BandsLike, SurveyOptions
from skykin.core.views import AS_IT_IS, Over, View
from skykin.evaluation.confounders import control_pictures
from skykin.jobs.finish import finished_map
from skykin.jobs.map_tasks import MappedElsewhere
from skykin.jobs.opening import (
    METHOD_CREDITS,
    doubt_values,
    in_hand,
    recipe_for,
    survey_of,
    with_survey,
)
from skykin.jobs.query import Reference, read_query
from skykin.jobs.sizing import about_objects, check_resolution, sized, suited, tile_about
from skykin.jobs.stored import CONTROL_SEED
from skykin.jobs.streamed import Scorer, StreamedSurvey
from skykin.products.folder import check_output_folder
from skykin.products.mapped import MappedTiles, SurveyFacts
from skykin.products.sky_map import SkyMap
from skykin.products.summarised import summarised
from skykin.products.summary import MapSummary
from skykin.scale.cluster import Cluster
from skykin.scale.store import WorkStore
from skykin.style.network.devices import device_versions
from skykin.style.recipe import COARSE, Combine, recipe
from skykin.style.signature import Signature
from skykin.style.similarity import QueryStyle
from skykin.survey.download import cache_folder
from skykin.survey.hips.ahead import fetch_ahead, fetch_overview
from skykin.survey.memory import SurveyLike
from skykin.survey.render import RenderedSurvey
from skykin.tiling.grid import TileGrid

#: How tiles are computed: as `MapSettings` has it, or by a cluster.
MapEngine = Literal["tiles", "shared", "dask"]


def map(  # noqa: A001 - named like the command
    survey: SurveyLike | None = None,
    reference: Reference | Sequence[Reference] = "orion",
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
    survey_option: SurveyOptions | None = None,
    area: AreaLike | None = None,
    tile_size: float | u.Quantity | None = None,
    object_size: str | float | u.Quantity | None = None,
    spacing: float | u.Quantity | None = None,
    pixels: int | None = None,
    grid: GridKind = DEFAULTS.grid,
    bands: BandsLike | None = None,
    stretch: StretchKind | None = DEFAULTS.stretch,
    stretch_per_tile: bool = False,
    recipe: str | None = DEFAULTS.recipe,
    threshold: float | None = None,
    top_fraction: float | None = None,
    max_q: float | None = None,
    csls: bool = False,
    surrogates: int = 0,
    noise_draws: int = 0,
    seed: int = 0,
    engine: MapEngine | None = None,
    scheduler: str | None = None,
    workers: int | None = None,
    client: Any = None,
    dense: bool = False,
    fast: bool = False,
    device: DeviceKind = DEFAULTS.device,
    precision: PrecisionKind | None = None,
    min_coverage: float = DEFAULTS.min_coverage,
    jobs: int | None = None,
    targets: int = DEFAULT_CHOICE.targets,
    min_separation: float | u.Quantity | None = None,
    site: str | None = None,
    night: str | date | None = None,
    title: str | None = None,
    output: str | Path | None = None,
    overwrite: bool = False,
    download: bool = False,
    progress: Progress | None = None,
) -> SkyMap:
    """Map a survey by similarity: compare the style of every tile with the references'.

    Parameters
    ----------
    survey : str, Path, Survey, or image in memory, optional
        Name of a survey (``wham``), or whatever `open_survey` opens, such as an array with its WCS.  If left
        out, ``far-infrared``, or ``wham`` where velocity bands or the recipe ``poster`` are requested.
    reference : str, Path, SkyCoord, tuple, Footprint, MOC, Picture, or a list of these
        The reference: a name of `known_regions`, ``"l,b"`` in Galactic degrees, any position text
        that `~astropy.coordinates.SkyCoord` reads, ``set:NAME`` for one of `reference_sets`, a file of DS9
        regions, a MOC, or a picture (which needs `pixel_scale`).
    unlike : the same
        Counter-examples: the similarity to the nearest one is subtracted from the score.
    combine : {"max", "mean"}, optional
        How similarities to several references become one; if left out, as a named set says, else ``max``.
    weight : Mapping of str to float, optional
        Weight of each layer; 1 where it is not named.
    width : float or Quantity, optional
        Side of the square about a position; a tile if left out.  Bare numbers are degrees.
    pixel_scale : float or Quantity, optional
        Side of a pixel of a picture file on the sky.
    turns, mirror, scales, views :
        In which views the references are looked at: turned by so many angles (1, 4, 8 or 16), mirrored as
        well, so many times as large (0.25 to 4), and whether a tile has the largest similarity to them
        (``max``) or the mean; the recipe's own where left out.
    survey_option : SurveyOptions, optional
        What the survey's file does not say itself.
    area, tile_size, spacing, pixels, grid, bands, stretch, stretch_per_tile, recipe :
        How the sky is cut, coloured and measured; see `MapSettings`.
    object_size : str, float or Quantity, optional
        Size of the object that is looked for, such as ``30"``; bare numbers are degrees.  Tiles are then
        three times as wide, for the object with what is around it.  Instead of `tile_size`.
    threshold, top_fraction, max_q : float, optional
        The match criterion: one of a score, a fraction of the sky, or a false discovery rate; the recipe's
        own if left out.
    csls, surrogates, noise_draws, seed :
        Further tests of the scores; see `Robustness`.
    engine, dense, fast, device, precision, min_coverage, jobs :
        How tiles are computed; see `MapSettings`.  The engine ``dask`` is the shared engine on the workers of
        a Dask cluster (extra ``cluster``), which see the survey and the cache folder under the same paths.
    scheduler, workers, client :
        Of the cluster, as for `index`.
    targets, min_separation, site, night :
        Which targets the products list, and from where they would be observed; see `TargetChoice`.
    title : str, optional
        What the survey is called in figures, tables and the report; its own title if left out.
    output : path, optional
        Folder for the products; nothing is written if left out.
    overwrite : bool
        Whether a folder that Skykin made before may be replaced.
    download : bool
        Whether the survey may be fetched from its public address.
    progress : Progress, optional
        Told how far the work is; silent if left out.

    Returns
    -------
    SkyMap
        Tiles, scores, matches, regions, pictures and the summary; shows itself in a notebook.

    Raises
    ------
    SkykinError
        With one sentence that says what is wrong, the value found and the way out.

    Examples
    --------
    >>> found = skykin.map(survey, "209,-19", tile_size=10, spacing=5, pixels=32, recipe="mean-std",
    ...                    area="195,250,-32,6", top_fraction=0.1)
    >>> len(found.tiles), int(found.tiles["match"].sum())
    (63, 7)
    """
    cluster = Cluster.asked(engine, scheduler, workers, client)
    settings = MapSettings(
        survey=in_hand(survey, survey_option, progress),
        survey_option=survey_option,
        area=area,
        tile_size=tile_about(object_size, tile_size),
        spacing=spacing,
        pixels=pixels,
        grid=grid,
        bands=bands,
        stretch=stretch,
        stretch_per_tile=stretch_per_tile,
        recipe=recipe,
        criterion=MatchCriterion(threshold=threshold, top_fraction=top_fraction, max_q=max_q),
        robustness=Robustness(csls=csls, surrogates=surrogates, noise_draws=noise_draws, seed=seed),
        engine="shared" if engine == "dask" else engine,
        dense=dense,
        fast=fast,
        device=device,
        precision=precision,
        min_coverage=min_coverage,
        jobs=jobs,
    )
    choice = TargetChoice(targets=targets, min_separation=min_separation, site=site, night=night)
    query = read_query(
        reference, unlike=unlike, combine=combine, weight=weight, width=width, pixel_scale=pixel_scale,
        turns=turns, mirror=mirror, scales=scales, views=views,
    )  # fmt: skip
    return map_as(
        settings,
        query,
        choice=choice,
        title=title,
        output=output,
        overwrite=overwrite,
        download=download,
        progress=progress,
        cluster=cluster,
    )


def map_as(
    settings: MapSettings,
    query: Query,
    *,
    choice: TargetChoice = DEFAULT_CHOICE,
    title: str | None = None,
    output: str | Path | None = None,
    overwrite: bool = False,
    download: bool = False,
    progress: Progress | None = None,
    cluster: Cluster | None = None,
) -> SkyMap:
    """Make the map that settings and a query describe.

    Parameters
    ----------
    settings : MapSettings
    query : Query
        As `read_query` reads it.
    choice : TargetChoice
        Which targets the products list.
    title, output, overwrite, download, progress :
        As for `map`.
    cluster : Cluster, optional
        Whose workers measure the facets.

    Raises
    ------
    SkykinError
        With one sentence that says what is wrong, the value found and the way out.

    Examples
    --------
    >>> settings = skykin.MapSettings(survey=survey, tile_size=10, spacing=5, pixels=32, recipe="mean-std",
    ...                               area="195,250,-32,6")
    >>> skykin.map_as(settings, skykin.read_query("209,-19"))
    <SkyMap of Survey of blobs: 63 tiles of 10° by similarity to l=209.00 b=-19.00, ...>
    """
    progress = progress or SilentProgress()
    if output is not None:
        check_output_folder(Path(output), overwrite=overwrite)
    found, store = _mapped(settings, query, title, download=download, progress=progress, cluster=cluster)
    found = replace(found, choice=choice)
    if output is not None:
        found.write(output, overwrite=overwrite, progress=progress)
    store.clear()
    return found


def map_again(
    provenance: Provenance,
    *,
    survey: str | Path | Survey | None = None,
    choice: TargetChoice = DEFAULT_CHOICE,
    output: str | Path | None = None,
    overwrite: bool = False,
    download: bool = False,
    progress: Progress | None = None,
) -> SkyMap:
    """Make a map again from its provenance alone.

    Parameters
    ----------
    provenance : Provenance
        Of a map that `map` made.
    survey : str, Path or Survey, optional
        Where the survey's file lies: provenance has its name without the folder, and it is looked for in the
        current folder if left out.
    choice : TargetChoice
        Which targets the products list; that of a map is its `SkyMap.choice`.
    output, overwrite, download, progress :
        As for `map`.

    Raises
    ------
    SkykinError
        With one sentence that says what is wrong, the value found and the way out.

    Examples
    --------
    >>> again = skykin.map_again(found.provenance, survey=survey)
    >>> bool((again.tiles["rank"] == found.tiles["rank"]).all())
    True
    """
    facts = dict(provenance.settings)
    if survey is not None:
        facts["survey"] = survey
    return map_as(
        MapSettings.from_dict(facts),
        Query.from_dict(provenance.query),
        choice=choice,
        output=output,
        overwrite=overwrite,
        download=download,
        progress=progress,
    )


def _mapped(
    settings: MapSettings,
    query: Query,
    title: str | None,
    *,
    download: bool,
    progress: Progress,
    cluster: Cluster | None,
) -> tuple[SkyMap, WorkStore]:
    """Walk the stages; what costs nothing and can go wrong comes first."""
    asked, source = opened(settings, query, download, progress)
    streamed, query = source.streamed, source.query
    settings, survey, chosen = streamed.settings, streamed.sky.survey, streamed.meter.recipe
    provenance = Provenance(
        survey=survey.to_dict(),
        rendering={**streamed.sky.stretch.to_dict(), "per_tile": settings.stretch_per_tile},
        grid=_grid_facts(streamed.grid, settings),
        query=query.told(),
        recipe={**chosen.to_dict(), "key": chosen.key()},
        encoder=streamed.encoder,
        calibration=settings.robustness.to_dict(),
        settings=asked.told(),
        versions=library_versions() | device_versions(streamed.encoder),
        credits=(*survey.credits, *METHOD_CREDITS),
    )
    margin_deg = streamed.meter.halo * settings.tile_size_deg / settings.side_pixels
    fetch_ahead(survey, streamed.grid.footprints, progress, margin_deg=margin_deg)
    store = WorkStore.of(cache_folder(), provenance.to_dict())
    elsewhere = None if cluster is None else MappedElsewhere(streamed, query, store, cluster)
    source = replace(source, streamed=streamed.standardised(store, progress, elsewhere))
    csls = settings.robustness.csls
    scores = source.streamed.scores(
        query, source.query_style, store, progress, csls=csls, elsewhere=elsewhere
    )
    found = finished_map(
        scores,
        query,
        source,
        criterion=settings.criterion,
        robustness=settings.robustness,
        survey=SurveyFacts(title or survey.title, survey.bands, survey.extent),
        provenance=provenance,
        workers=settings.workers,
        progress=progress,
    )
    return found, store


def opened(
    settings: MapSettings, query: Query, download: bool, progress: Progress
) -> tuple[MapSettings, MappedSurvey]:
    """Open the survey, choose tiles and look at the references: all that comes before the work.

    Returns
    -------
    MapSettings
        As they were asked for; with the size of the tiles where a reference set it.
    MappedSurvey
        Which has the settings and the query that are used.
    """
    asked = settings = with_survey(settings, progress)
    settings = suited(settings, recipe(settings.recipe or COARSE))
    survey = survey_of(settings, download, progress)
    chosen = recipe_for(settings, survey)
    looked_for = about_objects(query, settings, survey, chosen)
    settings = sized(settings, survey, chosen, progress, query.references)
    if looked_for is not query:
        asked = replace(asked, tile_size=settings.tile_size)
    check_resolution(settings, survey, progress)
    fetch_overview(survey, progress)
    streamed = StreamedSurvey.set_up(settings, survey)
    doubt_values(streamed.sky.stretch, survey, progress)
    looked_for = looked_for.for_tiles(settings.tile_size_deg, streamed.projection).in_views(chosen.views)
    return asked, MappedSurvey.of(streamed, looked_for)


@dataclass(frozen=True, eq=False)
class MappedSurvey:
    """A survey that was streamed for a query, to be looked at again.

    Parameters
    ----------
    streamed : StreamedSurvey
    query : Query
    pictures : tuple of Picture
        Of its references.
    """

    streamed: StreamedSurvey
    query: Query
    pictures: tuple[Picture, ...]

    @classmethod
    def of(cls, streamed: StreamedSurvey, query: Query) -> MappedSurvey:
        """Look at the references; refuse those that the survey does not cover."""
        return cls(streamed, query, tuple(streamed.picture(each) for each in query.references))

    @property
    def sky(self) -> RenderedSurvey:
        """The survey rendered."""
        return self.streamed.sky

    @cached_property
    def query_style(self) -> QueryStyle[Signature]:
        """Style of the query."""
        return self.streamed.style(self.query)

    def picture(self, footprint: Footprint) -> Picture:
        """Picture of a tile."""
        return self.streamed.cutter(footprint)

    def reference_picture(self, example: Example, view: View = AS_IT_IS) -> Picture:
        """Picture of a reference, in a view."""
        if not view.plain:
            return self.streamed.picture(example, view)
        return self.pictures[self.query.references.index(example)]

    def control_styles(self) -> Mapping[str, Signature]:
        """Style of the control images."""
        meter, settings = self.streamed.meter, self.streamed.settings
        side = settings.side_pixels + 2 * meter.halo
        pictures = control_pictures((side, side), CONTROL_SEED)
        return {name: meter(picture) for name, picture in pictures.items()}

    def summary(self, found: MappedTiles) -> MapSummary:
        """Tell what the map found, beside what far simpler rankings find."""
        return summarised(found, self)

    def scorer(self) -> Scorer:
        """Return what scores single tiles."""
        return self.streamed.scorer(self.query_style)

    def scorer_of(self, survey: Survey) -> Scorer:
        """Return the scorer of another survey in the same colours, its references measured there."""
        other = self.streamed.on(survey)
        return other.scorer(other.style(self.query))


def _grid_facts(grid: TileGrid, settings: MapSettings) -> dict[str, object]:
    """Gather the settings of the grid for provenance."""
    kind: Literal["healpix", "plate-carree", "facets"] = grid.kind
    return {
        "kind": kind,
        "nside": grid.nside,
        "projection": grid.footprints[0].projection,
        "tile_size_deg": settings.tile_size_deg,
        "spacing_deg": round(grid.spacing_deg, 4),
        "pixels": settings.side_pixels,
        "area": None if settings.area is None else settings.area.to_dict(),
        "min_coverage": settings.min_coverage,
    }

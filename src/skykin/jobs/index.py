"""From a survey to an index of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from astropy import units as u

from skykin.core.area import AreaLike, SkyArea, read_area
from skykin.core.clean import file_name
from skykin.core.errors import UsageError, shown
from skykin.core.footprint import Footprint
from skykin.core.object_store import bucket_address
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress, Survey
from skykin.core.provenance import library_versions
from skykin.core.settings import DEFAULTS, DeviceKind, MapSettings, PrecisionKind, StretchKind
from skykin.core.survey_options import BandsLike, SurveyOptions
from skykin.indexing.builder import Job, build
from skykin.indexing.compare import keeps_directions
from skykin.indexing.contrasts import SampledTile, fit_directions, sampled_tile
from skykin.indexing.facet_style import FacetMeter, cell_shares
from skykin.indexing.layout import MANIFEST
from skykin.indexing.manifest import read_manifest
from skykin.indexing.moments import Directions
from skykin.indexing.own_files import check_index_folder
from skykin.indexing.remote import local_folder
from skykin.indexing.remote_build import built_in
from skykin.indexing.sky_index import StoredIndex
from skykin.indexing.stored import cell_pixels
from skykin.jobs.examples import cut_in_context
from skykin.jobs.facet_tasks import Elsewhere
from skykin.jobs.opening import (
    METHOD_CREDITS,
    doubt_values,
    in_hand,
    recipe_for,
    survey_of,
    with_survey,
)
from skykin.jobs.sizing import check_resolution, sized, suited, tile_about
from skykin.jobs.sky_index import SkyIndex
from skykin.jobs.streamed import in_rows, standard_sample, with_standard
from skykin.scale.cluster import Cluster
from skykin.scale.local import ordered_map
from skykin.scale.store import WorkStore
from skykin.style.engine.cells import Lattice
from skykin.style.engine.meter import ContextMeter
from skykin.style.engine.shared import SharedMeter
from skykin.style.engine.stream import PlaneSource
from skykin.style.network.choice import context_network, settings_like
from skykin.style.network.devices import device_versions
from skykin.style.network.weights import SHA256
from skykin.style.recipe import COARSE
from skykin.style.recipe import recipe as recipe_of
from skykin.style.signature import Standardisation
from skykin.survey.download import cache_folder
from skykin.survey.hips.ahead import fetch_ahead, fetch_overview, hips_within
from skykin.survey.hips.identifier import PREFIX, is_identifier
from skykin.survey.hips.store import FolderStore, WebStore
from skykin.survey.memory import SurveyLike
from skykin.survey.render import RenderedSurvey, Stretch, measure_stretch
from skykin.tiling.facets import DividedTiles, Division, Facet

#: Who measures the facets.
IndexEngine = Literal["local", "dask"]


def index(
    survey: SurveyLike,
    output: str | Path,
    *,
    survey_option: SurveyOptions | None = None,
    area: AreaLike | None = None,
    tile_size: float | u.Quantity | None = None,
    object_size: str | float | u.Quantity | None = None,
    spacing: float | u.Quantity | None = None,
    pixels: int | None = None,
    bands: BandsLike | None = None,
    stretch: StretchKind | None = DEFAULTS.stretch,
    recipe: str | None = DEFAULTS.recipe,
    fast: bool = False,
    device: DeviceKind = DEFAULTS.device,
    precision: PrecisionKind | None = None,
    min_coverage: float = DEFAULTS.min_coverage,
    append: bool = False,
    exact: bool = False,
    engine: IndexEngine = "local",
    scheduler: str | None = None,
    workers: int | None = None,
    client: Any = None,
    jobs: int | None = None,
    download: bool = False,
    progress: Progress | None = None,
) -> SkyIndex:
    """Index a survey: measure the style of every cell once, so that any later query is quick.

    What is committed stays: after Ctrl-C, a crash or a full disk the same call goes on where it was, and on
    a finished index it does nothing.

    Parameters
    ----------
    survey : str, Path, Survey, or image in memory
        As for `map`.
    output : path
        Folder of the index, or its address in a bucket, such as ``s3://bucket/wham.skykin``.
    survey_option, area, tile_size, spacing, pixels, bands, stretch, recipe, min_coverage :
    fast, device, precision :
        How the sky is cut, coloured and measured; see `MapSettings`.
    object_size : str, float or Quantity, optional
        Size of the objects that will be looked for, such as ``30"``; tiles are three times as wide.
        Instead of `tile_size`.
    append : bool
        Take in new data or another area: what is still true is kept.
    exact : bool
        Keep the whole vectors of the standard tiles, too: quicker, and larger.
    engine : {"local", "dask"}
        Whether threads of this process measure the facets, or the workers of a Dask cluster (extra
        ``cluster``), which see survey and index under the same paths.
    scheduler : str, optional
        Address of the cluster; one is started on this computer if left out.
    workers : int, optional
        Processes of a cluster on this computer; one per core if left out.
    client : distributed.Client, optional
        A client that is connected already, in place of both.
    jobs : int, optional
        Threads that compute; all available cores if left out.
    download : bool
        Whether the survey may be fetched from its public address.
    progress : Progress, optional

    Returns
    -------
    SkyIndex

    Raises
    ------
    SkykinError
        With one sentence that says what is wrong, the value found and the way out.

    Examples
    --------
    >>> small = skykin.index(survey, "small.skykin", area="200,220,-25,-10", tile_size=10, spacing=5,
    ...                      pixels=32, recipe="mean-std")
    >>> len(small)
    12
    """
    settings = MapSettings(
        survey=in_hand(survey, survey_option, progress),
        survey_option=survey_option,
        area=area,
        tile_size=tile_about(object_size, tile_size),
        spacing=spacing,
        pixels=pixels,
        bands=bands,
        stretch=stretch,
        recipe=recipe,
        fast=fast,
        device=device,
        precision=precision,
        min_coverage=min_coverage,
        jobs=jobs,
    )
    if engine not in get_args(IndexEngine):
        raise UsageError(f"engine is {shown(engine)}, but an index is made by local or dask")
    cluster = Cluster.asked(engine, scheduler, workers, client)

    def elsewhere(job: Job, settings: MapSettings) -> Job:
        if isinstance(settings.survey, Survey):
            raise UsageError("a survey in memory cannot be sent to a cluster; write it to a file first")
        assert cluster is not None  # noqa: S101 - see below
        measure = Elsewhere(
            local_folder(output), settings, dict(job.facts), cluster, progress or SilentProgress()
        )
        return replace(job, elsewhere=measure)

    return index_as(
        settings,
        output,
        append=append,
        exact=exact,
        download=download,
        progress=progress,
        elsewhere=None if cluster is None else elsewhere,
    )


def index_as(
    settings: MapSettings,
    output: str | Path,
    *,
    append: bool = False,
    exact: bool = False,
    download: bool = False,
    progress: Progress | None = None,
    elsewhere: Callable[[Job, MapSettings], Job] | None = None,
) -> SkyIndex:
    """Index the survey that settings name; what a map would do with the scores has no meaning here.

    Parameters
    ----------
    settings : MapSettings
    output, append, exact, download, progress :
        As for `index`.
    elsewhere : callable, optional
        Lets a cluster do the work.
    """
    progress = progress or SilentProgress()
    if settings.tiles_only is not None:
        raise UsageError(
            f"an index is read from facets, which {settings.tiles_only} contradicts; leave it out"
        )
    if bucket_address(output) is None:
        check_index_folder(Path(output))
    with built_in(output) as folder:
        settings, opened = prepared(settings, download, progress)
        job = _job(settings, opened, folder, append=append, exact=exact, progress=progress)
        if elsewhere is not None:
            job = elsewhere(job, settings)
        if not build(folder, job, append=append, workers=settings.workers, progress=progress):
            progress.say(f"note: {folder.name} is complete already; nothing was to be done")
    return SkyIndex.open(output)


def settings_of(index: StoredIndex, survey: SurveyLike, *, jobs: int | None = None) -> MapSettings:
    """Give the settings of an index, to append to it what a survey holds now."""
    facts = index.manifest.facts
    fast, device, precision = settings_like(str(facts["encoder"]))
    options = SurveyOptions.from_dict(facts["opened"]["options"])
    if options.mask is not None:
        options = replace(options, mask=index.path / str(options.mask))
    return MapSettings(
        survey=survey,
        survey_option=options,
        area=index.area,
        tile_size=index.tile_deg,
        spacing=index.spacing_deg,
        pixels=index.pixels,
        recipe=index.recipe.name,
        fast=fast,
        device=device,
        precision=precision,
        min_coverage=index.min_coverage,
        jobs=jobs,
    )


def prepared(settings: MapSettings, download: bool, progress: Progress) -> tuple[MapSettings, Survey]:
    """Open the survey that settings name, and set the sizes that suit it and the recipe."""
    settings = with_survey(settings, progress)
    settings = suited(settings, recipe_of(settings.recipe or COARSE))
    opened = survey_of(settings, download, progress)
    settings = sized(settings, opened, recipe_for(settings, opened), progress)
    check_resolution(settings, opened, progress)
    return settings, opened


def _job(
    settings: MapSettings, survey: Survey, folder: Path, *, append: bool, exact: bool, progress: Progress
) -> Job:
    made = read_manifest(folder).facts if append and (folder / MANIFEST).is_file() else {}
    if not made:
        fetch_overview(survey, progress)
    stretch = Stretch.from_dict(made["rendering"]) if made else measure_stretch(survey, settings.stretch)
    doubt_values(stretch, survey, progress)
    area = _area(settings, made)
    extent = survey.extent
    chosen = recipe_for(settings, survey)
    tile_deg, spacing_deg, side = settings.tile_size_deg, settings.spacing_deg, settings.side_pixels
    division = Division(tile_deg, spacing_deg, side, area, extent, chosen.step)
    sky = RenderedSurvey(survey, stretch)
    network = context_network(
        chosen.layers, fast=settings.fast, device=settings.device, precision=settings.precision
    )
    shared = SharedMeter(chosen, network)
    tiles = DividedTiles(division)

    def fetch(left: Iterable[Facet]) -> None:
        if any(isinstance(each.store, WebStore) for each in hips_within(survey)):
            shown = [footprint for facet in left for footprint in facet.footprints()]
            fetch_ahead(survey, shown, progress, margin_deg=shared.network.halo * tile_deg / side)

    def measure_scale() -> tuple[Standardisation, Mapping[str, Directions]]:
        if keeps_directions(chosen):
            sampler = _Sampler(sky, shared, side, division.spacing)
            return sampler.scale(tiles, workers=settings.workers, progress=progress)
        store = WorkStore.of(cache_folder(), {"index of": facts})
        return _standard(sky, shared, tiles, settings, store=store, progress=progress), {}

    facts = {
        "survey": survey.to_dict(),
        "survey_title": survey.title,
        "unit": survey.unit,
        "bands": list(survey.bands),
        "beam_deg": survey.beam_deg,
        "extent": asdict(extent),
        "area": None if area is None else area.to_dict(),
        "opened": _opened(settings, folder),
        "rendering": stretch.to_dict(),
        "recipe": {**chosen.to_dict(), "key": chosen.key()},
        "grid": {
            "tile_size_deg": tile_deg,
            "spacing_deg": division.spacing * tile_deg / side,
            "pixels": side,
            "min_coverage": settings.min_coverage,
        },
        "encoder": network.name,
        "weights_sha256": SHA256,
        "exact": exact,
        "credits": [*survey.credits, *METHOD_CREDITS],
        "versions": library_versions() | device_versions(network.name),
    }
    return Job(
        facts=facts,
        recipe=chosen,
        facets=division,
        measure_scale=measure_scale,
        ahead=fetch,
        meter=lambda space: FacetMeter(survey, sky, shared, space, settings.min_coverage, exact),
        exact=exact,
        in_rows=in_rows(tiles, chosen),
        recheck=any(isinstance(each.store, FolderStore) for each in hips_within(survey)),
    )


def _standard(
    sky: RenderedSurvey,
    shared: SharedMeter,
    tiles: DividedTiles,
    settings: MapSettings,
    *,
    store: WorkStore,
    progress: Progress,
) -> Standardisation:
    """Measure mean and spread of the survey; the store keeps what is finished until all is."""
    # Cells are coded relative to the survey even where the recipe compares raw signatures.
    own = SharedMeter(replace(shared.recipe, standardised=True), shared.network)
    found = with_standard(
        ContextMeter(own, settings.side_pixels),
        sky,
        tiles,
        lambda f: cut_in_context(sky, f, settings.side_pixels, shared.network.halo),
        store=store,
        workers=settings.workers,
        progress=progress,
    )
    store.clear()
    assert found.standard is not None  # noqa: S101 - asked for above
    return found.standard


def _area(settings: MapSettings, made: Any) -> SkyArea | None:
    """Add the area of the settings to what was indexed before; None is the whole survey."""
    if settings.area is None or (made and made["area"] is None):
        return None
    asked = read_area(settings.area)
    if not made:
        return asked
    before = read_area(made["area"])
    if asked in (before, *getattr(before, "parts", ())):
        return before
    return read_area({"any_of": [before.to_dict(), asked.to_dict()]})


def _opened(settings: MapSettings, folder: Path) -> dict[str, Any]:
    """How the survey can be opened again, with files named from where the index lies."""
    if isinstance(settings.survey, Survey):
        return {"survey": None, "options": {}}
    options = settings.survey_option or SurveyOptions()
    if settings.bands is not None:
        options = replace(options, bands=settings.bands)
    if options.mask is not None:
        options = replace(options, mask=_from(folder, str(options.mask)))
    assert settings.survey is not None  # noqa: S101 - see with_survey
    name = settings.survey if isinstance(settings.survey, str | Path) else ",".join(map(str, settings.survey))
    path = Path(name).expanduser()
    size = path.stat().st_size if _is_there(path) and path.is_file() else None
    return {"survey": _from(folder, str(name)), "size": size, "options": options.to_dict()}


def _from(folder: Path, name: str) -> str:
    path = Path(name).expanduser()
    return Path(os.path.relpath(path, folder)).as_posix() if _is_there(path) else name


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # what is no name of a file
        return False


@dataclass(frozen=True, eq=False)
class _Sampler:
    """Measures tiles cell by cell, each alone in its true context.

    Parameters
    ----------
    sky : RenderedSurvey
    shared : SharedMeter
    tile, spacing : int
        Side of a tile and distance between tiles, pixels.
    """

    sky: RenderedSurvey
    shared: SharedMeter
    tile: int
    spacing: int

    def scale(
        self, all_tiles: DividedTiles, *, workers: int, progress: Progress
    ) -> tuple[Standardisation, dict[str, Directions]]:
        """Measure mean and spread of the survey's tiles, and the directions of their cells."""
        sample = standard_sample(all_tiles, self.shared.recipe, in_context=True)
        tiles = []
        with progress.stage("An average tile", len(sample), "tiles") as counter:
            for tile in ordered_map(self._measure, sample, workers):
                if tile is not None:
                    tiles.append(tile)
                counter.advance()
        standard = Standardisation.fit(tile.signature for tile in tiles)
        return standard, fit_directions(tiles, standard)

    def _measure(self, footprint: Footprint) -> SampledTile | None:
        """Measure a tile; None where it has no structure."""
        halo, side = self.shared.network.halo, self.tile
        picture = cut_in_context(self.sky, footprint, side, halo)
        if self.sky.stretch.is_flat_in(picture, halo):
            return None
        cell = cell_pixels(Lattice(side, side, side, self.spacing), self.shared.recipe)
        own = slice(halo, halo + side)
        weights = cell_shares(picture.coverage[own, own].astype(np.float64), cell)
        if not self.shared.recipe.weighted:
            weights = np.ones_like(weights)
        source = PlaneSource(picture.rgb, picture.coverage, halo, halo, side, side)
        return sampled_tile(self.shared, source, cell, weights)


def default_name(survey: str) -> str:
    """Name a folder after a survey."""
    if is_identifier(survey):
        return file_name(survey.removeprefix(PREFIX).replace("/", "-"))
    return file_name(survey.rstrip("/").rpartition("/")[2].partition(".")[0]) or "survey"

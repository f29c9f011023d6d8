"""From a survey to an index of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from skykin.core.area import Areas, SkyBox
from skykin.core.errors import UsageError
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress, Survey
from skykin.core.provenance import library_versions
from skykin.core.settings import MapSettings
from skykin.core.survey_options import SurveyOptions
from skykin.indexing.builder import Job, build, keeps_directions
from skykin.indexing.contrasts import CellCode
from skykin.indexing.facet_style import FacetMeter
from skykin.indexing.layout import MANIFEST
from skykin.indexing.manifest import read_manifest
from skykin.indexing.reopen import stretch_of
from skykin.indexing.sky_index import SkyIndex, open_index
from skykin.jobs.cell_sample import Sampler
from skykin.jobs.facet_rows import cut_in_context
from skykin.jobs.judge import with_standard
from skykin.jobs.map import METHOD_CREDITS
from skykin.jobs.opening import check_resolution, sized, suited, survey_of
from skykin.scale.store import WorkStore
from skykin.style.engine.context import ContextMeter
from skykin.style.engine.shared import SharedMeter
from skykin.style.network.blocks import block_network
from skykin.style.network.weights import SHA256
from skykin.style.recipe import recipe
from skykin.style.standard import Standardisation
from skykin.survey.download import cache_folder
from skykin.survey.render import RenderedSurvey, measure_stretch
from skykin.tiling.facets import facet_grid, facets


def build_index(
    survey: str | Path | Survey,
    output: str | Path,
    settings: MapSettings | None = None,
    *,
    append: bool = False,
    exact: bool = False,
    download: bool = False,
    progress: Progress | None = None,
    **changes: Any,
) -> SkyIndex:
    """Index a survey: measure the style of every cell once, so that any later question is quick.

    What is committed stays: after Ctrl-C, a crash or a full disk the same call goes on where it was, and on
    a finished index it does nothing.

    Parameters
    ----------
    survey : str, Path or Survey
        As for `map_kin`.
    output : path
        Folder of the index.
    settings : MapSettings, optional
        How the sky is cut, coloured and measured; what a map would do with the scores has no meaning here.
    append : bool
        Take in new data or another area: what is still true is kept.
    exact : bool
        Keep the whole vectors of the standard tiles, too: quicker, and larger.
    download : bool
        Whether the survey may be fetched from its public address.
    progress : Progress, optional
    **changes
        Any field of `MapSettings`, such as ``tile_size=10 * u.deg`` or ``recipe="covariance"``.

    Returns
    -------
    SkyIndex

    Raises
    ------
    SkykinError
        With one sentence that says what is wrong, the value found and the way out.

    Examples
    --------
    >>> import skykin
    >>> index = skykin.build_index("wham", "wham.skykin")  # doctest: +SKIP
    """
    progress = progress or SilentProgress()
    settings = settings or MapSettings()
    settings = replace(settings, **{"survey": survey, **changes})
    if settings.tiles_only is not None:
        raise UsageError(
            f"an index is read from facets, which {settings.tiles_only} contradicts; leave it out"
        )
    folder = Path(output)
    chosen = recipe(settings.recipe)
    settings = suited(settings, chosen)
    opened = survey_of(settings, download, progress)
    settings = sized(settings, opened, chosen, progress)
    check_resolution(settings, opened, progress)
    job = _job(settings, opened, folder, append=append, exact=exact, progress=progress)
    if not build(folder, job, append=append, workers=settings.workers, progress=progress):
        progress.say(f"note: {folder.name} is complete already; nothing was to be done")
    return open_index(folder)


def _job(
    settings: MapSettings, survey: Survey, folder: Path, *, append: bool, exact: bool, progress: Progress
) -> Job:
    made = read_manifest(folder).facts if append and (folder / MANIFEST).is_file() else {}
    stretch = stretch_of(made["rendering"]) if made else measure_stretch(survey, settings.stretch)
    areas = _areas(settings, made)
    extent = survey.extent
    chosen = recipe(settings.recipe)
    pieces = facets(
        settings.tile_size_deg,
        settings.spacing_deg,
        settings.side_pixels,
        Areas(tuple(areas)) if areas else None,
        extent,
        step=chosen.step,
    )
    sky = RenderedSurvey(survey, stretch)
    shared = SharedMeter(chosen, block_network(chosen.layers, fast=settings.fast))
    grid = facet_grid(pieces)

    def measure_scale() -> tuple[Standardisation, Mapping[str, CellCode]]:
        if keeps_directions(chosen):
            sampler = Sampler(sky, shared, settings.side_pixels, pieces[0].spacing)
            return sampler.scale(grid, workers=settings.workers, progress=progress)
        # Cells are coded relative to the survey even where the recipe compares raw signatures.
        own = SharedMeter(replace(chosen, standardised=True), shared.network)
        meter = ContextMeter(own, settings.side_pixels)
        store = WorkStore.of(cache_folder(), {"index of": facts})
        found = with_standard(
            meter,
            grid,
            lambda f: cut_in_context(sky, f, settings.side_pixels, shared.network.halo),
            store=store,
            workers=settings.workers,
            progress=progress,
        )
        store.clear()
        assert found.standard is not None  # noqa: S101 - asked for above
        return found.standard, {}

    facts = {
        "survey": survey.as_dict(),
        "survey_title": survey.title,
        "unit": survey.unit,
        "bands": list(survey.bands),
        "beam_deg": survey.beam_deg,
        "extent": asdict(extent),
        "area": [list(asdict(area).values()) for area in areas],
        "opened": _opened(settings, folder),
        "rendering": stretch.as_dict(),
        "recipe": {**chosen.as_dict(), "key": chosen.key()},
        "grid": {
            "tile_size_deg": settings.tile_size_deg,
            "spacing_deg": pieces[0].spacing * settings.tile_size_deg / settings.side_pixels,
            "pixels": settings.side_pixels,
            "min_coverage": settings.min_coverage,
        },
        "encoder": shared.network.name,
        "weights_sha256": SHA256,
        "exact": exact,
        "credits": [*survey.credits, *METHOD_CREDITS],
        "versions": library_versions(),
    }
    return Job(
        facts=facts,
        recipe=chosen,
        facets=pieces,
        measure_scale=measure_scale,
        meter=lambda space: FacetMeter(survey, sky, shared, space, settings.min_coverage, exact),
        exact=exact,
    )


def _areas(settings: MapSettings, made: Any) -> list[SkyBox]:
    """Areas that were indexed before and the one asked for; none is the whole survey."""
    before = [SkyBox(*edges) for edges in made.get("area", [])]
    if not isinstance(settings.area, SkyBox) or (made and not before):
        return []
    return [*before, *([settings.area] if settings.area not in before else [])]


def _opened(settings: MapSettings, folder: Path) -> dict[str, Any]:
    """How the survey can be opened again, with files named from where the index lies."""
    if isinstance(settings.survey, Survey):
        return {"survey": None, "options": {}}
    options = settings.survey_options or SurveyOptions()
    given: dict[str, Any] = {
        name: value for name, value in asdict(options).items() if value not in (None, False)
    }
    if settings.bands_km_s is not None:
        given["bands_km_s"] = settings.bands_km_s
    if options.mask is not None:
        given["mask"] = _from(folder, str(options.mask))
    return {"survey": _from(folder, str(settings.survey)), "options": given}


def _from(folder: Path, name: str) -> str:
    path = Path(name).expanduser()
    try:
        there = path.exists()
    except (OSError, ValueError):
        there = False
    return Path(os.path.relpath(path, folder)).as_posix() if there else name

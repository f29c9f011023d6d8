"""What a map would take, and what is looked for, before any tile is measured."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import numpy as np
from astropy import units as u

from skykin.catalogue.query import Query
from skykin.core.angle import size_words
from skykin.core.area import AreaLike
from skykin.core.footprint import Footprint
from skykin.core.picture import Panel, Picture
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress
from skykin.core.settings import (
    DEFAULTS,
    DeviceKind,
    EngineKind,
    GridKind,
    MapSettings,
    PrecisionKind,
    StretchKind,
)
from skykin.core.survey_options import BandsLike, SurveyOptions
from skykin.core.views import Over
from skykin.jobs.map import MappedSurvey, opened
from skykin.jobs.opening import in_hand
from skykin.jobs.query import Reference, read_query
from skykin.jobs.sizing import tile_about
from skykin.jobs.streamed import StreamedSurvey, standard_sample
from skykin.products.info import Info
from skykin.products.result import shortened
from skykin.products.wording import position
from skykin.style.engine.meter import ContextMeter
from skykin.survey.memory import SurveyLike

#: Seconds on one core, and bytes, that opening, figures and tables take whatever the survey.
OTHER_SECONDS, OTHER_BYTES = 20.0, 700e6
#: Pictures of views, in rows, and letters of a name below one.
MOST_VIEWS, VIEWS_PER_ROW, LONGEST_NAME = 24, 8, 24
#: Bytes that a pixel of a facet takes while it is measured, with its features in blocks.
BYTES_PER_PIXEL = 250.0


def dry_run(
    survey: SurveyLike | None = None,
    reference: Reference | Sequence[Reference] = "orion",
    *,
    unlike: Reference | Sequence[Reference] = (),
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
    engine: EngineKind | None = None,
    dense: bool = False,
    fast: bool = False,
    device: DeviceKind = DEFAULTS.device,
    precision: PrecisionKind | None = None,
    min_coverage: float = DEFAULTS.min_coverage,
    jobs: int | None = None,
    download: bool = False,
    progress: Progress | None = None,
) -> Info:
    """Tell what `map` would do: tiles, seconds, memory, and the pictures of the references in all views.

    Parameters
    ----------
    survey, reference, unlike, width, pixel_scale, turns, mirror, scales, views, survey_option :
        As for `map`.
    area, tile_size, object_size, spacing :
        As for `map`.
    pixels, grid, bands, stretch, stretch_per_tile, recipe, engine, dense :
        As for `map`.
    fast, device, precision, min_coverage, jobs :
        As for `map`.
    download : bool
        Whether the survey may be fetched from its public address.
    progress : Progress, optional

    Returns
    -------
    Info
        ``facts`` are names with texts; `Info.plot` draws the references as the network sees them.

    Raises
    ------
    SkykinError
        Where `map` would, before it measures.

    Examples
    --------
    >>> told = skykin.dry_run(survey, "209,-19", tile_size=10, area="195,250,-32,6", recipe="mean-std")
    >>> told.facts["tiles"]
    'about 284, 10° wide, 2.5° apart, 128 pixels a side'
    """
    progress = progress or SilentProgress()
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
        engine=engine,
        dense=dense,
        fast=fast,
        device=device,
        precision=precision,
        min_coverage=min_coverage,
        jobs=jobs,
    )
    query = read_query(
        reference, unlike=unlike, width=width, pixel_scale=pixel_scale,
        turns=turns, mirror=mirror, scales=scales, views=views,
    )  # fmt: skip
    _, source = opened(settings, query, download, progress)
    panels = reference_panels(source)
    per_row = VIEWS_PER_ROW if source.query.views.several else len(panels)
    return Info.of_pictures("What a map would take", _facts(source), panels, query.name, per_row)


def reference_panels(source: MappedSurvey) -> list[Panel]:
    """Show each reference as the network sees it: with its place and size, or in its views."""
    references = source.query.references
    if not source.query.views.several:
        return [
            Panel(each.name, picture.rgb, _place(each.footprint, picture))
            for each, picture in zip(references, source.pictures, strict=True)
        ]
    # As it is comes first, and then the angles of one scale beside each other.
    views = sorted(source.query.views.each, key=lambda view: (view.scale != 1, view.scale, view.mirrored))
    shown = [(each, view) for each in references for view in views[: _shown_of_each(source)]]
    pictures = [source.reference_picture(each, view) for each, view in shown[:MOST_VIEWS]]
    return [
        Panel(view.words, picture.rgb, shortened(each.name, LONGEST_NAME))
        for (each, view), picture in zip(shown[:MOST_VIEWS], pictures, strict=True)
    ]


def _shown_of_each(source: MappedSurvey) -> int:
    """How many views of each reference have a picture."""
    return max(1, MOST_VIEWS // len(source.query.references))


def _views(source: MappedSurvey) -> str:
    """Which views there are, and of how many there is a picture."""
    views, shown = source.query.views, _shown_of_each(source)
    told = f"{views.words}; a tile has {'the largest' if views.by == 'max' else 'the mean'} similarity"
    if len(views.each) <= shown:
        return told
    several = len(source.query.references) > MOST_VIEWS
    of = f"the first {MOST_VIEWS} references" if several else "each reference"
    return f"{told}; {shown} of {len(views.each)} are shown of {of}"


def _place(where: Footprint | None, picture: Picture) -> str:
    if where is None:
        return f"coverage {picture.covered:.2f}"
    return f"{position(where)}\n{size_words(where.width_deg)} wide, coverage {picture.covered:.2f}"


def _facts(source: MappedSurvey) -> Mapping[str, str]:
    streamed = source.streamed
    settings, grid = streamed.settings, streamed.grid
    tiles = len(grid)
    if not streamed.sky.survey.extent.is_all_sky:
        tiles = int((streamed.sky.survey.sample(*grid.centers())[1] > 0).sum())
    return {
        "survey": streamed.sky.survey.title,
        "references": _named(source.query),
        **({"views": _views(source)} if source.query.views.several else {}),
        "recipe": streamed.meter.recipe.name,
        "tiles": f"about {tiles}, {size_words(settings.tile_size_deg)} wide, "
        f"{size_words(grid.spacing_deg)} apart, {settings.side_pixels} pixels a side",
        "engine": "shared: the network runs over facets" if streamed.pieces else "tiles: one by one",
        "seconds": f"about {_seconds(source):.2g} on {settings.workers} free cores",
        "memory": f"about {_bytes(streamed) / 1e9:.1f} GB",
    }


def _named(query: Query) -> str:
    return ", ".join(each.name for each in query.references)


def _seconds(source: MappedSurvey) -> float:
    """Estimate the time from that of one tile, measured here and now."""
    streamed = source.streamed
    tile = streamed.grid.footprints[len(streamed.grid) // 2]
    began = time.thread_time()
    for _ in range(2):
        streamed.meter(streamed.look(tile))
    one = (time.thread_time() - began) / 2
    side = streamed.settings.side_pixels + 2 * streamed.meter.halo
    standard = 0
    if streamed.meter.recipe.standardised and not streamed.averages_all:
        meter, grid = streamed.meter, streamed.grid
        standard = len(standard_sample(grid, meter.recipe, in_context=isinstance(meter, ContextMeter)))
    tiles = sum(_pixels(streamed)) / side**2 if streamed.pieces else len(streamed.grid)
    return OTHER_SECONDS + one * (tiles + standard) / streamed.settings.workers


def _pixels(streamed: StreamedSurvey) -> list[float]:
    """Pixels of each facet with its context."""
    around = 2 * streamed.meter.halo
    return [(rows + around) * float(columns + around) for rows, columns in (f.shape for f in streamed.pieces)]


def _bytes(streamed: StreamedSurvey) -> float:
    """Estimate the largest memory, with as many facets at once as there are threads."""
    at_once = sorted(_pixels(streamed))[-streamed.settings.workers :]
    return OTHER_BYTES + BYTES_PER_PIXEL * float(np.sum(at_once))

"""What an index of a survey would take, on this computer, on a cluster and on a graphics card."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from astropy import units as u

from skykin.core.angle import size_words
from skykin.core.area import AreaLike
from skykin.core.checked import whole
from skykin.core.errors import UsageError, shown
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress
from skykin.core.settings import DEFAULTS, DeviceKind, MapSettings, PrecisionKind, StretchKind
from skykin.core.survey_options import BandsLike, SurveyOptions
from skykin.indexing.size import IndexSize, index_size
from skykin.jobs.dry_run import BYTES_PER_PIXEL, OTHER_BYTES
from skykin.jobs.index import prepared
from skykin.jobs.opening import in_hand, recipe_for
from skykin.jobs.sizing import tile_about
from skykin.jobs.streamed import in_rows, standard_sample
from skykin.products.info import Info
from skykin.style.engine.cells import Lattice
from skykin.style.engine.shared import SharedMeter
from skykin.style.engine.stream import PlaneSource
from skykin.style.network.architecture import flops_per_pixel
from skykin.style.network.choice import context_network
from skykin.survey.memory import SurveyLike
from skykin.tiling.facets import DividedTiles, Division

#: How long the network runs to tell how fast this computer is.
PROBE_SECONDS = 5.0
PROBE_PIXELS = 512
#: Multiplications and additions per second of one H100 in TensorFloat-32, by a plain script: 177 Mpx of sky.
CARD_FLOPS = 1.28e14
#: A task of a scheduler is made of as many facets as take this long.
TASK_SECONDS = 5.0
#: What a task costs Dask's scheduler.
TASK_OVERHEAD_SECONDS = 1.7e-3
#: Three colours and a coverage in single precision.
PICTURE_BYTES = 16


def plan(
    survey: SurveyLike,
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
    exact: bool = False,
    workers: int = 8,
    jobs: int | None = None,
    download: bool = False,
    progress: Progress | None = None,
) -> Info:
    """Tell what `index` would take: tiles, hours, memory and bytes; the network runs for five seconds.

    Parameters
    ----------
    survey, survey_option, area, tile_size, object_size, spacing, pixels, bands, stretch, recipe :
        As for `index`.
    fast, device, precision, min_coverage, exact, jobs, download :
        As for `index`.
    workers : int
        How many workers a cluster would have, of one core each.
    progress : Progress, optional

    Returns
    -------
    Info
        ``facts`` are names with texts.

    Raises
    ------
    SkykinError
        Where `index` would, before it measures.

    Examples
    --------
    >>> told = skykin.plan(survey, tile_size=10, area="195,250,-32,6", recipe="mean-std")
    >>> told.facts["tiles"]
    '284, 10° wide, 2.5° apart, 128 pixels a side'
    """
    try:
        workers = whole(1, 1_000_000)(workers)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"workers is {shown(workers)}, but it must be a whole number from 1 to 1000000"
        ) from error
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
    facts, notes = _told(settings, workers, exact=exact, download=download, progress=progress)
    return Info("What an index would take", facts, notes)


@dataclass(frozen=True)
class _Work:
    """What is to be computed.

    Parameters
    ----------
    facets : int
    pixels : float
        Of all facets, with their context, and of the tiles that tell what an average tile is like.
    largest : float
        Of the largest facet.
    flops : float
        Of the network, per pixel.
    rate : float
        Pixels per second of one core, or of the card.
    """

    facets: int
    pixels: float
    largest: float
    flops: float
    rate: float

    @property
    def seconds(self) -> float:
        """Of one core, or of the card."""
        return self.pixels / self.rate

    @property
    def tasks(self) -> int:
        """Groups of facets that a scheduler would hand out."""
        return max(1, math.ceil(self.facets / max(1, round(TASK_SECONDS * self.facets / self.seconds))))


def _told(
    settings: MapSettings, workers: int, *, exact: bool, download: bool, progress: Progress | None
) -> tuple[Mapping[str, str], tuple[str, ...]]:
    settings, survey = prepared(settings, download, progress or SilentProgress())
    chosen = recipe_for(settings, survey)
    side = settings.side_pixels
    division = Division(
        settings.tile_size_deg, settings.spacing_deg, side, settings.area, survey.extent, chosen.step
    )
    network = context_network(
        chosen.layers, fast=settings.fast, device=settings.device, precision=settings.precision
    )
    around, tiles = 2 * network.halo, DividedTiles(division)
    shapes = np.array([facet.shape for facet in division], np.float64)
    each = (shapes + around).prod(axis=1)
    sample = len(standard_sample(tiles, chosen, in_context=True)) * float(side + around) ** 2
    meter = SharedMeter(chosen, network)
    rate = _rate(meter, division.spacing, side)
    flops = flops_per_pixel(chosen.layers)
    work = _Work(len(each), float(each.sum()) + sample, float(each.max()), flops, rate)
    size = index_size(
        survey,
        division,
        len(each),
        chosen,
        settings.min_coverage,
        exact=exact,
        in_rows=in_rows(tiles, chosen),
    )
    facts = {
        "survey": survey.title,
        "recipe": chosen.name,
        "tiles": f"{size.tiles}, {size_words(settings.tile_size_deg)} wide, "
        f"{size_words(tiles.spacing_deg)} apart, {side} pixels a side",
        **_work_facts(work, size),
        **_place_facts(work, settings.workers, workers, on_card=network.on_device),
    }
    return facts, _notes(size, on_card=network.on_device)


def _work_facts(work: _Work, size: IndexSize) -> dict[str, str]:
    return {
        "facets": str(work.facets),
        "pixels": f"{work.pixels / 1e6:.4g} million, context included",
        "operations": f"{work.pixels * work.flops:.3g}",
        "read": f"{_bytes(work.pixels * PICTURE_BYTES)} of pictures, cut from the survey",
        "written": f"{_bytes(size.bytes)}: {size.tiles} tiles and {size.cells} cells",
        "memory": f"about {_bytes(OTHER_BYTES + BYTES_PER_PIXEL * work.largest)} for a worker",
    }


def _place_facts(work: _Work, cores: int, workers: int, *, on_card: bool) -> dict[str, str]:
    """Time on this computer, on workers of one core, and on a card."""
    card = work.seconds if on_card else work.pixels * work.flops / CARD_FLOPS
    told = "" if on_card else " of an H100, if it is kept busy"
    facts = {"graphics card": f"{card / 3600:.3g} hours{told}"}
    if on_card:
        return facts
    hours, load = work.seconds / 3600, work.tasks * TASK_OVERHEAD_SECONDS
    busy = min(workers, work.facets)
    return {
        "core-hours": f"{hours:.3g}, at {work.rate / 1e6:.3g} million pixels per second and core",
        "this computer": f"{hours / min(cores, work.facets):.3g} hours on {cores} cores",
        f"{workers} workers": f"{hours / busy:.3g} hours; {work.tasks} tasks keep the scheduler busy for "
        f"{load:.2g} s, {load * busy / work.seconds:.2%} of the time",
        **facts,
    }


def _notes(size: IndexSize, *, on_card: bool) -> tuple[str, ...]:
    notes = []
    if size.sampled:
        notes.append("tiles and bytes are those of a part of the facets, taken to be like all")
    if not on_card:
        notes.append("the hours of a graphics card come from its known speed; nothing ran on one here")
    return tuple(notes)


def _rate(meter: SharedMeter, spacing: int, tile: int) -> float:
    """Pixels per second, context included, measured on noise for five seconds on one core."""
    side = max(PROBE_PIXELS, tile) // tile * tile
    lattice = Lattice(side, side, tile, spacing)
    random = np.random.default_rng(0)
    source = PlaneSource(random.random((side, side, 3), np.float32))
    pixels = (side + 2 * meter.network.halo) ** 2
    done, began = 0, time.perf_counter()
    while done == 0 or time.perf_counter() - began < PROBE_SECONDS:
        for _ in meter.signatures(source, lattice):
            pass
        done += pixels
    return done / (time.perf_counter() - began)


def _bytes(number: float) -> str:
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number / 1e3:.3g} kB"

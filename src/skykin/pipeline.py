"""The whole job in one function: from a survey and a reference to a map of kin."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from astropy import units as u
from astropy.table import QTable

from skykin.core.area import SkyBox
from skykin.core.errors import DataQualityError, SkyError, UsageError
from skykin.core.footprint import Footprint
from skykin.core.picture import Picture
from skykin.core.progress import SilentProgress
from skykin.core.protocols import ColouredSky, Progress, Survey
from skykin.core.provenance import Provenance
from skykin.core.settings import DEFAULT_TILE_DEG, MapSettings
from skykin.core.shapes import Numbers
from skykin.core.survey_options import SurveyOptions
from skykin.evaluate.confounders import control_pictures
from skykin.evaluate.honesty import honest_summary
from skykin.evaluate.ranking import threshold_of_top
from skykin.evaluate.recovery import ScoredTiles, recovery
from skykin.evaluate.reference import ReferencePlace, resolve_reference
from skykin.facet_rows import (
    FacetReader,
    cut_in_context,
    keep_standard,
    kept_standard,
    read_facets,
)
from skykin.products.folder import check_output_folder
from skykin.products.matches import coverage_map
from skykin.products.result import Gallery, KinMap
from skykin.products.survey_facts import survey_facts, write_survey_preview
from skykin.products.write import write_products
from skykin.scale.local import ordered_map
from skykin.scale.store import WorkStore
from skykin.search.similar import combine, layer_cosines
from skykin.sky.cut import cut
from skykin.sky.facets import Facet, facet_grid, facets
from skykin.sky.grid import TileGrid, tile_grid
from skykin.style.blocks import block_network
from skykin.style.context import ContextMeter
from skykin.style.meter import StyleMeter
from skykin.style.recipe import Recipe, recipe
from skykin.style.shared import SharedMeter
from skykin.style.signature import Signature
from skykin.style.vgg19 import VGG19Encoder
from skykin.survey.download import cache_folder
from skykin.survey.open import open_survey
from skykin.survey.render import (
    RenderedSurvey,
    TileRenderedSurvey,
    measure_stretch,
    measure_stretch_on,
    positions_over,
)

#: Tiles, evenly spread, that tell what an average tile of the survey is like.
STANDARD_TILES = 256
#: The same in true context, where a tile of 128 pixels costs four times as much.
STANDARD_TILES_IN_CONTEXT = 128
#: With more pixels to a beam, a tile shows the shape of the beam and nothing new of the sky.
MOST_PIXELS_PER_BEAM = 16.0
#: Positions on a side of a tile at which its mean intensity is measured.
INTENSITY_POSITIONS = 24
#: A place farther from every centre than so many spacings lies outside the grid.
FARTHEST_TILE = 1.1
GALLERY_TILES = 8
#: Tiles side by side across a survey of a part of the sky, and the fewest beams that one spans.
TILES_ACROSS, FEWEST_BEAMS = 6, 8
CONTROL_SEED = 20161116
#: Credit that every product carries besides the survey's own.
METHOD_CREDITS = (
    "Style by Gram matrices: Gatys, L. A., Ecker, A. S., & Bethge, M. 2016, CVPR, 2414",
    "VGG19: Simonyan, K., & Zisserman, A. 2015, ICLR (weights by the Visual Geometry Group, CC BY 4.0)",
)

Cutter = Callable[[Footprint], Picture]
Meter = StyleMeter | ContextMeter


def map_kin(
    settings: MapSettings | None = None,
    *,
    output: str | Path | None = None,
    overwrite: bool = False,
    download: bool = False,
    progress: Progress | None = None,
    **changes: Any,
) -> KinMap:
    """Map the kin of a region: compare the style of every tile of a survey with the reference's.

    Parameters
    ----------
    settings : MapSettings, optional
        What to map and how; the poster's experiment if left out.
    output : path, optional
        Folder for the products; nothing is written if left out.
    overwrite : bool
        Whether a folder that Skykin made before may be replaced.
    download : bool
        Whether the survey may be fetched from its public address.
    progress : Progress, optional
        Told how far the work is; silent if left out.
    **changes
        Any field of `MapSettings`, such as ``reference="carina"`` or ``tile_size=10 * u.deg``.

    Returns
    -------
    KinMap
        Tiles, scores, matches, regions, pictures and the honest summary; shows itself in a notebook.

    Raises
    ------
    SkykinError
        With one sentence that says what is wrong, the value found and the way out.

    Examples
    --------
    >>> import skykin
    >>> kin = skykin.map_kin(reference="carina", recipe="mean-std")  # doctest: +SKIP
    >>> kin.tiles[kin.tiles["match"]]  # doctest: +SKIP
    """
    settings = replace(settings or MapSettings(), **changes)
    progress = progress or SilentProgress()
    if output is not None:
        check_output_folder(Path(output), overwrite=overwrite)
    kin = _map(settings, download, progress)
    if output is not None:
        write_products(kin, Path(output), overwrite=overwrite, progress=progress)
    _store(kin.provenance).clear()
    return kin


def describe_survey(survey: Survey, *, preview: Path | None = None) -> dict[str, str]:
    """Tell what a survey holds, as ``skykin info`` does: place, resolution, unit, coverage, values.

    Parameters
    ----------
    survey : Survey
    preview : Path, optional
        Where to write a picture of it (PNG).
    """
    values, coverage = survey.sample(*positions_over(survey.extent))
    if preview is not None:
        sky = RenderedSurvey(survey, measure_stretch_on(values, coverage))
        write_survey_preview(survey, sky, preview)
    return survey_facts(survey, values, coverage) | ({"preview": str(preview)} if preview else {})


def _map(settings: MapSettings, download: bool, progress: Progress) -> KinMap:
    """Walk the stages; what costs nothing and can go wrong comes first."""
    chosen = recipe(settings.recipe)
    place = resolve_reference(settings.reference)
    survey = survey_of(settings, download, progress)
    settings = _sized(settings, survey, progress)
    pieces = _facets(settings, chosen, survey)
    grid = facet_grid(pieces) if pieces else _grid(settings, survey)
    _check_resolution(settings, survey, progress)
    stretch = measure_stretch(survey, settings.stretch)
    sky = RenderedSurvey(survey, stretch)
    cutter = _cutter(settings, survey, sky)
    projection = grid.footprints[0].projection
    reference = cutter(Footprint(place.lon_deg, place.lat_deg, settings.tile_size_deg, projection=projection))
    _check_reference(reference, place, settings)

    meter, encoder, look = _instrument(chosen, settings, sky, cutter, shared=bool(pieces))
    provenance = Provenance(
        survey=survey.as_dict(),
        rendering={**stretch.as_dict(), "per_tile": settings.stretch_per_tile},
        grid=_grid_facts(grid, settings, projection),
        reference={"name": place.name, "lon_deg": place.lon_deg, "lat_deg": place.lat_deg},
        recipe={**chosen.as_dict(), "key": chosen.key()},
        encoder=encoder,
        credits=(*survey.credits, *METHOD_CREDITS),
    )
    store = _store(provenance)
    meter = _meter(meter, grid, look, store=store, workers=settings.workers, progress=progress)
    judge = _Judge(
        meter, look, survey, _style_of(meter, look(_where(reference)), place), settings.min_coverage
    )
    numbers = (
        _read(judge, sky, pieces, store=store, workers=settings.workers, progress=progress)
        if pieces
        else None
    )
    tiles, grid = _score_tiles(judge, grid, settings, progress, numbers)
    threshold = _threshold(tiles, chosen, settings)
    tiles["match"] = np.asarray(tiles["score"]) >= threshold
    side = settings.pixels + 2 * meter.halo
    controls = {
        name: judge.score(picture) for name, picture in control_pictures((side, side), CONTROL_SEED).items()
    }
    regions = recovery(
        _scored(tiles), place, threshold=threshold, farthest_deg=FARTHEST_TILE * grid.spacing_deg
    )
    return KinMap(
        tiles=tiles,
        footprints=grid.footprints,
        tile_nside=grid.nside,
        reference=_where(reference),
        reference_name=place.name,
        threshold=threshold,
        layers=chosen.layers,
        survey_title=survey.title,
        bands=survey.bands,
        sky=sky,
        pictures=_gallery(reference, tiles, grid, cutter),
        regions=regions,
        summary=honest_summary(
            tiles,
            regions,
            controls,
            reference_score=judge.score(look(_where(reference))),
            sky_fraction_in_matching_tiles=_share_inside(tiles, grid),
            n_left_out=tiles.meta["n_left_out"],
            threshold=threshold,
            recipe=chosen.name,
            survey=survey.title,
            reference=place.name,
        ),
        provenance=provenance,
        extent=survey.extent,
    )


def survey_of(settings: MapSettings, download: bool, progress: Progress) -> Survey:
    """Open the survey that the settings name.

    Raises
    ------
    SkykinError
        If there is none of this name and no such file, or it cannot be read.
    """
    if isinstance(settings.survey, Survey):
        return settings.survey
    return open_survey(
        settings.survey,
        options=_options_for(settings),
        bands_km_s=settings.bands_km_s,
        download=download,
        progress=progress,
    )


def _options_for(settings: MapSettings) -> SurveyOptions:
    """Read a survey of many resolutions no finer than the pixels of the tiles."""
    options = settings.survey_options or SurveyOptions()
    if options.scale_deg is not None or settings.tile_size is None:
        return options
    return replace(options, scale_deg=settings.tile_size_deg / settings.pixels)


def _sized(settings: MapSettings, survey: Survey, progress: Progress) -> MapSettings:
    """Choose the tile size for a survey of a part of the sky, where none was asked for."""
    if settings.tile_size is not None or survey.extent.is_all_sky:
        return settings
    size = min(2 * survey.extent.radius_deg / TILES_ACROSS, DEFAULT_TILE_DEG)
    size = float(f"{max(size, FEWEST_BEAMS * survey.beam_deg):.2g}")
    progress.say(
        f"note: {survey.title} is {2 * survey.extent.radius_deg:.3g}° wide; tiles are {size:g}° wide"
    )
    return replace(settings, tile_size=size)


def _grid(settings: MapSettings, survey: Survey) -> TileGrid:
    """Cover what is both in the survey and in the area that was asked for."""
    extents = [survey.extent]
    if isinstance(settings.area, SkyBox):
        # A spacing wider, so that an area between the centres is told as what it is.
        extents.append(settings.area.extent().widened(settings.spacing_deg))
    smallest = min(extents, key=lambda extent: extent.radius_deg)
    grid = tile_grid(settings.grid, settings.tile_size_deg, settings.spacing_deg, smallest)
    return grid.within(settings.area) if isinstance(settings.area, SkyBox) else grid


def _check_resolution(settings: MapSettings, survey: Survey, progress: Progress) -> None:
    if settings.tile_size_deg < 2 * survey.beam_deg:
        raise UsageError(
            f"a tile of {settings.tile_size_deg:g}° is hardly larger than the beam of {survey.title} "
            f"({survey.beam_deg:g}°) and shows no structure; use at least {2 * survey.beam_deg:g}°"
        )
    pixels_per_beam = settings.pixels * survey.beam_deg / settings.tile_size_deg
    if pixels_per_beam > MOST_PIXELS_PER_BEAM:
        enough = int(MOST_PIXELS_PER_BEAM * settings.tile_size_deg / survey.beam_deg)
        progress.say(
            f"note: {pixels_per_beam:.0f} pixels to a beam of {survey.beam_deg:g}° show the beam, not the "
            f"sky; {enough} pixels a tile are enough"
        )


def _cutter(settings: MapSettings, survey: Survey, sky: ColouredSky) -> Cutter:
    tile_sky = TileRenderedSurvey(survey, settings.stretch) if settings.stretch_per_tile else sky
    return lambda footprint: cut(tile_sky, footprint, settings.pixels)


def _check_reference(reference: Picture, place: ReferencePlace, settings: MapSettings) -> None:
    if reference.covered < settings.min_coverage:
        raise SkyError(
            f"the survey covers {reference.covered:.0%} of the reference tile at l={place.lon_deg:.2f}°, "
            f"b={place.lat_deg:+.2f}°, less than {settings.min_coverage:.0%}; choose another reference, a "
            "larger tile size or a smaller min_coverage"
        )


def _facets(settings: MapSettings, chosen: Recipe, survey: Survey) -> tuple[Facet, ...]:
    """Facets of the shared engine; none where tiles are measured one by one."""
    asked = settings.engine == "shared" or settings.dense or settings.fast
    if asked and not survey.extent.is_all_sky:
        raise UsageError(
            f"the shared engine shares out the whole sphere, but {survey.title} is "
            f"{2 * survey.extent.radius_deg:.3g}° wide; use engine=tiles"
        )
    literal = chosen.literal or settings.tiles_only is not None or not survey.extent.is_all_sky
    engine = settings.engine or ("tiles" if literal and not (settings.dense or settings.fast) else "shared")
    if engine == "tiles":
        return ()
    area = settings.area if isinstance(settings.area, SkyBox) else None
    return facets(settings.tile_size_deg, settings.spacing_deg, settings.pixels, area)


def _instrument(
    chosen: Recipe, settings: MapSettings, sky: ColouredSky, cutter: Cutter, *, shared: bool
) -> tuple[Meter, str, Cutter]:
    """Meter of single tiles, name of its network, and the pictures that it measures."""
    if not shared:
        encoder = VGG19Encoder(chosen.layers, chosen.padding)
        return StyleMeter(chosen, encoder), encoder.name, cutter
    network = block_network(chosen.layers, fast=settings.fast)
    meter = ContextMeter(SharedMeter(chosen, network), settings.pixels)
    return meter, network.name, lambda f: cut_in_context(sky, f, settings.pixels, network.halo)


def _read(
    judge: _Judge,
    sky: ColouredSky,
    pieces: tuple[Facet, ...],
    *,
    store: WorkStore,
    workers: int,
    progress: Progress,
) -> list[Numbers | None]:
    """Rows of numbers as `_Judge.row` gives them, facet by facet."""
    assert isinstance(judge.meter, ContextMeter)  # noqa: S101 - there are facets
    reader = FacetReader(sky, judge.meter, judge.reference, judge.min_coverage)
    rows: list[Numbers | None] = []
    with progress.stage("Style of every facet", len(pieces), "facets") as counter:
        found = read_facets(reader, pieces, store, workers)
        for piece, numbers in zip(pieces, found, strict=True):
            for footprint, row in zip(piece.footprints(), numbers, strict=True):
                covered = np.isfinite(row[-1])
                rows.append(np.append(row, judge.intensity(footprint)) if covered else None)
            counter.advance()
    return rows


def _meter(
    meter: Meter,
    grid: TileGrid,
    look: Cutter,
    *,
    store: WorkStore,
    workers: int,
    progress: Progress,
) -> Meter:
    """Give the meter the survey's standard where its recipe asks for one."""
    if not meter.recipe.standardised:
        return meter
    if kept := kept_standard(store, meter.recipe.layers):
        return replace(meter, standard=kept)
    wanted = STANDARD_TILES if isinstance(meter, StyleMeter) else STANDARD_TILES_IN_CONTEXT
    sample = [grid.footprints[i] for i in _evenly(len(grid), wanted)]

    def measure(footprint: Footprint) -> Signature:
        return meter(look(footprint))

    with progress.stage("An average tile", len(sample), "tiles") as counter:

        def counted() -> Iterator[Signature]:
            for signature in ordered_map(measure, sample, workers):
                counter.advance()
                yield signature

        made = meter.standardised(counted())
    if made.standard is not None and isinstance(made, ContextMeter):
        keep_standard(store, made.standard)
    return made


def _evenly(total: int, wanted: int) -> Numbers:
    return np.unique(np.linspace(0, total - 1, min(total, wanted)).round().astype(int))


def _style_of(meter: Meter, reference: Picture, place: ReferencePlace) -> Signature:
    signature = meter(reference)
    if not signature.finite or any(not np.any(vector) for vector in signature.values()):
        raise DataQualityError(
            f"the reference tile at {place.name} has no style, because nothing in it is covered or it is the "
            "same everywhere; choose another reference",
            code="DQ-CONST",
        )
    return signature


@dataclass(frozen=True, eq=False)
class _Judge:
    """Scores footprints against the reference."""

    meter: Meter
    cutter: Cutter
    survey: Survey
    reference: Signature
    min_coverage: float

    def cosines(self, picture: Picture) -> tuple[float, ...]:
        return tuple(layer_cosines(self.meter(picture), self.reference).values())

    def score(self, picture: Picture) -> float:
        return float(combine(self.cosines(picture), self.meter.recipe.combine))

    def row(self, footprint: Footprint) -> Numbers | None:
        """Cosines, brightness, coverage and mean intensity; None where too little is covered."""
        try:
            picture = self.cutter(footprint)
        except DataQualityError:  # A tile stretched by itself may be blank or flat.
            return None
        if picture.covered < self.min_coverage:
            return None
        return np.array(
            [*self.cosines(picture), picture.brightness, picture.covered, self.intensity(footprint)]
        )

    def intensity(self, footprint: Footprint) -> float:
        """Mean over the covered part of the tile of the sum of the bands, in the survey's unit."""
        side = (INTENSITY_POSITIONS, INTENSITY_POSITIONS)
        values, coverage = self.survey.sample(*footprint.pixel_positions(side))
        weight = coverage.sum(dtype=np.float64)
        return float((values.sum(axis=-1, dtype=np.float64) * coverage).sum() / weight) if weight else np.nan


def _score_tiles(
    judge: _Judge,
    grid: TileGrid,
    settings: MapSettings,
    progress: Progress,
    rows: list[Numbers | None] | None,
) -> tuple[QTable, TileGrid]:
    """Score every tile with enough coverage; return their table and the grid of those tiles."""
    if rows is None:
        rows = []
        with progress.stage("Style of every tile", len(grid), "tiles") as counter:
            for row in ordered_map(judge.row, grid.footprints, settings.workers):
                rows.append(row)
                counter.advance()
    scored = np.array([row is not None for row in rows])
    if not scored.any():
        raise SkyError(
            f"none of {len(rows)} tiles is covered to {settings.min_coverage:.0%}; "
            "choose another area or a smaller min_coverage"
        )
    grid = grid.keep(scored)
    table = _tile_table(np.array([row for row in rows if row is not None]), grid, judge)
    table.meta["n_left_out"] = int((~scored).sum())
    return table, grid


def _tile_table(numbers: Numbers, grid: TileGrid, judge: _Judge) -> QTable:
    lon, lat = grid.centers()
    cosines = numbers[:, :-3]
    score = combine(cosines, judge.meter.recipe.combine)
    # Best first, tiles without a score last; equal scores keep the order of the grid.
    rank = np.empty(len(score), dtype=int)
    rank[np.argsort(np.where(np.isnan(score), np.inf, -score), kind="stable")] = np.arange(1, len(score) + 1)
    brightness, coverage, intensity = numbers[:, -3:].T
    table = QTable(
        {
            "rank": rank,
            "name": _names(lon, lat, grid.spacing_deg),
            "lon": lon * u.deg,
            "lat": lat * u.deg,
            "width": np.array([footprint.width_deg for footprint in grid.footprints]) * u.deg,
            "height": np.array([footprint.height_deg for footprint in grid.footprints]) * u.deg,
            "score": score,
            "coverage": coverage,
            "brightness": brightness,
            "mean_intensity": intensity * u.Unit(judge.survey.unit),
            "area": grid.area,
        }
    )
    for layer, column in zip(judge.meter.recipe.layers, cosines.T, strict=True):
        table[f"cosine_{layer}"] = column
    return table


def _names(lon_deg: Numbers, lat_deg: Numbers, spacing_deg: float) -> list[str]:
    """Name tiles by their centres, with as many digits as tell neighbours apart."""
    digits = max(2, 1 - math.floor(math.log10(spacing_deg)))
    return [
        f"G{x:0{4 + digits}.{digits}f}{y:+0{4 + digits}.{digits}f}"
        for x, y in zip(lon_deg, lat_deg, strict=True)
    ]


def _threshold(tiles: QTable, chosen: Recipe, settings: MapSettings) -> float:
    """Return the score from which a tile matches: as asked, else as the recipe says."""
    if settings.threshold is not None:
        return settings.threshold
    top = settings.top_fraction if settings.top_fraction is not None else chosen.top_fraction
    if top is not None:
        return threshold_of_top(tiles["score"], top, tiles["area"])
    assert chosen.threshold is not None  # noqa: S101 - a recipe has one of the two
    return chosen.threshold


def _scored(tiles: QTable) -> ScoredTiles:
    return ScoredTiles(
        tiles["lon"].to_value(u.deg),
        tiles["lat"].to_value(u.deg),
        tiles["score"],
        tiles["mean_intensity"].value,
        tiles["area"],
    )


def _share_inside(tiles: QTable, grid: TileGrid) -> float:
    """Share of the sky inside at least one matching tile."""
    matching = [footprint for footprint, match in zip(grid.footprints, tiles["match"], strict=True) if match]
    return float(coverage_map(matching).sky_fraction)


def _gallery(reference: Picture, tiles: QTable, grid: TileGrid, cutter: Cutter) -> Gallery:
    """Choose the best matches and the least alike tiles, none of them centred in another or the reference."""
    order = np.argsort(tiles["rank"])
    matches = [i for i in order if tiles["match"][i]]
    finite = [i for i in order[::-1] if np.isfinite(tiles["score"][i])]

    def apart(candidates: list[int], taken: list[Footprint]) -> tuple[Picture, ...]:
        chosen: list[Footprint] = []
        for i in candidates:
            footprint = grid.footprints[i]
            if not any(other.contains(footprint.center) for other in (*taken, *chosen)):
                chosen.append(footprint)
            if len(chosen) == GALLERY_TILES:
                break
        return tuple(cutter(footprint) for footprint in chosen)

    best = apart(matches, [_where(reference)])
    return Gallery(reference, best, apart(finite, [_where(picture) for picture in (reference, *best)]))


def _where(picture: Picture) -> Footprint:
    assert picture.footprint is not None  # noqa: S101 - it was cut out of the sky
    return picture.footprint


def _store(provenance: Provenance) -> WorkStore:
    """Where the finished facets of this very job are kept until it is done."""
    return WorkStore.of(cache_folder(), provenance.as_dict())


def _grid_facts(grid: TileGrid, settings: MapSettings, projection: str) -> dict[str, object]:
    return {
        "kind": grid.kind,
        "nside": grid.nside,
        "projection": projection,
        "tile_size_deg": settings.tile_size_deg,
        "spacing_deg": round(grid.spacing_deg, 4),
        "pixels": settings.pixels,
        "area": "the whole survey" if settings.area is None else str(settings.area),
        "min_coverage": settings.min_coverage,
    }

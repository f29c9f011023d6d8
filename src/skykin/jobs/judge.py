"""A judge scores tiles against the style of what is sought."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from skykin.catalogue.references import ReferencePlace, References
from skykin.core.errors import DataQualityError, SkyError
from skykin.core.footprint import Footprint, Projection
from skykin.core.picture import Picture
from skykin.core.protocols import ColouredSky, Progress, Survey
from skykin.core.settings import MapSettings
from skykin.core.shapes import Numbers
from skykin.indexing.facet_intensity import mean_intensities
from skykin.jobs.anchors import ANCHORS, Anchors
from skykin.jobs.facet_rows import (
    FacetReader,
    cut_in_context,
    keep_standard,
    kept_standard,
    read_facets,
)
from skykin.scale.local import ordered_map
from skykin.scale.store import WorkStore
from skykin.style.engine.context import ContextMeter
from skykin.style.engine.meter import StyleMeter
from skykin.style.engine.shared import SharedMeter
from skykin.style.network.blocks import block_network
from skykin.style.network.vgg19 import VGG19Encoder
from skykin.style.recipe import Recipe
from skykin.style.signature import Signature
from skykin.style.sought import Sought
from skykin.survey.intensity import mean_intensity
from skykin.survey.render import (
    TileRenderedSurvey,
)
from skykin.tiling.cut import cut
from skykin.tiling.facets import Facet
from skykin.tiling.grid import TileGrid

#: Tiles, evenly spread, that tell what an average tile of the survey is like.
STANDARD_TILES = 256

#: The same in true context, where a tile of 128 pixels costs four times as much.
STANDARD_TILES_IN_CONTEXT = 128

Cutter = Callable[[Footprint], Picture]

Meter = StyleMeter | ContextMeter


def cutter_of(settings: MapSettings, survey: Survey, sky: ColouredSky) -> Cutter:
    """Cut tiles out of the rendered sky, or render each by itself where that is asked for."""
    tile_sky = TileRenderedSurvey(survey, settings.stretch) if settings.stretch_per_tile else sky
    return lambda footprint: cut(tile_sky, footprint, settings.side_pixels)


def check_reference(reference: Picture, place: ReferencePlace, settings: MapSettings) -> None:
    """Refuse a reference that lies off the survey or in a hole."""
    if reference.covered < settings.min_coverage:
        raise SkyError(
            f"the survey covers {reference.covered:.0%} of the reference tile at {place.told}, "
            f"less than {settings.min_coverage:.0%}; choose another reference, a larger tile size or a "
            "smaller min_coverage"
        )


def instrument(
    chosen: Recipe,
    settings: MapSettings,
    sky: ColouredSky,
    cutter: Cutter,
    *,
    shared: bool,
    random_seed: int | None = None,
) -> tuple[Meter, str, Cutter]:
    """Meter of single tiles, name of its network, and the pictures that it measures.

    With a `random_seed` the network is an untrained one.
    """
    if not shared:
        encoder = VGG19Encoder(chosen.layers, chosen.padding, random_seed=random_seed)
        return StyleMeter(chosen, encoder), encoder.name, cutter
    network = block_network(chosen.layers, fast=settings.fast, random_seed=random_seed)
    meter = ContextMeter(SharedMeter(chosen, network), settings.side_pixels)
    return meter, network.name, look_of(meter, settings, sky, cutter)


def look_of(meter: Meter, settings: MapSettings, sky: ColouredSky, cutter: Cutter) -> Cutter:
    """Give the pictures that a meter measures: tiles alone, or with what lies around them."""
    if isinstance(meter, StyleMeter):
        return cutter
    return lambda footprint: cut_in_context(sky, footprint, settings.side_pixels, meter.halo)


def with_standard(
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
    sample = standard_sample(grid, in_context=isinstance(meter, ContextMeter))

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


def standard_sample(grid: TileGrid, *, in_context: bool) -> list[Footprint]:
    """Give tiles, evenly spread, that tell what an average tile of the survey is like."""
    wanted = STANDARD_TILES_IN_CONTEXT if in_context else STANDARD_TILES
    return [grid.footprints[i] for i in _evenly(len(grid), wanted)]


def anchors_of(meter: Meter, grid: TileGrid, look: Cutter, *, workers: int, progress: Progress) -> Anchors:
    """Measure tiles that are spread evenly over the map; those without a style are left out."""
    sample = [grid.footprints[i] for i in _evenly(len(grid), ANCHORS)]
    found: list[tuple[Signature, Footprint]] = []
    with progress.stage("Anchors", len(sample), "tiles") as counter:
        measured = ordered_map(lambda footprint: meter(look(footprint)), sample, workers)
        for signature, footprint in zip(measured, sample, strict=True):
            if signature.finite:
                found.append((signature, footprint))
            counter.advance()
    signatures, footprints = zip(*found, strict=True)
    return Anchors(signatures, footprints, meter.recipe.combine)


def _evenly(total: int, wanted: int) -> Numbers:
    return np.unique(np.linspace(0, total - 1, min(total, wanted)).round().astype(int))


def footprints_of(
    references: References, settings: MapSettings, projection: Projection
) -> tuple[Footprint, ...]:
    """Give the tile about each reference."""
    return tuple(
        Footprint(place.lon_deg, place.lat_deg, settings.tile_size_deg, projection=projection)
        for place in references.places
    )


def sought_of(meter: Meter, pictures: Sequence[Picture], references: References) -> Sought:
    """Measure every reference; refuse one that has no style."""
    styles = (style_of(meter, *each) for each in zip(pictures, references.places, strict=True))
    return Sought(tuple(styles), meter.recipe.combine, references.combine)


def style_of(meter: Meter, reference: Picture, place: ReferencePlace) -> Signature:
    """Measure the reference; refuse one that has no style."""
    signature = meter(reference)
    if not signature.finite or any(not np.any(vector) for vector in signature.values()):
        raise DataQualityError(
            f"the reference tile at {place.name} has no style, because nothing in it is covered or it is the "
            "same everywhere; choose another reference",
            code="DQ-CONST",
        )
    return signature


@dataclass(frozen=True, eq=False)
class Judge:
    """Scores footprints against what is sought."""

    meter: Meter
    cutter: Cutter
    survey: Survey
    sought: Sought
    min_coverage: float
    anchors: Anchors | None = None

    def score(self, picture: Picture) -> float:
        """Cosines with the reference combined as the recipe says, and those of several as was asked."""
        return float(self.sought.likeness_of(self.meter(picture)).score)

    def row(self, footprint: Footprint) -> Numbers | None:
        """Cosines, score, nearest reference, hubness if there are anchors, brightness, coverage, intensity.

        None where too little is covered.
        """
        try:
            picture = self.cutter(footprint)
        except DataQualityError:  # A tile stretched by itself may be blank or flat.
            return None
        if picture.covered < self.min_coverage:
            return None
        signature = self.meter(picture)
        found = self.sought.likeness_of(signature)
        hubness = [] if self.anchors is None else [self.anchors.hubness_of(signature, footprint)]
        intensity = mean_intensity(self.survey, footprint)
        likeness = [*found.cosines, found.score, found.nearest, *hubness]
        return np.array([*likeness, picture.brightness, picture.covered, intensity])


def read_tiles(
    judge: Judge,
    sky: ColouredSky,
    pieces: tuple[Facet, ...],
    *,
    store: WorkStore,
    workers: int,
    progress: Progress,
) -> list[Numbers | None]:
    """Rows of numbers as `Judge.row` gives them, facet by facet."""
    assert isinstance(judge.meter, ContextMeter)  # noqa: S101 - there are facets
    reader = FacetReader(sky, judge.meter, judge.sought, judge.min_coverage, judge.anchors)
    rows: list[Numbers | None] = []
    with progress.stage("Style of every facet", len(pieces), "facets") as counter:
        found = read_facets(reader, pieces, store, workers)
        for piece, numbers in zip(pieces, found, strict=True):
            light = mean_intensities(judge.survey, piece)[piece.own]
            whole = np.column_stack([numbers, light])
            rows += [row if np.isfinite(row[-2]) else None for row in whole]
            counter.advance()
    return rows

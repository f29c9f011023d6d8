"""What other recipes say of a match: the tile ranked among a small even sample, measured for this."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skykin.core.picture import Picture
from skykin.core.protocols import ColouredSky, Progress
from skykin.core.shapes import RGB, Coverage, Degrees
from skykin.index.answers import Contains
from skykin.pipeline.asked import Asked
from skykin.pipeline.facet_rows import cut_in_context
from skykin.pipeline.kept import in_context, meter_of, sky_of
from skykin.pipeline.pictured import picture_context
from skykin.products.explanation import RecipeRank
from skykin.search.positions import features_of, own_coverage
from skykin.search.similar import combine, layer_cosines
from skykin.style.recipe import Recipe, recipes
from skykin.style.signature import Signature
from skykin.style.standard import Standardisation

#: Largest reference that is measured at once, pixels.
LARGEST = 1024


@dataclass(frozen=True, eq=False)
class MaskedSky:
    """A sky of which only a part counts."""

    sky: ColouredSky
    contains: Contains

    def colours(self, lon_deg: Degrees, lat_deg: Degrees) -> tuple[RGB, Coverage]:
        """Colours as they are, and coverage 0 outside the part."""
        rgb, coverage = self.sky.colours(lon_deg, lat_deg)
        shape = np.shape(coverage)
        lon, lat = (np.broadcast_to(angle, shape).ravel() for angle in (lon_deg, lat_deg))
        return rgb, coverage * np.asarray(self.contains(lon, lat)).reshape(shape)


def ranks_elsewhere(
    asked: Asked, number: int, sky: ColouredSky, sample: int, progress: Progress
) -> tuple[RecipeRank, ...]:
    """Rank a tile under every other recipe of the same layers, among an even sample of the index's tiles.

    The network runs once over each picture for all recipes.  Every picture is seen in true context, also
    for recipes whose own padding is another.

    Parameters
    ----------
    asked : Asked
        The reference.
    number : int
        The tile.
    sky : ColouredSky
    sample : int
        How many tiles beside it.
    progress : Progress
    """
    index, network = asked.index, meter_of(asked.index).shared.network
    others = [
        each
        for each in recipes().values()
        if each.key() != index.recipe.key() and set(each.layers) <= set(network.layers)
    ]
    if not others:
        return ()
    spread = np.unique(np.linspace(0, len(index) - 1, sample).round().astype(int))
    numbers = [number, *(int(i) for i in spread if i != number)]
    measured: dict[str, list[Signature]] = {each.name: [] for each in others}
    with progress.stage("Other recipes", len(numbers) + 1, "tiles") as counter:
        pictures = (in_context(index, sky, index.footprints[i]) for i in numbers)
        for picture in (reference_in_context(asked, sky), *pictures):
            answer, coverage = features_of(network, picture), own_coverage(network, picture)
            for each in others:
                measured[each.name].append(each.signature(answer, coverage))
            counter.advance()
    return tuple(_rank(each, measured[each.name]) for each in others)


def _rank(recipe: Recipe, signatures: list[Signature]) -> RecipeRank:
    """Rank the second signature among the rest by likeness to the first."""
    reference, *tiles = signatures
    if recipe.standardised:
        standard = Standardisation.fit(tiles)
        reference, tiles = standard.apply(reference), [standard.apply(tile) for tile in tiles]
    scores = np.array([
        float(combine(list(layer_cosines(tile, reference).values()), recipe.combine)) for tile in tiles
    ])  # fmt: skip
    rank = 1 + int((scores[1:] > scores[0]).sum())
    return RecipeRank(recipe.name, rank, len(tiles), float(scores[0]), sampled=True)


def reference_in_context(asked: Asked, sky: ColouredSky) -> Picture:
    """Picture of a reference with what lies around it, at the scale of the index's pixels."""
    index = asked.index
    if asked.picture is not None:
        return picture_context(index, asked.picture)
    if asked.footprint is None:
        assert asked.origin is not None  # noqa: S101 - what lies nowhere here came from elsewhere
        return reference_in_context(asked.origin, sky_of(asked.origin.index))
    where = asked.footprint
    pixels = round(where.width_deg / (index.tile_deg / index.pixels) / 16) * 16
    part: ColouredSky = sky
    if asked.contains is not None and "region" in asked.facts:
        part = MaskedSky(sky, asked.contains)
    return cut_in_context(part, where, min(max(pixels, 16), LARGEST), meter_of(index).halo)

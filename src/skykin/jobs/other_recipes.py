"""What other recipes say of a match: the tile ranked among a small even sample, measured for this."""

from __future__ import annotations

import numpy as np

from skykin.core.protocols import ColouredSky, Progress
from skykin.core.sampling import evenly
from skykin.jobs.asked import Asked
from skykin.jobs.kept import in_context, meter_of
from skykin.jobs.reference_picture import reference_in_context
from skykin.products.explanation import RecipeRank
from skykin.style.positions import features_of, own_coverage
from skykin.style.recipe import Recipe, recipes
from skykin.style.signature import Signature, Standardisation
from skykin.style.similar import combine, layer_cosines


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
    numbers = [number, *(int(i) for i in evenly(len(index), sample) if i != number)]
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

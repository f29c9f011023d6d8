"""Explaining a score: which layers, which size of tile, where in the tile, and how other recipes rank it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import QTable

from skykin.catalogue.references import resolve_reference
from skykin.core.errors import UsageError
from skykin.core.progress import SILENT, SilentProgress
from skykin.core.protocols import Progress, Survey
from skykin.core.sampling import evenly
from skykin.core.shapes import Numbers
from skykin.core.sphere import apart, directions_of, reach_deg, separation_deg
from skykin.core.views import AS_IT_IS, Over, View
from skykin.indexing.query.pyramid import at_places
from skykin.indexing.query.similarity import similarity_at
from skykin.indexing.sky_index import StoredIndex, opened
from skykin.jobs.query import Reference
from skykin.jobs.search import search
from skykin.jobs.stored import StoredSurvey, meter_of
from skykin.products.explained import RecipeRank, TileFacts
from skykin.products.explanation import Explanation
from skykin.products.folder import check_output_folder
from skykin.products.sky_map import SkyMap
from skykin.style.positions import features_of, own_coverage, position_cosines
from skykin.style.recipe import Recipe, recipes
from skykin.style.signature import Signature
from skykin.style.similarity import QueryStyle, combine

#: Tiles, evenly spread, that other recipes rank the tile among.
SAMPLE = 32
#: Of the same brightness are tiles that differ by no more than this share.
AS_BRIGHT = 0.1


def explain(
    index: StoredIndex | str | Path,
    reference: Reference,
    tile: str | int | SkyCoord | tuple[float, float],
    *,
    width: float | u.Quantity | None = None,
    pixel_scale: float | u.Quantity | None = None,
    turns: int | None = None,
    mirror: bool | None = None,
    scales: float | str | Sequence[float] | None = None,
    views: Over | None = None,
    sample: int = SAMPLE,
    survey: Survey | str | Path | None = None,
    output: str | Path | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Explanation:
    """Explain why a tile is, or is not, similar to a reference.

    Scores and cosines are those that `search` gives.  Where in the tile they come from is measured by the
    network, which opens the survey: what an index holds has no positions any more.

    Parameters
    ----------
    index : SkyIndex or path
    reference : str, Path, int, SkyCoord, …
        As for `search`.
    tile : str, int, SkyCoord or tuple
        Name of a tile, its number in ``index.tiles``, or a name or position on the sky (two numbers are
        Galactic degrees): the tile centred nearest to it.
    width, pixel_scale, turns, mirror, scales, views :
        As for `search`; what is explained is the score of the view that the tile is most similar to.
    sample : int
        Tiles, evenly spread, that each other recipe ranks the tile among; 0 leaves other recipes out.
    survey : Survey, str, Path, optional
        An open one, or its name or file; otherwise the one that the index names is opened.
    output : path, optional
        Folder for the figure, ``explanation.json`` and ``explanation.npz``; nothing is written if left out.
    overwrite : bool
        Whether a folder that Skykin made before may be replaced.
    progress : Progress, optional

    Returns
    -------
    Explanation

    Raises
    ------
    SkykinError
        With one sentence that says what is wrong, the value found and the way out.

    Examples
    --------
    >>> why = skykin.explain(made, "209,-19", 3, survey=survey, sample=0)
    >>> list(why.cosines)
    ['block1_conv1', 'block2_conv1', 'block3_conv1', 'block4_conv1', 'block5_conv1']
    """
    if output is not None:
        check_output_folder(Path(output), overwrite=overwrite)
    progress = progress or SilentProgress()
    here = opened(index, progress)
    if not 0 <= sample <= len(here):
        raise UsageError(
            f"a sample of {sample} tiles was requested, but the index holds {len(here)}; use 0 to {len(here)}"
        )
    number = tile_number(here, tile)
    found = search(
        here, reference, width=width, pixel_scale=pixel_scale, turns=turns, mirror=mirror, scales=scales,
        views=views, survey=survey, progress=progress,
    )  # fmt: skip
    result = explained(found, number, sample, progress)
    if output is not None:
        result.write(output, overwrite=overwrite)
    return result


def tile_number(index: StoredIndex, tile: str | int | SkyCoord | tuple[float, float]) -> int:
    """Find a tile by its name, its number, or a place near its centre.

    Raises
    ------
    UsageError
        If there is no such tile, or none is centred near the place.
    """
    if isinstance(tile, int | np.integer):
        if not 0 <= tile < len(index):
            raise UsageError(
                f"there is no tile {tile}: the index holds {len(index)}, counted from 0; choose one of them"
            )
        return int(tile)
    if isinstance(tile, str):
        number = index.number_of(tile.strip())
        if number is not None:
            return number
    place = resolve_reference(tile)
    lon, lat = (index.tiles[name].to_value(u.deg) for name in ("lon", "lat"))
    away = separation_deg(lon, lat, place.lon_deg, place.lat_deg)
    nearest = int(np.argmin(away))
    away_deg = float(away[nearest])
    if away_deg > index.tile_deg / 2:
        raise UsageError(
            f"the nearest tile to {place.name} is centred {away_deg:.3g}° away; choose a place that the "
            "index covers"
        )
    return nearest


def explained(found: SkyMap, number: int, sample: int = SAMPLE, progress: Progress = SILENT) -> Explanation:
    """Explain the score of a tile, by its number, of a map that was searched in an index; see `explain`."""
    source = found.source
    assert isinstance(source, StoredSurvey)  # noqa: S101 - it was searched in an index
    index, example = source.index, found.query.references[0]
    meter, tiles, view = meter_of(index), found.tiles, _view(found.tiles, number)
    context = source.look(index.footprints[number])
    features = features_of(meter.shared.network, context)
    coverage = own_coverage(meter.shared.network, context)
    cosines = {layer: float(tiles[f"cosine_{layer}"][number]) for layer in index.layers}
    reference = source.measured(example, view)
    standard = index.standard
    if standard is not None:
        standard = standard.at(index.footprints[number].lat_deg)
    where = position_cosines(index.recipe, features, coverage, reference, standard)
    # The network sees tile and reference themselves, the index their cells: a constant makes up for it.
    measured = meter(context).cosines(reference)
    where = {
        layer: values + cosines[layer] - measured[place]
        for place, (layer, values) in enumerate(where.items())
    }
    shares = _shares(source.query_style, cosines)
    area = np.asarray(index.tiles["area"])
    usual = {layer: _mean(np.asarray(tiles[f"cosine_{layer}"]), area) for layer in index.layers}
    own = _facts(found, number)
    counter = same_brightness(found, number)
    everything = RecipeRank(index.recipe.name, own.rank, len(index), own.score, sampled=False)
    others = _ranks_by_other_recipes(source, view, number, sample, progress) if sample else ()
    return Explanation(
        reference_name=found.query.name,
        tile=own,
        counter=None if counter is None else _facts(found, counter),
        cosines=cosines,
        usual=usual,
        shares=shares,
        sizes=_sizes(found, source, number),
        where=where,
        whole=_whole(where, shares, source.query_style, index.pixels),
        ranks=(everything, *others),
        reference_picture=source.reference_picture(example, view),
        tile_picture=source.picture(index.footprints[number]),
        counter_picture=None if counter is None else source.picture(index.footprints[counter]),
        unit=index.unit,
        survey_title=index.survey_title,
        provenance=found.provenance,
        view=view,
    )


def _view(tiles: QTable, number: int) -> View:
    """View that a tile is most similar to."""
    if "view_scale" not in tiles.colnames:
        return AS_IT_IS
    row = tiles[number]
    mirrored = "view_mirrored" in tiles.colnames and bool(row["view_mirrored"])
    return View(float(row["view_angle_deg"].to_value(u.deg)), float(row["view_scale"]), mirrored)


def same_brightness(found: SkyMap, number: int) -> int | None:
    """Find the nearest tile of the same brightness that does not match; None if there is none.

    It overlaps neither the tile nor a reference.
    """
    light = np.asarray(found.tiles["mean_intensity"].value)
    similar = np.abs(light - light[number]) <= AS_BRIGHT * np.abs(light[number])
    good = similar & ~np.asarray(found.tiles["match"]) & np.isfinite(found.scores) & ~found.overlapping
    places = directions_of(found.tiles)
    good &= apart(places[number : number + 1], places, reach_deg(found.scored.tile_deg))[0]
    if not good.any():
        return None
    return int(np.argmax(np.where(good, places @ places[number], -np.inf)))


def _facts(found: SkyMap, number: int) -> TileFacts:
    row = found.tiles[number]
    return TileFacts(
        str(row["name"]),
        float(row["lon"].to_value(u.deg)),
        float(row["lat"].to_value(u.deg)),
        float(row["score"]),
        float(row["mean_intensity"].value),
        int(row["rank"]),
        bool(row["match"]),
    )


def _shares(wanted: QueryStyle[Any], cosines: Mapping[str, float]) -> dict[str, float]:
    """Part of the score that each layer carries."""
    weights = dict(zip(wanted.recipe.layers, wanted.layer_weights, strict=True))
    if wanted.recipe.combine == "max":
        best = max((layer for layer in cosines if weights[layer]), key=lambda layer: cosines[layer])
        return {layer: float(layer == best) for layer in cosines}
    total = sum(weights[layer] * cosines[layer] for layer in cosines)
    return {layer: float(weights[layer] * cosines[layer] / total) for layer in cosines}


def _sizes(found: SkyMap, source: StoredSurvey, number: int) -> dict[float, tuple[float, float]]:
    """Score at the tile's place by size of tile, and the mean of all tiles of that size."""
    # Smaller tiles are compared by the quickest kind of vector, as `pyramid` does.
    index, kind, sizes = source.index, source.index.scored_by, {}
    for size_deg in index.sizes_deg:
        level = index.tiles_at(size_deg)
        score, area = found.scores, np.asarray(found.tiles["area"])
        here = float(score[number])
        if size_deg != index.sizes_deg[0]:
            score = similarity_at(index, level, source.style_in(kind), kind).score
            area = np.asarray(level.tiles["area"])
            here = float(at_places(index, level, score)[number])
        sizes[float(size_deg)] = (here, _mean(score, area))
    return sizes


def _whole(
    where: Mapping[str, Numbers], shares: Mapping[str, float], wanted: QueryStyle[Any], pixels: int
) -> Numbers:
    """Add up what all layers say, in pixels of the tile."""
    weights = wanted.layer_weights / wanted.layer_weights.sum()
    if wanted.recipe.combine == "max":
        weights = np.array([shares[layer] for layer in wanted.recipe.layers])
    total = np.zeros((pixels, pixels))
    for layer, weight in zip(wanted.recipe.layers, weights, strict=True):
        if weight:
            values = where[layer]
            rows = np.arange(pixels) * values.shape[0] // pixels
            columns = np.arange(pixels) * values.shape[1] // pixels
            total += weight * values[np.ix_(rows, columns)]
    return total


def _mean(values: Numbers, weight: Numbers) -> float:
    known = np.isfinite(values)
    return float(np.average(values[known], weights=weight[known])) if known.any() else float("nan")


def _ranks_by_other_recipes(
    source: StoredSurvey, view: View, number: int, sample: int, progress: Progress
) -> tuple[RecipeRank, ...]:
    """Rank a tile by every other recipe of the same layers, among an even sample of the index's tiles.

    All compare with the reference in one view.

    The network runs once over each picture for all recipes.  Every picture is seen in true context, also
    for recipes whose own padding is another.
    """
    index, network = source.index, meter_of(source.index).shared.network
    others = [
        each
        for each in recipes().values()
        if each.key() != index.recipe.key() and set(each.layers) <= set(network.layers)
    ]
    if not others:
        return ()
    numbers = [number, *(int(i) for i in evenly(len(index), sample) if i != number)]
    example = source.query.references[0]
    reference, _ = source.looked_at(example, view)
    measured: dict[str, list[Signature]] = {each.name: [] for each in others}
    with progress.stage("Other recipes", len(numbers) + 1, "tiles") as counter:
        for picture in (reference, *(source.look(index.footprints[i]) for i in numbers)):
            answer, coverage = features_of(network, picture), own_coverage(network, picture)
            for each in others:
                measured[each.name].append(each.signature(answer, coverage))
            counter.advance()
    return tuple(_rank(each, measured[each.name]) for each in others)


def _rank(recipe: Recipe, signatures: list[Signature]) -> RecipeRank:
    """Rank the second signature among the rest by similarity to the first."""
    reference, *tiles = signatures
    if recipe.standardised:
        standard = recipe.standard(tiles)
        reference, tiles = standard.apply(reference), [standard.apply(tile) for tile in tiles]
    scores = np.array([float(combine(tile.cosines(reference), recipe.combine)) for tile in tiles])
    rank = 1 + int((scores[1:] > scores[0]).sum())
    return RecipeRank(recipe.name, rank, len(tiles), float(scores[0]), sampled=True)

"""Explaining a match: which layers, which scale, where in the tile, and what other recipes say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from astropy import units as u

from skykin.catalogue.references import resolve_reference
from skykin.core.errors import UsageError
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress, Survey
from skykin.core.shapes import Numbers
from skykin.core.sphere import apart, directions, directions_of, reach_deg
from skykin.indexing.query.likeness import likeness_at
from skykin.indexing.query.pyramid import at_places
from skykin.indexing.query.wanted import Wanted
from skykin.indexing.sky_index import SkyIndex, open_index
from skykin.jobs.answer import Answer, picture_of
from skykin.jobs.asked import Reference
from skykin.jobs.kept import in_context, meter_of, sky_of
from skykin.jobs.other_recipes import ranks_elsewhere
from skykin.jobs.reference_picture import measured
from skykin.jobs.search import search_index
from skykin.products.explanation import Explanation, RecipeRank, TileFacts, write_explanation
from skykin.products.figures.canvas import house_style
from skykin.products.figures.explanation import draw_explanation
from skykin.products.folder import check_output_folder, output_folder
from skykin.style.positions import features_of, own_coverage, position_cosines
from skykin.style.similar import layer_cosines
from skykin.survey.render import RenderedSurvey
from skykin.tiling.cut import cut

#: Tiles, evenly spread, that other recipes rank the tile among.
SAMPLE = 32
#: Of the same brightness are tiles that differ by no more than this share.
AS_BRIGHT = 0.1


def explain(
    index: SkyIndex | str | Path,
    reference: Reference,
    tile: str | int,
    *,
    width_deg: float | None = None,
    pixel_deg: float | None = None,
    sample: int = SAMPLE,
    survey: Survey | None = None,
    output: str | Path | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Explanation:
    """Explain why a tile is, or is not, like a reference.

    Opens the survey and runs the network over the tile: what an index holds has no positions any more.

    Parameters
    ----------
    index : SkyIndex or path
    reference : str, Path, int, SkyCoord, …
        As for `search_index`.
    tile : str or int
        Name of a tile, its number in ``index.tiles``, or a name or position on the sky: the tile centred
        nearest to it.
    width_deg, pixel_deg : float, optional
        As for `search_index`.
    sample : int
        Tiles, evenly spread, that each other recipe ranks the tile among; 0 leaves other recipes out.
    survey : Survey, optional
        An open one; otherwise the one that the index names is opened.
    output : path, optional
        Folder for the figure and ``explanation.json``; nothing is written if left out.
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
    """
    if output is not None:
        check_output_folder(Path(output), overwrite=overwrite)
    opened = index if isinstance(index, SkyIndex) else open_index(index)
    if not 0 <= sample <= len(opened):
        raise UsageError(
            f"a sample of {sample} tiles was asked for, but the index holds {len(opened)}; use 0 to "
            f"{len(opened)}"
        )
    number = tile_number(opened, tile)
    answer = search_index(opened, reference, width_deg=width_deg, pixel_deg=pixel_deg)
    sky = sky_of(opened) if survey is None else opened.sky(survey)
    result = _explained(answer, number, sky, sample, progress or SilentProgress())
    if output is not None:
        with output_folder(Path(output), overwrite=overwrite) as folder, house_style():
            write_explanation(result, folder / "explanation.json")
            draw_explanation(result, folder)
    return result


def tile_number(index: SkyIndex, tile: str | int) -> int:
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
    found = np.flatnonzero(np.asarray(index.tiles["name"], dtype=str) == tile.strip())
    if len(found):
        return int(found[0])
    place = resolve_reference(tile)
    here = directions(np.array([place.lon_deg]), np.array([place.lat_deg]))
    cosine = (directions_of(index.tiles) @ here.T)[:, 0]
    nearest = int(np.argmax(cosine))
    away_deg = float(np.degrees(np.arccos(min(cosine[nearest], 1.0))))
    if away_deg > index.tile_deg / 2:
        raise UsageError(
            f"the nearest tile to {place.name} is centred {away_deg:.3g}° away; choose a place that the "
            "index covers"
        )
    return nearest


def _explained(
    answer: Answer, number: int, sky: RenderedSurvey, sample: int, progress: Progress
) -> Explanation:
    index, asked = answer.index, answer.asked[0]
    meter = meter_of(index)
    context = in_context(index, sky, index.footprints[number])
    reference = asked.signature
    if reference is not None and not index.is_whole(reference):  # added up from cells
        reference = measured(asked, sky).signature
    if reference is None:  # a tile: the index holds it as a vector of length 1 only
        assert asked.footprint is not None  # noqa: S101 - a tile lies somewhere
        reference = meter(in_context(index, sky, asked.footprint))
    cosines = layer_cosines(meter(context), reference)
    where = position_cosines(
        index.recipe, features_of(meter.shared.network, context), own_coverage(meter.shared.network, context),
        reference, index.standard,
    )  # fmt: skip
    shares = _shares(answer.wanted, cosines)
    area = np.asarray(index.tiles["area"])
    usual = {layer: _mean(np.asarray(answer.tiles[f"cosine_{layer}"]), area) for layer in index.layers}
    score = float(answer.wanted.joined(np.array([cosines[layer] for layer in index.layers])))
    own = replace(_facts(answer, number), score=score)
    counter = same_brightness(answer, number)
    everything = RecipeRank(index.recipe.name, own.rank, len(index), score, sampled=False)
    others = ranks_elsewhere(asked, number, sky, sample, progress) if sample else ()
    return Explanation(
        reference_name=answer.name,
        tile=own,
        counter=None if counter is None else _facts(answer, counter),
        cosines=cosines,
        usual=usual,
        shares=shares,
        sizes=_sizes(answer, number),
        where=where,
        whole=_whole(where, shares, answer, index.pixels),
        ranks=(everything, *others),
        reference_picture=picture_of(asked, sky),
        tile_picture=cut(sky, index.footprints[number], index.pixels),
        counter_picture=None if counter is None else cut(sky, index.footprints[counter], index.pixels),
        unit=index.unit,
        survey_title=index.survey_title,
        provenance=answer.provenance,
    )


def same_brightness(answer: Answer, number: int) -> int | None:
    """Find the nearest tile of the same brightness that does not match; None if there is none.

    It shares no sky with the tile or a reference.
    """
    light = np.asarray(answer.tiles["mean_intensity"].value)
    alike = np.abs(light - light[number]) <= AS_BRIGHT * np.abs(light[number])
    good = alike & ~np.asarray(answer.tiles["match"]) & np.isfinite(np.asarray(answer.tiles["score"]))
    places = directions_of(answer.tiles)
    good &= apart(places[number : number + 1], places, reach_deg(answer.index.tile_deg))[0]
    for each in answer.asked:
        good &= each.apart()
    if not good.any():
        return None
    return int(np.argmax(np.where(good, places @ places[number], -np.inf)))


def _facts(answer: Answer, number: int) -> TileFacts:
    row = answer.tiles[number]
    return TileFacts(
        str(row["name"]),
        float(row["lon"].to_value(u.deg)),
        float(row["lat"].to_value(u.deg)),
        float(row["score"]),
        float(row["mean_intensity"].value),
        int(row["rank"]),
        bool(row["match"]),
    )


def _shares(wanted: Wanted, cosines: Mapping[str, float]) -> dict[str, float]:
    """Part of the score that each layer carries."""
    weights = dict(zip(wanted.recipe.layers, wanted.layer_weights, strict=True))
    if wanted.recipe.combine == "max":
        best = max((layer for layer in cosines if weights[layer]), key=lambda layer: cosines[layer])
        return {layer: float(layer == best) for layer in cosines}
    total = sum(weights[layer] * cosines[layer] for layer in cosines)
    return {layer: float(weights[layer] * cosines[layer] / total) for layer in cosines}


def _sizes(answer: Answer, number: int) -> dict[float, tuple[float, float]]:
    """Score at the tile's place by size of tile, and the mean of all tiles of that size."""
    index, kind, found = answer.index, answer.wanted.likes[0].kind, {}
    for size_deg in index.sizes_deg:
        level = index.tiles_at(size_deg)
        score = likeness_at(index, level, answer.wanted, kind).score
        here = float(at_places(index, level, score)[number])
        found[float(size_deg)] = (here, _mean(score, np.asarray(level.tiles["area"])))
    return found


def _whole(where: Mapping[str, Numbers], shares: Mapping[str, float], answer: Answer, pixels: int) -> Numbers:
    """Add up what all layers say, in pixels of the tile."""
    wanted = answer.wanted
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


__all__ = ["explain", "same_brightness", "tile_number"]

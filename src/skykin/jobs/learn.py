"""Learning from a few examples: a linear rule on the styles of a map's tiles."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import QTable

from skykin.catalogue.object_lists import ObjectList, object_lists, shipped_list
from skykin.catalogue.references import resolve_reference
from skykin.catalogue.user_catalogue import read_catalogue
from skykin.core.errors import ResourceError, UsageError, shown
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress, Survey
from skykin.core.shapes import Numbers
from skykin.core.survey_options import SurveyOptions
from skykin.core.views import ONE_VIEW
from skykin.evaluation.assessment import LATITUDE, Assessment
from skykin.evaluation.learning import (
    ROTATED_DEG,
    Examples,
    held_out_scores,
    learnt_scores,
    unit_vectors_of,
)
from skykin.evaluation.measures import rank_correlation_in_rows
from skykin.evaluation.ranking import rank_correlation, sky_share
from skykin.evaluation.tile_centres import TileCentres
from skykin.jobs.baselines import BRIGHTNESS, brightness_baselines
from skykin.jobs.evaluated_map import EvaluatedMap, evaluated_map
from skykin.jobs.remake import Change, streamed
from skykin.jobs.streamed import StreamedSurvey
from skykin.products.agreement import SHARE
from skykin.products.folder import check_output_folder
from skykin.products.learnt import HELD_OUT, Learnt
from skykin.products.result import numbers
from skykin.products.sky_map import SkyMap
from skykin.scale.local import ordered_map
from skykin.scale.store import WorkStore
from skykin.style.engine.cells import Lattice
from skykin.style.engine.meter import ContextMeter
from skykin.style.engine.stream import PlaneSource
from skykin.survey.download import cache_folder
from skykin.tiling.facets import Facet

RECIPE = "learnt rule"
#: The styles of all tiles are held at once.
MOST_BYTES = 4 * 2**30
Example: TypeAlias = str | SkyCoord | tuple[float, float]


def learn(
    sky_map: SkyMap | str | Path,
    positive: Sequence[Example] = (),
    *,
    positives: QTable | str | Path | None = None,
    negative: Sequence[Example] = (),
    survey: Survey | str | Path | None = None,
    survey_option: SurveyOptions | None = None,
    jobs: int | None = None,
    output: str | Path | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Learnt:
    r"""Learn from several examples, rather than from one reference.

    The rule is linear in the style of a tile, each layer scaled to length one as for a cosine.  Every tile is
    scored by a rule that saw no example in its block of 30° of longitude.

    Parameters
    ----------
    sky_map : SkyMap, str or Path
        A map, or the folder that ``skykin map`` wrote: its survey, tiles and recipe are used.
    positive : sequence of names or positions
        Positive examples, each as the reference of a map.
    positives : str, Path or QTable, optional
        Instead of them, a list: the name of a shipped one, a table on disk, or one as for `evaluate`.
    negative : sequence of names or positions
        Negative examples.  If left out, the positives rotated in longitude in steps of 15°: places of
        the same latitudes, so that latitude carries no information.
    survey, survey_option :
        As for `evaluate`.
    jobs : int, optional
        Threads; all cores if left out.  Does not change the numbers.
    output : path, optional
        Folder for the table and the numbers, which ``skykin evaluate`` reads; nothing is written if left out.
    overwrite : bool
    progress : Progress, optional

    Returns
    -------
    Learnt

    Raises
    ------
    SkykinError
        If the survey is not available, an example cannot be placed, or there are too few.

    Examples
    --------
    >>> positive = [f"{lon_deg},{lat_deg}" for lon_deg in (200, 230, 245) for lat_deg in (-30, 0, 4)]
    >>> negative = [f"{lon_deg},{lat_deg}" for lon_deg in (215, 225, 237) for lat_deg in (-25, -8, 4)]
    >>> rule = skykin.learn(found, positive, negative=negative, survey=survey)
    >>> rule.n_positive, rule.n_negative
    (9, 9)
    """
    progress = progress or SilentProgress()
    if output is not None:
        check_output_folder(Path(output), overwrite=overwrite)
    wanted, others = _wanted(positive, positives, progress), _places(negative, "negative examples")
    evaluated = evaluated_map(
        sky_map, survey=survey, survey_option=survey_option, bands=None, progress=progress
    )
    if evaluated.survey is None:
        raise UsageError("learning looks at the survey again, but it is not available; give --survey")
    centres, tile_deg = evaluated.centres, evaluated.reference.width_deg
    examples = _examples(centres, wanted, others, tile_deg)
    examples.check(centres.lon_deg)
    features = unit_vectors_of(tile_styles(evaluated, jobs or os.cpu_count() or 1, progress))
    known = np.isfinite(features[examples.tile]).all(axis=1)
    examples = Examples(examples.tile[known], examples.positive[known])
    examples.check(centres.lon_deg)
    held_out = held_out_scores(features, centres.lon_deg, centres.lat_deg, examples, tile_deg)
    result = _learnt(evaluated, wanted, examples, held_out, learnt_scores(features, examples))
    if output is not None:
        result.write(output, overwrite=overwrite)
    return result


def _wanted(
    positive: Sequence[Example], positives: QTable | str | Path | None, progress: Progress
) -> ObjectList:
    places = _places(positive, "positive examples")
    if (places is None) == (positives is None):
        raise UsageError(
            "give the positive examples either as --positive, several times, or as one --positives list"
        )
    if places is not None:
        return places
    assert positives is not None  # noqa: S101 - one of the two is given
    if isinstance(positives, QTable):
        return ObjectList.from_table(positives, str(positives.meta.get("title", "positive examples")))
    if str(positives) in {each.name for each in object_lists()}:
        return shipped_list(str(positives))
    table = read_catalogue(positives, progress=progress)
    return ObjectList.from_table(table, str(table.meta["file"]))


def _places(examples: Sequence[Example], title: str) -> ObjectList | None:
    if not examples:
        return None
    places = [resolve_reference(each) for each in examples]
    return ObjectList(
        title,
        tuple(place.name for place in places),
        np.array([place.lon_deg for place in places]),
        np.array([place.lat_deg for place in places]),
        np.full(len(places), np.nan),
    )


def _examples(
    centres: TileCentres, wanted: ObjectList, others: ObjectList | None, tile_deg: float
) -> Examples:
    """Tiles on the examples; each tile once, and no negative that overlaps a positive."""
    positive = np.unique(centres.nearest(wanted.lon_deg, wanted.lat_deg))
    positive = positive[positive >= 0]
    if others is None:
        lon = (wanted.lon_deg[:, None] + ROTATED_DEG).ravel() % 360.0
        lat = np.repeat(wanted.lat_deg, len(ROTATED_DEG))
    else:
        lon, lat = others.lon_deg, others.lat_deg
    negative = np.unique(centres.nearest(lon, lat))
    negative = negative[negative >= 0]
    place = SkyCoord(centres.lon_deg, centres.lat_deg, unit="deg", frame="galactic")
    if len(positive) and len(negative):
        _, apart, _ = place[negative].match_to_catalog_sky(place[positive])
        negative = negative[apart.deg > (tile_deg if others is None else 0)]
    return Examples(
        np.concatenate([positive, negative]),
        np.concatenate([np.ones(len(positive), bool), np.zeros(len(negative), bool)]),
    )


def _learnt(
    evaluated: EvaluatedMap, wanted: ObjectList, examples: Examples, held_out: Numbers, fitted: Numbers
) -> Learnt:
    assert evaluated.survey is not None  # noqa: S101 - refused before
    cosine = f"similarity to {evaluated.query.name}"
    rivals = {
        cosine: evaluated.score,
        LATITUDE: -np.abs(evaluated.centres.lat_deg),
        BRIGHTNESS: evaluated.intensity,
        **brightness_baselines(evaluated.survey, evaluated),
    }
    table = Assessment(
        evaluated.centres,
        {HELD_OUT: held_out, **rivals},
        evaluated.intensity,
        (wanted,),
        reference=evaluated.places,
    ).table()
    follows = {
        name: rank_correlation_in_rows(evaluated.centres, held_out, values).value
        for name, values in rivals.items()
        if name != LATITUDE
    }
    follows[f"{LATITUDE} (over the sky)"] = rank_correlation(held_out, rivals[LATITUDE])
    kept = [name for name in evaluated.tiles.colnames if not name.startswith("cosine_")]
    tiles: QTable = evaluated.tiles[kept]
    order = np.argsort(np.where(np.isnan(held_out), np.inf, -held_out), kind="stable")
    rank = np.empty(len(tiles), dtype=int)
    rank[order] = np.arange(1, len(tiles) + 1)
    marks = np.zeros(len(tiles), dtype=int)
    marks[examples.tile] = np.where(examples.positive, 1, -1)
    tiles[f"{SHARE}cosine"] = sky_share(numbers(evaluated.tiles["score"]), evaluated.centres.area)
    tiles["rank"], tiles["score"], tiles["fitted"], tiles["example"] = rank, held_out, fitted, marks
    recipe = {
        "name": RECIPE,
        "on": evaluated.provenance.recipe,
        "maps": {"cosine": {"recipe": evaluated.provenance.recipe}},
        "positives": wanted.title,
        "n_positive": int(examples.positive.sum()),
        "n_negative": int((~examples.positive).sum()),
    }
    return Learnt(
        tiles=tiles,
        numbers=table,
        follows=follows,
        n_positive=int(examples.positive.sum()),
        n_negative=int((~examples.positive).sum()),
        provenance=replace(evaluated.provenance, recipe=recipe),
    )


def tile_styles(evaluated: EvaluatedMap, workers: int, progress: Progress) -> list[Numbers]:
    """Measure the style of every tile of a map.

    Returns
    -------
    list of float32 array (tiles, n)
        One per layer, in the order of the map's rows; NaN where nothing is covered.

    Raises
    ------
    ResourceError
        If they take more than `MOST_BYTES`.
    """
    settings = evaluated.settings(workers)
    store = WorkStore.of(cache_folder(), {"styles of": evaluated.provenance.to_dict()})
    made = streamed(evaluated, Change("style of every tile"), settings, store, progress)
    query = evaluated.query.for_tiles(settings.tile_size_deg, made.projection)
    query = replace(query, views=ONE_VIEW)
    size = sum(vector.size for vector in made.style(query).likes[0].values()) * 4 * len(evaluated.centres)
    if size > MOST_BYTES:
        raise ResourceError(
            f"the styles of {len(evaluated.centres)} tiles by recipe {shown(settings.recipe)} take "
            f"{size / 2**30:.0f} GiB of memory, more than {MOST_BYTES / 2**30:.0f}; "
            "use a map by core-contrast or mean-std",
            code="RS-MEM",
        )
    read = _by_facets if made.pieces else _tile_by_tile
    found = read(made, evaluated, workers, progress)
    store.clear()
    return found


def _tile_by_tile(
    made: StreamedSurvey, evaluated: EvaluatedMap, workers: int, progress: Progress
) -> list[Numbers]:
    footprints = evaluated.footprints()
    rows: list[list[Numbers]] = []
    with progress.stage("Style of every tile", len(footprints), "tiles") as counter:
        for signature in ordered_map(lambda each: made.meter(made.look(each)), footprints, workers):
            rows.append(list(signature.values()))
            counter.advance()
    return [np.stack(layer) for layer in zip(*rows, strict=True)]


def _by_facets(
    made: StreamedSurvey, evaluated: EvaluatedMap, workers: int, progress: Progress
) -> list[Numbers]:
    """Read facet after facet, and put each tile into the row of the map that has its centre."""
    layers = made.meter.recipe.layers
    styles: list[Numbers] = []
    with progress.stage("Style of every facet", len(made.pieces), "facets") as counter:
        found = ordered_map(lambda piece: _facet_styles(made, piece), made.pieces, workers)
        for piece, vectors in zip(made.pieces, found, strict=True):
            row, here = evaluated.rows_of(piece)
            if not styles:
                styles = [
                    np.full((len(evaluated.centres), vectors[layer].shape[1]), np.nan, np.float32)
                    for layer in layers
                ]
            for whole, layer in zip(styles, layers, strict=True):
                whole[row[here]] = vectors[layer][here]
            counter.advance()
    return styles


def _facet_styles(made: StreamedSurvey, piece: Facet) -> dict[str, Numbers]:
    """Signatures of the facet's own tiles, layer by layer (tiles, n)."""
    meter = made.meter
    assert isinstance(meter, ContextMeter)  # noqa: S101 - there are facets
    halo, (height, width) = meter.halo, piece.shape
    picture = piece.picture(made.sky, halo)
    source = PlaneSource(picture.rgb, picture.coverage, halo, halo, height, width)
    own = piece.own.ravel()
    rows: dict[str, list[Numbers]] = {layer: [] for layer in meter.recipe.layers}
    lattice = Lattice(height, width, piece.tile, piece.spacing)
    _, lat = piece.centers()
    signatures = meter.shared.signatures(source, lattice)
    for mine, signature, lat_deg in zip(own, signatures, lat.ravel().tolist(), strict=True):
        if mine:
            measured = signature if meter.standard is None else meter.standard.apply(signature, lat_deg)
            for layer, vector in measured.items():
                rows[layer].append(vector)
    return {layer: np.stack(vectors) for layer, vectors in rows.items()}

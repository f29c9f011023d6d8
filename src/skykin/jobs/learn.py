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

from skykin.catalogue.object_lists import object_lists
from skykin.catalogue.reference import resolve_reference
from skykin.catalogue.shipped_lists import shipped_list
from skykin.catalogue.target_list import TargetList
from skykin.catalogue.user_catalogue import read_catalogue
from skykin.core.errors import UsageError
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress, Survey
from skykin.core.shapes import Numbers
from skykin.core.survey_options import SurveyOptions
from skykin.evaluation.assessment import LATITUDE, Assessment
from skykin.evaluation.latitude_rows import rank_correlation_in_rows
from skykin.evaluation.learning import (
    TURNED_DEG,
    Examples,
    held_out_scores,
    learnt_scores,
    unit_vectors_of,
)
from skykin.evaluation.ranking import sky_share
from skykin.evaluation.tile_centres import TileCentres
from skykin.jobs.baselines import BRIGHTNESS, brightness_baselines
from skykin.jobs.judged_map import JudgedMap, judged_map
from skykin.jobs.tile_styles import tile_styles
from skykin.products.agreement import SHARE
from skykin.products.folder import check_output_folder
from skykin.products.learnt import HELD_OUT, Learnt, write_learnt
from skykin.products.result import KinMap, numbers

RECIPE = "learnt rule"
Example: TypeAlias = str | SkyCoord | tuple[float, float]


def learn_kin(
    kin: KinMap | str | Path,
    positives: Sequence[Example] | TargetList | str | Path,
    negatives: Sequence[Example] = (),
    *,
    survey: Survey | str | Path | None = None,
    survey_option: SurveyOptions | None = None,
    jobs: int | None = None,
    output: str | Path | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Learnt:
    r"""Learn from several examples, rather than from one reference, what is looked for.

    The rule is linear in the style of a tile, each layer scaled to length one as for a cosine.  Every tile is
    scored by a rule that saw no example in its block of 30° of longitude.

    Parameters
    ----------
    kin : KinMap, str or Path
        A map, or the folder that ``skykin map`` wrote: its survey, tiles and recipe are used.
    positives : sequence of names or positions, or a list
        What is looked for: as references of a map; the name of a shipped list; or a table on disk.
    negatives : sequence of names or positions
        What is not.  If left out, the positives turned about the Galactic poles in steps of 15°: places of
        the same latitudes, so that latitude teaches nothing.
    survey, survey_option :
        As for `evaluate_map`.
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
        If the survey is not at hand, an example cannot be placed, or there are too few.

    Examples
    --------
    >>> import skykin
    >>> rule = skykin.learn_kin("skykin-orion-core-contrast", "sharpless")  # doctest: +SKIP
    >>> print("\n".join(rule.sentences()))  # doctest: +SKIP
    """
    progress = progress or SilentProgress()
    if output is not None:
        check_output_folder(Path(output), overwrite=overwrite)
    wanted, others = _positives(positives, progress), _places(negatives, "negative examples")
    judged = judged_map(kin, survey=survey, survey_option=survey_option, bands=None, progress=progress)
    if judged.survey is None:
        raise UsageError("learning looks at the survey again, but it is not at hand; say where with --survey")
    examples = _examples(judged.centres, wanted, others, judged.reference.width_deg)
    examples.check(judged.centres.lon_deg)
    features = unit_vectors_of(tile_styles(judged, jobs or os.cpu_count() or 1, progress))
    known = np.isfinite(features[examples.tile]).all(axis=1)
    examples = Examples(examples.tile[known], examples.positive[known])
    examples.check(judged.centres.lon_deg)
    held_out = held_out_scores(
        features, judged.centres.lon_deg, judged.centres.lat_deg, examples, judged.reference.width_deg
    )
    result = _learnt(judged, wanted, examples, held_out, learnt_scores(features, examples))
    if output is not None:
        write_learnt(result, Path(output), overwrite=overwrite)
    return result


def _positives(positives: Sequence[Example] | TargetList | str | Path, progress: Progress) -> TargetList:
    if isinstance(positives, TargetList):
        return positives
    if isinstance(positives, str) and positives in {each.name for each in object_lists()}:
        return shipped_list(positives)
    if isinstance(positives, str | Path):
        table = read_catalogue(positives, progress=progress)
        wanted = table["star_forming"] if "star_forming" in table.colnames else None
        return TargetList.from_table(table, str(table.meta.get("file", "examples")), wanted)
    found = _places(positives, "positive examples")
    if found is None:
        raise UsageError("there are no positive examples; name some, such as orion and carina, or a list")
    return found


def _places(examples: Sequence[Example], title: str) -> TargetList | None:
    if not examples:
        return None
    places = [resolve_reference(each) for each in examples]
    return TargetList(
        title,
        tuple(place.name for place in places),
        np.array([place.lon_deg for place in places]),
        np.array([place.lat_deg for place in places]),
        np.full(len(places), np.nan),
    )


def _examples(
    centres: TileCentres, wanted: TargetList, others: TargetList | None, tile_deg: float
) -> Examples:
    """Tiles on the examples; each tile once, and no negative that shares sky with a positive."""
    positive = np.unique(centres.nearest(wanted.lon_deg, wanted.lat_deg))
    positive = positive[positive >= 0]
    if others is None:
        lon = (wanted.lon_deg[:, None] + TURNED_DEG).ravel() % 360.0
        lat = np.repeat(wanted.lat_deg, len(TURNED_DEG))
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
    judged: JudgedMap, wanted: TargetList, examples: Examples, held_out: Numbers, fitted: Numbers
) -> Learnt:
    assert judged.survey is not None  # noqa: S101 - refused before
    cosine = f"likeness to {judged.provenance.reference['name']}"
    rivals = {
        cosine: judged.score,
        LATITUDE: -np.abs(judged.centres.lat_deg),
        BRIGHTNESS: judged.intensity,
        **brightness_baselines(judged.survey, judged),
    }
    table = Assessment(
        judged.centres,
        {HELD_OUT: held_out, **rivals},
        judged.intensity,
        (wanted,),
        reference=judged.places,
    ).table()
    follows = {
        name: rank_correlation_in_rows(judged.centres, held_out, values).value
        for name, values in rivals.items()
        if name != LATITUDE
    }
    known = np.isfinite(held_out) & np.isfinite(judged.centres.lat_deg)
    follows[f"{LATITUDE} (over the sky)"] = float(
        np.corrcoef(sky_share(held_out[known]), sky_share(rivals[LATITUDE][known]))[0, 1]
    )
    kept = [name for name in judged.tiles.colnames if not name.startswith("cosine_")]
    tiles: QTable = judged.tiles[kept]
    order = np.argsort(np.where(np.isnan(held_out), np.inf, -held_out), kind="stable")
    rank = np.empty(len(tiles), dtype=int)
    rank[order] = np.arange(1, len(tiles) + 1)
    marks = np.zeros(len(tiles), dtype=int)
    marks[examples.tile] = np.where(examples.positive, 1, -1)
    tiles[f"{SHARE}cosine"] = sky_share(numbers(judged.tiles["score"]), judged.centres.area)
    tiles["rank"], tiles["score"], tiles["fitted"], tiles["example"] = rank, held_out, fitted, marks
    recipe = {
        "name": RECIPE,
        "on": judged.provenance.recipe,
        "maps": {"cosine": {"recipe": judged.provenance.recipe}},
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
        provenance=replace(judged.provenance, recipe=recipe),
    )

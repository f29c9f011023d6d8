"""The evaluation of a map: what its score finds, beside simpler rankings and beside chance."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from astropy.table import QTable

from skykin.catalogue.object_lists import ObjectList, shipped_lists
from skykin.catalogue.user_catalogue import read_catalogue
from skykin.core.errors import UsageError, shown
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress, Survey
from skykin.core.survey_options import BandsLike, SurveyOptions
from skykin.evaluation.assessment import Assessment
from skykin.evaluation.rotated import EXCLUDE_DEG, ROTATIONS
from skykin.jobs.baselines import baselines
from skykin.jobs.evaluated_map import EvaluatedMap, evaluated_map
from skykin.jobs.injections import Injections
from skykin.jobs.injections import injections as inject
from skykin.jobs.remake import NULLS, changes_of, empty_reference, null_scores, remade_all
from skykin.jobs.remake import stability as make_again
from skykin.products.evaluation import Evaluation
from skykin.products.sky_map import SkyMap

#: Fractions of the sky at which the curves are drawn.
CURVE = np.concatenate([np.linspace(0, 0.1, 41), np.linspace(0.11, 1, 90)])
FEWEST_ROTATIONS, MOST_ROTATIONS = 20, 3600
MOST_INJECTIONS = 10_000


def evaluate(
    sky_map: SkyMap | str | Path,
    catalogue: str | Path | QTable | Sequence[str | Path | QTable] = (),
    *,
    survey: Survey | str | Path | None = None,
    survey_option: SurveyOptions | None = None,
    bands: BandsLike | None = None,
    rotations: int = ROTATIONS,
    seed: int = 0,
    nulls: bool = False,
    injections: int = 0,
    stability: bool = False,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    r"""Evaluate a map with lists of objects, against the same lists rotated in longitude.

    Parameters
    ----------
    sky_map : SkyMap, str or Path
        A map, or the folder that ``skykin map`` wrote.
    catalogue : path, QTable, or sequence of these
        Lists of objects to be found: files as `read_catalogue` reads them, or tables with columns ``lon_deg``
        and ``lat_deg``; rows whose ``star_forming`` is false are left out.  Without any, the lists that ship
        with Skykin.
    survey : Survey, str or Path, optional
        The survey of the map, where it is not a ready-made one on this computer.
    survey_option, bands :
        As for the map.
    rotations : int
        How often the lists are rotated in longitude, by equal steps.
    seed : int
        Random seed.
    nulls : bool
        Whether to score the sky by a random-weight network, with random phases and for an empty reference
        too: three more maps.
    injections : int
        How many copies of the reference are put at empty places and searched for.
    stability : bool
        Whether to make the map again in eleven other ways.
    jobs : int, optional
        Threads; all cores if left out.  Does not change the numbers.
    progress : Progress, optional

    Returns
    -------
    Evaluation
        `Evaluation.add_to_map` puts it into the folder and the report of the map.

    Raises
    ------
    SkykinError
        If the folder holds no map, a list cannot be used, or too few of its objects lie on the map.

    Examples
    --------
    >>> from astropy.table import QTable
    >>> lon_deg, lat_deg = [225, 230, 235, 240, 245, 248], [-20, -10, 0, -25, -5, -15]
    >>> places = QTable({"name": list("ABCDEF"), "lon_deg": lon_deg, "lat_deg": lat_deg})
    >>> numbers = skykin.evaluate(found, [places], survey=survey, rotations=20).numbers
    >>> print("; ".join(sorted(set(numbers["zone"]))))
    all sky; |b| > 5°; |b| ≤ 5°
    """
    _check("rotations", rotations, FEWEST_ROTATIONS, MOST_ROTATIONS, ROTATIONS)
    _check("injections", injections, 0, MOST_INJECTIONS, 0)
    progress, workers = progress or SilentProgress(), jobs or os.cpu_count() or 1
    lists, contaminants = _lists(catalogue, progress)
    evaluated = evaluated_map(
        sky_map, survey=survey, survey_option=survey_option, bands=bands, progress=progress
    )
    if nulls or injections or stability:
        _check_remakable(evaluated)
    rivals = baselines(evaluated, workers, progress)
    if nulls and stability:
        # Where only other references are looked for, the sky is read once for all of them.
        remade_all(evaluated, [*changes_of(evaluated), empty_reference(evaluated)], workers, progress)
    if nulls:
        rivals |= null_scores(evaluated, [*lists, contaminants], seed, workers, progress)
    injected = inject(evaluated, injections, seed, workers, progress) if injections else Injections()
    name = f"score ({evaluated.provenance.recipe.get('name', 'style')})"
    assessment = Assessment(
        evaluated.centres, {name: evaluated.score, **rivals}, evaluated.intensity, lists, contaminants,
        evaluated.places, rotations=rotations, seed=seed,
    )  # fmt: skip
    made_again = (
        make_again(evaluated, lists[0], rotations=rotations, seed=seed, workers=workers, progress=progress)
        if stability
        else QTable()
    )
    return Evaluation(
        title=f"Evaluation of the map of {evaluated.query.name}",
        evaluated=name,
        numbers=assessment.table(),
        objects=assessment.objects(),
        curves=assessment.curves(CURVE),
        provenance=evaluated.provenance,
        nulls=NULLS if nulls else (),
        stability=made_again,
        injections=injected.copies,
        injection_changes=injected.changes,
        facts={
            "rotations": rotations,
            "seed": seed,
            "exclude_deg": EXCLUDE_DEG,
            "lists": {each.title: len(each) for each in lists},
            "contaminants": contaminants.title,
        },
    )


def _check(name: str, value: int, fewest: int, most: int, default: int) -> None:
    if not fewest <= value <= most:
        raise UsageError(
            f"{name} is {value}, but it must be from {fewest} to {most}; the default is {default}"
        )


def _check_remakable(evaluated: EvaluatedMap) -> None:
    if evaluated.survey is None:
        raise UsageError(
            "nulls, injections and stability look at the survey again, but it is not available; say where it "
            "is with --survey"
        )
    if "maps" in evaluated.provenance.recipe:
        raise UsageError(
            "nulls, injections and stability make a map again, but this was made from maps (agree, learn); "
            "give them for one of those"
        )


def _lists(
    catalogue: str | Path | QTable | Sequence[str | Path | QTable], progress: Progress
) -> tuple[tuple[ObjectList, ...], ObjectList]:
    """Give the lists of what should be found, shipped or own, and the contaminants."""
    shipped, contaminants = shipped_lists()
    own: list[ObjectList] = []
    for each in (catalogue,) if isinstance(catalogue, str | Path | QTable) else catalogue:
        table = each if isinstance(each, QTable) else read_catalogue(each, progress=progress)
        title = str(table.meta.get("title", table.meta.get("file", f"list {len(own) + 1}")))
        own.append(ObjectList.from_table(table, title))
    titles = [each.title for each in own]
    twice = next((title for title in titles if titles.count(title) > 1), None)
    if twice is not None:
        raise UsageError(f"two lists are called {shown(twice)}; rename one of them")
    return tuple(own) or shipped, contaminants

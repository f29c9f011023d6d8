"""The evaluation of a map: what its score is worth beside simpler rankings and beside chance."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from astropy.table import QTable

from skykin.catalogue.shipped_lists import shipped_lists
from skykin.catalogue.target_list import TargetList
from skykin.catalogue.user_catalogue import read_catalogue
from skykin.core.errors import UsageError, shown
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress, Survey
from skykin.core.shapes import Numbers
from skykin.core.survey_options import BandsLike, SurveyOptions
from skykin.evaluation.assessment import Assessment
from skykin.evaluation.turned import EXCLUDE_DEG, TURNS
from skykin.jobs.baselines import baselines
from skykin.jobs.injections import injections as inject
from skykin.jobs.judged_map import JudgedMap, judged_map
from skykin.jobs.nulls import NAMES, empty_reference, null_scores
from skykin.jobs.remake import remade_all
from skykin.jobs.stability import changes_of
from skykin.jobs.stability import stability as make_again
from skykin.products.evaluation import Evaluation
from skykin.products.evaluation_files import FOLDER, REPORT, add_to_map, write_evaluation
from skykin.products.result import KinMap

#: Fractions of the sky at which the curves are drawn.
CURVE = np.concatenate([np.linspace(0, 0.1, 41), np.linspace(0.11, 1, 90)])
FEWEST_TURNS, MOST_TURNS = 20, 3600
MOST_INJECTIONS = 10_000


def evaluate_map(
    kin: KinMap | str | Path,
    catalogues: Sequence[str | Path | QTable] = (),
    *,
    survey: Survey | str | Path | None = None,
    survey_option: SurveyOptions | None = None,
    bands: BandsLike | None = None,
    turns: int = TURNS,
    seed: int = 0,
    nulls: bool = False,
    injections: int = 0,
    stability: bool = False,
    jobs: int | None = None,
    output: str | Path | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    r"""Judge a map by lists of objects, against the same objects turned and beside simpler rankings.

    Parameters
    ----------
    kin : KinMap, str or Path
        A map, or the folder that ``skykin map`` wrote.
    catalogues : sequence of path or QTable
        Lists of objects to be found: files as `read_catalogue` reads them, or tables with columns ``lon_deg``
        and ``lat_deg``; rows whose ``star_forming`` is false are left out.  Without any, the lists that ship
        with Skykin.
    survey : Survey, str or Path, optional
        The survey of the map, where it is not a ready-made one on this computer.
    survey_option, bands :
        As for the map.
    turns : int
        How often the lists are turned in longitude.
    seed : int
        Of the bootstrap and of everything random.
    nulls : bool
        Whether to score the sky by a random-weight network, with random phases and for an empty reference
        too: three more maps.
    injections : int
        How many copies of the reference are put at empty places and looked for.
    stability : bool
        Whether to make the map again in eleven other ways.
    jobs : int, optional
        Threads; all cores if left out.  Does not change the numbers.
    output : path, optional
        Folder for tables and figures; nothing is written if left out.
    progress : Progress, optional

    Returns
    -------
    Evaluation

    Raises
    ------
    SkykinError
        If the folder holds no map, a list cannot be used, or too few of its objects lie on the map.

    Examples
    --------
    >>> import skykin
    >>> worth = skykin.evaluate_map("skykin-orion-poster")  # doctest: +SKIP
    >>> print("\n".join(worth.sentences()))  # doctest: +SKIP
    """
    if not FEWEST_TURNS <= turns <= MOST_TURNS:
        raise UsageError(
            f"turns is {turns}, but it must be from {FEWEST_TURNS} to {MOST_TURNS}; the default is {TURNS}"
        )
    if not 0 <= injections <= MOST_INJECTIONS:
        raise UsageError(f"injections is {injections}, but it must be from 0 to {MOST_INJECTIONS}")
    progress = progress or SilentProgress()
    lists, confusers = _lists(catalogues, progress)
    judged = judged_map(
        kin,
        survey=survey,
        survey_option=survey_option,
        bands=bands,
        progress=progress,
    )
    workers = jobs or os.cpu_count() or 1
    if judged.survey is None and (nulls or injections or stability):
        raise UsageError(
            "nulls, injections and stability look at the survey again, but it is not at hand; say where it "
            "is with --survey"
        )
    if "maps" in judged.provenance.recipe and (nulls or injections or stability):
        raise UsageError(
            "nulls, injections and stability make a map again, but this was made from maps (agree, learn); "
            "give them for one of those"
        )
    rivals = baselines(judged, workers, progress)
    if nulls and stability:
        # Where only other references are asked for, the sky is read once for all of them.
        remade_all(judged, [*changes_of(judged), empty_reference(judged)], workers, progress)
    if nulls:
        rivals |= null_scores(judged, _all(lists, confusers), seed, workers, progress)
    injected = inject(judged, injections, seed, workers, progress) if injections else None
    assessment = _assessment(judged, rivals, lists, confusers, turns=turns, seed=seed)
    trial, reference = next(iter(assessment.scores)), judged.provenance.reference
    result = Evaluation(
        title=f"The kin of {reference.get('set', reference['name'])} on trial",
        trial=trial,
        numbers=assessment.table(),
        objects=assessment.objects(),
        curves=assessment.curves(CURVE),
        provenance=judged.provenance,
        nulls=NAMES if nulls else (),
        stability=make_again(judged, lists[0], turns=turns, seed=seed, workers=workers, progress=progress)
        if stability
        else QTable(),
        injections=QTable() if injected is None else injected.copies,
        injection_changes=QTable() if injected is None else injected.changes,
        facts={
            "turns": turns,
            "seed": seed,
            "exclude_deg": EXCLUDE_DEG,
            "lists": {each.title: len(each) for each in lists},
            "confusers": None if confusers is None else confusers.title,
        },
    )
    if output is not None:
        write_evaluation(result, Path(output), progress)
    return result


def keep_in_map(result: Evaluation, folder: Path, progress: Progress) -> Path:
    """Write an evaluation into the folder of its map, and show it in the map's report.

    Returns
    -------
    Path
        What to look at.
    """
    written = write_evaluation(result, folder / FOLDER, progress)
    return folder / REPORT if add_to_map(folder) else written["evaluation.json"]


def _assessment(
    judged: JudgedMap,
    rivals: dict[str, Numbers],
    lists: Sequence[TargetList],
    confusers: TargetList | None,
    *,
    turns: int,
    seed: int,
) -> Assessment:
    name = f"score ({judged.provenance.recipe.get('name', 'style')})"
    return Assessment(
        judged.centres,
        {name: judged.score, **rivals},
        judged.intensity,
        lists,
        confusers,
        judged.places,
        turns=turns,
        seed=seed,
    )


def _all(lists: Sequence[TargetList], confusers: TargetList | None) -> list[TargetList]:
    return [*lists, *([] if confusers is None else [confusers])]


def _lists(
    catalogues: Sequence[str | Path | QTable], progress: Progress
) -> tuple[tuple[TargetList, ...], TargetList | None]:
    shipped, confusers = shipped_lists()
    own: list[TargetList] = []
    for each in catalogues:
        table = each if isinstance(each, QTable) else read_catalogue(each, progress=progress)
        title = str(table.meta.get("title", table.meta.get("file", f"list {len(own) + 1}")))
        wanted = table["star_forming"] if "star_forming" in table.colnames else None
        own.append(TargetList.from_table(table, title, wanted))
    titles = [each.title for each in own]
    twice = next((title for title in titles if titles.count(title) > 1), None)
    if twice is not None:
        raise UsageError(f"two lists are called {shown(twice)}; rename one of them")
    return tuple(own) or shipped, confusers

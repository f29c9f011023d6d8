"""Searching an index: from references to a map of its tiles, or to the best tiles alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from astropy import units as u
from astropy.table import QTable

from skykin.catalogue.query import Query
from skykin.catalogue.references import listed
from skykin.catalogue.target_choice import DEFAULT_CHOICE, TargetChoice
from skykin.core.angle import size_deg
from skykin.core.criterion import MatchCriterion
from skykin.core.errors import UsageError
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress, Survey
from skykin.core.provenance import Provenance
from skykin.core.robustness import Robustness
from skykin.core.settings import MapSettings
from skykin.core.sphere import directions_of, non_overlapping
from skykin.core.views import ONE_VIEW, Over
from skykin.indexing.query.lists import lists_of
from skykin.indexing.query.nearest import by_lists, by_scan, nearest
from skykin.indexing.query.similarity import SHORTLIST, some_of
from skykin.indexing.sky_index import StoredIndex, opened
from skykin.jobs.finish import finished_map
from skykin.jobs.query import Reference, read_query
from skykin.jobs.stored import StoredSurvey
from skykin.jobs.views import view_columns
from skykin.products.folder import check_output_folder
from skykin.products.mapped import SurveyFacts
from skykin.products.sky_map import SkyMap
from skykin.style.recipe import Combine
from skykin.style.similarity import Similarity

#: How much longer the list of candidates becomes while too few of them do not overlap.
LONGER = 4
#: Columns of an index's tiles that a list of the best carries.
CARRIED = ("name", "lon", "lat", "ra", "dec", "width", "height")


def search(
    index: StoredIndex | str | Path,
    reference: Reference | Sequence[Reference] | Query,
    *,
    unlike: Reference | Sequence[Reference] = (),
    combine: Combine | None = None,
    weight: Mapping[str, float] | None = None,
    width: float | u.Quantity | None = None,
    pixel_scale: float | u.Quantity | None = None,
    turns: int | None = None,
    mirror: bool | None = None,
    scales: float | str | Sequence[float] | None = None,
    views: Over | None = None,
    tile_size: float | u.Quantity | None = None,
    measure: bool = False,
    pyramid: bool = False,
    threshold: float | None = None,
    top_fraction: float | None = None,
    max_q: float | None = None,
    csls: bool = False,
    surrogates: int = 0,
    noise_draws: int = 0,
    seed: int = 0,
    targets: int = DEFAULT_CHOICE.targets,
    min_separation: float | u.Quantity | None = None,
    site: str | None = None,
    night: str | date | None = None,
    survey: Survey | str | Path | None = None,
    jobs: int | None = None,
    output: str | Path | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> SkyMap:
    """Score every tile of an index by its similarity to references; takes well under a second.

    Parameters
    ----------
    index : SkyIndex or path
    reference : str, Path, int, SkyCoord, tuple, Footprint, MOC, Picture, Elsewhere, or a list of these
        The references, as for `map`; besides, the name of a tile of the index, its number in
        ``index.tiles``, or ``place@folder`` for a place in another survey's index of the same recipe.  A
        `Query`, which `read_query` gives, is the whole query.
    unlike, combine, weight, width, pixel_scale :
        As for `map`.
    turns, mirror, scales, views :
        In which views the references are looked at, as for `map`.  Other views than that of the reference as
        it is open the survey; where it is not at hand and they were not requested, there is one view.
    tile_size : float or Quantity, optional
        Side of the tiles, degrees: the nearest of the sizes that the cells of the index add up to; that of
        the index if left out.  Smaller tiles have the brightness of the nearest tile of the index.
    measure : bool
        Measure references in the survey with the network, which opens the survey; otherwise the
        reference, as it is, is added up from the cells of the index that are centred in it, which takes no
        time and is nearly the same.
    pyramid : bool
        Also compare tiles of all sizes that the index can add up: columns ``best_size`` and ``best_score``.
    threshold, top_fraction, max_q : float, optional
        The match criterion, as for `map`.
    csls, surrogates, noise_draws, seed :
        Further tests of the scores, as for `map`; surrogates and noise open the survey.
    targets, min_separation, site, night :
        Which targets the products list, and from where they would be observed; see `TargetChoice`.
    survey : Survey, str, Path, optional
        An open one, or its name or file, for pictures; otherwise the one that the index names is opened
        when it is needed.
    jobs : int, optional
        Threads that compute surrogates and noise; all available cores if left out.
    output : path, optional
        Folder for the products of a map; nothing is written if left out.
    overwrite : bool
        Whether a folder that Skykin made before may be replaced.
    progress : Progress, optional

    Returns
    -------
    SkyMap
        Its pictures, regions and summary are made when they are requested: they open the survey and load the
        network, both of which the scores do without.

    Raises
    ------
    SkykinError
        With one sentence that says what is wrong, the value found and the way out.

    Examples
    --------
    >>> skykin.search(made, "209,-19", top_fraction=0.1).best(2)["rank", "name", "match"]
    <QTable length=2>
     rank      name     match
    int64     str13      bool
    ----- ------------- -----
       13 G205.13-05.11 False
       21 G223.28-23.86 False
    """
    if output is not None:
        check_output_folder(Path(output), overwrite=overwrite)
    criterion = MatchCriterion(threshold=threshold, top_fraction=top_fraction, max_q=max_q)
    choice = TargetChoice(targets=targets, min_separation=min_separation, site=site, night=night)
    robustness = Robustness(csls=csls, surrogates=surrogates, noise_draws=noise_draws, seed=seed)
    progress, workers = progress or SilentProgress(), MapSettings(jobs=jobs).workers
    source = stored_survey(
        index, reference, unlike=unlike, combine=combine, weight=weight, width=width,
        pixel_scale=pixel_scale, turns=turns, mirror=mirror, scales=scales, views=views,
        survey=survey, tile_size=tile_size, measure=measure, workers=workers, progress=progress,
    )  # fmt: skip
    further = csls or surrogates or noise_draws or pyramid
    if not source.is_standard and further:
        raise UsageError(
            f"the index keeps tiles of {source.index.tile_deg:g}°, not of {source.tile_deg:g}°; leave the "
            "tile size out for further tests of the scores, and for tiles of all sizes"
        )
    found = finished_map(
        source.scores(csls=csls, sizes=pyramid),
        source.query,
        source,
        criterion=criterion,
        robustness=robustness,
        survey=SurveyFacts(source.index.survey_title, source.index.bands, source.index.extent),
        provenance=_provenance(source, criterion, robustness, pyramid=pyramid),
        workers=workers,
        progress=progress,
    )
    found = replace(found, choice=choice)
    if output is not None:
        found.write(output, overwrite=overwrite, progress=progress)
    return found


def stored_survey(
    index: StoredIndex | str | Path,
    reference: Reference | Sequence[Reference] | Query,
    *,
    survey: Survey | str | Path | None = None,
    tile_size: float | u.Quantity | None = None,
    measure: bool = False,
    workers: int = 1,
    progress: Progress | None = None,
    **asked: Any,
) -> StoredSurvey:
    """Open an index and read the query; `asked` as for `read_query`."""
    progress = progress or SilentProgress()
    here = opened(index, progress)
    tile_deg = None if tile_size is None else here.nearest_size_deg(size_deg("tile size", tile_size))
    asked_for = reference if isinstance(reference, Query) else read_query(reference, index=here, **asked)
    query = asked_for.for_tiles(tile_deg or here.tile_deg)
    source = StoredSurvey(
        here,
        query.in_views(here.recipe.views),
        None if survey is None else here.sky(survey),
        measure,
        workers,
        tile_deg or here.tile_deg,
    )
    reason = "" if query.views.given or not source.query.views.several else source.blind()
    if not reason:
        return source
    progress.say(f"the reference is looked at as it is, in one view: {reason}")
    return replace(source, query=query.in_views(ONE_VIEW))


def nearest_tiles(
    index: StoredIndex | str | Path,
    reference: Reference | Sequence[Reference],
    k: int = 10,
    *,
    approximate: bool = False,
    unlike: Reference | Sequence[Reference] = (),
    combine: Combine | None = None,
    weight: Mapping[str, float] | None = None,
    width: float | u.Quantity | None = None,
    pixel_scale: float | u.Quantity | None = None,
    turns: int | None = None,
    mirror: bool | None = None,
    scales: float | str | Sequence[float] | None = None,
    views: Over | None = None,
    survey: Survey | None = None,
    progress: Progress | None = None,
) -> QTable:
    """List the tiles of an index that are most similar to a reference: no map, and no p-values.

    Parameters
    ----------
    index : SkyIndex or path
    reference : str, Path, int, SkyCoord, tuple, Footprint, MOC, Picture, Elsewhere, or a list of these
        As of `search`, like all that is not explained here.
    k : int
        How many tiles.
    approximate : bool
        Read only the part of the index where the best tiles lie; needs the extra ``approximate``.  At the
        first use, where tiles belong is found out and written into the index's folder: 330 bytes a tile; from
        three million tiles on 41 bytes, as codes.  The candidates are compared again by all their numbers.
        Without counter-examples: what is least similar to those may be anywhere.
    unlike, combine, weight, width, pixel_scale, turns, mirror, scales, views, survey, progress :

    Returns
    -------
    QTable
        Up to `k` rows, the best first, none of which overlaps a better one or a reference: ``rank``,
        ``name``, ``lon``, ``lat``, ``ra``, ``dec``, ``width``, ``height``, ``score`` and one cosine per
        layer.

    Raises
    ------
    SkykinError
        With one sentence that says what is wrong, the value found and the way out.

    Examples
    --------
    >>> skykin.nearest_tiles(made, "209,-19", k=2)["name"].tolist()
    ['G205.13-05.11', 'G223.28-23.86']
    """
    if approximate and listed(unlike):
        raise UsageError(
            "the approximate index finds what is similar to a reference, not what is unlike a "
            "counter-example; leave one of the two out"
        )
    source = stored_survey(
        index, reference, unlike=unlike, combine=combine, weight=weight, width=width, pixel_scale=pixel_scale,
        turns=turns, mirror=mirror, scales=scales, views=views, survey=survey,
        workers=MapSettings().workers, progress=progress,
    )  # fmt: skip
    here, query = source.index, source.query
    if not 1 <= k <= len(here):
        raise UsageError(f"{k} tiles were requested, but there are {len(here)}; request 1 to {len(here)}")
    lists = lists_of(here, progress or SilentProgress()) if approximate else None
    shortlist = by_scan(here, source.workers) if lists is None else by_lists(here, lists)
    tiles = here.tiles
    overlapping = query.overlapped(tiles["lon"].to_value(u.deg), tiles["lat"].to_value(u.deg), here.tile_deg)
    count = max(SHORTLIST, LONGER * k)
    while True:
        numbers, found = nearest(here, source.style_in, shortlist, count, source.exact)
        order = np.argsort(-found.score, kind="stable")
        order = order[np.isfinite(found.score[order]) & ~overlapping[numbers[order]]]
        chosen = order[non_overlapping(directions_of(tiles[numbers[order]]), here.tile_deg, k)]
        if len(chosen) == k or count >= len(here):
            break
        count *= LONGER
    return listed_tiles(tiles[numbers[chosen]], some_of(found, chosen), source)


def listed_tiles(tiles: QTable, found: Similarity, source: StoredSurvey) -> QTable:
    """List tiles, the best first, with their scores."""
    table = QTable({"rank": np.arange(1, len(tiles) + 1)})
    for name in CARRIED:
        table[name] = tiles[name]
    table["score"] = found.score
    for name, values in view_columns(source.query_style, found.view).items():
        table[name] = values
    for number, layer in enumerate(source.index.layers):
        table[f"cosine_{layer}"] = found.cosines[:, number]
    return table


def _provenance(
    source: StoredSurvey, criterion: MatchCriterion, robustness: Robustness, *, pyramid: bool
) -> Provenance:
    """Of the index, with the query."""
    settings = {
        "index": source.index.path.name,
        "query": source.query.told(),
        "measure": source.measure,
        "pyramid": pyramid,
        **({} if source.is_standard else {"tile_size_deg": source.tile_deg}),
        "criterion": criterion.to_dict(),
        "robustness": robustness.to_dict(),
    }
    return replace(
        source.index.provenance,
        query=source.query.told(),
        calibration=robustness.to_dict(),
        settings=settings,
    )

"""Standing queries of an index: which there are, and the notices of what they find."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from astropy import units as u
from astropy.table import Table

from skykin.catalogue.query import Query
from skykin.catalogue.target_choice import MOST_TARGETS, TargetChoice
from skykin.core.criterion import MatchCriterion
from skykin.core.errors import UnknownNameError, UsageError, shown
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress
from skykin.core.provenance import library_versions
from skykin.core.views import Over
from skykin.indexing.layout import STANDING
from skykin.indexing.sky_index import StoredIndex, opened
from skykin.indexing.standing import Found, Standing, StandingQuery
from skykin.jobs.query import Reference, read_query
from skykin.jobs.search import search
from skykin.products.designation import designations
from skykin.products.target_list import TargetList, target_list
from skykin.style.recipe import Combine

#: Names of standing queries: they are parts of identifiers.
NAME = re.compile(r"[\w.-]{1,64}", re.ASCII)


def queries(
    index: StoredIndex | str | Path,
    add: str | None = None,
    *,
    remove: str | None = None,
    reference: Reference | Sequence[Reference] = (),
    unlike: Reference | Sequence[Reference] = (),
    combine: Combine | None = None,
    weight: Mapping[str, float] | None = None,
    width: float | u.Quantity | None = None,
    pixel_scale: float | u.Quantity | None = None,
    turns: int | None = None,
    mirror: bool | None = None,
    scales: float | str | Sequence[float] | None = None,
    views: Over | None = None,
    threshold: float | None = None,
    top_fraction: float | None = None,
    max_q: float | None = None,
    csls: bool = False,
    min_separation: float | u.Quantity | None = None,
    from_now: bool = False,
    progress: Progress | None = None,
) -> Table:
    """List the standing queries of an index, which `watch` asks; add or remove one.

    Parameters
    ----------
    index : SkyIndex or path
    add : str, optional
        Name of a new one: letters, digits, ``.``, ``_`` and ``-``.
    remove : str, optional
        Name of one that is forgotten, with all that it found.
    reference, unlike, combine, weight, width, pixel_scale, turns, mirror, scales, views :
        What the new one looks for, as for `search`.
    threshold, top_fraction, max_q, csls :
        Its match criterion, as for `search`.
    min_separation : float or Quantity, optional
        Smallest distance between two of its targets, degrees; √2 tiles if left out.
    from_now : bool
        Take the targets that there are now as known; otherwise `watch` announces them first.
    progress : Progress, optional

    Returns
    -------
    Table
        ``name``, ``reference``, ``criterion``, ``added`` (UTC), ``announced`` and ``waiting``: how many
        targets were announced, and how many are to be.

    Raises
    ------
    SkykinError
        With one sentence that says what is wrong, the value found and the way out.

    Examples
    --------
    >>> listed = skykin.queries(made, "blobs", reference="209,-19", top_fraction=0.2)
    >>> print(listed["name"][0])
    blobs
    >>> len(skykin.queries(made, remove="blobs"))
    0
    """
    here = opened(index, progress or SilentProgress())
    if add is not None and remove is not None:
        raise UsageError("a query is added or removed; do one after the other")
    if add is None and _is_given(reference):
        raise UsageError("a reference is given, but no name for the query; give one with --add")
    if add is None and remove is None and not (here.path / STANDING).is_file():
        return _told((), {})
    with Standing(here.path) as standing:
        if remove is not None and not standing.remove(remove):
            raise _no_query(remove, standing)
        if add is not None:
            asked = read_query(
                reference, unlike=unlike, combine=combine, weight=weight, width=width,
                pixel_scale=pixel_scale, turns=turns, mirror=mirror, scales=scales, views=views, index=here,
            )  # fmt: skip
            criterion = MatchCriterion(threshold=threshold, top_fraction=top_fraction, max_q=max_q)
            choice = TargetChoice(min_separation=min_separation)
            settings = {
                "query": _moved(asked.to_dict()),
                "criterion": criterion.to_dict(),
                "csls": csls,
                "min_separation": choice.min_separation,
            }
            query = StandingQuery(_name(add), settings, _now())
            _add(standing, here, query, from_now=from_now, progress=progress)
        return _told(standing.queries(), standing.counts())


def _is_given(reference: Any) -> bool:
    return not (isinstance(reference, Sequence) and len(reference) == 0)


def targets_of(index: StoredIndex, query: StandingQuery, progress: Progress) -> TargetList:
    """Ask a standing query of an index."""
    settings = query.settings
    found = search(
        index,
        Query.from_dict(settings["query"]),
        **settings["criterion"],
        csls=bool(settings["csls"]),
        targets=MOST_TARGETS,
        min_separation=settings["min_separation"],
        progress=progress,
    )
    return target_list(found)


def _add(
    standing: Standing,
    here: StoredIndex,
    query: StandingQuery,
    *,
    from_now: bool,
    progress: Progress | None,
) -> None:
    # A query that cannot be answered is refused now, not at night.
    found = targets_of(here, query, progress or SilentProgress())
    if not standing.add(query):
        raise UsageError(
            f"there is a query called {shown(query.name)} already; remove it, or choose another name"
        )
    if from_now:
        known = tuple(notice_of(here, query, found, row) for row in found.table)
        standing.write_down(known, announced=True)


def notice_of(index: StoredIndex, query: StandingQuery, found: TargetList, row: Any) -> Found:
    """Say of a new target what, when and where, in plain values."""
    lon, lat, ra, dec, size = (
        float(row[name].to_value(u.deg)) for name in ("lon", "lat", "ra", "dec", "size")
    )
    place = [np.array([value]) for value in (lon, lat, ra, dec)]
    (name,) = designations(place[0], place[1], place[2], place[3], index.tile_deg)
    numbers = {
        each: _finite(row[each]) if each in found.table.colnames else None for each in ("score", "p", "q")
    }
    tile, recipe = str(row["tile"]), index.recipe
    decided = json.dumps([query.name, query.settings, recipe.key(), tile], sort_keys=True)
    identifier = f"skykin/{query.name}/{tile}/{hashlib.sha256(decided.encode()).hexdigest()[:12]}"
    notice = {
        "identifier": identifier,
        "time": _now(),
        "query": query.name,
        "name": name,
        "position": {
            f"{axis}_deg": round(value, 7)
            for axis, value in zip(("lon", "lat", "ra", "dec"), (lon, lat, ra, dec), strict=True)
        },
        "size_deg": round(size, 7),
        **numbers,
        "known": str(row["known"]),
        "survey": found.survey_title,
        "provenance": {
            "reference": found.reference_name,
            "criterion": found.matched,
            "index": index.path.name,
            "tile": tile,
            "recipe": recipe.name,
            "survey_sha256": str(index.manifest.facts["survey"].get("sha256", "")),
            "skykin": library_versions()["skykin"],
        },
    }  # fmt: skip
    return Found(identifier, query.name, lon, lat, notice)


def _told(asked: Sequence[StandingQuery], counts: Mapping[str, tuple[int, int]]) -> Table:
    rows = [
        (
            each.name,
            Query.from_dict(each.settings["query"]).name,
            _criterion_words(each.settings["criterion"]),
            each.added,
            *counts.get(each.name, (0, 0)),
        )
        for each in asked
    ]
    names = ("name", "reference", "criterion", "added", "announced", "waiting")
    return (
        Table(rows=rows, names=names, dtype=("U64", object, "U40", "U20", int, int))
        if rows
        else Table(names=names, dtype=("U64", "U1", "U40", "U20", int, int))
    )


def _criterion_words(criterion: Mapping[str, Any]) -> str:
    words = {
        "threshold": "score {:g} or more",
        "top_fraction": "best {:g} of the sky",
        "max_q": "q {:g} or less",
    }
    given = [words[name].format(value) for name, value in criterion.items() if value is not None]
    return given[0] if given else "the recipe's own"


def _no_query(name: str, standing: Standing) -> UnknownNameError:
    there = ", ".join(each.name for each in standing.queries())
    return UnknownNameError(
        f"the index has no standing query called {shown(name)}; it has {there if there else 'none'}"
    )


def _name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise UsageError(
            f"a query cannot be called {shown(text)}: a name has 1 to 64 letters, digits, dots, dashes and "
            "underscores"
        )
    return text


def _moved(facts: dict[str, Any]) -> dict[str, Any]:
    """Name indexes of other surveys from the root: a query is asked from any folder."""
    for each in (*facts["references"], *facts.get("unlike", ())):
        if "within" in each:
            each["within"] = str(Path(each["within"]).resolve())
    return facts


def _finite(value: Any) -> float | None:
    number = float(getattr(value, "value", value))
    return round(number, 9) if math.isfinite(number) else None


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

"""What a worker of a cluster does for a map: it measures facets and puts them into the store of the job."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from threadpoolctl import threadpool_limits

from skykin.catalogue.query import Query
from skykin.core.errors import ResourceError, UsageError
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress, Survey
from skykin.core.settings import MapSettings
from skykin.jobs.anchors import Anchors
from skykin.jobs.measured_tiles import MeasuredFacets
from skykin.jobs.opening import survey_of
from skykin.jobs.streamed import StreamedSurvey
from skykin.scale.cluster import Answer, Cluster, Done, Groups, Item, by_kind
from skykin.scale.store import WorkStore
from skykin.style.signature import Signature
from skykin.style.similarity import QueryStyle
from skykin.survey.render import Stretch

What = Literal["tiles", "rows"]


@dataclass(frozen=True)
class MapTask:
    """Measures groups of facets; all that it takes to do so is plain text, which any process can read.

    Parameters
    ----------
    folder : str
        Of the store, as workers see it.
    what : {"tiles", "rows"}
        Tiles that are scored when the average of all is known, or their scores.
    job : str
        JSON: settings, query, rendering.
    """

    folder: str
    what: What
    job: str

    def __call__(self, facets: Sequence[Item]) -> Answer:
        """Measure some facets by their numbers; what goes wrong with one does not touch the others."""
        began, done = time.monotonic(), []
        store = WorkStore(Path(self.folder))
        with threadpool_limits(limits=1):
            for name, number in facets:
                try:
                    done.append(Done(name, cause="" if self._kept(number, store) else "the disk is full"))
                except Exception as error:  # told by its cause, and tried again
                    done.append(Done(name, cause=f"{type(error).__name__}: {error}"[:200]))
        return Answer(tuple(done), time.monotonic() - began)

    def _kept(self, number: int, store: WorkStore) -> bool:
        """Measure a facet, and tell whether the store has it now."""
        streamed = _opened(self.job)
        if self.what == "tiles":
            measured = MeasuredFacets(streamed.pieces, store, len(streamed.meter.recipe.layers))
            return measured.keep(number, streamed.measured_facet(streamed.pieces[number]))
        standardised, style, anchors = _scoring(self.folder, self.job)
        return standardised.facet_rows(number, style, anchors, store)[1]


@lru_cache(maxsize=1)
def _opened(text: str) -> StreamedSurvey:
    """Open survey and network once for all tasks of a process."""
    job = json.loads(text)
    settings = MapSettings.from_dict(job["settings"])
    survey = survey_of(settings, False, SilentProgress())
    return StreamedSurvey.set_up(settings, survey, Stretch.from_dict(job["rendering"]))


@lru_cache(maxsize=1)
def _scoring(folder: str, text: str) -> tuple[StreamedSurvey, QueryStyle[Signature], Anchors | None]:
    """Measure the references once for all tasks of a process; the average tile is in the store."""
    job, silent = json.loads(text), SilentProgress()
    streamed = _opened(text).standardised(WorkStore(Path(folder)), silent)
    style = streamed.style(Query.from_dict(job["query"]))
    return streamed, style, streamed.anchors(silent) if streamed.settings.robustness.csls else None


@dataclass(frozen=True, eq=False)
class MappedElsewhere:
    """Lets a cluster measure the facets of a map that its store does not have.

    Parameters
    ----------
    streamed : StreamedSurvey
    query : Query
        Of the size and in the views that the map uses.
    store : WorkStore
    cluster : Cluster

    Raises
    ------
    UsageError
        If its survey is in memory.
    """

    streamed: StreamedSurvey
    query: Query
    store: WorkStore
    cluster: Cluster

    def __post_init__(self) -> None:
        if isinstance(self.streamed.settings.survey, Survey):
            raise UsageError("a survey in memory cannot be sent to a cluster; write it to a file first")

    def __call__(self, what: What, progress: Progress) -> None:
        """Measure what is missing.

        Raises
        ------
        ResourceError
            If some facets could not be measured (``RS-FACETS``); the others are kept.
        """
        total = len(self.streamed.pieces)
        part = "facet" if what == "rows" else what
        left = [number for number in range(total) if not self.store.has(f"{part}-{number}")]
        if not left:
            return
        job = {
            "settings": self.streamed.settings.to_dict(),
            "query": self.query.to_dict(),
            "rendering": self.streamed.sky.stretch.to_dict(),
        }
        task = MapTask(str(self.store.folder.resolve()), what, json.dumps(job))
        failed: dict[str, str] = {}
        with (
            progress.stage("Facets by workers", total, "facets") as counter,
            self.cluster.connected() as client,
        ):
            counter.advance(total - len(left))
            for group in Groups(client, task).run(((str(number), number) for number in left), progress):
                failed.update({done.name: done.cause for done in group if done.cause})
                counter.advance(len(group))
        if failed:
            raise ResourceError(
                f"{len(failed)} of {total} facets could not be measured "
                f"({by_kind(Counter(failed.values()))}); all others are kept, so mend what is wrong and run "
                "the same command again",
                code="RS-FACETS",
            )

"""What a worker of a cluster does: it measures facets of an index and writes their shards."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from skykin.core.progress import SILENT, SilentProgress
from skykin.core.protocols import Progress
from skykin.core.settings import MapSettings
from skykin.indexing.builder import AVERAGE, Measured, read_space, written
from skykin.indexing.facet_style import FacetMeter
from skykin.indexing.layout import SHARDS
from skykin.indexing.manifest import Manifest, Step
from skykin.indexing.remote import local_folder, shared_name
from skykin.indexing.shards import Shard
from skykin.indexing.stored import Shelf, facet_of
from skykin.jobs.opening import recipe_for, survey_of
from skykin.scale.cluster import Answer, Cluster, Done, Groups, Item
from skykin.style.engine.shared import SharedMeter
from skykin.style.network.choice import context_network
from skykin.survey.render import RenderedSurvey, Stretch


@dataclass(frozen=True)
class FacetTask:
    """Measures groups of facets; all that it takes to do so is plain text, which any process can read.

    Parameters
    ----------
    folder : str
        Of the index, as workers see it.
    job : str
        JSON: settings, rendering, whether whole vectors are kept, the survey's scale and average.
    """

    folder: str
    job: str

    @classmethod
    def of(cls, folder: Path, settings: MapSettings, facts: dict[str, Any], general: Manifest) -> FacetTask:
        """Write down what workers need."""
        job = {
            "settings": settings.to_dict(),
            "rendering": facts["rendering"],
            "exact": facts["exact"],
            "steps": {step.name: step.result for step in general.steps if step.name in ("scale", AVERAGE)},
            "shards": [asdict(each) for each in general.shards.values()],
        }
        return cls(shared_name(folder), json.dumps(job))

    def __call__(self, facets: Sequence[Item]) -> Answer:
        """Measure some facets, named with their plans; what goes wrong with one does not touch the others."""
        began, done = time.monotonic(), []
        with threadpool_limits(limits=1):
            meter = _opened(self.folder, self.job)
            for name, plan in facets:
                try:
                    style = meter(facet_of(plan))
                    done.append(Done(name, written(local_folder(self.folder) / SHARDS, name, style)))
                except Exception as error:  # told by its cause, and tried again
                    done.append(Done(name, cause=f"{type(error).__name__}: {error}"[:200]))
        return Answer(tuple(done), time.monotonic() - began)


@lru_cache(maxsize=1)
def _opened(folder: str, text: str) -> FacetMeter:
    """Open survey, network and scale once for all tasks of a process."""
    job = json.loads(text)
    settings = MapSettings.from_dict(job["settings"])
    survey = survey_of(settings, False, SilentProgress())
    chosen = recipe_for(settings, survey)
    shards = {each["name"]: Shard(**(each | {"shape": tuple(each["shape"])})) for each in job["shards"]}
    steps = [Step(name, {}, result) for name, result in job["steps"].items()]
    space = read_space(chosen, Shelf(local_folder(folder) / SHARDS, shards), steps)
    network = context_network(
        chosen.layers, fast=settings.fast, device=settings.device, precision=settings.precision
    )
    sky = RenderedSurvey(survey, Stretch.from_dict(job["rendering"]))
    shared = SharedMeter(chosen, network)
    return FacetMeter(survey, sky, shared, space, settings.min_coverage, job["exact"])


@dataclass(frozen=True, eq=False)
class Elsewhere:
    """Measures facets on a cluster.

    Parameters
    ----------
    folder : Path
    settings : MapSettings
    facts : dict
        Of the index.
    cluster : Cluster
    progress : Progress
    """

    folder: Path
    settings: MapSettings
    facts: dict[str, Any]
    cluster: Cluster
    progress: Progress = SILENT

    def __call__(self, general: Manifest, left: Iterator[Step]) -> Iterator[Sequence[Measured]]:
        """Yield what became of the facets, as it comes."""
        task = FacetTask.of(self.folder, self.settings, self.facts, general)
        with self.cluster.connected() as client:
            items = ((step.name, step.plan) for step in left)
            for group in Groups(client, task).run(items, self.progress):
                yield [
                    done.value if not done.cause else Measured(done.name, {}, (), done.cause)
                    for done in group
                ]

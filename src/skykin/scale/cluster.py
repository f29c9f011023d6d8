"""The engine of many computers: groups of items to the workers of a Dask cluster, few at a time."""

from __future__ import annotations

import logging
import math
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from itertools import islice
from typing import Any

from skykin.core.errors import ResourceError, UsageError, shown
from skykin.core.progress import SILENT
from skykin.core.protocols import Progress

#: A task takes at least so long: what the scheduler adds to it is then less than a thousandth.
TASK_SECONDS = 5.0
#: Tasks that wait or run, for each worker: the driver holds no more, however many are planned.
TASKS_PER_WORKER = 2
#: Seconds after which the workers are counted again.
COUNT_SECONDS = 1.0
#: So often an item is tried alone before it is left out.
TRIES = 3
#: A worker that died takes its task along; the scheduler gives it to others so often before it tells.
ALLOWED_DEATHS = 10
#: Seconds after which one looks again whether a task is answered.
LOOK_SECONDS = 0.01
#: How a scheduler is set that lives in this process: it remembers few of the tasks that it handed out, for
#: each holds the plans of its facets.  A process that dies is started again however often: Dask would give
#: up its place if it happens to be away 15 seconds later.
OF_SCHEDULER = {
    "distributed.scheduler.allowed-failures": ALLOWED_DEATHS,
    "distributed.admin.low-level-log-length": 10,
    "distributed.deploy.lost-worker-timeout": "1000 days",
}


#: A name, and what a worker needs to know of it.
Item = tuple[str, Any]


@dataclass(frozen=True)
class Done:
    """What became of one item.

    Parameters
    ----------
    name : str
    value : object
        What the worker gave; None if it failed.
    cause : str
        Why it failed.
    """

    name: str
    value: Any = None
    cause: str = ""


@dataclass(frozen=True)
class Answer:
    """What a task gives: one `Done` per item, and the seconds that they took together."""

    done: tuple[Done, ...]
    seconds: float


@dataclass(frozen=True)
class Cluster:
    """Which workers compute.

    Parameters
    ----------
    scheduler : str, optional
        Address of a scheduler, such as ``tcp://10.0.0.1:8786``.
    workers : int, optional
        Processes on this computer where there is no scheduler; one per core if left out.
    client : distributed.Client, optional
        Is used as it is, and stays open.
    """

    scheduler: str | None = None
    workers: int | None = None
    client: Any = None

    @classmethod
    def asked(
        cls, engine: str | None, scheduler: str | None, workers: int | None, client: Any
    ) -> Cluster | None:
        """Return what the options of a command ask for; None if the engine is another one than ``dask``.

        Raises
        ------
        UsageError
            If they contradict each other.
        """
        if engine == "dask":
            return cls(scheduler, workers, client)
        if any(each is not None for each in (scheduler, workers, client)):
            raise UsageError("a scheduler, workers or a client belong to a cluster; add --engine dask")
        return None

    @contextmanager
    def connected(self) -> Iterator[Any]:
        """Connect, or start a cluster on this computer, whose dashboard answers this computer only.

        Raises
        ------
        ResourceError
            If Dask is not installed, or the scheduler does not answer.
        UsageError
            If both a scheduler and a number of workers are given.
        """
        if self.scheduler is not None and (self.workers is not None or self.client is not None):
            raise UsageError(
                f"the scheduler {shown(self.scheduler)} has workers of its own; leave out --workers and a "
                "client, or --scheduler"
            )
        if self.client is not None:
            yield self.client
            return
        distributed = _distributed()
        if self.scheduler is None:
            # Read by the scheduler, which then lives in this process.
            import_module("dask").config.set(OF_SCHEDULER)
            local = distributed.LocalCluster(
                n_workers=self.workers,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
            )
            with local, distributed.Client(local) as own:
                yield own
            return
        try:
            own = distributed.Client(self.scheduler, timeout=20)
        except (OSError, ValueError) as error:
            raise ResourceError(
                f"the scheduler {shown(self.scheduler)} does not answer ({shown(error)}); check its address, "
                "or leave it out",
                code="RS-SCHEDULER",
            ) from error
        log = logging.getLogger("distributed.client")
        level = log.level
        try:
            with own:
                try:
                    yield own
                except ResourceError:
                    log.setLevel(logging.CRITICAL)  # a lost scheduler is told by the error alone
                    raise
        finally:
            log.setLevel(level)


def _distributed() -> Any:
    try:
        return import_module("distributed")
    except ImportError as error:
        raise ResourceError(
            'the engine dask needs Dask, which is not installed; run `pip install "skykin[cluster]"`, or '
            "leave out --engine dask",
            code="RS-EXTRA",
        ) from error


def by_kind(causes: Mapping[str, int]) -> str:
    """Tell how often each kind of cause was met, such as ``3 by OSError, 1 by KilledWorker``."""
    kinds: Counter[str] = Counter()
    for cause, count in causes.items():
        kinds[cause.partition(":")[0]] += count
    return ", ".join(f"{count} by {kind}" for kind, count in kinds.most_common())


@dataclass(eq=False)
class Groups:
    """Hands groups of items to workers until all are done or left out.

    Parameters
    ----------
    client : distributed.Client
    function : callable
        From a list of items to an `Answer`; runs on a worker, which imports it.
    task_seconds : float
        How long a task should take: groups grow until they do.

    Attributes
    ----------
    causes : Counter
        Failures by their cause, those that went well later among them.
    tasks : int
        Tasks that were answered.
    seconds : float
        What workers spent on them.
    """

    client: Any
    function: Callable[[Sequence[Item]], Answer]
    task_seconds: float = TASK_SECONDS
    causes: Counter[str] = field(default_factory=Counter)
    tasks: int = 0
    seconds: float = 0.0
    _each: float = math.inf
    _workers: int = 0
    _count_at: float = -math.inf
    _again: deque[tuple[Item, int]] = field(default_factory=deque)

    @property
    def failures(self) -> str:
        """How many tries failed, by the kinds of their causes, in words; empty if none did."""
        return by_kind(self.causes)

    def run(self, items: Iterator[Item], progress: Progress = SILENT) -> Iterator[list[Done]]:
        """Yield what became of the items, as many as came together, as they come.

        Parameters
        ----------
        items : iterator of Item
        progress : Progress
            Is told what fails, and by what, when it does so for the first time.

        Raises
        ------
        ResourceError
            If the scheduler is lost.
        """
        waiting: dict[Any, tuple[Sequence[Item], int]] = {}
        told: set[str] = set()
        pool = _distributed().as_completed()
        while True:
            while len(waiting) < self._most() and (group := self._group(items))[0]:
                future = self.client.submit(self.function, group[0], pure=False)
                waiting[future] = group
                pool.add(future)
            if not waiting:
                break
            self._wait(pool, progress)
            future = next(pool)
            done = self._finished(future, *waiting.pop(future))
            for cause in self.causes.keys() - told:
                progress.say(f"a facet failed by {shown(cause)}; it is tried {TRIES} times in all")
                told.add(cause)
            if done:
                yield done
        if told:
            progress.say(f"tries that failed: {self.failures}")

    def _wait(self, pool: Any, progress: Progress) -> None:
        """Wait until a task is answered, and tell if there is nobody to answer."""
        told = False
        while not pool.has_ready():
            time.sleep(LOOK_SECONDS)
            self._most()
            if self._workers == 0 and not told:
                progress.say("the scheduler has no workers; the work goes on when some connect to it")
            told = self._workers == 0

    def _most(self) -> int:
        """Tell how many tasks may wait or run; the workers are counted now and then, which takes a while."""
        now = time.monotonic()
        if now >= self._count_at:
            self._workers = len(self.client.scheduler_info(n_workers=-1)["workers"])
            self._count_at = now + COUNT_SECONDS
        return TASKS_PER_WORKER * max(1, self._workers)

    def _group(self, items: Iterator[Item]) -> tuple[Sequence[Item], int]:
        """Next items, and how often they were tried: alone if one failed before, else so many as last."""
        if self._again:
            item, tries = self._again.popleft()
            return [item], tries
        count = 1 if self._each == math.inf else max(1, math.ceil(self.task_seconds / max(self._each, 1e-6)))
        return list(islice(items, count)), 0

    def _finished(self, future: Any, group: Sequence[Item], tries: int) -> list[Done]:
        try:
            answer = future.result()
        except Exception as error:  # whatever a worker, or its death, raises
            if future.status == "cancelled" or self.client.status != "running":
                raise ResourceError(
                    "the scheduler is lost; what is finished is kept, so run the same command again",
                    code="RS-SCHEDULER",
                ) from error
            answer = Answer(tuple(Done(name, cause=type(error).__name__) for name, _ in group), 0.0)
        finally:
            future.release()
        self.tasks += 1
        self.seconds += answer.seconds
        if answer.seconds:
            self._each = answer.seconds / len(group)
        told, known = [], dict(group)
        for done in answer.done:
            if done.cause:
                self.causes[done.cause] += 1
                if tries + 1 < TRIES:
                    self._again.append(((done.name, known[done.name]), tries + 1))
                    continue
            told.append(done)
        return told

"""The engine of one computer: threads over a list, results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from threadpoolctl import threadpool_limits

Item = TypeVar("Item")
Result = TypeVar("Result")


def ordered_map(function: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Iterator[Result]:
    """Yield ``function(item)`` for each item, in order, with at most ``2 * workers`` items under way.

    Each call runs on one thread, its linear algebra included, so that the number of workers changes the
    time and not the numbers.  When the caller stops early, or is interrupted, calls that have not begun
    are dropped and the others are waited for.
    """
    with threadpool_limits(limits=1):
        pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="skykin")
        under_way: deque[Future[Result]] = deque()
        try:
            for item in items:
                under_way.append(pool.submit(function, item))
                if len(under_way) >= 2 * workers:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

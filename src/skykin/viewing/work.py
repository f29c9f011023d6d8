"""Work that requests wait for: on few threads, each thing once, and with a bound on how much may wait."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, TypeVar

from skykin.core.errors import ResourceError

T = TypeVar("T")


class BusyError(ResourceError):
    """More is waiting than will be done soon."""

    default_code = "RS-BUSY"


class Work:
    """A pool of threads for one kind of work; used from one event loop.

    Parameters
    ----------
    name : str
        What is done, in words.
    threads : int
    waiting : int
        How much may wait for them; more is refused.
    """

    def __init__(self, name: str, threads: int, waiting: int) -> None:
        self._name, self._most = name, threads + waiting
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=f"skykin {name}")
        self._running: dict[Hashable, asyncio.Future[Any]] = {}

    async def do(self, key: Hashable, make: Callable[[], T]) -> T:
        """Make something on a thread; who asks for the same while it is made waits for that.

        Raises
        ------
        BusyError
            If too much is waiting.
        """
        found: asyncio.Future[T] | None = self._running.get(key)
        if found is None:
            if len(self._running) >= self._most:
                raise BusyError(f"{self._most} requests for {self._name} are waiting; ask again in a moment")
            found = asyncio.get_running_loop().run_in_executor(self._pool, make)
            self._running[key] = found
            found.add_done_callback(lambda done: self._ended(key, done))
        # Who goes away takes nothing from the others that wait for the same.
        return await asyncio.shield(found)

    def _ended(self, key: Hashable, done: asyncio.Future[Any]) -> None:
        del self._running[key]
        if not done.cancelled():
            done.exception()  # An error that nobody waits for any more is no mistake of the program.

    def close(self) -> None:
        """Finish what runs, and begin nothing that waits."""
        self._pool.shutdown(wait=True, cancel_futures=True)


class Remembered(Generic[T]):
    """What was made lately, up to a total size; safe on several threads.

    Parameters
    ----------
    most : float
        Total size that stays.
    size : callable
        Size of one thing; 1 for each if left out.
    """

    def __init__(self, most: float, size: Callable[[T], float] = lambda _: 1) -> None:
        self._most, self._size = most, size
        self._made: OrderedDict[Hashable, T] = OrderedDict()
        self._total = 0.0
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> T | None:
        """Give what was made, if it is still there."""
        with self._lock:
            if key not in self._made:
                return None
            self._made.move_to_end(key)
            return self._made[key]

    def put(self, key: Hashable, made: T) -> None:
        """Remember it; what was not used for longest is forgotten first."""
        with self._lock:
            if key in self._made:
                self._total -= self._size(self._made.pop(key))
            self._made[key] = made
            self._total += self._size(made)
            while self._total > self._most and len(self._made) > 1:
                self._total -= self._size(self._made.popitem(last=False)[1])

    def of(self, key: Hashable, make: Callable[[], T]) -> T:
        """Give what was made, or make it and remember it."""
        found = self.get(key)
        if found is None:
            found = make()
            self.put(key, found)
        return found

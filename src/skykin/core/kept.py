"""Things that are made once for an object and stay for a while."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
T = TypeVar("T")


class Kept(Generic[K, T]):
    """Something made once for an object, that stays while the object is among the last few.

    Objects are told apart by identity, not by value.

    Parameters
    ----------
    objects : int
        How many.
    """

    def __init__(self, objects: int = 4) -> None:
        self._most = objects
        self._made: OrderedDict[int, tuple[K, T]] = OrderedDict()

    def of(self, key: K, make: Callable[[], T], fits: Callable[[T], bool] | None = None) -> T:
        """Give what was made, or make it; anew if what was made does not fit."""
        found = self._made.pop(id(key), None)
        if found is None or (fits is not None and not fits(found[1])):
            found = (key, make())
        self._made[id(key)] = found
        while len(self._made) > self._most:
            self._made.popitem(last=False)
        return found[1]

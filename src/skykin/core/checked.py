"""Frozen values that check each of their fields once, and become plain values and back."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields
from difflib import get_close_matches
from numbers import Integral, Real
from typing import Any, ClassVar, Self

from astropy import units as u

from skykin.core.errors import UsageError, shown

#: Gives the value that a field keeps, or raises ValueError or TypeError where it cannot.
Reader = Callable[[Any], Any]


@dataclass(frozen=True)
class Rule:
    """What a field may be.

    Parameters
    ----------
    read : callable
        From what a person gave to the value that is kept; raises ValueError or TypeError if it is refused.
        Fields whose default is None may be None without being read.
    allowed : str
        What is allowed, in words.
    default : str
        The default in words; the default itself if left out.
    """

    read: Reader
    allowed: str
    default: str = ""


@dataclass(frozen=True)
class Checked:
    """A value with named fields: each is checked once, and all become plain values and back.

    Its classes say in `RULES` what each field may be, and in `KIND` what a field is called in a sentence.
    ``X.from_dict(x.to_dict()) == x``, through JSON as well.
    """

    KIND: ClassVar[str] = "setting"
    RULES: ClassVar[Mapping[str, Rule]] = {}

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if value is None and each.default is None:
                continue
            try:
                kept = self.RULES[each.name].read(value)
            except UsageError:
                raise
            except (TypeError, ValueError, OverflowError) as error:
                raise self.refusal(each.name, value) from error
            object.__setattr__(self, each.name, kept)

    def refusal(self, name: str, value: object) -> UsageError:
        """Say what a field may be instead of this value."""
        rule = self.RULES[name]
        label = name if self.KIND == "setting" else f"the {self.KIND} {name}"
        default = rule.default or _default(next(each for each in fields(self) if each.name == name))
        told = f"; the default is {default}" if default else ""
        return UsageError(f"{label} is {shown(value)}, but it must be {rule.allowed}{told}")

    def to_dict(self) -> dict[str, Any]:
        """Plain values of all fields, ready for JSON."""
        return {each.name: _plain(getattr(self, each.name)) for each in fields(self)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Make the value again from what `to_dict` gave; what is left out has its default.

        Raises
        ------
        UsageError
            If a name is not known or is missing, or a value is refused.
        """
        if not isinstance(values, Mapping):
            raise UsageError(f"each {cls.KIND} must have a name and a value, but {shown(values)} was given")
        check_names(cls.KIND, values, [each.name for each in fields(cls)])
        for each in fields(cls):
            needed = each.default is MISSING and each.default_factory is MISSING
            if needed and each.name not in values:
                raise UsageError(f"the {cls.KIND} {each.name} is missing; give it")
        return cls(**values)


def check_names(kind: str, given: Iterable[object], known: Sequence[str]) -> None:
    """Refuse names that are not known, in one sentence with the nearest of those that are.

    Raises
    ------
    UsageError
    """
    for name in given:
        if name not in known:
            meant = str(name)[:60].lower().replace("-", "_")
            begins = [each for each in known if each.startswith(f"{meant}_")]
            near = get_close_matches(meant, known, n=2, cutoff=0.7) or begins
            way_out = f"did you mean {' or '.join(near)}?" if near else f"use one of {', '.join(known)}"
            raise UsageError(f"there is no {kind} called {shown(name)}; {way_out}")


def truth(value: Any) -> bool:
    """Read True or False."""
    if type(value).__name__ not in {"bool", "bool_"}:
        raise TypeError
    return bool(value)


FLAG = Rule(truth, "True or False")


def whole(low: int, high: int | None = None, *besides: int) -> Reader:
    """Read whole numbers from `low` to `high`, and some besides."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, Integral):
            raise TypeError
        count = int(value)
        if count not in besides and (count < low or (high is not None and count > high)):
            raise ValueError
        return count

    return read


def number(value: Any) -> float:
    """Read a number."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError
    return float(value)


def real(value: Any) -> float:
    """Read a finite number."""
    if not math.isfinite(number(value)):
        raise ValueError
    return float(value)


def above(low: float, high: float, read: Reader = real) -> Reader:
    """Read numbers above `low` and at most `high`."""
    return _within(read, lambda found: low < found <= high)


def between(low: float, high: float, read: Reader = real) -> Reader:
    """Read numbers between two others, without these."""
    return _within(read, lambda found: low < found < high)


def from_to(low: float, high: float, read: Reader = real) -> Reader:
    """Read numbers from one to another, with these."""
    return _within(read, lambda found: low <= found <= high)


def _within(read: Reader, good: Callable[[float], bool]) -> Reader:
    def checked(value: Any) -> float:
        found = float(read(value))
        if not good(found):
            raise ValueError
        return found

    return checked


def in_unit(unit: str) -> Reader:
    """Read a finite number of this unit, or a Quantity."""

    def read(value: Any) -> float:
        return real(value.to_value(unit) if isinstance(value, u.Quantity) else value)

    return read


degrees = in_unit("deg")


def one_of(*names: str) -> Reader:
    """Read one of some names."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or value not in names:
            raise ValueError
        return str(value)

    return read


def text(value: Any) -> str:
    """Read text."""
    if not isinstance(value, str):
        raise TypeError
    return str(value)


def words(value: Any) -> str:
    """Read text that is not empty."""
    if not text(value).strip():
        raise ValueError
    return str(value)


def path_text(value: Any) -> str:
    """Read the name of a file: text or a path."""
    return words(os.fspath(value))


def listed(read: Reader, count: int | None = None) -> Reader:
    """Read a list of values, so many or at least one, as a tuple."""

    def read_all(value: Any) -> tuple[Any, ...]:
        if isinstance(value, str | bytes | Mapping) or not hasattr(value, "__iter__"):
            raise TypeError
        found = tuple(read(each) for each in value)
        if not found or (count is not None and len(found) != count):
            raise ValueError
        return found

    return read_all


def nested(kind: type[Checked]) -> Reader:
    """Read such a value, or its plain values."""

    def read(value: Any) -> Checked:
        if isinstance(value, kind):
            return value
        if not isinstance(value, Mapping):
            raise TypeError
        return kind.from_dict(value)

    return read


def _plain(value: Any) -> Any:
    if hasattr(value, "to_dict"):
        return value.to_dict()
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


def _default(field: Field[Any]) -> str:
    if field.default is MISSING:
        return ""
    return "chosen for you" if field.default is None else str(field.default)

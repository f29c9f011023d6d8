"""What other packages add to Skykin: objects that they name as entry points."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from importlib.metadata import entry_points
from typing import Any, NamedTuple, Protocol, TypeVar

from skykin.core.errors import shown


class Named(Protocol):
    """Anything with a name, such as a recipe or a survey format."""

    @property
    def name(self) -> str:
        """What a person types, or sees in a list."""


T = TypeVar("T", bound=Named)


class Plugin(NamedTuple):
    """An object from another package: the name of its entry point, itself, and the package."""

    name: str
    value: Any
    package: str


def plugins(group: str) -> list[Plugin]:
    """Import what the installed packages name in an entry point group, such as ``skykin.formats``.

    One that cannot be imported is left out, with a warning that names its package.
    """
    found = []
    for entry in sorted(entry_points(group=group), key=lambda entry: (entry.name, _package(entry))):
        try:
            found.append(Plugin(entry.name, entry.load(), _package(entry)))
        except Exception as error:  # code of others: it may fail in any way, and the rest goes on
            _warn(f"{_words(entry.name, _package(entry), group)} cannot be imported ({shown(error)})")
    return found


def with_plugins(built_in: Iterable[T], kind: type[T], group: str) -> dict[str, T]:
    """Put our own objects and those of the plug-ins of a group together, sorted by their names.

    A plug-in that is not of this kind, or has a name that is taken, is left out with a warning.
    """
    known = {each.name: each for each in built_in}
    for name, value, package in plugins(group):
        words = _words(name, package, group)
        if not isinstance(value, kind):
            _warn(f"{words} is of type {type(value).__name__}, but it must be a {kind.__name__}")
        elif value.name in known:
            _warn(f"{words} has the name {shown(value.name)}, which is taken")
        else:
            known[value.name] = value
    return {name: known[name] for name in sorted(known)}


def _package(entry: Any) -> str:
    return entry.dist.name if entry.dist is not None else "?"


def _words(name: str, package: str, group: str) -> str:
    return f"the plug-in {shown(name)} of the package {shown(package)} (entry point group {group})"


def _warn(what: str) -> None:
    warnings.warn(f"{what}; it is left out: update or remove the package", UserWarning, stacklevel=3)

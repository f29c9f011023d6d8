"""Named sets of references, each chosen by a rule that knows no score."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from skykin.core.errors import UnknownNameError, shown
from skykin.style.recipe import Combine

#: A reference that begins so is a set.
PREFIX = "set:"


@dataclass(frozen=True)
class ReferenceSet:
    """Regions that are looked for together.

    Parameters
    ----------
    name : str
        What stands after ``set:``.
    title : str
        In one line.
    rule : str
        How its members were chosen.
    source : str
        Where the facts come from that the rule asks for.
    members : tuple of str
        Names of `known_regions`.
    combine : {"max", "mean"}
        How the likenesses to its members become one, where nothing else is asked for.
    """

    name: str
    title: str
    rule: str
    source: str
    members: tuple[str, ...]
    combine: Combine


#: The limits of the rule of ``h-ii-regions``.
NEARER_PC, WIDEST_DEG, CORE_DEG, LEAST_COVERAGE = 2000.0, 3.0, 1.5, 0.7

_SETS = {
    one.name: one
    for one in (
        ReferenceSet(
            name="h-ii-regions",
            title="nearby H II regions whose cores WHAM sees",
            rule=(
                f"every H II complex of the table of regions that is nearer than {NEARER_PC:g} pc (farther "
                f"away dust hides Hα), at most {WIDEST_DEG:g}° wide (half a tile of core-contrast), and "
                f"whose middle {CORE_DEG:g}° (the core of that tile) WHAM covers to {LEAST_COVERAGE} or more"
            ),
            source=(
                "kind, distance and size: the table of regions, with a source per row; coverage: WHAM Sky "
                "Survey DR1 as Skykin samples it, pointings with bright stars left out: California Nebula "
                "0.75, IC 5146 1.00, NGC 6334/NGC 6357 0.86, Rosette Nebula 1.00"
            ),
            members=("California Nebula", "IC 5146", "NGC 6334/NGC 6357", "Rosette Nebula"),
            combine="mean",
        ),
    )
}


def reference_sets() -> tuple[ReferenceSet, ...]:
    """Name the sets that a reference may be, as ``set:NAME``."""
    return tuple(_SETS.values())


def reference_set(name: str) -> ReferenceSet:
    """Find a set by its name, with or without ``set:``.

    Raises
    ------
    UnknownNameError
        If there is no such set.
    """
    bare = name.strip().removeprefix(PREFIX).strip()
    if bare not in _SETS:
        near = difflib.get_close_matches(bare[:60], _SETS, n=1)
        hint = (
            f"did you mean {PREFIX}{near[0]}?" if near else f"choose {', '.join(PREFIX + n for n in _SETS)}"
        )
        raise UnknownNameError(f"no set of references is called {shown(bare)}; {hint}")
    return _SETS[bare]

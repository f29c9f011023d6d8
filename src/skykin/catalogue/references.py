"""One reference or several: names, positions and named sets, taken apart and read as places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from numbers import Real
from typing import Any

import numpy as np
from astropy import units as u

from skykin.catalogue.reference import ReferencePlace, resolve_reference
from skykin.catalogue.reference_sets import PREFIX, ReferenceSet, reference_set
from skykin.core.errors import UsageError, shown
from skykin.core.extent import Extent
from skykin.core.shapes import Degrees
from skykin.style.recipe import Combine

#: Each is measured by itself and drawn on every map.
MOST_REFERENCES = 100
#: Names of more references than this are not all told in one breath.
MOST_NAMES = 4
#: Places closer than this are one: a hundredth of the finest survey's pixel is far more.
SAME_DEG = 1e-6


@dataclass(frozen=True)
class References:
    """What is looked for.

    Parameters
    ----------
    places : tuple of ReferencePlace
        At least one; no two with the same name.
    combine : {"max", "mean"}
        Whether a tile should be like any of several, or like all of them.
    chosen_by : str
        Name of the set that they are; empty if they were named one by one.
    """

    places: tuple[ReferencePlace, ...]
    combine: Combine
    chosen_by: str = ""

    @property
    def name(self) -> str:
        """All of them, in words."""
        names = together([place.name for place in self.places])
        return f"{PREFIX}{self.chosen_by} ({names})" if self.chosen_by else names

    @property
    def positions(self) -> Degrees:
        """Galactic longitude and latitude, degrees: (references, 2)."""
        return np.array([(place.lon_deg, place.lat_deg) for place in self.places])

    def turned(self, turn_deg: float) -> References:
        """Turn all in longitude."""
        return replace(
            self,
            places=tuple(replace(each, lon_deg=(each.lon_deg + turn_deg) % 360.0) for each in self.places),
        )

    def as_dict(self) -> dict[str, object]:
        """For provenance: the first place; of several all of them, how they are combined, and their set."""
        facts = {**self.places[0].as_dict(), "name": self.name}
        if len(self.places) > 1:
            facts["references"] = [place.as_dict() for place in self.places]
            facts["combine"] = self.combine
        if self.chosen_by:
            facts["set"] = f"{PREFIX}{self.chosen_by}"
        return facts


def resolve_references(reference: Any, combine: Combine | None = None) -> References:
    """Read one reference or several.

    Parameters
    ----------
    reference : str, SkyCoord, pair of float, or a sequence of these
        Each as `resolve_reference` reads it, or ``set:NAME``.
    combine : {"max", "mean"}, optional
        As `how_combined` says if left out.

    Raises
    ------
    UnknownNameError
        If a name or a set is not known.
    UsageError
        If there is none, there are too many, one cannot be read, or two are the same place.
    """
    items = listed(reference)
    if not items:
        raise UsageError('there is no reference; give one, such as "orion"')
    places = tuple(resolve_reference(each) for each in items)
    for one, other in combinations(places, 2):
        if Extent(one.lon_deg, one.lat_deg, SAME_DEG).contains(
            np.array([other.lon_deg]), np.array([other.lat_deg])
        )[0]:
            raise UsageError(
                f"two references are the same place, l={one.lon_deg:g}° b={one.lat_deg:+g}° "
                f"({shown(one.name)} and {shown(other.name)}); leave one out"
            )
    sets = _sets(reference)
    alone = len(sets) == 1 and len(places) == len(sets[0].members)
    return References(_told_apart(places), how_combined(reference, combine), sets[0].name if alone else "")


def listed(reference: Any) -> tuple[Any, ...]:
    """Take one reference or several as a list, with the members of sets in place of these.

    Raises
    ------
    UnknownNameError
        If a set is not known.
    UsageError
        If there are more than `MOST_REFERENCES`.
    """
    members: list[Any] = []
    for each in _items(reference):
        members += reference_set(each).members if _is_set(each) else (each,)
    if len(members) > MOST_REFERENCES:
        raise UsageError(
            f"{len(members)} references were given, but at most {MOST_REFERENCES} can be looked for at once; "
            "use fewer, or learn from a list with `skykin learn`"
        )
    return tuple(members)


def how_combined(reference: Any, combine: Combine | None = None) -> Combine:
    """Tell how likenesses to several references become one: as asked, else as a set says, else ``max``.

    Raises
    ------
    UsageError
        If it is asked for something else.
    """
    if combine is None:
        return next((each.combine for each in _sets(reference)), "max")
    if combine not in ("max", "mean"):
        raise UsageError(f"references cannot be combined by {shown(combine)}; choose max or mean")
    return combine


def together(names: Sequence[str]) -> str:
    """Join names in words; of many, the first and how many more there are."""
    if len(names) > MOST_NAMES:
        names = (*names[: MOST_NAMES - 1], f"{len(names) - MOST_NAMES + 1} more")
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _items(reference: Any) -> Sequence[Any]:
    if not isinstance(reference, list | tuple):
        return [reference]
    # A pair of numbers is one place.
    pair = len(reference) == 2 and all(isinstance(each, Real | u.Quantity) for each in reference)
    return [reference] if isinstance(reference, tuple) and pair else reference


def _is_set(each: object) -> bool:
    return isinstance(each, str) and each.strip().startswith(PREFIX)


def _sets(reference: Any) -> list[ReferenceSet]:
    return [reference_set(each) for each in _items(reference) if _is_set(each)]


def _told_apart(places: tuple[ReferencePlace, ...]) -> tuple[ReferencePlace, ...]:
    """Add a number to names, which have two decimals, where they are the same."""
    names = [place.name for place in places]
    return tuple(
        place if names.count(place.name) == 1 else replace(place, name=f"{place.name} ({number})")
        for number, place in enumerate(places, 1)
    )

"""What a user means by a reference: names, positions and named sets, read as places on the sky."""

from __future__ import annotations

import difflib
import math
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

from astropy import units as u
from astropy.coordinates import SkyCoord

from skykin.catalogue.regions import find_region
from skykin.core.errors import UnknownNameError, UsageError, shown
from skykin.core.frames import galactic_degrees
from skykin.style.recipe import Combine

FRAMES = ("galactic", "icrs", "fk5", "fk4")
LONGEST_REFERENCE = 200

_NUMBER = r"([+-]?(?:\d+\.?\d*|\.\d+))"
_DEGREE = r"\s*(?:°|deg|d)?"
_PAIR = re.compile(
    rf"(?:l\s*=?\s*)?{_NUMBER}{_DEGREE}(?:\s*[,;]\s*|\s+|(?=[+-]))(?:b\s*=?\s*)?{_NUMBER}{_DEGREE}",
    re.IGNORECASE,
)
_FRAMED = re.compile(
    rf"(?:(?P<before>{'|'.join(FRAMES)})\b[\s:,]*)?(?P<numbers>.*?)(?:[\s,]*\b(?P<after>{'|'.join(FRAMES)}))?",
    re.IGNORECASE | re.DOTALL,
)
#: What a position is written with; anything else is a name.
_POSITION = re.compile(r"(?=[\d+.-]|l\s*=|l\s)[\d\s.,;:+hmsdegbl=°'\"′″-]+", re.IGNORECASE)
_FIRST_NUMBER = re.compile(r"[+-]?(\d+)\s*(d|°)?", re.IGNORECASE)
_EXAMPLES = '"209,-19" (Galactic degrees) or "05h35m17s -05d23m28s" (ICRS)'


@dataclass(frozen=True)
class ReferencePlace:
    """A place on the sky, and what it is called.

    Parameters
    ----------
    name : str
        Name of the region, or the position in words.
    lon_deg, lat_deg : float
        Galactic longitude and latitude, degrees; longitude is wrapped to [0, 360).

    Raises
    ------
    UsageError
        If a number is not finite, the longitude more than a turn or the latitude beyond a pole.
    """

    name: str
    lon_deg: float
    lat_deg: float

    def __post_init__(self) -> None:
        lon_deg, lat_deg = float(self.lon_deg), float(self.lat_deg)
        if not (math.isfinite(lon_deg) and math.isfinite(lat_deg)):
            raise UsageError(f"a reference needs finite coordinates, but got l={lon_deg}, b={lat_deg}")
        if abs(lon_deg) > 360:
            raise UsageError(f"Galactic longitude {lon_deg:g}° is more than a turn; use 0° to 360°")
        if abs(lat_deg) > 90:
            raise UsageError(f"Galactic latitude {lat_deg:g}° is beyond the pole; use −90° to 90°")
        object.__setattr__(self, "lon_deg", lon_deg % 360.0 % 360.0)  # -1e-20 % 360 is 360
        object.__setattr__(self, "lat_deg", lat_deg)


def resolve_reference(
    reference: str | SkyCoord | tuple[float | u.Quantity, float | u.Quantity],
) -> ReferencePlace:
    """Read a reference.

    Parameters
    ----------
    reference : str, SkyCoord or tuple of two floats or Quantities
        A tuple is Galactic longitude and latitude; bare numbers are degrees.  Text is tried in this order:

        1. a name from the table of regions, such as ``orion`` or ``NGC 7000``;
        2. two numbers in degrees, which are Galactic: ``209,-19``, ``209 -19.4``, ``l=209 b=-19``;
        3. a position with a frame word (``galactic``, ``icrs``, ``fk5``, ``fk4``) before or after it:
           ``83.82 -5.39 icrs``;
        4. a sexagesimal position without a frame word, which is ICRS: ``05h35m17s -05d23m28s``.

    Returns
    -------
    ReferencePlace

    Raises
    ------
    UnknownNameError
        If the text is no position and no region has this name.
    UsageError
        If the position cannot be read, is not a single one, or does not lie on the sky.
    """
    if isinstance(reference, SkyCoord):
        return _place(reference)
    if isinstance(reference, str):
        return _from_text(reference)
    try:
        lon_deg, lat_deg = (
            float(value.to_value(u.deg) if isinstance(value, u.Quantity) else value) for value in reference
        )
    except (TypeError, ValueError):
        raise UsageError(
            f"a reference is a name, a sky position or two Galactic degrees, not {shown(reference)}"
        ) from None
    return _galactic(lon_deg, lat_deg)


def _from_text(text: str) -> ReferencePlace:
    if not text.strip():
        raise UsageError(f'the reference is empty; give a name such as "orion", or {_EXAMPLES}')
    if len(text) > LONGEST_REFERENCE:
        raise UsageError(
            f"the reference has {len(text)} characters, starting with {shown(text[:40])}; "
            f"use at most {LONGEST_REFERENCE}"
        )
    framed = _FRAMED.fullmatch(text.strip().replace("−", "-"))
    assert framed is not None  # noqa: S101 - every part of the pattern may be empty
    words = [word.lower() for word in framed.group("before", "after") if word]
    numbers = framed["numbers"].strip()
    try:
        return _from_name(text)
    except LookupError:
        if not _POSITION.fullmatch(numbers):
            raise
    return _from_numbers(text, numbers, words)


def _from_name(text: str) -> ReferencePlace:
    region = find_region(text)
    return ReferencePlace(region.name, region.lon_deg, region.lat_deg)


def _from_numbers(text: str, numbers: str, words: list[str]) -> ReferencePlace:
    if len(set(words)) > 1:
        raise UsageError(f"the reference {shown(text)} names two frames, {words[0]} and {words[1]}; keep one")
    pair = _PAIR.fullmatch(numbers)
    frame = words[0] if words else ("galactic" if pair else "icrs")
    if pair and frame == "galactic":
        return _galactic(float(pair[1]), float(pair[2]))
    try:
        if pair:
            position = SkyCoord(float(pair[1]), float(pair[2]), unit="deg", frame=frame)
        else:
            position = _sexagesimal(numbers, frame)
    except Exception:  # The parser of angles raises many kinds; each means that it cannot be read.
        raise UsageError(
            f"cannot read {shown(text)} as a position; write it like {_EXAMPLES}, "
            f"with a frame word ({', '.join(FRAMES)}) for anything else"
        ) from None
    return _place(position)


def _sexagesimal(numbers: str, frame: str) -> SkyCoord:
    first = _FIRST_NUMBER.match(numbers)
    in_hours = frame != "galactic" and not (first and first[2])
    # Astropy turns 209 hours into a position without a word, and 60 seconds with only a warning.
    if in_hours and first and int(first[1]) >= 24:
        raise ValueError("24 hours or more")
    if numbers.count(",") == 1 and (":" in numbers or "m" in numbers.lower()):
        numbers = numbers.replace(",", " ")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return SkyCoord(numbers, unit=(u.hourangle if in_hours else u.deg, u.deg), frame=frame)


def _place(position: SkyCoord) -> ReferencePlace:
    if not position.isscalar:
        raise UsageError(f"a reference is one position, but this SkyCoord has shape {position.shape}")
    return _galactic(*galactic_degrees(position))


def _galactic(lon_deg: float, lat_deg: float) -> ReferencePlace:
    return ReferencePlace(f"l={round(lon_deg, 2) % 360.0:.2f} b={lat_deg:+.2f}", lon_deg, lat_deg)


#: A reference that begins so is a set.
PREFIX = "set:"


@dataclass(frozen=True)
class ReferenceSet:
    """Regions that are references together.

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
        How the similarities to its members are combined, if not chosen otherwise.
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
    """Name the sets that a reference may be, as ``set:NAME``.

    Examples
    --------
    >>> [each.name for each in skykin.reference_sets()]
    ['h-ii-regions']
    """
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


#: Each is measured by itself and drawn on every map.
MOST_REFERENCES = 100
#: Names of more references than this are not all told in one breath.
MOST_NAMES = 4


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
        raise too_many(len(members))
    return tuple(members)


def too_many(number: int) -> UsageError:
    """Refuse more references than can be combined."""
    return UsageError(
        f"{number} references were given, but at most {MOST_REFERENCES} can be combined; "
        "use fewer, or learn from a list with `skykin learn`"
    )


def how_combined(reference: Any, combine: Combine | None = None) -> Combine:
    """Tell how similarities to several references are combined: as given, else as a set says, else ``max``.

    Raises
    ------
    UsageError
        If it is neither ``max`` nor ``mean``.
    """
    if combine is None:
        return next((each.combine for each in _sets(reference)), "max")
    if combine not in ("max", "mean"):
        raise UsageError(f"references cannot be combined by {shown(combine)}; choose max or mean")
    return combine


def chosen_set(reference: Any, number: int) -> str:
    """Name of the set that all of so many references are; empty if they were named one by one."""
    sets = _sets(reference)
    return sets[0].name if len(sets) == 1 and number == len(sets[0].members) else ""


def together(names: Sequence[str]) -> str:
    """Join names in words; of many, the first and how many more there are."""
    if len(names) > MOST_NAMES:
        names = (*names[: MOST_NAMES - 1], f"{len(names) - MOST_NAMES + 1} more")
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _items(reference: Any) -> Sequence[Any]:
    if isinstance(reference, SkyCoord) and not reference.isscalar:
        return list(reference.ravel())
    if not isinstance(reference, list | tuple):
        return [reference]
    # A pair of numbers is one place.
    pair = len(reference) == 2 and all(isinstance(each, Real | u.Quantity) for each in reference)
    return [reference] if isinstance(reference, tuple) and pair else reference


def _is_set(each: object) -> bool:
    return isinstance(each, str) and each.strip().startswith(PREFIX)


def _sets(reference: Any) -> list[ReferenceSet]:
    return [reference_set(each) for each in _items(reference) if _is_set(each)]

"""The table of well-known regions that ships with Skykin."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from astropy.table import Column, QTable, Row

from skykin.core.errors import UnknownNameError, shown

#: No name is longer, and the search for near matches takes time that grows with the length.
LONGEST_NAME = 60


@dataclass(frozen=True)
class Region:
    """A row of the table.

    Parameters
    ----------
    name : str
        Usual name.
    aliases : tuple of str
        Other names of the same place; a part of a complex that has a name of its own is a row of its own.
    lon_deg, lat_deg : float
        Galactic longitude and latitude of the centre, degrees.
    diameter_deg : float
        Full angular size along the longest side, degrees.
    distance_pc : float or None
        Heliocentric distance, parsecs; None where unknown.
    kind : str
        ``H II complex``, ``molecular cloud complex``, ``dark cloud complex``, ``OB association``, ``galaxy``
        or ``ionised shell``; of a part, ``H II region``, ``molecular cloud``, ``dark cloud``,
        ``dark nebula``, ``reflection nebula`` or ``star cluster``.
    in_wham : bool
        Whether its systemic velocity lies within the ±100 km/s that WHAM covers.
    annotate : bool
        Whether maps name it and recoveries count it.
    source : str
        Where position, size and distance come from.
    """

    name: str
    aliases: tuple[str, ...]
    lon_deg: float
    lat_deg: float
    diameter_deg: float
    distance_pc: float | None
    kind: str
    in_wham: bool
    annotate: bool
    source: str


def known_regions() -> QTable:
    """Read the table of well-known star-forming complexes.

    Returns
    -------
    QTable
        One row per region with the columns of `Region`; units, descriptions and, in ``meta``, how it was
        compiled.  ``distance_pc`` is masked where unknown.  A fresh copy: change it freely.

    Examples
    --------
    >>> table = skykin.known_regions()
    >>> str(table["lon_deg"].unit), len(table) > 100
    ('deg', True)
    """
    text = files("skykin.catalogue").joinpath("data/regions.ecsv").read_text(encoding="utf-8")
    table = QTable.read(text, format="ascii.ecsv")
    # The reader masks empty text, but no other name is no unknown.
    aliases = table["aliases"]
    table["aliases"] = Column(aliases.filled(""), description=aliases.description)
    return table


def find_region(name: str) -> Region:
    """Find a region by name or alias; case, spaces and punctuation do not matter.

    Raises
    ------
    UnknownNameError
        If no region has this name; the sentence lists near matches.
    """
    region = _by_key().get(_key(name))
    if region is None:
        raise UnknownNameError(
            f"no region is called {shown(name)}{_near_matches(name)}; a Galactic position such as "
            '"209,-19" or a sky position such as "05h35m17s -05d23m28s" works as well'
        )
    return region


def _key(name: str) -> str:
    return "".join(c for c in name.casefold() if c.isalnum())


@cache
def _spellings() -> dict[str, tuple[str, Region]]:
    """For each key: the spelling in the table, and the region."""
    regions = [_region(row) for row in known_regions()]
    return {_key(name): (name, region) for region in regions for name in (region.name, *region.aliases)}


@cache
def _by_key() -> dict[str, Region]:
    return {key: region for key, (_, region) in _spellings().items()}


def _near_matches(name: str) -> str:
    key = _key(name)[:LONGEST_NAME]
    close = difflib.get_close_matches(key, _spellings(), n=6, cutoff=0.7)
    parts = [other for other in _spellings() if len(key) > 2 and key in other]
    found: dict[str, str] = {}
    for match in close + parts:
        spelling, region = _spellings()[match]
        found.setdefault(region.name, spelling)
    return f"; near matches: {', '.join(list(found.values())[:3])}" if found else ""


def _region(row: Row) -> Region:
    distance_pc = row["distance_pc"]
    return Region(
        name=str(row["name"]),
        aliases=tuple(alias.strip() for alias in str(row["aliases"]).split(";") if alias.strip()),
        lon_deg=float(row["lon_deg"].value),
        lat_deg=float(row["lat_deg"].value),
        diameter_deg=float(row["diameter_deg"].value),
        distance_pc=None if np.any(distance_pc.mask) else float(distance_pc.unmasked.value),
        kind=str(row["kind"]),
        in_wham=bool(row["in_wham"]),
        annotate=bool(row["annotate"]),
        source=str(row["source"]),
    )

"""What the lists that ship with Skykin know at a place."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from astropy.table import QTable, vstack

from skykin.catalogue.object_lists import degrees_of, object_list, object_lists
from skykin.core.shapes import Degrees, Numbers
from skykin.core.sphere import separation_deg

#: Lists of nebulae; their rows that form stars are what a list of targets is held against.
NEBULAE = ("regions", "sharpless", "nebulae")
#: An object so many times wider than objects are looked for, two tiles for a target, is around a place.
AROUND = 4.0


@dataclass(frozen=True)
class KnownObject:
    """A catalogued object near a place.

    Parameters
    ----------
    name, kind : str
        Name with the everyday one behind it, such as Sh2-103 (Cygnus Loop).
    listed : str
        The list that has it.
    separation_deg : float
        From the place to the object's centre.
    around : bool
        Whether the object is so much larger that it says where the place lies, not what is there.
    """

    name: str
    kind: str
    listed: str
    separation_deg: float
    around: bool = False


@dataclass(frozen=True, eq=False)
class _Sky:
    """All objects of all lists."""

    table: QTable
    shown: tuple[str, ...]
    names: tuple[frozenset[str], ...]
    listed: np.ndarray
    lon_deg: Degrees
    lat_deg: Degrees
    radius_deg: Degrees


@cache
def _sky() -> _Sky:
    tables = {one.name: object_list(one.name) for one in object_lists()}
    columns = ("name", "aliases", "lon_deg", "lat_deg", "diameter_deg", "kind", "star_forming")
    table = vstack([each[columns] for each in tables.values()], metadata_conflicts="silent")
    texts = [f"{row['name']};{row['aliases']}" for row in table]
    spelled = [[name.strip() for name in text.split(";") if name.strip()] for text in texts]
    return _Sky(
        table,
        tuple(_with_everyday_name(*names) for names in spelled),
        tuple(frozenset(_key(name) for name in names) for names in spelled),
        np.repeat(list(tables), [len(each) for each in tables.values()]),
        degrees_of(table, "lon_deg"),
        degrees_of(table, "lat_deg"),
        np.nan_to_num(degrees_of(table, "diameter_deg")) / 2,
    )


def known_at(lon_deg: float, lat_deg: float, within_deg: float) -> tuple[KnownObject, ...]:
    """Tell which catalogued objects lie at a place, the nearest first.

    Parameters
    ----------
    lon_deg, lat_deg : float
        Galactic, degrees.
    within_deg : float
        Objects whose centre is nearer count, and so do those whose disc holds the place.

    Returns
    -------
    tuple of KnownObject
        An object that several lists have is told once: by its name in the first of them.  Discs wider than
        `AROUND` times `within_deg`, whose centre is farther away, are around the place.
    """
    sky = _sky()
    apart_deg = separation_deg(sky.lon_deg, sky.lat_deg, lon_deg, lat_deg)
    near = np.flatnonzero(apart_deg <= np.maximum(within_deg, sky.radius_deg))
    found: dict[int, float] = {}
    for row in near.tolist():  # In the order of the lists.
        same = next((other for other in found if sky.names[other] & sky.names[row]), None)
        if same is None:
            found[row] = float(apart_deg[row])
        else:
            found[same] = min(found[same], float(apart_deg[row]))
    return tuple(
        KnownObject(
            sky.shown[row],
            str(sky.table["kind"][row]),
            str(sky.listed[row]),
            away,
            bool(away > within_deg and 2 * sky.radius_deg[row] > AROUND * within_deg),
        )
        for row, away in sorted(found.items(), key=lambda item: item[1])
    )


def nebulae() -> tuple[Degrees, Degrees]:
    """Galactic longitudes and latitudes of the listed nebulae and complexes that form stars, degrees."""
    sky = _sky()
    chosen: Numbers = np.isin(sky.listed, NEBULAE) & np.asarray(sky.table["star_forming"], dtype=bool)
    return sky.lon_deg[chosen], sky.lat_deg[chosen]


def _with_everyday_name(name: str, *aliases: str) -> str:
    """Name of an object, and the first other name without a number where it has a number itself."""
    if not any(c.isdigit() for c in name):
        return name
    everyday = next((alias for alias in aliases if not any(c.isdigit() for c in alias)), "")
    return f"{name} ({everyday})" if everyday else name


def _key(name: str) -> str:
    return "".join(c for c in name.casefold() if c.isalnum())

"""The lists of objects that ship with Skykin: star-forming ones, confusers, and controls."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from astropy.table import Column, MaskedColumn, QTable

from skykin.catalogue.regions import known_regions
from skykin.core.errors import UnknownNameError, shown

#: The columns that every list has, in this order.
COLUMNS = (
    "name",
    "aliases",
    "lon_deg",
    "lat_deg",
    "diameter_deg",
    "kind",
    "star_forming",
    "source",
    "note",
)


@dataclass(frozen=True)
class ObjectList:
    """What one of the lists holds.

    Parameters
    ----------
    name : str
        What `object_list` calls it.
    summary : str
        What is in it, in one line.
    """

    name: str
    summary: str


_LISTS = {
    one.name: one
    for one in (
        ObjectList("regions", "well-known star-forming complexes; those that a reference may be named after"),
        ObjectList("sharpless", "the 313 nebulae of Sharpless 1959; most are H II regions, each is flagged"),
        ObjectList(
            "nebulae", "H II regions that Sharpless does not have, most southern, and OB associations"
        ),
        ObjectList("confusers", "bright or large in Hα, but not forming stars"),
        ObjectList("galaxies", "bright galaxies: a control, because they are not part of the Milky Way"),
        ObjectList("globulars", "globular clusters: a control, because they hold no gas"),
    )
}


def object_lists() -> tuple[ObjectList, ...]:
    """Name the lists that ship with Skykin, star-forming ones first, controls last."""
    return tuple(_LISTS.values())


def object_list(name: str) -> QTable:
    """Read one of the lists that ship with Skykin.

    Parameters
    ----------
    name : str
        One of those that `object_lists` names, such as ``sharpless``.

    Returns
    -------
    QTable
        One row an object with the columns `COLUMNS`: Galactic ``lon_deg`` and ``lat_deg`` and the full
        angular size ``diameter_deg`` (masked where unknown) with units, ``star_forming``, and a ``source``
        for each row; ``meta`` says how it was compiled.  A fresh copy: change it freely.

    Raises
    ------
    UnknownNameError
        If there is no such list.
    """
    if name not in _LISTS:
        near = difflib.get_close_matches(name[:60], _LISTS, n=1)
        hint = f"did you mean {near[0]}? There are" if near else "there are"
        raise UnknownNameError(f"no list is called {shown(name)}; {hint} {', '.join(_LISTS)}")
    if name == "regions":
        return _regions()
    text = files("skykin.catalogue").joinpath(f"data/{name}.ecsv").read_text(encoding="utf-8")
    table = QTable.read(text, format="ascii.ecsv")
    for column in table.itercols():
        # The reader masks empty text, but nothing said is no unknown.
        if isinstance(column, MaskedColumn) and column.dtype.kind == "U":
            table[column.name] = Column(column.filled(""), description=column.description)
    return table


def _regions() -> QTable:
    table = known_regions()
    table["star_forming"] = np.asarray(table["kind"]) != "ionised shell"
    table["note"] = np.full(len(table), "")
    return table[COLUMNS]

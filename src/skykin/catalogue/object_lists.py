"""Lists of objects: those that ship with Skykin, and any table of positions as one."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.table import Column, MaskedColumn, QTable, Table

from skykin.catalogue.regions import known_regions
from skykin.core.atomic import whole_file
from skykin.core.clean_table import cleaned
from skykin.core.errors import (
    DataQualityError,
    HeaderInvalidError,
    SkyError,
    UnknownNameError,
    UsageError,
    shown,
)
from skykin.core.shapes import Degrees, Numbers

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
#: Smaller nebulae are lost in a tile of several degrees; chosen before any score was computed.
SMALLEST_DEG = 0.5
#: What astropy calls the form of a file, by the end of its name.
FORMS = {".ecsv": "ascii.ecsv", ".csv": "ascii.csv", ".xml": "votable", ".vot": "votable"}


@dataclass(frozen=True)
class ShippedList:
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
        ShippedList(
            "regions", "well-known star-forming complexes and their parts: names that a reference may have"
        ),
        ShippedList("sharpless", "the 313 nebulae of Sharpless 1959; most are H II regions, each is flagged"),
        ShippedList(
            "nebulae", "H II regions that Sharpless does not have, most southern, and OB associations"
        ),
        ShippedList("contaminants", "bright in Hα without forming stars"),
        ShippedList("galaxies", "bright galaxies: a control, because they are not part of the Milky Way"),
        ShippedList("globulars", "globular clusters: a control, because they hold no gas"),
    )
}


def object_lists() -> tuple[ShippedList, ...]:
    """Name the lists that ship with Skykin, star-forming ones first, controls last.

    Examples
    --------
    >>> [each.name for each in skykin.object_lists()]
    ['regions', 'sharpless', 'nebulae', 'contaminants', 'galaxies', 'globulars']
    """
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

    Examples
    --------
    >>> sharpless = skykin.object_list("sharpless")
    >>> len(sharpless), int(sharpless["star_forming"].sum())
    (313, 235)
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


@dataclass(frozen=True, eq=False)
class ObjectList:
    """Objects on the sky, with their positions and sizes.

    Parameters
    ----------
    title : str
        What the list is called in tables and figures.
    names : tuple of str
    lon_deg, lat_deg : array (objects,)
        Galactic centres, degrees.
    diameter_deg : array (objects,)
        Full angular size; NaN where unknown.

    Raises
    ------
    SkyError
        If a position is not finite or not on the sky.
    DataQualityError
        If the list is empty.
    """

    title: str
    names: tuple[str, ...]
    lon_deg: Degrees
    lat_deg: Degrees
    diameter_deg: Degrees

    def __post_init__(self) -> None:
        for name in ("lon_deg", "lat_deg", "diameter_deg"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.float64))
        if not self.names:
            raise DataQualityError(
                f"the list {shown(self.title)} holds no objects; give one that does", code="DQ-FEWVALID"
            )
        for row, (lon, lat) in enumerate(zip(self.lon_deg, self.lat_deg, strict=True)):
            if not (np.isfinite(lon) and np.isfinite(lat) and abs(lat) <= 90 and -180 <= lon <= 360):
                raise SkyError(
                    f"row {row + 1} of {shown(self.title)} ({shown(self.names[row])}) lies at l={lon:g}°, "
                    f"b={lat:g}°, which is not on the sky; longitudes run from 0° to 360°, latitudes from "
                    "−90° to 90°"
                )

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def from_table(cls, table: QTable, title: str, chosen: Numbers | None = None) -> ObjectList:
        """Take the rows for which `chosen` is true.

        Parameters
        ----------
        table : QTable
            Columns ``lon_deg`` and ``lat_deg`` (Galactic), ``name`` and ``diameter_deg`` where it has them.
        title : str
        chosen : bool array (rows,), optional
            If left out, the rows whose ``star_forming`` is true; all, where there is no such column.

        Raises
        ------
        HeaderInvalidError
            If a column with positions is missing.
        SkyError, DataQualityError
            As the class.
        """
        missing = [name for name in ("lon_deg", "lat_deg") if name not in table.colnames]
        if missing:
            raise HeaderInvalidError(
                f"the table {shown(title)} lacks the column {' and '.join(missing)}; it has "
                f"{shown(', '.join(table.colnames))}"
            )
        if chosen is None and "star_forming" in table.colnames:
            chosen = table["star_forming"]
        rows = np.ones(len(table), dtype=bool) if chosen is None else np.asarray(chosen, dtype=bool)
        names = table["name"] if "name" in table.colnames else [f"row {i + 1}" for i in range(len(table))]
        size = degrees_of(table, "diameter_deg") if "diameter_deg" in table.colnames else None
        return cls(
            title,
            tuple(str(name) for name, kept in zip(names, rows, strict=True) if kept),
            degrees_of(table, "lon_deg")[rows],
            degrees_of(table, "lat_deg")[rows],
            np.full(int(rows.sum()), np.nan) if size is None else size[rows],
        )


def degrees_of(table: QTable, name: str) -> Degrees:
    """Give a column as degrees; bare numbers are degrees, NaN where masked."""
    column = table[name]
    values = column.to_value(u.deg) if getattr(column, "unit", None) else column
    bare = np.asarray(getattr(values, "unmasked", np.ma.getdata(values)), dtype=np.float64)
    return np.where(np.asarray(getattr(column, "mask", False)), np.nan, bare)


def shipped_lists() -> tuple[tuple[ObjectList, ...], ObjectList]:
    """Give the lists of what should be found, and the contaminants: what should not."""
    sharpless, nebulae, contaminants = (
        object_list(name) for name in ("sharpless", "nebulae", "contaminants")
    )
    regions = known_regions()
    complexes = (regions["kind"] != "ionised shell") & regions["annotate"] & regions["in_wham"]
    found = (
        ObjectList.from_table(
            sharpless, f"Sharpless ≥ {SMALLEST_DEG:g}°", sharpless["star_forming"] & _large(sharpless)
        ),
        ObjectList.from_table(
            nebulae,
            f"nebulae not in Sharpless ≥ {SMALLEST_DEG:g}°",
            nebulae["star_forming"] & _large(nebulae),
        ),
        ObjectList.from_table(regions, "well-known complexes", complexes),
    )
    return found, ObjectList.from_table(contaminants, "contaminants", _large(contaminants))


def shipped_list(name: str) -> ObjectList:
    """Give the star-forming objects of a shipped list that are large enough."""
    table = object_list(name)
    return ObjectList.from_table(table, name, table["star_forming"] & _large(table))


def _large(table: QTable) -> np.ndarray:
    return np.asarray(degrees_of(table, "diameter_deg") >= SMALLEST_DEG)


def write_object_table(table: QTable, path: Path, *, overwrite: bool = False) -> None:
    """Write a list of objects, such as `object_list` gives, as ECSV, CSV or VOTable.

    Parameters
    ----------
    table : QTable
    path : Path
        Its end tells the form: ``.ecsv`` (keeps units and how the list was compiled), ``.csv`` or ``.xml``.
    overwrite : bool
        Replace a file that is there.

    Raises
    ------
    UsageError
        For another end; ``USAGE-OUT`` if the file is there already.
    ResourceError
        If it cannot be written.
    """
    form = FORMS.get(path.suffix.lower())
    if form is None:
        raise UsageError(f"cannot tell the form of {shown(path.name)}; end its name in {', '.join(FORMS)}")
    if path.exists() and not overwrite:
        raise UsageError(
            f"{shown(path.name)} is there already; choose another name, or add --overwrite", code="USAGE-OUT"
        )
    plain = cleaned(Table(table), formulas=form == "ascii.csv")
    with whole_file(path) as temporary:
        plain.write(temporary, format=form, overwrite=True)

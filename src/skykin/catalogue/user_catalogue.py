"""A user's own catalogue of objects, whatever its columns are called."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.table import Column, MaskedColumn, QTable
from astropy.utils.masked import Masked

from skykin.catalogue.columns import (
    FLAGS,
    KINDS,
    NAMES,
    OTHER_NAMES,
    SOURCES,
    Sizes,
    find_positions,
    find_sizes,
    named,
)
from skykin.catalogue.object_lists import COLUMNS
from skykin.core.atomic import sha256_of
from skykin.core.errors import DataQualityError, HeaderInvalidError, SkyError, shown
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress
from skykin.core.shapes import Degrees, Numbers
from skykin.survey.table.objects import ObjectColumn, read_object_columns

YES, NO = {"true", "t", "yes", "y", "1", "1.0"}, {"false", "f", "no", "n", "0", "0.0"}


@dataclass(frozen=True, eq=False)
class _Kept:
    """Which rows stay, and where they lie."""

    rows: np.ndarray
    lon_deg: Degrees
    lat_deg: Degrees


def read_catalogue(
    path: str | os.PathLike[str], *, frame: str | None = None, progress: Progress | None = None
) -> QTable:
    """Read a catalogue of objects in any form that astropy reads: FITS, VOTable, ECSV, Parquet, CSV, text.

    Columns are found by UCD or by name: ``l, b``, ``GLON, GLAT``, ``ra, dec``, ``RAJ2000, DEJ2000``, ``lon,
    lat``, a column of sky coordinates; ``diameter``, ``size``, ``majax`` or ``radius``; ``name``, ``kind``,
    ``star_forming``, ``source``.  What is assumed or left out is told to `progress` and in ``meta``.

    Parameters
    ----------
    path : path
    frame : str, optional
        ``galactic``, ``icrs`` or ``ecliptic``: of columns called lon and lat, which do not say it.
    progress : Progress, optional

    Returns
    -------
    QTable
        The columns of `object_list`: Galactic positions in degrees; ``diameter_deg`` masked where unknown.
        ``meta`` has the file, its SHA-256, ``rows_left_out`` and ``said``.

    Raises
    ------
    InputRefusedError
        In one of its kinds; the sentence names the columns that are there, the first bad row, and the way
        out.
    RemoteError
        ``RM-BLOCKED`` for a VOTable whose data are elsewhere.
    ResourceError
        If the file cannot be opened.
    """
    path = Path(path)
    told = _Told(progress or SilentProgress())
    columns = read_object_columns(path)
    kept = _on_sky(columns, path.name, frame, told)
    sizes = find_sizes(columns, path.name)
    table = QTable(meta={"file": path.name, "sha256": sha256_of(path)})
    table["name"] = _names(columns, kept)
    table["aliases"] = _words(named(columns, OTHER_NAMES), kept)
    table["lon_deg"] = Column(kept.lon_deg) * u.deg
    table["lat_deg"] = Column(kept.lat_deg) * u.deg
    table["diameter_deg"] = _diameters(sizes, kept, path.name, told)
    table["kind"] = _words(named(columns, KINDS), kept)
    table["star_forming"] = _flags(named(columns, FLAGS), kept, path.name, told)
    table["source"] = _words(named(columns, SOURCES), kept, path.name)
    table["note"] = np.full(len(table), "")
    table.meta |= {"rows_left_out": len(_first(columns)) - len(table), "said": told.sentences}
    return table[COLUMNS]


class _Told:
    """Remembers what it tells."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.sentences: list[str] = []

    def say(self, sentence: str) -> None:
        self.sentences.append(sentence)
        self.progress.say(sentence)


def _first(columns: list[ObjectColumn]) -> Numbers | tuple[str, ...]:
    if not columns:
        return ()
    first = columns[0]
    return first.numbers if first.numbers is not None else first.text or ()


def _on_sky(columns: list[ObjectColumn], file: str, frame: str | None, told: _Told) -> _Kept:
    if not len(_first(columns)):
        raise DataQualityError(f"{shown(file)} has no rows; give a table with at least one object")
    lon, lat = find_positions(columns, file, frame, told.say)
    known = np.isfinite(lon) & np.isfinite(lat)
    missing = int(np.sum(~known))
    if missing == len(known):
        raise DataQualityError(f"none of the {missing} rows of {shown(file)} has a position; fill in some")
    if missing:
        told.say(
            f"{missing} of {len(known)} rows of {shown(file)} have no position and are left out, the first "
            f"of them row {int(np.argmin(known)) + 1}"
        )
    rows = np.flatnonzero(known)
    return _Kept(rows, lon[rows], lat[rows])


def _names(columns: list[ObjectColumn], kept: _Kept) -> list[str]:
    column = named(columns, NAMES)
    words = _words(column, kept)
    return [word or f"object {row + 1}" for word, row in zip(words, kept.rows, strict=True)]


def _words(column: ObjectColumn | None, kept: _Kept, default: str = "") -> list[str]:
    if column is None:
        return [default] * len(kept.rows)
    if column.text is not None:
        return [column.text[row].strip() for row in kept.rows]
    numbers = np.asarray(column.numbers)
    return ["" if np.isnan(numbers[row]) else f"{numbers[row]:.12g}" for row in kept.rows]


def _diameters(sizes: Sizes | None, kept: _Kept, file: str, told: _Told) -> u.Quantity:
    if sizes is None:
        told.say(f"no column of {shown(file)} holds sizes: they count as unknown")
        return Masked(np.zeros(len(kept.rows)) * u.deg, mask=True)
    diameter_deg = sizes.diameter_deg[kept.rows]
    wrong = np.flatnonzero((diameter_deg < 0) | (diameter_deg > 360) | np.isinf(diameter_deg))
    if wrong.size:
        row = int(kept.rows[wrong[0]]) + 1
        raise SkyError(
            f"row {row} of {shown(file)} has a diameter of {diameter_deg[wrong[0]]:g}°, read from column "
            f"{shown(sizes.column)}; give sizes from 0° to 360°, and the right unit"
        )
    known = diameter_deg > 0  # NaN and 0 both mean that nobody measured it
    return Masked(np.where(known, diameter_deg, 0.0) * u.deg, mask=~known)


def _flags(column: ObjectColumn | None, kept: _Kept, file: str, told: _Told) -> MaskedColumn | np.ndarray:
    if column is None:
        told.say(
            f"no column of {shown(file)} says which objects form stars: all of them count as star-forming"
        )
        return np.ones(len(kept.rows), bool)
    words = [word.casefold() for word in _words(column, kept)]
    for word, row in zip(words, kept.rows, strict=True):
        if word not in YES | NO:
            raise HeaderInvalidError(
                f"row {row + 1} of {shown(file)} has {shown(word)} in column {shown(column.name)}; write "
                "true or false"
            )
    return np.array([word in YES for word in words])

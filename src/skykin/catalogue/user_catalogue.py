"""A user's own catalogue of objects, whatever its columns are called."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.coordinates import Angle, angular_separation
from astropy.table import Column, MaskedColumn, QTable
from astropy.utils.masked import Masked

from skykin.catalogue.object_lists import COLUMNS
from skykin.core.atomic import sha256_of
from skykin.core.errors import DataQualityError, HeaderInvalidError, SkyError, shown
from skykin.core.frames import Frame, frame_of, to_galactic
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress
from skykin.core.shapes import Degrees, Numbers
from skykin.survey.table.columns import (
    DEGREES_PER,
    HOURS,
    NAMELESS,
    PAIRS,
    columns_told,
    doubtful_radians,
    equatorial_pairs,
    has_ucd,
    name_key,
    split_name,
)
from skykin.survey.table.objects import ObjectColumn, read_object_columns
from skykin.survey.table.stated import in_present_frame, with_frames

NAMES = ("name", "mainid", "object", "objectname", "sourcename", "designation", "id", "region", "source")
OTHER_NAMES = ("aliases", "othernames", "identifiers")
KINDS = ("kind", "type", "otype", "objecttype", "class")
FLAGS = ("starforming", "issf", "sf")
SOURCES = ("reference", "bibcode", "source")
DIAMETERS = (
    "diameter",
    "diam",
    "size",
    "angsize",
    "majax",
    "majaxis",
    "majoraxis",
    "majdiam",
    "maj",
    "extent",
)
RADII = ("radius", "rad", "angularradius", "semimajor", "semimajoraxis")
#: Two pairs of columns that say where an object is may differ by so much, for rounding.
AGREEMENT_DEG = 0.1
WAY_OUT = "call them l and b, ra and dec, or lon and lat"
DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)")
Say = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Sizes:
    """Full angular sizes, degrees, NaN where unknown, and the column that they come from."""

    diameter_deg: Degrees
    column: str


def named(columns: list[ObjectColumn], names: Sequence[str]) -> ObjectColumn | None:
    """Find the first of some names; case and punctuation do not matter."""
    return next((c for name in names for c in columns if name_key(c.name) == name), None)


def find_positions(
    columns: list[ObjectColumn], file: str, frame: str | None, say: Say
) -> tuple[Degrees, Degrees]:
    """Find Galactic positions, degrees, NaN where a row has none.

    Raises
    ------
    HeaderInvalidError
        If no columns, or contradicting ones, say where the objects are.
    SkyError
        If a unit is no angle, or a position is not on the sky.
    """
    pairs = _pairs(columns, frame)
    if not pairs:
        raise HeaderInvalidError(
            f"no columns of {shown(file)} hold positions; it has {columns_told(columns)}; {WAY_OUT}"
        )
    lon, lat = _read(pairs[0], file, frame, say)
    for other in pairs[1:]:
        _check_agreement((lon, lat), _read(other, file, frame, lambda _: None), (pairs[0], other), file)
    return lon, lat


def find_sizes(columns: list[ObjectColumn], file: str) -> Sizes | None:
    """Find full angular sizes: the first column of diameters, else of radii; None if there is none.

    Raises
    ------
    SkyError
        If neither unit nor name of the column say what its numbers are.
    """
    for names, factor in ((DIAMETERS, 1.0), (RADII, 2.0)):
        for name in names:
            for column in columns:
                stem, ending = split_name(column.name)
                if stem == name and column.numbers is not None:
                    per_unit = _degrees_per(column, ending, file)
                    if per_unit is None:
                        raise SkyError(
                            f"column {shown(column.name)} of {shown(file)} does not say its unit; write it, "
                            f"or call the column {name}_deg, {name}_arcmin or {name}_arcsec",
                            code="SKY-UNIT",
                        )
                    return Sizes(column.numbers * per_unit * factor, column.name)
    return None


Pair = tuple[ObjectColumn, ObjectColumn, Frame | None]


def _pairs(columns: list[ObjectColumn], frame: str | None) -> list[Pair]:
    """Columns of longitude and latitude with their frame, by UCD first, then by name; each column once."""
    found: list[Pair] = []
    used: set[int] = set()
    nameless = [(None, *names) for names in NAMELESS]
    for known, x, y in [*PAIRS, *nameless]:
        for lon in (c for c in columns if _is(c, x) and id(c) not in used):
            lat = next((c for c in columns if _is(c, y) and id(c) not in used), None)
            if lat is not None:
                found.append((lon, lat, known))
                used |= {id(lon), id(lat)}
    if not found and len(pairs := equatorial_pairs(columns)) == 1:
        found = [(*pairs[0], "icrs")]
    if frame is not None:  # what the user says concerns columns that do not say it themselves
        found.sort(key=lambda pair: pair[2] is not None)
    return found


def _read(pair: Pair, file: str, frame: str | None, say: Say) -> tuple[Degrees, Degrees]:
    lon, lat, known = pair
    if known is None and frame is None:
        say(
            f"the positions in columns {shown(lon.name)} and {shown(lat.name)} of {shown(file)} are read as "
            "Galactic; call them ra and dec if they are ICRS"
        )
    chosen = known or frame_of(frame or "galactic")
    lon_deg = _degrees(lon, file, say, hours=chosen == "icrs")
    lat_deg = _degrees(lat, file, say)
    if not (lon.unit or lat.unit) and (doubt := doubtful_radians(lon.name, lon_deg, lat_deg)):
        say(f"columns {shown(lon.name)} and {shown(lat.name)} of {shown(file)} {doubt}")
    off = (np.abs(lat_deg) > 90) | (np.abs(lon_deg) > 360) | np.isinf(lon_deg) | np.isinf(lat_deg)
    if off.any():
        row = int(np.argmax(off))
        raise SkyError(
            f"row {row + 1} of {shown(file)} lies at {shown(lon.name)} = {lon_deg[row]:g}°, "
            f"{shown(lat.name)} = {lat_deg[row]:g}°, which is not on the sky; correct or remove it "
            f"(rows like this: {int(off.sum())})"
        )
    good = np.isfinite(lon_deg) & np.isfinite(lat_deg)
    there = np.where(good, lon_deg, 0.0), np.where(good, lat_deg, 0.0)
    if known is not None:
        there = in_present_frame(*there, chosen, (lon, lat), file)
    galactic = to_galactic(*there, chosen)
    return np.where(good, galactic[0] % 360.0 % 360.0, np.nan), np.where(good, galactic[1], np.nan)


def _degrees(column: ObjectColumn, file: str, say: Say, *, hours: bool = False) -> Degrees:
    if column.text is not None:
        return _sexagesimal(column, file, u.hourangle if hours else u.deg)
    numbers = np.asarray(column.numbers)
    per_unit = _degrees_per(column, split_name(column.name)[1], file)
    if per_unit is None:
        per_unit = 1.0
        finite = numbers[np.isfinite(numbers)]
        perhaps = hours and len(finite) > 9 and finite.min() >= 0 and finite.max() <= HOURS
        doubt = f", but reaches only {finite.max():.3g}: if it is in hours, write its unit" if perhaps else ""
        say(f"column {shown(column.name)} of {shown(file)} has no unit and is read in degrees{doubt}")
    return np.asarray(numbers * per_unit)


def _sexagesimal(column: ObjectColumn, file: str, unit: u.Unit) -> Degrees:
    degrees = np.full(len(column.text or ()), np.nan)
    for row, text in enumerate(column.text or ()):
        if not text.strip() or text.strip().casefold() == "nan":
            continue
        plain = text.strip().replace("−", "-")
        try:
            # A number without separators is decimal degrees, even of a right ascension.
            degrees[row] = float(plain) if DECIMAL.fullmatch(plain) else Angle(plain, unit=unit).deg
        except (ValueError, u.UnitsError, TypeError) as error:
            raise SkyError(
                f"row {row + 1} of {shown(file)} has {shown(text)} in column {shown(column.name)}, which is "
                "no angle; write decimal degrees, or hours and degrees such as 05:35:17 and -05:23:28",
                code="SKY-UNIT",
            ) from error
    return degrees


def _check_agreement(
    one: tuple[Degrees, Degrees], other: tuple[Degrees, Degrees], pairs: tuple[Pair, Pair], file: str
) -> None:
    apart = np.degrees(angular_separation(*(np.radians(angle) for angle in (*one, *other))))
    if np.all(np.isnan(apart)) or np.nanmax(apart) <= AGREEMENT_DEG:
        return
    row = int(np.nanargmax(apart))
    first, second = (f"{shown(pair[0].name)}, {shown(pair[1].name)}" for pair in pairs)
    raise HeaderInvalidError(
        f"the columns {first} and {second} of {shown(file)} put row {row + 1} at places {apart[row]:.3g}° "
        "apart; keep the pair that is right"
    )


def _degrees_per(column: ObjectColumn, ending: str, file: str) -> float | None:
    """Degrees in one unit of the column, None where neither its unit nor its name say it."""
    unit = column.unit.strip().casefold() or ending
    if not unit:
        return None
    try:
        factor = DEGREES_PER[unit] if unit in DEGREES_PER else u.Unit(column.unit).to(u.deg)
    except (ValueError, TypeError, u.UnitsError) as error:
        raise SkyError(
            f"column {shown(column.name)} of {shown(file)} is in {shown(column.unit)}, which is no angle; "
            "write it in deg or arcmin",
            code="SKY-UNIT",
        ) from error
    return float(factor)


def _is(column: ObjectColumn, what: str) -> bool:
    if what.startswith("pos"):
        return has_ucd(column.ucd, what)
    return what in (name_key(column.name), split_name(column.name)[0])


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
    r"""Read a catalogue of objects in any form that astropy reads: FITS, VOTable, ECSV, Parquet, CSV, text.

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

    Examples
    --------
    >>> from pathlib import Path
    >>> _ = Path("mine.csv").write_text("name,l,b,size_arcmin\nA,10,5,30\n")
    >>> mine = skykin.read_catalogue("mine.csv")
    >>> print(mine["name"][0], mine["diameter_deg"][0])
    A 0.5 deg
    """
    path = Path(path)
    told = _Told(progress or SilentProgress())
    columns = with_frames(read_object_columns(path), path)
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

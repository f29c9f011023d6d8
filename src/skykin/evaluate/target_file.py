"""A user's own list of objects, read from any form of table that astropy knows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from skykin.core.errors import (
    CorruptFileError,
    HeaderInvalidError,
    InputRefusedError,
    SkyError,
    TooLargeError,
    shown,
)
from skykin.core.shapes import Numbers
from skykin.evaluate.target_list import TargetList
from skykin.survey.frames import Frame, to_galactic
from skykin.survey.guard import guarded
from skykin.survey.table_columns import DEGREES_PER, NAMELESS, PAIRS
from skykin.survey.table_file import check_votable

MOST_BYTES = 64 << 20
MOST_OBJECTS = 100_000
FORMATS = {
    ".ecsv": "ascii.ecsv",
    ".vot": "votable",
    ".xml": "votable",
    ".fits": "fits",
    ".fit": "fits",
    ".parquet": "parquet.votable",
}
NAMES = ("name", "mainid", "id", "object", "designation")
SIZES = ("diameterdeg", "diamdeg", "diameter", "diam", "size", "sizedeg", "majdeg")


def read_target_list(path: Path) -> TargetList:
    """Read a list of objects: positions, and names and diameters where it has them.

    Positions are found by UCD or by name: ``l`` and ``b``, ``glon`` and ``glat``, ``ra`` and ``dec``,
    ``lon_deg`` and ``lat_deg`` (Galactic).  Without a unit they are degrees.

    Raises
    ------
    InputRefusedError
        In one of its kinds, if the file is no table, has no positions, or they are not on the sky.
    """
    if not path.is_file():
        raise InputRefusedError(
            f"there is no file {shown(path)}; give a table such as regions.ecsv or objects.csv"
        )
    if path.stat().st_size > MOST_BYTES:
        raise TooLargeError(
            f"{shown(path.name)} has {path.stat().st_size} bytes, but lists of at most {MOST_BYTES} are read"
        )
    with guarded("skykin.evaluate.target_file:parse", path) as parsed:
        lon, lat, size = (np.array(parsed.array(name)) for name in ("lon", "lat", "size"))
        names = tuple(parsed.facts["names"])
    return TargetList(path.name, names, lon, lat, size)


def parse(path: Path, folder: Path) -> dict[str, Any]:
    """Child's task: save Galactic positions and sizes in degrees, and return the names."""
    table = _table(path)
    if len(table) > MOST_OBJECTS:
        raise TooLargeError(f"{shown(path.name)} has {len(table)} rows; at most {MOST_OBJECTS} are read")
    lon, lat, frame = _positions(table, path.name)
    lon, lat = to_galactic(lon, lat, frame)
    size = next((c for key in SIZES for c in table.colnames if _key(c) == key), None)
    name = next((c for key in NAMES for c in table.colnames if _key(c) == key), None)
    np.save(folder / "lon.npy", lon)
    np.save(folder / "lat.npy", lat)
    np.save(
        folder / "size.npy", np.full(len(table), np.nan) if size is None else _degrees(table, size, path.name)
    )
    names = [f"row {i + 1}" for i in range(len(table))] if name is None else [str(n) for n in table[name]]
    return {"names": names}


def _table(path: Path) -> Any:
    from astropy.table import Table  # noqa: PLC0415 - only in the child

    form = FORMATS.get(path.suffix.lower(), "ascii")
    if form == "votable":
        check_votable(path.read_bytes(), path.name)
    try:
        return Table.read(path, format=form)
    except Exception as error:  # Each of astropy's readers has its own kinds of errors.
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise CorruptFileError(
            f"{shown(path.name)} cannot be read as a table ({form}: {shown(first)}); write it as CSV, ECSV, "
            "VOTable or FITS",
            code="IN-CORRUPT",
        ) from error


def _positions(table: Any, file: str) -> tuple[Numbers, Numbers, Frame]:
    pairs = [*PAIRS, *(("galactic", x, y) for x, y in NAMELESS)]
    for frame, x, y in pairs:
        lon = next((c for c in table.colnames if _is(table[c], x)), None)
        lat = next((c for c in table.colnames if _is(table[c], y)), None)
        if lon is not None and lat is not None:
            longitude, latitude = _degrees(table, lon, file), _degrees(table, lat, file)
            _check_on_sky(longitude, latitude, file)
            return longitude, latitude, frame
    raise HeaderInvalidError(
        f"no columns with positions are found in {shown(file)}, which has "
        f"{shown(', '.join(table.colnames))}; call them l and b, or ra and dec"
    )


def _check_on_sky(lon_deg: Numbers, lat_deg: Numbers, file: str) -> None:
    good = (np.abs(lat_deg) <= 90) & (lon_deg >= -180) & (lon_deg <= 360)
    if not good.all():
        row = int(np.flatnonzero(~good)[0])
        raise SkyError(
            f"row {row + 1} of {shown(file)} lies at longitude {lon_deg[row]:g}°, latitude "
            f"{lat_deg[row]:g}°, which is not on the sky; longitudes run from 0° to 360°, latitudes from "
            "−90° to 90°"
        )


def _degrees(table: Any, name: str, file: str) -> Numbers:
    column = table[name]
    unit = str(column.unit or "").strip().lower()
    if unit not in DEGREES_PER:
        raise SkyError(
            f"column {shown(name)} of {shown(file)} is in {shown(unit)}, which is no angle that Skykin "
            "knows; write it in deg",
            code="SKY-UNIT",
        )
    try:
        values = np.ma.filled(np.ma.asarray(column).astype(float), np.nan)
    except (TypeError, ValueError) as error:
        raise SkyError(
            f"column {shown(name)} of {shown(file)} does not hold one number a row; write angles in decimal "
            "degrees",
            code="SKY-UNIT",
        ) from error
    return np.asarray(values * DEGREES_PER[unit])


def _is(column: Any, what: str) -> bool:
    if what.startswith("pos."):
        return str(column.meta.get("ucd", "")).lower().split(";")[0] == what
    return _key(column.name) == what


def _key(name: str) -> str:
    return re.sub(r"[_\-\s]", "", name).lower()

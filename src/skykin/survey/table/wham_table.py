"""The table of spectra that the WHAM Sky Survey publishes."""

from __future__ import annotations

import hashlib
import os
import stat
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from astropy.io import fits

from skykin.core.atomic import MEBIBYTE
from skykin.core.errors import (
    CorruptFileError,
    HeaderInvalidError,
    InputRefusedError,
    NotThisFormatError,
    RemoteError,
    SkyError,
    TooLargeError,
    shown,
)
from skykin.core.provenance import Source
from skykin.core.shapes import Degrees, Numbers
from skykin.survey.fits.check import Hdu, read_headers

#: Spellings of units, without spaces and in upper case: the file's own first, then what astropy writes.
DEGREES = ("DEG", "DEGREE", "DEGREES")
KM_S = ("KM/S", "KMS-1", "KMS**-1", "KMS^-1")
RAYLEIGH_PER_KM_S = ("RAYLEIGH/(KM/S)", "R/(KM/S)", "RSKM-1", "RS/KM")
COLUMNS = {
    "GAL-LON": DEGREES,
    "GAL-LAT": DEGREES,
    "VELOCITY": KM_S,
    "DATA": RAYLEIGH_PER_KM_S,
    "STAR": None,
}
#: The noise of each channel; a table of another making may lack it.
VARIANCE = "VARIANCE"
#: DR1 has 91 MB; a table some twenty times larger is not a WHAM survey.
LARGEST_BYTES = 2 << 30
#: Beyond this no line of the Milky Way is found, and numbers are probably in m/s.
FASTEST_KM_S = 2000.0
NOT_A_STAR = (b"", b"F", b"0")


@dataclass(frozen=True, eq=False)
class WhamTable:
    """The spectra of the WHAM Sky Survey.

    Parameters
    ----------
    lon_deg, lat_deg : float64 arrays (n,)
        Galactic positions, degrees, as the file gives them.
    velocity_km_s, intensity : float32 arrays (n, channels)
        Each spectrum with its own velocities (LSR); slots that hold nothing are NaN. Intensity in R/(km/s).
    star : bool array (n,)
        Pointings contaminated by a bright star.
    source : Source
    variance : float32 array (n, channels) or None
        Of the intensity, (R/(km/s))²; None if the table has none of that shape.
    """

    lon_deg: Degrees
    lat_deg: Degrees
    velocity_km_s: Numbers
    intensity: Numbers
    star: np.ndarray
    source: Source
    variance: Numbers | None = None


def read_wham_table(path: Path | str) -> WhamTable:
    """Read the survey's FITS file after checking that it is one.

    Raises
    ------
    InputRefusedError
        In one of its kinds, if the file cannot be read, is not FITS, is cut short, has other columns, units
        or shapes than the survey's, or changes while it is read.
    RemoteError
        If an address is given in place of a file.
    """
    if "://" in str(path):
        raise RemoteError(
            f"{shown(path)} is an address, not a file; get the file and give its path", code="RM-BLOCKED"
        )
    path = Path(path)
    try:
        before = path.stat()
        if not stat.S_ISREG(before.st_mode):
            raise NotThisFormatError(f"{shown(path.name)} is not a regular file; give the survey's FITS file")
        with path.open("rb") as stream:
            table = _read(stream, path.name, before.st_size)
            after = os.fstat(stream.fileno())
    except (OSError, ValueError) as error:
        if isinstance(error, InputRefusedError):
            raise
        raise InputRefusedError(
            f"{shown(path.name)} cannot be read: {getattr(error, 'strerror', None) or error}; "
            "give the path of the survey's FITS file",
            code="IN-UNREADABLE",
        ) from error
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise CorruptFileError(f"{shown(path.name)} changed while it was read; run again when it is complete")
    return table


def _read(stream: BinaryIO, name: str, size: int) -> WhamTable:
    if size > LARGEST_BYTES:
        raise TooLargeError(
            f"{shown(name)} has {size} bytes, but the survey has 91 MB; give the survey's file"
        )
    hdu = _table_hdu(read_headers(stream, name), name)
    _check_units(hdu, name)
    columns = _load(stream, hdu, name)
    _check_columns(columns, name)
    return WhamTable(
        columns["GAL-LON"].astype(np.float64),
        columns["GAL-LAT"].astype(np.float64),
        columns["VELOCITY"].astype(np.float32),  # from big-endian
        columns["DATA"].astype(np.float32),
        ~np.isin(columns["STAR"], NOT_A_STAR),
        Source(name, _sha256(stream)),
        _variance(columns),
    )


def _variance(columns: dict[str, Any]) -> Numbers | None:
    variance = columns.get(VARIANCE)
    if variance is None or variance.shape != columns["DATA"].shape or variance.dtype.kind != "f":
        return None
    return np.asarray(np.where(variance >= 0, variance, np.nan), dtype=np.float32)


def _check_columns(columns: dict[str, Any], name: str) -> None:
    shape = columns["VELOCITY"].shape
    if len(shape) != 2 or shape != columns["DATA"].shape or shape[1] < 2:
        raise HeaderInvalidError(
            f"VELOCITY and DATA of {shown(name)} have shapes {shape} and {columns['DATA'].shape}; "
            "each row must hold one spectrum of two or more channels in both",
            code="IN-DIM",
        )
    for column in ("GAL-LON", "GAL-LAT", "VELOCITY", "DATA"):
        if columns[column].dtype.kind != "f" or columns[column].shape[0] != shape[0]:
            raise HeaderInvalidError(f"column {column} of {shown(name)} does not hold floating-point numbers")
    if columns["STAR"].dtype.kind != "S":
        raise HeaderInvalidError(f"column STAR of {shown(name)} does not hold logical values")
    _check_speeds(columns["VELOCITY"], name)


#: What astropy raises of a table whose header or columns it cannot make sense of.
UNREADABLE = (OSError, TypeError, ValueError, KeyError, IndexError, AttributeError, fits.VerifyError)


def _table_hdu(hdus: list[Hdu], name: str) -> Hdu:
    """Find the one table that has the columns."""
    tables = [hdu for hdu in hdus if hdu.is_table]
    for hdu in tables:
        if not set(COLUMNS) - set(hdu.columns()):
            return hdu
    found = tables[0].columns() if tables else {}
    missing = ", ".join(column for column in COLUMNS if column not in found)
    has = shown(", ".join(found)) if tables else "no table"
    raise HeaderInvalidError(
        f"{shown(name)} is not the WHAM survey: columns {missing} are missing, it has {has}; "
        "give the file with the spectra, wham-ss-DR1-*.fits"
    )


def _check_units(hdu: Hdu, name: str) -> None:
    for column, number in hdu.columns().items():
        spellings = COLUMNS.get(column)
        if spellings is None:
            continue
        unit = hdu.cards.get(f"TUNIT{number}", "")
        if unit.upper().replace(" ", "") not in spellings:
            raise SkyError(
                f"column {column} of {shown(name)} is in {shown(unit)}, but Skykin reads it in "
                f"{shown(spellings[0])}; convert it and write the unit",
                code="SKY-UNIT",
            )


def _load(stream: BinaryIO, hdu: Hdu, name: str) -> dict[str, Any]:
    stream.seek(0)
    try:
        # STAR holds the byte 1 where FITS wants 'T', which astropy reads as False unless it gives the bytes.
        with warnings.catch_warnings(action="ignore"):
            file = fits.open(stream, memmap=False, logical_as_bytes=True)
            data = file[hdu.number].data
            wanted = [*COLUMNS, *(name for name in [VARIANCE] if name in hdu.columns())]
            columns = {column: np.asarray(data[column]) for column in wanted}
            file.close(closed=False)  # the stream is still to be hashed
    except UNREADABLE as error:
        raise CorruptFileError(
            f"the table of {shown(name)} cannot be read ({shown(error)}); it is damaged, give an intact copy",
            code="IN-CORRUPT",
        ) from error
    return columns


def _check_speeds(velocity_km_s: Numbers, name: str) -> None:
    fastest = np.abs(velocity_km_s[np.isfinite(velocity_km_s)]).max(initial=0)
    if fastest > FASTEST_KM_S:
        raise SkyError(
            f"VELOCITY of {shown(name)} reaches {fastest:g} km/s, beyond {FASTEST_KM_S:g} km/s: "
            "is it in m/s? Convert it and write the unit",
            code="SKY-UNIT",
        )


def _sha256(stream: BinaryIO) -> str:
    digest = hashlib.sha256()
    stream.seek(0)
    while block := stream.read(MEBIBYTE):
        digest.update(block)
    return digest.hexdigest()

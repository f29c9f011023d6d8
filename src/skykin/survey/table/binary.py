"""Columns of a FITS binary table, read without a FITS library: only bytes whose place the header gives.

Of a map of 12 million pixels in three columns, one column takes half the memory that it takes with astropy,
which holds or maps the whole table; a mapped file that is cut short would end this process.
"""

from __future__ import annotations

import re
from typing import BinaryIO

import numpy as np

from skykin.core.errors import CorruptFileError, HeaderInvalidError, shown
from skykin.core.shapes import Numbers
from skykin.survey.fits.check import Hdu

#: Letters of TFORM and what they are: bytes of one element, and the dtype of those that hold numbers or text.
SIZES = {"L": 1, "B": 1, "I": 2, "J": 4, "K": 8, "E": 4, "D": 8, "A": 1, "C": 8, "M": 16, "P": 8, "Q": 16}
NUMBERS = {"B": ">u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8"}
BYTES_AT_ONCE = 1 << 24


def read_column(stream: BinaryIO, hdu: Hdu, number: int, dtype: type = np.float64) -> Numbers:
    """Read one column as numbers.

    Parameters
    ----------
    stream : binary file
    hdu : Hdu
        A binary table whose data are known to be in the file; see `read_headers`.
    number : int
        Of the column, from 1.
    dtype : type
        Of the result.  For floats TSCAL, TZERO and TNULL are applied (TNULL becomes NaN); a column of
        integers stays one, of numbers without sign where TZERO makes it so.

    Returns
    -------
    array (rows, elements)

    Raises
    ------
    HeaderInvalidError
        If the column does not hold numbers, or the widths of the columns do not add up to a row.
    CorruptFileError
        If the file ends first.
    """
    letter, count, offset = _place(hdu, number)
    rows, width = hdu.integer("NAXIS2", 0, 1 << 60), hdu.integer("NAXIS1", 0, 1 << 60)
    out: Numbers = np.empty((rows, count), dtype)
    if letter not in NUMBERS:
        raise HeaderInvalidError(
            f"column {number} of {hdu} has TFORM {shown(hdu.cards.get(f'TFORM{number}'))}, which is not one "
            "number or a fixed count of numbers; choose another column"
        )
    at_once = max(1, BYTES_AT_ONCE // max(width, 1))
    stream.seek(hdu.data_offset)
    for start in range(0, rows, at_once):
        part = min(at_once, rows - start)
        raw = stream.read(part * width)
        if len(raw) < part * width:
            raise CorruptFileError(f"the data of {hdu} end before row {rows}; get the file again")
        table = np.frombuffer(raw, np.uint8).reshape(part, width)
        piece = np.ascontiguousarray(table[:, offset : offset + count * SIZES[letter]]).view(NUMBERS[letter])
        read = _scaled if np.dtype(dtype).kind == "f" else _whole
        out[start : start + part] = read(piece, hdu, number)
    return out


def _place(hdu: Hdu, number: int) -> tuple[str, int, int]:
    """Letter, count of elements and place in the row of a column."""
    offset, found = 0, ("", 0, 0)
    for i in range(1, hdu.integer("TFIELDS", 0, 999) + 1):
        form = re.fullmatch(r"\s*(\d{0,9})([LXBIJKAEDCMPQ]).*", hdu.cards.get(f"TFORM{i}", ""))
        if form is None:
            raise HeaderInvalidError(
                f"TFORM{i} of {hdu} is {shown(hdu.cards.get(f'TFORM{i}', 'missing'))}, which is no format of "
                "a column; correct it"
            )
        letter, count = form[2], int(form[1] or 1)
        if i == number:
            found = (letter, count, offset)
        offset += -(-count // 8) if letter == "X" else count * SIZES[letter]
    width = hdu.integer("NAXIS1", 0, 1 << 60)
    if offset != width:
        raise HeaderInvalidError(
            f"the columns of {hdu} are {offset} bytes wide together, but NAXIS1 says {width}; "
            "correct the header",
            code="IN-DIM",
        )
    return found


def _scaled(piece: Numbers, hdu: Hdu, number: int) -> Numbers:
    with np.errstate(invalid="ignore"):  # as a NaN that signals
        values = piece.astype(np.float64)
    null = hdu.cards.get(f"TNULL{number}")
    if null is not None and piece.dtype.kind in "iu":
        values[piece == int(_number(hdu, f"TNULL{number}", 0.0))] = np.nan
    scale = _number(hdu, f"TSCAL{number}", 1.0)
    if scale == 0:
        raise HeaderInvalidError(
            f"TSCAL{number} of {hdu} is 0, which loses all values; correct it", code="IN-SCALE"
        )
    return values * scale + _number(hdu, f"TZERO{number}", 0.0)


def _whole(piece: Numbers, hdu: Hdu, number: int) -> Numbers:
    """Integers; FITS stores those without sign, or bytes with one, moved by half of their range."""
    zero = _number(hdu, f"TZERO{number}", 0.0)
    half = 1 << 8 * piece.dtype.itemsize - 1
    if zero == 0:
        return piece
    if abs(zero) != half:
        raise HeaderInvalidError(
            f"TZERO{number} of {hdu} is {zero:g}, but a column of whole numbers is moved by {half} or not at "
            "all; give another file"
        )
    moved = piece.astype(piece.dtype.newbyteorder("=")).view(f"u{piece.dtype.itemsize}") ^ half
    return moved if zero > 0 else moved.view(f"i{piece.dtype.itemsize}")


def _number(hdu: Hdu, keyword: str, default: float) -> float:
    text = hdu.cards.get(keyword)
    if text is None:
        return default
    try:
        value = float(text.upper().replace("D", "E"))
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise HeaderInvalidError(f"{keyword} of {hdu} is {shown(text)}, but it must be a finite number")
    return value

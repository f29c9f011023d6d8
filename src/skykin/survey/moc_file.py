"""Coverage maps (MOC) in every form of the standard, as ranges of cells.

Read here because mocpy takes no commas, reads a text of unknown words as an empty map, and does not look at
the frame of a FITS file.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import BinaryIO

import numpy as np

from skykin.core.area import FINEST_ORDER
from skykin.core.errors import CorruptFileError, HeaderInvalidError, NotThisFormatError, SkyError, shown
from skykin.core.shapes import Numbers
from skykin.survey.fits.check import Hdu, read_headers
from skykin.survey.table.binary import read_column

#: "MOC", a dimension and the size of words may stand before; cells are numbers and ranges behind an order.
TEXT = re.compile(r"\s*(moc\b[:\s]*)?(s(?=\d))?\d+\s*/[\d\s/,;\-]*", re.IGNORECASE)
OTHER_DIMENSION = re.compile(r"\s*(moc\b[:\s]*)?[tf]\d+\s*/", re.IGNORECASE)
TOKEN = re.compile(r"(\d+)\s*/|(\d+)\s*-\s*(\d+)|(\d+)")
EQUATORIAL = ("", "C", "ICRS", "EQUATORIAL", "CEL")


def is_moc_text(text: str) -> bool:
    """Whether a text is a MOC of any dimension, comments apart."""
    bare = _without_comments(text)
    return bool(TEXT.fullmatch(bare) or OTHER_DIMENSION.match(bare))


def ranges_of_text(text: str, name: str) -> Numbers:
    """Ranges of a MOC as text: ``3/1 3-5 10 8/`` of version 2, ``3/1,3-5,10`` of version 1.1.

    Returns
    -------
    uint64 array (n, 2)
        First cell of order 29 of each range, and the first one after it.

    Raises
    ------
    SkyError
        If it is a MOC of time or frequency.
    HeaderInvalidError
        If an order or a cell cannot be.
    """
    bare = _without_comments(text)
    if OTHER_DIMENSION.match(bare):
        raise SkyError(
            f"{shown(name)} is a MOC of times or frequencies, which says nothing about the sky; give one of "
            "space"
        )
    cells: dict[int, list[tuple[int, int]]] = {}
    order = -1
    for match in TOKEN.finditer(bare):
        if match[1]:
            order = _order(match[1], name)
        else:
            first, last = match[2] or match[4], match[3] or match[4]
            cells.setdefault(order, []).append((_cell(first, order, name), _cell(last, order, name)))
    return _merged([np.array(some, np.uint64) for some in cells.values()], list(cells), name)


def ranges_of_json(text: str, name: str) -> Numbers:
    """Ranges of a MOC as JSON, ``{"3": [1, 3, 4]}``; see `ranges_of_text`.

    Raises
    ------
    NotThisFormatError
        If it is no MOC.
    CorruptFileError
        If it is no JSON.
    HeaderInvalidError
        If an order or a cell cannot be.
    """
    try:
        said = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CorruptFileError(
            f"{shown(name)} cannot be read as JSON ({shown(error)}); write it again", code="IN-CORRUPT"
        ) from error
    orders = [key for key in said if key.strip().isdecimal() and isinstance(said[key], list)]
    if not orders:
        raise NotThisFormatError(
            f"{shown(name)} is JSON but no MOC, which has lists of cells by order, such as "
            '{"3": [1, 3, 4]}; give a MOC or region file',
            code="IN-NOTMASK",
        )
    cells = []
    for key in orders:
        order = _order(key, name)
        numbers = np.array([_cell(cell, order, name) for cell in said[key]], np.uint64)
        cells.append(np.column_stack([numbers, numbers]))
    return _merged(cells, [int(key) for key in orders], name)


def ranges_of_fits(path: Path) -> Numbers:
    """Ranges of a MOC in FITS, by cells (NUNIQ) or by ranges; see `ranges_of_text`.

    Raises
    ------
    NotThisFormatError
        If no table of the file is a MOC.
    SkyError
        If it is not one of the sky in equatorial coordinates.
    HeaderInvalidError
        If its numbers are those of no cells.
    """
    with path.open("rb") as stream:
        hdu = next((hdu for hdu in read_headers(stream, path.name) if _is_moc(hdu)), None)
        if hdu is None:
            raise NotThisFormatError(
                f"{shown(path.name)} is a FITS file without a MOC (a table with ORDERING NUNIQ or RANGE); "
                "give a MOC or region file",
                code="IN-NOTMASK",
            )
        dimension = hdu.cards.get("MOCDIM", "SPACE").strip().upper()
        frame = hdu.cards.get("COORDSYS", "").strip().upper()
        if dimension != "SPACE" or frame not in EQUATORIAL:
            raise SkyError(
                f"{hdu} is a MOC of {shown(dimension)} with COORDSYS {shown(frame)}, but it must be of SPACE "
                "and C (equatorial)",
                code="SKY-FRAME",
            )
        return _of_column(stream, hdu)


def _is_moc(hdu: Hdu) -> bool:
    ordering = hdu.cards.get("ORDERING", "").strip().upper()
    return hdu.is_table and (ordering in ("NUNIQ", "RANGE") or "UNIQ" in hdu.columns())


def _of_column(stream: BinaryIO, hdu: Hdu) -> Numbers:
    number = hdu.columns().get("UNIQ", 1)
    stored = read_column(stream, hdu, number, np.int64).ravel()
    end = 12 << 2 * FINEST_ORDER
    if hdu.cards.get("ORDERING", "").strip().upper() != "RANGE":
        if (stored < 4).any():
            raise HeaderInvalidError(f"{hdu} has UNIQ {stored.min()}, which is the number of no cell")
        # 4 · 4^order is the first number of an order: its highest bit says which.
        orders = np.zeros(len(stored), np.int64)
        for order in range(1, FINEST_ORDER + 1):
            orders += stored >= 4 << 2 * order
        cells = stored - (4 << 2 * orders)
        shift = 2 * (FINEST_ORDER - orders)
        ranges = np.column_stack([cells << shift, cells + 1 << shift])
    else:
        ranges = stored[: len(stored) // 2 * 2].reshape(-1, 2)
    wrong = (ranges[:, 0] < 0) | (ranges[:, 1] > end) | (ranges[:, 0] > ranges[:, 1])
    if wrong.any():
        row = int(np.argmax(wrong))
        raise HeaderInvalidError(f"entry {row + 1} of {hdu} lies beyond the {end} cells of order 29")
    return _joined(ranges.astype(np.uint64))


def _without_comments(text: str) -> str:
    return re.sub(r"#[^\n]*", "", text)


def _order(text: str, name: str) -> int:
    order = int(text) if len(text.strip()) <= 2 else FINEST_ORDER + 1
    if order > FINEST_ORDER:
        raise HeaderInvalidError(
            f"the MOC {shown(name)} has the order {shown(text)}, but orders run from 0 to {FINEST_ORDER}"
        )
    return order


def _cell(cell: object, order: int, name: str) -> int:
    """Check the number of a cell."""
    count = 12 * 4**order
    is_whole = (isinstance(cell, int) and not isinstance(cell, bool)) or isinstance(cell, str)
    number = int(str(cell)) if is_whole and len(str(cell)) <= 20 else -1
    if not 0 <= number < count:
        raise HeaderInvalidError(
            f"the MOC {shown(name)} has the cell {shown(cell)} of order {order}, which has the cells 0 to "
            f"{count - 1}"
        )
    return number


def _merged(cells: list[Numbers], orders: list[int], name: str) -> Numbers:
    """Ranges of order 29 of the first and last cells (n, 2) of some orders."""
    ranges = [np.zeros((0, 2), np.uint64)]
    for some, order in zip(cells, orders, strict=True):
        pairs = some.reshape(-1, 2)
        backwards = pairs[:, 0] > pairs[:, 1]
        if backwards.any():
            first, last = pairs[np.argmax(backwards)]
            raise HeaderInvalidError(
                f"the MOC {shown(name)} has the range {first}-{last}, which runs backwards"
            )
        shift = np.uint64(2 * (FINEST_ORDER - order))
        ranges.append(np.column_stack([pairs[:, 0] << shift, pairs[:, 1] + np.uint64(1) << shift]))
    return _joined(np.concatenate(ranges))


def _joined(ranges: Numbers) -> Numbers:
    """Sort ranges and join those that touch or overlap."""
    ranges = ranges[ranges[:, 0] < ranges[:, 1]]
    ranges = ranges[np.argsort(ranges[:, 0], kind="stable")]
    if not len(ranges):
        return ranges
    ends = np.maximum.accumulate(ranges[:, 1])
    first = np.flatnonzero(np.concatenate([[True], ranges[1:, 0] > ends[:-1]]))
    last = np.concatenate([first[1:], [len(ranges)]]) - 1
    return np.column_stack([ranges[first, 0], ends[last]])

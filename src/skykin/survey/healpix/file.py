"""HEALPix maps as they are stored in FITS files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy_healpix.core import ring_to_nested

from skykin.core.errors import (
    CorruptFileError,
    DataQualityError,
    HeaderInvalidError,
    SkyError,
    TooLargeError,
    UnknownNameError,
    UsageError,
    shown,
)
from skykin.core.frames import Frame, frame_of
from skykin.core.progress import SILENT
from skykin.core.protocols import Progress
from skykin.core.shapes import Numbers
from skykin.core.survey_options import Ordering
from skykin.survey.fits.check import Hdu, read_headers
from skykin.survey.healpix.cell_map import CellMap
from skykin.survey.healpix.checks import check_ordering, check_sentinels, mask_unseen
from skykin.survey.table.binary import read_column

ORDERINGS: dict[str, Ordering] = {"RING": "ring", "NEST": "nested", "NESTED": "nested"}
FINEST_NSIDE = 1 << 24
#: A map of NSIDE 4096 with three columns; larger ones must be partial.
MOST_CELLS = 3 * 12 * 4096**2
PIXEL_COLUMNS = ("PIXEL", "PIX", "PIXNUM", "IPIX", "HPX", "INDEX", "CELL")


@dataclass(frozen=True, eq=False)
class HealpixFile:
    """What a HEALPix file holds, in NESTED order.

    Parameters
    ----------
    level : int
        log2 of NSIDE.
    cells : int64 array (n,) or None
        Sorted cells of a partial map; None for a map of the whole sphere.
    values : float32 array (n, bands)
        NaN where the map was not seen.
    frame : {"galactic", "icrs", "ecliptic"}
    ordering : {"ring", "nested"}
        Of the file.
    columns, units : tuple of str
        Of each band.
    """

    level: int
    cells: Numbers | None
    values: Numbers
    frame: Frame
    ordering: Ordering
    columns: tuple[str, ...]
    units: tuple[str, ...]

    def as_cells(self) -> CellMap:
        """Return the map by cells."""
        return CellMap.of(self.level, self.values, self.cells)


def read_healpix(
    path: Path,
    *,
    columns: Sequence[str] = (),
    ordering: str | None = None,
    frame: str | None = None,
    blank: float | None = None,
    progress: Progress = SILENT,
) -> HealpixFile:
    """Read one to three columns of a HEALPix map, of the whole sky or a part of it.

    Parameters
    ----------
    path : Path
    columns : names or numbers from 1
        The first column of values if left out.
    ordering : {"ring", "nested"}, optional
        Instead of the file's ORDERING.
    frame : str, optional
        Instead of the file's COORDSYS; see `frame_of`.
    blank : float, optional
        A further value that means "no data", besides NaN and UNSEEN.
    progress : Progress
        Told what the file leaves open and how it was read.

    Raises
    ------
    InputRefusedError
        In one of its kinds, if the file cannot be used as it is.
    """
    with path.open("rb") as stream:
        hdu = _map_hdu(read_headers(stream, path.name), path.name)
        numbers = _chosen(hdu, columns, progress)
        order = _ordering(hdu, ordering)
        where = _frame(hdu, frame, progress)
        explicit = _pixel_column(hdu)
        values = np.concatenate(
            [read_column(stream, hdu, n, np.float32).reshape(-1, 1) for n in numbers], axis=1
        )
        mask_unseen(values, blank)
        if blank is None:
            check_sentinels(values, hdu.file, progress)
        cells = None
        if explicit is None:
            nside = _nside_of_all(hdu, len(values))
            if ordering is None:
                check_ordering(values[:, 0], nside, order, hdu.file, progress)
            if order == "ring":
                values = as_nested(values, nside)
        else:
            nside = _nside(hdu)
            pixels = read_column(stream, hdu, explicit, np.int64).ravel()
            cells, values = _partial(pixels, values, nside, order, hdu)
    if not np.isfinite(values).all(axis=1).any():
        raise DataQualityError(f"0 of {len(values)} pixels of {hdu} have data; give another column or file")
    names = {number: name for name, number in hdu.columns().items()}
    return HealpixFile(
        nside.bit_length() - 1,
        cells,
        values,
        where,
        order,
        tuple(names[n] or f"column {n}" for n in numbers),
        tuple(hdu.cards.get(f"TUNIT{n}", "") for n in numbers),
    )


def is_healpix(hdu: Hdu) -> bool:
    """Whether an HDU is a table that says it is a HEALPix map."""
    says_so = hdu.cards.get("PIXTYPE", "").upper() == "HEALPIX" or {"NSIDE", "ORDERING"} & set(hdu.cards)
    return hdu.is_table and bool(says_so) and "ZTABLE" not in hdu.cards


def _map_hdu(hdus: list[Hdu], name: str) -> Hdu:
    for hdu in filter(is_healpix, hdus):
        if hdu.cards.get("ORDERING", "").strip().upper() == "NUNIQ" or "UNIQ" in hdu.columns():
            raise HeaderInvalidError(
                f"{hdu} is a multi-order (MOC) map, which Skykin does not read as a survey; "
                "write it as a HEALPix map of one NSIDE"
            )
        return hdu
    raise HeaderInvalidError(
        f"{shown(name)} holds no HEALPix map: none of its {len(hdus)} HDUs is a binary table with PIXTYPE, "
        "NSIDE or ORDERING; give another file, or another kind of survey"
    )


def _chosen(hdu: Hdu, columns: Sequence[str], progress: Progress) -> list[int]:
    """Numbers of the columns that are wanted."""
    names = hdu.columns()
    values = [number for name, number in names.items() if name not in PIXEL_COLUMNS]
    if not values:
        raise HeaderInvalidError(f"{hdu} has no column of values; give another file", code="IN-KEY")
    if not columns:
        if len(values) > 1:
            first, *others = (name for name in names if name not in PIXEL_COLUMNS)
            progress.say(
                f"{shown(hdu.file)} has {len(values)} columns: {shown(first)} is shown; the others are "
                f"{shown(', '.join(others))} (choose with the option columns)"
            )
        return values[:1]
    if len(columns) > 3:
        raise UsageError(f"columns names {len(columns)} columns, but red, green and blue show at most three")
    found = []
    for column in columns:
        number = int(column) if column.isdecimal() else names.get(column.strip().upper(), 0)
        if not 1 <= number <= len(names):
            raise UnknownNameError(f"{hdu} has no column {shown(column)}; it has {shown(', '.join(names))}")
        found.append(number)
    return found


def _ordering(hdu: Hdu, asked: str | None) -> Ordering:
    text = hdu.cards.get("ORDERING") if asked is None else asked
    if text is None:
        raise SkyError(
            f"{hdu} does not say whether its pixels are in RING or NESTED order; "
            "look it up and give the option ordering=ring or ordering=nested",
            code="SKY-ORDER",
        )
    order = ORDERINGS.get(text.strip().upper())
    if order is None:
        raise SkyError(
            f"ORDERING of {hdu} is {shown(text)}, but it must be RING or NESTED; "
            "give the option ordering=ring or ordering=nested",
            code="SKY-ORDER",
        )
    return order


def _frame(hdu: Hdu, asked: str | None, progress: Progress) -> Frame:
    if asked is not None:
        return frame_of(asked)
    text = hdu.cards.get("COORDSYS", "").strip()
    if not text:
        progress.say(
            f"{shown(hdu.file)} does not say its frame (COORDSYS is missing): it is read as Galactic; "
            "give the option frame=icrs or frame=ecliptic if it is not"
        )
        return "galactic"
    return frame_of(text)


def _pixel_column(hdu: Hdu) -> int | None:
    """Find the column with pixel numbers; None if the rows are all pixels in order."""
    scheme = hdu.cards.get("INDXSCHM", "").strip().upper()
    named = [number for name, number in hdu.columns().items() if name in PIXEL_COLUMNS]
    partial = hdu.cards.get("OBJECT", "").strip().upper() == "PARTIAL"
    if scheme == "EXPLICIT" or (named and scheme != "IMPLICIT") or (named and partial):
        if not named:
            raise HeaderInvalidError(
                f"{hdu} is a partial map (INDXSCHM EXPLICIT), but none of its columns "
                f"{shown(', '.join(hdu.columns()))} holds pixel numbers; name it PIXEL"
            )
        return named[0]
    return None


def _nside(hdu: Hdu) -> int:
    nside = hdu.integer("NSIDE", 1, FINEST_NSIDE)
    if nside & (nside - 1):
        raise HeaderInvalidError(
            f"NSIDE of {hdu} is {nside}, but it must be a power of two; get the file again"
        )
    return nside


def _nside_of_all(hdu: Hdu, pixels: int) -> int:
    """NSIDE of a map with so many pixels, checked against the header."""
    if pixels > MOST_CELLS:
        raise TooLargeError(
            f"{hdu} has {pixels} pixels, but at most {MOST_CELLS} are held; degrade it to NSIDE 4096"
        )
    fitting = math.isqrt(round(pixels / 12))
    whole = fitting > 0 and 12 * fitting**2 == pixels and not fitting & (fitting - 1)
    if "NSIDE" not in hdu.cards and whole:
        return fitting
    nside = _nside(hdu)
    if nside == fitting and whole:
        return nside
    if pixels < 12 * nside**2 and not whole:
        raise CorruptFileError(
            f"{hdu} has {pixels} pixels, but a map of NSIDE {nside} has 12·{nside}² = {12 * nside**2}; "
            "get the file again"
        )
    raise HeaderInvalidError(
        f"NSIDE of {hdu} is {nside}, which asks for 12·{nside}² = {12 * nside**2} pixels, but there are "
        f"{pixels}" + (f", as many as NSIDE {fitting} has" if whole else "") + "; get the file again"
    )


def as_nested(values: Numbers, nside: int) -> Numbers:
    """Bring rows from RING to NESTED order, a part at a time."""
    out = np.empty_like(values)
    for start in range(0, len(values), 1 << 20):
        ring = np.arange(start, min(start + (1 << 20), len(values)))
        out[ring_to_nested(ring, nside)] = values[ring]
    return out


def _partial(
    pixels: Numbers, values: Numbers, nside: int, order: Ordering, hdu: Hdu
) -> tuple[Numbers, Numbers]:
    """Cells in NESTED order, and their values."""
    if len(pixels) != len(values):
        raise HeaderInvalidError(
            f"{hdu} has {len(pixels)} pixel numbers but {len(values)} values", code="IN-DIM"
        )
    outside = (pixels < 0) | (pixels >= 12 * nside**2)
    if outside.any():
        row = int(np.argmax(outside))
        raise HeaderInvalidError(
            f"row {row + 1} of {hdu} has pixel {pixels[row]}, but a map of NSIDE {nside} has the pixels 0 to "
            f"{12 * nside**2 - 1}; get the file again"
        )
    unique, first = np.unique(pixels, return_index=True)
    if len(unique) < len(pixels):
        raise DataQualityError(
            f"{len(pixels) - len(unique)} of {len(pixels)} pixel numbers of {hdu} are there twice; "
            "remove the rows that are wrong",
            code="DQ-DUP",
        )
    values = values[first]
    if order == "ring":
        unique = ring_to_nested(unique, nside)
        by_cell = np.argsort(unique)
        unique, values = unique[by_cell], values[by_cell]
    return unique, values

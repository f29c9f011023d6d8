"""HEALPix maps as they are stored in FITS files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

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
from skykin.core.protocols import Progress
from skykin.core.shapes import Numbers
from skykin.core.survey_options import Ordering, SurveyOptions
from skykin.survey.fits.check import Hdu, read_headers
from skykin.survey.fits.image_hdus import chosen_hdu, names_of
from skykin.survey.healpix.cell_map import CellMap
from skykin.survey.healpix.checks import check_ordering, check_sentinels, mask_unseen
from skykin.survey.healpix.multi_order import MultiOrderMap
from skykin.survey.table.binary import read_column

ORDERINGS: dict[str, Ordering] = {"RING": "ring", "NEST": "nested", "NESTED": "nested"}
FINEST_NSIDE = 1 << 24
#: A map of NSIDE 4096 with three columns; larger ones must be partial.
MOST_CELLS = 3 * 12 * 4096**2
PIXEL_COLUMNS = ("PIXEL", "PIX", "PIXNUM", "IPIX", "HPX", "INDEX", "CELL", "UNIQ", "RANGE")
#: What COORDSYS holds where nobody knew.
NO_FRAME = ("", "unknown", "undefined", "none", "n/a")


@dataclass(frozen=True, eq=False)
class HealpixFile:
    """What a HEALPix file holds.

    Parameters
    ----------
    cells : CellMap or MultiOrderMap
        In NESTED order.
    frame : {"galactic", "icrs", "ecliptic"}
    ordering : {"RING", "NESTED", "NUNIQ"}
        Of the file; NUNIQ is a map of many orders.
    columns, units : tuple of str
        Of each band.
    """

    cells: CellMap | MultiOrderMap
    frame: Frame
    ordering: str
    columns: tuple[str, ...]
    units: tuple[str, ...]


def read_healpix(path: Path, options: SurveyOptions, progress: Progress) -> HealpixFile:
    """Read one to three columns of a HEALPix map: of the whole sky, of a part of it, or of many orders.

    Parameters
    ----------
    path : Path
    options : SurveyOptions
        ``hdu`` chooses the map, ``columns`` its columns by name or number from 1 (the first column of values
        if left out); ``ordering``, ``frame`` and ``blank`` are used instead of what the file says.
    progress : Progress
        Told what the file leaves open and how it was read.

    Raises
    ------
    InputRefusedError
        In one of its kinds, if the file cannot be used as it is.
    """
    with path.open("rb") as stream:
        hdu = _map_hdu(read_headers(stream, path.name), options.hdu, progress)
        numbers = _chosen(hdu, options.columns or (), progress)
        where = _frame(hdu, options.frame, progress)
        values = np.concatenate(
            [read_column(stream, hdu, n, np.float32).reshape(-1, 1) for n in numbers], axis=1
        )
        mask_unseen(values, options.blank)
        if options.blank is None:
            check_sentinels(values, hdu.file, progress, counted=_is_counted(hdu, numbers))
        if not np.isfinite(values).all(axis=1).any():
            raise DataQualityError(
                f"0 of {len(values)} pixels of {hdu} have data; give another column or file"
            )
        cells: CellMap | MultiOrderMap
        if is_multi_order(hdu):
            cells, order = _multi_order(stream, hdu, values), "NUNIQ"
        else:
            cells, order = _one_order(stream, hdu, values, options, progress)
    names = {number: name for name, number in hdu.columns().items()}
    return HealpixFile(
        cells,
        where,
        order,
        tuple(names[n] or f"column {n}" for n in numbers),
        tuple(hdu.cards.get(f"TUNIT{n}", "") for n in numbers),
    )


def _one_order(
    stream: BinaryIO, hdu: Hdu, values: Numbers, options: SurveyOptions, progress: Progress
) -> tuple[CellMap, str]:
    order = _ordering(hdu, options.ordering)
    explicit = _pixel_column(hdu)
    if explicit is not None:
        nside = _nside(hdu)
        pixels = read_column(stream, hdu, explicit, np.int64).ravel()
        cells, values = _partial(pixels, values, nside, order, hdu)
        return CellMap.of(nside.bit_length() - 1, values, cells), order.upper()
    nside = _nside_of_all(hdu, len(values))
    if options.ordering is None:
        check_ordering(values[:, 0], nside, order, hdu.file, progress)
    nested = as_nested(values, nside) if order == "ring" else values
    return CellMap.of(nside.bit_length() - 1, nested), order.upper()


def _multi_order(stream: BinaryIO, hdu: Hdu, values: Numbers) -> MultiOrderMap:
    number = hdu.columns().get("UNIQ")
    if number is None:
        raise HeaderInvalidError(
            f"{hdu} is a map of many orders (ORDERING NUNIQ), but none of its columns "
            f"{shown(', '.join(hdu.columns()))} is called UNIQ; name the one with the numbers of cells so"
        )
    return MultiOrderMap.of_uniq(read_column(stream, hdu, number, np.int64).ravel(), values, str(hdu))


def is_multi_order(hdu: Hdu) -> bool:
    """Whether a table says that its pixels are cells of many orders."""
    return hdu.cards.get("ORDERING", "").strip().upper() == "NUNIQ" or "UNIQ" in hdu.columns()


def _is_counted(hdu: Hdu, columns: Sequence[int]) -> bool:
    """Whether all columns hold whole numbers as they are."""
    forms = [hdu.cards.get(f"TFORM{n}", "").strip().lstrip("0123456789")[:1] for n in columns]
    return set(forms) <= {*"BIJK"} and not any(f"TSCAL{n}" in hdu.cards for n in columns)


def is_healpix(hdu: Hdu) -> bool:
    """Whether an HDU is a table that says it is a HEALPix map."""
    says_so = hdu.cards.get("PIXTYPE", "").upper() == "HEALPIX" or {"NSIDE", "ORDERING"} & set(hdu.cards)
    return hdu.is_table and bool(says_so) and "ZTABLE" not in hdu.cards


def _map_hdu(hdus: list[Hdu], wanted: int | str | None, progress: Progress) -> Hdu:
    maps = [hdu for hdu in chosen_hdu(hdus, wanted) if is_healpix(hdu)]
    if not maps:
        raise HeaderInvalidError(
            f"{shown(hdus[0].file)} holds no HEALPix map: none of its {len(hdus)} HDUs is a binary table "
            "with PIXTYPE, NSIDE or ORDERING; give another file, or another kind of survey"
        )
    if len(maps) > 1:
        progress.say(
            f"{shown(hdus[0].file)} has {len(maps)} HEALPix maps, the HDUs {names_of(maps)}: the first is "
            "read (choose with --survey-option hdu=NUMBER)"
        )
    return maps[0]


def _chosen(hdu: Hdu, columns: Sequence[str], progress: Progress) -> list[int]:
    """Numbers of the columns that are wanted."""
    names = hdu.columns()
    values = [number for name, number in names.items() if name not in PIXEL_COLUMNS]
    if not values:
        raise HeaderInvalidError(
            f"{hdu} has no column of values, as a coverage map (MOC) has none; give a map of something, and "
            "this file as --survey-option mask=FILE",
            code="IN-KEY",
        )
    if not columns:
        if len(values) > 1:
            first, *others = (name for name in names if name not in PIXEL_COLUMNS)
            progress.say(
                f"{shown(hdu.file)} has {len(values)} columns: {shown(first)} is shown; the others are "
                f"{shown(', '.join(others))} (choose with --survey-option columns=NAME)"
            )
        return values[:1]
    if len(columns) > 3:
        raise UsageError(
            f"the survey option columns names {len(columns)} columns, but red, green and blue show at most "
            "three"
        )
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
            "look it up and give --survey-option ordering=ring or ordering=nested",
            code="SKY-ORDER",
        )
    order = ORDERINGS.get(text.strip().upper())
    if order is None:
        raise SkyError(
            f"ORDERING of {hdu} is {shown(text)}, but it must be RING or NESTED; "
            "give --survey-option ordering=ring or ordering=nested",
            code="SKY-ORDER",
        )
    return order


def _frame(hdu: Hdu, asked: str | None, progress: Progress) -> Frame:
    if asked is not None:
        return frame_of(asked)
    text = hdu.cards.get("COORDSYS", "").strip()
    if text.lower() in NO_FRAME:
        found = f"COORDSYS is {shown(text)}" if text else "COORDSYS is missing"
        progress.say(
            f"{shown(hdu.file)} does not say its frame ({found}): it is read as Galactic; "
            "give --survey-option frame=icrs or frame=ecliptic if it is not"
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
        raise HeaderInvalidError(f"NSIDE of {hdu} is {nside}, but it must be a power of two; correct it")
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
        f"{pixels}" + (f", as many as NSIDE {fitting} has" if whole else "") + "; correct it"
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
            f"{12 * nside**2 - 1}; correct or remove it"
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

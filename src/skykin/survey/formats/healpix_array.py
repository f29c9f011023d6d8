"""HEALPix maps of the whole sky as NumPy arrays (``.npy``)."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from skykin.core.atomic import sha256_of
from skykin.core.errors import CorruptFileError, DataQualityError, HeaderInvalidError, TooLargeError, shown
from skykin.core.protocols import Progress, Survey
from skykin.core.provenance import Source
from skykin.core.shapes import Numbers
from skykin.core.survey_options import SurveyOptions
from skykin.survey.base import About
from skykin.survey.formats import Glance, SurveyFormat
from skykin.survey.healpix.cell_map import CellMap
from skykin.survey.healpix.cells import CellSurvey, cell_side_deg, level_for
from skykin.survey.healpix.checks import check_ordering, check_sentinels, mask_unseen
from skykin.survey.healpix.file import MOST_CELLS, as_nested


def claims(glance: Glance) -> bool:
    """Whether the file begins as an array of NumPy does."""
    return glance.first.startswith(b"\x93NUMPY")


def _open(path: Path, options: SurveyOptions, progress: Progress) -> Survey:
    stored, counted = _values(path)
    level = (len(stored) // 12).bit_length() // 2
    ordering, frame = options.ordering or "ring", options.frame or "galactic"
    missing = [name for name in ("ordering", "frame") if getattr(options, name) is None]
    if missing:
        progress.say(
            f"{shown(path.name)} is an array, which does not say its {' or its '.join(missing)}: it is read "
            f"in {ordering.upper()} order as {frame}; give {' and '.join(missing)} as options if it is not"
        )
    mask_unseen(stored, options.blank)
    if options.blank is None:
        check_sentinels(stored, path.name, progress, counted=counted)
    if options.ordering is None:
        check_ordering(stored[:, 0], 2**level, ordering, path.name, progress)
    if not np.isfinite(stored).all(axis=1).any():
        raise DataQualityError(
            f"0 of {len(stored)} pixels of {shown(path.name)} have data; give another file"
        )
    if ordering == "ring":
        stored = as_nested(stored, 2**level)
    whole = CellMap.of(level, stored)
    cells = whole.at(level_for(options.scale_deg, level))
    bands = ("value",) if stored.shape[1] == 1 else tuple(f"map {n}" for n in range(1, stored.shape[1] + 1))
    source = Source(path.name, sha256_of(path))
    about = About.of_columns(bands, name=path.stem, title=path.name, unit=options.unit or "", source=source)
    beam_deg = options.beam_deg or cell_side_deg(cells.level)
    projection = f"HEALPix {ordering.upper()}, NSIDE {2**level}"
    return CellSurvey(cells, frame, beam_deg, about, projection, cells.extent(frame))


def _values(path: Path) -> tuple[Numbers, bool]:
    """Read the maps as ``(pixels, maps)``, one or one to three in rows; tell if they are whole."""
    try:
        stored = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError, SyntaxError, OverflowError) as error:
        raise CorruptFileError(
            f"{shown(path.name)} cannot be read as an array of numbers: it is cut short, damaged or holds "
            "Python objects; save it again as plain numbers with numpy.save"
        ) from error
    maps = stored[None] if stored.ndim == 1 else stored
    pixels = maps.shape[-1] if maps.ndim == 2 else 0
    nside = math.isqrt(pixels // 12)
    whole = nside > 0 and 12 * nside**2 == pixels and not nside & (nside - 1)
    if not (whole and 1 <= len(maps) <= 3 and stored.dtype.kind in "fiu"):
        raise HeaderInvalidError(
            f"{shown(path.name)} holds {stored.dtype} of the shape {stored.shape}, but a HEALPix map of the "
            "whole sky has 12·NSIDE² numbers with NSIDE a power of two, and one to three such rows; for an "
            "image give its array and WCS in Python, or write it as FITS"
        )
    if pixels > MOST_CELLS:
        raise TooLargeError(
            f"{shown(path.name)} has {pixels} pixels, but at most {MOST_CELLS} are held; "
            "degrade it to NSIDE 4096"
        )
    return np.array(maps.T, dtype=np.float32), stored.dtype.kind in "iu"


FORMAT = SurveyFormat(
    "healpix-array", "HEALPix map of the whole sky as a NumPy array: one to three rows", claims, _open
)

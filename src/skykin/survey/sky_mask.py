"""The part of the sky that a MOC or a DS9 region file describes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from mocpy import MOC

from skykin.core.area import FINEST_ORDER, MocArea, moc_of_regions
from skykin.core.errors import (
    InputRefusedError,
    NotThisFormatError,
    SkyError,
    TooLargeError,
    UsageError,
    shown,
)
from skykin.survey.guard import guarded

MOST_BYTES = 64 << 20
MOST_SHAPES = 10_000
#: Coordinates in pixels of some image say nothing about the sky.
PIXEL_FRAMES = re.compile(r"^\s*(image|physical|detector|amplifier|linear)\b", re.MULTILINE | re.IGNORECASE)


def read_sky_mask(path: Path) -> MocArea:
    """Read a MOC (FITS, JSON or ASCII) or a DS9 region file, in a child process.

    Raises
    ------
    InputRefusedError
        If it is neither, is damaged, is too large, or holds nothing.
    """
    if not path.is_file():
        raise NotThisFormatError(
            f"the mask {shown(path.name)} is not a regular file; give a MOC or region file"
        )
    if path.stat().st_size > MOST_BYTES:
        raise TooLargeError(
            f"the mask {shown(path.name)} has {path.stat().st_size} bytes, but at most {MOST_BYTES} are read"
        )
    with guarded("skykin.survey.sky_mask:parse", path) as parsed:
        ranges = np.array(parsed.array("ranges"))
    if not len(ranges):
        raise InputRefusedError(
            f"the mask {shown(path.name)} holds no sky; give one that does", code="SKY-RANGE"
        )
    return MocArea(MOC.from_depth29_ranges(FINEST_ORDER, ranges))


def parse(path: Path, folder: Path) -> dict[str, Any]:
    """Child's task: save the ranges of a mask."""
    first = path.read_bytes()[:2880]
    if first.startswith(b"SIMPLE"):
        moc = MOC.load(str(path), "fits")
    else:
        text = path.read_text(encoding="utf-8", errors="replace")
        if text.lstrip().startswith("{"):
            moc = MOC.from_string(text, "json")
        elif re.fullmatch(r"[\d\s/,\-]+", text):
            moc = MOC.from_string(text, "ascii")
        else:
            moc = _of_regions(text, path.name)
    np.save(folder / "ranges.npy", moc.to_depth29_ranges.astype(np.uint64).reshape(-1, 2))
    return {}


def _of_regions(text: str, name: str) -> MOC:
    from regions import Regions  # noqa: PLC0415 - only in the child

    if PIXEL_FRAMES.search(text):
        raise SkyError(
            f"the regions of {shown(name)} are in pixels of an image; save them in galactic, fk5 or icrs",
            code="SKY-FRAME",
        )
    if text.count("(") > MOST_SHAPES:
        raise TooLargeError(f"{shown(name)} has more than {MOST_SHAPES} shapes; save it as a MOC")
    shapes = Regions.parse(text, format="ds9")
    if not shapes:
        raise NotThisFormatError(
            f"{shown(name)} is no MOC and holds no DS9 regions; give one of these", code="IN-NOTMASK"
        )
    try:
        return moc_of_regions(shapes)
    except UsageError as error:
        raise InputRefusedError(f"{shown(name)} cannot be used: {error}") from error

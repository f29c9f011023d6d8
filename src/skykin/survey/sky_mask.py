"""The part of the sky that a MOC or a DS9 region file describes."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from mocpy import MOC

from skykin.core.area import FINEST_ORDER, MocArea
from skykin.core.errors import (
    InputRefusedError,
    NotThisFormatError,
    SkyError,
    TooLargeError,
    UsageError,
    shown,
)
from skykin.core.region_cells import moc_of_circles, moc_of_regions
from skykin.survey.guard import Limits, guarded
from skykin.survey.moc_file import is_moc_text, ranges_of_fits, ranges_of_json, ranges_of_text
from skykin.survey.unpack import unpacked

MOST_BYTES = 64 << 20
#: To bring a polygon on cells takes a time that grows with the square of its corners.
MOST_SHAPES, MOST_CORNERS, MOST_NUMBERS = 10_000, 1_000, 100_000
#: Milliseconds that a shape takes, as measured, and those that all may take.
COSTS_MS, MOST_MS = {"ellipse": 9, "annulus": 5, "box": 3, "polygon": 3, "circle": 2}, 30_000
#: What the package regions says of a shape without an area.
NO_SIZE = re.compile("must be strictly positive|must be greater than inner")
#: Statements of a region file that holds nothing but circles in one frame, in plain degrees.
FRAME, CIRCLE = (
    re.compile(r"galactic|icrs|fk5|j2000", re.IGNORECASE),
    re.compile(
        r"\+?\s*circle\s*\(\s*([-+\d.e]+)\s*,\s*([-+\d.e]+)\s*,\s*([\d.e+]+)([\"'d]?)\s*\)", re.IGNORECASE
    ),
)
DEGREES_PER = {"": 1.0, "d": 1.0, "'": 1 / 60, '"': 1 / 3600}
LIMITS = Limits(memory_bytes=3 << 30, seconds=60.0)
#: Coordinates in pixels of some image say nothing about the sky.
PIXEL_FRAMES = re.compile(r"^\s*(image|physical|detector|amplifier|linear)\b", re.MULTILINE | re.IGNORECASE)


def read_sky_mask(path: Path) -> MocArea:
    """Read a MOC (FITS, JSON or ASCII, of any version) or a DS9 region file, in a child process.

    Raises
    ------
    InputRefusedError
        If it is neither, is damaged, is too large, or holds nothing.
    """
    if not path.is_file():
        raise NotThisFormatError(
            f"the mask {shown(path.name)} is not a regular file; give a MOC or region file"
        )
    plain, cleanup = unpacked(path)
    try:
        if plain.stat().st_size > MOST_BYTES:
            raise TooLargeError(
                f"the mask {shown(path.name)} has {plain.stat().st_size} bytes, but at most {MOST_BYTES} are "
                "read"
            )
        with guarded("skykin.survey.sky_mask:parse", plain, limits=LIMITS) as parsed:
            ranges = np.array(parsed.array("ranges"))
    finally:
        cleanup()
    if not len(ranges):
        raise InputRefusedError(
            f"the mask {shown(path.name)} holds no sky; give one that does", code="SKY-RANGE"
        )
    return MocArea(MOC.from_depth29_ranges(FINEST_ORDER, ranges))


def parse(path: Path, folder: Path) -> dict[str, Any]:
    """Child's task: save the ranges of a mask."""
    with path.open("rb") as stream:
        first = stream.read(9)
    if first.startswith(b"SIMPLE"):
        ranges = ranges_of_fits(path)
    else:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
        if text.lstrip().startswith("{"):
            ranges = ranges_of_json(text, path.name)
        elif is_moc_text(text):
            ranges = ranges_of_text(text, path.name)
        else:
            ranges = _of_regions(text, path.name).to_depth29_ranges.astype(np.uint64).reshape(-1, 2)
    np.save(folder / "ranges.npy", ranges)
    return {}


def _of_regions(text: str, name: str) -> MOC:
    from regions import Regions  # noqa: PLC0415 - only in the child

    if PIXEL_FRAMES.search(text):
        raise SkyError(
            f"the regions of {shown(name)} are in pixels of an image; save them in galactic, fk5 or icrs",
            code="SKY-FRAME",
        )
    _check_cost(text, name)
    if (circles := _circles(text)) is not None:
        return circles
    try:
        shapes = Regions.parse(text, format="ds9")
    except ValueError as error:
        if not NO_SIZE.search(str(error)):
            raise
        raise SkyError(
            f"{shown(name)} has a shape that holds no sky ({error}); correct it", code="SKY-RANGE"
        ) from error
    if not shapes:
        raise NotThisFormatError(
            f"{shown(name)} is no MOC and holds no DS9 regions; give one of these", code="IN-NOTMASK"
        )
    corners = max(len(getattr(shape, "vertices", ())) for shape in shapes)
    if corners > MOST_CORNERS:
        raise TooLargeError(
            f"{shown(name)} has a polygon of {corners} corners, but at most {MOST_CORNERS} are read; save it "
            "as a MOC, or with fewer"
        )
    try:
        return moc_of_regions(shapes)
    except UsageError as error:
        raise InputRefusedError(f"{shown(name)} cannot be used: {error}") from error


def _circles(text: str) -> MOC | None:
    """Cells of a file that holds nothing but plain circles; None for any other, which the library reads."""
    from astropy.coordinates import FK5, ICRS, Galactic  # noqa: PLC0415 - only in the child

    frame, numbers = "", []
    for line in text.splitlines():
        for part in line.partition("#")[0].split(";"):
            statement = part.strip()
            if not statement or statement.lower().startswith("global "):
                continue
            if FRAME.fullmatch(statement) and frame in ("", statement.lower()):
                frame = statement.lower()
            elif frame and (found := CIRCLE.fullmatch(statement)):
                numbers.append((found[1], found[2], found[3], DEGREES_PER[found[4].lower()]))
            else:
                return None
    try:
        lon, lat, radius, unit = np.array(numbers, np.float64).T
    except ValueError:  # none at all, or what is no number
        return None
    if not (np.isfinite(lon).all() and (np.abs(lat) <= 90).all() and (radius > 0).all()):
        return None
    kind = {"galactic": Galactic, "icrs": ICRS}.get(frame, FK5)
    return moc_of_circles(kind(), lon, lat, radius * unit)


def _check_cost(text: str, name: str) -> None:
    """Refuse, before they are parsed, more shapes and numbers than can be brought on the sky in time."""
    statements = (part.partition("#")[0] for part in re.split(r"[\n;]", text))
    shapes = [part for part in statements if re.search(r"[a-z].*\d", part, re.IGNORECASE)]
    if len(shapes) > MOST_SHAPES:
        raise TooLargeError(f"{shown(name)} has more than {MOST_SHAPES} shapes; save it as a MOC")
    words = Counter(re.findall(r"[a-z]+(?=\s*\()", "\n".join(shapes).lower()))
    if (cost_ms := sum(COSTS_MS.get(word, 0) * count for word, count in words.items())) > MOST_MS:
        raise TooLargeError(
            f"the {len(shapes)} shapes of {shown(name)} would take about {cost_ms / 1000:.0f} s, but at most "
            f"{MOST_MS / 1000:.0f} s are spent on them; save it as a MOC"
        )
    numbers = sum(len(re.findall(r"[,\s(]+", part)) for part in shapes)
    if numbers > MOST_NUMBERS:
        raise TooLargeError(
            f"the shapes of {shown(name)} have {numbers} numbers, but at most {MOST_NUMBERS} are read; save "
            "it as a MOC"
        )

"""The part of the sky that a MOC or a DS9 region file describes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy import units as u
from astropy_healpix.core import healpix_to_lonlat, lonlat_to_healpix

from skykin.core.errors import InputRefusedError, NotThisFormatError, SkyError, TooLargeError, shown
from skykin.core.extent import ALL_SKY, Extent
from skykin.core.shapes import Degrees, Numbers
from skykin.survey.frames import from_galactic, to_galactic
from skykin.survey.guard import guarded
from skykin.survey.healpix.cell_map import NEARLY_ALL
from skykin.survey.healpix.cells import cell_side_deg

#: MOC ranges count cells of this level.
MOC_LEVEL = 29
#: Cells of 0.9° tell where a part lies.
EXTENT_LEVEL = 6
#: Cells of regions are 0.9 arcminutes wide.
REGION_LEVEL = 12
MOST_BYTES = 64 << 20
MOST_SHAPES = 10_000
ELLIPSE_CORNERS = 72
#: Coordinates in pixels of some image say nothing about the sky.
PIXEL_FRAMES = re.compile(r"^\s*(image|physical|detector|amplifier|linear)\b", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class SkyMask:
    """A part of the sky, as sorted ranges of HEALPix cells of level 29 (ICRS, NESTED)."""

    ranges: Numbers

    def contains(self, lon_deg: Degrees, lat_deg: Degrees) -> np.ndarray:
        """Tell which Galactic positions lie inside."""
        lon, lat = from_galactic(np.asarray(lon_deg), np.asarray(lat_deg), "icrs")
        cells = lonlat_to_healpix(lon * u.deg, lat * u.deg, 2**MOC_LEVEL, order="nested").astype(np.uint64)
        place = np.searchsorted(self.ranges.ravel(), cells, side="right")
        return np.asarray(place % 2 == 1)  # after a beginning and before its end

    def extent(self) -> Extent:
        """Cap that holds the part, to a degree."""
        step = 2 * (MOC_LEVEL - EXTENT_LEVEL)
        cells = np.arange(12 * 4**EXTENT_LEVEL, dtype=np.uint64)
        edges = self.ranges.ravel()
        before = np.searchsorted(edges, cells << np.uint64(step), side="right")
        after = np.searchsorted(edges, (cells + np.uint64(1)) << np.uint64(step), side="left")
        touched = cells[(before % 2 == 1) | (after > before)]
        if len(touched) > NEARLY_ALL * len(cells):
            return ALL_SKY
        lon, lat = healpix_to_lonlat(touched.astype(np.int64), 2**EXTENT_LEVEL, order="nested")
        return Extent.around(*to_galactic(lon.deg, lat.deg, "icrs"), cell_side_deg(EXTENT_LEVEL))

    @property
    def share(self) -> float:
        """Share of the sphere inside."""
        return float((self.ranges[:, 1] - self.ranges[:, 0]).sum(dtype=np.float64) / (12 * 4.0**MOC_LEVEL))


def read_sky_mask(path: Path) -> SkyMask:
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
    return SkyMask(ranges)


def parse(path: Path, folder: Path) -> dict[str, Any]:
    """Child's task: save the ranges of a mask."""
    from mocpy import MOC  # noqa: PLC0415 - only in the child

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


def _of_regions(text: str, name: str) -> Any:
    from mocpy import MOC  # noqa: PLC0415
    from regions import Regions  # noqa: PLC0415

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
    inside: list[Any] = []
    outside: list[Any] = []
    for shape in shapes:
        keep = str(shape.meta.get("include", True)) not in {"False", "0", "-"}
        (inside if keep else outside).append(_moc_of(shape, name))
    whole = MOC.from_depth29_ranges(MOC_LEVEL, np.array([[0, 12 * 4**MOC_LEVEL]], np.uint64))
    moc = inside[0].union(*inside[1:]) if len(inside) > 1 else (inside or [whole])[0]
    for hole in outside:
        moc = moc.difference(hole)
    return moc


def _moc_of(shape: Any, name: str) -> Any:
    """Cells of one region; boxes and ellipses by their corners, as their angle counts in their own frame."""
    import regions as ds9  # noqa: PLC0415
    from mocpy import MOC  # noqa: PLC0415

    if isinstance(shape, ds9.EllipseSkyRegion | ds9.RectangleSkyRegion):
        if isinstance(shape, ds9.EllipseSkyRegion):
            around = np.radians(np.arange(ELLIPSE_CORNERS) * 360 / ELLIPSE_CORNERS)
            x, y = shape.width / 2 * np.cos(around), shape.height / 2 * np.sin(around)
        else:
            x, y = shape.width / 2 * np.array([1, -1, -1, 1]), shape.height / 2 * np.array([1, 1, -1, -1])
        # Width runs along longitude at angle 0; angles turn from there towards north.
        bearing = np.arctan2(x, y) - shape.angle
        corners = shape.center.directional_offset_by(bearing, np.hypot(x, y))
        return MOC.from_polygon_skycoord(corners.icrs, max_depth=REGION_LEVEL)
    if isinstance(shape, ds9.PolygonSkyRegion):
        return MOC.from_polygon_skycoord(shape.vertices.icrs, max_depth=REGION_LEVEL)
    if isinstance(shape, ds9.CircleSkyRegion | ds9.CircleAnnulusSkyRegion):
        return MOC.from_astropy_regions(shape, max_depth=REGION_LEVEL)
    raise InputRefusedError(
        f"{shown(name)} holds a {shown(type(shape).__name__)}, which has no area; "
        "use circles, annuli, ellipses, boxes and polygons"
    )

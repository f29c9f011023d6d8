"""Sky regions (circles, annuli, ellipses, boxes, polygons) as cells of a coverage map."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord, angular_separation, offset_by
from mocpy import MOC
from regions import (
    CircleAnnulusSkyRegion,
    CircleSkyRegion,
    EllipseSkyRegion,
    PolygonSkyRegion,
    RectangleSkyRegion,
)

from skykin.core.errors import SkyError, UsageError, shown
from skykin.core.shapes import Degrees
from skykin.core.sphere import directions

#: Cells of regions are 0.9 arcminutes wide, and at most a 128th of the region itself.
REGION_ORDER, CELLS_ACROSS, FINEST_REGION_ORDER = 12, 128, 22
ELLIPSE_CORNERS = 72
#: Side of the cells of order 0.
LARGEST_CELL_DEG = math.degrees(math.sqrt(math.pi / 3))
#: Corners that are no farther from one great circle, radians, enclose nothing.
FLAT = 1e-12
#: Cells along the edge of circles are told by cells this many orders finer; of very many circles by their
#: own centres and corners alone, five times as fast, which makes their area at most 0.3 % larger.
FINER_AT_EDGES, MANY = 2, 1_000
#: Cells are found in one thread: a guarded child has few.
THREADS = 1


def moc_of_regions(shapes: Iterable[Any]) -> MOC:
    """Cover sky regions of the package regions with cells; what is marked as excluded is cut out.

    Raises
    ------
    UsageError
        If there is none, or one has no area on the sky.
    """
    inside: list[Any] = []
    outside: list[Any] = []
    for shape in shapes:
        keep = str(shape.meta.get("include", True)) not in {"False", "0", "-"}
        (inside if keep else outside).append(shape)
    if not (inside or outside):
        raise UsageError("the area is a list of no regions; give at least one")
    moc = _union(inside) if inside else MOC.from_string("0/0-11", "ascii")
    # Not `MOC.difference`: that of mocpy 0.21 is empty where the two have nothing in common.
    return moc.intersection(_union(outside).complement()) if outside else moc


def moc_of_circles(frame: Any, lon_deg: Degrees, lat_deg: Degrees, radius_deg: Degrees) -> MOC:
    """Cover circles with cells, as `moc_of_regions` does, without making a region of each.

    Parameters
    ----------
    frame : BaseCoordinateFrame
    lon_deg, lat_deg, radius_deg : array (circles,)
    """
    each = zip(lon_deg[:, None], lat_deg[:, None], radius_deg.tolist(), strict=True)
    return _covered([_Outline(frame, lon, lat, 2 * radius, (radius,)) for lon, lat, radius in each])


@dataclass(frozen=True, eq=False)
class _Outline:
    """A region by positions in its own frame.

    Parameters
    ----------
    frame : BaseCoordinateFrame
    lon_deg, lat_deg : array (corners,)
        Its corners; of a circle or an annulus its centre alone.
    size_deg : float
        Its width, which the cells follow.
    radii_deg : tuple of float
        One of a circle, the inner and the outer one of an annulus; none of a polygon.
    """

    frame: Any
    lon_deg: Degrees
    lat_deg: Degrees
    size_deg: float
    radii_deg: tuple[float, ...] = ()

    @property
    def order(self) -> int:
        """Order of its cells."""
        cell_deg = max(self.size_deg, 1e-6) / CELLS_ACROSS
        return min(max(REGION_ORDER, math.ceil(math.log2(LARGEST_CELL_DEG / cell_deg))), FINEST_REGION_ORDER)


def _union(shapes: Sequence[Any]) -> MOC:
    return _covered([_outline(shape) for shape in shapes])


def _covered(outlines: Sequence[_Outline]) -> MOC:
    """Cells of all shapes: those of one kind and order are found together, as one alone takes as long."""
    kinds: dict[tuple[int, int, int], list[tuple[_Outline, Degrees]]] = defaultdict(list)
    for outline, corners in zip(outlines, _in_icrs(outlines), strict=True):
        kinds[len(outline.radii_deg), outline.order, corners.shape[1]].append((outline, corners))
    mocs: list[MOC] = []
    for (radii, order, _), members in kinds.items():
        places = np.array([corners for _, corners in members])
        if radii == 0:
            mocs += MOC.from_polygons(
                places.reshape(-1, places.shape[-1]), max_depth=order, n_threads=THREADS
            )
            continue
        lon, lat = places[:, :, 0].T * u.deg
        size = np.array([outline.radii_deg for outline, _ in members]).T * u.deg
        if radii == 1:
            finer = FINER_AT_EDGES if len(members) <= MANY else 0
            mocs.append(
                MOC.from_cones(
                    lon, lat, radius=size[0], max_depth=order, delta_depth=finer, n_threads=THREADS,
                    union_strategy="large_cones",
                )
            )  # fmt: skip
        else:
            mocs += [
                MOC.from_ring(a, b, internal_radius=inner, external_radius=outer, max_depth=order)
                for a, b, inner, outer in zip(lon, lat, *size, strict=True)
            ]
    return mocs[0].union(*mocs[1:]) if len(mocs) > 1 else mocs[0]


def _in_icrs(outlines: Sequence[_Outline]) -> list[Degrees]:
    """Right ascensions and declinations (2, corners) of each outline, turned frame by frame."""
    found: list[Degrees] = [np.empty((2, 0))] * len(outlines)
    frames: dict[tuple[str, ...], list[int]] = defaultdict(list)
    keys = {
        id(frame): _frame_key(frame) for frame in {id(each.frame): each.frame for each in outlines}.values()
    }
    for number, outline in enumerate(outlines):
        frames[keys[id(outline.frame)]].append(number)
    for numbers in frames.values():
        lon, lat = (
            np.concatenate([getattr(outlines[i], name) for i in numbers]) for name in ("lon_deg", "lat_deg")
        )
        icrs = SkyCoord(lon * u.deg, lat * u.deg, frame=outlines[numbers[0]].frame).icrs
        ends = np.cumsum([len(outlines[i].lon_deg) for i in numbers])[:-1]
        for i, part in zip(
            numbers, np.split(np.stack([icrs.ra.deg, icrs.dec.deg]), ends, axis=1), strict=True
        ):
            found[i] = part
    return found


def _frame_key(frame: Any) -> tuple[str, ...]:
    """Text that is the same for equal frames."""
    return type(frame).__qualname__, *(str(getattr(frame, name)) for name in frame.frame_attributes)


def _outline(shape: Any) -> _Outline:
    """Outline of one region; boxes and ellipses by corners, as their angle counts in their own frame."""
    if isinstance(shape, EllipseSkyRegion | RectangleSkyRegion):
        if isinstance(shape, EllipseSkyRegion):
            around = np.radians(np.arange(ELLIPSE_CORNERS) * 360 / ELLIPSE_CORNERS)
            x, y = shape.width / 2 * np.cos(around), shape.height / 2 * np.sin(around)
        else:
            x, y = shape.width / 2 * np.array([1, -1, -1, 1]), shape.height / 2 * np.array([1, 1, -1, -1])
        # Width runs along longitude at angle 0; angles turn from there towards north.
        bearing, distance = np.arctan2(x, y) - shape.angle, np.hypot(x, y)
        frame, lon, lat = _positions(shape.center)
        lon, lat = offset_by(lon, lat, bearing, distance)
        return _Outline(frame, lon.deg, lat.deg, float(2 * distance.min().to_value(u.deg)))
    if isinstance(shape, PolygonSkyRegion):
        frame, lon, lat = _positions(shape.vertices)
        _check_corners(lon.deg, lat.deg)
        widest = angular_separation(lon[0], lat[0], lon, lat).max()
        return _Outline(frame, lon.deg, lat.deg, float(widest.to_value(u.deg)))
    if isinstance(shape, CircleSkyRegion | CircleAnnulusSkyRegion):
        sizes = (
            (shape.radius,)
            if isinstance(shape, CircleSkyRegion)
            else (shape.inner_radius, shape.outer_radius)
        )
        radii = tuple(float(each.to_value(u.deg)) for each in sizes)
        frame, lon, lat = _positions(shape.center)
        return _Outline(frame, np.atleast_1d(lon.deg), np.atleast_1d(lat.deg), 2 * radii[-1], radii)
    raise UsageError(
        f"the area holds a {shown(type(shape).__name__)}, which has no area on the sky; use circles, annuli, "
        "ellipses, boxes and polygons in sky coordinates"
    )


def _check_corners(lon_deg: Degrees, lat_deg: Degrees) -> None:
    """Refuse a polygon whose corners lie at one place or on one great circle."""
    corners = directions(lon_deg, lat_deg)
    far = corners[np.argmin(corners @ corners[0])]
    pole = np.cross(corners[0], far)
    if np.abs(corners @ pole).max() <= FLAT * max(float(np.linalg.norm(pole)), FLAT):
        raise SkyError(
            "the area holds a polygon whose corners lie on one line, which holds no sky; correct it"
        )


def _positions(where: SkyCoord) -> tuple[Any, Any, Any]:
    """Frame without its positions, and longitudes and latitudes."""
    sphere = where.spherical
    return where.frame.replicate_without_data(), sphere.lon, sphere.lat

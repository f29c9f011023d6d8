"""A part of the sky: a box of longitude and latitude, or a coverage map (MOC)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Protocol, TypeAlias

import numpy as np
from astropy import units as u
from astropy_healpix import healpix_to_lonlat, lonlat_to_healpix
from mocpy import MOC
from regions import Region, Regions

from skykin.core.checked import Checked, Rule, degrees, listed, words
from skykin.core.errors import UsageError, shown
from skykin.core.extent import ALL_SKY, Extent
from skykin.core.frames import from_galactic, to_galactic
from skykin.core.region_cells import FINEST_REGION_ORDER, moc_of_regions
from skykin.core.shapes import Degrees, Numbers

EXTENT_POINTS = 17
HOW = "use lon_min,lon_max,lat_min,lat_max in Galactic degrees, such as 180,240,-40,10 or 330,30,-10,10"
#: Cells of 0.9° tell where a coverage map lies; smaller ones where so few are touched.
FEWEST_CELLS = 1024
EXTENT_ORDER = 6
EXTENT_CELL_DEG = math.degrees(math.sqrt(math.pi / 3)) / 2**EXTENT_ORDER
#: A coverage map that touches more of the sky than this is not confined to a cap.
NEARLY_ALL = 0.4
FINEST_ORDER = 29
EDGE = Rule(degrees, "a finite angle such as 15 or 15*u.deg")


class Area(Protocol):
    """A part of the sky that knows what lies inside."""

    def contains(self, lon_deg: Degrees, lat_deg: Degrees) -> np.ndarray:
        """Tell which Galactic positions, degrees, lie inside."""

    def extent(self) -> Extent:
        """Cap of the sky that holds it."""


#: What `read_area` takes; most of it has no types of its own.
AreaLike: TypeAlias = Any


@dataclass(frozen=True)
class SkyBox(Checked):
    """All positions between two longitudes and two latitudes, edges included.

    Parameters
    ----------
    lon_min_deg, lon_max_deg : float or Quantity
        The box runs from the first eastward (growing longitude) to the second, over 360° where it must.
        Edges 360° or more apart take every longitude.
    lat_min_deg, lat_max_deg : float or Quantity
        Galactic latitudes.
    """

    lon_min_deg: float
    lon_max_deg: float
    lat_min_deg: float
    lat_max_deg: float

    KIND: ClassVar[str] = "edge of an area"
    RULES: ClassVar[Mapping[str, Rule]] = dict.fromkeys(
        ("lon_min_deg", "lon_max_deg", "lat_min_deg", "lat_max_deg"), EDGE
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not -90 <= self.lat_min_deg < self.lat_max_deg <= 90:
            raise UsageError(
                f"latitudes from {self.lat_min_deg:g}° to {self.lat_max_deg:g}° hold no sky; {HOW}"
            )
        if self.lon_min_deg == self.lon_max_deg:
            raise UsageError(
                f"longitudes from {self.lon_min_deg:g}° to {self.lon_max_deg:g}° hold no sky; {HOW}"
            )

    def __str__(self) -> str:
        lon, lat = (self.lon_min_deg, self.lon_max_deg), (self.lat_min_deg, self.lat_max_deg)
        return "longitudes {:g}° to {:g}°, latitudes {:g}° to {:g}°".format(*lon, *lat)

    @classmethod
    def parse(cls, text: str) -> SkyBox:
        """Read ``"lon_min,lon_max,lat_min,lat_max"``."""
        try:
            numbers = [float(part) for part in text.split(",")]
        except ValueError as error:
            raise UsageError(f"the area {shown(text)} is not four numbers; {HOW}") from error
        if len(numbers) != 4:
            raise UsageError(f"the area {shown(text)} has {len(numbers)} numbers, not four; {HOW}")
        return cls(*numbers)

    def extent(self) -> Extent:
        """Cap of the sky that holds the box; the whole sky where it is not much smaller."""
        width = self.lon_max_deg - self.lon_min_deg
        width = 360.0 if abs(width) >= 360 else width % 360.0
        lon = self.lon_min_deg + np.linspace(0, width, EXTENT_POINTS)
        lat = np.linspace(self.lat_min_deg, self.lat_max_deg, EXTENT_POINTS)
        step = max(width, self.lat_max_deg - self.lat_min_deg) / (EXTENT_POINTS - 1)
        return Extent.around(*np.meshgrid(lon, lat), margin_deg=step / 2)

    def contains(self, lon_deg: Degrees, lat_deg: Degrees) -> np.ndarray:
        """Tell which positions lie inside."""
        inside = (lat_deg >= self.lat_min_deg) & (lat_deg <= self.lat_max_deg)
        width = self.lon_max_deg - self.lon_min_deg
        if abs(width) < 360:
            inside &= (lon_deg - self.lon_min_deg) % 360 <= width % 360
        return np.asarray(inside)


@dataclass(frozen=True, eq=False)
class MocArea:
    """All positions in a coverage map.

    Parameters
    ----------
    moc : MOC
        In ICRS, as the standard of multi-order coverage maps demands.
    """

    moc: MOC

    def __post_init__(self) -> None:
        if self.moc.empty():
            raise UsageError("the area is an empty MOC, which holds no sky; give one that does")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MocArea) and np.array_equal(self._edges, other._edges)

    def __hash__(self) -> int:
        return hash(self._edges.tobytes())

    def __str__(self) -> str:
        return f"a MOC of {self.share:.3g} of the sky"

    def __repr__(self) -> str:
        return f"<MocArea: {self}>"

    @property
    def share(self) -> float:
        """Fraction of the sphere inside."""
        return float(self.moc.sky_fraction)

    def to_dict(self) -> dict[str, Any]:
        """Write it as the standard's ASCII text, such as ``{"moc": "6/18079 18101"}``."""
        return {"moc": " ".join(self.moc.to_string("ascii").split())}

    def contains(self, lon_deg: Degrees, lat_deg: Degrees) -> np.ndarray:
        """Tell which Galactic positions lie inside."""
        lon, lat = from_galactic(np.asarray(lon_deg), np.asarray(lat_deg), "icrs")
        cells = lonlat_to_healpix(lon * u.deg, lat * u.deg, 2**FINEST_ORDER, order="nested")
        place = np.searchsorted(self._edges, cells.astype(np.uint64), side="right")
        return np.asarray(place % 2 == 1)  # after a beginning and before its end

    def extent(self) -> Extent:
        """Cap that holds it, to a tenth of its size; the whole sky where it is not much smaller."""
        step = np.uint64(2 * (FINEST_ORDER - EXTENT_ORDER))
        cells = np.arange(12 * 4**EXTENT_ORDER, dtype=np.uint64)
        before = np.searchsorted(self._edges, cells << step, side="right")
        after = np.searchsorted(self._edges, (cells + np.uint64(1)) << step, side="left")
        touched = cells[(before % 2 == 1) | (after > before)]
        if len(touched) > NEARLY_ALL * len(cells):
            return ALL_SKY
        order = EXTENT_ORDER
        while len(touched) < FEWEST_CELLS and order < FINEST_REGION_ORDER:
            order += 1
            touched = self._touched(order)
        lon, lat = healpix_to_lonlat(touched.astype(np.int64), 2**order, order="nested")
        return Extent.around(
            *to_galactic(lon.deg, lat.deg, "icrs"), EXTENT_CELL_DEG / 2 ** (order - EXTENT_ORDER)
        )

    def _touched(self, order: int) -> Numbers:
        """Cells of an order that hold any of it."""
        step = np.uint64(2 * (FINEST_ORDER - order))
        first, last = self._edges[::2] >> step, (self._edges[1::2] - np.uint64(1)) >> step
        return np.unique(
            np.concatenate([np.arange(a, b + np.uint64(1)) for a, b in zip(first, last, strict=True)])
        )

    @cached_property
    def _edges(self) -> Numbers:
        """Where ranges of cells of the finest order (NESTED) begin and end, in growing order."""
        return np.asarray(self.moc.to_depth29_ranges, np.uint64).ravel()


@dataclass(frozen=True)
class AreaUnion:
    """All positions in any of several areas."""

    parts: tuple[SkyBox | MocArea, ...]

    def __str__(self) -> str:
        return "; ".join(map(str, self.parts))

    def to_dict(self) -> dict[str, Any]:
        """Plain values of all of them."""
        return {"any_of": [part.to_dict() for part in self.parts]}

    def contains(self, lon_deg: Degrees, lat_deg: Degrees) -> np.ndarray:
        """Tell which Galactic positions lie inside."""
        return np.asarray(np.any([part.contains(lon_deg, lat_deg) for part in self.parts], axis=0))

    def extent(self) -> Extent:
        """Cap that holds them: the whole sky, where there is more than one."""
        return self.parts[0].extent() if len(self.parts) == 1 else ALL_SKY


SkyArea: TypeAlias = SkyBox | MocArea | AreaUnion


def read_area(value: AreaLike) -> SkyArea:
    """Read an area.

    Parameters
    ----------
    value : str, sequence of four, SkyBox, MOC, sky region or list of regions, one of our areas, or dict
        Text and sequences are ``lon_min, lon_max, lat_min, lat_max`` in Galactic degrees, or Quantities.
        A dict is what `to_dict` gave.

    Raises
    ------
    UsageError
        If it holds no sky, or its numbers cannot be read.
    TypeError
        If it is none of these.
    """
    if isinstance(value, SkyBox | MocArea | AreaUnion):
        return value
    if isinstance(value, str):
        return SkyBox.parse(value)
    if isinstance(value, Mapping):
        return _from_dict(value)
    if isinstance(value, MOC):
        return MocArea(value)
    if isinstance(value, Region | Regions):
        return MocArea(moc_of_regions(getattr(value, "regions", [value])))
    if not isinstance(value, list | tuple | np.ndarray):
        raise TypeError
    if len(value) != 4:
        raise UsageError(f"the area {shown(value)} has {len(value)} numbers, not four; {HOW}")
    return SkyBox(*value)


def _from_dict(values: Mapping[str, Any]) -> SkyArea:
    if {*values} == {"moc"}:
        return _moc_area(values["moc"])
    if {*values} != {"any_of"}:
        return SkyBox.from_dict(values)
    parts = listed(read_area)(values["any_of"])
    return AreaUnion(tuple(each for part in parts for each in getattr(part, "parts", (part,))))


def _moc_area(text: object) -> MocArea:
    try:
        moc = MOC.from_string(words(text), "ascii")
        edges = moc.to_depth29_ranges.ravel()
        # Ranges that run backwards or beyond the sphere are not refused by mocpy.
        readable = bool(np.all(edges[1:] > edges[:-1]) and np.all(edges <= 12 * 4**FINEST_ORDER))
    except (OSError, ValueError):
        readable = False
    if not readable:
        raise UsageError(
            f"the MOC {shown(text)} cannot be read; write it as order/cells, such as 6/18079 18101"
        )
    return MocArea(moc)

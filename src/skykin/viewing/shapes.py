"""Shapes that the page draws, as references of a query."""

from __future__ import annotations

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from regions import CircleSkyRegion, PolygonSkyRegion

from skykin.catalogue.query import Example
from skykin.catalogue.references import PREFIX, ReferencePlace, reference_set, resolve_reference
from skykin.core.area import MocArea
from skykin.core.footprint import Footprint
from skykin.core.region_cells import moc_of_regions
from skykin.indexing.sky_index import StoredIndex
from skykin.jobs.query import Reference, region_example
from skykin.products.wording import number
from skykin.viewing.questions import Box, Circle, Place, Point, Polygon, Shape

#: How far from its centre the upward side of a box is followed, to turn it into the Galactic frame.
STEP_DEG = 1e-3


def reference_of(shape: Shape, index: StoredIndex) -> Reference:
    """Give a shape as `skykin.search` takes it; a text is never a file."""
    if isinstance(shape, Place):
        return place_of(shape.text, index)
    if isinstance(shape, Point):
        return _degrees(shape.ra, shape.dec)
    if isinstance(shape, Box):
        return _box(shape)
    return _region(shape, index)


def place_of(text: str, index: StoredIndex) -> str | int | tuple[float, float]:
    """Read a name, a position, the name of a tile, or a named set.

    Raises
    ------
    UnknownNameError, UsageError
        If it is none of these.
    """
    if text.strip().startswith(PREFIX):
        return f"{PREFIX}{reference_set(text).name}"
    if (tile := index.number_of(text.strip())) is not None:
        return tile
    place = resolve_reference(text)
    # A region keeps its name; nothing else that was typed goes on, so that it cannot name a file.
    return (place.lon_deg, place.lat_deg) if place.name.startswith("l=") else place.name


def placed(text: str, index: StoredIndex) -> ReferencePlace:
    """Find where a text points to: the middle of a tile, or a name or position."""
    if (tile := index.number_of(text.strip())) is not None:
        where = index.footprint(tile)
        return ReferencePlace(text.strip(), where.lon_deg, where.lat_deg)
    return resolve_reference(text)


def _degrees(ra: float, dec: float) -> tuple[float, float]:
    place = SkyCoord(ra, dec, unit="deg", frame="icrs").galactic
    return float(place.l.deg), float(place.b.deg)


def _box(box: Box) -> Example:
    centre = SkyCoord(box.ra, box.dec, unit="deg", frame="icrs")
    above = centre.directional_offset_by(box.angle_deg * u.deg, STEP_DEG * u.deg)
    turn = centre.galactic.position_angle(above.galactic).deg
    lon_deg, lat_deg = _degrees(box.ra, box.dec)
    where = Footprint(lon_deg, lat_deg, box.width_deg, box.height_deg, turn_deg=float(turn))
    size = f"{number(box.width_deg, '.3g')}° × {number(box.height_deg, '.3g')}°"
    return Example(f"box of {size} at {_words(lon_deg, lat_deg)}", where, sized=True)


def _region(shape: Circle | Polygon, index: StoredIndex) -> Example:
    if isinstance(shape, Circle):
        centre = SkyCoord(shape.ra, shape.dec, unit="deg", frame="icrs")
        region = CircleSkyRegion(centre, shape.radius_deg * u.deg)
        name = f"circle of {number(shape.radius_deg, '.3g')}°"
    else:
        region = PolygonSkyRegion(SkyCoord(np.array(shape.vertices), unit="deg", frame="icrs"))
        name = f"polygon of {len(shape.vertices)} corners"
    mask = MocArea(moc_of_regions([region]))
    extent = mask.extent()
    return region_example(mask, f"{name} at {_words(extent.lon_deg, extent.lat_deg)}", index)


def _words(lon_deg: float, lat_deg: float) -> str:
    return f"l={lon_deg:.2f} b={lat_deg:+.2f}"

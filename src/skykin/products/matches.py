"""The matching part of the sky, as DS9 polygons and as a multi-order coverage map."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from mocpy import MOC
from regions import PolygonSkyRegion, RegionMeta, Regions, RegionVisual, SkyRegion

from skykin.core.atomic import write_hdus
from skykin.core.footprint import Footprint
from skykin.core.sphere import directions, non_overlapping
from skykin.products.mapped import MappedTiles
from skykin.products.stamp import Stamped, ascii_text, stamp_header, stamp_lines

MATCH_COLOUR = "orange"
REFERENCE_COLOUR = "cyan"
#: First line of a file that holds no region.
DS9 = "# Region file format: DS9"
#: Cells along the shorter side of a footprint: those on its edge make it larger by about 2/512.
CELLS_PER_SIDE = 512
FINEST_ORDER = 20


def coverage_map(footprints: Sequence[Footprint]) -> MOC:
    """Join footprints into one coverage map.

    Parameters
    ----------
    footprints : sequence of Footprint

    Returns
    -------
    MOC
        In ICRS, as the standard of multi-order coverage maps demands; its area is that of the union
        to better than 1 %, never less.
    """
    return _union(frozenset(footprints))


@lru_cache(maxsize=1)
def _union(footprints: frozenset[Footprint]) -> MOC:
    """Join them; the summary of a map and its products request the same ones."""
    if not footprints:
        return MOC.new_empty(max_depth=0)
    smallest_deg = min(min(footprint.width_deg, footprint.height_deg) for footprint in footprints)
    order = math.ceil(math.log2(58.6 / (smallest_deg / CELLS_PER_SIDE)))
    polygons = [polygon for footprint in footprints for polygon in _great_circle_polygons(footprint)]
    # All corners change their frame at once: each change takes milliseconds.
    lon, lat = (np.concatenate([getattr(each, axis) for each in polygons]) for axis in ("l", "b"))
    corners = SkyCoord(lon, lat, frame="galactic").icrs
    ends = np.cumsum([len(polygon) for polygon in polygons])[:-1]
    outlines = [corners[part] for part in np.split(np.arange(len(corners)), ends)]
    mocs = MOC.from_polygons(outlines, max_depth=min(order, FINEST_ORDER))
    return mocs[0].union(*mocs[1:]) if len(mocs) > 1 else mocs[0]


def write_coverage_map(result: MappedTiles, path: Path) -> None:
    """Write the union of the matching tiles as a multi-order coverage map in FITS."""
    hdus = coverage_map(result.matching).serialize(format="fits")
    stamp_header(hdus[1].header, result)
    for hdu in hdus:
        hdu.add_checksum(when="written by Skykin")
    write_hdus(path, hdus)


def write_regions(result: MappedTiles, path: Path) -> None:
    """Write the best matches that do not overlap each other, and the references, as Galactic DS9 polygons.

    Hundreds of tiles over each other could not be told apart; their union is in the coverage map.
    """
    matching = result.matching
    places = directions(*np.array([(each.lon_deg, each.lat_deg) for each in matching]).reshape(-1, 2).T)
    polygons = [
        _polygon(matching[place], MATCH_COLOUR, f"{result.score_of(matching[place]):.3f}", width=1)
        for place in non_overlapping(places, result.scored.tile_deg, len(matching))
    ]
    polygons += [
        _polygon(where, REFERENCE_COLOUR, name, width=3)
        for where, name in ((each.footprint, each.name) for each in result.query.references)
        if where is not None
    ]
    write_ds9(polygons, result, path)


def write_ds9(regions: Sequence[SkyRegion], result: Stamped, path: Path) -> None:
    """Write regions in DS9's format, with the stamp as comments."""
    first, _, rest = Regions(regions).serialize(format="ds9", precision=6).partition("\n")
    comments = "".join(f"# {_comment(line)}\n" for line in stamp_lines(result))
    path.write_text(f"{first or DS9}\n{comments}{rest}", encoding="ascii")


def _comment(text: str) -> str:
    """Spell a text as one line of a region file: a semicolon would begin the next, even in a comment."""
    return ascii_text(text).replace(";", ",")


def _polygon(footprint: Footprint, colour: str, text: str, width: int) -> PolygonSkyRegion:
    # DS9 joins corners by straight lines on the screen: a corner every degree keeps any projection right.
    points = max(4, math.ceil(max(footprint.width_deg, footprint.height_deg)))
    # Braces and quotes would end the text early in DS9's format.
    label = "".join(c for c in _comment(text) if c not in "{}\"'#\\")
    return PolygonSkyRegion(
        footprint.outline(points),
        meta=RegionMeta({"text": label}),
        visual=RegionVisual({"color": colour, "linewidth": width}),
    )


def _great_circle_polygons(footprint: Footprint) -> list[SkyCoord]:
    """Polygons with great circles as edges that make up a footprint."""
    if footprint.projection == "TAN":
        return [footprint.outline()]  # A straight line of the gnomonic picture is a great circle.
    south = max(footprint.lat_deg - footprint.height_deg / 2, -90.0)
    north = min(footprint.lat_deg + footprint.height_deg / 2, 90.0)
    # Circles of latitude are not great circles, but in steps of half a degree stay within 0.0003° of them.
    columns = max(4, math.ceil(footprint.width_deg / 15.0))
    edges = footprint.lon_deg + footprint.width_deg * (np.arange(columns + 1) / columns - 0.5)
    middle = (south + north) / 2
    bands = [(south, middle), (middle, north)] if north - south > 90.0 else [(south, north)]
    return [_strip(west, east, low, high) for west, east in pairwise(edges) for low, high in bands]


def _strip(west: float, east: float, low: float, high: float) -> SkyCoord:
    steps = max(2, math.ceil((east - west) / 0.5))
    along = np.linspace(west, east, steps + 1)
    # A pole is one corner, not many.
    bottom = along if low > -90.0 else along[:1]
    top = along[::-1] if high < 90.0 else along[:1]
    lon = np.concatenate([bottom, top])
    lat = np.concatenate([np.full(len(bottom), low), np.full(len(top), high)])
    return SkyCoord(lon % 360.0 * u.deg, lat * u.deg, frame="galactic")

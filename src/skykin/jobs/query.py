"""Reading a query: names, places, regions, tiles, pictures and places in other surveys."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from mocpy import MOC
from regions import Region, Regions

from skykin.catalogue.object_lists import ObjectList
from skykin.catalogue.query import Example, Query, named_apart
from skykin.catalogue.references import (
    MOST_REFERENCES,
    ReferencePlace,
    chosen_set,
    how_combined,
    listed,
    resolve_reference,
    too_many,
)
from skykin.catalogue.user_catalogue import read_catalogue
from skykin.core.area import MocArea
from skykin.core.errors import ResourceError, SkyError, UnknownNameError, UsageError, shown
from skykin.core.extent import Extent
from skykin.core.footprint import WIDEST_TANGENT_DEG, Footprint
from skykin.core.picture import Picture
from skykin.core.region_cells import moc_of_regions
from skykin.core.views import Over, Views
from skykin.indexing.sky_index import StoredIndex
from skykin.style.recipe import Combine
from skykin.survey.picture.file import begins_as_picture, read_picture
from skykin.survey.sky_mask import read_sky_mask

#: What may be given as a reference.
Reference: TypeAlias = (
    "str | Path | int | SkyCoord | tuple[float, float] | Footprint | MOC | Picture | Elsewhere | Example"
)
#: Text that ends so is a file.
FILES = frozenset({
    ".reg", ".fits", ".fit", ".json", ".txt", ".moc", ".png", ".jpg", ".jpeg", ".tif", ".tiff",
})  # fmt: skip
#: Of a table, every row is a reference.
TABLES = frozenset({".csv", ".ecsv", ".tsv", ".vot", ".xml", ".parquet"})
#: Places closer than this are one: a hundredth of the finest survey's pixel is far more.
SAME_DEG = 1e-6


@dataclass(frozen=True, eq=False)
class Elsewhere:
    """A place in another survey's index of the same recipe; in text ``place@folder``.

    Parameters
    ----------
    index : SkyIndex or path
    what : str, SkyCoord, …
        Anything that can be a reference of that index.

    Examples
    --------
    >>> there = skykin.Elsewhere(made, "209,-19")
    >>> print(skykin.search(made, there).best(1)["name"][0])
    G210.76-19.38
    """

    index: StoredIndex | str | Path
    what: Any


@dataclass(frozen=True)
class _Reader:
    """What decides how an example is read, beside itself.

    Parameters
    ----------
    width_deg : float or None
        Side of the square about a position; that of a tile if left out.
    pixel_deg : float or None
        Side of a pixel of a picture file on the sky.
    index : StoredIndex or None
        That is searched: its tiles have names and numbers.
    """

    width_deg: float | None
    pixel_deg: float | None
    index: StoredIndex | None

    def read(self, what: Any) -> Example:
        """Read one example of any kind; whatever is not known by its type is a place."""
        for kind, read in _BY_TYPE:
            if isinstance(what, kind):
                return read(self, what)
        return self.place(what)

    def text(self, text: str) -> Example:
        """Read text: ``place@folder``, a file by its ending, the name of a tile, a name or a position."""
        place, at, folder = text.partition("@")
        if at:
            return self.elsewhere(Elsewhere(folder, place))
        if Path(text).suffix.lower() in FILES or text.startswith(("~", f".{os.sep}", os.sep)):
            return self.file(Path(text).expanduser())
        if self.index is not None:
            number = self.index.number_of(text.strip())
            if number is not None:
                return self.tile(number)
        try:
            return self.place(text)
        except UnknownNameError:
            if Path(text).is_file():
                return self.file(Path(text))
            raise

    def place(self, what: Any) -> Example:
        """Read a name or a position."""
        return self.at(resolve_reference(what))

    def at(self, place: ReferencePlace) -> Example:
        """Take a place: the square of the size that was given about it, else as large as a tile."""
        return Example(
            place.name,
            Footprint(place.lon_deg, place.lat_deg, self.width_deg or 1.0),
            sized=self.width_deg is not None,
        )

    def several(self, what: Any) -> tuple[Example, ...]:
        """Read one example of any kind, or every row of a table of positions."""
        if isinstance(what, str | Path) and Path(what).suffix.lower() in TABLES:
            return self.table(Path(what).expanduser())
        return (self.read(what),)

    def table(self, path: Path) -> tuple[Example, ...]:
        """Read all rows of a table."""
        table = read_catalogue(path)
        found = ObjectList.from_table(table, path.name, np.ones(len(table), dtype=bool))
        if len(found) > MOST_REFERENCES:
            raise too_many(len(found))
        return tuple(
            self.at(ReferencePlace(*row))
            for row in zip(found.names, found.lon_deg, found.lat_deg, strict=True)
        )

    def tile(self, number: int) -> Example:
        """Read the number of a tile."""
        if self.index is None:
            raise UsageError(
                f"the reference is the number {number}, which names a tile of an index; give a name or a "
                "position"
            )
        if not 0 <= number < len(self.index):
            raise UsageError(
                f"there is no tile {number}: the index holds {len(self.index)}, counted from 0; choose one "
                "of them"
            )
        name = str(self.index.some_tiles([number])["name"][0])
        return Example(name, self.index.footprint(number), tile=name)

    def file(self, path: Path) -> Example:
        """Read a picture, a region file or a MOC."""
        try:
            with path.open("rb") as stream:
                first = stream.read(16)
        except OSError as error:
            raise ResourceError(
                f"the reference {shown(path.name)} cannot be opened: {error.strerror}; check the name and "
                "its permissions",
                code="IN-NOFILE",
            ) from error
        if begins_as_picture(first):
            return self.picture(read_colours(path), path.name)
        return self.region(read_sky_mask(path), path.name)

    def region(self, mask: MocArea, name: str) -> Example:
        """Take a part of the sky."""
        extent = mask.extent()
        # A square as large as the part that is covered: what a map can outline.
        side_deg = min(2 * extent.radius_deg, WIDEST_TANGENT_DEG)
        if extent.is_all_sky and self.index is None:
            raise SkyError(
                f"the reference {shown(name)} spreads over the whole sky, of which there is no one picture; "
                f"give a part that is at most {WIDEST_TANGENT_DEG:g}° wide"
            )
        if self.index is not None:
            side_deg = max(side_deg, self.index.cell_deg)
        return Example(name, Footprint(extent.lon_deg, extent.lat_deg, side_deg), region=mask)

    def picture(self, picture: Picture, name: str) -> Example:
        """Take a picture."""
        if self.pixel_deg is None:
            raise UsageError(
                f"the scale of the picture {shown(name)} is not known; give the side of its pixels on the "
                "sky in degrees (--pixel-scale)"
            )
        return Example(name, picture=picture, pixel_deg=self.pixel_deg)

    def elsewhere(self, elsewhere: Elsewhere) -> Example:
        """Read a place in another survey's index."""
        if self.index is None:
            raise UsageError(
                "a place in another survey's index can be searched for in an index only; build one with "
                "`skykin index`"
            )
        other = (
            elsewhere.index if isinstance(elsewhere.index, StoredIndex) else StoredIndex.open(elsewhere.index)
        )
        found = _Reader(self.width_deg, self.pixel_deg, other).read(elsewhere.what)
        if found.footprint is not None and not found.sized:
            found = Query((found,)).for_tiles(other.tile_deg).references[0]
        return Example(f"{found.name} in {other.survey_title}", within=str(other.path), other=found)


def read_query(
    reference: Reference | Sequence[Reference],
    *,
    unlike: Reference | Sequence[Reference] = (),
    combine: Combine | None = None,
    weight: Mapping[str, float] | None = None,
    width: float | u.Quantity | None = None,
    pixel_scale: float | u.Quantity | None = None,
    turns: int | None = None,
    mirror: bool | None = None,
    scales: float | str | Sequence[float] | None = None,
    views: Over | None = None,
    index: StoredIndex | None = None,
) -> Query:
    """Read a query.

    Parameters
    ----------
    reference : str, Path, int, SkyCoord, tuple, Footprint, MOC, Picture, Elsewhere, or a list of these
        Text is, in this order: ``place@folder`` for a place in another index; a file (DS9 regions, MOC,
        PNG, JPEG or TIFF) or a table of positions (CSV, ECSV, VOTable, Parquet; every row is a reference)
        by its ending; the name of a tile of the index; a region's name, a position, or
        ``set:NAME`` for all places of one of `reference_sets`.  A number is a tile's place in
        ``index.tiles``.
    unlike : the same
        Counter-examples.
    combine : {"max", "mean"}, optional
        How similarities to several references become one; if left out, as a named set says, else ``max``.
    weight : Mapping of str to float, optional
        Weight of each layer; 1 where it is not named.
    width : float or Quantity, optional
        Side of the square about a position, degrees; that of a tile if left out.
    pixel_scale : float or Quantity, optional
        Side of a pixel of a picture file on the sky, degrees; needed for pictures.
    turns, mirror, scales, views :
        In which views the references are looked at, as for `map`.
    index : StoredIndex, optional
        That is searched.

    Raises
    ------
    SkykinError
        If one cannot be read, there is none, or there are too many.

    Examples
    --------
    >>> query = skykin.read_query(["carina", "80,0.5"], unlike="rosette", combine="mean")
    >>> [each.name for each in query.references]
    ['Carina Nebula', 'l=80.00 b=+0.50']
    """
    looked = Views.from_dict({"turns": turns, "mirror": mirror, "scales": scales, "views": views})
    reader = _Reader(_angle("width", width), _angle("pixel scale", pixel_scale), index)
    items = listed(reference)
    if not items:
        raise UsageError('there is no reference; give one, such as "orion"')
    references = tuple(example for each in items for example in reader.several(each))
    if len(references) > MOST_REFERENCES:
        raise too_many(len(references))
    return Query(
        named_apart(_distinct(references)),
        tuple(example for each in listed(unlike) for example in reader.several(each)),
        how_combined(reference, combine),
        dict(weight or {}),
        chosen_set(reference, len(items)),
        looked,
    )


def region_example(mask: MocArea, name: str, index: StoredIndex) -> Example:
    """Take a part of the sky as an example for an index, under a name."""
    return _Reader(None, None, index).region(mask, name)


def read_colours(path: Path) -> Picture:
    """Read a PNG, JPEG or TIFF file as colours; transparent pixels are not covered."""
    file = read_picture(path)
    rgb = np.asarray(file.values, np.float32) / np.float32(file.white)
    rgb = np.ascontiguousarray(np.broadcast_to(rgb, (*rgb.shape[:2], 3))).clip(0, 1)
    seen = np.ones(rgb.shape[:2], np.float32) if file.seen is None else file.seen.astype(np.float32)
    return Picture(rgb, seen)


def _distinct(references: Sequence[Example]) -> tuple[Example, ...]:
    """Leave out what was given before: the same place in the same size, however it is written."""
    found: list[Example] = []
    for each in references:
        if not any(_same(each, other) for other in found):
            found.append(each)
    return tuple(found)


def _same(one: Example, other: Example) -> bool:
    first, second = one.footprint, other.footprint
    if first is None or second is None or one.region is not None or other.region is not None:
        return False
    sizes = [
        (each.sized, place.width_deg, place.height_deg) for each, place in ((one, first), (other, second))
    ]
    if sizes[0] != sizes[1]:
        return False
    near = Extent(first.lon_deg, first.lat_deg, SAME_DEG)
    return bool(near.contains(np.array([second.lon_deg]), np.array([second.lat_deg]))[0])


def _angle(name: str, value: float | u.Quantity | None) -> float | None:
    if value is None:
        return None
    try:
        degrees = float(value.to_value(u.deg) if isinstance(value, u.Quantity) else value)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"the {name} of a reference is {shown(value)}; use an angle such as 2 or 2*u.deg"
        ) from error
    if not (math.isfinite(degrees) and degrees > 0):
        raise UsageError(f"the {name} of a reference is {degrees:g}°; use a finite number above 0")
    if name == "width" and degrees > WIDEST_TANGENT_DEG:
        raise UsageError(
            f"a reference {degrees:g}° wide does not fit on the sky; use at most {WIDEST_TANGENT_DEG:g}°"
        )
    return degrees


def _no_reference(_: _Reader, what: bool) -> Example:
    raise UsageError(f"a reference is a name, a place, a tile, a region or a picture, not {what}")


def _from_moc(reader: _Reader, moc: MOC) -> Example:
    if moc.empty():
        raise SkyError("the reference is an empty coverage map, which holds no sky; give one that does")
    return reader.region(MocArea(moc), "a coverage map")


def _from_region(reader: _Reader, shape: Any) -> Example:
    return reader.region(MocArea(moc_of_regions(getattr(shape, "regions", [shape]))), "a sky region")


#: How each kind of reference is read; whatever else is a place.
_BY_TYPE: tuple[tuple[type | tuple[type, ...], Callable[[_Reader, Any], Example]], ...] = (
    (str, _Reader.text),
    (Path, _Reader.file),
    (bool, _no_reference),
    ((int, np.integer), lambda reader, number: reader.tile(int(number))),
    (Elsewhere, _Reader.elsewhere),
    (Example, lambda _, example: example),
    (Picture, lambda reader, picture: reader.picture(picture, "in memory")),
    (MOC, _from_moc),
    ((Region, Regions), _from_region),
    (Footprint, lambda _, where: Example(f"l={where.lon_deg:.2f} b={where.lat_deg:+.2f}", where)),
)

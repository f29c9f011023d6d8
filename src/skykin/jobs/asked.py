"""What an index is asked about: names, places, regions, tiles, pictures and other indexes, read as styles."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from astropy.coordinates import SkyCoord
from mocpy import MOC

from skykin.catalogue.references import resolve_reference
from skykin.core.errors import DataQualityError, ResourceError, SkyError, UnknownNameError, UsageError, shown
from skykin.core.footprint import WIDEST_TANGENT_DEG, Footprint
from skykin.core.picture import Picture
from skykin.core.sphere import apart, directions, directions_of, reach_deg
from skykin.indexing.answers import Contains, Kind, Style
from skykin.indexing.sky_index import SkyIndex, open_index
from skykin.jobs.elsewhere import Elsewhere, Scale
from skykin.jobs.pictured import picture_signature, read_picture_reference
from skykin.jobs.squares import around, core_of, inside, solid_angle_deg2
from skykin.style.signature import Signature
from skykin.survey.picture.file import begins_as_picture
from skykin.survey.sky_mask import SkyMask, read_sky_mask

#: What may be given as a reference.
Reference: TypeAlias = (
    "str | Path | int | SkyCoord | tuple[float, float] | Footprint | MOC | Picture | Elsewhere"
)

#: Text that ends so is a file.
FILES = frozenset({
    ".reg", ".fits", ".fit", ".json", ".txt", ".moc", ".png", ".jpg", ".jpeg", ".tif", ".tiff",
})  # fmt: skip
FEW_CELLS = 3
#: Of so many cells, those that are cut by the border make no difference.
MANY_CELLS = 4096
#: Square degrees on the sphere.
SPHERE_DEG2 = 4 * math.pi * math.degrees(1) ** 2


@dataclass(frozen=True, eq=False)
class Asked:
    """One reference or counter-example, read.

    Parameters
    ----------
    name : str
    index : SkyIndex
        That is asked.
    footprint : Footprint or None
        Where it lies in the survey; None for a picture or another survey's place.
    contains : callable or None
        What of the sky belongs to it.
    signature : Signature or None
        As the index's meter would give it; None for a tile, which the index holds.
    tile : int or None
    picture : Picture or None
        What was given, if it was a picture.
    origin : Asked or None
        The same place in the other survey's index, if it came from one.
    facts : dict
        For provenance.
    """

    name: str
    index: SkyIndex
    footprint: Footprint | None = None
    contains: Contains | None = None
    signature: Signature | None = None
    tile: int | None = None
    picture: Picture | None = None
    origin: Asked | None = None
    facts: dict[str, object] = field(default_factory=dict)

    def apart(self) -> np.ndarray:
        """Which tiles of the index share no sky with it: bool array (tiles,)."""
        tiles = self.index.tiles
        if self.footprint is None:
            return np.ones(len(tiles), dtype=bool)
        places = directions_of(tiles)
        if self.contains is not None and "region" in self.facts:
            return ~np.asarray(self.contains(tiles["lon"].value, tiles["lat"].value), dtype=bool)
        here = directions(np.array([self.footprint.lon_deg]), np.array([self.footprint.lat_deg]))
        between = (reach_deg(self.footprint.width_deg) + reach_deg(self.index.tile_deg)) / 2
        return np.asarray(apart(here, places, between)[0])

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Kinds of vectors that it can be brought to, the quickest first."""
        whole = self.signature is None or self.index.is_whole(self.signature)
        return tuple(kind for kind in self.index.kinds if whole or kind != "exact")

    def style(self, kind: Kind) -> Style:
        """Its style in the space of one kind of vector."""
        if self.tile is not None:
            return self.index.tile(self.tile, kind)
        assert self.signature is not None  # noqa: S101 - only a tile has none
        return self.index.project(self.signature, kind)


def read_asked(index: SkyIndex, what: Reference, scale: Scale | None = None) -> Asked:
    """Read one reference.

    Parameters
    ----------
    index : SkyIndex
        That is asked.
    what : str, Path, int, SkyCoord, tuple, Footprint, MOC, Picture or Elsewhere
        Text is, in this order: ``place@folder`` for a place in another index; a file (DS9 regions, MOC,
        PNG, JPEG or TIFF) by its ending; the name of a tile; a region's name or a position, as for
        `map_kin`.  A number is a tile's place in ``index.tiles``.
    scale : Scale, optional

    Raises
    ------
    SkykinError
        If it cannot be read, or lies where the index has no data.
    """
    scale = scale or Scale()
    for kind, read in _READERS:
        if isinstance(what, kind):
            return read(index, what, scale)
    return _from_place(index, what, scale)


def exactest(index: SkyIndex, asked: Iterable[Asked]) -> Kind:
    """Most exact kind of vector in which all of them can be compared."""
    return min([index.kinds, *(each.kinds for each in asked)], key=len)[-1]


def _from_text(index: SkyIndex, text: str, scale: Scale) -> Asked:
    place, at, folder = text.partition("@")
    if at:
        return _from_elsewhere(index, Elsewhere(folder, place), scale)
    if Path(text).suffix.lower() in FILES or text.startswith(("~", f".{os.sep}", os.sep)):
        return _from_file(index, Path(text).expanduser(), scale)
    names = np.asarray(index.tiles["name"], dtype=str)
    found = np.flatnonzero(names == text.strip())
    if len(found):
        return _from_number(index, int(found[0]))
    try:
        return _from_place(index, text, scale)
    except UnknownNameError:
        if Path(text).is_file():
            return _from_file(index, Path(text), scale)
        raise


def _from_number(index: SkyIndex, number: int) -> Asked:
    if not 0 <= number < len(index):
        raise UsageError(
            f"there is no tile {number}: the index holds {len(index)}, counted from 0; choose one of them"
        )
    name, where = str(index.tiles["name"][number]), index.footprints[number]
    return Asked(name, index, where, tile=number, facts={"tile": name, **_place_facts(where)})


def _from_place(index: SkyIndex, what: Any, scale: Scale) -> Asked:
    place = resolve_reference(what)
    width_deg = scale.width_deg or index.tile_deg
    if width_deg > WIDEST_TANGENT_DEG:
        raise UsageError(
            f"a reference {width_deg:g}° wide does not fit on the sky; use at most {WIDEST_TANGENT_DEG:g}°"
        )
    return _from_footprint(index, Footprint(place.lon_deg, place.lat_deg, width_deg), place.name)


def _from_footprint(index: SkyIndex, where: Footprint, name: str) -> Asked:
    contains = inside(where)
    signature, covered = _measured(index, contains, name, where, solid_angle_deg2(where))
    facts = {**_place_facts(where), "covered": covered}
    return Asked(name, index, where, contains, signature, facts=facts)


def _from_file(index: SkyIndex, path: Path, scale: Scale) -> Asked:
    try:
        with path.open("rb") as stream:
            first = stream.read(16)
    except OSError as error:
        raise ResourceError(
            f"the reference {shown(path.name)} cannot be opened: {error.strerror}; check the name and its "
            "permissions",
            code="IN-NOFILE",
        ) from error
    if begins_as_picture(first):
        return _from_picture(index, read_picture_reference(path), path.name, scale)
    return _from_mask(index, read_sky_mask(path), path.name)


def _from_mask(index: SkyIndex, mask: SkyMask, name: str) -> Asked:
    if not mask.share > 0:
        raise SkyError(f"the reference {shown(name)} holds no sky; give a region or map that does")
    extent = mask.extent()
    # A square as large as the part that is covered: what a map can outline.
    side = min(max(2 * extent.radius_deg, index.cell_deg), WIDEST_TANGENT_DEG)
    where = Footprint(extent.lon_deg, extent.lat_deg, side)
    signature, covered = _measured(index, mask.contains, name, where, mask.share * SPHERE_DEG2)
    facts = {"region": name, "sky_fraction": mask.share, "covered": covered}
    return Asked(name, index, where, mask.contains, signature, facts=facts)


def _from_picture(index: SkyIndex, picture: Picture, name: str, scale: Scale) -> Asked:
    if scale.pixel_deg is None:
        raise UsageError(
            f"the scale of the picture {shown(name)} is not known; give the side of its pixels on the sky in "
            "degrees (--pixel-scale)"
        )
    signature, seen = picture_signature(index, picture, name, scale.pixel_deg)
    _check_style(signature, name)
    return Asked(
        name, index, signature=signature, picture=seen,
        facts={"picture": name, "pixel_deg": scale.pixel_deg},
    )  # fmt: skip


def _from_elsewhere(index: SkyIndex, elsewhere: Elsewhere, scale: Scale) -> Asked:
    other = elsewhere.index if isinstance(elsewhere.index, SkyIndex) else open_index(elsewhere.index)
    # A square of the other survey's own tiles, unless a width is asked for.
    asked = read_asked(other, elsewhere.what, scale)
    if asked.signature is not None:
        signature = asked.signature
    else:
        assert asked.footprint is not None  # noqa: S101 - a tile lies somewhere
        signature = read_asked(other, asked.footprint).signature or Signature({})
    signature = index.translate(other, signature)
    return Asked(
        f"{asked.name} in {other.survey_title}", index, signature=signature, picture=asked.picture,
        origin=asked, facts={"survey": other.survey_title, **asked.facts},
    )  # fmt: skip


def _measured(
    index: SkyIndex, contains: Contains, name: str, where: Footprint, wanted_deg2: float
) -> tuple[Signature, float]:
    """Signature of a part of the sky in a square, and the share of it that is covered."""
    many = wanted_deg2 > MANY_CELLS * index.cell_deg**2
    region = index.region(contains, inside(core_of(where)), None if many else around(where))
    covered = min(region.area_deg2 / wanted_deg2, 1.0)
    # Of a few cells, how many are centred inside is chance.
    if covered < index.min_coverage and wanted_deg2 > FEW_CELLS * index.cell_deg**2:
        raise SkyError(
            f"the index covers {covered:.0%} of the reference {shown(name)}, less than "
            f"{index.min_coverage:.0%}; choose another place or a smaller part of the sky"
        )
    _check_style(region.signature, name)
    return region.signature, covered


def _check_style(signature: Signature, name: str) -> None:
    if not signature.finite or any(not np.any(vector) for vector in signature.values()):
        raise DataQualityError(
            f"the reference {shown(name)} has no style, because nothing in it is covered or it is the same "
            "everywhere; choose another",
            code="DQ-CONST",
        )


def _place_facts(where: Footprint) -> dict[str, object]:
    return {"lon_deg": where.lon_deg, "lat_deg": where.lat_deg, "width_deg": where.width_deg}


def _from_moc(index: SkyIndex, moc: MOC, _: Scale) -> Asked:
    return _from_mask(
        index, SkyMask(moc.to_depth29_ranges.astype(np.uint64).reshape(-1, 2)), "a coverage map"
    )


def _from_bool(_: SkyIndex, what: bool, __: Scale) -> Asked:
    raise UsageError(f"a reference is a name, a place, a tile, a region or a picture, not {what}")


#: How each kind of reference is read; whatever else is a place.
_READERS: tuple[tuple[type | tuple[type, ...], Callable[[SkyIndex, Any, Scale], Asked]], ...] = (
    (str, _from_text),
    (Path, _from_file),
    (bool, _from_bool),
    ((int, np.integer), lambda index, number, _: _from_number(index, int(number))),
    (Elsewhere, _from_elsewhere),
    (Picture, lambda index, picture, scale: _from_picture(index, picture, "in memory", scale)),
    (MOC, _from_moc),
    (Footprint, lambda index, where, _: _from_footprint(index, where, _named(where))),
)


def _named(where: Footprint) -> str:
    return f"l={where.lon_deg:.2f} b={where.lat_deg:+.2f}"

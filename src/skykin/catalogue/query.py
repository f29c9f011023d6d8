"""A query: references, their views, counter-examples, how similarities combine, and weights of layers."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any, Self

import numpy as np

from skykin.catalogue.references import PREFIX, together
from skykin.core.area import MocArea, read_area
from skykin.core.errors import shown
from skykin.core.footprint import Footprint, Projection
from skykin.core.picture import Picture
from skykin.core.shapes import Degrees, Numbers
from skykin.core.sphere import apart, directions, reach_deg
from skykin.core.views import Views
from skykin.style.recipe import Combine

#: Levels of an 8-bit picture: its colours are written as bytes.
WHITE = 255


@dataclass(frozen=True, eq=False, repr=False)
class Example:
    """One reference or counter-example: a place, a part of the sky, or a picture.

    Parameters
    ----------
    name : str
    footprint : Footprint or None
        Where it lies; None for a picture, and for a place in another survey.
    sized : bool
        Whether its size was given; otherwise it is as large as a tile.
    region : MocArea or None
        The part of the sky that is meant, if it is no rectangle; `footprint` then holds it.
    tile : str
        Name of the tile of an index that it is; empty if it is none.
    picture : Picture or None
    pixel_deg : float or None
        Side of the picture's pixels on the sky, degrees.
    within : str
        Folder of the index of another survey that it lies in; empty for the survey that is searched.
    other : Example or None
        The example in that survey.

    Examples
    --------
    >>> (example,) = skykin.read_query("orion").references
    >>> example.name, example.footprint.lon_deg, example.footprint.lat_deg
    ('Orion Molecular Cloud Complex', 209.0, -19.0)
    """

    name: str
    footprint: Footprint | None = None
    sized: bool = True
    region: MocArea | None = None
    tile: str = ""
    picture: Picture | None = None
    pixel_deg: float | None = None
    within: str = ""
    other: Example | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Example) and self.to_dict() == other.to_dict()

    def __repr__(self) -> str:
        where = self.footprint
        place = "" if where is None else f" at l={where.lon_deg:.2f}° b={where.lat_deg:+.2f}°"
        return f"<Example {shown(self.name)}{place}>"

    def __hash__(self) -> int:
        return hash((self.name, self.footprint))

    def contains(self, lon_deg: Degrees, lat_deg: Degrees) -> np.ndarray:
        """Tell which Galactic positions (degrees) belong to it; none where it is not on this sky."""
        if self.region is not None:
            return self.region.contains(lon_deg, lat_deg)
        if self.footprint is None:
            return np.zeros(np.shape(lon_deg), dtype=bool)
        return self.footprint.contains_deg(lon_deg, lat_deg)

    def overlapped(self, centres: Numbers, lon_deg: Degrees, lat_deg: Degrees, tile_deg: float) -> np.ndarray:
        """Tell which tiles overlap it.

        Parameters
        ----------
        centres : array (tiles, 3)
            Unit vectors towards the centres of the tiles.
        lon_deg, lat_deg : array (tiles,)
            The same centres, Galactic, degrees.
        tile_deg : float
            Side of a tile.

        Returns
        -------
        bool array (tiles,)
            Of a part of the sky that is no rectangle: whether the centre of the tile lies in it.
        """
        if self.region is not None:
            return self.region.contains(lon_deg, lat_deg)
        if self.footprint is None:
            return np.zeros(len(centres), dtype=bool)
        here = directions(np.array([self.footprint.lon_deg]), np.array([self.footprint.lat_deg]))
        between = (reach_deg(self.footprint.width_deg) + reach_deg(tile_deg)) / 2
        return np.asarray(~apart(here, centres, between)[0])

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; only what is set."""
        facts: dict[str, Any] = {"name": self.name}
        if self.footprint is not None:
            facts |= _footprint_facts(self.footprint)
        if not self.sized:
            facts["sized"] = False
        if self.region is not None:
            facts["region"] = self.region.to_dict()
        if self.tile:
            facts["tile"] = self.tile
        if self.picture is not None:
            facts["picture"] = _picture_facts(self.picture)
        if self.pixel_deg is not None:
            facts["pixel_deg"] = self.pixel_deg
        if self.other is not None:
            facts |= {"within": self.within, "other": self.other.to_dict()}
        return facts

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote."""
        picture, region, other = (facts.get(name) for name in ("picture", "region", "other"))
        return cls(
            str(facts["name"]),
            _footprint_of(facts) if "lon_deg" in facts else None,
            bool(facts.get("sized", True)),
            None if region is None else _region_of(region),
            str(facts.get("tile", "")),
            None if picture is None else _picture_of(picture),
            facts.get("pixel_deg"),
            str(facts.get("within", "")),
            None if other is None else Example.from_dict(other),
        )


@dataclass(frozen=True, repr=False)
class Query:
    """References and counter-examples, and how they are combined.

    Parameters
    ----------
    references : tuple of Example
        At least one.
    unlike : tuple of Example
        Counter-examples: the similarity to the nearest one is subtracted.
    combine : {"max", "mean"}
        How similarities to several references become one.
    weights : Mapping of str to float
        Weight of each layer; 1 where a layer is not named.
    chosen_by : str
        Name of the set that the references are; empty if they were named one by one.
    views : Views
        In which views references and counter-examples are looked at.

    Examples
    --------
    >>> query = skykin.read_query("orion")
    >>> skykin.Query.from_dict(query.to_dict()) == query
    True
    """

    references: tuple[Example, ...]
    unlike: tuple[Example, ...] = ()
    combine: Combine = "max"
    weights: Mapping[str, float] = field(default_factory=dict)
    chosen_by: str = ""
    views: Views = field(default_factory=Views)

    def __repr__(self) -> str:
        return f"<Query for {shown(self.name)}: {len(self.references)} references, {len(self.unlike)} unlike>"

    def _repr_html_(self) -> str:
        """Show references and counter-examples in a notebook."""
        parts = (("like", self.references), ("unlike", self.unlike))
        rows = "".join(
            f"<tr><td>{part}</td><td>{escape(each.name)}</td>{_html_place(each.footprint)}</tr>"
            for part, examples in parts
            for each in examples
        )
        heads = "<tr><th></th><th>name</th><th>l [deg]</th><th>b [deg]</th><th>width [deg]</th></tr>"
        return f"<table>{heads}{rows}</table>"

    @property
    def name(self) -> str:
        """The query in words."""
        names = together([each.name for each in self.references])
        told = f"{PREFIX}{self.chosen_by} ({names})" if self.chosen_by else names
        return told + "".join(f", unlike {each.name}" for each in self.unlike)

    @property
    def footprints(self) -> tuple[Footprint, ...]:
        """Where the references lie that lie in the survey."""
        return tuple(each.footprint for each in self.placed if each.footprint is not None)

    @property
    def placed(self) -> tuple[Example, ...]:
        """References that lie in the survey."""
        return tuple(each for each in self.references if each.footprint is not None)

    @cached_property
    def positions(self) -> Degrees:
        """Galactic longitude and latitude of the placed references, degrees, as an array (references, 2)."""
        return np.array([(each.lon_deg, each.lat_deg) for each in self.footprints]).reshape(-1, 2)

    def overlapped(self, lon_deg: Degrees, lat_deg: Degrees, tile_deg: float) -> np.ndarray:
        """Tell which tiles, by Galactic centre and side in degrees, overlap a reference: bool (tiles,)."""
        centres = directions(lon_deg, lat_deg)
        found = [each.overlapped(centres, lon_deg, lat_deg, tile_deg) for each in self.references]
        return np.asarray(np.any(found, axis=0))

    def for_tiles(self, tile_deg: float, projection: Projection = "TAN") -> Self:
        """Return the query with every reference of no size of its own as large as a tile."""
        return self._each(
            lambda each: (
                each
                if each.sized or each.footprint is None
                else replace(
                    each,
                    footprint=replace(
                        each.footprint, width_deg=tile_deg, height_deg=tile_deg, projection=projection
                    ),
                )
            )
        )

    def in_views(self, own: Views) -> Self:
        """Return the query with the views that it does not give as a recipe's `own`."""
        return replace(self, views=self.views.over(own))

    def rotated(self, angle_deg: float) -> Self:
        """Return the query with all places rotated in Galactic longitude."""
        return self._each(
            lambda each: (
                each
                if each.footprint is None
                else replace(
                    each, footprint=replace(each.footprint, lon_deg=each.footprint.lon_deg + angle_deg)
                )
            )
        )

    def told(self) -> dict[str, Any]:
        """Plain values for provenance: indexes of other surveys without their folders."""
        return self._each(lambda each: replace(each, within=Path(each.within).name)).to_dict()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; `name` is for readers."""
        facts: dict[str, Any] = {
            "name": self.name,
            "references": [each.to_dict() for each in self.references],
            "combine": self.combine,
        }
        if self.unlike:
            facts["unlike"] = [each.to_dict() for each in self.unlike]
        if self.weights:
            facts["weights"] = dict(self.weights)
        if self.chosen_by:
            facts["set"] = f"{PREFIX}{self.chosen_by}"
        if self.views.given:
            facts["views"] = self.views.to_dict()
        return facts

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote."""
        return cls(
            tuple(Example.from_dict(each) for each in facts["references"]),
            tuple(Example.from_dict(each) for each in facts.get("unlike", ())),
            facts.get("combine", "max"),
            dict(facts.get("weights", {})),
            str(facts.get("set", "")).removeprefix(PREFIX),
            Views.from_dict(facts.get("views", {})),
        )

    def _each(self, change: Any) -> Self:
        references, unlike = (
            tuple(change(each) for each in group) for group in (self.references, self.unlike)
        )
        return replace(self, references=references, unlike=unlike)


def _html_place(where: Footprint | None) -> str:
    numbers = () if where is None else (where.lon_deg, where.lat_deg, where.width_deg)
    return "".join(f"<td>{number:.4g}</td>" for number in numbers) or "<td></td>" * 3


def _footprint_facts(where: Footprint) -> dict[str, Any]:
    facts: dict[str, Any] = {"lon_deg": where.lon_deg, "lat_deg": where.lat_deg, "width_deg": where.width_deg}
    if where.height_deg != where.width_deg:
        facts["height_deg"] = where.height_deg
    if where.projection != "TAN":
        facts["projection"] = where.projection
    if where.turn_deg:
        facts["turn_deg"] = where.turn_deg
    return facts


def _footprint_of(facts: Mapping[str, Any]) -> Footprint:
    width_deg = float(facts["width_deg"])
    return Footprint(
        float(facts["lon_deg"]),
        float(facts["lat_deg"]),
        width_deg,
        float(facts.get("height_deg", width_deg)),
        facts.get("projection", "TAN"),
        float(facts.get("turn_deg", 0.0)),
    )


def _region_of(facts: Mapping[str, Any]) -> MocArea:
    area = read_area(facts)
    assert isinstance(area, MocArea)  # noqa: S101 - as it was written
    return area


def _picture_facts(picture: Picture) -> dict[str, Any]:
    """Pixels of a picture as compressed text: as bytes where these hold all that its colours say."""
    levels = np.round(picture.rgb * WHITE)
    whole = bool(np.array_equal((levels / WHITE).astype(np.float32), picture.rgb))
    rgb = levels.astype(np.uint8) if whole else picture.rgb.astype("<f4")
    return {
        "shape": list(picture.coverage.shape),
        "rgb": _packed(rgb),
        "bytes": whole,
        "coverage": _packed(picture.coverage.astype("<f4")),
    }


def _picture_of(facts: Mapping[str, Any]) -> Picture:
    rows, columns = facts["shape"]
    kind: Any = np.uint8 if facts["bytes"] else "<f4"
    rgb = np.frombuffer(_unpacked(facts["rgb"]), kind).reshape(rows, columns, 3)
    coverage = np.frombuffer(_unpacked(facts["coverage"]), "<f4").reshape(rows, columns)
    colours = rgb / WHITE if facts["bytes"] else rgb
    return Picture(colours.astype(np.float32), coverage.astype(np.float32))


def _packed(values: Numbers) -> str:
    return base64.b64encode(zlib.compress(np.ascontiguousarray(values).tobytes())).decode("ascii")


def _unpacked(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text))


def named_apart(examples: Sequence[Example]) -> tuple[Example, ...]:
    """Add a number to names, which have two decimals, where they are the same."""
    names = [each.name for each in examples]
    return tuple(
        each if names.count(each.name) == 1 else replace(each, name=f"{each.name} ({number})")
        for number, each in enumerate(examples, 1)
    )

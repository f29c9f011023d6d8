"""What the page may ask: references as shapes on the sky, how they are looked for, and what is a match."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, TypeAlias

from skykin.catalogue.references import LONGEST_REFERENCE, MOST_REFERENCES
from skykin.core.checked import Checked, Rule, above, check_names, from_to, one_of, text, whole, words
from skykin.core.criterion import MatchCriterion
from skykin.core.errors import UsageError, shown
from skykin.core.views import Over, Views
from skykin.style.recipe import Combine

MOST_VERTICES = 1_000
MOST_TARGETS = 500
LONGEST_NOTE = 2_000
LONGEST_NAME = 200

RA = Rule(from_to(-360, 360), "a right ascension (ICRS) in degrees, −360 to 360")
DEC = Rule(from_to(-90, 90), "a declination (ICRS) in degrees, −90 to 90")
SIDE = Rule(above(0, 90), "a side above 0° and at most 90°")


def _short(longest: int) -> Any:
    def read(value: Any) -> str:
        found = words(value)
        if len(found) > longest:
            raise UsageError(f"a text of {len(found)} characters was sent; use at most {longest}")
        return found

    return read


def _several(read: Any, most: int, what: str) -> Any:
    def read_all(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            raise TypeError
        if len(value) > most:
            raise UsageError(f"{len(value)} {what} were sent, but at most {most} can be used; send fewer")
        return tuple(read(each) for each in value)

    return read_all


@dataclass(frozen=True, kw_only=True)
class Place(Checked):
    """A name, "l,b", or right ascension and declination, as text."""

    kind: Literal["place"] = "place"
    text: str

    KIND: ClassVar[str] = "part of a place"
    RULES: ClassVar[Mapping[str, Rule]] = {
        "kind": Rule(one_of("place"), "place"),
        "text": Rule(_short(LONGEST_REFERENCE), "a name or a position"),
    }


@dataclass(frozen=True, kw_only=True)
class Point(Checked):
    """A position: the square about it is as large as a tile."""

    kind: Literal["point"] = "point"
    ra: float
    dec: float

    KIND: ClassVar[str] = "part of a point"
    RULES: ClassVar[Mapping[str, Rule]] = {
        "kind": Rule(one_of("point"), "point"), "ra": RA, "dec": DEC,
    }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Circle(Checked):
    """All that lies in a circle."""

    kind: Literal["circle"] = "circle"
    ra: float
    dec: float
    radius_deg: float

    KIND: ClassVar[str] = "part of a circle"
    RULES: ClassVar[Mapping[str, Rule]] = {
        "kind": Rule(one_of("circle"), "circle"), "ra": RA, "dec": DEC,
        "radius_deg": Rule(above(0, 45), "a radius above 0° and at most 45°"),
    }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Box(Checked):
    """A rectangle about a position, its upward side turned from north through east."""

    kind: Literal["box"] = "box"
    ra: float
    dec: float
    width_deg: float
    height_deg: float
    angle_deg: float = 0.0

    KIND: ClassVar[str] = "part of a box"
    RULES: ClassVar[Mapping[str, Rule]] = {
        "kind": Rule(one_of("box"), "box"), "ra": RA, "dec": DEC, "width_deg": SIDE, "height_deg": SIDE,
        "angle_deg": Rule(from_to(-360, 360), "an angle from north through east, −360° to 360°"),
    }  # fmt: skip


def _vertex(value: Any) -> tuple[float, float]:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError
    return float(RA.read(value[0])), float(DEC.read(value[1]))


def _vertices(value: Any) -> tuple[tuple[float, float], ...]:
    found: tuple[tuple[float, float], ...] = _several(_vertex, MOST_VERTICES, "vertices")(value)
    if len(set(found)) < 3:
        raise ValueError
    return found


@dataclass(frozen=True, kw_only=True)
class Polygon(Checked):
    """All that lies in a polygon whose sides are great circles; vertices are [ra, dec]."""

    kind: Literal["polygon"] = "polygon"
    vertices: tuple[tuple[float, float], ...]

    KIND: ClassVar[str] = "part of a polygon"
    RULES: ClassVar[Mapping[str, Rule]] = {
        "kind": Rule(one_of("polygon"), "polygon"),
        "vertices": Rule(_vertices, f"3 to {MOST_VERTICES} different pairs [ra, dec] in degrees"),
    }


Shape: TypeAlias = Place | Point | Circle | Box | Polygon
SHAPES: dict[str, type[Shape]] = {
    "place": Place, "point": Point, "circle": Circle, "box": Box, "polygon": Polygon,
}  # fmt: skip


def read_shape(value: Any) -> Shape:
    """Read a shape by its kind."""
    if isinstance(value, Place | Point | Circle | Box | Polygon):
        return value
    if not isinstance(value, Mapping):
        raise TypeError
    kind = value.get("kind")
    if not isinstance(kind, str) or kind not in SHAPES:
        raise UsageError(f"a shape has the kind {shown(kind)}; use one of {', '.join(SHAPES)}")
    return SHAPES[kind].from_dict(value)


#: What kinds of criterion a page may ask for, and the setting of a map that each is.
CRITERIA = {"top_fraction": "top_fraction", "q": "max_q", "score": "threshold"}


@dataclass(frozen=True, kw_only=True)
class Criterion(Checked):
    """What is a match: a fraction of the sky, a false discovery rate (q), or a similarity (score)."""

    kind: Literal["top_fraction", "q", "score"]
    value: float

    KIND: ClassVar[str] = "part of a criterion"
    RULES: ClassVar[Mapping[str, Rule]] = {
        "kind": Rule(one_of(*CRITERIA), "top_fraction, q or score"),
        "value": Rule(from_to(-1, 1), "a number from −1 to 1"),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self.of_map  # a fraction of 0 is refused, too

    @property
    def of_map(self) -> MatchCriterion:
        """The same for a map."""
        return MatchCriterion(**{CRITERIA[self.kind]: self.value})


def _criterion(value: Any) -> Criterion:
    return value if isinstance(value, Criterion) else Criterion.from_dict(value)


@dataclass(frozen=True, kw_only=True)
class Question(Checked):
    """A query of the page.

    Parameters
    ----------
    index : str
        Its id in the state.
    references, unlike : tuple of Shape
        What is looked for, and counter-examples.
    recipe : str, optional
        That of the index; another is refused.
    tile_size_deg : float, optional
        Side of the tiles; the nearest of the sizes that the index adds up.
    combine, turns, mirror, scales, views :
        As of `skykin.search`.
    criterion : Criterion, optional
        The recipe's own if left out.
    targets : int
        How many targets are listed at most.
    """

    index: str
    references: tuple[Shape, ...]
    unlike: tuple[Shape, ...] = ()
    recipe: str | None = None
    tile_size_deg: float | None = None
    combine: Combine | None = None
    turns: int | None = None
    mirror: bool | None = None
    scales: tuple[float, ...] | None = None
    views: Over | None = None
    criterion: Criterion | None = None
    targets: int = 50

    KIND: ClassVar[str] = "field"
    RULES: ClassVar[Mapping[str, Rule]] = {
        "index": Rule(_short(LONGEST_NAME), "the id of an index"),
        "references": Rule(_several(read_shape, MOST_REFERENCES, "references"), "a list of shapes"),
        "unlike": Rule(_several(read_shape, MOST_REFERENCES, "counter-examples"), "a list of shapes"),
        "recipe": Rule(_short(LONGEST_NAME), "the name of a recipe"),
        "tile_size_deg": Rule(above(0, 90), "an angle above 0° and at most 90°"),
        "combine": Rule(one_of("max", "mean"), "max or mean"),
        **{name: Views.RULES[name] for name in ("turns", "mirror", "scales", "views")},
        "criterion": Rule(_criterion, "an object with kind and value"),
        "targets": Rule(whole(1, MOST_TARGETS), f"a number from 1 to {MOST_TARGETS}"),
    }

    @property
    def scored(self) -> Question:
        """The same, as far as the scores depend on it."""
        return replace(self, criterion=None, targets=50)

    @property
    def id(self) -> str:
        """Name of the question: the same for the same question."""
        told = json.dumps(self.to_dict(), sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()[:24]


@dataclass(frozen=True, kw_only=True)
class Verdict(Checked):
    """What a person thinks of a target."""

    decision: Literal["keep", "reject"] | None = None
    note: str = ""

    KIND: ClassVar[str] = "part of a decision"
    RULES: ClassVar[Mapping[str, Rule]] = {
        "decision": Rule(one_of("keep", "reject"), "keep, reject or null"),
        "note": Rule(text, "text"),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.note) > LONGEST_NOTE:
            raise UsageError(f"the note has {len(self.note)} characters; use at most {LONGEST_NOTE}")


@dataclass(frozen=True, kw_only=True)
class Sending(Checked):
    """Which query's targets go to other programs by SAMP."""

    query: str

    KIND: ClassVar[str] = "field"
    RULES: ClassVar[Mapping[str, Rule]] = {"query": Rule(_short(LONGEST_NAME), "the id of a query")}


def body_of(kind: type[Any], value: Any) -> Any:
    """Read a body of one of these kinds.

    Raises
    ------
    UsageError
        Naming the field, its value and what it may be.
    """
    if not isinstance(value, Mapping):
        raise UsageError(f"the body is {shown(json.dumps(value)[:60])}; send a JSON object")
    check_names("field", value, list(kind.RULES))
    return kind.from_dict(value)

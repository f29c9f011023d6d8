"""What the server answers, as values; `skykin.viewing.schema` describes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

#: Right ascension and declination (ICRS), degrees.
Corner: TypeAlias = tuple[float, float]
SkyKind = Literal["whole", "field"]
Frame = Literal["galactic", "equatorial"]
Decision = Literal["keep", "reject"]


@dataclass(frozen=True, kw_only=True)
class Position:
    """A position (ICRS), degrees."""

    ra: float
    dec: float


@dataclass(frozen=True, kw_only=True)
class Named:
    """A place that a text means: ICRS and Galactic degrees."""

    name: str
    ra: float
    dec: float
    l: float  # noqa: E741 - the astronomers' name
    b: float


@dataclass(frozen=True, kw_only=True)
class ExampleText:
    """A reference to begin with."""

    text: str
    ra: float
    dec: float


@dataclass(frozen=True, kw_only=True)
class RecipeFacts:
    """How an index measures style, the sizes of tile that it answers for, and in how many views by itself."""

    name: str
    title: str
    tile_sizes_deg: tuple[float, ...]
    views: int
    default: bool


@dataclass(frozen=True, kw_only=True)
class IndexFacts:
    """An opened index."""

    id: str
    title: str
    sky: SkyKind
    frame: Frame
    centre: Position
    fov_deg: float
    tiles: int
    recipes: tuple[RecipeFacts, ...]
    background: str
    example: ExampleText


@dataclass(frozen=True, kw_only=True)
class BackgroundFacts:
    """A picture of the sky, as a HiPS."""

    id: str
    title: str
    credit: str
    url: str
    order: int
    format: str
    frame: Frame


@dataclass(frozen=True, kw_only=True)
class CatalogueFacts:
    """A list of objects."""

    id: str
    title: str
    count: int


@dataclass(frozen=True, kw_only=True)
class State:
    """What the server has."""

    version: str
    samp: bool
    indexes: tuple[IndexFacts, ...]
    backgrounds: tuple[BackgroundFacts, ...]
    catalogues: tuple[CatalogueFacts, ...]


@dataclass(frozen=True, kw_only=True)
class Heat:
    """Numbers on the sky, as a HiPS of FITS tiles."""

    url: str
    order: int
    min: float
    max: float
    threshold: float | None
    units: str


@dataclass(frozen=True, kw_only=True)
class Matches:
    """What is a match, and how much of the sky is."""

    kind: Literal["top_fraction", "q", "score"]
    value: float | None
    count: int
    sky_fraction: float
    words: str


@dataclass(frozen=True, kw_only=True)
class Outline:
    """A reference or counter-example where it lies; corners are empty for what lies nowhere."""

    name: str
    ra: float | None
    dec: float | None
    corners: tuple[Corner, ...]


@dataclass(frozen=True, kw_only=True)
class ViewFacts:
    """One way in which the reference is looked at."""

    angle_deg: float
    scale: float
    mirrored: bool
    thumbnail: str


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is catalogued at a place."""

    name: str
    kind: str
    separation_deg: float


@dataclass(frozen=True, kw_only=True)
class Target:
    """A place to look at."""

    name: str
    ra: float
    dec: float
    l: float  # noqa: E741 - the astronomers' name
    b: float
    constellation: str
    size_deg: float
    score: float
    p: float | None
    q: float | None
    view_angle_deg: float | None
    view_scale: float | None
    known: tuple[Known, ...]
    corners: tuple[Corner, ...]
    thumbnail: str
    decision: Decision | None
    note: str


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a query finds."""

    query: str
    seconds: float
    summary: tuple[str, ...]
    heat: Heat
    heat_q: Heat | None
    criterion: Matches
    references: tuple[Outline, ...]
    unlike: tuple[Outline, ...]
    views: tuple[ViewFacts, ...]
    targets: tuple[Target, ...]


@dataclass(frozen=True, kw_only=True)
class LayerPart:
    """What a layer of the network adds to a score."""

    layer: str
    cosine: float
    usual: float
    share: float


@dataclass(frozen=True, kw_only=True)
class SizePart:
    """Score at a place by size of tile, and the mean of all tiles of that size."""

    size_deg: float
    score: float | None
    usual: float | None


@dataclass(frozen=True, kw_only=True)
class RankPart:
    """Rank of a tile under a recipe."""

    recipe: str
    rank: int
    of: int
    score: float
    sampled: bool


@dataclass(frozen=True, kw_only=True)
class TilePart:
    """A tile of an explanation."""

    name: str
    ra: float
    dec: float
    score: float
    rank: int
    match: bool
    mean_intensity: float
    corners: tuple[Corner, ...]


@dataclass(frozen=True, kw_only=True)
class Why:
    """Why a tile is similar to the reference."""

    reference: str
    view: str
    tile: TilePart
    counter: TilePart | None
    unit: str
    sentences: tuple[str, ...]
    layers: tuple[LayerPart, ...]
    sizes: tuple[SizePart, ...]
    ranks: tuple[RankPart, ...]
    where: str
    figure: str


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """A decision as it was stored."""

    name: str
    decision: Decision | None
    note: str


@dataclass(frozen=True, kw_only=True)
class CatalogueRow:
    """A catalogued object; its size is null where unknown."""

    name: str
    kind: str
    ra: float
    dec: float
    size_deg: float | None


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """A list of objects."""

    rows: tuple[CatalogueRow, ...]


@dataclass(frozen=True, kw_only=True)
class Sent:
    """Which programs were told by SAMP."""

    programs: tuple[str, ...]

"""The tiles of a survey with their scores, and what they were compared with, as every product shows them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import QTable

from skykin.catalogue.query import Example, Query
from skykin.catalogue.regions import known_regions
from skykin.catalogue.target_choice import DEFAULT_CHOICE, TargetChoice
from skykin.core.criterion import ScoreCut
from skykin.core.errors import UsageError
from skykin.core.extent import ALL_SKY, Extent
from skykin.core.footprint import Footprint
from skykin.core.picture import Picture
from skykin.core.protocols import ColouredSky
from skykin.core.provenance import Provenance
from skykin.core.shapes import Degrees, Numbers
from skykin.core.sphere import directions_of, non_overlapping
from skykin.evaluation.recovery import ScoredTiles, recovery
from skykin.products.result import coordinates_of, numbers
from skykin.products.summary import MapSummary
from skykin.significance.tile_scores import TileScores

#: Longer names of several references do not fit into titles of figures.
LONGEST_NAME = 36
#: The survey whose velocities do not reach all regions.
LIMITED = "wham"
#: A place farther from every centre than so many spacings lies outside the grid.
FARTHEST_TILE = 1.1
#: Pictures of tiles that the figures show, of the best and of the least similar.
GALLERY_TILES = 8
TILE_COLUMNS = (
    "rank", "name", "lon", "lat", "ra", "dec", "width", "height", "score", "match", "standardised", "p", "q",
    "coverage", "brightness", "mean_intensity", "area",
)  # fmt: skip


class MapSource(Protocol):
    """What is opened only when it is looked at: the survey for pictures, and the network for the summary."""

    @property
    def sky(self) -> ColouredSky:
        """The survey rendered."""

    def picture(self, footprint: Footprint) -> Picture:
        """Picture of a tile."""

    def reference_picture(self, example: Example) -> Picture:
        """Picture of a reference."""

    def summary(self, found: MappedTiles) -> MapSummary:
        """Tell what the map found, beside what far simpler rankings find."""


@dataclass(frozen=True)
class SurveyFacts:
    """What a map says of its survey.

    Parameters
    ----------
    title : str
    bands : tuple of three str
        What is shown as red, green and blue, in words.
    extent : Extent
        Cap of the sky that holds the survey; figures of a small one show no more.

    Examples
    --------
    >>> found.survey.title, found.survey.bands
    ('Survey of blobs', ('red blobs', 'green blobs', 'blue blobs'))
    """

    title: str
    bands: tuple[str, str, str]
    extent: Extent = ALL_SKY


@dataclass(frozen=True, eq=False, repr=False)
class Gallery:
    """The pictures that the figures show.

    Parameters
    ----------
    references : tuple of Picture
        What was looked for, at least one.
    best, opposite : tuple of Picture
        The most similar tiles, best first, and the least similar ones, the least similar first.
    """

    references: tuple[Picture, ...]
    best: tuple[Picture, ...]
    opposite: tuple[Picture, ...]


@dataclass(frozen=True, eq=False, repr=False)
class MappedTiles:
    """What a `SkyMap` holds, and what follows from it without a file or a picture drawn.

    Parameters
    ----------
    scored, query, cut, survey, provenance, n_independent, surrogates, noise, source, choice :
        As of `SkyMap`.
    """

    scored: TileScores
    query: Query
    cut: ScoreCut
    survey: SurveyFacts
    provenance: Provenance
    n_independent: float
    surrogates: Mapping[str, float] | None
    noise: Mapping[str, float] | None
    source: MapSource
    choice: TargetChoice = DEFAULT_CHOICE

    def __post_init__(self) -> None:
        wanted = (*TILE_COLUMNS, *(f"cosine_{layer}" for layer in self.layers))
        missing = [name for name in wanted if name not in self.tiles.colnames]
        if missing:
            raise ValueError(f"the table of tiles lacks the columns {', '.join(missing)}")
        if len(self.tiles) != len(self.footprints):
            raise ValueError(f"{len(self.tiles)} rows of tiles do not fit {len(self.footprints)} footprints")

    @property
    def tiles(self) -> QTable:
        """One row per scored tile, in the order of the grid; columns as `SkyMap` and `TileScores` say."""
        return self.scored.tiles

    @property
    def footprints(self) -> tuple[Footprint, ...]:
        """Where the tiles lie, in the order of the rows."""
        return self.scored.footprints

    @property
    def n_tiles(self) -> int:
        """How many tiles were scored."""
        return len(self.tiles)

    @property
    def layers(self) -> tuple[str, ...]:
        """Layers of the network, the shallowest first."""
        return self.scored.layers

    @property
    def tile_nside(self) -> int | None:
        """NSIDE of the HEALPix grid whose pixel centres are the tile centres; None for any other grid."""
        return self.scored.nside

    @property
    def coordinates(self) -> SkyCoord:
        """Centres of the tiles, as a Galactic `~astropy.coordinates.SkyCoord`."""
        return coordinates_of(self.tiles)

    @property
    def lon_deg(self) -> Degrees:
        """Galactic longitude of each tile's centre, degrees."""
        return self.scored.lon_deg

    @property
    def lat_deg(self) -> Degrees:
        """Galactic latitude of each tile's centre, degrees."""
        return self.scored.lat_deg

    @property
    def scores(self) -> Numbers:
        """Score of each tile; NaN where it has none."""
        return numbers(self.tiles["score"])

    @property
    def matching(self) -> tuple[Footprint, ...]:
        """Footprints of the tiles that match, the best first."""
        order = np.argsort(numbers(self.tiles["rank"]))
        matches = np.asarray(self.tiles["match"], dtype=bool)
        return tuple(self.footprints[i] for i in order if matches[i])

    @property
    def references(self) -> tuple[Footprint, ...]:
        """Where the references lie that lie in the survey."""
        return self.query.footprints

    @property
    def reference(self) -> Footprint | None:
        """Where the first reference lies; None for a picture, or for a place in another survey."""
        return self.query.references[0].footprint

    @property
    def short_name(self) -> str:
        """What was looked for, short enough for a title."""
        name = self.query.name
        if len(self.query.references) < 2 or len(name) <= LONGEST_NAME:
            return name
        return str(self.query.to_dict().get("set", f"{len(self.query.references)} references"))

    @cached_property
    def overlapping(self) -> np.ndarray:
        """Which tiles overlap a reference: bool array (tiles,)."""
        return self.query.overlapped(self.lon_deg, self.lat_deg, self.scored.tile_deg)

    @property
    def n_matches(self) -> int:
        """How many tiles match."""
        return int(np.sum(self.tiles["match"]))

    @property
    def n_overlapping_matches(self) -> int:
        """How many of the matches overlap a reference."""
        return int(np.sum(self.overlapping & np.asarray(self.tiles["match"], dtype=bool)))

    def best(self, k: int = 10) -> QTable:
        """Return the `k` best tiles that overlap neither a better one nor a reference.

        Raises
        ------
        UsageError
            If the map has fewer tiles.
        """
        if not 1 <= k <= len(self.tiles):
            raise UsageError(
                f"{k} tiles were requested, but there are {len(self.tiles)}; request 1 to {len(self.tiles)}"
            )
        order = np.argsort(numbers(self.tiles["rank"]))
        order = order[np.isfinite(self.scores[order]) & ~self.overlapping[order]]
        chosen = non_overlapping(directions_of(self.tiles[order]), self.scored.tile_deg, k)
        return self.tiles[order[chosen]]

    @property
    def sky(self) -> ColouredSky:
        """The survey rendered."""
        return self.source.sky

    @cached_property
    def pictures(self) -> Gallery:
        """The best tiles, matches or not, and the least similar.

        None of them overlaps a reference, or another of the same kind.
        """
        order = np.argsort(numbers(self.tiles["rank"]))
        order = order[np.isfinite(self.scores[order]) & ~self.overlapping[order]]
        # Among few tiles, those of the lower half are not the most similar.
        half = math.ceil(len(order) / 2)
        best, opposite = self._apart(order[:half]), self._apart(order[half:][::-1])
        references = tuple(self.source.reference_picture(each) for each in self.query.references)
        return Gallery(
            references,
            tuple(self.source.picture(self.footprints[i]) for i in best),
            tuple(self.source.picture(self.footprints[i]) for i in opposite),
        )

    def _apart(self, rows: Numbers) -> list[int]:
        """Take the first rows whose tiles do not overlap each other."""
        chosen = non_overlapping(directions_of(self.tiles[rows]), self.scored.tile_deg, GALLERY_TILES)
        return [int(row) for row in rows[chosen]]

    @cached_property
    def regions(self) -> QTable:
        """Well-known regions: the score of the tile on each, and whether it is recovered."""
        scored = ScoredTiles(
            self.lon_deg, self.lat_deg, self.scores, numbers(self.tiles["mean_intensity"]), self.tiles["area"]
        )
        farthest_deg = FARTHEST_TILE * self.scored.spacing_deg
        limited = self.provenance.survey.get("name") == LIMITED
        return recovery(
            scored,
            self.references,
            match=self.tiles["match"],
            farthest_deg=farthest_deg,
            mask=None if limited else np.ones(int(known_regions()["annotate"].sum()), dtype=bool),
        )

    @cached_property
    def summary(self) -> MapSummary:
        """How much the map found, beside what far simpler rankings find."""
        return self.source.summary(self)

    def score_of(self, footprint: Footprint) -> float:
        """Score of the tile that lies exactly there.

        Raises
        ------
        KeyError
            If no tile does.
        """
        return float(self.scores[self.row_of(footprint)])

    def row_of(self, footprint: Footprint) -> int:
        """Row of the tile that lies exactly there.

        Raises
        ------
        KeyError
            If no tile does.
        """
        return self._row_of[footprint]

    @cached_property
    def _row_of(self) -> dict[Footprint, int]:
        """Row of each tile by where it lies."""
        return {footprint: row for row, footprint in enumerate(self.footprints)}

"""What a finished map is made of, as one value that every product is written from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.table import QTable

from skykin.core.criterion import ScoreCut
from skykin.core.extent import ALL_SKY, Extent
from skykin.core.footprint import Footprint
from skykin.core.picture import Picture
from skykin.core.provenance import Provenance
from skykin.core.shapes import Degrees, Numbers

if TYPE_CHECKING:
    from mocpy import MOC

    from skykin.core.protocols import ColouredSky
    from skykin.products.score_map import ScoreMap

#: Longer names of several references do not fit into titles of figures.
LONGEST_NAME = 36
TILE_COLUMNS = (
    "rank", "name", "lon", "lat", "width", "height", "score", "match", "standardised", "p", "q",
    "coverage", "brightness", "mean_intensity", "area",
)  # fmt: skip
REGION_COLUMNS = (
    "name",
    "lon_deg",
    "lat_deg",
    "diameter_deg",
    "score",
    "recovered",
    "counted",
    "why_not_counted",
)


@dataclass(frozen=True, eq=False)
class Gallery:
    """The pictures that the figures show.

    Parameters
    ----------
    references : tuple of Picture
        What was looked for, at least one.
    best, opposite : tuple of Picture
        The best matches, best first, and the least alike tiles, least alike first.
    """

    references: tuple[Picture, ...]
    best: tuple[Picture, ...]
    opposite: tuple[Picture, ...]


@dataclass(frozen=True, eq=False)
class KinMap:
    """The kin of one reference on the whole sky.

    Parameters
    ----------
    tiles : QTable
        One row per scored tile, in the order of the grid: ``rank`` (1 = best), ``name``, ``lon``, ``lat``,
        ``width``, ``height`` (deg), ``score``, ``match``, ``standardised``, ``p``, ``q``,
        ``coverage`` (0 to 1), ``brightness`` (0 to 1),
        ``mean_intensity`` (the survey's unit), ``area`` (share of the sky that the tile stands for) and
        ``cosine_<layer>`` for every layer.  Further columns are written along.  A tile without a score
        has NaN and comes last in rank.
    footprints : tuple of Footprint
        Where the tiles lie, in the order of the rows.
    tile_nside : int or None
        NSIDE of the HEALPix grid whose pixel centres are the tile centres; None for any other grid.
    reference : Footprint or None
        Where the reference lies; None if it is a picture, or of another survey.
    reference_name : str
    line : ScoreCut
        Where the line between match and no match is drawn.
    layers : tuple of str
        Layers of the network, the shallowest first.
    survey_title, bands :
        Full name of the survey; what is shown as red, green and blue, in words.
    sky : ColouredSky
        The survey rendered.
    pictures : Gallery
        The footprints of `best` and `opposite` are among `footprints`.
    regions : QTable
        Well-known regions: ``name``, ``lon_deg``, ``lat_deg``, ``diameter_deg``, ``score`` (of the tile on
        it), ``recovered`` and ``counted`` (bool), ``why_not_counted``.  Columns ``<ranking>_sky_share``
        (how much of the sky ranks at least as high as the region) are shown in the report where present.
    summary : dict
        JSON-ready; its keys are described in `skykin.products.summary`.
    provenance : Provenance
    extent : Extent
        Cap of the sky that the survey saw; figures of a small one show no more.
    more_references : tuple of Footprint
        Where further references lie.

    Raises
    ------
    ValueError
        If the parts do not belong together; this is a mistake of the program, not of its user.
    """

    tiles: QTable
    footprints: tuple[Footprint, ...]
    tile_nside: int | None
    reference: Footprint | None
    reference_name: str
    line: ScoreCut
    layers: tuple[str, ...]
    survey_title: str
    bands: tuple[str, str, str]
    sky: ColouredSky
    pictures: Gallery
    regions: QTable
    summary: Mapping[str, object]
    provenance: Provenance
    extent: Extent = ALL_SKY
    more_references: tuple[Footprint, ...] = ()

    def __post_init__(self) -> None:
        wanted = (*TILE_COLUMNS, *(f"cosine_{layer}" for layer in self.layers))
        for table, columns, what in (
            (self.tiles, wanted, "tiles"),
            (self.regions, REGION_COLUMNS, "regions"),
        ):
            missing = [name for name in columns if name not in table.colnames]
            if missing:
                raise ValueError(f"the table of {what} lacks the columns {', '.join(missing)}")
        if len(self.tiles) != len(self.footprints):
            raise ValueError(f"{len(self.tiles)} rows of tiles do not fit {len(self.footprints)} footprints")
        pictured = {picture.footprint for picture in (*self.pictures.best, *self.pictures.opposite)}
        strangers = pictured - set(self.footprints)
        if strangers:
            raise ValueError(f"{len(strangers)} pictures of the gallery are of no tile of the map")

    @property
    def lon_deg(self) -> Degrees:
        """Galactic longitude of each tile's centre, degrees."""
        return np.array([footprint.lon_deg for footprint in self.footprints])

    @property
    def lat_deg(self) -> Degrees:
        """Galactic latitude of each tile's centre, degrees."""
        return np.array([footprint.lat_deg for footprint in self.footprints])

    @property
    def references(self) -> tuple[Footprint, ...]:
        """Where all references lie that lie in the survey."""
        own = () if self.reference is None else (self.reference,)
        return (*own, *self.more_references)

    @property
    def reference_names(self) -> tuple[str, ...]:
        """What each of `references` is called."""
        told: Any = self.provenance.reference.get("references", [])
        names = tuple(str(each["name"]) for each in told if "lon_deg" in each)
        return names if len(names) == len(self.references) else (self.reference_name,) * len(self.references)

    @property
    def short_name(self) -> str:
        """What was looked for, short enough for a title."""
        if len(self.references) < 2 or len(self.reference_name) <= LONGEST_NAME:
            return self.reference_name
        return str(self.provenance.reference.get("set", f"{len(self.references)} references"))

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

    @cached_property
    def score_map(self) -> ScoreMap:
        """Scores, cosines and coverage as HEALPix maps."""
        from skykin.products.score_map import score_map  # noqa: PLC0415 - it needs this module

        return score_map(self)

    @cached_property
    def coverage_map(self) -> MOC:
        """Union of the matching tiles as multi-order coverage map."""
        from skykin.products.matches import coverage_map  # noqa: PLC0415 - it needs this module

        return coverage_map(self.matching)

    def _repr_html_(self) -> str:
        """Show the honest summary and the best tiles in a notebook."""
        # They need this module.
        from skykin.products.summary import summary_lines  # noqa: PLC0415
        from skykin.products.tile_table import ranked_tiles  # noqa: PLC0415

        told = "".join(f"<p>{escape(line)}</p>" for line in summary_lines(self.summary))
        head = f"<h3>The kin of {escape(self.reference_name)}</h3>"
        best = ranked_tiles(self)[:10]["rank", "name", "lon", "lat", "score", "mean_intensity", "coverage"]
        best.meta = {}
        return f"{head}{told}{best._repr_html_()}"

    def score_of(self, footprint: Footprint) -> float:
        """Score of the tile that lies exactly there.

        Raises
        ------
        KeyError
            If no tile does.
        """
        return float(self.scores[self._row_of[footprint]])

    @cached_property
    def _row_of(self) -> dict[Footprint, int]:
        """Row of each tile by where it lies."""
        return {footprint: row for row, footprint in enumerate(self.footprints)}


def numbers(column: object) -> Numbers:
    """Values of a table's column without unit or mask, as float64; NaN where masked."""
    values = getattr(column, "value", column)
    return np.asarray(np.ma.filled(np.ma.asarray(values, dtype=float), np.nan))

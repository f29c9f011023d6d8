"""A finished map: scored tiles, what they were compared with, and how significant the scores are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from astropy import units as u

from skykin.core.progress import SILENT
from skykin.core.protocols import Progress, Survey
from skykin.products.map_folder import read_map
from skykin.products.mapped import MappedTiles
from skykin.products.result import SHOWN_TILES, Result, TextTable, shortened, text_table
from skykin.products.score_map import ScoreMap, score_map
from skykin.products.summary import summary_lines
from skykin.products.targets import Targets

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from mocpy import MOC

#: Columns that a notebook shows.
SHOWN_COLUMNS = (
    "rank", "name", "lon", "lat", "ra", "dec", "score", "match", "p", "q", "coverage", "mean_intensity",
)  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class SkyMap(MappedTiles, Result):
    """Every tile of a survey, scored by its similarity to a query.

    Parameters
    ----------
    scored : TileScores
        With the further columns ``rank`` (1 = best), ``match``, ``standardised``, ``p`` and ``q``, and where
        they were requested ``csls``, ``p_surrogate``, ``score_low`` and ``score_high``.  A tile without a
        score has NaN and comes last in rank.
    query : Query
    cut : ScoreCut
        The cut that separates matches from other tiles.
    survey : SurveyFacts
    provenance : Provenance
    n_independent : float
        Number of independent tiles that the tiles away from the references are equivalent to.
    surrogates, noise : Mapping or None
        What the further tests of the most unusual tiles found, if they were requested.
    source : MapSource
        Opened when a picture or the summary is looked at.
    choice : TargetChoice
        Which targets the products list.

    Raises
    ------
    ValueError
        If the parts do not belong together; this is a mistake of the program, not of its user.

    Examples
    --------
    >>> found
    <SkyMap of Survey of blobs: 63 tiles of 10° by similarity to l=209.00 b=-19.00, 7 match (...)>
    >>> print(found.best(1)["name"][0])  # of those that do not overlap the reference
    G205.13-05.11
    >>> found.coverage_map.sky_fraction > 0
    True
    """

    shows: ClassVar[str] = "Map of the score of every tile on the sky"

    def __repr__(self) -> str:
        return (
            f"<SkyMap of {shortened(self.survey.title)}: {len(self.tiles)} tiles of "
            f"{self.scored.tile_deg:.3g}° by similarity to {shortened(self.query.name)}, "
            f"{self.n_matches} match ({self.cut.words})>"
        )

    @cached_property
    def score_map(self) -> ScoreMap:
        """Scores, cosines and coverage as HEALPix maps."""
        return score_map(self)

    @cached_property
    def coverage_map(self) -> MOC:
        """Union of the matching tiles as multi-order coverage map."""
        from skykin.products.matches import coverage_map  # noqa: PLC0415 - loads the libraries of regions

        return coverage_map(self.matching)

    def targets(
        self,
        n: int | None = None,
        *,
        min_separation: float | u.Quantity | None = None,
        site: str | None = None,
        night: str | date | None = None,
    ) -> Targets:
        """List places to look at: the best of each group of overlapping matches, the references excluded.

        Parameters
        ----------
        n, min_separation, site, night :
            As ``targets`` and the others of `TargetChoice`; as the map was made if left out.

        Examples
        --------
        >>> found.targets(20, site="Paranal", night="2026-01-15").table  # doctest: +SKIP
        """
        given = {"targets": n, "min_separation": min_separation, "site": site, "night": night}
        changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        return Targets.of(self, replace(self.choice, **changes))

    def view(self, *, frame_ancestors: str | None = None) -> Any:
        """Show a search in its index's page: in a notebook as the value of a cell; needs the extra ``view``.

        Parameters
        ----------
        frame_ancestors : str, optional
            Which pages may hold the page in a frame; those of this computer if left out.

        Returns
        -------
        View
            Its ``url`` is the address of the page, and ``close()`` ends it.

        Raises
        ------
        UsageError
            If the map was made without an index.
        """
        # What shows itself in the browser lies above the products, and is loaded for nothing else.
        show = import_module("skykin.viewing.notebook").show
        return show(self) if frame_ancestors is None else show(self, frame_ancestors=frame_ancestors)

    def write(self, output: str | Path, *, overwrite: bool = False, progress: Progress = SILENT) -> None:
        """Write all products into a folder.

        Parameters
        ----------
        output : path
            Folder to come; it appears only when all products are complete.
        overwrite : bool
            Whether a folder that Skykin made before may be replaced.
        progress : Progress
        """
        from skykin.products.write import write_products  # noqa: PLC0415 - loads matplotlib

        write_products(self, Path(output), overwrite=overwrite, progress=progress)

    @classmethod
    def read(cls, folder: str | Path, *, survey: Survey | None = None) -> Self:
        """Read what `write` wrote; the tiles are in the order of their rank.

        Parameters
        ----------
        folder : path
        survey : Survey, optional
            An open one, for pictures; otherwise it is opened when a picture is requested, as the provenance
            names it.

        Raises
        ------
        InputRefusedError
            If the folder holds no map.
        CorruptFileError
            If one of its files cannot be read.
        """
        return cls(**read_map(Path(folder), survey))

    @property
    def heading(self) -> str:
        """What it is, in a few words."""
        return f"Similarity to {self.short_name} in {self.survey.title}"

    def sentences(self) -> list[str]:
        """Tell the summary in words."""
        return summary_lines(self.summary)

    def plot(self) -> Figure:
        """Draw the scores on the sky, with the references and the well-known regions."""
        # Matplotlib is loaded for a picture only.
        from skykin.products.figures.canvas import house_style  # noqa: PLC0415
        from skykin.products.figures.heat_map import heat_map_figure  # noqa: PLC0415

        with house_style():
            return heat_map_figure(self)

    @property
    def text_tables(self) -> list[TextTable]:
        """The best targets, or the ten best tiles that overlap neither a better one nor a reference."""
        if tables := self.targets().text_tables:
            return tables
        best = self.best(min(SHOWN_TILES, len(self.tiles)))
        return [text_table("Best non-overlapping tiles", best, SHOWN_COLUMNS)]

"""The scores of an index on the sky alone: what is left of a search of more tiles than memory holds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import QTable

from skykin.catalogue.query import Query
from skykin.core.footprint import Footprint
from skykin.core.plain import json_text
from skykin.core.progress import SILENT
from skykin.core.protocols import Progress
from skykin.core.provenance import Provenance
from skykin.products.folder import output_folder
from skykin.products.mapped import SurveyFacts
from skykin.products.multi_order_map import MultiOrderMap, write_cells
from skykin.products.result import Result, TextTable, coordinates_of, shortened, text_table
from skykin.products.score_map import ScoreMap, write_pixels
from skykin.products.stamp import creator
from skykin.products.tile_table import COLUMNS, described
from skykin.products.wording import number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAP, CELLS, BEST = "score.fits", "score.multiorder.fits", "best.ecsv"
SUMMARY, FIGURE = "summary.json", "heat-map"
#: Columns of the best tiles that a notebook shows.
SHOWN_COLUMNS = ("rank", "name", "lon", "lat", "ra", "dec", "score")


@dataclass(frozen=True, eq=False, repr=False)
class HeatMap(Result):
    """The similarity of all tiles of an index to a query, on the sky; without their significance.

    Parameters
    ----------
    score_map : ScoreMap
        ``SCORE``, ``COSINE_<LAYER>`` and ``COVERAGE``, as `SkyMap.score_map` has them.
    multi_order : MultiOrderMap
        The same as HEALPix cells of many orders.
    best : QTable
        The most similar tiles, as `nearest_tiles` gives them.
    query : Query
    survey : SurveyFacts
    provenance : Provenance
    n_tiles : int
        Tiles of the index.
    n_constant : int
        How many of them have no score, because their pictures are the same everywhere.

    Examples
    --------
    >>> skykin.heat_map(made, "209,-19", k=2)
    <HeatMap of Survey of blobs: 63 tiles by similarity to l=209.00 b=-19.00, NSIDE 32>
    """

    shows: ClassVar[str] = "Map of the score of every tile on the sky"

    score_map: ScoreMap
    multi_order: MultiOrderMap
    best: QTable
    query: Query
    survey: SurveyFacts
    provenance: Provenance
    n_tiles: int
    n_constant: int

    #: No matches are chosen.
    cut = None

    def __repr__(self) -> str:
        return (
            f"<HeatMap of {shortened(self.survey.title)}: {self.n_tiles} tiles by similarity to "
            f"{shortened(self.query.name)}, NSIDE {self.score_map.nside}>"
        )

    @property
    def reference(self) -> Footprint | None:
        """Where the first reference lies; None for a picture, or for a place in another survey."""
        return self.query.references[0].footprint

    @property
    def coordinates(self) -> SkyCoord:
        """Centres of the best tiles, as a Galactic `~astropy.coordinates.SkyCoord`."""
        return coordinates_of(self.best)

    @property
    def heading(self) -> str:
        """What it is, in a few words."""
        return f"Similarity to {self.query.name} in {self.survey.title}"

    def sentences(self) -> list[str]:
        """Say which tile is the most similar, and what is not known."""
        found = [f"{self.n_tiles:,} tiles were scored by their similarity to {self.query.name}."]
        if len(self.best):
            first = self.best[0]
            found.append(
                f"The most similar that does not overlap a reference is {first['name']}, with a score of "
                f"{number(float(first['score']), '.3f')}."
            )
        if self.n_constant:
            found.append(f"{self.n_constant:,} have no score: their pictures are the same everywhere.")
        return [*found, "p-values, matches and targets need all tiles at once: `skykin search` gives them."]

    @property
    def text_tables(self) -> list[TextTable]:
        """The most similar tiles."""
        return [text_table("Best non-overlapping tiles", self.best, SHOWN_COLUMNS)]

    def plot(self) -> Figure:
        """Draw the scores on the sky."""
        # Matplotlib is loaded for a picture only.
        from skykin.products.figures.canvas import house_style  # noqa: PLC0415
        from skykin.products.figures.scores_alone import scores_alone_figure  # noqa: PLC0415

        with house_style():
            return scores_alone_figure(self.score_map, self.query, self.survey.extent, self.heading)

    def write(self, folder: str | Path, *, overwrite: bool = False, progress: Progress = SILENT) -> None:
        """Write ``score.fits``, ``score.multiorder.fits``, ``best.ecsv``, ``summary.json`` and the figure.

        Parameters
        ----------
        folder : path
            Folder to come; it appears whole or not at all.
        overwrite : bool
            Whether a folder that Skykin made before may be replaced.
        progress : Progress
        """
        from skykin.products.figures.canvas import house_style, save_figure  # noqa: PLC0415 - see plot

        with (
            progress.stage("Writing products", 3, "products") as counter,
            output_folder(Path(folder), overwrite=overwrite) as temporary,
        ):
            write_pixels(self.score_map, self, temporary / MAP)
            counter.advance()
            write_cells(self.multi_order, self, temporary / CELLS)
            counter.advance()
            _described(self).write(temporary / BEST, format="ascii.ecsv", overwrite=True)
            _write_summary(self, temporary / SUMMARY)
            caption = f"Score of the nearest tile against {self.query.name}; dashed: the references."
            with house_style():
                save_figure(self.plot(), self, temporary, name=FIGURE, title=self.heading, caption=caption)
            counter.advance()


def _described(result: HeatMap) -> QTable:
    """Best tiles with descriptions, UCDs and the stamp."""
    texts = COLUMNS | {
        name: (
            f"Cosine of style to the reference in layer {name.removeprefix('cosine_')}",
            "stat.correlation",
        )
        for name in result.best.colnames
        if name.startswith("cosine_")
    }
    return described(result.best.copy(), texts, result.provenance, reference=result.query.name)


def _write_summary(result: HeatMap, path: Path) -> None:
    facts = result.provenance.to_dict()
    scores = np.asarray(result.score_map.columns["SCORE"])
    document = {
        "survey": result.survey.title,
        "reference": result.query.name,
        "n_tiles": result.n_tiles,
        "n_constant": result.n_constant,
        "nside": result.score_map.nside,
        "sky_fraction_mapped": float(np.isfinite(scores).sum() / (12 * result.score_map.nside**2)),
        "best": [{"name": str(row["name"]), "score": float(row["score"])} for row in result.best],
        "acknowledgements": facts.pop("credits"),
        "creator": creator(result.provenance),
        "provenance": facts,
    }
    path.write_text(json_text(document, sort_keys=True, indent=2) + "\n", encoding="utf-8")

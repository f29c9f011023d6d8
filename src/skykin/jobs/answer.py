"""The answer of an index: scored tiles at once, and a whole map when it is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from html import escape
from pathlib import Path

import numpy as np
from astropy.table import QTable

from skykin.catalogue.references import ReferencePlace, together
from skykin.core.errors import UsageError
from skykin.core.footprint import Footprint
from skykin.core.line import Line
from skykin.core.picture import Picture
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress, Survey
from skykin.core.provenance import Provenance
from skykin.core.shapes import Degrees
from skykin.core.sphere import apart, directions_of, reach_deg
from skykin.evaluation.honesty import honest_summary
from skykin.evaluation.recovery import recovery
from skykin.indexing.answers import Style
from skykin.indexing.query.likeness import compared
from skykin.indexing.query.wanted import Wanted
from skykin.indexing.sky_index import SkyIndex
from skykin.jobs.asked import Asked
from skykin.jobs.doubts import Doubts
from skykin.jobs.gallery import gallery
from skykin.jobs.kept import Kept, controls_of, sky_of
from skykin.jobs.map import FARTHEST_TILE
from skykin.jobs.tiles import scored
from skykin.products.matches import coverage_map
from skykin.products.result import KinMap
from skykin.products.score_map import MapPixels, ScoreMap, map_pixels, score_map
from skykin.products.write import write_products
from skykin.significance.calibration import Calibration
from skykin.survey.render import RenderedSurvey
from skykin.tiling.cut import cut

SILENT = SilentProgress()


@dataclass(frozen=True, eq=False)
class Answer:
    """What an index answered.

    Parameters
    ----------
    index : SkyIndex
    tiles : QTable
        As `KinMap.tiles`: one row per tile of the index, in its order, with ``rank``, ``score`` and
        ``match``; with several references also ``best_reference``, with the pyramid ``best_size`` and
        ``best_score``.
    line : Line
        Where the line between match and no match is drawn.
    calibration : Calibration
        What the scores are worth.
    asked, unlike : tuple of Asked
        References and counter-examples.
    wanted : Wanted
        Both, in the most exact kind of vector.
    survey : Survey or None
        An open one, for pictures; otherwise the one that the index names is opened when it is needed.
    doubts : Doubts
        What was asked of the scores besides.
    """

    index: SkyIndex
    tiles: QTable
    line: Line
    calibration: Calibration
    asked: tuple[Asked, ...]
    unlike: tuple[Asked, ...]
    wanted: Wanted
    survey: Survey | None = None
    doubts: Doubts = field(default_factory=Doubts)

    @property
    def name(self) -> str:
        """What was looked for, in words."""
        told = together([each.name for each in self.asked])
        return told + "".join(f", not {each.name}" for each in self.unlike)

    @property
    def footprints(self) -> tuple[Footprint, ...]:
        """Where the tiles lie."""
        return self.index.footprints

    @property
    def layers(self) -> tuple[str, ...]:
        """Layers of the network, the shallowest first."""
        return self.index.layers

    @property
    def tile_nside(self) -> None:
        """Tiles of an index lie on no HEALPix grid."""
        return

    @property
    def lon_deg(self) -> Degrees:
        """Galactic longitude of each tile's centre, degrees."""
        return np.asarray(self.tiles["lon"].value)

    @property
    def lat_deg(self) -> Degrees:
        """Galactic latitude of each tile's centre, degrees."""
        return np.asarray(self.tiles["lat"].value)

    @property
    def references(self) -> tuple[Footprint, ...]:
        """Where the references lie that lie in the survey."""
        return tuple(each.footprint for each in self.asked if each.footprint is not None)

    @property
    def n_matches_beside(self) -> int:
        """How many matches share sky with a reference."""
        return int(np.sum(self.calibration.beside & np.asarray(self.tiles["match"])))

    @cached_property
    def score_map(self) -> ScoreMap:
        """Scores, cosines and coverage as HEALPix maps."""
        return score_map(self, pixels_of(self))

    def best(self, k: int = 10) -> QTable:
        """Return the `k` best tiles that share no sky with a better one or a reference.

        Raises
        ------
        UsageError
            If the index has fewer tiles.
        """
        if not 1 <= k <= len(self.tiles):
            raise UsageError(
                f"{k} tiles were asked for, but the index holds {len(self.tiles)}; ask for 1 to "
                f"{len(self.tiles)}"
            )
        places = directions_of(self.tiles)
        left = np.isfinite(np.asarray(self.tiles["score"])) & ~self.calibration.beside
        chosen: list[int] = []
        for i in np.argsort(self.tiles["rank"]):
            if left[i]:
                chosen.append(int(i))
                left &= apart(places[i : i + 1], places, reach_deg(self.index.tile_deg))[0]
            if len(chosen) == k:
                break
        return self.tiles[chosen]

    @cached_property
    def kin(self) -> KinMap:
        """The whole map: pictures, well-known regions, controls and the honest summary.

        Opens the survey and loads the network, both of which the scores did without.

        Raises
        ------
        SkykinError
            If the survey that was indexed is not there.
        """
        sky = sky_of(self.index) if self.survey is None else self.index.sky(self.survey)
        controls = self._controls()
        reference, *more = self.references or (None,)
        places = [ReferencePlace(self.name, each.lon_deg, each.lat_deg) for each in self.references]
        farthest_deg = FARTHEST_TILE * self.index.spacing_deg
        regions = recovery(scored(self.tiles), places, match=self.tiles["match"], farthest_deg=farthest_deg)
        match = np.asarray(self.tiles["match"])
        matching = [where for where, hit in zip(self.footprints, match, strict=True) if hit]
        return KinMap(
            tiles=self.tiles,
            footprints=self.footprints,
            tile_nside=None,
            reference=reference,
            reference_name=self.name,
            line=self.line,
            layers=self.layers,
            survey_title=self.index.survey_title,
            bands=self.index.bands,
            sky=sky,
            pictures=gallery(
                [picture_of(each, sky) for each in self.asked],
                self.tiles,
                self.footprints,
                lambda where: cut(sky, where, self.index.pixels),
            ),
            regions=regions,
            summary=honest_summary(
                self.tiles,
                regions,
                controls,
                reference_score=self.score_of(self.wanted.likes[0]),
                sky_fraction_in_matching_tiles=float(coverage_map(matching).sky_fraction),
                n_left_out=0,
                line=self.line.as_dict(),
                threshold=self.line.threshold,
                n_matches_beside=self.n_matches_beside,
                n_independent=self.calibration.independent,
                calibrated=self.calibration.known,
                surrogates=self.doubts.found.get("surrogates"),
                noise=self.doubts.found.get("noise"),
                recipe=self.index.recipe.name,
                survey=self.index.survey_title,
                reference=self.name,
            ),
            provenance=self.provenance,
            extent=self.index.extent,
            more_references=tuple(where for where in more if where is not None),
        )

    @property
    def provenance(self) -> Provenance:
        """Of the index, with the question."""
        question: dict[str, object] = {"name": self.name, **self.asked[0].facts}
        if len(self.asked) > 1:
            question["references"] = [{"name": each.name, **each.facts} for each in self.asked]
            question["combine"] = self.wanted.combine
        if self.unlike:
            question["unlike"] = [{"name": each.name, **each.facts} for each in self.unlike]
        if self.wanted.weights:
            question["weights"] = dict(self.wanted.weights)
        return replace(self.index.provenance, reference=question, calibration=self.doubts.as_dict())

    def score_of(self, style: Style) -> float:
        """Score that something of this style would have."""
        columns = self.index.columns(style.kind)
        row = np.zeros((1, max(own.stop for own in columns.values())), np.float32)
        for layer, own in columns.items():
            row[0, own] = style.vectors[layer]
        blocks = [(slice(0, 1), row)]
        return float(compared(self.index, self.wanted, 1, blocks, style.kind).score[0])

    def write(self, output: str | Path, *, overwrite: bool = False, progress: Progress = SILENT) -> None:
        """Write all products of the map into a folder, as `map_kin` does."""
        write_products(self.kin, Path(output), overwrite=overwrite, progress=progress)

    def _controls(self) -> dict[str, float]:
        kind = self.wanted.likes[0].kind
        return {
            name: self.score_of(self.index.project(signature, kind))
            for name, signature in controls_of(self.index).items()
        }

    def _repr_html_(self) -> str:
        """Show the best tiles in a notebook."""
        best = self.best(min(10, len(self.tiles)))["rank", "name", "lon", "lat", "score", "mean_intensity"]
        return f"<h3>The kin of {escape(self.name)}</h3>{best._repr_html_()}"


#: Which tile each pixel of a map of an index shows.
_PIXELS = Kept[MapPixels]()


def pixels_of(answer: Answer) -> MapPixels:
    """Which tile each pixel of an index's map shows; kept while the index is among the last four."""
    return _PIXELS.of(answer.index, lambda: map_pixels(answer))


def picture_of(asked: Asked, sky: RenderedSurvey) -> Picture:
    """Show a reference: what was given, or the square of sky about it."""
    if asked.picture is not None:
        return asked.picture
    if asked.footprint is not None:
        return cut(sky, asked.footprint, asked.index.pixels)
    assert asked.origin is not None  # noqa: S101 - what lies nowhere here came from elsewhere
    return replace(picture_of(asked.origin, sky_of(asked.origin.index)), footprint=None)

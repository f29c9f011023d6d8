"""The summary of a map measured, and written beside where the map comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from astropy import units as u

from skykin.catalogue.query import Query
from skykin.core.plain import json_text
from skykin.evaluation.confounders import confounders
from skykin.evaluation.recovery import SKY_FRACTIONS, summarise
from skykin.evaluation.reference_coverage import ReferenceCoverage, query_warnings
from skykin.products.mapped import MappedTiles, MapSource
from skykin.products.stamp import creator
from skykin.products.summary import MapSummary
from skykin.products.target_facts import beside_rankings, target_facts
from skykin.products.target_list import target_list
from skykin.significance.tile_scores import CONSTANT, PARTIAL
from skykin.style.signature import LayerVectors
from skykin.style.similarity import QueryStyle
from skykin.survey.render import RenderedSurvey


class MeasuredSource(MapSource, Protocol):
    """A source that still has the network: it measured the references, and measures the control images."""

    @property
    def query_style(self) -> QueryStyle[Any]:
        """What the tiles were compared with."""

    @property
    def sky(self) -> RenderedSurvey:
        """The survey rendered."""

    def control_styles(self) -> Mapping[str, LayerVectors]:
        """Style of the control images: black, grey, white, noise."""


def summarised(result: MappedTiles, source: MeasuredSource) -> MapSummary:
    """Gather what a reader needs before believing a score; opens the survey and loads the network."""
    from skykin.products.matches import coverage_map  # noqa: PLC0415 - loads the libraries of regions

    tiles, query = result.tiles, result.query
    style, pictures = source.query_style, result.pictures.references
    match, area = np.asarray(tiles["match"]), np.asarray(tiles["area"])
    counts = summarise(result.regions)
    targets = target_list(result)
    recall = {
        ranking: {
            f"{share:.2f}": n / counts.n_regions for share, n in zip(SKY_FRACTIONS, found[1:], strict=True)
        }
        for ranking, found in counts.by_ranking.items()
        if counts.n_regions
    }
    return MapSummary(
        survey=result.survey.title,
        recipe=style.recipe.name,
        reference=query.name,
        references=tuple(
            _place(each.to_dict()) | ReferenceCoverage.of(picture, style.recipe).to_dict()
            for each, picture in zip(query.references, pictures, strict=True)
        ),
        combine=query.combine if len(query.references) > 1 else None,
        views=_views(query, style),
        warnings=tuple(query_warnings(query, pictures, style.recipe, lambda: source.sky)),
        n_tiles=len(tiles),
        n_left_out=result.scored.n_left_out,
        n_constant=int(result.scored.flagged(CONSTANT).sum()),
        n_partial=int(result.scored.flagged(PARTIAL).sum()),
        n_matches=result.n_matches,
        n_overlapping_matches=result.n_overlapping_matches,
        cut=result.cut,
        reference_score=max(float(style.similarity_of(like).score) for like in style.likes),
        calibrated=bool(np.isfinite(np.asarray(tiles["p"], dtype=float)).any()),
        n_independent=result.n_independent,
        surrogates=result.surrogates,
        noise=result.noise,
        sky_fraction_matching=float(area[match].sum()),
        sky_fraction_in_matching_tiles=float(coverage_map(result.matching).sky_fraction),
        sky_fraction_mapped=float(area.sum()),
        regions={
            "counted": counts.n_regions,
            "at_sky_fraction": counts.sky_fractions[0],
            "recovered": {ranking: found[0] for ranking, found in counts.by_ranking.items()},
        },
        recall_at=recall if counts.n_regions else {},
        spearman=confounders(
            tiles["score"],
            tiles["mean_intensity"].value,
            tiles["lat"].to_value(u.deg),
            tiles["coverage"],
            tiles["noise"].value if "noise" in tiles.colnames else None,
        ).to_dict(),
        controls={
            name: float(style.similarity_of(each).score) for name, each in source.control_styles().items()
        },
        targets=target_facts(targets) | beside_rankings(targets, result, source.sky.survey),
    )


def _place(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Name and place of a reference, without its pixels or cells."""
    return {name: facts[name] for name in ("name", "lon_deg", "lat_deg", "width_deg") if name in facts}


def _views(query: Query, style: QueryStyle[Any]) -> dict[str, Any] | None:
    """In which views the references were looked at, and how many were left out."""
    if not query.views.several:
        return None
    wanted = len(query.views.each)
    measured = [len(views) for views in style.views[: len(query.references)]]
    missing = {
        each.name: wanted - number
        for each, number in zip(query.references, measured, strict=True)
        if number < wanted
    }
    return {**query.views.to_dict(), "left_out": missing}


def write_summary(result: MappedTiles, path: Path) -> None:
    """Write the summary and the stamp as JSON with sorted keys; what is not a number is null.

    Under ``map`` stands what `SkyMap.read` needs besides: tiles, layers and extent of the survey.
    """
    facts = result.provenance.to_dict()
    document = {
        **result.summary.to_dict(),
        "map": {
            "survey": asdict(result.survey),
            "layers": result.layers,
            "tile_deg": result.scored.tile_deg,
            "spacing_deg": result.scored.spacing_deg,
            "nside": result.scored.nside,
            "projection": result.footprints[0].projection,
            "choice": result.choice.to_dict(),
        },
        "acknowledgements": facts.pop("credits"),
        "creator": creator(result.provenance),
        "provenance": facts,
    }
    text = json_text(document, sort_keys=True, indent=2)
    path.write_text(text + "\n", encoding="utf-8")

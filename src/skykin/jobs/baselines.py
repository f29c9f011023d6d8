"""The baselines of a map: simpler rankings, measured on its own tiles."""

from __future__ import annotations

import numpy as np

from skykin.core.footprint import Footprint
from skykin.core.protocols import ColouredSky, Progress, Survey
from skykin.core.shapes import Numbers
from skykin.evaluation.assessment import LATITUDE
from skykin.evaluation.contrast import (
    CORE_DEG,
    INNER_DEG,
    KNOT_DEG,
    OUTER_DEG,
    BrightnessSamples,
    positions_in_discs,
)
from skykin.evaluation.plain_texture import HALO, PIXELS, plain_textures, similarities, textures_in_plane
from skykin.evaluation.tile_centres import TileCentres
from skykin.jobs.evaluated_map import EvaluatedMap
from skykin.jobs.examples import cut_in_context
from skykin.products.agreement import SHARE
from skykin.products.result import numbers
from skykin.scale.local import ordered_map
from skykin.survey.intensity import intensity
from skykin.tiling.facets import Facet

TILES_AT_ONCE = 64
BRIGHTNESS = "mean intensity"


def baselines(evaluated: EvaluatedMap, workers: int, progress: Progress) -> dict[str, Numbers]:
    """Rank the tiles of a map without a network, each array (tiles,), larger is better.

    Parameters
    ----------
    evaluated : EvaluatedMap
        Without its survey, only −|b| and the mean intensity of the tiles are known.  An agreement of maps
        has each of its maps as baselines too.
    """
    found = {LATITUDE: -np.abs(evaluated.centres.lat_deg), BRIGHTNESS: evaluated.intensity}
    found |= {
        f"{name.removeprefix(SHARE)} alone": -numbers(evaluated.tiles[name])
        for name in evaluated.tiles.colnames
        if name.startswith(SHARE)
    }
    if evaluated.survey is None or evaluated.sky is None:
        return found
    found |= brightness_baselines(evaluated.survey, evaluated)
    return found | texture_baselines(evaluated.sky, evaluated, workers, progress)


def brightness_baselines(survey: Survey, evaluated: EvaluatedMap) -> dict[str, Numbers]:
    """Mean intensity in 5°, and logarithmic contrasts of 5° with 15°, and of 2° and of 1° with 5°.

    A part of the sky has smaller discs, in the same proportion.
    """
    samples = BrightnessSamples.of(survey)
    scale = 1.0 if survey.extent.is_all_sky else evaluated.reference.width_deg / OUTER_DEG
    knot, core, inner, outer = (scale * side for side in (KNOT_DEG, CORE_DEG, INNER_DEG, OUTER_DEG))
    centres = evaluated.centres
    mean, in_inner = samples.disc_means(centres.lon_deg, centres.lat_deg, inner)
    in_core, in_outer = (
        samples.disc_means(centres.lon_deg, centres.lat_deg, side)[1] for side in (core, outer)
    )
    in_knot = _in_knots(survey.overview, samples, centres, knot)
    return {
        f"mean intensity in {inner:.3g}°": mean,
        f"log contrast {inner:.3g}°/{outer:.3g}°": in_inner - in_outer,
        f"log contrast {core:.3g}°/{inner:.3g}°": in_core - in_inner,
        f"log contrast {knot:.3g}°/{inner:.3g}°": np.where(np.isfinite(in_knot), in_knot, in_core) - in_inner,
    }


def _in_knots(
    survey: Survey, samples: BrightnessSamples, centres: TileCentres, diameter_deg: float
) -> Numbers:
    """Mean logarithm of the brightness in discs that hold no or one sample; NaN where nothing is covered."""
    places = positions_in_discs(centres.lon_deg, centres.lat_deg, diameter_deg)
    values, coverage = survey.sample(*(angle.ravel() for angle in places))
    weight = coverage.reshape(places[0].shape).astype(np.float64)
    light = samples.logarithm(intensity(survey, values)).reshape(weight.shape)
    total = weight.sum(axis=1)
    mean = np.full(len(total), np.nan)
    np.divide((light * weight).sum(axis=1), total, out=mean, where=total > 0)
    return mean


def texture_baselines(
    sky: ColouredSky, evaluated: EvaluatedMap, workers: int, progress: Progress
) -> dict[str, Numbers]:
    """Similarity of small pictures of the tiles to those of the references, without a network.

    Tiles that the map read from facets are measured there together, with what lies around them.
    """
    tiles = _textures_of_facets(sky, evaluated, workers, progress)
    if tiles is None:
        tiles = _textures_of_tiles(sky, evaluated.footprints(), workers, progress)
        own = [_measured(sky, (reference,)) for reference in evaluated.references]
    else:
        alone = (cut_in_context(sky, reference, PIXELS, HALO) for reference in evaluated.references)
        planes = (textures_in_plane(picture.rgb, PIXELS) for picture in alone)
        own = [{name: values[0] for name, values in plane.items()} for plane in planes]
    each = [similarities(tiles, reference) for reference in own]
    join = np.mean if evaluated.combine == "mean" else np.max
    return {name: np.asarray(join([found[name] for found in each], axis=0)) for name in each[0]}


def _measured(sky: ColouredSky, part: tuple[Footprint, ...]) -> dict[str, Numbers]:
    positions = [footprint.pixel_positions((PIXELS, PIXELS)) for footprint in part]
    lon_deg, lat_deg = (np.stack(angles) for angles in zip(*positions, strict=True))
    return plain_textures(sky.colours(lon_deg, lat_deg)[0])


def _textures_of_tiles(
    sky: ColouredSky, footprints: tuple[Footprint, ...], workers: int, progress: Progress
) -> dict[str, Numbers]:
    parts = [footprints[i : i + TILES_AT_ONCE] for i in range(0, len(footprints), TILES_AT_ONCE)]
    measured = []
    with progress.stage("Baselines", len(footprints), "tiles") as counter:
        textures = ordered_map(lambda part: _measured(sky, part), parts, workers)
        for part, texture in zip(parts, textures, strict=True):
            counter.advance(len(part))
            measured.append(texture)
    return {name: np.concatenate([part[name] for part in measured]) for name in measured[0]}


def _textures_of_facets(
    sky: ColouredSky, evaluated: EvaluatedMap, workers: int, progress: Progress
) -> dict[str, Numbers] | None:
    """Textures of all tiles, read from pictures as coarse as those of single tiles.

    None where the map has no facets, tiles are no whole number of such pixels apart, or a tile is missing.
    """
    pieces = evaluated.facets()
    if not pieces or pieces[0].spacing * PIXELS % pieces[0].tile:
        return None
    coarse = [piece.coarser(PIXELS) for piece in pieces]

    def measure(piece: Facet) -> dict[str, Numbers]:
        rgb = piece.picture(sky, HALO).rgb
        return {name: each[piece.own] for name, each in textures_in_plane(rgb, piece.spacing).items()}

    found: dict[str, Numbers] = {}
    known = np.zeros(len(evaluated.centres), dtype=bool)
    with progress.stage("Baselines", len(pieces), "facets") as counter:
        for piece, textures in zip(pieces, ordered_map(measure, coarse, workers), strict=True):
            row, here = evaluated.rows_of(piece)
            known[row[here]] = True
            for name, values in textures.items():
                whole = found.setdefault(name, np.full((len(known), values.shape[-1]), np.nan))
                whole[row[here]] = values[here]
            counter.advance()
    return found if known.all() else None

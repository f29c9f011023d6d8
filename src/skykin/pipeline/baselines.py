"""The rankings that a map must beat, measured on its own tiles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from skykin.core.footprint import Footprint
from skykin.core.protocols import ColouredSky, Progress, Survey
from skykin.core.shapes import Numbers
from skykin.evaluate.assessment import LATITUDE
from skykin.evaluate.contrast import CORE_DEG, INNER_DEG, OUTER_DEG, BrightnessSamples
from skykin.evaluate.plain_texture import PIXELS, likeness, plain_textures
from skykin.pipeline.judged_map import JudgedMap
from skykin.products.agreement import SHARE
from skykin.products.result import numbers
from skykin.scale.local import ordered_map
from skykin.survey.overview import overview_of
from skykin.survey.render import positions_over

TILES_AT_ONCE = 64
BRIGHTNESS = "mean intensity"


def baselines(judged: JudgedMap, workers: int, progress: Progress) -> dict[str, Numbers]:
    """Rank the tiles of a map without a network, each array (tiles,), larger is better.

    Parameters
    ----------
    judged : JudgedMap
        Without its survey, only −|b| and the mean intensity of the tiles are known.  An agreement of maps
        has each of its maps as baselines too.
    """
    found = {LATITUDE: -np.abs(judged.centres.lat_deg), BRIGHTNESS: judged.intensity}
    found |= {
        f"{name.removeprefix(SHARE)} alone": -numbers(judged.tiles[name])
        for name in judged.tiles.colnames
        if name.startswith(SHARE)
    }
    if judged.survey is None or judged.sky is None:
        return found
    found |= brightness_baselines(judged.survey, judged)
    return found | texture_baselines(judged.sky, judged, workers, progress)


def brightness_baselines(survey: Survey, judged: JudgedMap) -> dict[str, Numbers]:
    """Mean intensity in 5°, and logarithmic contrasts of 5° with 15° and of 2° with 5°.

    A part of the sky has smaller discs, in the same proportion.
    """
    lon_deg, lat_deg = positions_over(survey.extent)
    values, coverage = overview_of(survey).sample(lon_deg, lat_deg)
    samples = BrightnessSamples(lon_deg, lat_deg, values.sum(axis=-1, dtype=np.float64), coverage)
    scale = 1.0 if survey.extent.is_all_sky else judged.reference.width_deg / OUTER_DEG
    core, inner, outer = (scale * side for side in (CORE_DEG, INNER_DEG, OUTER_DEG))
    centres = judged.centres
    found = {f"mean intensity in {inner:.3g}°": samples.disc_mean(centres.lon_deg, centres.lat_deg, inner)}
    for near, far in ((inner, outer), (core, inner)):
        name = f"log contrast {near:.3g}°/{far:.3g}°"
        found[name] = samples.contrast(centres.lon_deg, centres.lat_deg, near, far)
    return found


def texture_baselines(
    sky: ColouredSky, judged: JudgedMap, workers: int, progress: Progress
) -> dict[str, Numbers]:
    """Likeness of small pictures of the tiles to those of the references, without a network."""
    footprints = judged.footprints()
    parts = [footprints[i : i + TILES_AT_ONCE] for i in range(0, len(footprints), TILES_AT_ONCE)]

    def measure(part: tuple[Footprint, ...]) -> Mapping[str, Numbers]:
        positions = [footprint.pixel_positions((PIXELS, PIXELS)) for footprint in part]
        lon_deg, lat_deg = (np.stack(angles) for angles in zip(*positions, strict=True))
        return plain_textures(sky.colours(lon_deg, lat_deg)[0])

    with progress.stage("Baselines", len(footprints), "tiles") as counter:

        def counted() -> Iterator[Mapping[str, Numbers]]:
            for part, textures in zip(parts, ordered_map(measure, parts, workers), strict=True):
                counter.advance(len(part))
                yield textures

        measured = list(counted())
    tiles = {name: np.concatenate([part[name] for part in measured]) for name in measured[0]}
    each = [likeness(tiles, measure((reference,))) for reference in judged.references]
    join = np.mean if judged.combine == "mean" else np.max
    return {name: np.asarray(join([found[name] for found in each], axis=0)) for name in each[0]}

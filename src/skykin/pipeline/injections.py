"""Copies of the reference put where the sky is empty, for the map to find."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from astropy.table import QTable
from scipy.ndimage import gaussian_filter

from skykin.core.errors import DataQualityError
from skykin.core.extent import Extent
from skykin.core.footprint import Footprint
from skykin.core.protocols import Progress, Survey
from skykin.core.shapes import BandValues, Numbers
from skykin.evaluate.ranking import threshold_of_top
from skykin.evaluate.turned import EXCLUDE_DEG
from skykin.pipeline.judge import Judge
from skykin.pipeline.judged_map import JudgedMap
from skykin.pipeline.remake import Change, bench, settings_of
from skykin.scale.local import ordered_map
from skykin.scale.store import WorkStore
from skykin.survey.altered import AlteredSurvey, Patch
from skykin.survey.download import cache_folder
from skykin.survey.intensity import mean_intensity

#: Share of the sky that the best injections must be within.
TOP = 0.01
FAINTEST, BRIGHTEST = 0.3, 1.0
#: An empty place is farther than this from the plane, and its tile is among the darker half of the map's.
EMPTY_ABOVE_DEG, DARKER_HALF = 30.0, 50.0
#: Pixels across a copy, and its side in sides of the tile: the whole tile, corners too, and a margin in which
#: it fades out.  A hard edge would be the strongest structure of all.
PIXELS, MARGIN, WIDEST_DEG = 192, 1.9, 85.0
#: Tiles around an injection that are scored again; the best of them counts.
TILES_AROUND = 4
#: Distances from its centre, in sides of the tile, between which the copy fades out.
FADES_FROM, FADES_TO = 0.72, 0.95
#: What of the reference's brightness is its background, in each band.
BACKGROUND_PERCENTILE = 10.0
#: Normal deviations per median absolute deviation.
PER_MAD = 1.4826


@dataclass(frozen=True, eq=False)
class Injection:
    """One copy of the reference, and how it was changed.

    Parameters
    ----------
    footprint : Footprint
        Where it lies, and how it is turned.
    scale : float
        What its intensity is multiplied by.
    blur_deg : float
        Standard deviation of the Gaussian that blurs it.
    noise : float
        Standard deviation of what is added, in units of the scatter of the dark sky.
    seed : int
        Of that noise.
    tiles : tuple of int
        Rows of the tiles around.
    reference : int
        Which of the references is copied.
    """

    footprint: Footprint
    scale: float
    blur_deg: float
    noise: float
    seed: int
    tiles: tuple[int, ...]
    reference: int


def injections(judged: JudgedMap, number: int, seed: int, workers: int, progress: Progress) -> QTable:
    """Inject copies of the reference, or of several in turn, and score the tiles around each.

    The copy is turned by a random angle, its intensity multiplied by 0.3 to 1, blurred by up to half a beam,
    and given noise of up to the scatter of the dark sky.  It is found if the best of the tiles around it
    scores as high as the best 1 % of the map.

    Parameters
    ----------
    judged : JudgedMap
        With its survey.
    number : int
    seed : int

    Returns
    -------
    QTable
        A row per injection: ``reference`` (its number), ``lon_deg``, ``lat_deg``, ``turn_deg``, ``scale``,
        ``blur_deg``, ``noise``, ``score`` (best tile around), ``score_before``, ``found``, ``found_before``,
        ``found_by_intensity`` (whether ranking by mean intensity finds it).
    """
    assert judged.survey is not None  # noqa: S101 - asked for by the caller
    survey = judged.survey
    planned = plan(judged, number, seed)
    store = WorkStore.of(cache_folder(), {"injections": judged.provenance.as_dict()})
    ready = bench(judged, Change("as it is"), settings_of(judged, workers), store, progress)
    copies = [reference_copy(survey, each) for each in judged.references]
    scatter = dark_scatter(survey, judged)
    footprints = judged.footprints()
    least = [best_of(judged, ranking) for ranking in (judged.score, judged.intensity)]

    def look(one: Injection) -> tuple[float, float]:
        patch = Patch(one.footprint, changed(copies[one.reference], one, survey.beam_deg, scatter))
        again = ready.with_survey(AlteredSurvey(survey, patch=patch))
        return _best(again, [footprints[i] for i in one.tiles])

    rows = []
    with progress.stage("Injections", number, "copies") as counter:
        for one, (score, intensity) in zip(planned, ordered_map(look, planned, workers), strict=True):
            counter.advance()
            around = list(one.tiles)
            before = float(np.nanmax(judged.score[around]))
            rows.append(
                {
                    "reference": one.reference,
                    "lon_deg": one.footprint.lon_deg,
                    "lat_deg": one.footprint.lat_deg,
                    "turn_deg": one.footprint.turn_deg,
                    "scale": one.scale,
                    "blur_deg": one.blur_deg,
                    "noise": one.noise,
                    "score": score,
                    "score_before": before,
                    "found": score >= least[0],
                    "found_before": before >= least[0],
                    "found_by_intensity": intensity >= least[1],
                }
            )
    return QTable(rows=rows)


def best_of(judged: JudgedMap, ranking: Numbers) -> float:
    """Value from which a tile is among the best 1 % of the sky away from the references."""
    away = ~near_references(judged, EXCLUDE_DEG) & np.isfinite(ranking)
    centres = judged.centres
    return threshold_of_top(ranking[away], TOP, centres.area[away])


def near_references(judged: JudgedMap, radius_deg: float) -> np.ndarray:
    """Tell which tiles are centred so near to a reference: bool array (tiles,)."""
    centres = judged.centres
    caps = (Extent(each.lon_deg, each.lat_deg, radius_deg) for each in judged.references)
    return np.asarray(np.any([cap.contains(centres.lon_deg, centres.lat_deg) for cap in caps], axis=0))


def plan(judged: JudgedMap, number: int, seed: int) -> list[Injection]:
    """Choose places, angles, intensities, blurs and noise.

    Raises
    ------
    DataQualityError
        If the map has no empty place.
    """
    rng = np.random.default_rng(seed)
    centres, references = judged.centres, judged.references
    near = near_references(judged, min(EXCLUDE_DEG + judged.reference.width_deg, 179.0))
    beam = 1.0 if judged.survey is None else judged.survey.beam_deg
    dark = np.isfinite(judged.score) & (judged.intensity <= np.nanpercentile(judged.intensity, DARKER_HALF))
    dark &= (np.abs(centres.lat_deg) >= EMPTY_ABOVE_DEG) & ~near
    if not dark.any():
        raise DataQualityError(
            f"the map has no dark tile at |b| ≥ {EMPTY_ABOVE_DEG:g}° away from the reference, where the "
            "reference could be injected; leave out the injections",
            code="DQ-FEWVALID",
        )
    planned = []
    for each in range(number):
        tile = int(rng.choice(np.flatnonzero(dark)))
        # Anywhere on the piece of sky of the tile, not on its centre: the grid must not matter.
        away = centres.spacing_deg * (rng.random(2) - 0.5)
        lat = float(np.clip(centres.lat_deg[tile] + away[1], -89.9, 89.9))
        lon = float(centres.lon_deg[tile] + away[0] / max(np.cos(np.radians(lat)), 0.02)) % 360.0
        turn = float(rng.uniform(0, 360))
        footprint = Footprint(lon, lat, copy_width_deg(judged.reference), projection="TAN", turn_deg=turn)
        planned.append(
            Injection(
                footprint,
                float(rng.uniform(FAINTEST, BRIGHTEST)),
                float(rng.uniform(0, beam / 2)),
                float(rng.random()),
                int(rng.integers(1 << 31)),
                _tiles_around(judged, lon, lat),
                each % len(references),
            )
        )
    return planned


def _tiles_around(judged: JudgedMap, lon_deg: float, lat_deg: float) -> tuple[int, ...]:
    centres = judged.centres
    distance = Extent(lon_deg, lat_deg, 1.0).distance_deg(centres.lon_deg, centres.lat_deg)
    distance = np.where(np.isfinite(judged.score), distance, np.inf)
    return tuple(np.argsort(distance, kind="stable")[:TILES_AROUND].tolist())


def reference_copy(survey: Survey, reference: Footprint) -> BandValues:
    """Values of the reference and its margin above the background, fading out: (192, 192, 3)."""
    width_deg = copy_width_deg(reference)
    upright = Footprint(reference.lon_deg, reference.lat_deg, width_deg)
    values, _ = survey.sample(*upright.pixel_positions((PIXELS, PIXELS)))
    radius = _from_centre(width_deg / reference.width_deg)
    background = np.percentile(values[radius < 0.5], BACKGROUND_PERCENTILE, axis=0)
    above = np.maximum(values - background, 0)
    fade = np.clip((FADES_TO - radius) / (FADES_TO - FADES_FROM), 0, 1)
    smooth = fade * fade * (3 - 2 * fade)
    return np.asarray(above * smooth[..., None], np.float32)


def copy_width_deg(reference: Footprint) -> float:
    """Side of a copy with its margin."""
    return min(MARGIN * reference.width_deg, WIDEST_DEG)


def _from_centre(sides: float) -> Numbers:
    """Distance of each pixel of a copy from its centre, in sides of the tile."""
    away = ((np.arange(PIXELS) + 0.5) / PIXELS - 0.5) * sides
    return np.hypot(away[:, None], away)


def changed(copy: BandValues, one: Injection, beam_deg: float, scatter: Numbers) -> BandValues:
    """Make the copy fainter, blur it and add noise as smooth as the beam."""
    pixel_deg = one.footprint.width_deg / PIXELS
    sigma = one.blur_deg / pixel_deg
    blurred = gaussian_filter(copy * np.float32(one.scale), (sigma, sigma, 0))
    grain = np.random.default_rng(one.seed).standard_normal(copy.shape)
    width = beam_deg / 2.355 / pixel_deg
    grain = gaussian_filter(grain, (width, width, 0))
    grain *= one.noise * scatter / grain.std(axis=(0, 1))
    inside = copy.max(axis=-1, keepdims=True) > 0
    return np.asarray(blurred + grain * inside, np.float32)


def dark_scatter(survey: Survey, judged: JudgedMap) -> Numbers:
    """Scatter of each band (3,) over the centres of the darker tiles away from the plane."""
    centres = judged.centres
    dark = (np.abs(centres.lat_deg) >= EMPTY_ABOVE_DEG) & (
        judged.intensity <= np.nanpercentile(judged.intensity, DARKER_HALF)
    )
    values, coverage = survey.sample(centres.lon_deg[dark], centres.lat_deg[dark])
    seen = values[coverage > 0].astype(np.float64)
    return np.asarray(PER_MAD * np.median(np.abs(seen - np.median(seen, axis=0)), axis=0))


def _best(judge: Judge, footprints: list[Footprint]) -> tuple[float, float]:
    """Best score and best mean intensity of some tiles."""
    scores = [judge.score(judge.cutter(footprint)) for footprint in footprints]
    return float(np.nanmax(scores)), max(mean_intensity(judge.survey, footprint) for footprint in footprints)

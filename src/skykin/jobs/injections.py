"""Copies of the reference put where the sky is empty, for the map to find."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise

import numpy as np
from astropy.table import QTable
from scipy.ndimage import gaussian_filter

from skykin.core.errors import DataQualityError
from skykin.core.extent import Extent
from skykin.core.footprint import Footprint
from skykin.core.protocols import Progress, Survey
from skykin.core.shapes import BandValues, Numbers
from skykin.evaluation.measures import share_interval
from skykin.evaluation.ranking import threshold_of_top
from skykin.evaluation.rotated import EXCLUDE_DEG
from skykin.jobs.evaluated_map import EvaluatedMap
from skykin.jobs.remake import Change, streamed
from skykin.jobs.streamed import StreamedSurvey
from skykin.scale.local import ordered_map
from skykin.scale.store import WorkStore
from skykin.style.signature import Signature
from skykin.style.similarity import QueryStyle
from skykin.survey.derived.altered import AlteredSurvey, Patch
from skykin.survey.download import cache_folder
from skykin.survey.intensity import mean_intensity

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
#: What of the brightness of the ring in which a copy fades is its background, in each band.
BACKGROUND_PERCENTILE = 10.0
#: Normal deviations per median absolute deviation.
PER_MAD = 1.4826
#: Share of the sky that the best injections must be within.
TOP = 0.01
#: Places at which single changes are tried, at most.
MOST_SINGLE = 40
#: Limits of intensity between which the copies of the whole test are counted by themselves.
SCALES = (0.3, 0.5, 0.75, 1.0)


@dataclass(frozen=True, eq=False)
class Injection:
    """One copy of the reference, and how it was changed.

    Parameters
    ----------
    footprint : Footprint
        Where it lies, and how it is rotated.
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
    reference: int = 0

    def unchanged(self) -> Injection:
        """Return the copy as it is, upright, at the same place."""
        upright = replace(self.footprint, turn_deg=0.0)
        return replace(self, footprint=upright, scale=1.0, blur_deg=0.0, noise=0.0)


@dataclass(frozen=True, eq=False)
class Copy:
    """The reference above its background.

    Parameters
    ----------
    values : float32 array (192, 192, 3)
        In the survey's unit; fades to zero in its margin.
    hidden : bool array (192, 192)
        Where the survey did not see it.
    """

    values: BandValues
    hidden: np.ndarray

    def without_holes(self) -> Copy:
        """Return the copy with what the survey fills its holes with, as if it had seen it."""
        return Copy(self.values, np.zeros_like(self.hidden))

    def patch(self, one: Injection, beam_deg: float, scatter: Numbers) -> Patch:
        """Make the copy fainter, blur it and add noise as smooth as the beam.

        Parameters
        ----------
        one : Injection
        beam_deg : float
            Full width of the survey's beam.
        scatter : array (3,)
            Standard deviation of noise 1 in each band.
        """
        pixel_deg = one.footprint.width_deg / PIXELS
        sigma = one.blur_deg / pixel_deg
        blurred = gaussian_filter(self.values * np.float32(one.scale), (sigma, sigma, 0))
        grain = np.random.default_rng(one.seed).standard_normal(self.values.shape)
        width = beam_deg / 2.355 / pixel_deg
        grain = gaussian_filter(grain, (width, width, 0))
        grain *= one.noise * scatter / grain.std(axis=(0, 1))
        inside = self.values.max(axis=-1, keepdims=True) > 0
        return Patch(one.footprint, np.asarray(blurred + grain * inside, np.float32), self.hidden)


def plan(evaluated: EvaluatedMap, number: int, seed: int) -> list[Injection]:
    """Choose places, angles, intensities, blurs and noise.

    Raises
    ------
    DataQualityError
        If the map has no empty place.
    """
    rng = np.random.default_rng(seed)
    centres, reference = evaluated.centres, evaluated.reference
    near = near_references(evaluated, min(EXCLUDE_DEG + reference.width_deg, 179.0))
    beam = 1.0 if evaluated.survey is None else evaluated.survey.beam_deg
    dark = np.isfinite(evaluated.score) & (
        evaluated.intensity <= np.nanpercentile(evaluated.intensity, DARKER_HALF)
    )
    dark &= (np.abs(centres.lat_deg) >= EMPTY_ABOVE_DEG) & ~near
    if not dark.any():
        raise DataQualityError(
            f"the map has no dark tile at |b| ≥ {EMPTY_ABOVE_DEG:g}° away from the reference, where the "
            "reference could be injected; leave out --injections",
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
        footprint = Footprint(lon, lat, copy_width_deg(reference), projection="TAN", turn_deg=turn)
        planned.append(
            Injection(
                footprint,
                float(rng.uniform(FAINTEST, BRIGHTEST)),
                float(rng.uniform(0, beam / 2)),
                float(rng.random()),
                int(rng.integers(1 << 31)),
                _tiles_around(evaluated, lon, lat),
                each % len(evaluated.references),
            )
        )
    return planned


def near_references(evaluated: EvaluatedMap, radius_deg: float) -> np.ndarray:
    """Tell which tiles are centred so near to a reference: bool array (tiles,)."""
    centres = evaluated.centres
    caps = (Extent(each.lon_deg, each.lat_deg, radius_deg) for each in evaluated.references)
    return np.asarray(np.any([cap.contains(centres.lon_deg, centres.lat_deg) for cap in caps], axis=0))


def _tiles_around(evaluated: EvaluatedMap, lon_deg: float, lat_deg: float) -> tuple[int, ...]:
    centres = evaluated.centres
    distance = Extent(lon_deg, lat_deg, 1.0).distance_deg(centres.lon_deg, centres.lat_deg)
    distance = np.where(np.isfinite(evaluated.score), distance, np.inf)
    return tuple(np.argsort(distance, kind="stable")[:TILES_AROUND].tolist())


def reference_copy(survey: Survey, reference: Footprint) -> Copy:
    """Copy the reference and its margin, above what it lies on.

    That is the background of the ring in which the copy fades: within the tile the reference itself is the
    larger part, and to take its own glow off would leave something else than the reference.
    """
    width_deg = copy_width_deg(reference)
    upright = Footprint(reference.lon_deg, reference.lat_deg, width_deg)
    values, coverage = survey.sample(*upright.pixel_positions((PIXELS, PIXELS)))
    radius = _from_centre(width_deg / reference.width_deg)
    ring = (radius >= FADES_FROM) & (radius < FADES_TO)
    around = ring & (coverage > 0) if (coverage[ring] > 0).any() else ring
    background = np.percentile(values[around], BACKGROUND_PERCENTILE, axis=0)
    above = np.maximum(values - background, 0)
    fade = np.clip((FADES_TO - radius) / (FADES_TO - FADES_FROM), 0, 1)
    smooth = fade * fade * (3 - 2 * fade)
    hidden = (coverage <= 0) & (radius < FADES_FROM)
    return Copy(np.asarray(above * smooth[..., None], np.float32), hidden)


def copy_width_deg(reference: Footprint) -> float:
    """Side of a copy with its margin."""
    return min(MARGIN * reference.width_deg, WIDEST_DEG)


def _from_centre(sides: float) -> Numbers:
    """Distance of each pixel of a copy from its centre, in sides of the tile."""
    away = ((np.arange(PIXELS) + 0.5) / PIXELS - 0.5) * sides
    return np.hypot(away[:, None], away)


def dark_scatter(survey: Survey, evaluated: EvaluatedMap) -> Numbers:
    """Scatter of each band (3,) over the centres of the darker tiles away from the plane."""
    centres = evaluated.centres
    dark = (np.abs(centres.lat_deg) >= EMPTY_ABOVE_DEG) & (
        evaluated.intensity <= np.nanpercentile(evaluated.intensity, DARKER_HALF)
    )
    values, coverage = survey.sample(centres.lon_deg[dark], centres.lat_deg[dark])
    seen = values[coverage > 0].astype(np.float64)
    return np.asarray(PER_MAD * np.median(np.abs(seen - np.median(seen, axis=0)), axis=0))


@dataclass(frozen=True, eq=False)
class Injections:
    """Which copies were found.

    Parameters
    ----------
    copies : QTable
        A row per copy: ``reference`` (its number), ``lon_deg``, ``lat_deg``, ``turn_deg``, ``scale``,
        ``blur_deg``, ``noise``, ``intensity_before`` (of the nearest tile), ``score`` (best tile around),
        ``score_before``, ``found``, ``found_before``, ``found_by_intensity`` (whether ranking by mean
        intensity finds it).
    changes : QTable
        What each change does to it: ``change``, ``n``, ``found`` (share), ``low`` and ``high`` (95 %), and
        ``score`` (mean).
    """

    copies: QTable = field(default_factory=QTable)
    changes: QTable = field(default_factory=QTable)


def injections(
    evaluated: EvaluatedMap, number: int, seed: int, workers: int, progress: Progress
) -> Injections:
    """Inject copies of the reference, or of several in turn, and score the tiles around each.

    The copy is rotated by a random angle, its intensity multiplied by 0.3 to 1, blurred by up to half a beam,
    and given noise of up to the scatter of the dark sky.  It is found if the best of the tiles around it
    scores as high as the best 1 % of the map.  At the first places each change is then tried alone.

    Parameters
    ----------
    evaluated : EvaluatedMap
        With its survey.
    number : int
    seed : int
    """
    scorer = CopyScorer.of(evaluated, workers, progress)
    planned = plan(evaluated, number, seed)
    nearest = [one.tiles[0] for one in planned]
    before = np.array([np.nanmax(evaluated.score[list(one.tiles)]) for one in planned])
    with progress.stage("Injections", number, "copies") as counter:
        looked = []
        for each in ordered_map(partial(scorer.look, copies=scorer.copies), planned, workers):
            looked.append(each)
            counter.advance()
    score, intensity = np.array(looked).T
    copies = QTable(
        {
            "reference": [one.reference for one in planned],
            "lon_deg": [one.footprint.lon_deg for one in planned],
            "lat_deg": [one.footprint.lat_deg for one in planned],
            "turn_deg": [one.footprint.turn_deg for one in planned],
            "scale": [one.scale for one in planned],
            "blur_deg": [one.blur_deg for one in planned],
            "noise": [one.noise for one in planned],
            "intensity_before": evaluated.intensity[nearest],
            "score": score,
            "score_before": before,
            "found": score >= scorer.least,
            "found_before": before >= scorer.least,
            "found_by_intensity": intensity >= best_of(evaluated, evaluated.intensity),
        }
    )
    return Injections(copies, _changes(scorer, planned[:MOST_SINGLE], copies, workers, progress))


@dataclass(frozen=True, eq=False)
class CopyScorer:
    """All that scores a copy at a place, as the map did."""

    ready: StreamedSurvey
    style: QueryStyle[Signature]
    copies: tuple[Copy, ...]
    scatter: Numbers
    footprints: tuple[Footprint, ...]
    least: float

    @classmethod
    def of(cls, evaluated: EvaluatedMap, workers: int, progress: Progress) -> CopyScorer:
        """Set up network, colours and reference of the map."""
        assert evaluated.survey is not None  # noqa: S101 - checked by the caller
        store = WorkStore.of(cache_folder(), {"injections": evaluated.provenance.to_dict()})
        ready = streamed(evaluated, Change("as it is"), evaluated.settings(workers), store, progress)
        query = evaluated.query.for_tiles(ready.settings.tile_size_deg, ready.projection)
        return cls(
            ready,
            ready.style(query),
            tuple(reference_copy(evaluated.survey, each) for each in evaluated.references),
            dark_scatter(evaluated.survey, evaluated),
            evaluated.footprints(),
            best_of(evaluated, evaluated.score),
        )

    def look(self, one: Injection, copies: tuple[Copy, ...]) -> tuple[float, float]:
        """Best score and best mean intensity of the tiles around a copy."""
        survey = self.ready.sky.survey
        altered = AlteredSurvey(survey, patch=copies[one.reference].patch(one, survey.beam_deg, self.scatter))
        scorer = self.ready.on(altered).scorer(self.style)
        tiles = [self.footprints[i] for i in one.tiles]
        score = float(np.nanmax([scorer.score(scorer.look(tile)) for tile in tiles]))
        return score, max(mean_intensity(altered, tile) for tile in tiles)

    def centred(self, one: Injection) -> Injection:
        """Return the injection on the very centre of its nearest tile."""
        tile = self.footprints[one.tiles[0]]
        moved = replace(one.footprint, lon_deg=tile.lon_deg, lat_deg=tile.lat_deg)
        return replace(one, footprint=moved, tiles=one.tiles[:1])


def best_of(evaluated: EvaluatedMap, ranking: Numbers) -> float:
    """Value from which a tile is among the best 1 % of the sky away from the references."""
    away = ~near_references(evaluated, EXCLUDE_DEG) & np.isfinite(ranking)
    return threshold_of_top(ranking[away], TOP, evaluated.centres.area[away])


def _changes(
    scorer: CopyScorer, planned: Sequence[Injection], copies: QTable, workers: int, progress: Progress
) -> QTable:
    """Try each change alone at the same places, the unchanged copy first; the whole test last."""
    beam_deg = scorer.ready.sky.survey.beam_deg
    whole = [one.unchanged() for one in planned]
    copied = scorer.copies
    kinds: dict[str, tuple[list[Injection], tuple[Copy, ...]]] = {
        "nothing, on the centre of a tile": ([scorer.centred(one) for one in whole], copied),
        "nothing": (whole, copied),
        "holes filled": (whole, tuple(copy.without_holes() for copy in copied)),
        "rotated": (
            [replace(one, footprint=old.footprint) for one, old in zip(whole, planned, strict=True)],
            copied,
        ),
        **{
            f"intensity × {scale:g}": ([replace(one, scale=scale) for one in whole], copied)
            for scale in SCALES[1::-1]
        },
        "blurred by half a beam": ([replace(one, blur_deg=beam_deg / 2) for one in whole], copied),
        "noise as the dark sky's": ([replace(one, noise=1.0) for one in whole], copied),
    }
    rows = []
    with progress.stage("Single changes", len(kinds) * len(planned), "copies") as counter:
        for name, (changed, put) in kinds.items():
            looked = ordered_map(partial(scorer.look, copies=put), changed, workers)
            scores = []
            for score, _ in looked:
                scores.append(score)
                counter.advance()
            rows.append(_row(name, np.array(scores), scorer.least))
    score_of, scale_of = np.asarray(copies["score"]), np.asarray(copies["scale"])
    for low, high in pairwise(SCALES):
        inside = (scale_of >= low) & (scale_of < high)
        rows.append(_row(f"all, intensity × {low:g} to {high:g}", score_of[inside], scorer.least))
    return QTable(rows=[*rows, _row("all", score_of, scorer.least)])


def _row(change: str, scores: Numbers, least: float) -> dict[str, object]:
    found, number = int(np.sum(scores >= least)), len(scores)
    low, high = share_interval(found, number)
    return {
        "change": change,
        "n": number,
        "found": found / number if number else np.nan,
        "low": low,
        "high": high,
        "score": float(np.mean(scores)) if number else np.nan,
    }

"""Copies of the reference as they are put elsewhere on the sky: where, how changed, and with which holes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import gaussian_filter

from skykin.core.errors import DataQualityError
from skykin.core.extent import Extent
from skykin.core.footprint import Footprint
from skykin.core.protocols import Survey
from skykin.core.shapes import BandValues, Numbers
from skykin.evaluation.turned import EXCLUDE_DEG
from skykin.jobs.judged_map import JudgedMap
from skykin.survey.derived.altered import Patch

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


def plan(judged: JudgedMap, number: int, seed: int) -> list[Injection]:
    """Choose places, angles, intensities, blurs and noise.

    Raises
    ------
    DataQualityError
        If the map has no empty place.
    """
    rng = np.random.default_rng(seed)
    centres, reference = judged.centres, judged.reference
    near = near_references(judged, min(EXCLUDE_DEG + reference.width_deg, 179.0))
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
        footprint = Footprint(lon, lat, copy_width_deg(reference), projection="TAN", turn_deg=turn)
        planned.append(
            Injection(
                footprint,
                float(rng.uniform(FAINTEST, BRIGHTEST)),
                float(rng.uniform(0, beam / 2)),
                float(rng.random()),
                int(rng.integers(1 << 31)),
                _tiles_around(judged, lon, lat),
                each % len(judged.references),
            )
        )
    return planned


def near_references(judged: JudgedMap, radius_deg: float) -> np.ndarray:
    """Tell which tiles are centred so near to a reference: bool array (tiles,)."""
    centres = judged.centres
    caps = (Extent(each.lon_deg, each.lat_deg, radius_deg) for each in judged.references)
    return np.asarray(np.any([cap.contains(centres.lon_deg, centres.lat_deg) for cap in caps], axis=0))


def _tiles_around(judged: JudgedMap, lon_deg: float, lat_deg: float) -> tuple[int, ...]:
    centres = judged.centres
    distance = Extent(lon_deg, lat_deg, 1.0).distance_deg(centres.lon_deg, centres.lat_deg)
    distance = np.where(np.isfinite(judged.score), distance, np.inf)
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


def dark_scatter(survey: Survey, judged: JudgedMap) -> Numbers:
    """Scatter of each band (3,) over the centres of the darker tiles away from the plane."""
    centres = judged.centres
    dark = (np.abs(centres.lat_deg) >= EMPTY_ABOVE_DEG) & (
        judged.intensity <= np.nanpercentile(judged.intensity, DARKER_HALF)
    )
    values, coverage = survey.sample(centres.lon_deg[dark], centres.lat_deg[dark])
    seen = values[coverage > 0].astype(np.float64)
    return np.asarray(PER_MAD * np.median(np.abs(seen - np.median(seen, axis=0)), axis=0))

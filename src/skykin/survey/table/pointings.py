"""Irregular pointings of a telescope."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from astropy.coordinates import SkyCoord
from astropy_healpix import HEALPix
from scipy.spatial import cKDTree

from skykin.core.errors import DataQualityError, SkyError, TooLargeError
from skykin.core.progress import SILENT
from skykin.core.protocols import Progress
from skykin.core.shapes import Angles, Degrees, Numbers
from skykin.core.sphere import chord, directions
from skykin.survey.base import About, galactic_positions
from skykin.survey.healpix.bands import HealpixBands

#: The Gaussian kernel has fallen to 0.2 % there.
CUT_BEAMS = 1.5
PIXELS_PER_BEAM = 4
LEAST_COVERAGE = 0.5
FINEST_NSIDE = 1024
PIXELS_AT_ONCE = 1 << 16
#: Pointings from which an empty pixel is filled.
FILL_NEIGHBOURS = 12
#: Two points of the unit sphere that are so close are the same.
TINY = 1e-12


@dataclass(frozen=True, eq=False)
class Pointings:
    """Values measured at positions on the sky.

    Parameters
    ----------
    lon_deg, lat_deg : float64 arrays (n,)
        Galactic positions, degrees; longitude is wrapped to [0, 360).
    values : float64 array (n, 3)
        One value per band, finite wherever it has weight.
    weight : float64 array (n, 3)
        Share of good data behind each value, 0 (none) to 1.
    beam_deg : float
        Full width of the beam, degrees.

    Raises
    ------
    SkyError
        If a position is not on the sky, naming its row.
    DataQualityError
        If there are no pointings, shapes differ, or a value or weight cannot be used, naming its row.
    """

    lon_deg: Degrees
    lat_deg: Degrees
    values: Numbers
    weight: Numbers
    beam_deg: float

    def __post_init__(self) -> None:
        for name in ("lon_deg", "lat_deg", "values", "weight"):
            object.__setattr__(self, name, np.array(getattr(self, name), np.float64))
        count = len(self)
        if count == 0:
            raise DataQualityError("there are 0 pointings, so there is no sky to show", code="DQ-FEWVALID")
        shapes = (self.lon_deg.shape, self.lat_deg.shape, self.values.shape, self.weight.shape)
        if shapes != ((count,), (count,), (count, 3), (count, 3)):
            raise DataQualityError(
                f"{count} longitudes do not fit latitudes {self.lat_deg.shape}, values {self.values.shape} "
                f"and weights {self.weight.shape}; give (n,), (n, 3) and (n, 3)",
                code="IN-DIM",
            )
        if not (math.isfinite(self.beam_deg) and 0 < self.beam_deg <= 90):
            raise SkyError(f"a beam of {self.beam_deg:g}° cannot be; use more than 0° and at most 90°")
        self._check_rows()
        # A tiny negative longitude is rounded up to 360 by one modulo.
        object.__setattr__(self, "lon_deg", self.lon_deg % 360.0 % 360.0)

    def __len__(self) -> int:
        return len(self.lon_deg)

    def _check_rows(self) -> None:
        on_sky = np.isfinite(self.lon_deg) & (np.abs(self.lat_deg) <= 90)
        if not on_sky.all():
            row = int(np.argmin(on_sky))
            raise SkyError(
                f"row {row + 1} of {len(self)} lies at l = {self.lon_deg[row]:g}°, "
                f"b = {self.lat_deg[row]:g}°, which is not on the sky; correct or remove it"
            )
        with_weight = (self.weight >= 0) & (self.weight <= 1)
        usable = (with_weight & (np.isfinite(self.values) | (self.weight == 0))).all(axis=1)
        if not usable.all():
            row = int(np.argmin(usable))
            raise DataQualityError(
                f"row {row + 1} of {len(self)} has values {self.values[row]} with weights "
                f"{self.weight[row]}; give finite values with weights from 0 to 1",
                code="DQ-NONFINITE",
            )

    def in_order(self) -> Pointings:
        """Return the same pointings sorted by all they hold, so that sums do not depend on the row order."""
        keys = [*self.weight.T, *self.values.T, self.lat_deg, self.lon_deg]
        order = np.lexsort(keys)
        return Pointings(
            self.lon_deg[order], self.lat_deg[order], self.values[order], self.weight[order], self.beam_deg
        )


def grid_pointings(pointings: Pointings, about: About, *, progress: Progress = SILENT) -> HealpixBands:
    r"""Bring pointings onto the coarsest HEALPix map that still shows the beam.

    .. math:: I_p = \frac{\sum_i k_{pi} w_i I_i}{\sum_i k_{pi} w_i}, \qquad
              c_p = \min_{bands} \frac{\sum_i k_{pi} w_i}{\sum_i k_{pi}}, \qquad
              k_{pi} = 2^{-4 d_{pi}^2 / b^2}

    with the distance :math:`d` from pixel to pointing and the beam's full width :math:`b`; the kernel ends
    at 1.5 beams.  Coverage is 0, and the pixel masked, where it is below one half or the nearest pointing
    with weight is farther than a beam.  With less than half, the average fades over to one of the nearest
    pointings that have weight, so that masked pixels are filled smoothly, of good data only.

    Parameters
    ----------
    pointings : Pointings
    about : About
        Names and sources for the survey made of them.
    progress : Progress

    Returns
    -------
    HealpixBands
        On the smallest NSIDE whose pixels are not wider than a quarter of the beam.

    Raises
    ------
    DataQualityError
        If a band has no weight at all.
    TooLargeError
        If the beam asks for a map finer than NSIDE 1024.

    Notes
    -----
    The values were smoothed by the beam when they were measured; the kernel smooths once more, so that the
    map resolves about √2 beams.
    """
    ordered = with_data(pointings, about)
    grid = HEALPix(nside_for(pointings.beam_deg), order="ring")
    kernel = BeamKernel(ordered)
    values = np.empty((grid.npix, 3), np.float32)
    coverage = np.empty(grid.npix, np.float32)
    with progress.stage("Gridding pointings", grid.npix, "pixels") as counter:
        for start in range(0, grid.npix, PIXELS_AT_ONCE):
            pixels = np.arange(start, min(start + PIXELS_AT_ONCE, grid.npix))
            lon, lat = grid.healpix_to_lonlat(pixels)
            values[pixels], coverage[pixels] = kernel.average(directions(lon.deg, lat.deg))
            counter.advance(len(pixels))
    return HealpixBands(values, coverage, pointings.beam_deg, about, gridding_by(pointings.beam_deg))


def with_data(pointings: Pointings, about: About) -> Pointings:
    """Pointings in order, if each band has data.

    Raises
    ------
    DataQualityError
        If a band has no weight at all.
    """
    ordered = pointings.in_order()
    for band, weight in zip(about.bands, ordered.weight.T, strict=True):
        if not weight.any():
            raise DataQualityError(f"0 of {len(ordered)} pointings have data in the band {band}")
    return ordered


def gridding_by(beam_deg: float) -> str:
    """Say how values come onto the map."""
    return (
        f"Gaussian kernel, FWHM {beam_deg:g} deg, cut at {CUT_BEAMS * beam_deg:g} deg; "
        f"masked below coverage {LEAST_COVERAGE:g}"
    )


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class NoisyPointings(HealpixBands):
    """Pointings on a HEALPix map that know their noise.

    Parameters
    ----------
    pointings : Pointings
    noise : float64 array (n, 3)
        Standard deviation of each pointing's values.
    """

    pointings: Pointings
    noise: Numbers

    def noise_at(self, lon: Angles | SkyCoord, lat: Angles | None = None) -> Numbers:
        """Return the standard deviation of the intensity, as the nearest pointing with data has it."""
        good = np.flatnonzero(self.pointings.weight.min(axis=1) > 0)
        tree = cKDTree(directions(self.pointings.lon_deg[good], self.pointings.lat_deg[good]))
        _, nearest = tree.query(directions(*galactic_positions(lon, lat)))
        return np.asarray(np.sqrt((self.noise[:, self.intensity_bands] ** 2).sum(axis=1))[good[nearest]])

    def resampled(self, seed: int) -> HealpixBands:
        """Return the survey with a further realisation of its noise: on every pointing, gridded again.

        The noise comes on top of what the values have already, so that a picture has twice its variance.
        """
        shift = np.random.default_rng(seed).normal(size=self.noise.shape) * self.noise
        return grid_pointings(replace(self.pointings, values=self.pointings.values + shift), self.about)


def grid_with_noise(
    pointings: Pointings, noise: Numbers, about: About, *, progress: Progress = SILENT
) -> NoisyPointings:
    """Bring pointings onto a map as `grid_pointings` does, and keep them with their noise."""
    made = grid_pointings(pointings, about, progress=progress)
    return NoisyPointings(
        values=made.values,
        coverage=made.coverage,
        beam_deg=made.beam_deg,
        about=made.about,
        gridding=made.gridding,
        pointings=pointings,
        noise=np.asarray(noise, dtype=np.float64),
    )


class BeamKernel:
    """The beam-wide average of pointings about any direction."""

    def __init__(self, pointings: Pointings) -> None:
        self.pointings = pointings
        self.directions = directions(pointings.lon_deg, pointings.lat_deg)
        self.tree = cKDTree(self.directions)

    def average(self, at: Numbers) -> tuple[Numbers, Numbers]:
        """Values (n, 3) and coverage (n,) at unit vectors (n, 3)."""
        beam = self.pointings.beam_deg
        pairs = cKDTree(at).sparse_distance_matrix(self.tree, chord(CUT_BEAMS * beam), output_type="ndarray")
        pixel, pointing = pairs["i"], pairs["j"]
        distance_deg = np.degrees(2 * np.arcsin(np.minimum(pairs["v"] / 2, 1)))
        k = np.exp2(-4 * (distance_deg / beam) ** 2)
        everything = np.bincount(pixel, k, len(at))
        values, coverage = np.empty((len(at), 3)), np.ones(len(at))
        nearest: dict[bytes, tuple[Numbers, Numbers]] = {}
        for band in range(3):
            weight = self.pointings.weight[pointing, band]
            total = np.bincount(pixel, k * weight, len(at))
            near = np.bincount(pixel[(weight > 0) & (distance_deg <= beam)], minlength=len(at)) > 0
            summed = np.bincount(pixel, _product(k * weight, self.pointings.values[pointing, band]), len(at))
            here = total > 0
            share = np.where(here, total / np.where(here, everything, 1), 0)
            values[:, band] = np.where(here, summed / np.where(here, total, 1), 0)
            thin = share < LEAST_COVERAGE
            if thin.any():
                # Few pointings far away make cells with edges: fade over to the smoother average.
                trust = share[thin] / LEAST_COVERAGE
                good = self.pointings.weight[:, band] > 0
                # Bands mostly have the same holes.
                same = good.tobytes() + thin.tobytes()
                if same not in nearest:
                    nearest[same] = self._nearest(at[thin], np.flatnonzero(good))
                filled = self._fill(*nearest[same], band)
                values[thin, band] = trust * values[thin, band] + (1 - trust) * filled
            coverage = np.minimum(coverage, np.where(near, share, 0))
        return values, np.where(coverage < LEAST_COVERAGE, 0, coverage)

    def _nearest(self, at: Numbers, good: Numbers) -> tuple[Numbers, Numbers]:
        """Distances and rows (n, neighbours) of the nearest of the pointings `good`."""
        count = min(FILL_NEIGHBOURS, len(good))
        distance, nearest = cKDTree(self.directions[good]).query(at, count)
        return distance.reshape(len(at), count), good[nearest].reshape(len(at), count)

    def _fill(self, distance: Numbers, nearest: Numbers, band: int) -> Numbers:
        """Average the nearest pointings with Franke and Little's weights, which fall smoothly to 0."""
        reach = 1.01 * np.maximum(distance[:, -1:], TINY)
        distance = np.maximum(distance, TINY)
        weight = ((reach - distance) / (reach * distance)) ** 2 * self.pointings.weight[nearest, band]
        return np.asarray((weight * self.pointings.values[nearest, band]).sum(axis=1) / weight.sum(axis=1))


def _product(weight: Numbers, values: Numbers) -> Numbers:
    """Multiply, and take a value without weight as 0 even when it is NaN."""
    return weight * np.where(weight > 0, values, 0)


def nside_for(beam_deg: float) -> int:
    """Smallest NSIDE whose pixels are not wider than a quarter of the beam.

    Raises
    ------
    TooLargeError
        If it is more than 1024.
    """
    nside = 1
    while math.degrees(math.sqrt(math.pi / 3) / nside) > beam_deg / PIXELS_PER_BEAM:
        nside *= 2
    if nside > FINEST_NSIDE:
        raise TooLargeError(
            f"a beam of {beam_deg:g}° needs a map of NSIDE {nside}, but {FINEST_NSIDE} is the finest that "
            "Skykin makes of pointings; smooth the survey first"
        )
    return nside

"""Pointings on a HEALPix map that know their noise."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import cKDTree

from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress
from skykin.core.shapes import Degrees, Numbers
from skykin.core.sphere import directions
from skykin.survey.about import About
from skykin.survey.healpix.bands import HealpixBands
from skykin.survey.table.pointings import Pointings, grid_pointings

SILENT = SilentProgress()


@dataclass(frozen=True, eq=False, kw_only=True)
class NoisyPointings(HealpixBands):
    """A HealpixBands made of pointings whose noise is known.

    Parameters
    ----------
    pointings : Pointings
    noise : float64 array (n, 3)
        Standard deviation of each pointing's values.
    """

    pointings: Pointings
    noise: Numbers

    def noise_at(self, lon_deg: Degrees, lat_deg: Degrees) -> Numbers:
        """Return the noise of the sum of the bands, as the nearest pointing with data has it."""
        good = np.flatnonzero(self.pointings.weight.min(axis=1) > 0)
        tree = cKDTree(directions(self.pointings.lon_deg[good], self.pointings.lat_deg[good]))
        _, nearest = tree.query(directions(lon_deg, lat_deg))
        return np.asarray(np.sqrt((self.noise**2).sum(axis=1))[good[nearest]])

    def resampled(self, seed: int) -> HealpixBands:
        """Return what the survey might have seen instead: every pointing with new noise, gridded again.

        The noise comes on top of what the values have already, so that a picture has twice its variance.
        """
        shift = np.random.default_rng(seed).normal(size=self.noise.shape) * self.noise
        return grid_pointings(replace(self.pointings, values=self.pointings.values + shift), self.about)


def grid_with_noise(
    pointings: Pointings, noise: Numbers, about: About, *, progress: Progress = SILENT
) -> NoisyPointings:
    """Bring pointings onto a map as `grid_pointings` does, and keep what it takes to do so again."""
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

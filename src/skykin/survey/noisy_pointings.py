"""Pointings on a HEALPix map that know their noise."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress
from skykin.core.shapes import Numbers
from skykin.survey.about import About
from skykin.survey.healpix_bands import HealpixBands
from skykin.survey.pointings import Pointings, grid_pointings

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

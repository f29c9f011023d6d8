"""Pictures made of a cube's channels: bands, single channels and moments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skykin.core.sampling import windows
from skykin.core.shapes import Numbers
from skykin.survey.fits.pixels import Cube
from skykin.survey.fits.spectral_axis import SpectralAxis
from skykin.survey.velocity_bands import LEAST_COVERED

#: Channels read at a time.
CHANNELS_AT_ONCE = 64
#: Moments use channels that are so many times brighter than the noise.
SIGNAL_TO_NOISE = 3.0
NOISE_WINDOWS, NOISE_PIXELS = 3, 32


@dataclass(frozen=True, eq=False)
class BandPixels:
    r"""A cube integrated over a band of velocity, scaled up for blank channels.

    .. math:: I_b = \frac{\sum_c D_c \, o_{cb}}{\sum_c o_{cb}} (v_2 - v_1)

    with the overlap :math:`o_{cb}` of channel and band; blank where less than half of the band is covered.

    Parameters
    ----------
    cube : Cube
    overlap_km_s : float64 array (channels,)
    width_km_s : float
        Width of the band.
    """

    cube: Cube
    overlap_km_s: Numbers
    width_km_s: float

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.cube.shape[1], self.cube.shape[2]

    def window(self, row: int, column: int, rows: int, columns: int) -> Numbers:
        """Integrate a rectangle."""
        used = np.flatnonzero(self.overlap_km_s)
        total, covered = np.zeros((rows, columns)), np.zeros((rows, columns))
        for start in range(int(used[0]), int(used[-1]) + 1, CHANNELS_AT_ONCE):
            stop = min(start + CHANNELS_AT_ONCE, int(used[-1]) + 1)
            data = self.cube.part(slice(start, stop), slice(row, row + rows), slice(column, column + columns))
            overlap = self.overlap_km_s[start:stop]
            known = np.isfinite(data)
            total += np.tensordot(overlap, np.where(known, data, 0), 1)
            covered += np.tensordot(overlap, known.astype(np.float64), 1)
        enough = covered >= LEAST_COVERED * self.width_km_s
        mean = total / np.where(enough, covered, 1)
        return np.where(enough, mean * self.width_km_s, np.nan).astype(np.float32)


@dataclass(frozen=True, eq=False)
class MomentPixels:
    r"""A moment of the spectra.

    .. math:: M_0 = \sum_c D_c \Delta v_c, \quad M_1 = \frac{\sum_c D_c v_c}{\sum_c D_c}, \quad
              M_2 = \sqrt{\frac{\sum_c D_c (v_c - M_1)^2}{\sum_c D_c}}

    over all channels for :math:`M_0`, and over those above three times the noise for the others, which are
    blank where there are none.

    Parameters
    ----------
    cube : Cube
    order : {0, 1, 2}
    line : SpectralAxis
    noise : float
        Standard deviation of the noise in one channel.
    """

    cube: Cube
    order: int
    line: SpectralAxis
    noise: float

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.cube.shape[1], self.cube.shape[2]

    def window(self, row: int, column: int, rows: int, columns: int) -> Numbers:
        """Compute the moment of a rectangle."""
        velocity = self.line.velocity_km_s
        width = np.ptp(self.line.edges_km_s, axis=0)
        sums = np.zeros((4, rows, columns))
        for start in range(0, len(velocity), CHANNELS_AT_ONCE):
            part = slice(start, min(start + CHANNELS_AT_ONCE, len(velocity)))
            data = self.cube.part(part, slice(row, row + rows), slice(column, column + columns))
            known = np.isfinite(data)
            if self.order == 0:
                sums[0] += np.tensordot(width[part], np.where(known, data, 0), 1)
                sums[3] += known.sum(axis=0)
                continue
            bright = np.where(known & (data > SIGNAL_TO_NOISE * self.noise), data, 0)
            for power in range(3):
                sums[power] += np.tensordot(width[part] * velocity[part] ** power, bright, 1)
        if self.order == 0:
            return np.where(sums[3] > 0, sums[0], np.nan).astype(np.float32)
        total = np.where(sums[0] > 0, sums[0], np.nan)
        mean = sums[1] / total
        result = mean if self.order == 1 else np.sqrt(np.maximum(sums[2] / total - mean**2, 0))
        return np.asarray(result, np.float32)


def noise_of(cube: Cube) -> float:
    """Noise in one channel, from the differences of neighbouring channels (1.4826 MAD / √2)."""
    channels, rows, columns = cube.shape
    differences = []
    for down in windows(rows, NOISE_PIXELS, NOISE_WINDOWS):
        for across in windows(columns, NOISE_PIXELS, NOISE_WINDOWS):
            data = cube.part(
                slice(0, min(channels, 4 * CHANNELS_AT_ONCE)),
                slice(down.start, down.stop),
                slice(across.start, across.stop),
            )
            differences.append(np.diff(data, axis=0).ravel())
    step = np.concatenate(differences)
    step = step[np.isfinite(step)]
    return float(1.4826 * np.median(np.abs(step)) / np.sqrt(2)) if len(step) else 0.0

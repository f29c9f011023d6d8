"""Spectra integrated over velocity bands."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skykin.core.shapes import Numbers
from skykin.core.survey_options import Band

#: Spectra worked on at a time; 4096 of 151 channels need some 50 MB.
ROWS_AT_ONCE = 4096
#: A spectrum that covers less than this share of a band says nothing about the band.
LEAST_COVERED = 0.5


def integrate_bands(
    velocity_km_s: Numbers, intensity: Numbers, bands_km_s: Sequence[Band]
) -> tuple[Numbers, Numbers]:
    r"""Integrate each spectrum over each band, scaled up for what the spectrum leaves out.

    .. math:: I_b = \frac{\sum_c D_c \, o_{cb}}{\sum_c o_{cb}} (v_2 - v_1), \qquad
              w_b = \frac{\sum_c o_{cb}}{v_2 - v_1}

    where channel :math:`c` is the bin between the midpoints to its neighbours and :math:`o_{cb}` is its
    overlap with the band, so that channels cut by an edge count by their share.

    Parameters
    ----------
    velocity_km_s, intensity : arrays (spectra, channels)
        Each spectrum on its own velocity grid, in any order of channels; slots that are not finite are empty.
    bands_km_s : pairs of float

    Returns
    -------
    values : float64 array (spectra, bands)
        In units of `intensity` × km/s; 0 where the weight is 0.
    weight : float64 array (spectra, bands)
        Share of the band that the spectrum covers; 0 where that is less than half.
    """
    shape = (len(velocity_km_s), len(bands_km_s))
    values, weight = np.zeros(shape), np.zeros(shape)
    for start in range(0, len(velocity_km_s), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        left, right, data = _bins(velocity_km_s[part], intensity[part])
        for band, (low, high) in enumerate(bands_km_s):
            overlap = np.minimum(right, high) - np.maximum(left, low)
            overlap = np.where(overlap > 0, overlap, 0)  # NaN edges of empty slots become 0 as well
            covered = overlap.sum(axis=1)
            enough = covered >= LEAST_COVERED * (high - low)
            mean = (data * overlap).sum(axis=1) / np.where(enough, covered, 1)
            values[part, band] = np.where(enough, mean * (high - low), 0)
            weight[part, band] = np.where(enough, np.minimum(covered / (high - low), 1), 0)
    return values, weight


def band_variance(velocity_km_s: Numbers, variance: Numbers, bands_km_s: Sequence[Band]) -> Numbers:
    r"""Variance of what `integrate_bands` gives, for channels that are independent.

    .. math:: V_b = \Big(\frac{v_2 - v_1}{\sum_c o_{cb}}\Big)^2 \sum_c V_c \, o_{cb}^2

    Parameters
    ----------
    velocity_km_s, variance : arrays (spectra, channels)
        Slots that are not finite are empty.
    bands_km_s : pairs of float

    Returns
    -------
    float64 array (spectra, bands)
        In units of `variance` × (km/s)²; 0 where nothing is covered.
    """
    found = np.zeros((len(velocity_km_s), len(bands_km_s)))
    for start in range(0, len(velocity_km_s), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        left, right, data = _bins(velocity_km_s[part], variance[part])
        for band, (low, high) in enumerate(bands_km_s):
            overlap = np.minimum(right, high) - np.maximum(left, low)
            overlap = np.where(overlap > 0, overlap, 0)
            covered = overlap.sum(axis=1)
            scale = (high - low) / np.where(covered > 0, covered, 1)
            found[part, band] = scale**2 * (data * overlap**2).sum(axis=1)
    return found


def _bins(velocity: Numbers, intensity: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Left and right edges of every channel, NaN for empty slots, and the data, 0 there."""
    velocity = np.where(np.isfinite(velocity), velocity, np.nan).astype(np.float64)
    order = np.argsort(velocity, axis=1, kind="stable")  # NaN goes to the end
    velocity = np.take_along_axis(velocity, order, axis=1)
    data = np.take_along_axis(intensity.astype(np.float64), order, axis=1)
    half = np.diff(velocity, axis=1) / 2
    # The first and the last channel are as wide as their one neighbour says.
    blank = np.full((len(velocity), 1), np.nan)
    before, after = np.hstack([blank, half]), np.hstack([half, blank])
    left = velocity - np.where(np.isnan(before), after, before)
    right = velocity + np.where(np.isnan(after), before, after)
    measured = np.isfinite(data)
    return np.where(measured, left, np.nan), right, np.where(measured, data, 0)

"""The range of values that were measured: one that is too far from all others is a fault of the detector."""

from __future__ import annotations

import math

import numpy as np

from skykin.core.shapes import Numbers

#: A value is a fault if it is so many times farther from the median than 99 % of the values are.  The
#: brightest stars of an image are some million times above its noise.
FARTHEST = 1e8


def plausible_range(values: Numbers) -> tuple[float, float]:
    r"""Give the lowest and the highest value that may have been measured.

    .. math:: m \pm 10^8 \, d, \qquad m = \mathrm{median}(I), \quad d = P_{99}(|I - m|)

    Where more than 99 % of the values are equal, :math:`d` is the median distance of the others.

    Parameters
    ----------
    values : array
        A sample; what is not finite is left out.

    Returns
    -------
    low, high : float
        Infinite where all values are equal or there is none.
    """
    known = values[np.isfinite(values)].astype(np.float64)
    if not len(known):
        return -math.inf, math.inf
    middle = float(np.median(known))
    distance = np.abs(known - middle)
    reach = float(np.percentile(distance, 99))
    if not reach and distance.any():
        reach = float(np.median(distance[distance > 0]))
    if not reach:
        return -math.inf, math.inf
    return middle - FARTHEST * reach, middle + FARTHEST * reach


def without_faults(values: Numbers) -> Numbers:
    """Give values with NaN for what is not finite, and for what cannot have been measured."""
    lowest, highest = plausible_range(values)
    with np.errstate(invalid="ignore", over="ignore"):
        good = np.isfinite(values) & (values >= lowest) & (values <= highest)
    return values if good.all() else np.where(good, values, values.dtype.type(np.nan))

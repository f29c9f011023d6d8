"""The interval of a share that was counted."""

from __future__ import annotations

import math

from scipy.stats import norm


def share_interval(found: int, number: int, confidence: float = 0.95) -> tuple[float, float]:
    r"""Interval of a share, of which `found` in `number` independent trials were counted.

    .. math:: \frac{1}{1 + z^2/n} \left( p + \frac{z^2}{2n}
              \pm z \sqrt{\frac{p (1 - p)}{n} + \frac{z^2}{4 n^2}} \right)

    Returns
    -------
    two floats
        0 to 1; NaN without trials.

    References
    ----------
    Wilson 1927, Journal of the American Statistical Association 22, 209.
    """
    if not number:
        return math.nan, math.nan
    z, p = float(norm.ppf((1 + confidence) / 2)), found / number
    middle = p + z * z / (2 * number)
    half = z * math.sqrt(p * (1 - p) / number + z * z / (4 * number**2))
    shrunk = 1 + z * z / number
    return max(0.0, (middle - half) / shrunk), min(1.0, (middle + half) / shrunk)

"""Checks of a HEALPix map: undeclared pixels without data, and an ordering that the values contradict."""

from __future__ import annotations

import math

import numpy as np
from astropy_healpix.core import neighbours

from skykin.core.errors import shown
from skykin.core.protocols import Progress
from skykin.core.shapes import Numbers
from skykin.core.survey_options import Ordering
from skykin.survey.plausible import plausible_range

#: HEALPix writes −1.6375e30 for a pixel that was not observed; rounding and scaling move it a little.
UNSEEN, NEARLY_UNSEEN = -1.6375e30, -1.6e30
#: Values that often mean "no data" although the header does not say so.
SENTINELS = (-32768.0, -9999.0, -999.0, -99.0, 1e20)
SUSPICIOUS_SHARE = 1e-3
#: A measured value is hardly ever exactly 0, but some sky may be.
SUSPICIOUS_ZEROS = 0.02
#: The right ordering makes neighbours alike; another must be so much smoother to be reported.
CLEARLY_SMOOTHER = 4.0
CHECKED_PIXELS = 20_000
#: A coarser map has too few similar neighbours.
LEAST_NSIDE = 8


def mask_unseen(values: Numbers, blank: float | None) -> None:
    """Set to NaN, in place, what was not observed.

    That is UNSEEN or, in data that are far smaller, near it; infinite; too large to have been measured; and
    equal to `blank`.
    """
    with np.errstate(invalid="ignore", over="ignore"):  # limits beyond single precision are none
        low, high = plausible_range(values[values >= NEARLY_UNSEEN])
        low = NEARLY_UNSEEN if math.isinf(low) else low
        values[~np.isfinite(values) | np.isclose(values, UNSEEN, rtol=1e-5, atol=0)] = np.nan
        values[(values < low) | (values > high)] = np.nan
    if blank is not None:
        values[values == np.float32(blank)] = np.nan


def check_sentinels(values: Numbers, name: str, progress: Progress, *, counted: bool = False) -> None:
    """Say so if a value that often means "no data" is frequent.

    Exactly 0 is one, unless the values are `counted`: whole numbers begin there.
    """
    for sentinel in SENTINELS if counted else (*SENTINELS, 0.0):
        share = float((values == np.float32(sentinel)).mean())
        if share > (SUSPICIOUS_SHARE if sentinel else SUSPICIOUS_ZEROS):
            progress.say(
                f"{share:.2g} of the pixels of {shown(name)} have the value {sentinel:g}, which often means "
                f"no data: give --survey-option blank={sentinel:g} to mask them"
            )


def check_ordering(stored: Numbers, nside: int, order: Ordering, name: str, progress: Progress) -> None:
    """Say so if neighbours would be far more alike in the other ordering than the one that is declared.

    Parameters
    ----------
    stored : array (npix,)
        Values as the file has them; NaN takes no part.
    nside : int
    order : {"ring", "nested"}
        What the file says.
    name : str
        Of the file.
    progress : Progress
    """
    if nside < LEAST_NSIDE:
        return
    other: Ordering = "ring" if order == "nested" else "nested"
    if CLEARLY_SMOOTHER * _roughness(stored, nside, other) < _roughness(stored, nside, order):
        progress.say(
            f"SKY-ORDER: {shown(name)} says {order.upper()}, but neighbours are far more alike in the "
            f"other order: if its pictures look scrambled, give --survey-option ordering={other}"
        )


def _roughness(stored: Numbers, nside: int, order: Ordering) -> float:
    """Mean square of the difference in rank between neighbours; ranks, because few values may be far out."""
    pixels = np.arange(0, len(stored), max(1, len(stored) // CHECKED_PIXELS))
    with np.errstate(invalid="ignore"):  # where a pixel has but seven neighbours
        around = neighbours(pixels, nside, order=order)
    here, there = stored[pixels][None, :], stored[np.maximum(around, 0)]
    good = np.isfinite(here) & np.isfinite(there) & (around >= 0)
    if not good.any():
        return 0.0
    by_size = np.sort(here[np.isfinite(here)])
    step = np.searchsorted(by_size, there) - np.searchsorted(by_size, here)
    return float((step[good].astype(np.float64) ** 2).mean())

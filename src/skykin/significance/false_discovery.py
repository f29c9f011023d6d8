"""False discovery rates of what was tested, from its p-values."""

from __future__ import annotations

import numpy as np

from skykin.core.errors import UsageError
from skykin.core.shapes import Numbers


def q_values(p: Numbers, at: Numbers | None = None) -> Numbers:
    r"""Smallest false discovery rate at which something is a discovery, among what was tested.

    .. math:: q(p) = \min_{s \ge p} \min\Big(1, \frac{s N}{\max(1, \#\{p_j \le s\})}\Big)

    For what was tested itself this is the step-up rule of Benjamini and Hochberg.

    Parameters
    ----------
    p : array (n,)
        p-values of what was tested, from 0 to 1; NaN was not.
    at : array (m,), optional
        p-values of which q is wanted, such as those of tiles beside a peak; those of `p` if left out.

    Returns
    -------
    float64 array (m,)
        From 0 to 1, never falling with p; NaN where p is.

    Raises
    ------
    UsageError
        If a p-value is not between 0 and 1.

    References
    ----------
    Benjamini & Hochberg 1995, JRSS B 57, 289.
    """
    p = np.asarray(p, dtype=np.float64)
    wanted = p if at is None else np.asarray(at, dtype=np.float64)
    ordered = np.sort(p[~np.isnan(p)])
    _check_p(ordered)
    _check_p(wanted[~np.isnan(wanted)])
    return _smallest_rate(ordered, wanted, 0)


def q_of_one_more(p: Numbers, more: Numbers) -> Numbers:
    """Give the q-value that each of some others would have beside all of these, one at a time.

    Parameters
    ----------
    p : array (n,)
        As for `q_values`; NaN was not tested.
    more : array (m,)
        p-values of the others.

    Returns
    -------
    float64 array (m,)
        For each what `q_values` gives it when it is appended; NaN where it is.
    """
    p = np.asarray(p, dtype=np.float64)
    return _smallest_rate(np.sort(p[~np.isnan(p)]), np.asarray(more, dtype=np.float64), 1)


def _check_p(values: Numbers) -> None:
    if values.size and not (values.min() >= 0 and values.max() <= 1):
        found = f"{values.min():g} to {values.max():g}"
        raise UsageError(f"p-values lie between 0 and 1, but these reach from {found}")


def _smallest_rate(ordered: Numbers, at: Numbers, more: int) -> Numbers:
    """Smallest rate from a p-value on, among growing ones and so many more below it."""
    number = len(ordered) + more
    # Equal p-values are called together.
    called = np.searchsorted(ordered, ordered, side="right") + more
    rates = ordered * number / called
    climbing = np.append(np.minimum.accumulate(rates[::-1])[::-1], np.inf)
    below = np.searchsorted(ordered, at, side="right")
    alone = at * number / np.maximum(below + more, 1)
    found = np.minimum(np.minimum(alone, climbing[below]), 1.0)
    return np.where(np.isnan(at), np.nan, found)

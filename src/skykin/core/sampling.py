"""Samples of numbered things."""

from __future__ import annotations

import numpy as np

from skykin.core.shapes import Numbers


def evenly(total: int, wanted: int) -> Numbers:
    """Choose some of `total` items, evenly spread, the first and the last among them.

    Returns
    -------
    int array (at most `wanted`,)
        Their numbers, in order.
    """
    if not total:
        return np.arange(0)
    return np.unique(np.linspace(0, total - 1, min(total, wanted)).round().astype(int))

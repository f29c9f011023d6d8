"""Samples of numbered things, spread evenly."""

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


def windows(total: int, size: int, wanted: int) -> list[range]:
    """Place windows of `size` evenly on `total` items, the first at the start and the last at the end.

    Returns
    -------
    list of range (at most `wanted`)
        Shorter than `size` only where there are fewer items.
    """
    starts = np.unique(np.linspace(0, max(total - size, 0), wanted).astype(int))
    return [range(start, min(start + size, total)) for start in starts.tolist()]

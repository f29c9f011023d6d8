"""A tile with half as many pixels along its sides: means of colours and numbers, and labels as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from skykin.core.shapes import Numbers
from skykin.products.hips.encoding import BLANK

Reduce: TypeAlias = Callable[[Numbers], Numbers]


def mean_numbers(tile: Numbers) -> Numbers:
    """Mean of each four numbers, float32 (rows, columns); those that are NaN do not count."""
    four = _fours(tile)
    seen = np.isfinite(four)
    count = seen.sum(axis=0)
    total = np.where(seen, four, 0).sum(axis=0, dtype=np.float64)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)


def mean_colours(tile: Numbers) -> Numbers:
    """Mean of each four colours, uint8 (rows, columns, 4); transparent ones do not count."""
    four = _fours(tile).astype(np.uint32)
    weight = (four[..., 3:] > 0).astype(np.uint32)
    count = weight.sum(axis=0)
    mean = ((four[..., :3] * weight).sum(axis=0) + count // 2) // np.maximum(count, 1)
    return np.concatenate([mean, np.where(count > 0, 255, 0)], axis=-1).astype(np.uint8)


def picked_labels(tile: Numbers) -> Numbers:
    """One label of each four, int16 (rows, columns): the first that is one."""
    four = _fours(tile)
    found = four[3]
    for other in four[2::-1]:
        found = np.where(other != BLANK, other, found)
    return np.asarray(found, tile.dtype)


def picked_colours(tile: Numbers) -> Numbers:
    """One colour of each four, uint8 (rows, columns, 4): the first that is not transparent."""
    four = _fours(tile)
    found = four[3]
    for other in four[2::-1]:
        found = np.where(other[..., 3:] > 0, other, found)
    return np.asarray(found, np.uint8)


def _fours(tile: Numbers) -> Numbers:
    """Upper left, upper right, lower left and lower right of each four pixels."""
    return np.stack([tile[row::2, column::2] for row in (0, 1) for column in (0, 1)])

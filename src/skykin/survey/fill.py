"""Values where nothing was observed, filled from around."""

from __future__ import annotations

import numpy as np

from skykin.core.shapes import BandValues, Coverage, Numbers


def filled(values: BandValues, coverage: Coverage) -> BandValues:
    r"""Fill values without coverage from the covered ones around them.

    Positions of a picture ``(rows, columns)`` are averaged over ever larger squares, and each hole takes
    the smallest square that holds something, smoothly ("pull–push").  Positions in any other shape take
    the mean of the covered ones.

    Parameters
    ----------
    values : array (..., bands)
        Whatever stands where coverage is 0, NaN included, is not looked at.
    coverage : array (...)

    Returns
    -------
    array (..., bands)
        Finite everywhere; 0 where nothing at all is covered.

    References
    ----------
    Gortler et al. 1996, SIGGRAPH, 43 (pull–push; here with the mean of 2 × 2 as the filter).
    """
    seen = np.asarray(coverage) > 0
    if seen.all():
        return values
    known = np.where(seen[..., None], values, 0).astype(np.float32)
    if seen.ndim != 2:
        mean = known.sum(axis=tuple(range(seen.ndim)), dtype=np.float64) / max(int(seen.sum()), 1)
        return np.where(seen[..., None], known, mean.astype(np.float32))
    return np.where(seen[..., None], known, _around(known, seen.astype(np.float32)))


def _around(known: Numbers, weight: Numbers) -> Numbers:
    """Return the picture with its holes filled from its own smaller versions."""
    if max(weight.shape) == 1:
        return known
    rows, columns = weight.shape
    wide = ((0, rows % 2), (0, columns % 2))
    total = np.pad(known * weight[..., None], (*wide, (0, 0)))
    count = np.pad(weight, wide)
    total, count = _halved(total), _halved(count)
    mean = total / np.maximum(count, 1e-12)[..., None]
    coarse = _around(np.where(count[..., None] > 0, mean, 0), np.minimum(count, 1))
    fine = _doubled(_doubled(coarse, 0), 1)[:rows, :columns]
    return np.asarray(weight[..., None] * known + (1 - weight[..., None]) * fine)


def _halved(array: Numbers) -> Numbers:
    rows, columns, *rest = array.shape
    return np.asarray(array.reshape(rows // 2, 2, columns // 2, 2, *rest).sum(axis=(1, 3)))


def _doubled(array: Numbers, axis: int) -> Numbers:
    """Twice as many samples along an axis, each a quarter of the way to the neighbour."""
    before = np.concatenate([array.take([0], axis), array.take(range(array.shape[axis] - 1), axis)], axis)
    after = np.concatenate([array.take(range(1, array.shape[axis]), axis), array.take([-1], axis)], axis)
    pair = np.stack([0.75 * array + 0.25 * before, 0.75 * array + 0.25 * after], axis + 1)
    shape = list(array.shape)
    shape[axis] *= 2
    return pair.reshape(shape)

"""Values of a picture, some rows at a time; where nothing was observed, mirrored in from around."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.ndimage import distance_transform_edt

from skykin.core.shapes import BandValues, Coverage, Numbers

#: A mirror image may fall into a hole again; after so many mirrors the nearest value is taken.
MOST_MIRRORS = 8
#: Rows of a picture that are looked at together: bounds the memory.
ROWS_AT_ONCE = 64


def in_rows(look: Callable[..., tuple[Numbers, ...]], *positions: Numbers) -> tuple[Numbers, ...]:
    """Call a function of arrays of one shape some rows at a time, where these form a picture.

    Holes are `filled` after that, over the whole picture: some rows alone may hold nothing to fill them from.
    """
    rows = len(positions[0]) if positions[0].ndim == 2 else 0
    if rows <= ROWS_AT_ONCE:
        return look(*positions)
    starts = range(0, rows, ROWS_AT_ONCE)
    parts = [look(*(each[start : start + ROWS_AT_ONCE] for each in positions)) for start in starts]
    return tuple(np.concatenate(each) for each in zip(*parts, strict=True))


def filled(values: BandValues, coverage: Coverage) -> BandValues:
    r"""Fill values without coverage with what lies around them.

    In a picture ``(rows, columns)`` a hole is filled by mirrors: the position :math:`p` takes the value at
    :math:`2q - p`, where :math:`q` is the nearest covered position.  The hole continues the structure around
    it, so that a network that reads across its edge sees neither an edge nor a blank.  Positions in any
    other shape take the mean of the covered ones.

    Parameters
    ----------
    values : array (..., bands)
        Values where coverage is 0, NaN included, are ignored.
    coverage : array (...)

    Returns
    -------
    array (..., bands)
        Finite everywhere; 0 where nothing at all is covered.
    """
    seen = np.asarray(coverage) > 0
    if seen.all():
        return values
    known = np.where(seen[..., None], values, 0).astype(np.float32)
    if seen.ndim == 2 and seen.any():
        known[~seen] = known[_mirrored(seen)]
        return known
    mean = known.sum(axis=tuple(range(seen.ndim)), dtype=np.float64) / max(int(seen.sum()), 1)
    return np.where(seen[..., None], known, mean.astype(np.float32))


def _mirrored(seen: np.ndarray) -> tuple[Numbers, Numbers]:
    """Row and column of the covered position that each hole takes its value from."""
    sides = np.array(seen.shape)[:, None]
    nearest = distance_transform_edt(~seen, return_distances=False, return_indices=True)
    here = np.array(np.nonzero(~seen))
    near = nearest[:, *here]
    source = _folded(2 * near - here, sides)
    for _ in range(MOST_MIRRORS):
        again = ~seen[*source]
        if not again.any():
            break
        lost = source[:, again]
        source[:, again] = _folded(2 * nearest[:, *lost] - lost, sides)
    again = ~seen[*source]
    source[:, again] = near[:, again]
    return source[0], source[1]


def _folded(index: Numbers, sides: Numbers) -> Numbers:
    """Bring positions beyond the border back in, mirrored at it."""
    index = index % (2 * sides)
    return np.asarray(np.where(index >= sides, 2 * sides - 1 - index, index))

"""Kinds of sky: tiles grouped by their style."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from skykin.core.errors import ResourceError, UsageError
from skykin.core.progress import SILENT
from skykin.core.protocols import Progress
from skykin.core.shapes import Numbers
from skykin.indexing.query.neighbours import all_rows
from skykin.indexing.sky_index import StoredIndex

#: Beginnings that are tried; the tightest grouping is kept.
TRIES = 8


@dataclass(frozen=True, eq=False)
class Kinds:
    """Tiles grouped by style.

    Parameters
    ----------
    labels : int array (tiles,)
        Kind of each tile, 0 to k − 1, from the faintest kind to the brightest; −1 without a style.
    examples : int array (k,)
        The tile nearest to the middle of each kind.
    closeness : float64 array (tiles,)
        Cosine of a tile with the middle of its kind; NaN without a style.
    agreement : float
        Adjusted Rand index of two groupings from other beginnings: 1 if they are the same, 0 if they agree
        by chance.  Low values say that there are no such kinds, and the borders are arbitrary.
    """

    labels: Numbers
    examples: Numbers
    closeness: Numbers
    agreement: float


def kinds_of_sky(index: StoredIndex, k: int, seed: int = 0, progress: Progress = SILENT) -> Kinds:
    """Group the tiles of an index into `k` kinds by spherical k-means; each tile weighs by its area.

    The vectors are those of the quickest kind, all layers beside each other and equal in length, so that
    the square of a distance is 2 − 2 × mean cosine of the layers.

    Parameters
    ----------
    index : StoredIndex
    k : int
    seed : int
        The same seed gives the same kinds.
    progress : Progress

    Raises
    ------
    UsageError
        If `k` is below 2 or there are fewer tiles with a style.
    ResourceError
        If scikit-learn is not installed (``RS-EXTRA``).

    References
    ----------
    Hubert & Arabie 1985, J. Classif. 2, 193 (adjusted Rand index).
    """
    fit, rand_index = _learner()
    rows = _unit_rows(index)
    known = np.asarray(np.isfinite(rows).all(axis=1))
    if not 2 <= k < known.sum():
        raise UsageError(
            f"{k} kinds were requested, but the index holds {known.sum()} tiles with a style; request 2 or "
            "more, and fewer than tiles"
        )
    rows, weight = rows[known], np.asarray(index.tiles["area"], float)[known]
    # More threads would add in another order, and a border tile might change sides.
    with threadpool_limits(1), progress.stage("Kinds of sky", 2 * TRIES, "tries") as counter:

        def grouped(first: int) -> Numbers:
            """Labels (tiles,) of the best of some tries."""
            tried = []
            for number in range(first, first + TRIES):
                made = fit(n_clusters=k, n_init=1, random_state=seed + number)
                tried.append(made.fit(rows, sample_weight=weight))
                counter.advance()
            return np.asarray(min(tried, key=lambda made: made.inertia_).labels_)

        found, other = grouped(0), grouped(TRIES)
    agreement = float(rand_index(found, other))
    return _described(index, known, rows, found, agreement)


def _described(
    index: StoredIndex, known: np.ndarray, rows: Numbers, found: Numbers, agreement: float
) -> Kinds:
    tiles = np.flatnonzero(known)
    weight = np.asarray(index.tiles["area"], float)[known]
    light = np.asarray(getattr(index.tiles["mean_intensity"], "value", index.tiles["mean_intensity"]), float)
    own = [found == kind for kind in range(found.max() + 1)]
    means = [np.average(light[known][part], weights=weight[part]) for part in own]
    labels, closeness, examples = np.full(len(index), -1), np.full(len(index), np.nan), []
    for kind, old in enumerate(np.argsort(means, kind="stable")):
        part = own[old]
        middle = np.average(rows[part], axis=0, weights=weight[part])
        cosine = rows[part] @ (middle / np.linalg.norm(middle))
        labels[tiles[part]], closeness[tiles[part]] = kind, cosine
        examples.append(tiles[part][int(np.argmax(cosine))])
    return Kinds(labels, np.array(examples), closeness, agreement)


def _unit_rows(index: StoredIndex) -> Numbers:
    rows = all_rows(index)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def _learner() -> tuple[Any, Callable[[Numbers, Numbers], float]]:
    try:
        from sklearn.cluster import KMeans  # noqa: PLC0415 - an extra
        from sklearn.metrics import adjusted_rand_score  # noqa: PLC0415
    except ImportError as error:
        raise ResourceError(
            'kinds of sky need scikit-learn, which is not installed; run `pip install "skykin[learn]"`',
            code="RS-EXTRA",
        ) from error
    return KMeans, adjusted_rand_score

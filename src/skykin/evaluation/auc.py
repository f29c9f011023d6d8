"""Area under the curve: how often an object scores higher than what it is compared with."""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import rankdata

from skykin.core.shapes import Numbers
from skykin.evaluation.measurement import Blocks, Measurement
from skykin.evaluation.turned import TurnedObjects

#: Pairs of values that are compared at a time.
MOST_PAIRS = 4_000_000


def auc(first: Numbers, second: Numbers) -> float:
    r"""Chance that one of the first scores higher than one of the second; ties count half.

    .. math:: A = \frac{1}{nm} \sum_{ij} \Big( [x_i > y_j] + \tfrac{1}{2} [x_i = y_j] \Big)

    NaN values are left out; NaN if nothing is left of either.

    References
    ----------
    Mann & Whitney 1947, Annals of Mathematical Statistics 18, 50.
    """
    first, second = (values[np.isfinite(values)] for values in map(np.asarray, (first, second)))
    if not first.size or not second.size:
        return math.nan
    return float(wins(first, second[None])[:, 0].sum() / (first.size * second.size))


def wins(first: Numbers, rows: Numbers) -> Numbers:
    """How many values of each row are lower than each of the first, ties as half.

    Parameters
    ----------
    first : array (n,)
    rows : array (m, k)
        NaN is no value.

    Returns
    -------
    array (n, m)
    """
    found = np.empty((len(first), len(rows)))
    for j, row in enumerate(np.sort(rows, axis=1)):
        valid = row[: np.isfinite(row).sum()]
        found[:, j] = np.searchsorted(valid, first, "left") + np.searchsorted(valid, first, "right")
    return found / 2


def auc_turned(objects: TurnedObjects, score: Numbers, *, seed: int = 0) -> Measurement:
    r"""AUC_lat: chance that an object scores higher than one of the same objects turned in longitude.

    .. math:: A = \frac{1}{n^2} \sum_{ij} \frac{1}{T_j} \sum_{k=1}^{T_j}
              \Big( [s_i > s_{jk}] + \tfrac{1}{2} [s_i = s_{jk}] \Big)

    for object i at its place and the :math:`T_j` turned places of object j that have a score.  The turned
    objects have the latitudes of the real ones, each as often: −|b| gets 0.5 by construction.  The null turns
    the objects once more and judges them against all places.

    Parameters
    ----------
    objects : TurnedObjects
        Each with a score at its place; see `TurnedObjects.scored`.
    score : array (tiles,) or (objects, 1 + turns)
        Larger is better; NaN is no score.
    seed : int
        Of the bootstrap.
    """
    objects, values = comparable(objects, score)
    if not len(objects):
        return Measurement(math.nan, 0, 0, np.empty(0))
    blocks = Blocks(objects.lon_deg, seed)
    share = wins(values[:, 0], values[:, 1:]) / np.isfinite(values[:, 1:]).sum(axis=1)
    draws = blocks.pair_sums(share) / blocks.sums(np.ones(len(objects))) ** 2
    return Measurement(float(share.mean()), len(objects), blocks.number, draws, _every_turn(values)[1:])


def comparable(objects: TurnedObjects, score: Numbers) -> tuple[TurnedObjects, Numbers]:
    """Keep the objects that have a score at any turned place; return them and all their scores."""
    if not len(objects):
        return objects, np.empty(objects.tile.shape)
    values = objects.values(score)
    kept = np.asarray(np.isfinite(values[:, 1:]).any(axis=1))
    return objects.keep(kept), values[kept]


def _every_turn(values: Numbers) -> Numbers:
    """AUC of each column (objects, columns) against the others; NaN for a column without values.

    Where values are missing, what a column would win against itself is taken as one half.
    """
    valid = np.isfinite(values)
    weight = np.broadcast_to(1 / valid.sum(axis=1, keepdims=True), values.shape)[valid] / len(values)
    order = np.argsort(values[valid])
    ordered = values[valid][order]
    below = np.concatenate([[0.0], np.cumsum(weight[order])])
    share = np.zeros(values.shape)
    places = [np.searchsorted(ordered, values[valid], side) for side in ("left", "right")]
    share[valid] = (below[places[0]] + below[places[1]]) / 2
    number = valid.sum(axis=0)
    with np.errstate(invalid="ignore"):
        mean = share.sum(axis=0) / np.where(number, number, np.nan)
    turns = values.shape[1] - 1
    return np.asarray((mean * (turns + 1) - 0.5) / turns)


def auc_in_rows(objects: TurnedObjects, score: Numbers, *, seed: int = 0) -> Measurement:
    r"""AUC_row: chance that an object scores higher than itself turned, averaged over the objects.

    .. math:: A = \frac{1}{n} \sum_i \frac{1}{T_i} \sum_{k=1}^{T_i}
              \Big( [s_i > s_{ik}] + \tfrac{1}{2} [s_i = s_{ik}] \Big)

    Stricter than `auc_turned`: an object is compared with its own row of latitude only.

    Parameters
    ----------
    objects, score, seed :
        As for `auc_turned`.
    """
    objects, values = comparable(objects, score)
    if not len(objects):
        return Measurement(math.nan, 0, 0, np.empty(0))
    valid = np.isfinite(values)
    # The mid-rank in its row tells how many of the others are lower.
    rank = np.where(valid, rankdata(values, axis=1, nan_policy="omit"), 1.0)
    share = (rank - 1) / (valid.sum(axis=1, keepdims=True) - 1)
    number = valid.sum(axis=0)
    turned = share.sum(axis=0) / np.where(number, number, np.nan)
    blocks = Blocks(objects.lon_deg, seed)
    draws = blocks.sums(share[:, 0]) / blocks.sums(np.ones(len(objects)))
    return Measurement(float(turned[0]), len(objects), blocks.number, draws, turned[1:])


def auc_between(first: TurnedObjects, second: TurnedObjects, score: Numbers, *, seed: int = 0) -> Measurement:
    """Chance that one of the first objects scores higher than one of the second.

    The blocks of longitude hold the objects of both lists.  The null turns both lists together.

    Parameters
    ----------
    first, second : TurnedObjects
        For example star-forming regions and confusers, turned equally often.
    score : array (tiles,)
    """
    n = len(first)
    if not n or not len(second):
        return Measurement(math.nan, n + len(second), 0, np.empty(0))
    a, b = first.values(score), second.values(score)
    blocks = Blocks(np.concatenate([first.lon_deg, second.lon_deg]), seed)
    total = n + len(second)
    won, compared = np.zeros((total, total)), np.zeros((total, total))
    won[:n, n:] = (a[:, :1] > b[:, 0]) + (a[:, :1] == b[:, 0]) / 2
    compared[:n, n:] = 1
    with np.errstate(invalid="ignore", divide="ignore"):
        draws = blocks.pair_sums(won) / blocks.pair_sums(compared)
    null = _auc_of_columns(a[:, 1:], b[:, 1:])
    return Measurement(float(won.sum() / compared.sum()), total, blocks.number, draws, null)


def _auc_of_columns(first: Numbers, second: Numbers) -> Numbers:
    """AUC (columns,) of each column of (n, columns) against that of (m, columns), as `auc` finds it."""
    won = np.zeros(first.shape[1])
    rows = max(1, MOST_PAIRS // max(second.size, 1))
    for start in range(0, len(first), rows):
        part = first[start : start + rows, None]
        won += (part > second).sum(axis=(0, 1)) + (part == second).sum(axis=(0, 1)) / 2
    pairs = np.isfinite(first).sum(axis=0) * np.isfinite(second).sum(axis=0)
    return np.asarray(np.divide(won, pairs, out=np.full(len(won), math.nan), where=pairs > 0))

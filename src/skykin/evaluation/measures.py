"""How well a score finds objects: areas under the curve, recall, rank correlation, with intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.stats import binomtest, norm, rankdata, t

from skykin.core.errors import UsageError
from skykin.core.shapes import Degrees, Numbers
from skykin.evaluation.ranking import sky_share, within
from skykin.evaluation.rotated import ALL_SKY, RotatedObjects, Zone
from skykin.evaluation.tile_centres import TileCentres

BLOCK_DEG = 30.0
DRAWS = 2000
CONFIDENCE = 0.95


@dataclass(frozen=True, eq=False)
class Blocks:
    r"""Objects gathered in blocks of longitude, drawn with replacement as wholes.

    Objects beside each other are not independent: they share a complex, a spiral arm, a patch of foreground.
    Whole blocks of 30° are.  All draws of one seed are the same, so that two scores on the same objects are
    compared draw by draw (paired).

    Parameters
    ----------
    lon_deg : array (objects,)
        Galactic longitudes, degrees.
    seed : int
    beside : array (any,)
        Longitudes of further objects, of other lists: numbers of several lists are averaged draw by draw if
        all of them draw among the same blocks.

    References
    ----------
    Efron & Tibshirani 1993, An Introduction to the Bootstrap, ch. 8 (blocks).
    """

    lon_deg: Degrees
    seed: int = 0
    beside: Degrees = field(default_factory=lambda: np.empty(0))
    member: Numbers = field(init=False)
    times: Numbers = field(init=False)

    def __post_init__(self) -> None:
        every = np.concatenate([self.lon_deg, self.beside])
        number = np.floor(np.mod(every, 360.0) / BLOCK_DEG).astype(int)
        found, block = np.unique(number, return_inverse=True)
        member = np.zeros((len(self.lon_deg), len(found)))
        member[np.arange(len(self.lon_deg)), block[: len(self.lon_deg)]] = 1
        object.__setattr__(self, "member", member)
        times = np.zeros((DRAWS, 0))
        if len(found):
            rng = np.random.default_rng(self.seed)
            times = rng.multinomial(len(found), np.full(len(found), 1 / len(found)), DRAWS).astype(float)
        object.__setattr__(self, "times", times)

    @property
    def number(self) -> int:
        """How many blocks hold any object."""
        return int(self.member.shape[1])

    def sums(self, values: Numbers) -> Numbers:
        """Sum over the objects of each draw; `values` (objects, ...) gives (draws, ...)."""
        return np.tensordot(self.times, np.tensordot(self.member, values, (0, 0)), 1)

    def pair_sums(self, values: Numbers) -> Numbers:
        """Sum over the pairs of objects of each draw; `values` (objects, objects) gives (draws,)."""
        between = self.member.T @ values @ self.member
        return np.asarray(np.einsum("da,ab,db->d", self.times, between, self.times))


@dataclass(frozen=True, eq=False)
class Measurement:
    """A number, its bootstrap draws and its values under the null.

    Parameters
    ----------
    value : float
        NaN where it is not defined.
    n_objects : int
        Objects behind it.
    n_blocks : int
        Blocks of longitude behind it; fewer than two give no interval.
    draws : array (draws,)
        The number again for every draw of blocks.
    null : array (rotations,)
        The number for the rotated objects; empty where there is no such null.
    """

    value: float
    n_objects: int
    n_blocks: int
    draws: Numbers
    null: Numbers = field(default_factory=lambda: np.empty(0))

    @property
    def interval(self) -> tuple[float, float]:
        r"""Interval of 95 % confidence: percentiles of the draws, widened for few blocks.

        .. math:: \alpha' = \Phi\big(\sqrt{K/(K-1)}\; t_{\alpha/2,\,K-1}\big)

        for K blocks; percentiles alone are too narrow by the same factors as a normal interval with the
        standard deviation of the sample.

        References
        ----------
        Hesterberg 2015, The American Statistician 69, 371, section 4.3 (expanded percentile interval).
        """
        drawn = self.draws[np.isfinite(self.draws)]
        if self.n_blocks < 2 or not drawn.size or math.isnan(self.value):
            return math.nan, math.nan
        widened = math.sqrt(self.n_blocks / (self.n_blocks - 1))
        tail = float(norm.cdf(widened * t.ppf((1 - CONFIDENCE) / 2, self.n_blocks - 1)))
        low, high = np.quantile(drawn, [tail, 1 - tail])
        return float(low), float(high)

    @property
    def p(self) -> float:
        """Share of the rotated objects that do at least as well, the real ones among them; NaN without."""
        null = self.null[np.isfinite(self.null)]
        if not null.size or math.isnan(self.value):
            return math.nan
        return float((1 + (null >= self.value - 1e-12).sum()) / (1 + null.size))

    @property
    def null_band(self) -> tuple[float, float]:
        """The middle 95 % of the values under the null; NaN without."""
        null = self.null[np.isfinite(self.null)]
        if not null.size:
            return math.nan, math.nan
        low, high = np.quantile(null, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
        return float(low), float(high)

    def minus(self, other: Measurement) -> Measurement:
        """Difference of two numbers on the same objects, draw by draw.

        Raises
        ------
        UsageError
            If they do not stand on the same number of objects, blocks and draws.
        """
        if (self.n_objects, self.n_blocks, len(self.draws)) != (
            other.n_objects,
            other.n_blocks,
            len(other.draws),
        ):
            raise UsageError(
                f"cannot pair a number on {self.n_objects} objects with one on {other.n_objects}; "
                "measure both on the objects that both scores know"
            )
        return Measurement(self.value - other.value, self.n_objects, self.n_blocks, self.draws - other.draws)

    def times(self, factor: float) -> Measurement:
        """Multiply the number, its draws and its null."""
        return Measurement(
            self.value * factor, self.n_objects, self.n_blocks, self.draws * factor, self.null * factor
        )


def average(found: Sequence[Measurement]) -> Measurement:
    """Average numbers of several lists draw by draw, each counting the same.

    Parameters
    ----------
    found : sequence of Measurement
        Of the same blocks, see `Blocks`, and as many rotations.  A draw that a list has no number for, since
        none of its objects was drawn, counts the others.
    """
    draws = np.ma.masked_invalid([each.draws for each in found]).mean(axis=0).filled(math.nan)
    null = np.ma.masked_invalid([each.null for each in found]).mean(axis=0).filled(math.nan)
    value = float(np.mean([each.value for each in found]))
    number = sum(each.n_objects for each in found)
    return Measurement(value, number, found[0].n_blocks, np.asarray(draws), np.asarray(null))


#: Pairs of values that are compared at a time.
MOST_PAIRS = 4_000_000


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


def auc_lat(
    objects: RotatedObjects, score: Numbers, *, seed: int = 0, beside: Degrees | None = None
) -> Measurement:
    r"""AUC_lat: chance that an object scores higher than one of the same objects rotated in longitude.

    .. math:: A = \frac{1}{n^2} \sum_{ij} \frac{1}{T_j} \sum_{k=1}^{T_j}
              \Big( [s_i > s_{jk}] + \tfrac{1}{2} [s_i = s_{jk}] \Big)

    for object i at its place and the :math:`T_j` rotated places of object j that have a score.  The rotated
    objects have the latitudes of the real ones, each as often: −|b| gets 0.5 by construction.  The null
    rotates the objects once more and compares them with all places.

    Parameters
    ----------
    objects : RotatedObjects
        Each with a score at its place; see `RotatedObjects.scored`.
    score : array (tiles,) or (objects, 1 + rotations)
        Larger is better; NaN is no score.
    seed : int
        Of the bootstrap.
    beside : array (any,), optional
        As of `Blocks`.
    """
    objects, values = comparable(objects, score)
    if not len(objects):
        return Measurement(math.nan, 0, 0, np.empty(0))
    blocks = Blocks(objects.lon_deg, seed, np.empty(0) if beside is None else beside)
    share = wins(values[:, 0], values[:, 1:]) / np.isfinite(values[:, 1:]).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        draws = blocks.pair_sums(share) / blocks.sums(np.ones(len(objects))) ** 2
    return Measurement(float(share.mean()), len(objects), blocks.number, draws, _every_rotation(values)[1:])


def comparable(objects: RotatedObjects, score: Numbers) -> tuple[RotatedObjects, Numbers]:
    """Keep the objects that have a score at any rotated place; return them and all their scores."""
    if not len(objects):
        return objects, np.empty(objects.tile.shape)
    values = objects.values(score)
    kept = np.asarray(np.isfinite(values[:, 1:]).any(axis=1))
    return objects.keep(kept), values[kept]


def _every_rotation(values: Numbers) -> Numbers:
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
    rotations = values.shape[1] - 1
    return np.asarray((mean * (rotations + 1) - 0.5) / rotations)


def auc_row(objects: RotatedObjects, score: Numbers, *, seed: int = 0) -> Measurement:
    r"""AUC_row: chance that an object scores higher than itself rotated, averaged over the objects.

    .. math:: A = \frac{1}{n} \sum_i \frac{1}{T_i} \sum_{k=1}^{T_i}
              \Big( [s_i > s_{ik}] + \tfrac{1}{2} [s_i = s_{ik}] \Big)

    Stricter than `auc_lat`: an object is compared with its own row of latitude only.

    Parameters
    ----------
    objects, score, seed :
        As for `auc_lat`.
    """
    objects, values = comparable(objects, score)
    if not len(objects):
        return Measurement(math.nan, 0, 0, np.empty(0))
    valid = np.isfinite(values)
    # The mid-rank in its row tells how many of the others are lower.
    rank = np.where(valid, rankdata(values, axis=1, nan_policy="omit"), 1.0)
    share = (rank - 1) / (valid.sum(axis=1, keepdims=True) - 1)
    number = valid.sum(axis=0)
    rotated = share.sum(axis=0) / np.where(number, number, np.nan)
    blocks = Blocks(objects.lon_deg, seed)
    draws = blocks.sums(share[:, 0]) / blocks.sums(np.ones(len(objects)))
    return Measurement(float(rotated[0]), len(objects), blocks.number, draws, rotated[1:])


def auc_between(
    first: RotatedObjects,
    second: RotatedObjects,
    score: Numbers,
    *,
    seed: int = 0,
    beside: Degrees | None = None,
) -> Measurement:
    r"""Chance that one of the first objects scores higher than one of the second; ties count half.

    .. math:: A = \frac{1}{nm} \sum_{ij} \Big( [x_i > y_j] + \tfrac{1}{2} [x_i = y_j] \Big)

    The blocks of longitude hold the objects of both lists.  The null rotates both lists together.

    Parameters
    ----------
    first, second : RotatedObjects
        For example star-forming regions and contaminants, rotated equally often.
    score : array (tiles,)
    seed, beside :
        As of `auc_lat`.

    References
    ----------
    Mann & Whitney 1947, Annals of Mathematical Statistics 18, 50.
    """
    n = len(first)
    if not n or not len(second):
        return Measurement(math.nan, n + len(second), 0, np.empty(0))
    a, b = first.values(score), second.values(score)
    both = np.concatenate([first.lon_deg, second.lon_deg])
    blocks = Blocks(both, seed, np.empty(0) if beside is None else beside)
    total = n + len(second)
    won, compared = np.zeros((total, total)), np.zeros((total, total))
    won[:n, n:] = (a[:, :1] > b[:, 0]) + (a[:, :1] == b[:, 0]) / 2
    compared[:n, n:] = 1
    with np.errstate(invalid="ignore", divide="ignore"):
        draws = blocks.pair_sums(won) / blocks.pair_sums(compared)
    null = _auc_of_columns(a[:, 1:], b[:, 1:])
    return Measurement(float(won.sum() / compared.sum()), total, blocks.number, draws, null)


def _auc_of_columns(first: Numbers, second: Numbers) -> Numbers:
    """AUC (columns,) of each column of (n, columns) against that of (m, columns); NaN values are left out."""
    won = np.zeros(first.shape[1])
    rows = max(1, MOST_PAIRS // max(second.size, 1))
    for start in range(0, len(first), rows):
        part = first[start : start + rows, None]
        won += (part > second).sum(axis=(0, 1)) + (part == second).sum(axis=(0, 1)) / 2
    pairs = np.isfinite(first).sum(axis=0) * np.isfinite(second).sum(axis=0)
    return np.asarray(np.divide(won, pairs, out=np.full(len(won), math.nan), where=pairs > 0))


def recalls(
    objects: RotatedObjects,
    tiles: TileCentres,
    score: Numbers,
    sky_fractions: Sequence[float] | Numbers,
    zone: Zone = ALL_SKY,
    *,
    seed: int = 0,
) -> list[Measurement]:
    """Share of the objects whose tile is among the best of the sky, for each fraction of the sky.

    The sky is that of the zone, scored and not near the reference.  The null is the same for the objects
    rotated.  The lift is the recall divided by the fraction.

    Parameters
    ----------
    objects : RotatedObjects
        Those of the zone.
    tiles : TileCentres
    score : array (tiles,)
        Larger is better; NaN is no score.
    sky_fractions : sequence of float
        0 to 1.
    zone : Zone
    """
    fractions = np.asarray(sky_fractions, dtype=np.float64)
    if not len(objects):
        return [Measurement(math.nan, 0, 0, np.empty(0)) for _ in fractions]
    share = objects.values(_share_of_zone(objects, tiles, score, zone))
    blocks = Blocks(objects.lon_deg, seed)
    number = blocks.sums(np.ones(len(objects)))
    rotated = np.isfinite(share[:, 1:]).sum(axis=0)
    found = within(share[:, 0], fractions)
    measured = []
    for fraction, inside in zip(fractions, found, strict=True):
        again = within(share[:, 1:].ravel(), [fraction]).reshape(share[:, 1:].shape).sum(axis=0)
        null = np.divide(again, rotated, out=np.full(len(rotated), np.nan), where=rotated > 0)
        draws = blocks.sums(inside.astype(float)) / number
        measured.append(Measurement(float(inside.mean()), len(objects), blocks.number, draws, null))
    return measured


def _share_of_zone(objects: RotatedObjects, tiles: TileCentres, score: Numbers, zone: Zone) -> Numbers:
    """Share of the zone's sky that scores at least as high as each tile; NaN for tiles without a score."""
    score = np.asarray(score, dtype=np.float64)
    known = np.isfinite(score)
    counted = known & objects.sky & zone.contains(tiles.lat_deg)
    if not counted.any():
        return np.full(score.shape, np.nan)
    return np.where(known, sky_share(score, np.where(counted, tiles.area, 0.0)), np.nan)


ROW_DEG = 5.0


def rank_correlation_in_rows(
    tiles: TileCentres,
    score: Numbers,
    brightness: Numbers,
    chosen: np.ndarray | None = None,
    *,
    seed: int = 0,
) -> Measurement:
    r"""Rank correlation of a score with brightness among tiles of the same latitude.

    .. math:: \rho = \sum_r \sum_{i \in r} x_i y_i \Big/
              \sqrt{\sum_r \sum_{i \in r} x_i^2 \sum_r \sum_{i \in r} y_i^2}

    where x and y are the ranks within a row of 5° of latitude, centred and divided by the number of its
    tiles.  The logarithm of the brightness has the same ranks.

    Parameters
    ----------
    tiles : TileCentres
    score, brightness : array (tiles,)
        Tiles where either is NaN are left out.
    chosen : bool array (tiles,), optional
        Tiles that count; all by default.

    Raises
    ------
    UsageError
        If the arrays differ in length.
    """
    score, brightness = np.asarray(score, dtype=np.float64), np.asarray(brightness, dtype=np.float64)
    if score.shape != (len(tiles),) or brightness.shape != score.shape:
        raise UsageError(
            f"a score of shape {score.shape} and a brightness of {brightness.shape} do not fit "
            f"{len(tiles)} tiles"
        )
    kept = np.isfinite(score) & np.isfinite(brightness)
    if chosen is not None:
        kept &= chosen
    row = np.floor((tiles.lat_deg[kept] + 90) / ROW_DEG).astype(int)
    x, y = (_ranks_in_rows(values[kept], row) for values in (score, brightness))
    products = np.stack([x * y, x * x, y * y], axis=-1)
    blocks = Blocks(tiles.lon_deg[kept], seed)
    return Measurement(
        float(_correlation(products.sum(axis=0))),
        int(kept.sum()),
        blocks.number,
        _correlation(blocks.sums(products)),
    )


def _ranks_in_rows(values: Numbers, row: Numbers) -> Numbers:
    ranks = np.zeros(values.shape)
    for each in np.unique(row):
        mine = row == each
        number = mine.sum()
        ranks[mine] = (rankdata(values[mine]) - (number + 1) / 2) / number
    return ranks


def _correlation(sums: Numbers) -> Numbers:
    """From sums (..., 3) of xy, xx and yy."""
    spread = np.sqrt(sums[..., 1] * sums[..., 2])
    return np.asarray(np.divide(sums[..., 0], spread, out=np.full(spread.shape, math.nan), where=spread > 0))


def share_interval(found: int, number: int) -> tuple[float, float]:
    """Interval of 95 % (Wilson's) of a share, of which `found` in `number` independent trials were counted.

    Returns
    -------
    two floats
        0 to 1; NaN without trials.
    """
    if not number:
        return math.nan, math.nan
    low, high = binomtest(found, number).proportion_ci(CONFIDENCE, method="wilson")
    return float(low), float(high)

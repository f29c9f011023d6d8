"""A number with what chance makes of it: bootstrap draws of it, and its values under the null."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from scipy.stats import norm, t

from skykin.core.errors import UsageError
from skykin.core.shapes import Degrees, Numbers

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

    References
    ----------
    Efron & Tibshirani 1993, An Introduction to the Bootstrap, ch. 8 (blocks).
    """

    lon_deg: Degrees
    seed: int = 0
    member: Numbers = field(init=False)
    times: Numbers = field(init=False)

    def __post_init__(self) -> None:
        number = np.floor(np.mod(self.lon_deg, 360.0) / BLOCK_DEG).astype(int)
        found, block = np.unique(number, return_inverse=True)
        member = np.zeros((len(self.lon_deg), len(found)))
        member[np.arange(len(self.lon_deg)), block] = 1
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
    null : array (turns,)
        The number for the turned objects; empty where there is no such null.
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
        """Share of the turned objects that do at least as well, the real ones among them; NaN without."""
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

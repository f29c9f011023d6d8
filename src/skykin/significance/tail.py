"""The tail of a null distribution, beyond what can be counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from skykin.core.shapes import Numbers

#: The tail begins where so much of the null lies above.
BEGINS = 0.25
#: How far the highest of the null lie does not count, only how many: they may be kin.
HIDDEN = 0.05


@dataclass(frozen=True, eq=False)
class Tail:
    r"""Null distribution of a standardised score: counted below, an exponential tail above.

    .. math:: p(t) = \frac{\sum_{t_j \ge t} w_j}{\sum_j w_j} \;(t \le u), \qquad
              p(t) = 0.25 \Big(1 + \frac{t - u}{n \beta}\Big)^{-n} \;(t > u)

    :math:`u` is the value that a quarter of the null exceeds.  :math:`\beta` is the mean excess over it of
    an exponential distribution by maximum likelihood, with the highest twentieth censored: their number
    counts, not their height, so that a few kin in the null hardly matter.  The power law is what is known
    of an exponential tail whose :math:`\beta` was estimated from :math:`n` independent values; with many it
    becomes :math:`e^{-(t - u)/\beta}`.

    Parameters
    ----------
    values, above : array (n,)
        Growing values of the null, and the share of it that is at least as high.
    begins : float
        :math:`u`.
    excess : float
        :math:`\beta`, above 0.
    independent : float
        :math:`n`.

    References
    ----------
    Pickands 1975, Ann. Stat. 3, 119 (tails of most distributions are of this family; here with shape 0).
    Knijnenburg et al. 2009, Bioinformatics 25, i161 (tails for p-values below what can be counted).
    """

    values: Numbers
    above: Numbers
    begins: float
    excess: float
    independent: float

    @classmethod
    def fit(cls, values: Numbers, weight: Numbers, independent: float) -> Self | None:
        """Measure the null on values (n,) with weights, worth so many independent ones.

        Returns
        -------
        Tail or None
            None if the null has no tail, because too few values differ.
        """
        order = np.argsort(values, kind="stable")
        values, weight = values[order], weight[order] / weight.sum()
        above = np.minimum(np.cumsum(weight[::-1])[::-1], 1.0)
        begins, hidden = (float(values[np.argmax(above <= share)]) for share in (BEGINS, HIDDEN))
        seen = (values > begins) & (values < hidden)
        excess = weight[seen] @ (values[seen] - begins) + weight[values >= hidden].sum() * (hidden - begins)
        if not (weight[seen].sum() > 0 and excess > 0):
            return None
        return cls(values, above, begins, float(excess / weight[seen].sum()), independent * (BEGINS - HIDDEN))

    def p(self, at: Numbers) -> Numbers:
        """Share of the null that is at least as high, 0 to 1; NaN at NaN."""
        at = np.asarray(at, dtype=np.float64)
        place = np.searchsorted(self.values, at, side="left")
        counted = np.append(self.above, 0.0)[place]
        beyond = np.maximum(at - self.begins, 0) / (self.independent * self.excess)
        tail = BEGINS * np.exp(-self.independent * np.log1p(beyond))
        p = np.where(at > self.begins, tail, np.maximum(counted, BEGINS))
        return np.where(np.isnan(at), np.nan, p)

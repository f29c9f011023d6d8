"""Mean and standard deviation of each channel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skykin.core.shapes import Chroma, Numbers, Weights
from skykin.style.arrays import library
from skykin.style.statistics.form import Stretch
from skykin.style.statistics.statistic import Statistic, centred, flat_and_share


@dataclass(frozen=True)
class FirstMoments:
    r"""Means and standard deviations from :math:`\sum_p w_p f_c` and :math:`\sum_p w_p f_c^2`."""

    channels: int

    degree = 1
    needs_means = False
    rings: tuple[int, ...] = ()

    @property
    def sums(self) -> int:
        """Sums, then sums of squares."""
        return 2 * self.channels

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """All at once."""
        return (Stretch(0, self.sums, slice(0, self.sums)),)

    @property
    def order(self) -> Numbers:
        """As they stand."""
        return np.arange(self.sums)

    def fill(self, features: Numbers, roots: Numbers, out: Numbers) -> None:
        """Sum features and their squares."""
        np.dot(features, roots, out=out[: self.channels])
        np.einsum("cp,cp->c", features, features, out=out[self.channels :])

    def fill_cells(self, features: Numbers, roots: Numbers, out: Numbers) -> None:
        """Sum features and their squares."""
        out[:, : self.channels] = (features * roots).sum(1)
        out[:, self.channels :] = (features * features).sum(1)

    def finish(self, stretch: Stretch, sums: Numbers, total: Numbers, means: Numbers | None) -> Numbers:  # noqa: ARG002
        """Mean, and the root of the mean square less the squared mean."""
        sums /= total
        mean, square = sums[:, : self.channels], sums[:, self.channels :]
        square -= mean * mean
        sums[:, self.channels :] = library(sums).sqrt(square.clip(min=0))
        return sums


class MeanStd(Statistic):
    r"""Mean and standard deviation of each channel, one after the other.

    .. math:: \mu_c = \sum_p w_p F_{cp} \Big/ \sum_p w_p , \quad
              \sigma_c^2 = \sum_p w_p (F_{cp} - \mu_c)^2 \Big/ \sum_p w_p

    References
    ----------
    Huang & Belongie 2017, ICCV, eq. 5 and 6 (there without weights).
    """

    name = "mean_std"
    index_code = "spreads"

    def moments(self, features: Numbers) -> Numbers:
        """Give the channels, then their squares."""
        return np.concatenate([features, features**2])

    def finish(self, means: Numbers, rings: Numbers | None = None) -> Numbers:  # noqa: ARG002
        """Give the means, then the roots of the mean squares less the squared means."""
        mean, square = np.split(means, 2, axis=-1)
        return np.concatenate([mean, np.sqrt(np.maximum(square - mean**2, 0))], axis=-1)

    def of_spreads(self, mean: Numbers, spread: Numbers, rings: Numbers | None) -> Numbers:  # noqa: ARG002
        """Give the two one after the other."""
        return np.concatenate([mean, spread], axis=-1)

    def __call__(self, features: Chroma, weights: Weights | None = None) -> Numbers:
        """Measure one tile: all means, then all standard deviations, from deviations, so nothing cancels."""
        flat, share = flat_and_share(features, weights)
        mean, deviations = centred(flat, share)
        deviations *= np.sqrt(share)
        return np.concatenate([mean, np.sqrt(np.einsum("cp,cp->c", deviations, deviations))])

    def form(self, channels: int) -> FirstMoments:
        """Sum features and their squares, scaled so that squares do not overflow."""
        return FirstMoments(channels)

    def by_position(self, features: Numbers, share: Numbers, direction: Numbers) -> Numbers:
        r"""Divide among positions: :math:`\psi_p = (f_p, \frac12((f_p - m)^2 / s + s))`.

        With the tile's own mean m and spread s; because :math:`s = v^{1/2}` gives :math:`ds = dv / 2s` with
        :math:`dv = w_p((f_p - m)^2 - v)`.  The part of m in it vanishes.
        """
        flat, weights = features.reshape(len(features), -1), share.ravel()
        square = (flat - (flat @ weights)[:, None]) ** 2
        spread = np.sqrt(square @ weights)
        for_mean, for_spread = np.split(direction, 2)
        # A dead channel has no spread: nothing of it lies anywhere.
        alive = np.where(spread > 0, for_spread / np.where(spread > 0, spread, 1), 0)
        found = for_mean @ flat + (alive @ square + for_spread @ spread) / 2
        return np.asarray(found).reshape(share.shape)


mean_std = MeanStd()

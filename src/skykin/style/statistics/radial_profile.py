"""How much each channel answers in concentric rings of a tile, and how much it varies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from skykin.core.shapes import Chroma, Numbers, Weights
from skykin.style.arrays import library
from skykin.style.statistics.form import Stretch
from skykin.style.statistics.mean_std import FirstMoments
from skykin.style.statistics.statistic import Statistic, centred, flat_and_share, reaches, ring_shares

#: Sides of the squares between which the rings lie, in eighths of a tile's.
RINGS = (2, 4, 6, 8)


@dataclass(frozen=True)
class RingSums(FirstMoments):
    r"""The profile from :math:`\sum_p w_p f_c` over each ring, and :math:`\sum_p w_p f_c^2` over the tile."""

    rings: tuple[int, ...] = RINGS

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """All at once."""
        return (Stretch(0, (len(self.rings) + 1) * self.channels, slice(0, self.sums)),)

    @property
    def order(self) -> Numbers:
        """As they stand."""
        return np.arange((len(self.rings) + 1) * self.channels)

    def finish(self, stretch: Stretch, sums: Numbers, total: Numbers, means: Numbers | None) -> Numbers:
        """Means over the rings less those over the tiles, and the standard deviations."""
        assert means is not None  # noqa: S101 - the form has rings
        whole = super().finish(stretch, sums, total, None)
        return profile(whole[:, : self.channels], whole[:, self.channels :], means[..., : self.channels])


class RadialProfile(Statistic):
    r"""Mean of each channel in four concentric rings, less its mean over the tile; and its spread.

    .. math:: d_{kc} = \frac{\sum_{p \in R_k} w_p F_{cp}}{\sum_{p \in R_k} w_p} - \mu_c , \qquad
              \sigma_c^2 = \frac{\sum_p w_p (F_{cp} - \mu_c)^2}{\sum_p w_p}

    where :math:`\mu_c` is the mean over the tile, and :math:`R_1` to :math:`R_4` are the middle quarter along
    both sides and the three square rings around it, each an eighth of the tile wide.  What a tile shares with
    its surroundings, such as a bright background, does not count; where in a tile something lies does.  With
    the first ring alone it is `CoreContrast`.

    References
    ----------
    The idea is that of the radial profile of an extended source, taken of the channels of a network.
    """

    name = "radial_profile"
    rings: ClassVar[tuple[int, ...]] = RINGS
    blocks: ClassVar[tuple[int, ...]] = (len(RINGS), 1)
    index_code = "spreads"

    def moments(self, features: Numbers) -> Numbers:
        """Give the channels, then their squares."""
        return np.concatenate([features, features**2])

    def finish(self, means: Numbers, rings: Numbers | None = None) -> Numbers:
        """Averages over the rings less those over the tile, and the roots of the variances."""
        assert rings is not None  # noqa: S101 - it has some
        mean, square = np.split(means, 2, axis=-1)
        spread = np.sqrt(np.maximum(square - mean**2, 0))
        return profile(mean, spread, rings[..., : mean.shape[-1]])

    def of_spreads(self, mean: Numbers, spread: Numbers, rings: Numbers | None) -> Numbers:
        """Make it of the mean and spread of each channel, and its means over the rings."""
        assert rings is not None  # noqa: S101 - it has some
        return profile(mean, spread, rings)

    def __call__(self, features: Chroma, weights: Weights | None = None) -> Numbers:
        """Measure one tile; what is common to all its positions goes first, so nothing cancels."""
        flat, share = flat_and_share(features, weights)
        _, deviations = centred(flat, share)
        rings = ring_shares(share, features, self.rings).astype(np.float32) @ deviations.T
        spread = np.sqrt(np.einsum("cp,cp,p->c", deviations, deviations, share))
        return profile(np.zeros(len(flat), np.float32), spread, rings)

    def form(self, channels: int) -> RingSums:
        """Sum features and their squares."""
        return RingSums(channels, self.rings)

    def by_position(self, features: Numbers, share: Numbers, direction: Numbers) -> Numbers:
        r"""Divide among positions: :math:`\psi_p = ((k_{jp} - 1)(f_p - m), \frac12((f_p - m)^2 / s + s))`.

        With the tile's own mean m and spread s; :math:`k_{jp} = 1 / \sum_{q \in R_j} w_q` in the ring
        :math:`R_j`, 0 outside.  The first part is exact, the second is that of `MeanStd`.
        """
        flat, weights = features.reshape(len(features), -1), share.ravel()
        deviations = flat - (flat @ weights)[:, None]
        square = deviations**2
        spread = np.sqrt(square @ weights)
        of_rings, of_spread = np.split(direction, [len(self.rings) * len(flat)])
        excess = reaches(share, self.rings).reshape(len(self.rings), -1) - 1
        along = of_rings.reshape(len(self.rings), -1) @ deviations
        # A dead channel has no spread: nothing of it lies anywhere.
        alive = np.where(spread > 0, of_spread / np.where(spread > 0, spread, 1), 0)
        found = (excess * along).sum(axis=0) + (alive @ square + of_spread @ spread) / 2
        return np.asarray(found).reshape(share.shape)


def profile(mean: Numbers, spread: Numbers, rings: Numbers) -> Numbers:
    """Lay out rings (rings, ..., channels) less the mean (..., channels), then the spread, side by side."""
    return library(spread).concat([*(rings - mean), spread], axis=-1)  # type: ignore[no-any-return]


radial_profile = RadialProfile()

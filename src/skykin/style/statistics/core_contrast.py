"""The difference of a tile's core from the tile, channel by channel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skykin.core.shapes import Chroma, Numbers, Weights
from skykin.style.statistics.form import Stretch
from skykin.style.statistics.statistic import CORE, Statistic, core_part, flat_and_share, reaches


@dataclass(frozen=True)
class CoreSums:
    r"""Mean over the core less mean over the tile, from :math:`\sum_p w_p f_c`."""

    channels: int

    degree = 1
    needs_means = False
    rings = (CORE,)

    @property
    def sums(self) -> int:
        """One per channel."""
        return self.channels

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """All at once."""
        return (Stretch(0, self.sums, slice(0, self.sums)),)

    @property
    def order(self) -> Numbers:
        """As they stand."""
        return np.arange(self.sums)

    def fill(self, features: Numbers, roots: Numbers, out: Numbers) -> None:
        """Sum the features."""
        np.dot(features, roots, out=out)

    def fill_cells(self, features: Numbers, roots: Numbers, out: Numbers) -> None:
        """Sum the features."""
        out[:] = (features * roots).sum(1)

    def finish(self, stretch: Stretch, sums: Numbers, total: Numbers, means: Numbers | None) -> Numbers:  # noqa: ARG002
        """Means over the cores less those over the tiles."""
        assert means is not None  # noqa: S101 - the form has a ring
        sums /= total
        sums *= -1
        sums += means[0]
        return sums


class CoreContrast(Statistic):
    r"""Mean of each channel over the core of a tile, less its mean over the whole tile.

    .. math:: d_c = \sum_{p \in K} w_p F_{cp} \Big/ \sum_{p \in K} w_p - \sum_p w_p F_{cp} \Big/ \sum_p w_p

    where :math:`K` holds the positions of the middle quarter along both sides.  What a tile shares with its
    surroundings, such as a bright background or the Galactic plane, does not count.

    References
    ----------
    The idea is that of a centre-surround receptive field: Itti, Koch & Niebur 1998, IEEE TPAMI 20, 1254.
    """

    name = "core_contrast"
    rings = (CORE,)
    index_code = "directions"

    def moments(self, features: Numbers) -> Numbers:
        """Give the channels themselves."""
        return features

    def finish(self, means: Numbers, rings: Numbers | None = None) -> Numbers:
        """Averages over the core less those over the tile."""
        assert rings is not None  # noqa: S101 - it has one
        return np.asarray(rings[0] - means)

    def __call__(self, features: Chroma, weights: Weights | None = None) -> Numbers:
        """Measure one tile: one number per channel; what is common to both goes first, so nothing cancels."""
        whole, share = flat_and_share(features, weights)
        middle, core_share = flat_and_share(*core_part(features, weights))
        rough = (whole @ share)[:, None]
        return np.asarray((middle - rough) @ core_share - (whole - rough) @ share, np.float32)

    def form(self, channels: int) -> CoreSums:
        """Sum the features."""
        return CoreSums(channels)

    def by_position(self, features: Numbers, share: Numbers, direction: Numbers) -> Numbers:
        r"""Divide among positions: :math:`\psi_p = (k_p - 1)(f_p - m)`, exact because it is linear.

        With the tile's own mean m, and :math:`k_p = 1 / \sum_{q \in K} w_q` in the core K, 0 outside.
        """
        deviations = features - np.tensordot(features, share, axes=2)[:, None, None]
        return np.asarray(np.tensordot(direction, deviations, axes=1) * (reaches(share, self.rings)[0] - 1))


core_contrast = CoreContrast()

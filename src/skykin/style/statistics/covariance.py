"""The covariance of channels: how they vary together over a tile."""

from __future__ import annotations

import numpy as np

from skykin.core.shapes import Chroma, Gram, Numbers, Weights
from skykin.style.statistics.second_moments import SecondMoments, products, products_along
from skykin.style.statistics.statistic import Statistic, centred, flat_and_share


class Covariance(Statistic):
    r"""Correlate the deviations of the channels from their means, averaged over positions.

    .. math:: C_{cd} = \sum_p w_p (F_{cp} - \mu_c)(F_{dp} - \mu_d) \Big/ \sum_p w_p ,
              \quad \mu_c = \sum_p w_p F_{cp} \Big/ \sum_p w_p

    A constant added to a channel, such as a brighter background, does not change it.
    """

    name = "covariance"
    index_code = "sketches"

    def moments(self, features: Numbers) -> Numbers:
        """Give products of each two channels, then the channels."""
        return np.concatenate([products(features), features])

    def finish(self, means: Numbers, rings: Numbers | None = None) -> Numbers:  # noqa: ARG002
        """Subtract the products of the averages from the average products."""
        # n (n + 1) / 2 products and n channels are n (n + 3) / 2 moments.
        channels = round((np.sqrt(9 + 8 * means.shape[-1]) - 3) / 2)
        mean = np.moveaxis(means[..., -channels:], -1, 0)
        flat = products(mean.reshape(channels, -1)).T
        return np.asarray(means[..., :-channels] - flat.reshape(*means.shape[:-1], -1))

    def __call__(self, features: Chroma, weights: Weights | None = None) -> Gram:
        """Measure one tile: a matrix (channels, channels), from deviations, so that nothing cancels."""
        flat, share = flat_and_share(features, weights)
        _, deviations = centred(flat, share)
        deviations *= np.sqrt(share)
        return deviations @ deviations.T

    def form(self, channels: int) -> SecondMoments:
        """Sum products, and the channels behind them."""
        return SecondMoments(channels, centred=True)

    def by_position(self, features: Numbers, share: Numbers, direction: Numbers) -> Numbers:
        r"""Divide among positions: :math:`(f_p - m)^{\mathsf T} A (f_p - m)` with the tile's own mean m."""
        mean = np.tensordot(features, share, axes=2)
        return products_along(features - mean[:, None, None], direction)


covariance = Covariance()

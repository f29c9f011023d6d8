"""The Gram matrix: which channels of a layer answer together."""

from __future__ import annotations

import numpy as np

from skykin.core.shapes import Chroma, Gram, Numbers, Weights
from skykin.style.statistics.second_moments import SecondMoments, products, products_along
from skykin.style.statistics.statistic import Statistic, flat_and_share


class GramMatrix(Statistic):
    r"""Correlate the channels of one layer, averaged over positions.

    .. math:: G_{cd} = \sum_p w_p F_{cp} F_{dp} \Big/ \sum_p w_p

    References
    ----------
    Gatys, Ecker & Bethge 2016, CVPR, eq. 3 (there a sum; here a mean as in the TensorFlow tutorial, so that
    pictures of different size compare).
    """

    name = "gram"
    plain_products = True
    index_code = "sketches"

    def moments(self, features: Numbers) -> Numbers:
        """Give the products of each two channels."""
        return products(features)

    def finish(self, means: Numbers, rings: Numbers | None = None) -> Numbers:  # noqa: ARG002
        """Give their averages."""
        return means

    def __call__(self, features: Chroma, weights: Weights | None = None) -> Gram:
        """Measure one tile: a matrix (channels, channels), by one product."""
        flat, share = flat_and_share(features, weights)
        # The root goes to both factors: the product stays symmetric, and no sum exceeds the mean it becomes.
        rooted = flat * np.sqrt(share)
        return np.asarray(rooted @ rooted.T)

    def form(self, channels: int) -> SecondMoments:
        """Sum products."""
        return SecondMoments(channels, centred=False)

    def by_position(self, features: Numbers, share: Numbers, direction: Numbers) -> Numbers:  # noqa: ARG002
        r"""Divide among positions: :math:`f_p^{\mathsf T} A f_p` with the matrix A of the direction."""
        return products_along(features, direction)


gram = GramMatrix()

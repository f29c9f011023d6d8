"""What a picture is made to lessen: its distance in style and in content, and its roughness."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Losses:
    r"""The weighted losses of one picture.

    .. math:: \mathrm{style} = \frac{\alpha}{L} \sum_l \frac{1}{n_l} \| S_l - S_l^* \|^2, \quad
              \mathrm{content} = \frac{\beta}{n} \| F - F^* \|^2, \quad
              \mathrm{variation} = \gamma \sum_p |\nabla_x I_p| + |\nabla_y I_p|

    with the statistic :math:`S_l` of :math:`n_l` numbers of each of the recipe's :math:`L` layers, the
    features :math:`F` of block5_conv2, and the colours :math:`I` from 0 to 1.

    References
    ----------
    Gatys, Ecker & Bethge 2016, CVPR, eq. 1, 4, 5 (there sums; here means, as in the TensorFlow tutorial).
    """

    style: float
    content: float
    variation: float

    @property
    def total(self) -> float:
        """Their sum, which the optimiser lessens."""
        return self.style + self.content + self.variation

"""The difference of a tile's core from the tile, channel by channel, and how much each varies."""

from __future__ import annotations

from skykin.style.statistics.radial_profile import RadialProfile
from skykin.style.statistics.statistic import CORE


class CoreSpread(RadialProfile):
    r"""Mean of each channel over the core of a tile less its mean over the tile, then its standard deviation.

    .. math:: d_c = \sum_{p \in K} w_p F_{cp} \Big/ \sum_{p \in K} w_p - \mu_c , \qquad
              \sigma_c^2 = \sum_p w_p (F_{cp} - \mu_c)^2 \Big/ \sum_p w_p

    A `RadialProfile` of one ring: the core :math:`K`, the middle quarter along both sides.
    """

    name = "core_spread"
    rings = (CORE,)
    blocks = (1, 1)


core_spread = CoreSpread()

"""The rank product: how high a place ranks in several maps at once, and how often chance does that."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from astropy_healpix import HEALPix
from scipy.special import gammaincc

from skykin.core.errors import UsageError
from skykin.core.shapes import Numbers

ROTATIONS = 200


def rank_product(shares: Numbers) -> Numbers:
    r"""Combine the shares of the sky that rank at least as high in each map.

    .. math:: s = -\log_{10} P\Big(\chi^2_{2K} \ge -2 \sum_{k=1}^K \ln r_k\Big)

    with the shares :math:`r_k` of the K maps that know the place: the product of the ranks, told as the share
    of places that would do as well if the maps were independent, so that places known to fewer maps compare.

    Parameters
    ----------
    shares : array (maps, ...)
        Above 0, at most 1; NaN where a map has no score.

    Returns
    -------
    array (...)
        Larger is better; NaN where no map has a score.

    References
    ----------
    Fisher 1932, Statistical Methods for Research Workers, § 21.1; rank products: Breitling et al. 2004,
    FEBS Letters 573, 83.
    """
    known = np.isfinite(shares)
    number = known.sum(axis=0)
    total = -np.log(np.where(known, shares, 1.0)).sum(axis=0)
    with np.errstate(divide="ignore"):
        score = -np.log10(gammaincc(np.maximum(number, 1), total))
    return np.asarray(np.where(number > 0, score + 0.0, np.nan))


@dataclass(frozen=True)
class RotatedMaps:
    """The same maps, all but the first rotated in longitude by independent random angles.

    A rotated map keeps its latitudes and its structure; only its agreement with the others is gone.

    Parameters
    ----------
    nside : int
        Of the HEALPix grid (RING, Galactic) that all maps are on.
    rotations : int
        How often they are rotated.
    seed : int

    Raises
    ------
    UsageError
        If there is less than one rotation.
    """

    nside: int
    rotations: int = ROTATIONS
    seed: int = 0

    def __post_init__(self) -> None:
        if self.rotations < 1:
            raise UsageError(
                f"rotations is {self.rotations}, but it must be at least 1; the default is {ROTATIONS}"
            )

    def p_values(self, shares: Numbers, score: Numbers, known: Numbers, pixel: Numbers) -> Numbers:
        r"""Share of rotated places of the same latitude whose rank product is as high.

        .. math:: p = \frac{1 + n_{\ge}}{1 + n}

        over all n rotated places in the same row of pixels that are known to as many maps.

        Parameters
        ----------
        shares : array (maps, pixels)
            The maps on the grid, to be rotated.
        score, known, pixel : array (places,)
            Rank product of each place, how many maps know it, and the pixel that it lies in.

        Returns
        -------
        array (places,)
            NaN where no map has a score.
        """
        angles = np.random.default_rng(self.seed).random((self.rotations, len(shares)))
        angles[:, 0] = 0.0
        p = np.full(len(score), np.nan)
        order = np.argsort(pixel, kind="stable")
        for row in rows_of_pixels(self.nside):
            first, last = np.searchsorted(pixel, (row.start, row.stop), sorter=order)
            here = order[first:last]
            if here.size:
                p[here] = _p_in_row(shares[:, row], angles, score[here], known[here])
        return p


def rows_of_pixels(nside: int) -> list[slice]:
    """Rows of equal latitude of a HEALPix grid in RING order, from the north."""
    _, lat = HEALPix(nside, order="ring").healpix_to_lonlat(np.arange(12 * nside**2))
    edges = np.flatnonzero(np.abs(np.diff(lat.deg)) > 1e-9) + 1
    bounds = [0, *edges.tolist(), len(lat)]
    return [slice(a, b) for a, b in pairwise(bounds)]


def _p_in_row(shares: Numbers, angles: Numbers, score: Numbers, known: Numbers) -> Numbers:
    """Compare places with a row (maps, n), its maps shifted by shares of 360° (rotations, maps)."""
    maps, n = shares.shape
    place = (np.arange(n) - np.floor(angles[..., None] * n).astype(int)) % n
    rotated = np.take_along_axis(shares[:, None], place.transpose(1, 0, 2), axis=2)
    null, null_known = rank_product(rotated), np.isfinite(rotated).sum(axis=0)
    p = np.full(len(score), np.nan)
    for number in range(1, maps + 1):
        mine = known == number
        if mine.any():
            alike = np.sort(null[null_known == number])
            # Sums in another order differ in their last digit.
            higher = len(alike) - np.searchsorted(alike, score[mine] * (1 - 1e-12), "left")
            p[mine] = (1 + higher) / (1 + len(alike))
    return p

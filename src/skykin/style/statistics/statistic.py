"""Statistics of a layer: what its channels do together, wherever they do it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from skykin.core.errors import UsageError
from skykin.core.shapes import Chroma, Coverage, Gram, Weights

#: Share of a tile's side that is its core.
CORE_SHARE = 1 / 4

Numbers: TypeAlias = npt.NDArray[np.float32]
#: Measures one layer: features (channels, y, x), and weights (y, x) or None; a weight of 0 is not measured.
Statistic: TypeAlias = Callable[[Chroma, Weights | None], Numbers]


def gram(features: Chroma, weights: Weights | None = None) -> Gram:
    r"""Correlate the channels of one layer, averaged over positions.

    .. math:: G_{cd} = \sum_p w_p F_{cp} F_{dp} \Big/ \sum_p w_p

    Parameters
    ----------
    features : float32 array (channels, y, x)
    weights : float32 array (y, x), optional
        Not negative; equal everywhere if left out.

    Returns
    -------
    float32 array (channels, channels)
        Symmetric; NaN if the weights sum to zero.

    Raises
    ------
    UsageError
        If the weights have another shape than a channel.

    References
    ----------
    Gatys, Ecker & Bethge 2016, CVPR, eq. 3 (there a sum; here a mean as in the TensorFlow tutorial, so that
    pictures of different size compare).
    """
    flat, share = _flat(features, weights)
    # The root goes to both factors: the product stays symmetric, and no sum exceeds the mean that it becomes.
    rooted = flat * np.sqrt(share)
    return rooted @ rooted.T


def covariance(features: Chroma, weights: Weights | None = None) -> Gram:
    r"""Correlate the deviations of the channels from their means, averaged over positions.

    .. math:: C_{cd} = \sum_p w_p (F_{cp} - \mu_c)(F_{dp} - \mu_d) \Big/ \sum_p w_p ,
              \quad \mu_c = \sum_p w_p F_{cp} \Big/ \sum_p w_p

    A constant added to a channel, such as a brighter background, does not change it.

    Parameters
    ----------
    features : float32 array (channels, y, x)
    weights : float32 array (y, x), optional
        Not negative; equal everywhere if left out.

    Returns
    -------
    float32 array (channels, channels)
        Symmetric; NaN if the weights sum to zero.

    Raises
    ------
    UsageError
        If the weights have another shape than a channel.
    """
    flat, share = _flat(features, weights)
    _, deviations = _centred(flat, share)
    deviations *= np.sqrt(share)
    return deviations @ deviations.T


def mean_std(features: Chroma, weights: Weights | None = None) -> Numbers:
    r"""Mean and standard deviation of each channel, one after the other.

    .. math:: \mu_c = \sum_p w_p F_{cp} \Big/ \sum_p w_p , \quad
              \sigma_c^2 = \sum_p w_p (F_{cp} - \mu_c)^2 \Big/ \sum_p w_p

    Parameters
    ----------
    features : float32 array (channels, y, x)
    weights : float32 array (y, x), optional
        Not negative; equal everywhere if left out.

    Returns
    -------
    float32 array (2 × channels,)
        All means, then all standard deviations; NaN if the weights sum to zero.

    Raises
    ------
    UsageError
        If the weights have another shape than a channel.

    References
    ----------
    Huang & Belongie 2017, ICCV, eq. 5 and 6 (there without weights).
    """
    flat, share = _flat(features, weights)
    mean, deviations = _centred(flat, share)
    deviations *= np.sqrt(share)
    return np.concatenate([mean, np.sqrt(np.einsum("cp,cp->c", deviations, deviations))])


def core_contrast(features: Chroma, weights: Weights | None = None) -> Numbers:
    r"""Mean of each channel over the core of a tile, less its mean over the whole tile.

    .. math:: d_c = \sum_{p \in K} w_p F_{cp} \Big/ \sum_{p \in K} w_p - \sum_p w_p F_{cp} \Big/ \sum_p w_p

    where :math:`K` holds the positions of the middle quarter along both sides.  What a tile shares with its
    surroundings, such as a bright background or the Galactic plane, does not count.

    Parameters
    ----------
    features : float32 array (channels, y, x)
    weights : float32 array (y, x), optional
        Not negative; equal everywhere if left out.

    Returns
    -------
    float32 array (channels,)
        NaN if the weights of the core sum to zero.

    Raises
    ------
    UsageError
        If the weights have another shape than a channel.

    References
    ----------
    The idea is that of a centre-surround receptive field: Itti, Koch & Niebur 1998, IEEE TPAMI 20, 1254.
    """
    _, y, x = features.shape
    core = middle_quarter(y), middle_quarter(x)
    inner = None if weights is None else weights[core]
    whole, share = _flat(features, weights)
    middle, core_share = _flat(features[:, core[0], core[1]], inner)
    # What is common to both goes first: nothing cancels in single precision.
    rough = (whole @ share)[:, None]
    return np.asarray((middle - rough) @ core_share - (whole - rough) @ share, np.float32)


def middle_quarter(positions: int) -> slice:
    """Return the middle quarter of so many positions along a side, at least one."""
    left = min(round(positions * (1 - CORE_SHARE) / 2), (positions - 1) // 2)
    return slice(left, positions - left)


def position_weights(coverage: Coverage, shape: tuple[int, int]) -> Weights:
    """Average the coverage of a picture over the pixels that stand behind each position of a layer.

    Parameters
    ----------
    coverage : array (rows, columns)
        From 0 to 1.
    shape : (y, x)
        Of the layer: the picture's sides divided by 1, 2, 4, 8 or 16, a remainder dropped as pooling does.

    Returns
    -------
    float32 array (y, x)

    Raises
    ------
    UsageError
        If no such pooling leads from the picture to the layer.
    """
    (rows, columns), (y, x) = coverage.shape, shape
    for stride in (1, 2, 4, 8, 16):
        if (rows // stride, columns // stride) == (y, x):
            cells = coverage[: y * stride, : x * stride].reshape(y, stride, x, stride)
            return np.asarray(cells.mean(axis=(1, 3), dtype=np.float64), dtype=np.float32)
    raise UsageError(f"a layer of {shape} positions does not belong to coverage of {coverage.shape} pixels")


def _flat(features: Chroma, weights: Weights | None) -> tuple[Numbers, Numbers]:
    """Features (channels, positions), and the share of each position in the mean; shares sum to 1."""
    flat = features.reshape(len(features), -1)
    if weights is None:
        return flat, np.full(flat.shape[1], 1 / flat.shape[1], dtype=np.float32)
    if weights.shape != features.shape[1:]:
        raise UsageError(
            f"weights of shape {weights.shape} do not fit a layer of {features.shape[1:]} positions"
        )
    total = weights.sum(dtype=np.float64)
    if total == 0:
        return flat, np.full(flat.shape[1], np.nan, dtype=np.float32)
    return flat, (weights.reshape(-1) / total).astype(np.float32)


def _centred(flat: Numbers, share: Numbers) -> tuple[Numbers, Numbers]:
    """Mean of each channel, and the deviations from it."""
    # A rough mean goes first and the mean of what is left second: nothing cancels in single precision.
    rough = flat @ share
    deviations = flat - rough[:, None]
    rest = deviations @ share
    deviations -= rest[:, None]
    return rough + rest, deviations

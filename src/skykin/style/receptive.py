"""How far a position of a layer sees, and how much of that was observed."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter

from skykin.core.errors import UsageError
from skykin.core.shapes import Coverage, Weights

#: Pixels that a position of the first convolution of each block depends on, per side, by the block's stride.
RECEPTIVE_PIXELS = {1: 3, 2: 10, 4: 24, 8: 68, 16: 156}
#: The outer half of that hardly counts: what a position answers comes from near its middle.
EFFECTIVE = 0.5
#: Of a position whose field was seen to nine tenths, a thirtieth of the weight is left.
STEEPNESS = 32


def undisturbed(coverage: Coverage, shape: tuple[int, int]) -> Weights:
    r"""Weigh down the positions of a layer that see masked pixels, whatever these were filled with.

    .. math:: u_p = s_p^{32}

    with the share :math:`s_p` of pixels with coverage above 0 in the square about the position that its
    answer comes from, half as wide as its receptive field.

    Parameters
    ----------
    coverage : array (rows, columns)
        From 0 to 1.
    shape : (y, x)
        Of the layer: the picture's sides divided by 1, 2, 4, 8 or 16, a remainder dropped as pooling does.

    Returns
    -------
    float32 array (y, x)
        1 everywhere if nothing is masked.

    Raises
    ------
    UsageError
        If no such pooling leads from the picture to the layer.

    References
    ----------
    Luo et al. 2016, NeurIPS 29 (the effective receptive field is a fraction of the theoretical one).
    """
    (rows, columns), (y, x) = coverage.shape, shape
    for stride, field in RECEPTIVE_PIXELS.items():
        if (rows // stride, columns // stride) == (y, x):
            seen = uniform_filter(
                (coverage > 0).astype(np.float64), max(1, int(field * EFFECTIVE)), mode="nearest"
            )
            middle = stride // 2
            share = seen[middle::stride, middle::stride][:y, :x]
            return np.asarray(np.clip(share, 0, 1) ** STEEPNESS, np.float32)
    raise UsageError(f"a layer of {shape} positions does not belong to coverage of {coverage.shape} pixels")

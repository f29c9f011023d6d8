"""Weights in bfloat16 whose rounding errors cancel."""

from __future__ import annotations

import numpy as np

from skykin.core.shapes import Numbers
from skykin.style.network.weights import Kernel


def rounded(kernel: Kernel) -> Kernel:
    """Round the weights of a convolution to the 8 bits of bfloat16, and carry each error on to the next.

    Neighbouring positions of a layer answer nearly alike, so what counts is the sum of the weights of a
    kernel of 3 × 3: the error of one is added to the next smaller one before that is rounded.  With each
    rounded for itself the means of a layer shift by more than regions of the sky differ.

    Parameters
    ----------
    kernel : float32 array (out, in, 3, 3)

    Returns
    -------
    float32 array (out, in, 3, 3)
        Exact in bfloat16.
    """
    weights = kernel.reshape(*kernel.shape[:2], -1)
    order = np.argsort(-np.abs(weights), axis=2, kind="stable")
    found, carried = np.empty_like(weights), np.zeros((*weights.shape[:2], 1), np.float32)
    for place in np.split(order, order.shape[2], axis=2):
        wanted = np.take_along_axis(weights, place, axis=2) + carried
        nearest = _nearest(wanted)
        np.put_along_axis(found, place, nearest, axis=2)
        carried = wanted - nearest
    return found.reshape(kernel.shape)


def _nearest(values: Numbers) -> Numbers:
    """Round float32 to the nearest bfloat16, to the even one of two, as the hardware does."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32)

"""Similarity of two styles: cosines per layer, combined into one score."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from skykin.core.errors import UsageError, shown
from skykin.style.recipe import Combine

Vector = npt.NDArray[np.float32]


def layer_cosines(signature: Mapping[str, Vector], reference: Mapping[str, Vector]) -> dict[str, float]:
    r"""Cosine between two signatures, layer by layer.

    .. math:: \cos = \frac{\sum_i a_i b_i}{\sqrt{\sum_i a_i^2}\,\sqrt{\sum_i b_i^2}}

    Parameters
    ----------
    signature, reference : Mapping of str to array (n,)
        With the same layers.

    Returns
    -------
    dict
        Layer to its cosine from −1 to 1, computed in double precision: squared Gram entries of block 4
        overflow a float32.  NaN where one of the two is zero or not finite, because it has no style.

    Raises
    ------
    UsageError
        If the two do not have the same layers.
    """
    if set(signature) != set(reference):
        raise UsageError(
            f"a signature of layers {', '.join(signature)} cannot be compared with one of "
            f"{', '.join(reference)}; measure both with one recipe"
        )
    return {layer: _cosine(signature[layer], vector) for layer, vector in reference.items()}


def _cosine(a: Vector, b: Vector) -> float:
    a, b = a.astype(np.float64), b.astype(np.float64)
    norms = math.sqrt(a @ a) * math.sqrt(b @ b)
    if not 0 < norms < math.inf:
        return math.nan
    return min(1.0, max(-1.0, float(a @ b) / norms))


def combine(cosines: npt.ArrayLike, how: Combine) -> npt.NDArray[np.float64]:
    """Make one score of the cosines of the layers; each layer weighs the same.

    Parameters
    ----------
    cosines : array (..., layers)
    how : {"max", "mean"}

    Returns
    -------
    float64 array (...)
        NaN where the cosine of any layer is NaN.

    Raises
    ------
    UsageError
        If `how` is unknown.
    """
    values = np.asarray(cosines, dtype=np.float64)
    if how == "max":
        return np.asarray(values.max(axis=-1))
    if how == "mean":
        return np.asarray(values.mean(axis=-1))
    raise UsageError(f"cosines cannot be combined by {shown(how)}; choose max or mean")

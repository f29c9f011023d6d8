"""Where in a tile its score comes from: what each position of a layer adds to the cosine."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from skykin.core.errors import UsageError, shown
from skykin.core.picture import Picture
from skykin.core.shapes import Chroma, Coverage, Numbers, Weights
from skykin.style.engine.plane import PlaneSource
from skykin.style.engine.stream import Piece, stream
from skykin.style.network.blocks import BlockNetwork
from skykin.style.recipe import Recipe
from skykin.style.signature import Signature, flattened
from skykin.style.standard import Standardisation
from skykin.style.statistics.statistic import (
    Statistic,
    core_contrast,
    covariance,
    gram,
    mean_std,
    middle_quarter,
    position_weights,
)


def position_cosines(
    recipe: Recipe,
    features: Mapping[str, Chroma],
    coverage: Coverage,
    reference: Signature,
    standard: Standardisation | None = None,
) -> dict[str, Numbers]:
    r"""Divide each layer's cosine among the positions of the tile.

    With the signature :math:`z_i = (x_i - \mu_i) / \sigma_i` of the tile and :math:`z'` of the reference,

    .. math:: \cos = \frac{\langle z, z'\rangle}{|z|\,|z'|} = \langle x, g\rangle - \langle\mu, g\rangle,
              \qquad g_i = \frac{z'_i}{\sigma_i\,|z|\,|z'|},

    and every statistic is a weighted mean over positions, :math:`x = \sum_p w_p\,\psi_p` with
    :math:`\sum_p w_p = 1`, so that position p has :math:`r_p = \langle\psi_p, g\rangle - \langle\mu,
    g\rangle` and :math:`\sum_p w_p r_p = \cos` exactly:

    ===========  =================================================================================
    gram         :math:`\psi_p = f_p f_p^{\mathsf T}`, so that
                 :math:`\langle\psi_p, g\rangle = f_p^{\mathsf T} A f_p` with the matrix A of g
    covariance   :math:`\psi_p = (f_p - m)(f_p - m)^{\mathsf T}` with the tile's own mean m
    mean_std     :math:`\psi_p = \left(f_p,\ \frac12\left(\frac{(f_p - m)^2}{s} + s\right)\right)` with the
                 tile's own mean m and spread s
    core         :math:`\psi_p = (k_p - 1)(f_p - m)` with the tile's own mean m, and with
    contrast     :math:`k_p = 1 / \sum_{q \in K} w_q` in the core K, 0 outside
    ===========  =================================================================================

    Gram matrices and contrasts are linear in the positions.  The other two are so to first order:
    :math:`\psi_p - x` is the influence function, by which x changes if a little more weight lies on p.  For
    the spread,
    :math:`s = v^{1/2}` gives :math:`ds = dv / 2s` with :math:`dv = w_p((f_p - m)^2 - v)`; the part of m in
    it vanishes.

    Parameters
    ----------
    recipe : Recipe
    features : Mapping of str to float32 array (channels, y, x)
        What the layers answer to the tile.
    coverage : array (rows, columns)
        Of the tile's picture.
    reference : Signature
        Standardised if `standard` is given.
    standard : Standardisation, optional

    Returns
    -------
    dict of str to float64 array (y, x)
        Layer to :math:`r_p`, whose mean over the covered positions is the cosine; NaN where nothing is
        covered.

    Raises
    ------
    UsageError
        If the recipe's statistic is none of the four.
    """
    found = {}
    for layer in recipe.layers:
        values = features[layer]
        scale = None if standard is None else (standard.mean[layer], standard.spread[layer])
        weights = position_weights(coverage, (values.shape[1], values.shape[2])) if recipe.weighted else None
        found[layer] = _of_layer(recipe.statistic, values, weights, reference[layer], scale)
    return found


def _of_layer(
    statistic: Statistic,
    features: Chroma,
    weights: Weights | None,
    reference: Numbers,
    scale: tuple[Numbers, Numbers] | None,
) -> Numbers:
    raw = flattened(statistic(features, weights)).astype(np.float64)
    wanted = reference.astype(np.float64)
    mean, spread = (0 * raw, 0 * raw + 1) if scale is None else (part.astype(np.float64) for part in scale)
    own = (raw - mean) / spread
    direction = wanted / spread / (np.linalg.norm(own) * np.linalg.norm(wanted))
    flat = features.reshape(len(features), -1).astype(np.float64)
    share = np.ones(flat.shape[1]) if weights is None else weights.reshape(-1).astype(np.float64)
    share_of_all = share / share.sum()
    if statistic is core_contrast:
        found = _contrast(flat, share_of_all, direction, _core(*features.shape[1:])) - mean @ direction
    else:
        found = _linear_part(statistic)(flat, share_of_all, direction) - mean @ direction
    return np.where(share > 0, found, np.nan).reshape(features.shape[1:])


def _linear_part(statistic: Statistic) -> Callable[[Numbers, Numbers, Numbers], Numbers]:
    if statistic is gram:
        return _second_moment
    if statistic is covariance:
        return _centred_moment
    if statistic is mean_std:
        return _first_moments
    name = shown(getattr(statistic, "__name__", statistic))
    raise UsageError(
        f"the statistic {name} cannot be divided among positions, only gram, covariance, mean_std and "
        "core_contrast"
    )


def _second_moment(flat: Numbers, share: Numbers, direction: Numbers) -> Numbers:  # noqa: ARG001
    matrix = np.zeros((len(flat), len(flat)))
    upper, right = np.triu_indices(len(flat))
    # A flattened pair of channels carries √2, and stands twice in the product.
    matrix[upper, right] = direction * np.where(upper == right, 1, np.sqrt(0.5))
    matrix[right, upper] = matrix[upper, right]
    return np.asarray(np.einsum("cp,cp->p", flat, matrix @ flat))


def _centred_moment(flat: Numbers, share: Numbers, direction: Numbers) -> Numbers:
    return _second_moment(flat - (flat @ share)[:, None], share, direction)


def _first_moments(flat: Numbers, share: Numbers, direction: Numbers) -> Numbers:
    mean = flat @ share
    square = (flat - mean[:, None]) ** 2
    spread = np.sqrt(square @ share)
    for_mean, for_spread = np.split(direction, 2)
    # A dead channel has no spread: nothing of it lies anywhere.
    alive = np.where(spread > 0, for_spread / np.where(spread > 0, spread, 1), 0)
    return np.asarray(for_mean @ flat + (alive @ square + for_spread @ spread) / 2)


def _contrast(flat: Numbers, share: Numbers, direction: Numbers, core: np.ndarray) -> Numbers:
    deviations = direction @ (flat - (flat @ share)[:, None])
    return np.asarray(deviations * (core / share[core].sum() - 1))


def _core(rows: int, columns: int) -> np.ndarray:
    own = np.zeros((rows, columns), dtype=bool)
    own[middle_quarter(rows), middle_quarter(columns)] = True
    return own.ravel()


def features_of(network: BlockNetwork, picture: Picture) -> dict[str, Chroma]:
    """Answers (channels, y, x) of all layers to the middle of a picture, in true context.

    Parameters
    ----------
    network : BlockNetwork
    picture : Picture
        With ``network.halo`` pixels of context on each side; the middle a multiple of 16 pixels.
    """
    rows, columns = (side - 2 * network.halo for side in picture.coverage.shape)
    source = PlaneSource(picture.rgb, picture.coverage, network.halo, network.halo, rows, columns)
    found: dict[str, Chroma] = {}
    for piece in stream(network, source):
        if isinstance(piece, Piece):
            if piece.layer not in found:
                shape = (len(piece.features), rows // piece.stride, columns // piece.stride)
                found[piece.layer] = np.empty(shape, np.float32)
            _, y, x = piece.features.shape
            place = (slice(None), slice(piece.row, piece.row + y), slice(piece.column, piece.column + x))
            found[piece.layer][place] = piece.features
    return found


def own_coverage(network: BlockNetwork, picture: Picture) -> Coverage:
    """Coverage of a picture without its context."""
    halo = network.halo
    return picture.coverage[halo : picture.coverage.shape[0] - halo, halo : picture.coverage.shape[1] - halo]

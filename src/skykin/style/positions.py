"""Where in a tile its score comes from: what each position of a layer adds to the cosine."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from skykin.core.picture import Picture
from skykin.core.shapes import Chroma, Coverage, Numbers, Weights
from skykin.style.arrays import on_host
from skykin.style.engine.stream import Piece, PlaneSource, stream
from skykin.style.network.devices import ContextNetwork
from skykin.style.recipe import Recipe
from skykin.style.signature import Signature, Standardisation, flattened
from skykin.style.statistics.statistic import Statistic, position_weights


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
    :math:`\sum_p w_p = 1`, exactly or to first order (`Statistic.by_position` of each gives its
    :math:`\psi_p`), so that position p has :math:`r_p = \langle\psi_p, g\rangle - \langle\mu, g\rangle` and
    :math:`\sum_p w_p r_p = \cos`.

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
    """
    found = {}
    for layer in recipe.layers:
        values = features[layer]
        weights = position_weights(coverage, (values.shape[1], values.shape[2])) if recipe.weighted else None
        found[layer] = _of_layer(recipe.statistic, values, weights, reference, standard=standard, layer=layer)
    return found


def _of_layer(
    statistic: Statistic,
    features: Chroma,
    weights: Weights | None,
    reference: Signature,
    *,
    standard: Standardisation | None,
    layer: str,
) -> Numbers:
    raw = flattened(statistic(features, weights)).astype(np.float64)
    wanted = reference[layer].astype(np.float64)
    own = raw if standard is None else standard.compared(layer, raw).astype(np.float64)
    direction = wanted if standard is None else standard.back(layer, wanted).astype(np.float64)
    direction = direction / (np.linalg.norm(own) * np.linalg.norm(wanted))
    mean = 0 * raw if standard is None else standard.mean[layer].astype(np.float64)
    share = np.ones(features.shape[1:]) if weights is None else weights.astype(np.float64)
    found = statistic.by_position(features.astype(np.float64), share / share.sum(), direction)
    return np.where(share > 0, found - mean @ direction, np.nan)


def features_of(network: ContextNetwork, picture: Picture) -> dict[str, Chroma]:
    """Answers (channels, y, x) of all layers to the middle of a picture, in true context.

    Parameters
    ----------
    network : ContextNetwork
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
            found[piece.layer][place] = on_host(piece.features)
    return found


def own_coverage(network: ContextNetwork, picture: Picture) -> Coverage:
    """Coverage of a picture without its context."""
    halo = network.halo
    return picture.coverage[halo : picture.coverage.shape[0] - halo, halo : picture.coverage.shape[1] - halo]

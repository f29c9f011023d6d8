"""Textures of overlapping tiles, measured once on the large picture that holds them all."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from skykin.core.shapes import RGB, Numbers
from skykin.evaluation.plain_texture import FAINTEST, LEVELS, MEASURES, PIXELS, SCALES, a_trous, power_slope

#: Pixels around the tiles that wavelets look at, two at each scale; beyond them the sky is mirrored.
HALO = 2 * (2**SCALES - 1)


def textures_in_plane(rgb: RGB, step: int) -> dict[str, Numbers]:
    """Measure every tile of `PIXELS` pixels in a picture as `plain_textures` measures it alone.

    Sums over a tile are differences of sums over the picture from its corner; only the power spectra, whose
    window moves with the tile, are taken tile by tile.  The wavelets see what lies around a tile, where
    those of a picture alone see it mirrored.

    Parameters
    ----------
    rgb : array (rows, columns, 3)
        Colours from 0 to 1, with `HALO` pixels of context on each side.
    step : int
        Distance between neighbouring tiles, pixels.

    Returns
    -------
    dict of str to array (rows of tiles, columns of tiles, n)
        For each measure of `plain_textures`.
    """
    rgb = np.asarray(rgb, dtype=np.float64)
    own = slice(HALO, -HALO)
    inner = rgb[own, own]
    grey = inner.mean(axis=-1)
    windows = sliding_window_view(grey, (PIXELS, PIXELS))[::step, ::step]
    values = (
        _gram(inner, step),
        _histogram(grey, step),
        np.stack([power_slope(row) for row in windows]),
        _scattering(rgb, step),
    )
    return dict(zip(MEASURES, values, strict=True))


def tile_means(values: Numbers, step: int) -> Numbers:
    """Mean of values (rows, columns, ...) over every tile."""
    sums = np.zeros((values.shape[0] + 1, values.shape[1] + 1, *values.shape[2:]))
    np.cumsum(values, axis=0, out=sums[1:, 1:])
    np.cumsum(sums[1:, 1:], axis=1, out=sums[1:, 1:])
    last, first = slice(PIXELS, None, step), slice(None, -PIXELS, step)
    whole = sums[last, last] - sums[first, last] - sums[last, first] + sums[first, first]
    return np.asarray(whole / PIXELS**2)


def _gram(rgb: Numbers, step: int) -> Numbers:
    products = tile_means(rgb[..., :, None] * rgb[..., None, :], step)
    return products.reshape(*products.shape[:2], 9)


def _histogram(grey: Numbers, step: int) -> Numbers:
    return tile_means(grey[..., None] <= (np.arange(LEVELS) + 1) / LEVELS, step)


def _scattering(rgb: Numbers, step: int) -> Numbers:
    own = slice(HALO, -HALO)
    first = [tile_means(np.abs(band[0, own, own]), step) for band in a_trous(rgb[None])]
    modulus = [np.abs(band) for band in a_trous(rgb.mean(axis=-1)[None])]
    second = [
        tile_means(np.abs(band[0, own, own]), step)[..., None]
        for j, each in enumerate(modulus[:-1])
        for band in a_trous(each)[j + 1 :]
    ]
    return np.asarray(np.log(np.concatenate(first + second, axis=-1) + FAINTEST))

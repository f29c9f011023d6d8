"""Textures measured without a network: baselines for a score by style."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import convolve1d

from skykin.core.shapes import RGB, Numbers

#: Pixels on a side of the pictures that are measured.
PIXELS = 32
LEVELS = 32
SCALES = 4
#: Pixels from which a wave is a wave of the sky, and not of the grid of pixels.
SHORTEST_WAVE = 4
SPLINE = np.array([1, 4, 6, 4, 1]) / 16
#: Below this a band has no structure at that scale, only rounding.
FAINTEST = 1e-5

MEASURES = ("pixel-RGB Gram", "intensity histogram", "power-spectrum slope", "wavelet scattering")


def plain_textures(rgb: RGB) -> dict[str, Numbers]:
    """Measure pictures by means older than neural networks.

    Parameters
    ----------
    rgb : array (pictures, side, side, 3)
        Colours from 0 to 1.

    Returns
    -------
    dict of str to array (pictures, n)
        For each of `MEASURES`.
    """
    rgb = np.asarray(rgb, dtype=np.float64)
    grey = rgb.mean(axis=-1)
    values = pixel_gram(rgb), histogram(grey), power_slope(grey), scattering(rgb)
    return dict(zip(MEASURES, values, strict=True))


def pixel_gram(rgb: RGB) -> Numbers:
    r"""Gram matrix of the three colours of the pixels, as a network without layers would have it.

    .. math:: G_{cd} = \frac{1}{P} \sum_p x_{pc} x_{pd}

    Returns
    -------
    array (pictures, 9)
    """
    flat = rgb.reshape(len(rgb), -1, 3)
    return np.asarray(np.einsum("npc,npd->ncd", flat, flat).reshape(len(rgb), 9) / flat.shape[1])


def histogram(grey: Numbers) -> Numbers:
    """Share of the pixels at or below each of 32 levels of brightness; array (pictures, 32)."""
    levels = (np.arange(LEVELS) + 1) / LEVELS
    flat = np.sort(grey.reshape(len(grey), -1), axis=1)
    below = np.stack([np.searchsorted(row, levels, side="right") for row in flat])
    return np.asarray(below / flat.shape[1])


def power_slope(grey: Numbers) -> Numbers:
    r"""Slope of the power spectrum: the α of :math:`P(k) \propto k^α`, fitted in logarithms.

    The picture is windowed (Hann) against its edges; waves from the whole picture down to four pixels count,
    each ring of wave numbers once.

    Returns
    -------
    array (pictures, 1)
        NaN for a picture of one colour.
    """
    side = grey.shape[-1]
    window = np.hanning(side)
    away = grey - grey.mean(axis=(1, 2), keepdims=True)
    half = np.fft.rfft2(away * window[:, None] * window)
    rings = np.arange(1, side // SHORTEST_WAVE + 1)
    mean = (half.real**2 + half.imag**2).reshape(len(grey), -1) @ _ring_means(side, len(rings))
    mean[mean.sum(axis=1) <= FAINTEST**2 * side**2] = np.nan
    x = np.log(rings) - np.log(rings).mean()
    return np.asarray((np.log(mean) @ x / (x @ x))[:, None])


@cache
def _ring_means(side: int, last: int) -> Numbers:
    """Weights (wave numbers of half a spectrum, rings 1 to `last`) that average power over rings."""
    wave = np.fft.fftfreq(side) * side
    ring = np.hypot(wave[:, None], np.arange(side // 2 + 1)).round().astype(int)
    times = np.full(ring.shape, 2.0)
    times[:, [0, side // 2]] = 1.0  # these stand for themselves, the others for their mirror image too
    inside = (ring.reshape(-1, 1) == np.arange(1, last + 1)) * times.reshape(-1, 1)
    return np.asarray(inside / inside.sum(axis=0))


def scattering(rgb: RGB) -> Numbers:
    r"""Mean modulus of wavelet coefficients, and of the wavelet coefficients of that modulus, as logarithms.

    .. math:: S_1(j, c) = \langle |x_c * \psi_j| \rangle, \qquad
              S_2(j, k) = \langle ||x * \psi_j| * \psi_k| \rangle \quad (k > j)

    for the colours c and their mean x, with the isotropic à-trous wavelets of the cubic B-spline at 1, 2, 4
    and 8 pixels.  A scattering transform, but for the orientation of its wavelets.

    Returns
    -------
    array (pictures, 18)

    References
    ----------
    Bruna & Mallat 2013, IEEE TPAMI 35, 1872; Starck & Murtagh 1994, A&A 288, 342 (à trous).
    """
    first = [np.abs(band).mean(axis=(1, 2)) for band in a_trous(rgb)]
    modulus = [np.abs(band) for band in a_trous(rgb.mean(axis=-1))]
    second = [
        np.abs(band).mean(axis=(1, 2))[:, None]
        for j, each in enumerate(modulus[:-1])
        for band in a_trous(each)[j + 1 :]
    ]
    return np.asarray(np.log(np.concatenate(first + second, axis=1) + FAINTEST))


def a_trous(images: Numbers) -> list[Numbers]:
    """Wavelet bands of images ``(n, y, x, ...)``, the finest first; mirrored at the borders."""
    bands, smooth = [], images
    for scale in range(SCALES):
        kernel = np.zeros(4 * 2**scale + 1)
        kernel[:: 2**scale] = SPLINE
        coarser = convolve1d(convolve1d(smooth, kernel, axis=1, mode="mirror"), kernel, axis=2, mode="mirror")
        bands.append(smooth - coarser)
        smooth = coarser
    return bands


def similarities(tiles: Mapping[str, Numbers], reference: Mapping[str, Numbers]) -> dict[str, Numbers]:
    """Score tiles by their similarity to the reference in each measure; larger is more similar.

    Gram matrices of pixels by their cosine, as the poster's; histograms by the distance between their
    distributions (Wasserstein); slopes by their difference; scattering, like the recipes that standardise, by
    the cosine of the deviations from the mean tile.

    Parameters
    ----------
    tiles, reference : Mapping of str to array (pictures, n)
        As `plain_textures` gives them; one picture of the reference.

    Returns
    -------
    dict of str to array (pictures,)
    """
    gram, levels, slope, waves = (tiles[name] for name in MEASURES)
    own_gram, own_levels, own_slope, own_waves = (reference[name][0] for name in MEASURES)
    mean, spread = waves.mean(axis=0), waves.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    values = (
        cosine(gram, own_gram),
        -np.abs(levels - own_levels).mean(axis=1),
        -np.abs(slope[:, 0] - own_slope[0]),
        cosine((waves - mean) / spread, (own_waves - mean) / spread),
    )
    return dict(zip(MEASURES, values, strict=True))


def cosine(vectors: Numbers, reference: Numbers) -> Numbers:
    """Cosine of each vector (n, k) with the reference (k,); NaN where one of them is zero."""
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(reference)
    return np.asarray(
        np.divide(vectors @ reference, lengths, out=np.full(len(vectors), np.nan), where=lengths > 0)
    )


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

"""Surrogates of a picture: the same spectrum, no form."""

from __future__ import annotations

import numpy as np

from skykin.core.errors import UsageError
from skykin.core.picture import Picture
from skykin.core.shapes import RGB, Numbers


def phase_randomised(picture: Picture, seed: int | list[int]) -> Picture:
    r"""Give every plane wave of a picture a random phase, the same for its three colours.

    .. math:: \hat v_c(k) = \hat u_c(k)\, e^{i \theta(k)}, \qquad \theta(-k) = -\theta(k), \quad \theta(0) = 0

    All power spectra of the colours stay, those between them too, and so do their means; lines, shells and
    clouds do not.  :math:`u` is the periodic component of the picture: its opposite borders do not fit, and
    their jump would come back as a cross.  Colours are cut to 0 to 1 at the end.  Masked pixels take part
    with the colours that they are filled with; the coverage stays where it is.

    Parameters
    ----------
    picture : Picture
    seed : int or list of int

    References
    ----------
    Galerne, Gousseau & Morel 2011, IEEE Trans. Image Process. 20, 257 (random phase noise).
    Moisan 2011, J. Math. Imaging Vis. 39, 161 (periodic plus smooth decomposition).
    """
    shape = picture.coverage.shape
    noise = np.random.default_rng(seed).normal(size=shape)
    turn = np.fft.rfft2(noise)
    turn /= np.maximum(np.abs(turn), 1e-300)
    turn[0, 0] = 1
    waves = np.fft.rfft2(periodic_component(picture.rgb), axes=(0, 1)) * turn[..., None]
    made = np.fft.irfft2(waves, s=shape, axes=(0, 1))
    return Picture(np.clip(made, 0, 1).astype(np.float32), picture.coverage, picture.footprint)


def periodic_component(rgb: RGB) -> Numbers:
    r"""Take the smooth part that holds the jump between opposite borders out of a picture.

    .. math:: p = u - s, \qquad \Delta s = v

    with the jumps :math:`v` along the border and the periodic Laplacian :math:`\Delta`; the mean stays.

    Parameters
    ----------
    rgb : array (rows, columns, 3)

    Returns
    -------
    float64 array (rows, columns, 3)
    """
    u = np.asarray(rgb, dtype=np.float64)
    v = np.zeros_like(u)
    v[0] += u[-1] - u[0]
    v[-1] += u[0] - u[-1]
    v[:, 0] += u[:, -1] - u[:, 0]
    v[:, -1] += u[:, 0] - u[:, -1]
    rows, columns = (np.cos(2 * np.pi * np.arange(n) / n) for n in u.shape[:2])
    laplacian = 2 * (rows[:, None] + columns[None, :]) - 4
    laplacian[0, 0] = 1
    smooth = np.fft.fft2(v, axes=(0, 1)) / laplacian[..., None]
    smooth[0, 0] = 0
    return u - np.fft.ifft2(smooth, axes=(0, 1)).real


def surrogate_p(score: Numbers, surrogates: Numbers) -> Numbers:
    r"""Compare tiles with their own surrogates, pooled over the tiles.

    Tile and surrogates are exchangeable where form does not matter.  Each of them is taken relative to the
    mean of the others of its tile; the surrogates of all tiles together are what the tiles are held against:

    .. math:: p_i = \frac{1 + \#\{d_{jk} \ge d_i\}}{1 + J K}

    Parameters
    ----------
    score : array (tiles,)
    surrogates : array (tiles, draws)
        At least two draws; NaN does not count.

    Returns
    -------
    float64 array (tiles,)
        Not below 1 / (1 + tiles × draws); NaN where a tile has no score.

    Raises
    ------
    UsageError
        If there are fewer than two draws.
    """
    if surrogates.shape[1] < 2:
        raise UsageError(f"a tile is compared with 2 or more surrogates, not {surrogates.shape[1]}")
    whole = np.column_stack([score, surrogates])
    known = np.isfinite(whole)
    total, count = np.where(known, whole, 0).sum(axis=1), known.sum(axis=1)
    others = np.where(known, total[:, None] - np.where(known, whole, 0), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = whole - others / (count - 1)[:, None]
    null = np.sort(apart[:, 1:][np.isfinite(apart[:, 1:])])
    higher = len(null) - np.searchsorted(null, apart[:, 0], side="left")
    return np.where(np.isfinite(apart[:, 0]), (1 + higher) / (1 + len(null)), np.nan)

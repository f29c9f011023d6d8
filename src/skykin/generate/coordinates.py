"""Coordinates of a picture in which an optimiser takes its steps: pixels, or waves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from scipy.fft import irfft2, rfft2

from skykin.core.shapes import RGB, Numbers

#: Waves longer than a quarter of the picture change no more readily than these: else the first steps would
#: fill it with one or two structures as large as itself, and so few are soon in a place like the reference's.
WAVES_ACROSS = 4
#: A colour that does not vary in the reference still may.
LEAST_SPREAD = 1e-3


class Coordinates(Protocol):
    """A linear way from numbers (rows, columns, 3) to a picture as large, and back."""

    #: Whether each number is a colour, from 0 to 1.
    bounded: bool

    def picture(self, coordinates: Numbers) -> Numbers:
        """Give the colours, some of which may lie outside 0 to 1 if the coordinates are not bounded."""

    def coordinates(self, rgb: Numbers) -> Numbers:
        """Give the coordinates of a picture."""

    def slope(self, by_colour: Numbers) -> Numbers:
        """Turn the change of a loss with each colour into that with each coordinate."""


class Pixels:
    """Where the coordinates of a picture are its colours."""

    bounded = True

    def picture(self, coordinates: Numbers) -> Numbers:
        """Give them back."""
        return coordinates

    def coordinates(self, rgb: Numbers) -> Numbers:
        """Give them back."""
        return rgb.astype(np.float64)

    def slope(self, by_colour: Numbers) -> Numbers:
        """Give it back."""
        return by_colour.astype(np.float64)


@dataclass(frozen=True, eq=False)
class Waves:
    r"""Where a picture is a sum of waves.

    The picture :math:`I` has the coordinates :math:`z` with

    .. math:: I = \bar I + C^{1/2} \, \mathcal F^{-1} \left[ s \, \mathcal F z \right],
              \quad s(k) \propto 1 / \max(|k|, k_0)

    so that a step of equal length in each coordinate is one whose waves are larger the longer they are, as
    those of natural pictures, and whose colours vary together as the reference's.

    Parameters
    ----------
    mean : array (3,)
        Mean colour.
    colours : array (3, 3)
        Root of the covariance of the colours; symmetric.
    scale : array (rows, columns // 2 + 1)
        Of each wave.

    References
    ----------
    Mordvintsev, Pezzotti, Schubert & Olah 2018, Distill, "Differentiable Image Parameterizations".
    """

    mean: Numbers
    colours: Numbers
    scale: Numbers
    bounded = False

    @classmethod
    def like(cls, reference: RGB) -> Self:
        """Measure the colours of a reference; the picture is as large."""
        rows, columns, _ = reference.shape
        pixels = reference.reshape(-1, 3).astype(np.float64)
        values, axes = np.linalg.eigh(np.cov(pixels.T))
        roots = np.sqrt(np.maximum(values, LEAST_SPREAD**2))
        waves = np.hypot(np.fft.fftfreq(rows)[:, None], np.fft.rfftfreq(columns))
        scale = 1 / np.maximum(waves, WAVES_ACROSS / max(rows, columns))
        scale /= np.sqrt(np.mean(scale**2))
        return cls(pixels.mean(axis=0), (axes * roots) @ axes.T, scale)

    def picture(self, coordinates: Numbers) -> Numbers:
        """Give the colours, some of which may lie outside 0 to 1."""
        return self.mean + self.slope(coordinates)

    def coordinates(self, rgb: Numbers) -> Numbers:
        """Give the coordinates of a picture."""
        return _filtered((rgb - self.mean) @ np.linalg.inv(self.colours), 1 / self.scale)

    def slope(self, by_colour: Numbers) -> Numbers:
        """Turn the change of a loss with each colour into that with each coordinate.

        The way from coordinates to colours is linear and symmetric: its transpose is itself.
        """
        return _filtered(by_colour @ self.colours, self.scale)


def _filtered(planes: Numbers, scale: Numbers) -> Numbers:
    waves = rfft2(planes, axes=(0, 1)) * scale[..., None]
    filtered: Numbers = irfft2(waves, s=planes.shape[:2], axes=(0, 1))
    return filtered

"""A sky that is random but for its spectrum: what a survey would be if nothing in it had a form."""

from dataclasses import replace

import numpy as np
from astropy import units as u
from astropy_healpix import HEALPix

from skykin.survey.healpix.bands import HealpixBands

#: Highest degree of the spherical harmonics: 1° is the beam of WHAM, smoothed once more.
DEGREES = 191


def null_sky(survey: HealpixBands, seed: int, degrees: int = DEGREES) -> HealpixBands:
    """Give every spherical harmonic of a survey a random phase.

    Values become asinh(value / median) and lose, ring by ring, their mean and their spread over longitude,
    smoothed over latitude.  What is left is expanded into harmonics; each coefficient is turned by a random
    angle, the same for the three bands, so that every auto- and cross-spectrum stays.  Means and spreads
    come back, so that the profile of brightness with latitude, and of its variation, stays as well.
    """
    grid = Sphere(degrees)
    scale = np.median(np.abs(survey.values), axis=0)
    values = np.arcsinh(survey.sample(*grid.positions())[0].astype(float) / scale)
    mean, spread = (_smoothed(moment(axis=1), grid.lat_deg) for moment in (values.mean, values.std))
    angle = np.random.default_rng(seed).uniform(0, 2 * np.pi, (degrees, degrees))
    angle[:, 0] = np.pi * (angle[:, 0] > np.pi)  # order 0 is real: a sign
    fields = []
    for band in range(3):
        flat = (values[..., band] - mean[:, None, band]) / spread[:, None, band]
        turned = grid.synthesise(grid.analyse(flat) * np.exp(1j * angle))
        turned = (turned - turned.mean()) * (flat.std() / turned.std())
        fields.append(turned * spread[:, None, band] + mean[:, None, band])
    pixels = HEALPix(survey.nside, order="ring")
    lon, lat = pixels.healpix_to_lonlat(np.arange(pixels.npix))
    made = np.stack([grid.at(lon.to_value(u.deg), lat.to_value(u.deg), field) for field in fields], axis=-1)
    made = np.maximum(np.sinh(made) * scale, survey.values.min(axis=0))
    return replace(survey, values=made.astype(np.float32))


class Sphere:
    """Spherical harmonics up to a degree, on a Gauss-Legendre grid, where their sums are exact."""

    def __init__(self, degrees: int) -> None:
        self.degrees = degrees
        self.height, self.weight = np.polynomial.legendre.leggauss(degrees)
        self.lat_deg = np.degrees(np.arcsin(self.height))
        self.columns = 2 * degrees
        self.legendre = _legendre(degrees, self.height)

    def positions(self):
        """Longitudes and latitudes of the grid, degrees."""
        return np.meshgrid(np.arange(self.columns) * 360 / self.columns, self.lat_deg)

    def analyse(self, field):
        """Coefficients (degree, order) of a field (latitudes, longitudes)."""
        rings = np.fft.rfft(field, axis=1)[:, : self.degrees] * (2 * np.pi / self.columns)
        return np.einsum("lmy,ym->lm", self.legendre, rings * self.weight[:, None])

    def synthesise(self, coefficients):
        """Field (latitudes, longitudes) of coefficients (degree, order)."""
        rings = np.zeros((self.degrees, self.columns // 2 + 1), complex)
        rings[:, : self.degrees] = np.einsum("lmy,lm->ym", self.legendre, coefficients)
        return np.fft.irfft(rings * self.columns, self.columns, axis=1)

    def at(self, lon_deg, lat_deg, field):
        """Interpolate bilinearly; beyond the last ring its own values."""
        x = lon_deg / 360 * self.columns
        y = np.clip(np.interp(lat_deg, self.lat_deg, np.arange(self.degrees)), 0, self.degrees - 1.001)
        left, low = np.floor(x).astype(int), np.floor(y).astype(int)
        x, y = x - left, y - low
        left, right = left % self.columns, (left + 1) % self.columns
        below = field[low, left] * (1 - x) + field[low, right] * x
        return below * (1 - y) + (field[low + 1, left] * (1 - x) + field[low + 1, right] * x) * y


def _legendre(degrees, height):
    """Orthonormal associated Legendre functions (degree, order, height), by recursion over the degree."""
    sine = np.sqrt(1 - height**2)
    p = np.zeros((degrees, degrees, len(height)))
    p[0, 0] = np.sqrt(1 / (4 * np.pi))
    for m in range(1, degrees):
        p[m, m] = -np.sqrt((2 * m + 1) / (2 * m)) * sine * p[m - 1, m - 1]
    for m in range(degrees - 1):
        p[m + 1, m] = np.sqrt(2 * m + 3) * height * p[m, m]
        for l in range(m + 2, degrees):  # noqa: E741 - the degree is called l everywhere
            a = np.sqrt((4 * l**2 - 1) / (l**2 - m**2))
            b = np.sqrt(((l - 1) ** 2 - m**2) / (4 * (l - 1) ** 2 - 1))
            p[l, m] = a * (height * p[l - 1, m] - b * p[l - 2, m])
    return p


def _smoothed(profile, lat_deg, width_deg=5.0):
    """Average a profile (latitudes, bands) over neighbouring latitudes."""
    kernel = np.exp(-0.5 * ((lat_deg[:, None] - lat_deg) / width_deg) ** 2)
    return kernel @ profile / kernel.sum(axis=1, keepdims=True)

"""A survey of three bands on a HEALPix map of the whole sky."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from astropy import units as u
from astropy_healpix.core import bilinear_interpolation_weights, npix_to_nside

from skykin.core.errors import DataQualityError, HeaderInvalidError
from skykin.core.extent import ALL_SKY, Extent
from skykin.core.shapes import BandValues, Coverage, Degrees, Numbers
from skykin.core.survey_options import Ordering
from skykin.survey.base import About, BaseSurvey
from skykin.survey.healpix.cells import in_parts


class BandMap(BaseSurvey):
    """Three bands on the pixels of a HEALPix map in Galactic coordinates, masked pixels filled."""

    order: ClassVar[Ordering]
    if TYPE_CHECKING:  # fields of dataclasses below

        @property
        def frame(self) -> str:
            """Coordinates of the data before they came onto the map."""

        @property
        def gridding(self) -> str:
            """How the values came onto the map, in words, for provenance."""

    @property
    @abstractmethod
    def nside(self) -> int:
        """Pixels along a side of each of HEALPix's twelve base pixels."""

    @abstractmethod
    def _rows(self, pixels: Numbers) -> Numbers:
        """Three values and the coverage of pixels: float32 array ``(n, 4)`` of its own."""

    def _facts(self) -> dict[str, object]:
        return {
            "frame": self.frame,
            "projection": f"HEALPix, NSIDE {self.nside}",
            "nside": self.nside,
            "gridding": self.gridding,
        }

    def _sample(self, lon_deg: Degrees, lat_deg: Degrees) -> tuple[BandValues, Coverage]:
        r"""Interpolate values and coverage between the four nearest pixels.

        .. math:: I = \sum_p w_p I_p, \qquad c = \sum_p w_p c_p

        with the bilinear weights :math:`w_p` of HEALPix.  Masked pixels take part with the values that they
        are filled with: to leave them out would draw the outline of every hole into the picture.

        References
        ----------
        Górski et al. 2005, ApJ, 622, 759 (the map); the weights are bilinear in latitude and longitude.
        """
        return in_parts(self._interpolate, lon_deg, lat_deg)

    def _interpolate(self, lon_deg: Degrees, lat_deg: Degrees) -> tuple[Numbers, Numbers]:
        # Weights are infinite outside 0° to 360° (astropy-healpix 2.0): longitudes come wrapped.
        pixels, weights = bilinear_interpolation_weights(
            lon_deg * u.deg, lat_deg * u.deg, self.nside, order=self.order
        )
        total = np.zeros((lon_deg.size, 4), np.float32)
        for pixel, weight in zip(pixels, weights.astype(np.float32), strict=True):
            part = self._rows(pixel)
            part *= weight[:, None]
            total += part
        return total[:, :3], np.clip(total[:, 3], 0, 1)


@dataclass(frozen=True, eq=False, repr=False)
class HealpixBands(BandMap):
    """Three bands on a HEALPix map in RING order and Galactic coordinates.

    Parameters
    ----------
    values : float32 array (npix, 3)
        Physical values in ``about.unit``; finite everywhere, filled from around where masked.
    coverage : float32 array (npix,)
        Share of good data behind each pixel, 0 (masked) to 1.
    beam_deg : float
        Angular resolution (full width) of the survey, degrees.
    about : About
        Names, unit, source and credits.
    gridding : str
        How the values came onto the map, in words, for provenance.
    extent : Extent
        Cap of the sky that holds all covered pixels.
    frame : str
        Coordinates of the data before they came onto the map.

    Raises
    ------
    HeaderInvalidError
        If the number of pixels is not that of a HEALPix map, or the shapes differ.
    DataQualityError
        If a value is not finite or a coverage is outside 0 to 1.
    """

    order: ClassVar[Ordering] = "ring"
    values: BandValues
    coverage: Coverage
    beam_deg: float
    about: About
    gridding: str = "as given"
    extent: Extent = ALL_SKY
    frame: str = "galactic"
    _table: Numbers = field(init=False, repr=False)

    def __post_init__(self) -> None:
        values = np.array(self.values, np.float32, order="C")
        coverage = np.array(self.coverage, np.float32)
        _check_shapes(values, coverage)
        _check_numbers(values, coverage)
        object.__setattr__(self, "values", _frozen(values))
        object.__setattr__(self, "coverage", _frozen(coverage))
        # One row per pixel, so that each of the four neighbours is one look into memory.
        object.__setattr__(self, "_table", _frozen(np.column_stack([values, coverage])))

    @property
    def nside(self) -> int:
        """Pixels along a side of each of HEALPix's twelve base pixels."""
        return int(npix_to_nside(len(self.coverage)))

    def _rows(self, pixels: Numbers) -> Numbers:
        return self._table.take(pixels, axis=0)


def _frozen(array: Numbers) -> Numbers:
    array = array.view()
    array.flags.writeable = False
    return array


def _check_shapes(values: Numbers, coverage: Numbers) -> None:
    pixels = len(coverage)
    if values.shape != (pixels, 3) or coverage.ndim != 1:
        raise HeaderInvalidError(
            f"values of shape {values.shape} do not fit coverage of shape {coverage.shape}; "
            "give (npix, 3) and (npix,)",
            code="IN-DIM",
        )
    nside = round((pixels / 12) ** 0.5)
    if nside < 1 or 12 * nside**2 != pixels or nside & (nside - 1):
        raise HeaderInvalidError(
            f"{pixels} pixels are not a whole HEALPix map; give 12·NSIDE² pixels, NSIDE a power of two",
            code="IN-DIM",
        )


def _check_numbers(values: Numbers, coverage: Numbers) -> None:
    if not np.isfinite(values).all():
        row = int(np.flatnonzero(~np.isfinite(values).all(axis=1))[0])
        raise DataQualityError(
            f"pixel {row} has the value {values[row]}; fill pixels that are not observed and give them "
            "coverage 0",
            code="DQ-NONFINITE",
        )
    if not ((coverage >= 0) & (coverage <= 1)).all():
        raise DataQualityError(
            f"coverage runs from {coverage.min():g} to {coverage.max():g}; it is a share from 0 to 1",
            code="DQ-NONFINITE",
        )

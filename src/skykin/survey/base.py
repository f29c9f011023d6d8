"""What every survey has in common: its description, and positions in any form that astropy knows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from astropy import units as u
from astropy.coordinates import BaseCoordinateFrame, SkyCoord

from skykin.core.errors import SkyError, UsageError, shown
from skykin.core.protocols import Survey
from skykin.core.provenance import Source
from skykin.core.shapes import Angles, BandValues, Coverage, Degrees, Numbers

if TYPE_CHECKING:
    from skykin.core.extent import Extent


@dataclass(frozen=True)
class About:
    """Names and sources that go with the values of a survey.

    Parameters
    ----------
    name : str
        Short name, such as ``wham``.
    title : str
        Full name for figures and headers.
    unit : str
        Unit of the values, readable by `astropy.units`.
    bands : three str
        What is shown as red, green and blue, in words.
    source : Source
        The file behind it.
    credits : tuple of str
        Citations and acknowledgements that go with every product.
    intensity_bands : tuple of int
        Which of the three bands are data of their own, so that their sum is the intensity.
    shows_colours : bool
        Whether the values are colours from 0 to 1, made for the eye: those of a picture of 8 bits.
    """

    name: str
    title: str
    unit: str
    bands: tuple[str, str, str]
    source: Source
    credits: tuple[str, ...] = ()
    intensity_bands: tuple[int, ...] = (0, 1, 2)
    shows_colours: bool = False

    @classmethod
    def of_columns(cls, columns: tuple[str, ...], **names: Any) -> About:
        """Describe one to three columns of values, shown as `three_bands` shows them."""
        if len(columns) == 1:
            return cls(bands=columns * 3, intensity_bands=(0,), **names)
        if len(columns) == 2:
            mean = f"mean of {columns[0]} and {columns[1]}"
            return cls(bands=(columns[0], mean, columns[1]), intensity_bands=(0, 2), **names)
        return cls(bands=(columns[0], columns[1], columns[2]), **names)

    @classmethod
    def of(cls, survey: Survey) -> About:
        """Describe what is made of a survey as the survey itself."""
        return cls(
            survey.name,
            survey.title,
            survey.unit,
            survey.bands,
            survey.source,
            survey.credits,
            survey.intensity_bands,
            getattr(survey, "shows_colours", False),
        )


class BaseSurvey(ABC):
    """A survey that has `about`, `beam_deg` and `extent`, and is sampled at Galactic degrees by `_sample`."""

    if TYPE_CHECKING:  # fields of dataclasses below: a property here would be taken for their default

        @property
        def about(self) -> About:
            """Names and sources."""

        @property
        def beam_deg(self) -> float:
            """Angular resolution (full width), degrees."""

        @property
        def extent(self) -> Extent:
            """Cap of the sky that holds the full survey footprint."""

    @property
    def name(self) -> str:
        """Short name, such as ``wham``."""
        return self.about.name

    @property
    def title(self) -> str:
        """Full name for figures and headers."""
        return self.about.title

    @property
    def unit(self) -> str:
        """Unit of the values, readable by `astropy.units`."""
        return self.about.unit

    @property
    def bands(self) -> tuple[str, str, str]:
        """What is shown as red, green and blue, in words."""
        return self.about.bands

    @property
    def source(self) -> Source:
        """The file behind it."""
        return self.about.source

    @property
    def credits(self) -> tuple[str, ...]:
        """Citations and acknowledgements that go with every product."""
        return self.about.credits

    @property
    def intensity_bands(self) -> tuple[int, ...]:
        """Which of the three bands are data of their own; their sum is the intensity."""
        return self.about.intensity_bands

    @property
    def shows_colours(self) -> bool:
        """Whether the values are colours from 0 to 1, made for the eye."""
        return self.about.shows_colours

    @property
    def overview(self) -> Survey:
        """The survey itself: all of it can be read at its own resolution."""
        return cast("Survey", self)

    def to_dict(self) -> dict[str, object]:
        """Plain values for provenance."""
        return {
            "name": self.name,
            "file": self.source.name,
            "sha256": self.source.sha256,
            "unit": self.unit,
            "bands": list(self.bands),
            "beam_deg": self.beam_deg,
            **self._facts(),
        }

    def _facts(self) -> dict[str, object]:
        """Frame, projection and what else provenance should say."""
        return {}

    def sample(self, lon: Angles | SkyCoord, lat: Angles | None = None) -> tuple[BandValues, Coverage]:
        """Look up values and coverage.

        Parameters
        ----------
        lon, lat : float, array or Quantity of one shape
            Galactic positions; plain numbers are degrees.  Instead of both: one `SkyCoord` in any frame.

        Returns
        -------
        values : float32 array (..., 3)
            Finite everywhere; filled from around where coverage is 0.
        coverage : float32 array (...)

        Raises
        ------
        SkyError
            If a position is not finite or beyond a pole, or an angle has another unit.
        """
        return self._sample(*galactic_positions(lon, lat))

    @abstractmethod
    def _sample(self, lon_deg: Degrees, lat_deg: Degrees) -> tuple[BandValues, Coverage]:
        """Values ``(..., 3)`` and coverage ``(...)`` at what `galactic_positions` gives."""

    def __repr__(self) -> str:
        extent = self.extent
        size = "whole sky" if extent.is_all_sky else (
            f"{2 * extent.radius_deg:.3g}° around l = {extent.lon_deg:.2f}°, b = {extent.lat_deg:+.2f}°"
        )  # fmt: skip
        unit = f"unit {self.unit}" if self.unit else "no unit"
        return f"<{type(self).__name__} {self.name}: {size}, beam {self.beam_deg:.3g}°, {unit}>"


def three_bands(values: Numbers) -> Numbers:
    """Red, green and blue of one band (grey), of two (the second is blue, their mean green) or of three."""
    count = values.shape[-1]
    if count == 1:
        return np.repeat(values, 3, axis=-1)
    if count == 2:
        return np.stack([values[..., 0], values.mean(axis=-1), values[..., 1]], axis=-1)
    return values


def galactic_positions(lon: Angles | SkyCoord, lat: Angles | None = None) -> tuple[Degrees, Degrees]:
    """Galactic longitudes, wrapped to [0, 360), and latitudes in degrees, of one shape.

    Parameters
    ----------
    lon, lat : float, array or Quantity
        Galactic positions; plain numbers are degrees.  Instead of both: one `SkyCoord` in any frame.

    Raises
    ------
    SkyError
        If a position is not finite or beyond a pole, or an angle has another unit.
    UsageError
        If one of the two is missing, or their shapes differ.
    """
    if isinstance(lon, SkyCoord | BaseCoordinateFrame) and lat is None:
        galactic = SkyCoord(lon).galactic
        lon, lat = galactic.l.deg, galactic.b.deg
    elif isinstance(lon, SkyCoord | BaseCoordinateFrame) or lat is None:
        raise UsageError("a position is a longitude and a latitude, or one SkyCoord alone")
    lon_deg, lat_deg = _degrees(lon, "longitude"), _degrees(lat, "latitude")
    try:
        lon_deg, lat_deg = np.broadcast_arrays(lon_deg, lat_deg)
    except ValueError as error:
        raise UsageError(
            f"longitudes of shape {lon_deg.shape} do not fit latitudes of shape {lat_deg.shape}"
        ) from error
    on_sky = np.isfinite(lon_deg) & (np.abs(lat_deg) <= 90)  # a NaN latitude fails too
    if not on_sky.all():
        worst = int(np.flatnonzero(~on_sky)[0])
        raise SkyError(
            f"position l = {lon_deg.flat[worst]:g}°, b = {lat_deg.flat[worst]:g}° is not on the sky; "
            "give finite longitudes and latitudes from −90° to 90°"
        )
    # A tiny negative longitude is rounded up to 360 by one modulo.
    return lon_deg % 360.0 % 360.0, lat_deg


def _degrees(angle: Any, name: str) -> Numbers:
    try:
        return np.asarray(angle.to_value(u.deg) if isinstance(angle, u.Quantity) else angle, np.float64)
    except u.UnitConversionError as error:
        raise SkyError(
            f"the {name} has the unit {shown(angle.unit)}, which is no angle; give degrees, or a Quantity of "
            "an angle",
            code="SKY-UNIT",
        ) from error
    except (TypeError, ValueError) as error:
        raise SkyError(
            f"the {name} {shown(angle)} is not a number; give degrees, or a Quantity of an angle"
        ) from error

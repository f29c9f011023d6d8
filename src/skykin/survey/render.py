"""Physical values shown as colours."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, get_args

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.visualization import AsinhStretch
from astropy_healpix import HEALPix

from skykin.core.errors import DataQualityError, UsageError, shown
from skykin.core.extent import Extent
from skykin.core.picture import Picture
from skykin.core.protocols import Survey
from skykin.core.settings import StretchKind
from skykin.core.shapes import RGB, Angles, BandValues, Coverage, Degrees, Numbers

#: Fixed centres of equal area, 0.9° apart, where the limits of a whole survey are measured.
LIMITS_NSIDE = 64
#: A survey of a part of the sky gets a finer grid of as many centres.
FEWEST_POSITIONS, FINEST_NSIDE = 20_000, 1 << 24
#: A hot pixel does not move them: the reader has left it out, see `plausible_range`.
#: Not 0 R but the darkest hundredth of the sky is black: the zero of a spectrum is uncertain by some 0.2 R,
#: and the floor of diffuse gas would tint every picture.  White is the brightest thousandth: the cores of a
#: few nebulae.
PERCENTILES = (1.0, 99.9)
#: Share of the range below which the curve is nearly straight.  For WHAM, 2 % is 1 to 3 R: faint filaments
#: show, and the steps between the survey's blocks of pointings hardly do.
SOFTENING = {"linear": 1.0, "asinh": 0.02, "log": 0.01, "symmetric": 0.1, "identity": 1.0}
COLOURS = ("red", "green", "blue")
#: A range below this share of the values is rounding, not structure.
FLAT = 1e-6


@dataclass(frozen=True)
class Stretch:
    r"""How values become brightness, band by band.

    .. math:: x = \min(\max(\frac{I - low}{high - low}, 0), 1), \qquad
              y = x, \quad \frac{\sinh^{-1}(x / s)}{\sinh^{-1}(1 / s)} \quad \mathrm{or} \quad
              \frac{\ln(1 + x / s)}{\ln(1 + 1 / s)}

    for the kinds ``linear`` (from 0 to 1 it is called ``identity``), ``asinh`` and ``log`` with the softening
    :math:`s`.  The kind ``symmetric`` is for values of both signs, such as velocities: 0 is shown as middle
    grey, and

    .. math:: y = \frac12 + \frac{\sinh^{-1}(x / s)}{2 \sinh^{-1}(1 / s)}, \qquad
              x = \min(\max(\frac{I}{high}, -1), 1).

    Parameters
    ----------
    kind : {"linear", "asinh", "log", "symmetric", "identity"}
    low, high : three floats
        Values of each band that are shown as 0 and as 1.
    softening : float
        Share of the range below which the curve is straight, above 0; ``linear`` has no use for it.

    Raises
    ------
    UsageError
        If the kind is unknown, or the numbers are not finite or not in order.

    References
    ----------
    Lupton et al. 2004, PASP, 116, 133 (asinh; here for each band alone, as the bands are velocities, not
    the colours of one source).
    """

    kind: StretchKind
    low: tuple[float, float, float]
    high: tuple[float, float, float]
    softening: float

    def __post_init__(self) -> None:
        if self.kind not in get_args(StretchKind):
            raise UsageError(
                f"stretch is {shown(self.kind)}, but it must be linear, asinh, log, symmetric or identity"
            )
        if not (math.isfinite(self.softening) and self.softening > 0):
            raise UsageError(f"softening is {self.softening:g}, but it must be a finite number above 0")
        for name, low, high in zip(COLOURS, self.low, self.high, strict=True):
            if not (math.isfinite(low) and math.isfinite(high) and low < high):
                raise UsageError(
                    f"the {name} band is shown from {low:g} to {high:g}, but it must run from a lower to a "
                    "higher finite value"
                )

    def apply(self, values: BandValues) -> RGB:
        """Turn values ``(..., 3)`` into colours from 0 to 1."""
        values = np.asarray(values, np.float32)
        low, high = np.array(self.low, np.float32), np.array(self.high, np.float32)
        softening = np.float32(self.softening)
        if self.kind == "symmetric":
            colours = 0.5 + AsinhStretch(softening)(np.clip(values / high, -1, 1), clip=False) / 2
            return np.asarray(np.clip(colours, 0, 1), np.float32)
        x = np.clip((values - low) / (high - low), 0, 1)
        if self.kind == "asinh":
            x = AsinhStretch(softening)(x, clip=False)
        elif self.kind == "log":  # not astropy's: it adds 1 before the logarithm, which rounds faint values
            x = np.log1p(x / softening) / np.log1p(1 / softening)
        return np.asarray(np.minimum(x, 1), np.float32)

    def values(self, colours: RGB) -> BandValues:
        """Values ``(..., 3)`` that are shown as colours from 0 to 1; float64."""
        low, high = np.array(self.low), np.array(self.high)
        y = np.asarray(colours, np.float64)
        if self.kind == "symmetric":
            return np.asarray(high * self.softening * np.sinh((2 * y - 1) * np.arcsinh(1 / self.softening)))
        if self.kind == "asinh":
            y = self.softening * np.sinh(y * np.arcsinh(1 / self.softening))
        elif self.kind == "log":
            y = self.softening * np.expm1(y * np.log1p(1 / self.softening))
        return np.asarray(low + (high - low) * y)

    def is_flat(self, lowest: RGB, highest: RGB) -> np.ndarray:
        r"""Tell which pictures have no structure: each band has one value there, but for rounding.

        .. math:: I_{max} - I_{min} \le 10^{-6} \max(|low|, |high|)

        Parameters
        ----------
        lowest, highest : float array (..., 3)
            The smallest and the largest colours of each picture where it is covered.

        Returns
        -------
        bool array (...)
            True where nothing is covered, too.
        """
        with np.errstate(invalid="ignore", over="ignore"):
            span = self.values(highest) - self.values(lowest)
        level = np.maximum(np.abs(self.low), np.abs(self.high))
        return np.asarray(~(span > FLAT * level).any(axis=-1))

    def is_flat_in(self, picture: Picture, margin: int = 0) -> bool:
        """Tell whether a picture has no structure; see `is_flat`.

        Parameters
        ----------
        picture : Picture
        margin : int
            Pixels on each side that are not looked at.
        """
        rows, columns = picture.coverage.shape
        own = slice(margin, rows - margin), slice(margin, columns - margin)
        seen = picture.rgb[own][picture.coverage[own] > 0]
        return not len(seen) or bool(self.is_flat(seen.min(axis=0), seen.max(axis=0)))

    def to_dict(self) -> dict[str, object]:
        """Plain values for provenance; `from_dict` makes the stretch of them again."""
        return asdict(self)

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Stretch:
        """Make the stretch of its `to_dict`; further entries are ignored.

        Raises
        ------
        UsageError
            If an entry is missing or invalid.
        """
        try:
            (red, green, blue), (red_high, green_high, blue_high) = facts["low"], facts["high"]
            low = float(red), float(green), float(blue)
            high = float(red_high), float(green_high), float(blue_high)
            kind, softening = facts["kind"], float(facts["softening"])
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(
                f"{shown(dict(facts))} is no stretch; it needs kind, low and high of three bands, and "
                "softening"
            ) from error
        return cls(kind, low, high, softening)


@dataclass(frozen=True, eq=False)
class RenderedSurvey:
    """A survey in the colours of a stretch."""

    survey: Survey
    stretch: Stretch

    def colours(self, lon: Angles | SkyCoord, lat: Angles | None = None) -> tuple[RGB, Coverage]:
        """Colours ``(..., 3)`` from 0 to 1 and coverage ``(...)``; positions as in `Survey.sample`."""
        values, coverage = self.survey.sample(lon, lat)
        return self.stretch.apply(values), coverage


@dataclass(frozen=True, eq=False)
class TileRenderedSurvey:
    """A survey in colours whose limits are measured on each tile by itself."""

    survey: Survey
    kind: StretchKind | None

    def colours(self, lon: Angles | SkyCoord, lat: Angles | None = None) -> tuple[RGB, Coverage]:
        """Colours ``(..., 3)`` and coverage ``(...)``; middle grey where a band has one value only.

        Raises
        ------
        DataQualityError
            ``DQ-ALLBLANK`` if nothing is covered.
        """
        values, coverage = self.survey.sample(lon, lat)
        kind = self.kind or own_stretch(self.survey)
        try:
            return measure_stretch_on(values, coverage, kind).apply(values), coverage
        except DataQualityError as error:
            if error.code != "DQ-CONST":
                raise
            return np.full(values.shape, 0.5, np.float32), coverage


def own_stretch(survey: Survey) -> StretchKind:
    """Give the stretch that suits a survey: its own colours if its values are such, else ``asinh``."""
    return "identity" if getattr(survey, "shows_colours", False) else "asinh"


def measure_stretch(
    survey: Survey,
    kind: StretchKind | None = None,
    *,
    percentiles: tuple[float, float] = PERCENTILES,
    softening: float | None = None,
) -> Stretch:
    """Choose the limits of a stretch once for a whole survey.

    The survey is sampled at the centres of a fixed HEALPix grid over its extent, so that every part of the
    sky counts by its area and the limits are the same on every run.

    Parameters
    ----------
    survey : Survey
    kind : {"asinh", "linear", "log", "symmetric", "identity"}, optional
        What suits the survey if left out.
    percentiles : pair of float
        Per band, the percentiles of the covered sky shown as 0 and as 1; ``symmetric`` uses the second,
        of the values without their sign.
    softening : float, optional
        See `Stretch`; each kind has its own default.

    Raises
    ------
    UsageError
        If the percentiles are not in order from 0 to 100, or ``identity`` is requested of values that are no
        colours from 0 to 1.
    DataQualityError
        ``DQ-ALLBLANK`` if nothing is covered, ``DQ-CONST`` if a band has no structure.
    """
    values, coverage = survey.overview.sample(*positions_over(survey.extent))
    chosen = kind or own_stretch(survey)
    return measure_stretch_on(values, coverage, chosen, percentiles=percentiles, softening=softening)


def positions_over(extent: Extent) -> tuple[Degrees, Degrees]:
    """Galactic positions of equal area over a cap of the sky, some 50 000, always the same."""
    nside = LIMITS_NSIDE
    share = (1 - math.cos(math.radians(extent.radius_deg))) / 2
    while 12 * nside**2 * share < FEWEST_POSITIONS and nside < FINEST_NSIDE:
        nside *= 2
    lon, lat = HEALPix(nside, order="nested").healpix_to_lonlat(extent.pixels(nside))
    return lon.deg, lat.deg


def measure_stretch_on(
    values: BandValues,
    coverage: Coverage,
    kind: StretchKind = "asinh",
    *,
    percentiles: tuple[float, float] = PERCENTILES,
    softening: float | None = None,
) -> Stretch:
    """Choose the limits of a stretch on the values ``(..., 3)`` of one picture, masked pixels left out.

    Parameters and errors are those of `measure_stretch`.
    """
    lowest, highest = percentiles
    if not 0 <= lowest < highest <= 100:
        raise UsageError(f"percentiles {lowest:g} and {highest:g} must grow within 0 to 100")
    seen = np.asarray(values, np.float64)[np.asarray(coverage) > 0]
    if not len(seen):
        raise DataQualityError(f"0 of {coverage.size} positions are covered; there is nothing to show")
    if kind == "identity":
        low, high = _colours_as_they_are(seen)
    elif kind == "symmetric":
        high = np.percentile(np.abs(seen), highest, axis=0)
        low = -high
    else:
        low, high = np.percentile(seen, percentiles, axis=0)
    for name, bottom, top in zip(COLOURS, low, high, strict=True):
        if not top - bottom > FLAT * max(abs(bottom), abs(top)):
            raise DataQualityError(
                f"the {name} band has the value {bottom:g} everywhere; a sky without structure has no style",
                code="DQ-CONST",
            )
    return Stretch(
        kind,
        (float(low[0]), float(low[1]), float(low[2])),
        (float(high[0]), float(high[1]), float(high[2])),
        SOFTENING.get(kind, 1.0) if softening is None else softening,
    )


def _colours_as_they_are(seen: Numbers) -> tuple[Numbers, Numbers]:
    if seen.min() < 0 or seen.max() > 1:
        raise UsageError(
            f"stretch is identity, which shows colours from 0 to 1, but the values run from {seen.min():.4g} "
            f"to {seen.max():.4g}; choose asinh, linear, log or symmetric"
        )
    return np.zeros(3), np.ones(3)

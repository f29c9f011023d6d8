"""The spectral axis of a cube as velocities."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
from astropy import constants
from astropy import units as u
from astropy.wcs import WCS

from skykin.core.errors import SkyError, UsageError, shown
from skykin.core.protocols import Progress
from skykin.core.shapes import Numbers
from skykin.core.survey_options import Band, Bands
from skykin.survey.fits.check import Hdu
from skykin.survey.fits.header_wcs import MOST_AXES
from skykin.survey.fits.image_hdus import image_shape

#: Spectral codes of FITS paper III and of AIPS, and what they measure.
VELOCITIES = ("VRAD", "VOPT", "VELO", "FELO", "VELOCITY")
CODES = (*VELOCITIES, "FREQ", "WAVE", "AWAV")
LIGHT_M_S = float(constants.c.value)
#: Beyond this no gas of the Milky Way is found, and m/s were probably taken for km/s.
FASTEST_KM_S = 2000.0
#: Lines are wider than all channels of such a cube: km/s were probably taken for m/s.
NARROWEST_KM_S = 0.5


@dataclass(frozen=True, eq=False)
class SpectralAxis:
    """Velocities of the channels.

    Parameters
    ----------
    velocity_km_s : float64 array (channels,)
        Centres, growing or falling.
    convention : str
        ``radio``, ``optical`` or ``as given``.
    frame : str
        SPECSYS, or "not stated".
    """

    velocity_km_s: Numbers
    convention: str
    frame: str

    @property
    def edges_km_s(self) -> Numbers:
        """Lower and upper edge of each channel, half-way to its neighbours, ``(2, channels)``."""
        v = self.velocity_km_s
        middle = (v[1:] + v[:-1]) / 2
        bounds = np.concatenate([[2 * v[0] - middle[0]], middle, [2 * v[-1] - middle[-1]]])
        return np.sort(np.stack([bounds[:-1], bounds[1:]]), axis=0)

    def overlap_km_s(self, band: Band) -> Numbers:
        """How much of each channel lies in a band."""
        low, high = self.edges_km_s
        return np.asarray(np.clip(np.minimum(high, band[1]) - np.maximum(low, band[0]), 0, None))

    def thirds(self) -> Bands:
        """All channels in three bands of one width, the fastest receding first."""
        low, high = float(self.edges_km_s.min()), float(self.edges_km_s.max())
        step = (high - low) / 3
        return (low + 2 * step, high), (low + step, low + 2 * step), (low, low + step)


def spectral_axis_number(hdu: Hdu, axes: int) -> int | None:
    """Return the number of the spectral axis from 0, None if there is none."""
    for i in range(min(axes, MOST_AXES)):
        if _code(hdu, i) in CODES:
            return i
    return None


def _code(hdu: Hdu, axis: int) -> str:
    return hdu.cards.get(f"CTYPE{axis + 1}", "").upper().split("-")[0].strip()


def read_spectral_axis(hdu: Hdu, wcs: WCS, axis: int, rest: str | None, progress: Progress) -> SpectralAxis:
    """Turn the spectral axis, number `axis` from 0, into velocities.

    Raises
    ------
    SkyError
        ``SKY-SPEC`` if a rest frequency or wavelength is needed or the axis stands still; ``SKY-UNIT`` if its
        unit does not fit.
    UsageError
        If `rest` is no frequency or wavelength.
    """
    code = _code(hdu, axis)
    values, unit = _world_values(hdu, wcs, axis)
    frame = hdu.cards.get("SPECSYS", "not stated").strip() or "not stated"
    if code in VELOCITIES:
        convention = {"VRAD": "radio", "VOPT": "optical", "FELO": "optical"}.get(code, "as given")
        velocity = values * unit.to(u.km / u.s)
        if code not in ("VRAD", "VOPT", "VELO"):
            progress.say(f"note: the spectral axis of {hdu} is called {shown(code)}; it is read as velocity")
    else:
        velocity = _shifts(hdu, code, values * unit, rest)
        convention = "radio" if code == "FREQ" else "optical"
    _check(hdu, axis, velocity, progress)
    return SpectralAxis(velocity, convention, frame)


def _world_values(hdu: Hdu, wcs: WCS, axis: int) -> tuple[Numbers, u.UnitBase]:
    """Values of the axis at the channels, and their unit.

    Raises
    ------
    SkyError
        ``SKY-UNIT`` if the one that is written does not fit.
    """
    code = _code(hdu, axis)
    target = u.m / u.s if code in VELOCITIES else (u.Hz if code == "FREQ" else u.m)
    with warnings.catch_warnings(action="ignore"):
        one = wcs.sub([axis + 1])
        values = one.wcs_pix2world(np.arange(image_shape(hdu)[axis], dtype=np.float64)[:, None], 0)[:, 0]
        # wcslib turns the axes that it knows into SI, and leaves names such as VELOCITY alone.
        text = str(one.wcs.cunit[0]).strip() or str(target)
        unit = next(
            (
                one
                for one in (_unit(text), _unit(text.lower()))
                if one is not None and one.is_equivalent(target)
            ),
            None,
        )
    if unit is None:
        raise SkyError(
            f"CUNIT{axis + 1} of {hdu} is {shown(text)}, which is no unit for {code}; use {target}",
            code="SKY-UNIT",
        )
    return np.asarray(values), unit


def _unit(text: str) -> u.UnitBase | None:
    try:
        return u.Unit(text)
    except ValueError:
        return None


def _shifts(hdu: Hdu, code: str, values: u.Quantity, rest: str | None) -> Numbers:
    """Velocities by the Doppler shift from the rest value: radio for frequencies, optical for wavelengths."""
    at_rest = _rest(hdu, code, rest)
    if code == "FREQ":
        return np.asarray((1 - (values / at_rest).to_value(u.one)) * LIGHT_M_S / 1000)
    return np.asarray(((values / at_rest).to_value(u.one) - 1) * LIGHT_M_S / 1000)


def _rest(hdu: Hdu, code: str, rest: str | None) -> u.Quantity:
    target = u.Hz if code == "FREQ" else u.m
    if rest is not None:
        try:
            value = u.Quantity(rest).to(target, u.spectral())
        except (TypeError, ValueError) as error:
            raise UsageError(
                f"the survey option rest is {shown(rest)}, but it must be a frequency or a wavelength, such "
                'as "110.201 GHz" or "656.28 nm"',
                code="SKY-SPEC",
            ) from error
        if not (math.isfinite(value.value) and value.value > 0):
            raise UsageError(
                f"the survey option rest is {shown(rest)}; give a value above 0", code="SKY-SPEC"
            )
        return value
    for keyword, unit in (("RESTFRQ", u.Hz), ("RESTFREQ", u.Hz), ("RESTWAV", u.m)):
        try:
            value = float(hdu.cards.get(keyword, "0").replace("D", "E")) * unit
        except ValueError:
            continue
        if value.value > 0:
            return value.to(target, u.spectral())
    wanted = "frequency" if code == "FREQ" else "wavelength"
    raise SkyError(
        f"the spectral axis of {hdu} is {code}, and it does not say of which line: give its rest {wanted}, "
        "such as --survey-option rest=110.201GHz or rest=656.28nm",
        code="SKY-SPEC",
    )


def _check(hdu: Hdu, axis: int, velocity: Numbers, progress: Progress) -> None:
    step = np.diff(velocity)
    if not np.isfinite(velocity).all() or not (step > 0).all() ^ (step < 0).all():
        raise SkyError(
            f"the spectral axis {axis + 1} of {hdu} does not run steadily from channel to channel; correct "
            f"CDELT{axis + 1}",
            code="SKY-SPEC",
        )
    if np.ptp(velocity) < NARROWEST_KM_S and _code(hdu, axis) in VELOCITIES:
        unit = hdu.cards.get(f"CUNIT{axis + 1}", "").strip()
        stated = f"CUNIT{axis + 1} is {shown(unit)}" if unit else f"no CUNIT{axis + 1}, so m/s is read"
        progress.say(
            f"warning: the velocities of {hdu} run from {velocity.min():+.3g} to {velocity.max():+.3g} km/s, "
            f"{np.ptp(velocity):.2g} km/s in all ({stated}); write CUNIT{axis + 1} = 'km/s' if that is the "
            "unit, or choose channels with --survey-option channels=0,1,2"
        )
    if np.abs(velocity).max() > FASTEST_KM_S:
        progress.say(
            f"warning: the velocities of {hdu} run from {velocity.min():+.6g} to {velocity.max():+.6g} km/s, "
            "faster than gas of the Milky Way; check the unit and the rest value"
        )

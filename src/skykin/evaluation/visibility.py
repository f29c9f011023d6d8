"""How high places on the sky rise in one night, and for how long."""

from __future__ import annotations

import warnings
from datetime import date

import numpy as np
from astropy import units as u
from astropy.coordinates import FK5, SkyCoord, get_sun
from astropy.time import Time

from skykin.core.shapes import Degrees, Numbers

#: An airmass of 2: lower places are seen through much air.
LOWEST_DEG = 30.0
#: The sky is dark while the Sun is lower than this (astronomical twilight).
DARK_SUN_DEG = -18.0
#: Moments of a night that are looked at: every four minutes from noon to noon.
MOMENTS = 360


def visibility(
    ra_deg: Degrees, dec_deg: Degrees, *, lat_deg: float, lon_deg: float, night: date
) -> tuple[Degrees, Numbers]:
    r"""Altitude of places at their transit, and hours for which they are high while it is dark.

    .. math:: \sin a = \sin\varphi \sin\delta + \cos\varphi \cos\delta \cos(\theta - \alpha)

    with the latitude :math:`\varphi`, the mean sidereal time :math:`\theta`, and right ascension and
    declination of the mean equinox of the night.  Refraction, nutation and polar motion are left out, and
    universal time stands for UT1: together less than 0.05° above 30°, and nothing is downloaded for them.

    Parameters
    ----------
    ra_deg, dec_deg : array (places,)
        ICRS, degrees.
    lat_deg, lon_deg : float
        Of the observer; longitude grows to the east.
    night : date
        The night that begins on the evening of this date there.

    Returns
    -------
    transit_altitude_deg : array (places,)
        Largest altitude of the day; below 0 where a place never rises.
    hours : array (places,)
        Hours with the place above `LOWEST_DEG` and the Sun below `DARK_SUN_DEG`.
    """
    noon = Time(f"{night:%Y-%m-%d} 12:00:00", scale="ut1").jd - ((lon_deg + 180) % 360 - 180) / 360
    moments = noon + (np.arange(MOMENTS) + 0.5) / MOMENTS
    of_date = FK5(equinox=Time(noon + 0.5, format="jd", scale="tt"))
    places = SkyCoord(ra_deg * u.deg, dec_deg * u.deg, frame="icrs").transform_to(of_date)
    # The model of 1982 needs no other time than UT1, and so no table of the Earth's rotation.
    sidereal = Time(moments, format="jd", scale="ut1").sidereal_time(
        "mean", longitude=lon_deg * u.deg, model="IAU1982"
    )
    # The Sun moves 0.0007° in the minute by which terrestrial time is ahead.  Without its distance, it is
    # not moved to the frame's own origin, the barycentre.
    with warnings.catch_warnings():
        # Leap seconds of years to come are not known, and do not matter here.
        warnings.filterwarnings("ignore", message="ERFA function")
        seen = get_sun(Time(moments, format="jd", scale="tt"))
    sun = SkyCoord(seen.ra, seen.dec, frame="icrs").transform_to(of_date)
    dark = _altitude_deg(sun.ra.deg, sun.dec.deg, sidereal.deg, lat_deg) < DARK_SUN_DEG
    altitude = _altitude_deg(places.ra.deg[:, None], places.dec.deg[:, None], sidereal.deg, lat_deg)
    hours = 24.0 / MOMENTS * np.sum((altitude > LOWEST_DEG) & dark, axis=1)
    return np.asarray(90.0 - np.abs(lat_deg - places.dec.deg)), np.asarray(hours)


def _altitude_deg(ra_deg: Degrees, dec_deg: Degrees, sidereal_deg: Degrees, lat_deg: float) -> Degrees:
    lat, dec, angle = np.radians(lat_deg), np.radians(dec_deg), np.radians(sidereal_deg - ra_deg)
    sine = np.sin(lat) * np.sin(dec) + np.cos(lat) * np.cos(dec) * np.cos(angle)
    return np.asarray(np.degrees(np.arcsin(np.clip(sine, -1, 1))))

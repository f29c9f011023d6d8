"""How numbers are written for people."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from astropy.coordinates import Angle

from skykin.core.footprint import Footprint
from skykin.core.frames import Frame, from_galactic

#: The primary colours of the picture itself, not of a palette.
PRIMARIES = {"red": "#FF0000", "green": "#00FF00", "blue": "#0000FF"}


def number(value: float, form: str = "g") -> str:
    """Write a number with a real minus sign; a dash where it is not known."""
    return f"{value:{form}}".replace("-", "−") if math.isfinite(value) else "–"


def percent(share: float | None, digits: int = 1) -> str:
    """Write a share from 0 to 1 as a percentage, such as 6.2 %; nothing for None, a dash for NaN."""
    if share is None:
        return ""
    return f"{number(100 * share, f'.{digits}f')} %" if math.isfinite(share) else "–"


def band_words(bands: Sequence[str]) -> list[tuple[str, str]]:
    """Say what is shown in which colour: pairs of a colour and words; of a grey image one pair."""
    if len(set(bands)) == 1:
        return [("white", f"brightness: {bands[0]}")]
    return [
        (colour, f"{name}: {band}") for (name, colour), band in zip(PRIMARIES.items(), bands, strict=True)
    ]


def position(footprint: Footprint, digits: int | None = None, frame: Frame = "galactic") -> str:
    """Write where a footprint is centred, such as l = 209.0°, b = −19.0°; finer for a small one.

    In ICRS as right ascension and declination: 05h40m59.0s, −02°27′30″.
    """
    if frame == "icrs":
        ra, dec = from_galactic(np.array([footprint.lon_deg]), np.array([footprint.lat_deg]), "icrs")
        fine = max(0, math.ceil(-math.log10(footprint.width_deg * 3600 / 100)))
        right = Angle(ra[0], "deg").to_string("hourangle", sep=("h", "m", "s"), precision=fine + 1, pad=True)
        up = Angle(dec[0], "deg").to_string(
            "deg", sep=("°", "′", "″"), precision=fine, pad=True, alwayssign=True
        )
        return f"{right}, {up.replace('-', '−')}"
    if digits is None:
        digits = max(1, 1 - math.floor(math.log10(footprint.width_deg)))
    lon, lat = number(footprint.lon_deg, f".{digits}f"), number(footprint.lat_deg, f"+.{digits}f")
    return f"l = {lon}°, b = {lat}°"

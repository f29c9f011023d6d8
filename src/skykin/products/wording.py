"""How numbers are written for people."""

from __future__ import annotations

import math

from skykin.core.footprint import Footprint


def number(value: float, form: str = "g") -> str:
    """Write a number with a real minus sign; a dash where it is not known."""
    return f"{value:{form}}".replace("-", "−") if math.isfinite(value) else "–"


def percent(share: float | None, digits: int = 1) -> str:
    """Write a share from 0 to 1 as a percentage, such as 6.2 %; nothing for None, a dash for NaN."""
    if share is None:
        return ""
    return f"{number(100 * share, f'.{digits}f')} %" if math.isfinite(share) else "–"


def position(footprint: Footprint, digits: int = 1) -> str:
    """Write where a footprint is centred, such as l = 209.0°, b = −19.0°."""
    lon, lat = number(footprint.lon_deg, f".{digits}f"), number(footprint.lat_deg, f"+.{digits}f")
    return f"l = {lon}°, b = {lat}°"

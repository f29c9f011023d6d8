"""Observatories: where an observer stands, by name or by position."""

from __future__ import annotations

import difflib
import math
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from astropy.table import QTable

from skykin.core.errors import UnknownNameError, UsageError, shown

FORM = "latitude,longitude,height (degrees north, degrees east, metres), such as -24.63,-70.40,2640"


@dataclass(frozen=True)
class Site:
    """A place on the Earth.

    Parameters
    ----------
    name : str
    lat_deg, lon_deg : float
        Geodetic latitude; longitude, which grows to the east, −180° to 360°.
    height_m : float
        Height above the sea.

    Raises
    ------
    UsageError
        If a number is not finite or no place on the Earth has it.
    """

    name: str
    lat_deg: float
    lon_deg: float
    height_m: float = 0.0

    def __post_init__(self) -> None:
        numbers = (self.lat_deg, self.lon_deg, self.height_m)
        possible = (
            all(map(math.isfinite, numbers))
            and abs(self.lat_deg) <= 90
            and -180 <= self.lon_deg <= 360
            and -1000 <= self.height_m <= 10_000
        )
        if not possible:
            raise UsageError(
                f"no observatory lies at latitude {self.lat_deg:g}°, longitude {self.lon_deg:g}°, height "
                f"{self.height_m:g} m; give {FORM}"
            )

    @property
    def words(self) -> str:
        """Name and position for people."""
        north, east = ("N" if self.lat_deg >= 0 else "S"), ("E" if self.lon_deg >= 0 else "W")
        return f"{self.name} ({abs(self.lat_deg):.2f}° {north}, {abs(self.lon_deg):.2f}° {east})"


def known_sites() -> QTable:
    """Read the table of observatories that ships with Skykin; a fresh copy: change it freely."""
    text = files("skykin.catalogue").joinpath("data/sites.ecsv").read_text(encoding="utf-8")
    return QTable.read(text, format="ascii.ecsv")


def site_of(text: str) -> Site:
    """Find an observatory by name or alias, or read ``latitude,longitude,height``.

    The height may be left out.  Case, accents, spaces and punctuation of names do not matter.

    Raises
    ------
    UnknownNameError
        If there is no such name; the sentence lists near matches.
    UsageError
        If no place on the Earth has these numbers.
    """
    parts = text.split(",")
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        return _by_name(text)
    if not 2 <= len(numbers) <= 3:
        raise UsageError(f"the site {shown(text)} has {len(numbers)} numbers; give {FORM}")
    return Site(text.replace(" ", ""), *numbers)


def _by_name(text: str) -> Site:
    found = _sites().get(_key(text))
    if found is None:
        near = difflib.get_close_matches(_key(text)[:60], _sites(), n=3, cutoff=0.7)
        names = ", ".join(dict.fromkeys(_sites()[key].name for key in near))
        hint = f"did you mean {names}? Otherwise give" if names else "give one such as Paranal, or"
        raise UnknownNameError(f"no observatory is called {shown(text)}; {hint} {FORM}")
    return found


@cache
def _sites() -> dict[str, Site]:
    found: dict[str, Site] = {}
    for row in known_sites():
        lat, lon, height = (float(row[name].value) for name in ("lat_deg", "lon_deg", "height_m"))
        site = Site(str(row["name"]), lat, lon, height)
        aliases = row["aliases"]
        names = [] if getattr(aliases, "mask", False) else str(aliases).split(";")
        found |= {_key(name): site for name in (site.name, *names) if _key(name)}
    return found


def _key(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.casefold())
    return "".join(c for c in plain if c.isalnum())

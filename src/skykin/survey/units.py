"""Units as files spell them."""

from __future__ import annotations

import warnings

from astropy import units as u

from skykin.core.errors import shown
from skykin.core.protocols import Progress

#: Spellings found in files that astropy does not read.
ALIASES = {
    "rayleigh": "R",
    "rayleighs": "R",
    "rayleigh/(km/s)": "R s / km",
    "counts": "count",
    "counts/s": "count / s",
    "10**(-6)counts/s": "1e-6 count / s",
    "dn": "adu",
}


def known_unit(text: str, progress: Progress) -> str:
    """Return a unit as astropy reads it; where it cannot, no unit, and say so."""
    text = text.strip()
    for spelling in (text, ALIASES.get(text.lower(), text)):
        for reader in (None, "fits"):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    return str(u.Unit(spelling, format=reader).to_string())
            except (ValueError, TypeError):
                continue
    progress.say(
        f"note: the unit {shown(text)} is not understood, so values are shown without one; the option unit "
        "names another"
    )
    return ""

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
    "w/m^2-sr": "W / (m2 sr)",
    "w/m**2-sr": "W / (m2 sr)",
    "w/m2/sr": "W / (m2 sr)",
    "jy/beam": "Jy / beam",
    "jy/pixel": "Jy / pix",
    "jy/sr": "Jy / sr",
    # In capitals M is mega; a small m, which astropy reads itself, is milli.
    "MJY/SR": "MJy / sr",
    "MJY/STER": "MJy / sr",
    "MJy/ster": "MJy / sr",
    # Differences of the thermodynamic temperature of the microwave background.
    "k_cmb": "K",
    "kcmb": "K",
    "mK_CMB": "mK",
    "uK_CMB": "uK",
}


def known_unit(text: str, progress: Progress) -> str:
    """Return a unit as astropy reads it; where it cannot, no unit, and say so."""
    text = text.strip()
    for spelling in (text, ALIASES.get(text, ALIASES.get(text.lower(), text))):
        for reader in (None, "fits"):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    return str(u.Unit(spelling, format=reader).to_string())
            except (ValueError, TypeError):
                continue
    progress.say(
        f"note: the unit {shown(text)} is not understood, so values are shown without one; name it as "
        "--survey-option unit=UNIT"
    )
    return ""

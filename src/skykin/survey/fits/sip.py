"""The SIP distortion of a FITS image."""

from __future__ import annotations

import math
import re

from skykin.core.errors import SkyError
from skykin.core.protocols import Progress
from skykin.survey.fits.cards import Cards, finite_number
from skykin.survey.fits.check import Hdu

SIP = re.compile(r"(A|B|AP|BP)_(\d)_(\d)$")
SIP_ORDERS = ("A_ORDER", "B_ORDER", "AP_ORDER", "BP_ORDER")
MOST_SIP_ORDER = 9


def add_sip(hdu: Hdu, cards: Cards, axes: tuple[int, int], progress: Progress) -> None:
    """Add the polynomial of a SIP distortion to the cards, where there is one.

    Raises
    ------
    HeaderInvalidError
        If an order is no number from 0 to 9.
    SkyError
        ``SKY-PROJ`` if one half is missing.

    References
    ----------
    Shupe et al. 2005, ASP Conf. Ser., 347, 491.
    """
    orders = {name: hdu.integer(name, 0, MOST_SIP_ORDER) for name in SIP_ORDERS if name in hdu.cards}
    if not {"A_ORDER", "B_ORDER"} & set(orders):
        return
    if not {"A_ORDER", "B_ORDER"} <= set(orders):
        raise SkyError(
            f"{hdu} has only one half of a SIP distortion ({', '.join(orders)}); correct the header",
            code="SKY-PROJ",
        )
    if set(axes) != {1, 2} or len(orders) == 3:
        raise SkyError(f"the SIP distortion of {hdu} cannot be used; resample the image", code="SKY-PROJ")
    cards.update(orders)
    for name, text in hdu.cards.items():
        match = SIP.match(name)
        if match and f"{match[1]}_ORDER" in orders:
            cards[name] = finite_number(hdu, name, text)
    if not all(str(cards[f"CTYPE{axis}"]).upper().endswith("-SIP") for axis in axes):
        shift = _sip_shift(hdu, cards)
        progress.say(
            f"note: {hdu} has the keywords of a SIP distortion, but its CTYPE does not end in -SIP; the "
            f"distortion is used and moves positions by up to {shift:.2g} pixels"
        )
        for axis in axes:
            cards[f"CTYPE{axis}"] = str(cards[f"CTYPE{axis}"]) + "-SIP"


def _sip_shift(hdu: Hdu, cards: Cards) -> float:
    """Largest shift in a corner of the image, pixels."""
    corners = [
        (x - float(cards.get("CRPIX1", 0)), y - float(cards.get("CRPIX2", 0)))
        for x in (1, hdu.integer("NAXIS1", 0, 1 << 31))
        for y in (1, hdu.integer("NAXIS2", 0, 1 << 31))
    ]

    def polynomial(letter: str, x: float, y: float) -> float:
        terms = ((re.match(rf"{letter}_(\d)_(\d)$", name), value) for name, value in cards.items())
        return sum(float(value) * x ** int(m[1]) * y ** int(m[2]) for m, value in terms if m)

    return max(math.hypot(polynomial("A", x, y), polynomial("B", x, y)) for x, y in corners)

"""World coordinates of a FITS image, rebuilt from keywords that were checked one by one.

The WCS library never sees the file's own header: a header made to harm overflows its parser, and a few
wrong values (``CRVAL1 = NaN``) are taken as others without a word.
"""

from __future__ import annotations

import math
import re
import warnings
from dataclasses import dataclass

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS

from skykin.core.errors import SkyError, shown
from skykin.core.protocols import Progress
from skykin.survey.fits.cards import Cards, finite_number
from skykin.survey.fits.check import Hdu
from skykin.survey.fits.sip import add_sip

PROJECTIONS = (
    *(
        "AZP",
        "SZP",
        "TAN",
        "STG",
        "SIN",
        "ARC",
        "ZPN",
        "ZEA",
        "AIR",
        "CYP",
        "CEA",
        "CAR",
        "MER",
        "COP",
        "COE",
    ),
    *(
        "COD",
        "COO",
        "SFL",
        "PAR",
        "MOL",
        "AIT",
        "BON",
        "PCO",
        "TSC",
        "CSC",
        "QSC",
        "HPX",
        "XPH",
        "TPV",
        "NCP",
    ),
    *("GLS", "TNX"),
)
CELESTIAL = {"RA": "DEC", "GLON": "GLAT", "ELON": "ELAT"}
FRAMES = ("ICRS", "FK5", "FK4", "FK4-NO-E")
DEGREE_SPELLINGS = {"degree", "degrees", "degs"}
NUMBERS = re.compile(
    r"(CRPIX|CRVAL|CDELT|CROTA)(\d)$|(CD|PC)(\d)_(\d)$|PV(\d)_(\d{1,2})$|"
    r"(LONPOLE|LATPOLE|EQUINOX|EPOCH|RESTFRQ|RESTFREQ|RESTWAV|VELREF)$"
)
TEXTS = re.compile(r"(CTYPE|CUNIT)(\d)$|(RADESYS|RADECSYS|SPECSYS)$")
AXIS = re.compile(r"(RA|DEC|[A-Z]LON|[A-Z]LAT)(?:-+([A-Z]{3}).*)?$")
MOST_AXES = 9


@dataclass(frozen=True, eq=False)
class World:
    """World coordinates of the axes of an image.

    Parameters
    ----------
    wcs : WCS
        Of all axes.
    lon_axis, lat_axis : int
        Numbers of the celestial axes in FITS order, from 0.
    frame : str
        ``galactic``, ``icrs``, ``fk5``, ``fk4``, ``fk4noeterms`` or ``ecliptic``.
    equinox : float
        Year of the equinox; NaN where the frame has none.
    projection : str
        Code such as ``TAN``.
    cards : dict
        The keywords it was built from.
    """

    wcs: WCS
    lon_axis: int
    lat_axis: int
    frame: str
    equinox: float
    projection: str
    cards: Cards


def has_celestial_axes(hdu: Hdu) -> bool:
    """Whether a header names a longitude and a latitude."""
    kinds = {hdu.cards.get(f"CTYPE{i}", "")[:4].rstrip("-") for i in range(1, MOST_AXES + 1)}
    return any(lon in kinds or lat in kinds for lon, lat in CELESTIAL.items())


def read_world(hdu: Hdu, axes: int, progress: Progress) -> World:
    """Build the world coordinates of an image with so many axes.

    Raises
    ------
    SkyError
        ``SKY-NOWCS``, ``SKY-PROJ``, ``SKY-FRAME``, ``SKY-UNIT`` or ``SKY-RANGE``, naming the keyword.
    HeaderInvalidError
        If a number is none.
    """
    lon, lat, projection = _celestial_axes(hdu, axes)
    _check_distortion(hdu)
    cards = _clean_cards(hdu, axes)
    _check_ranges(hdu, cards, lat, progress)
    _check_units(hdu, cards, (lon, lat), progress)
    frame, equinox = _frame(hdu, cards, lon)
    add_sip(hdu, cards, (lon, lat), progress)
    wcs = _build(hdu, cards, axes)
    return World(wcs, lon - 1, lat - 1, frame, equinox, projection, cards)


def _celestial_axes(hdu: Hdu, axes: int) -> tuple[int, int, str]:
    """Return the numbers of longitude and latitude from 1, and the projection."""
    found: dict[str, tuple[int, str]] = {}
    for i in range(1, axes + 1):
        match = AXIS.match(hdu.cards.get(f"CTYPE{i}", "").upper())
        if match:
            found[match[1]] = (i, match[2] or "")
    if not found:
        raise SkyError(
            f"{hdu} has no world coordinates of the sky (no CTYPE names a longitude and a latitude), "
            "so nobody knows where it lies; add a WCS",
            code="SKY-NOWCS",
        )
    names = " and ".join(sorted(found))
    pair = next(((lon, lat) for lon, lat in CELESTIAL.items() if {lon, lat} == set(found)), None)
    if pair is None:
        raise SkyError(
            f"the axes of {hdu} are {names}, which are no pair; RA and DEC, GLON and GLAT, or ELON "
            "and ELAT are",
            code="SKY-FRAME",
        )
    (lon, code), (lat, other) = found[pair[0]], found[pair[1]]
    if code != other:
        raise SkyError(
            f"the axes of {hdu} have two projections, {shown(code)} and {shown(other)}; correct CTYPE{lon} "
            f"or CTYPE{lat}",
            code="SKY-PROJ",
        )
    if code == "TAB" or (code and code not in PROJECTIONS):
        raise SkyError(
            f"the projection of {hdu} is {shown(code)}, which Skykin does not read; it reads "
            f"{', '.join(PROJECTIONS)}",
            code="SKY-PROJ",
        )
    return lon, lat, code or "CAR"


def _check_distortion(hdu: Hdu) -> None:
    for keyword in hdu.cards:
        if re.match(r"(CPDIS|CQDIS|DP|DQ)\d", keyword):
            raise SkyError(
                f"{hdu} has a distortion by table ({keyword}), which Skykin does not read; resample it "
                "to a plain projection",
                code="SKY-PROJ",
            )


def _clean_cards(hdu: Hdu, axes: int) -> Cards:
    cards: Cards = {}
    for keyword, text in hdu.cards.items():
        # 1980s style: CD001002.
        old = re.match(r"(CD|PC)00(\d)00(\d)$", keyword)
        name = f"{old[1]}{old[2]}_{old[3]}" if old else keyword
        match = NUMBERS.match(name) or TEXTS.match(name)
        if match is None:
            continue
        indices = [int(part) for part in match.groups() if part and part.isdigit()]
        # Of CDi_j both count; of PVi_m the second is a parameter.
        if any(i > axes for i in (indices[:1] if name.startswith("PV") else indices)):
            continue
        cards[name] = text if TEXTS.match(name) else finite_number(hdu, keyword, text)
    return cards


def _check_ranges(hdu: Hdu, cards: Cards, lat: int, progress: Progress) -> None:
    latitude = float(cards.get(f"CRVAL{lat}", 0.0))
    if abs(latitude) > 90 and str(cards.get(f"CUNIT{lat}", "deg")).lower().startswith("deg"):
        raise SkyError(
            f"CRVAL{lat} of {hdu} is {latitude:g}, a latitude beyond the pole; correct the header",
            code="SKY-RANGE",
        )
    kinds = {name[:2] if name[:2] in ("CD", "PC") and "_" in name else name[:5] for name in cards}
    if len(kinds & {"CD", "PC", "CROTA"}) > 1:
        found = ", ".join(sorted(kinds & {"CD", "PC", "CROTA"}))
        keep = "PC" if "PC" in kinds else "CD"
        progress.say(f"note: {hdu} gives its orientation more than once ({found}); {keep} is used")
        for name in list(cards):
            if re.match(r"(CD|PC)\d_|CROTA", name) and not name.startswith(keep):
                del cards[name]
    for name, value in cards.items():
        if name.startswith("CDELT") and value == 0 and "CD" not in kinds:
            raise SkyError(
                f"{name} of {hdu} is 0, so all its pixels lie at one place; correct the header",
                code="SKY-PROJ" if _is_celestial(cards, name) else "SKY-SPEC",
            )


def _is_celestial(cards: Cards, name: str) -> bool:
    return str(cards.get(f"CTYPE{name[5:]}", "")).split("-")[0] in {*CELESTIAL, *CELESTIAL.values()}


def _check_units(hdu: Hdu, cards: Cards, axes: tuple[int, int], progress: Progress) -> None:
    for axis in axes:
        unit = str(cards.get(f"CUNIT{axis}", "")).strip()
        if unit in ("", "deg"):
            continue
        if unit.lower() in DEGREE_SPELLINGS or unit == "DEG":
            progress.say(f"note: CUNIT{axis} of {hdu} is {shown(unit)}; it is read as 'deg'")
            cards[f"CUNIT{axis}"] = "deg"
        elif unit not in ("rad", "arcmin", "arcsec", "mas"):
            raise SkyError(
                f"CUNIT{axis} of {hdu} is {shown(unit)}, which is no unit of angle; use 'deg'",
                code="SKY-UNIT",
            )


def _frame(hdu: Hdu, cards: Cards, lon: int) -> tuple[str, float]:
    kind = str(cards[f"CTYPE{lon}"]).upper()
    named = str(cards.pop("RADECSYS", cards.get("RADESYS", ""))).strip().upper()
    equinox = float(cards.get("EQUINOX", cards.get("EPOCH", math.nan)))
    if kind.startswith("GLON"):
        for useless in ("RADESYS", "EQUINOX", "EPOCH"):
            cards.pop(useless, None)
        return "galactic", math.nan
    if kind.startswith("ELON"):
        return "ecliptic", math.nan
    if not named:
        # FITS WCS paper II, section 3.1.
        named = "ICRS" if math.isnan(equinox) else ("FK5" if equinox >= 1984 else "FK4")
    if named not in FRAMES:
        raise SkyError(
            f"RADESYS of {hdu} is {shown(named)}, but it must be one of {', '.join(FRAMES)}", code="SKY-FRAME"
        )
    cards["RADESYS"] = named
    if named == "ICRS":
        return "icrs", math.nan
    if math.isnan(equinox):
        equinox = 2000.0 if named == "FK5" else 1950.0
    if not 1800 <= equinox <= 2100:
        raise SkyError(f"the equinox of {hdu} is {equinox:g}; correct EQUINOX", code="SKY-FRAME")
    return named.lower().replace("-no-e", "noeterms"), equinox


def _build(hdu: Hdu, cards: Cards, axes: int) -> WCS:
    header = fits.Header({"WCSAXES": axes})
    for name, value in cards.items():
        header[name] = value
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wcs = WCS(header, naxis=axes)
            wcs.wcs.set()
            matrix = np.asarray(wcs.pixel_scale_matrix)
    except Exception as error:  # astropy's WCS errors share no base but Exception
        reason = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
        raise SkyError(
            f"the world coordinates of {hdu} cannot be used: {shown(reason)}; correct the header",
            code="SKY-PROJ",
        ) from error
    # Each axis on its own scale: degrees stand beside hertz.
    largest = np.abs(matrix).max(axis=1, keepdims=True)
    scaled = matrix / np.where(largest > 0, largest, 1)
    if not np.isfinite(scaled).all() or np.linalg.matrix_rank(scaled, tol=1e-9) < axes:
        raise SkyError(
            f"the axes of {hdu} fall into one by its matrix of scales (CD or PC); correct the header",
            code="SKY-PROJ",
        )
    return wcs

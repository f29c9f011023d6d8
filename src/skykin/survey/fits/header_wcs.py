"""World coordinates as astropy makes them of a FITS header, and checks of what it passes over in silence."""

from __future__ import annotations

import math
import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS, Sip

from skykin.core.errors import HeaderInvalidError, SkyError, shown
from skykin.survey.fits.check import Hdu

if TYPE_CHECKING:  # loads the libraries of sky masks, which the child has no use for
    from skykin.core.protocols import Progress

CELESTIAL = {"RA": "DEC", "GLON": "GLAT", "ELON": "ELAT"}
MOST_AXES = 9
#: No angle, frequency or pixel of astronomy is beyond; wcslib takes 1e308 as 0.
LARGEST = 1e20
#: A polynomial of a higher order would fill the memory; the SIP convention ends here.
MOST_SIP_ORDER = 9
NUMBER = re.compile(r"(CRPIX|CRVAL|CDELT|CROTA)\d|(CD|PC)\d_\d|PV\d_\d+|(A|B|AP|BP)_\d_\d|LONPOLE|LATPOLE")
POSITION = re.compile(rf"{NUMBER.pattern}|(CTYPE|CUNIT)\d|(CD|PC|PV|PS)\d+_\d+|RADESYS|EQUINOX|EPOCH")
THIRD_AXIS = re.compile(
    r"(NAXIS|CTYPE|CUNIT|CRPIX|CRVAL|CDELT|CROTA)[3-9]|(CD|PC)(\d_[3-9]|[3-9]_\d)|PV[3-9]_\d+"
)
SIP = re.compile(r"(A|B|AP|BP)_(ORDER|DMAX|\d_\d)")
#: From this m on PVi_m of a plain TAN is a distortion by SCAMP, no parameter of the projection.
FIRST_SCAMP = 5
#: Projections with a polynomial in the keywords PVi_m or WATi_m.
DISTORTED = ("TPV", "TNX", "TPD", "TPU", "ZPX")
#: What wcslib says of a keyword that it does not take.
REJECTED = re.compile(r"\s*([A-Z]+[\d_]*) *= *(.*?) *\n(.*)")


@dataclass(frozen=True, eq=False)
class HeaderWcs:
    """World coordinates of an image.

    Parameters
    ----------
    sky : WCS
        Of the two axes of the sky alone, longitude first: its pixel axes are `lon_axis` and `lat_axis`.
    whole : WCS
        Of all axes, without SIP where there are more than two.
    lon_axis, lat_axis : int
        Numbers of the axes of the sky in FITS order, from 0.
    projection : str
        Code such as ``TAN``, as the header has it; nothing where the axes are plain degrees.
    """

    sky: WCS
    whole: WCS
    lon_axis: int
    lat_axis: int
    projection: str


def header_of(text: str) -> fits.Header:
    """Make a header of its cards; those that are no keyword with a value are passed over."""
    with warnings.catch_warnings(action="ignore"):
        return fits.Header.fromstring(text)


def has_celestial_axes(hdu: Hdu) -> bool:
    """Whether a header names a longitude or a latitude."""
    return bool(_celestial({i: hdu.cards.get(f"CTYPE{i}", "") for i in range(1, MOST_AXES + 1)}))


def read_wcs(header: fits.Header, where: str, progress: Progress) -> HeaderWcs:
    """Let astropy make the world coordinates of an image.

    Parameters
    ----------
    header : Header
        Of the image.
    where : str
        What to call it in errors, such as ``HDU 0 of 'sky.fits'``.
    progress : Progress
        Told what the header leaves open.

    Raises
    ------
    SkyError
        ``SKY-NOWCS``, ``SKY-PROJ``, ``SKY-FRAME``, ``SKY-UNIT``, ``SKY-SPEC`` or ``SKY-RANGE``, naming the
        keyword, or with what astropy says.
    HeaderInvalidError
        If a number is none.
    """
    header = header.copy()
    for key in [key for key in header if re.fullmatch(r"(CD|PC)00\d00\d", key)]:  # as written in the 1980s
        header.rename_keyword(key, f"{key[:2]}{key[4]}_{key[7]}", force=True)
    axes = {i: str(header.get(f"CTYPE{i}", "")) for i in range(1, MOST_AXES + 1)}
    named = _check_pair(axes, where)
    _check_numbers(header, where)
    _check_tables(header, where)
    _check_steps(header, axes, named, where)
    _read_equinox(header, where)
    _complete(header)
    if "A_ORDER" in header and "B_ORDER" in header:
        plain = [i for i in named if not axes[i].strip().upper().endswith("-SIP")]
        for i in plain:
            header[f"CTYPE{i}"] = axes[i].strip() + "-SIP"
    else:
        plain = []
    whole = _made(header, where, progress)
    lon, lat = whole.wcs.lng, whole.wcs.lat
    if lon < 0 or lat < 0:
        told = " and ".join(shown(axes[i]) for i in named)
        raise SkyError(
            f"the axes of {where} are {told}, which is no projection of the FITS standard; it writes "
            "'RA---TAN' and 'DEC--TAN'",
            code="SKY-PROJ",
        )
    projection = axes[lon + 1].strip().upper()[5:8]
    sky = _sky(header, whole, projection, where)
    if plain and any(re.fullmatch(r"PV\d_\d+", key) and int(key[4:]) >= FIRST_SCAMP for key in header):
        raise SkyError(
            f"{where} has two distortions, SIP (A_ORDER) and that of SCAMP (PV1_5 and more), and its CTYPE "
            "names neither; write the one that holds into CTYPE, as 'RA---TAN-SIP' or 'RA---TPV'",
            code="SKY-PROJ",
        )
    if plain:
        _note_distortion(sky, header, where, progress)
    return HeaderWcs(sky, whole, lon, lat, projection)


def _celestial(axes: dict[int, str]) -> dict[int, str]:
    """Numbers of the axes of the sky, and what they are."""
    kinds = {i: text.strip().upper()[:4].rstrip("- ") for i, text in axes.items()}
    return {i: kind for i, kind in kinds.items() if kind in {*CELESTIAL, *CELESTIAL.values()}}


def _check_pair(axes: dict[int, str], where: str) -> dict[int, str]:
    named = _celestial(axes)
    if not named:
        raise SkyError(
            f"{where} has no world coordinates of the sky (no CTYPE names a longitude and a latitude), "
            "so nobody knows where it lies; add a WCS",
            code="SKY-NOWCS",
        )
    if sorted(named.values()) not in [sorted(pair) for pair in CELESTIAL.items()]:
        written = " and ".join(shown(text.strip()) for text in axes.values() if text.strip())
        raise SkyError(
            f"the axes of {where} are {written}, which are no pair; RA and DEC, GLON and GLAT, or ELON and "
            "ELAT are, as in 'RA---TAN' and 'DEC--TAN'",
            code="SKY-FRAME",
        )
    return named


def _check_numbers(header: fits.Header, where: str) -> None:
    for card in header.cards:  # of a keyword that is there twice, wcslib takes the last
        name, value = card.keyword, card.value
        if re.fullmatch(r"WCSAXES[A-Z]?", name) and value not in range(MOST_AXES + 1):
            raise HeaderInvalidError(
                f"{name} of {where} is {shown(value)}, but it must be a whole number from 0 to {MOST_AXES}; "
                "correct the header"
            )
        if not NUMBER.fullmatch(name):
            continue
        if not isinstance(value, int | float) or not math.isfinite(value):
            raise HeaderInvalidError(
                f"{name} of {where} is {shown(str(value).strip())}, but it must be a finite number; "
                "correct the header"
            )
        if abs(value) > LARGEST:
            raise SkyError(f"{name} of {where} is {value:g}, which is no place or scale; correct the header")


def _check_tables(header: fits.Header, where: str) -> None:
    """Refuse positions that need more than the header, and polynomials without bounds."""
    for key in header:
        if re.match(r"(CPDIS|CQDIS|DP|DQ|D2IMDIS)\d", key) or (
            key[:5] == "CTYPE" and str(header[key]).endswith("-TAB")
        ):
            raise SkyError(
                f"{where} has a distortion by table ({key} = {shown(header[key])}), which Skykin does not "
                "read; resample it to a plain projection",
                code="SKY-PROJ",
            )
        if re.fullmatch(r"(A|B|AP|BP)_ORDER", key) and header[key] not in range(MOST_SIP_ORDER + 1):
            raise HeaderInvalidError(
                f"{key} of {where} is {shown(header[key])}, but it must be a whole number from 0 to "
                f"{MOST_SIP_ORDER}; correct the header"
            )


def _check_steps(header: fits.Header, axes: dict[int, str], named: dict[int, str], where: str) -> None:
    for i, kind in named.items():
        latitude = header.get(f"CRVAL{i}", 0.0)
        unit = str(header.get(f"CUNIT{i}", "deg")).strip().lower()
        if kind in CELESTIAL.values() and abs(latitude) > 90 and (unit.startswith("deg") or not unit):
            raise SkyError(
                f"CRVAL{i} of {where} is {latitude:g}, a latitude beyond the pole; correct the header",
                code="SKY-RANGE",
            )
    if any(re.fullmatch(r"CD\d_\d", key) for key in header):
        return
    for i in axes:
        if header.get(f"CDELT{i}", 1) == 0:
            if i not in named and header.get(f"NAXIS{i}", 1) == 1:
                header[f"CDELT{i}"] = 1.0  # of a single plane it says nothing
                continue
            raise SkyError(
                f"CDELT{i} of {where} is 0, so all its pixels lie at one place; correct the header",
                code="SKY-PROJ" if i in named else "SKY-SPEC",
            )


def _read_equinox(header: fits.Header, where: str) -> None:
    """Read ``'J2000'`` and ``'2000.0'``, which astropy would pass over."""
    for key in ("EQUINOX", "EPOCH"):
        value = header.get(key)
        text = re.fullmatch(r"\s*[JB]?(\d{4}(\.\d*)?)\s*", value) if isinstance(value, str) else None
        if text:
            header[key] = value = float(text[1])
        if isinstance(value, int | float) and not 1800 <= value <= 2100:
            raise SkyError(f"the {key.lower()} of {where} is {value:g}; correct {key}", code="SKY-FRAME")


def _complete(header: fits.Header) -> None:
    """Give a scale to the further axes of an image whose matrix is about two of them."""
    matrix = {key for key in header if re.fullmatch(r"CD\d_\d", key)}
    if not matrix or any(re.fullmatch(r"PC\d_\d", key) for key in header):
        return
    axes = max(
        header.get("NAXIS", 0),
        header.get("WCSAXES", 0),
        *(i for i in range(1, MOST_AXES + 1) if f"CTYPE{i}" in header),
    )
    for i in range(3, min(axes, MOST_AXES) + 1):
        if not any(str(i) in (key[2], key[4]) for key in matrix):
            header[f"CD{i}_{i}"] = header.get(f"CDELT{i}", 0.0) or 1.0


def _made(header: fits.Header, where: str, progress: Progress) -> WCS:
    """Let astropy read a header; what it only warns of, but would put pixels elsewhere, is refused."""
    kinds = {
        key[:2] if "_" in key else key[:5] for key in header if re.fullmatch(r"(CD|PC)\d_\d|CROTA\d", key)
    }
    if len(kinds) > 1:
        keep = "PC" if "PC" in kinds else "CD"
        told = ", ".join(sorted(kinds))
        progress.say(f"note: {where} gives its orientation more than once ({told}); {keep} is used")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            wcs = WCS(_without_sip(header) if _is_deep(header) else header)
        except Exception as error:  # astropy's WCS errors share no base but Exception
            raise _cannot_be_used(where, error) from error
    for warning in caught:
        said = str(warning.message)
        refused = REJECTED.match(said)
        if refused and POSITION.fullmatch(refused[1]) and "deprecated" not in refused[3]:
            key, value, reason = refused[1], refused[2].strip("' "), refused[3].rstrip(". ")
            raise HeaderInvalidError(
                f"{key} of {where} is {shown(value)}, which the FITS standard does not allow: {reason}; "
                "correct the header"
            )
        for i in range(1, MOST_AXES + 1):
            unit = str(header.get(f"CUNIT{i}", ""))
            if unit and f"'{unit}' -> 'deg'" in said:
                progress.say(f"note: CUNIT{i} of {where} is {shown(unit)}; it is read as 'deg'")
    return wcs


def _is_deep(header: fits.Header) -> bool:
    return any(THIRD_AXIS.fullmatch(key) for key in header)


def _without_sip(header: fits.Header) -> fits.Header:
    """Take out SIP, which astropy reads in images of two axes only, and the PV of SCAMP beside it."""
    if "A_ORDER" not in header:
        return header
    return fits.Header(
        [
            card
            for card in header.cards
            if not (SIP.fullmatch(card.keyword) or card.keyword[:3] in ("PV1", "PV2"))
        ]
    )


def _sky(header: fits.Header, whole: WCS, projection: str, where: str) -> WCS:
    """World coordinates of longitude and latitude alone, in this order."""
    lon, lat = whole.wcs.lng, whole.wcs.lat
    distorted = "A_ORDER" in header or projection in DISTORTED
    try:
        with warnings.catch_warnings(action="ignore"):
            flat = WCS(_flat(header, whole)) if distorted and _is_deep(header) else whole
            sky = flat.sub([lon + 1, lat + 1])
            sky.wcs.set()
    except Exception as error:  # as above
        raise _cannot_be_used(where, error) from error
    if sky.sip is not None and lon > lat:
        a, b, ap, bp = (None if m is None else m.T for m in (sky.sip.a, sky.sip.b, sky.sip.ap, sky.sip.bp))
        sky.sip = Sip(b, a, bp, ap, sky.sip.crpix[::-1])
    matrix = np.asarray(sky.pixel_scale_matrix)
    if not np.isfinite(matrix).all() or np.linalg.matrix_rank(matrix, tol=1e-9 * np.abs(matrix).max()) < 2:
        raise SkyError(
            f"the axes of {where} fall into one by its matrix of scales (CD or PC); correct the header",
            code="SKY-PROJ",
        )
    return sky


def _flat(header: fits.Header, whole: WCS) -> fits.Header:
    """Take the further axes out of a header with a distortion, which astropy reads of two axes only."""
    matrix = np.asarray(whole.pixel_scale_matrix)
    if {whole.wcs.lng, whole.wcs.lat} != {0, 1} or matrix[:2, 2:].any():
        raise ValueError("a distortion beside further axes, which are not after those of the sky")
    flat = fits.Header([card for card in header.cards if not THIRD_AXIS.fullmatch(card.keyword)])
    flat["NAXIS"] = flat["WCSAXES"] = 2
    return flat


def _cannot_be_used(where: str, error: Exception) -> SkyError:
    """One sentence of what astropy or wcslib say; the first line of wcslib's is a place in its source."""
    lines = [
        line.strip() for line in str(error).splitlines() if line.strip() and not line.startswith("ERROR ")
    ]
    reason = lines[0] if lines else type(error).__name__
    return SkyError(
        f"the world coordinates of {where} cannot be used: {shown(reason.rstrip('.'))}; correct the header",
        code="SKY-UNIT" if "CUNIT" in reason else "SKY-PROJ",
    )


def _note_distortion(sky: WCS, header: fits.Header, where: str, progress: Progress) -> None:
    """Say how far a SIP distortion whose CTYPE does not speak of it moves the corners of the image."""
    corners = np.array([[x, y] for x in (1, header.get("NAXIS1", 1)) for y in (1, header.get("NAXIS2", 1))])
    moved = sky.sip_pix2foc(corners, 1) + sky.wcs.crpix - corners
    progress.say(
        f"note: {where} has the keywords of a SIP distortion, but its CTYPE does not end in -SIP; the "
        f"distortion is used and moves positions by up to {np.hypot(*moved.T).max():.2g} pixels"
    )

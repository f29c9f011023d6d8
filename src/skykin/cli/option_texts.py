"""Texts of options, read as values."""

from __future__ import annotations

from skykin.core.errors import UsageError, shown
from skykin.core.settings import DEFAULT_BANDS_KM_S, Band
from skykin.core.survey_options import SurveyOptions

DEFAULT_BANDS = ",".join(f"{low:g}..{high:g}" for low, high in DEFAULT_BANDS_KM_S)


def parse_options(texts: list[str]) -> SurveyOptions:
    """Read survey options, each ``"name=value"``.

    Raises
    ------
    UsageError
        If one has no ``=``, or is not known.
    """
    for text in texts:
        if "=" not in text:
            raise UsageError(f"the survey option {shown(text)} is not of the form name=value, such as hdu=1")
    return SurveyOptions.parse(dict(text.split("=", 1) for text in texts))


def parse_bands(text: str) -> tuple[Band, Band, Band]:
    """Read three velocity bands, ``"20..60,-20..20,-60..-20"``: red, green, blue.

    Raises
    ------
    UsageError
        If the text is not three pairs of numbers.
    """
    try:
        pairs = [tuple(float(edge) for edge in band.split("..")) for band in text.split(",")]
        (r0, r1), (g0, g1), (b0, b1) = pairs
    except ValueError as error:
        raise UsageError(
            f"the bands {shown(text)} are not three velocity ranges; use low..high for red, green and blue "
            f"in km/s, such as {DEFAULT_BANDS}"
        ) from error
    return (r0, r1), (g0, g1), (b0, b1)

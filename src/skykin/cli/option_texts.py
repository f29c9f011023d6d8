"""Texts of options, read as values."""

from __future__ import annotations

from skykin.core.errors import UsageError, shown
from skykin.core.survey_options import SurveyOptions


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

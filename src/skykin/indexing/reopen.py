"""Reopening the survey behind an index."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skykin.core.errors import IndexRefusedError, UsageError, shown
from skykin.core.protocols import Progress, Survey
from skykin.core.survey_options import SurveyOptions
from skykin.survey.open import open_survey
from skykin.survey.render import RenderedSurvey, Stretch


def reopened(
    folder: Path, facts: Mapping[str, Any], survey: Survey | None, download: bool, progress: Progress
) -> RenderedSurvey:
    """Open the survey that was indexed, in the same colours.

    Raises
    ------
    IndexRefusedError
        If it is another one now (``IX-MISMATCH``).
    UsageError
        If it was an object in Python, and none is given.
    """
    survey = survey or _opened(folder, facts, download, progress)
    made, found = facts["survey"].get("sha256"), survey.as_dict().get("sha256")
    if made != found:
        raise IndexRefusedError(
            f"the index {shown(folder.name)} is of {shown(facts['survey_title'])} with sha256 "
            f"{str(made)[:12]}…, but {shown(survey.title)} has {str(found)[:12]}…; give the survey that was "
            "indexed, or append its new data to the index",
            code="IX-MISMATCH",
        )
    return RenderedSurvey(survey, stretch_of(facts["rendering"]))


def stretch_of(facts: Mapping[str, Any]) -> Stretch:
    """Rebuild the colours that an index was made with."""
    (r0, g0, b0), (r1, g1, b1) = facts["low"], facts["high"]
    return Stretch(facts["kind"], (r0, g0, b0), (r1, g1, b1), facts["softening"])


def _opened(folder: Path, facts: Mapping[str, Any], download: bool, progress: Progress) -> Survey:
    name, options = facts["opened"]["survey"], dict(facts["opened"]["options"])
    if name is None:
        raise UsageError(
            f"{shown(facts['survey_title'])} was given as a Python object when it was indexed; give it again"
        )
    if options.get("mask") is not None:
        options["mask"] = folder / options["mask"]
    # Files are named from where the index lies.
    beside = folder / name
    what = beside if name.startswith(".") and beside.exists() else name
    return open_survey(what, options=SurveyOptions.from_dict(options), download=download, progress=progress)

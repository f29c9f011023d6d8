"""A look at all of a survey that can be read only in parts at its own resolution."""

from __future__ import annotations

from skykin.core.protocols import Survey


def overview_of(survey: Survey) -> Survey:
    """Return the survey as coarse as all of it can be read; the survey itself where that is no question.

    A HiPS of order 9 has three million tiles: what is measured over the whole sky is measured on a few
    hundred of them.
    """
    coarse: Survey | None = getattr(survey, "overview", None)
    return survey if coarse is None else coarse

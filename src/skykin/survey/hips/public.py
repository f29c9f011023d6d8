"""A HiPS opened by its IVOA identifier."""

from __future__ import annotations

from skykin.core.protocols import Progress
from skykin.core.survey_options import SurveyOptions
from skykin.survey.formats.hips import open_hips
from skykin.survey.healpix.cells import CellSurvey
from skykin.survey.hips.identifier import PREFIX
from skykin.survey.hips.registry import resolved
from skykin.survey.hips.store import WebStore, site_of


def open_public(identifier: str, options: SurveyOptions, progress: Progress) -> CellSurvey:
    """Open a HiPS by its identifier, from the first of its servers that answers.

    Raises
    ------
    UnknownNameError
        If the registry does not have it.
    RemoteError
        If neither the registry nor a copy of it is at hand, or no server answers.
    """
    record, led_by = resolved(identifier, progress)
    return open_hips(WebStore(record.addresses, name=record.identifier, led_by=led_by), options, progress)


def was_opened(identifier: str) -> bool:
    """Whether something of the HiPS of this identifier is kept on this computer."""
    return site_of(identifier.removeprefix(PREFIX)).is_dir()

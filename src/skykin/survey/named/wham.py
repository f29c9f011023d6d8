"""The WHAM survey by name."""

from __future__ import annotations

from pathlib import Path

from skykin.core.errors import ResourceError
from skykin.core.protocols import Progress, Survey
from skykin.core.survey_options import DEFAULT_BANDS, SurveyOptions
from skykin.survey.named import NamedSurvey
from skykin.survey.table.wham import BEAM_DEG, find_wham, open_wham


def _find() -> Path | None:
    try:
        return find_wham()
    except ResourceError:
        return None


def _open(options: SurveyOptions, download: bool, progress: Progress) -> Survey:
    bands = options.bands or DEFAULT_BANDS
    return open_wham(bands=bands, download=download, progress=progress)


SURVEYS = (
    NamedSurvey(
        "wham", "WHAM Sky Survey DR1: Hα by velocity, 1° beam, whole sky", "wham", _find, _open, BEAM_DEG
    ),
)

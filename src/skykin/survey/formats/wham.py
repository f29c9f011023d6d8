"""Tables of the WHAM survey: pointings with a spectrum each."""

from __future__ import annotations

from pathlib import Path

from skykin.core.protocols import Progress, Survey
from skykin.core.survey_options import DEFAULT_BANDS, SurveyOptions
from skykin.survey.formats import Glance, SurveyFormat
from skykin.survey.table.wham import open_wham
from skykin.survey.table.wham_table import COLUMNS


def claims(glance: Glance) -> bool:
    """Whether a table has the columns of WHAM."""
    return any(hdu.is_table and set(COLUMNS) <= set(hdu.columns()) for hdu in glance.hdus)


def _open(path: Path, options: SurveyOptions, progress: Progress) -> Survey:
    return open_wham(path, bands=options.bands or DEFAULT_BANDS, progress=progress)


FORMAT = SurveyFormat("wham", "the WHAM survey's FITS table of spectra", claims, _open, before=("pointings",))

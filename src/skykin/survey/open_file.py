"""One file or folder, opened by its content."""

from __future__ import annotations

import weakref
from pathlib import Path

from skykin.core.errors import InputRefusedError
from skykin.core.protocols import Progress, Survey
from skykin.core.survey_options import SurveyOptions
from skykin.survey.formats import Glance, format_of
from skykin.survey.unpack import unpacked


def open_file(path: Path, options: SurveyOptions, progress: Progress) -> Survey:
    """Open a file or folder by its content, unpacked first if it is compressed as a whole."""
    if path.is_dir():
        return _open_glance(Glance(path), options, progress)
    plain, cleanup = unpacked(path)
    try:
        survey = _open_glance(Glance(plain, hdu=options.hdu, lenient=options.lenient), options, progress)
    except BaseException:
        cleanup()
        raise
    weakref.finalize(survey, cleanup)  # surveys read lazily: the unpacked copy lives as long as they
    return survey


def is_table(path: Path, options: SurveyOptions) -> bool:
    """Whether a file is a table of positions, even one that cannot be used."""
    if path.is_dir():
        return False
    cleanup = None
    try:
        plain, cleanup = unpacked(path)
        return format_of(Glance(plain, hdu=options.hdu, lenient=options.lenient)).name == "pointings"
    except InputRefusedError:
        return False
    finally:
        if cleanup is not None:
            cleanup()


def _open_glance(glance: Glance, options: SurveyOptions, progress: Progress) -> Survey:
    return format_of(glance).open(glance.path, options, progress)

"""Images and cubes in Zarr."""

from __future__ import annotations

from pathlib import Path

from skykin.core.protocols import Progress, Survey
from skykin.core.survey_options import SurveyOptions
from skykin.survey.formats import Glance, SurveyFormat
from skykin.survey.zarr_array import MARKS, FolderPlace, open_zarr


def claims(glance: Glance) -> bool:
    """Whether it is a folder with metadata of Zarr."""
    return glance.is_folder and any((glance.path / name).is_file() for name in MARKS)


def _open(path: Path, options: SurveyOptions, progress: Progress) -> Survey:
    return open_zarr(FolderPlace(path), options, progress)


FORMAT = SurveyFormat(
    "zarr",
    "image or cube in Zarr, version 2 or 3, with FITS keywords among its attributes; needs the extra zarr",
    claims,
    _open,
    before=("folder",),
)

"""Folders of images, as one mosaic."""

from __future__ import annotations

import os
from pathlib import Path

from skykin.core.errors import NotThisFormatError, shown
from skykin.core.protocols import Progress, Survey
from skykin.core.survey_options import SurveyOptions
from skykin.survey.derived.mosaic import open_mosaic
from skykin.survey.formats import Glance, SurveyFormat

#: First bytes of files that may be images: FITS, and FITS in gzip, bzip2 or xz.
BEGINNINGS = (b"SIMPLE  =", b"\x1f\x8b", b"BZh", b"\xfd7zXZ")

#: What Skykin writes into folders that are no surveys, and what these are.
OWN = {
    ".skykin-products": "holds results of Skykin, no survey; `skykin page` shows those of a map",
    "manifest.sqlite": "is an index, no survey; `skykin search` and `skykin view` ask it",
}

#: Headers that SCAMP writes for SWarp to use instead of those of the images.
HEADS = (".head", ".ahead")


def claims(glance: Glance) -> bool:
    """Whether it is a folder, and no HiPS."""
    return glance.is_folder and not (glance.path / "properties").exists()


def _open(path: Path, options: SurveyOptions, progress: Progress) -> Survey:
    for name, told in OWN.items():
        if (path / name).is_file():
            raise NotThisFormatError(f"{shown(path.name)} {told}; give the survey itself")
    with os.scandir(path) as entries:
        files = sorted(entry.name for entry in entries if entry.is_file())
    images = [path / name for name in files if _begins(path / name)]
    if not images:
        raise NotThisFormatError(
            f"none of the {len(files)} files in the folder {shown(path.name)} is a FITS file; give a "
            "folder of FITS images, or of a HiPS with its file properties"
        )
    heads = [name for name in files if name.lower().endswith(HEADS)]
    if heads:
        progress.say(
            f"note: {len(heads)} headers of SCAMP such as {shown(heads[0])} are not read; the images lie "
            "where their own headers say"
        )
    return open_mosaic(images, options, progress)


def _begins(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(9).startswith(BEGINNINGS)
    except OSError:
        return False


FORMAT = SurveyFormat(
    "folder",
    "folder of FITS images, as one mosaic; a pattern such as 'plates/*.fits' does the same",
    claims,
    _open,
)

"""FITS cubes with a spectral axis."""

from __future__ import annotations

from pathlib import Path

from skykin.core.protocols import Progress, Survey
from skykin.core.survey_options import SurveyOptions
from skykin.survey.fits.cube import open_cube
from skykin.survey.fits.header_wcs import has_celestial_axes
from skykin.survey.fits.image_hdus import is_cube, main_images
from skykin.survey.formats import Glance, SurveyFormat


def claims(glance: Glance) -> bool:
    """Whether an image with a place on the sky has a third axis."""
    return any(is_cube(hdu) and has_celestial_axes(hdu) for hdu in main_images(glance.hdus))


def _open(path: Path, options: SurveyOptions, progress: Progress) -> Survey:
    return open_cube(path, options, progress)


FORMAT = SurveyFormat(
    "fits-cube",
    "FITS cube by velocity, frequency or wavelength, in any order of axes: bands, channels or moments",
    claims,
    _open,
)

"""FITS images with any celestial world coordinates."""

from __future__ import annotations

from pathlib import Path

from skykin.core.protocols import Progress, Survey
from skykin.core.survey_options import SurveyOptions
from skykin.survey.fits.header_wcs import has_celestial_axes
from skykin.survey.fits.image import open_image
from skykin.survey.fits.image_hdus import is_cube, main_images
from skykin.survey.formats import Glance, SurveyFormat


def claims(glance: Glance) -> bool:
    """Whether there are images with a place on the sky, and none of them is a cube."""
    images = [hdu for hdu in main_images(glance.hdus) if has_celestial_axes(hdu)]
    return bool(images) and not any(is_cube(hdu) for hdu in images)


def _open(path: Path, options: SurveyOptions, progress: Progress) -> Survey:
    return open_image(path, options, progress)


FORMAT = SurveyFormat(
    "fits-image",
    "FITS image in any celestial projection and frame, plain or compressed; read where it is needed",
    claims,
    _open,
)

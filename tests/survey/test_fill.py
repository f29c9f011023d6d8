"""Holes are filled from what lies around them, wherever a picture is divided for its memory."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits

from skykin.survey.derived.masked import masked
from skykin.survey.fill import ROWS_AT_ONCE, filled
from skykin.survey.open import open_survey
from skykin.survey.render import RenderedSurvey, measure_stretch
from skykin.tiling.facets import Facet
from tests.hostile.fits_files import header, picture

#: Context of a picture, pixels: more than the rows that are looked at together, all of them beyond the image.
CONTEXT = 2 * ROWS_AT_ONCE
ALONE = Facet(209.0, -19.0, np.radians(0.1), 64, 64, 0.0, 0.0, np.ones((1, 1), bool), 0.0)


def survey_of(kind, folder, offset=0.0):
    image = fits.PrimaryHDU((picture() + offset).astype(np.float32), header())
    if kind == "masked":
        region = folder / "part.reg"
        region.write_text("galactic\ncircle(209,-19,2)\n")
        return masked(open_survey(image), region)
    if kind == "mosaic":
        for name in ("one.fits", "two.fits"):
            image.writeto(folder / name, overwrite=True)
        return open_survey(folder / "*.fits")
    return open_survey(image)


def seen(survey):
    return ALONE.picture(RenderedSurvey(survey, measure_stretch(survey)), CONTEXT)


@pytest.mark.parametrize("kind", ["image", "masked", "mosaic"])
def test_a_picture_does_not_depend_on_the_zero_point_of_the_data(kind, tmp_path):
    (tmp_path / "100").mkdir()
    shown = seen(survey_of(kind, tmp_path))
    shifted = seen(survey_of(kind, tmp_path / "100", -100.0))
    assert (shown.coverage[:ROWS_AT_ONCE] == 0).all()
    np.testing.assert_array_equal(shown.coverage, shifted.coverage)
    np.testing.assert_allclose(shown.rgb, shifted.rgb, atol=2e-4)


@pytest.mark.parametrize("kind", ["image", "masked", "mosaic"])
def test_where_nothing_was_observed_a_picture_is_mirrored_from_all_of_it(kind, tmp_path):
    shown = seen(survey_of(kind, tmp_path))
    np.testing.assert_array_equal(shown.rgb, filled(shown.rgb, shown.coverage))
    # The first row outside is the mirror image of the first one inside.
    first = np.flatnonzero((shown.coverage > 0).any(axis=1))[0]
    middle = shown.rgb.shape[1] // 2
    np.testing.assert_array_equal(shown.rgb[first - 1, middle], shown.rgb[first + 1, middle])


def test_a_fine_image_is_averaged_alike_wherever_a_picture_is_divided():
    image = open_survey(
        fits.PrimaryHDU(picture(640), header(CDELT1=-0.01, CDELT2=0.01, CRPIX1=320, CRPIX2=320))
    )
    footprint = np.radians(0.03)
    x = (np.arange(200) - 100) * footprint
    lon, lat = np.meshgrid(209 - np.degrees(x), -19 + np.degrees(x))
    whole, _ = image.sample(lon, lat)
    assert abs(whole[:190, 5:-5] - image.sample(lon[:190], lat[:190])[0][:, 5:-5])[:-1].max() == 0

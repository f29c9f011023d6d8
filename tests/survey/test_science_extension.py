"""Files with an image called SCI, its weight and more about it, as HST, JWST and others write them."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from skykin.core.progress import SilentProgress
from skykin.survey.open import open_survey
from tests.hostile.fits_files import SIDE, header, picture

#: Columns without weight.
BLANK = slice(0, 20)


class Said(SilentProgress):
    def __init__(self):
        self.said = []

    def say(self, sentence):
        self.said.append(sentence)


def weight():
    values = np.full((SIDE, SIDE), 3, np.float32)
    values[:, BLANK] = 0
    return values


def file_of(path, **images):
    hdus = [fits.ImageHDU(values, header(), name=name) for name, values in images.items()]
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path)
    return path


def seen(survey):
    """Values and coverage in the middle of pixels in the blank columns and beside them."""
    columns = np.array([5, 30, 50])
    where = WCS(header()).pixel_to_world(columns, np.full(3, 32)).galactic
    values, coverage = survey.sample(where.l.deg, where.b.deg)
    return values[:, 0], coverage


@pytest.mark.parametrize(
    ("others", "told"),
    [
        ({"WHT": weight(), "CTX": np.ones((2, SIDE, SIDE), np.int32)},
         "HDU 2 ('WHT') is its weight: pixels of weight 0 are blank; left out: HDU 3 ('CTX')"),
        ({"ERR": weight(), "DQ": np.ones((SIDE, SIDE), np.int16)}, "left out: HDU 2 ('ERR'), 3 ('DQ')"),
        ({"WHT": weight()[:30]}, "left out: HDU 2 ('WHT')"),
    ],
    ids=["drizzled", "calibrated", "a weight that does not fit"],
)  # fmt: skip
def test_the_image_called_sci_is_read_and_the_rest_is_weight_or_named(tmp_path, others, told):
    listener = Said()
    path = file_of(tmp_path / "drz.fits", SCI=picture(), **others)
    survey = open_survey(path, progress=listener)
    values, coverage = seen(survey)
    has_weight = "its weight" in told
    assert coverage.tolist() == [0 if has_weight else 1, 1, 1]
    np.testing.assert_allclose(values[1:], picture()[32, [30, 50]], rtol=1e-5)
    assert f"note: HDU 1 of 'drz.fits' is read, the only one called SCI; {told}" in listener.said
    assert survey.to_dict().get("weight") == ({"file": "drz.fits", "hdu": 2} if has_weight else None)


def test_an_image_that_is_chosen_is_read_without_the_others(tmp_path):
    survey = open_survey(file_of(tmp_path / "drz.fits", SCI=picture(), WHT=weight()), hdu="SCI")
    assert seen(survey)[1].tolist() == [1, 1, 1]

"""Tests of sizes on the sky, read and told."""

import pytest
from astropy import units as u

from skykin.core.angle import area_words, size_deg, size_words
from skykin.core.errors import UsageError


@pytest.mark.parametrize(
    ("text", "degrees"),
    [('30"', 30 / 3600), ("0.5'", 0.5 / 60), ("2 arcmin", 2 / 60), ("0.1", 0.1), ("1.5 deg", 1.5), ("3°", 3),
     (0.25, 0.25), (90 * u.arcsec, 0.025)],
)  # fmt: skip
def test_a_size_is_read_in_the_unit_that_it_is_written_in(text, degrees):
    assert size_deg("object size", text) == pytest.approx(degrees)


@pytest.mark.parametrize("wrong", ["30 pc", "-3'", "", "0", 0, float("nan"), 3 * u.pc, None, "1e999", 181])
def test_what_is_no_size_is_refused_with_the_way_out(wrong):
    with pytest.raises(UsageError, match=r"the object size .* is no size on the sky; write an angle such as"):
        size_deg("object size", wrong)


def test_sizes_and_areas_are_told_in_the_unit_that_suits_them():
    assert [size_words(each) for each in (2, 0.038, 30 / 3600)] == ["2°", "2.28′", "30″"]
    assert [area_words(each) for each in (2, 0.0617, 1e-5)] == ["2 deg²", "222 arcmin²", "130 arcsec²"]

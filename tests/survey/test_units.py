"""Tests of units as files spell them."""

import pytest
from astropy import units as u

from skykin.core.progress import SilentProgress
from skykin.survey.units import known_unit


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("W/m^2-sr", "W / (m2 sr)"),
        ("JY/BEAM", "Jy / beam"),
        ("Jy/beam", "Jy / beam"),
        ("MJY/SR", "MJy / sr"),
        ("MJy/sr", "MJy / sr"),
        ("mJy/sr", "mJy / sr"),
        ("K_CMB", "K"),
        ("uK_CMB", "uK"),
        ("Rayleigh", "R"),
    ],
)
def test_units_of_common_files_are_understood(text, unit):
    assert u.Unit(known_unit(text, SilentProgress())) == u.Unit(unit)


def test_a_unit_that_is_not_understood_is_none_and_said():
    said = []

    class Listener(SilentProgress):
        def say(self, text):
            said.append(text)

    assert known_unit("furlong of light", Listener()) == ""
    assert said[0].startswith("note: the unit 'furlong of light' is not understood")

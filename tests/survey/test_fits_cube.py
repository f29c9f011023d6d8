"""Spectral cubes: the same gas through any spectral axis, unit and order of axes."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import constants
from astropy import units as u
from astropy.io import fits
from astropy.wcs import WCS

from skykin.core.errors import SkyError, UsageError
from skykin.core.footprint import Footprint
from skykin.survey.fits import pixels
from skykin.survey.open import open_survey
from skykin.survey.velocity_bands import integrate_bands
from tests.hostile.fits_files import header, picture
from tests.survey.test_hostile_fits import Notes

BANDS = ((1.5, 4.2), (-1.3, 1.5), (-4.4, -1.3))
WHERE = Footprint(209.0, -19.0, 4.0).pixel_positions((12, 12))
CHANNELS = 14
#: km/s, of the channels of the cube below.
VELOCITY = np.arange(CHANNELS) - 6.5
LIGHT_KM_S = constants.c.to_value(u.km / u.s)
HI_HZ = 1.420405751e9


def gas():
    """(channel, row, column): a line whose velocity changes over the sky."""
    y, x = np.mgrid[:64, :64] / 64
    centre = 3 * (x - 0.5) + 2 * (y - 0.5)
    return (picture() * np.exp(-(((VELOCITY[:, None, None] - centre) / 1.5) ** 2))).astype(np.float32)


AXES = {
    "radio velocity": {"CTYPE3": "VRAD", "CRVAL3": 0.0, "CRPIX3": 7.5, "CDELT3": 1000.0, "CUNIT3": "m/s"},
    "km/s": {"CTYPE3": "VRAD", "CRVAL3": 0.0, "CRPIX3": 7.5, "CDELT3": 1.0, "CUNIT3": "km/s"},
    "optical velocity": {"CTYPE3": "VOPT", "CRVAL3": 0.0, "CRPIX3": 7.5, "CDELT3": 1.0, "CUNIT3": "km/s"},
    "frequency": {
        "CTYPE3": "FREQ",
        "CRVAL3": HI_HZ,
        "CRPIX3": 7.5,
        "CDELT3": -HI_HZ / LIGHT_KM_S,
        "CUNIT3": "Hz",
        "RESTFRQ": HI_HZ,
    },
    "old name": {"CTYPE3": "VELOCITY", "CRVAL3": 0.0, "CRPIX3": 7.5, "CDELT3": 1.0, "CUNIT3": "km/s"},
    "wavelength": {
        "CTYPE3": "WAVE",
        "CRVAL3": 6562.8,
        "CRPIX3": 7.5,
        "CDELT3": 6562.8 / LIGHT_KM_S,
        "CUNIT3": "Angstrom",
        "RESTWAV": 6562.8e-10,
    },
}


def write(path, data, **cards):
    fits.PrimaryHDU(data, header(**cards)).writeto(path)
    return path


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """Band values at some positions, by the independent way in which spectra of pointings are integrated."""
    spectra = gas().reshape(CHANNELS, -1).T
    values, _ = integrate_bands(np.tile(VELOCITY, (len(spectra), 1)), spectra, BANDS)
    folder = tmp_path_factory.mktemp("bands")
    planes = []
    for i in range(3):
        path = folder / f"{i}.fits"
        fits.PrimaryHDU(values[:, i].reshape(64, 64).astype(np.float32), header()).writeto(path)
        planes.append(open_survey(path).sample(*WHERE)[0][..., 0])
    return np.stack(planes, axis=-1)


@pytest.mark.parametrize("axis", AXES)
def test_any_spectral_axis_gives_the_same_bands(tmp_path, expected, axis):
    survey = open_survey(write(tmp_path / "cube.fits", gas(), **AXES[axis]), bands=BANDS)
    values, coverage = survey.sample(*WHERE)
    assert coverage.min() == 1
    np.testing.assert_allclose(values, expected, rtol=2e-4, atol=1e-4)
    assert survey.unit == "K km / s"
    assert survey.bands == ("+1.5 to +4.2 km/s", "−1.3 to +1.5 km/s", "−4.4 to −1.3 km/s")


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (1, 2, 0), (2, 0, 1)])
def test_axes_may_come_in_any_order(tmp_path, expected, order):
    # `order` has, for each axis of the array, which of (channel, row, column) it is.
    cards = {}
    names = {0: "3", 1: "2", 2: "1"}
    full = {**dict(header()), **AXES["radio velocity"]}
    for place, axis in enumerate(order):
        for key in ("CTYPE", "CRVAL", "CRPIX", "CDELT", "CUNIT"):
            cards[f"{key}{3 - place}"] = full[f"{key}{names[axis]}"]
    path = tmp_path / "cube.fits"
    fits.PrimaryHDU(np.ascontiguousarray(gas().transpose(order)), header(**cards)).writeto(path)
    np.testing.assert_allclose(
        open_survey(path, bands=BANDS).sample(*WHERE)[0], expected, rtol=2e-4, atol=1e-4
    )


@pytest.mark.parametrize("passed_over", [0, 40, 4096])
def test_any_part_is_that_of_the_array_in_any_order_of_axes(tmp_path, monkeypatch, passed_over):
    monkeypatch.setattr(pixels, "PASSED_OVER_BYTES", passed_over)
    random = np.random.default_rng(0)
    path = tmp_path / "numbers"
    for _ in range(30):
        stored = random.normal(size=random.integers(1, 40, 3)).astype(">f4")
        path.write_bytes(b"header." + stored.tobytes())
        array = stored.transpose(random.permutation(3))
        steps = tuple(step // 4 for step in array.strides)
        stamp = pixels.stamp_of(path.stat())
        cube = pixels.StoredCube(path, 7, ">f4", array.shape, steps, pixels.Scaling(), stamp)
        starts = [int(random.integers(length)) for length in array.shape]
        box = tuple(
            slice(start, int(random.integers(start, length)) + 1)
            for start, length in zip(starts, array.shape, strict=True)
        )
        np.testing.assert_array_equal(cube.part(*box), array[box])


def test_e10_a_falling_velocity_axis_gives_the_same_colours(tmp_path, expected):
    cards = AXES["radio velocity"] | {"CDELT3": -1000.0}
    survey = open_survey(write(tmp_path / "cube.fits", gas()[::-1], **cards), bands=BANDS)
    np.testing.assert_allclose(survey.sample(*WHERE)[0], expected, rtol=2e-4, atol=1e-4)


def test_a_stokes_axis_in_front_of_the_velocities_is_passed_over(tmp_path, expected):
    cards = {key.replace("3", "4"): value for key, value in AXES["radio velocity"].items()}
    cards |= {"CTYPE3": "STOKES", "CRVAL3": 1.0, "CRPIX3": 1.0, "CDELT3": 1.0}
    data = np.stack([gas(), gas() + 50], axis=1)
    notes = Notes()
    survey = open_survey(write(tmp_path / "cube.fits", data, **cards), bands=BANDS, progress=notes)
    assert "axis 3 ('STOKES') of HDU 0 of 'cube.fits' has 2 planes; the first is used" in notes
    np.testing.assert_allclose(survey.sample(*WHERE)[0], expected, rtol=2e-4, atol=1e-4)


def test_the_option_rest_stands_in_for_the_header(tmp_path, expected):
    cards = AXES["frequency"] | {"RESTFRQ": None}
    path = write(tmp_path / "cube.fits", gas(), **cards)
    survey = open_survey(path, bands=BANDS, rest="1.420405751 GHz")
    np.testing.assert_allclose(survey.sample(*WHERE)[0], expected, rtol=2e-4, atol=1e-4)
    with pytest.raises(UsageError, match="the survey option rest is 'blue', but it must be a frequency"):
        open_survey(path, rest="blue")


def test_blank_channels_are_scaled_up_for_and_too_many_mask(tmp_path):
    data = gas()
    data[::5] = np.nan
    data[:8, :, 50:] = np.nan
    survey = open_survey(write(tmp_path / "cube.fits", data, **AXES["radio velocity"]), bands=BANDS)
    wcs = WCS(header())
    here, blank = (wcs.wcs_pix2world(column, 30, 0) for column in (20, 60))
    values, weight = integrate_bands(VELOCITY[None], data[:, 30, 20][None], BANDS)
    assert (weight > 0).all()
    np.testing.assert_allclose(survey.sample(*here)[0], values[0], rtol=2e-3)
    assert survey.sample(*here)[1] == 1
    assert survey.sample(*blank)[1] == 0


def test_without_bands_the_channels_are_shown_in_thirds_and_it_is_said(tmp_path):
    notes = Notes()
    survey = open_survey(write(tmp_path / "c.fits", gas(), **AXES["km/s"]), progress=notes)
    assert "are shown in thirds, red +2.333 to +7, green to -2.333, blue to -7 km/s" in notes
    assert survey.to_dict()["velocity_frame"] == "not stated"


def test_three_channels_may_be_named(tmp_path):
    path = write(tmp_path / "c.fits", gas(), **AXES["km/s"])
    survey = open_survey(path, channels=(9, 6, 3))
    lon, lat = WCS(header()).wcs_pix2world(30, 40, 0)
    np.testing.assert_allclose(survey.sample(lon, lat)[0], gas()[[9, 6, 3], 40, 30], rtol=1e-3)
    assert survey.bands == ("channel 9", "channel 6", "channel 3")
    with pytest.raises(UsageError, match="has channels 0 to 13, but channels is '\\(1, 2, 14\\)'"):
        open_survey(path, channels=(1, 2, 14))


def test_planes_that_are_no_spectrum_can_be_shown_by_number(tmp_path):
    cards = {"CTYPE3": "COLOUR", "CRVAL3": 1.0, "CRPIX3": 1.0, "CDELT3": 1.0}
    path = write(tmp_path / "c.fits", gas()[:3], **cards)
    assert open_survey(path, channels=(0, 1, 2)).bands == ("channel 0", "channel 1", "channel 2")
    with pytest.raises(SkyError, match="name three of its 3 planes, such as --survey-option channels=0,1,2"):
        open_survey(path)


def test_moments_are_those_of_the_line(tmp_path):
    survey = open_survey(write(tmp_path / "c.fits", gas(), **AXES["km/s"]), show="moments")
    wcs = WCS(header())
    for column, row in ((20, 30), (45, 20)):
        lon, lat = wcs.wcs_pix2world(column, row, 0)
        mean, total, width = survey.sample(lon, lat)[0]
        centre = 3 * (column / 64 - 0.5) + 2 * (row / 64 - 0.5)
        assert mean == pytest.approx(centre, abs=0.05)
        assert total == pytest.approx(picture()[row, column] * 1.5 * np.sqrt(np.pi), rel=0.02)
        assert width == pytest.approx(1.5 / np.sqrt(2), rel=0.1)
    assert survey.bands == ("mean velocity", "integrated intensity", "velocity dispersion")


def test_a_compressed_cube_is_that_of_the_plain_one(tmp_path, expected):
    cards = header(**AXES["km/s"])
    hdu = fits.CompImageHDU(gas(), cards, compression_type="GZIP_2", quantize_level=0)
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(tmp_path / "c.fits")
    survey = open_survey(tmp_path / "c.fits", bands=BANDS)
    np.testing.assert_allclose(survey.sample(*WHERE)[0], expected, rtol=2e-4, atol=1e-4)


def test_l1448_is_bright_at_its_core_and_not_at_the_mirror_image(shared):
    survey = open_survey(shared / "fits" / "l1448_13co.fits")
    with fits.open(shared / "fits" / "l1448_13co.fits") as file:
        data, wcs = file[0].data, WCS(file[0].header).celestial
    row, column = np.unravel_index(np.argmax(data.sum(axis=0)), data.shape[1:])

    def total(x, y):
        place = wcs.pixel_to_world(x, y).galactic
        return float(survey.sample(place.l.deg, place.b.deg)[0].sum())

    here = total(column, row)
    # The map is the sum of all channels times their width.
    assert here == pytest.approx(data[:, row, column].sum() * 0.06642361, rel=0.01)
    assert here > 1.3 * max(total(104 - column, row), total(column, 104 - row))


def test_velocities_without_a_unit_that_span_next_to_nothing_are_doubted(tmp_path):
    said = Notes()
    axis = {"CTYPE3": "VELO-LSR", "CRVAL3": -10.0, "CRPIX3": 1.0, "CDELT3": 1.0, "CUNIT3": None}
    survey = open_survey(write(tmp_path / "c.fits", gas(), **axis), progress=said)
    assert survey.to_dict()["velocities_km_s"] == pytest.approx([-0.0105, 0.0035])
    assert "0.013 km/s in all (no CUNIT3, so m/s is read); write CUNIT3 = 'km/s' if" in said
    said = Notes()
    open_survey(write(tmp_path / "d.fits", gas(), **axis | {"CUNIT3": "km/s"}), progress=said)
    assert "km/s in all" not in said

"""Tests of surveys from memory: arrays with world coordinates, HDUs, NDData."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData, NDData, StdDevUncertainty
from astropy.wcs import WCS

import skykin
from skykin.core.errors import SkyError, UsageError

SHAPE = (40, 60)
VALUES = np.random.default_rng(3).uniform(1, 9, SHAPE)


def world(*, projection="TAN", frame=("RA", "DEC"), turn_deg=25.0):
    """World coordinates of an image of 40 rows and 60 columns, turned."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = [f"{frame[0]:-<5}{projection}", f"{frame[1]:-<5}{projection}"]
    wcs.wcs.crval, wcs.wcs.crpix, wcs.wcs.cdelt = [83.8, -5.4], [25.0, 18.5], [-0.05, 0.05]
    sine, cosine = np.sin(np.radians(turn_deg)), np.cos(np.radians(turn_deg))
    wcs.wcs.pc = [[cosine, -sine], [sine, cosine]]
    wcs.wcs.set()
    return wcs


def at_pixels(survey, wcs, rows, columns):
    """What the survey holds where astropy says that pixels lie."""
    return survey.sample(wcs.pixel_to_world(columns, rows))


@pytest.mark.parametrize("projection", ["TAN", "CAR", "ZEA"])
@pytest.mark.parametrize("frame", [("RA", "DEC"), ("GLON", "GLAT")])
def test_an_array_lies_where_its_wcs_says(projection, frame):
    wcs = world(projection=projection, frame=frame)
    survey = skykin.open_survey((VALUES, wcs))
    rows, columns = np.array([3, 20, 31]), np.array([5, 30, 51])
    values, coverage = at_pixels(survey, wcs, rows, columns)
    np.testing.assert_allclose(values[:, 0], VALUES[rows, columns], rtol=1e-5)
    np.testing.assert_array_equal(coverage, 1)
    assert survey.unit == ""


@pytest.mark.parametrize(
    "make",
    [
        lambda wcs: (VALUES * u.K, wcs),
        lambda wcs: NDData(VALUES, unit=u.K, wcs=wcs),
        lambda wcs: CCDData(VALUES, unit=u.K, wcs=wcs, uncertainty=StdDevUncertainty(np.ones(SHAPE))),
        lambda wcs: fits.PrimaryHDU(VALUES, wcs.to_header() + fits.Header({"BUNIT": "K"})),
        lambda wcs: fits.ImageHDU(VALUES, wcs.to_header() + fits.Header({"BUNIT": "K"}), name="MAP"),
        lambda wcs: fits.CompImageHDU(VALUES.astype("f4"), wcs.to_header() + fits.Header({"BUNIT": "K"}),
                                      compression_type="GZIP_2", quantize_level=0),
        lambda wcs: fits.HDUList([fits.PrimaryHDU(VALUES, wcs.to_header() + fits.Header({"BUNIT": "K"}))]),
    ],
    ids=["quantity", "nddata", "ccddata", "primary", "image", "compressed", "list"],
)  # fmt: skip
def test_every_kind_of_image_in_memory_has_its_values_and_unit(make):
    wcs = world()
    survey = skykin.open_survey(make(wcs))
    assert survey.unit == "K"
    values, _ = at_pixels(survey, wcs, np.array([7, 33]), np.array([11, 40]))
    np.testing.assert_allclose(values[:, 0], VALUES[[7, 33], [11, 40]], rtol=1e-5)


def test_masked_pixels_and_nan_are_blank():
    wcs, mask = world(), np.zeros(SHAPE, bool)
    mask[10:30, 20:40] = True
    holes = np.where(mask, np.nan, VALUES)
    for given in (
        (np.ma.masked_array(VALUES, mask), wcs),
        NDData(VALUES, mask=mask, wcs=wcs),
        (holes, wcs),
    ):
        _, coverage = at_pixels(skykin.open_survey(given), wcs, np.array([20, 5]), np.array([30, 5]))
        assert coverage.tolist() == [0, 1]


def test_three_bands_become_red_green_and_blue():
    wcs = world()
    cube = np.stack([VALUES, 2 * VALUES, 3 * VALUES])
    survey = skykin.open_survey((cube, wcs))
    values, _ = at_pixels(survey, wcs, np.array([15]), np.array([22]))
    np.testing.assert_allclose(values[0], VALUES[15, 22] * np.array([1, 2, 3]), rtol=1e-5)
    assert [band.split(":")[0] for band in survey.bands] == ["red", "green", "blue"]


def test_whole_numbers_and_half_floats_are_read_too():
    wcs = world()
    whole = np.arange(SHAPE[0] * SHAPE[1]).reshape(SHAPE)
    for given in (whole, whole.astype("u2"), whole.astype("i8")):
        values, _ = at_pixels(skykin.open_survey((given, wcs)), wcs, np.array([9]), np.array([8]))
        assert values[0, 0] == whole[9, 8]
    values, _ = at_pixels(
        skykin.open_survey((VALUES.astype(np.float16), wcs)), wcs, np.array([9]), np.array([8])
    )
    assert values[0, 0] == pytest.approx(VALUES[9, 8], rel=1e-3)


@pytest.mark.parametrize(
    "make",
    [
        lambda plain: plain.astype(">f4"),
        lambda plain: np.repeat(np.repeat(plain, 2, axis=0), 2, axis=1)[::2, ::2],
        np.asfortranarray,
        lambda plain: plain[::-1].copy()[::-1],
    ],
    ids=["big-endian", "every other", "columns first", "backwards"],
)
def test_c06_an_array_laid_out_otherwise_is_bit_equal_and_left_as_it_is(make):
    wcs, plain = world(), VALUES.astype(np.float32)
    places = np.mgrid[2:38, 2:58].reshape(2, -1)
    given = make(plain)
    given.setflags(write=False)
    found = at_pixels(skykin.open_survey((given, wcs)), wcs, *places)
    for one, other in zip(found, at_pixels(skykin.open_survey((plain, wcs)), wcs, *places), strict=True):
        assert one.tobytes() == other.tobytes()
    np.testing.assert_array_equal(given, VALUES.astype(np.float32))


@pytest.mark.parametrize(
    ("given", "error", "told"),
    [
        (lambda: (VALUES.astype(complex), world()), UsageError, "holds values of type complex128, but a"),
        (lambda: (np.ones((2, *SHAPE)), world()), UsageError, r"has the shape \(2, 40, 60\), but its"),
        (lambda: (np.ones(60), world()), UsageError, r"has the shape \(60,\), but its WCS has 2 axes; give"),
        (lambda: NDData(VALUES), SkyError, "the image in memory has no world coordinates, so its position"),
        (lambda: fits.PrimaryHDU(VALUES), SkyError, "has no world coordinates of the sky"),
        (lambda: (VALUES * np.nan, world()), ValueError, "0 of 2400 pixels of .* hold a value"),
    ],
)  # fmt: skip
def test_what_is_no_survey_is_refused_in_one_sentence(given, error, told):
    with pytest.raises(error, match=told):
        skykin.open_survey(given())


def test_the_temporary_file_goes_with_the_survey(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    survey = skykin.open_survey((VALUES, world()))
    assert len(list(tmp_path.iterdir())) == 1
    del survey
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def test_info_tells_of_an_image_in_memory():
    told = skykin.info((VALUES * u.Jy, world()))
    assert told.facts["unit"] == "Jy"
    assert told.facts["projection"] == "TAN"
    assert told.facts["pixels"] == "60 × 40"


@pytest.mark.slow
def test_a_map_and_an_index_are_made_of_an_image_in_memory(tmp_path, monkeypatch):
    monkeypatch.setenv("SKYKIN_CACHE", str(tmp_path / "cache"))
    wcs = world(frame=("GLON", "GLAT"), turn_deg=0)
    how = {"tile_size": 1.0, "spacing": 0.5, "pixels": 32, "recipe": "mean-std", "jobs": 2}
    found = skykin.map((VALUES, wcs), "83.8,-5.4", top_fraction=0.2, **how)
    assert found.survey.title == "memory.fits"
    assert np.nanmax(found.scores) > 0.5
    index = skykin.index((VALUES, wcs), tmp_path / "i.skykin", **how)
    assert len(index) == len(found.tiles)
    assert found.provenance.survey["sha256"] == index.provenance.survey["sha256"]

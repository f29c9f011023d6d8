"""Surveys shown together, and surveys smoothed."""

import numpy as np
import pytest
from astropy import units as u
from astropy_healpix import HEALPix

from skykin.core.errors import SkyError, TooLargeError, UsageError
from skykin.core.extent import Extent
from skykin.core.protocols import Survey
from skykin.core.provenance import Source
from skykin.survey.base import About
from skykin.survey.derived import smooth
from skykin.survey.derived.combined import combine
from skykin.survey.derived.smooth import smoothed
from skykin.survey.healpix.cell_map import CellMap
from skykin.survey.healpix.cells import CellSurvey
from skykin.survey.open import open_survey
from tests.hostile.healpix_files import smooth_sky, smooth_value, write_map

ABOUT = About("toy", "Toy survey", "R", ("a", "a", "a"), Source("toy.fits", "0" * 64), ("nobody",))
RANDOM = np.random.default_rng(0)
LON, LAT = RANDOM.uniform(0, 360, 200), RANDOM.uniform(-90, 90, 200)


def point_source(lon, lat, level=8):
    """One bright cell, blurred to a beam of 1 degree by formula."""
    grid = HEALPix(2**level, order="nested")
    x, y = grid.healpix_to_lonlat(np.arange(grid.npix))
    distance = Extent(lon, lat).distance_deg(x.deg, y.deg)
    return CellSurvey(
        CellMap.of(level, np.exp2(-4 * distance**2)[:, None]),
        "galactic",
        1.0,
        ABOUT,
        "HEALPix",
        Extent(lon, lat, 5.0),
    )


@pytest.mark.parametrize(("lon", "lat"), [(0.0, 0.0), (123.0, 88.0), (209.0, -19.4)])
def test_a_beam_of_1_degree_becomes_one_of_2(lon, lat):
    survey = smoothed(point_source(lon, lat), 2.0)
    assert isinstance(survey, Survey)
    assert survey.beam_deg == 2.0
    angles = np.linspace(0, 2.5, 30)
    values, coverage = survey.sample(np.full(30, lon), lat - angles * np.sign(lat or 1))
    # The same light on four times the area; cells of half a degree blur a little more.
    np.testing.assert_allclose(values[:, 0], 0.25 * np.exp2(-4 * (angles / 2) ** 2), atol=0.025)
    np.testing.assert_allclose(coverage, 1, atol=1e-5)


@pytest.mark.slow
def test_smoothing_keeps_a_smooth_sky_and_does_not_leak_what_is_masked(tmp_path):
    sky = smooth_sky(32)
    sky[: len(sky) // 2] = np.nan
    survey = open_survey(write_map(tmp_path / "map.fits", {"I": sky}), smooth_deg=6.0)
    values, coverage = survey.sample(LON, LAT)
    south = LAT < -8
    np.testing.assert_allclose(values[south, 0], smooth_value(LON, LAT)[south], atol=0.1)
    assert not coverage[LAT > 8].any()
    assert survey.sample(100.0, 0.0)[1] == pytest.approx(0.5, abs=0.15)
    assert survey.to_dict()["projection"] == "HEALPix RING, NSIDE 32, smoothed from 1.832 to 6 deg"


def test_a_survey_is_not_sharpened():
    survey = point_source(0.0, 0.0, 6)
    with pytest.raises(UsageError, match="toy has a beam of 1°, which cannot be smoothed to 0.5°"):
        smoothed(survey, 0.5)
    assert smoothed(survey, 1.0) is survey


def test_a_beam_that_is_far_too_narrow_is_refused(monkeypatch):
    with pytest.raises(UsageError, match="is too narrow to be smoothed to 40° at once; .*scale_deg=5"):
        smoothed(point_source(0.0, 0.0, 6), 40.0)
    monkeypatch.setattr(smooth, "MOST_CELLS", 100)
    with pytest.raises(TooLargeError, match="smoothing toy needs 3e.02 cells, but at most 100 are held"):
        smoothed(point_source(0.0, 0.0, 6), 4.0)


def test_three_surveys_become_the_colours_of_one(tmp_path):
    sky = smooth_sky(16)
    paths = [
        write_map(tmp_path / "a.fits", {"I": sky}, units={"I": "mag"}),
        write_map(tmp_path / "b.fits", {"I": 2 * sky}),
        write_map(
            tmp_path / "c.fits", {"I": np.where(np.arange(3072) < 1000, np.nan, sky).astype(np.float32)}
        ),
    ]
    survey = open_survey(paths, beam_deg=7.0)
    assert isinstance(survey, Survey)
    values, coverage = survey.sample(LON, LAT)
    here = open_survey(paths[0]).sample(LON, LAT)[0][:, 0]
    np.testing.assert_allclose(values[:, 1], 2 * here, rtol=1e-5)
    np.testing.assert_array_equal(coverage, open_survey(paths[2]).sample(LON, LAT)[1])
    assert (survey.name, survey.bands) == ("a+b+c", ("a (mag)", "b", "c"))
    assert (survey.unit, survey.beam_deg, survey.credits) == ("", 7.0, ())
    assert survey.title == "a.fits, b.fits, c.fits"
    assert survey.to_dict()["green"]["file"] == "b.fits"
    assert survey.source.name == "a.fits + b.fits + c.fits"
    assert len(survey.source.sha256) == 64


def test_surveys_without_common_sky_are_not_combined():
    grid = HEALPix(64, order="nested")

    def patch(lon):
        cells = np.sort(grid.cone_search_lonlat(lon * u.deg, 0 * u.deg, 5 * u.deg))
        cell_map = CellMap.of(6, np.ones((len(cells), 1)), cells)
        return CellSurvey(cell_map, "galactic", 1.0, ABOUT, "", cell_map.extent("galactic"))

    combine(patch(10), patch(15), patch(12))
    with pytest.raises(SkyError, match="toy lies 90° from the other surveys and has no sky in common"):
        combine(patch(10), patch(100), patch(10))

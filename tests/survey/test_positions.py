"""Positions that a survey is asked about, in every form that astropy has for them."""

import re

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import FK5, Latitude, Longitude, SkyCoord
from hypothesis import given
from hypothesis import strategies as st

from skykin.core.errors import SkyError, UsageError
from skykin.survey.base import galactic_positions
from skykin.survey.derived.altered import AlteredSurvey
from skykin.survey.derived.combined import combine
from skykin.survey.render import RenderedSurvey, TileRenderedSurvey, measure_stretch
from tests.skies import BLOBS, blob_survey
from tests.survey.test_noise import noisy_survey

LON, LAT = np.array([[209.0, 80.0], [287.0, 0.5]]), np.array([[-19.0, 0.0], [-1.0, 80.0]])
SURVEY = blob_survey()
ORION = SkyCoord(209.0, -19.0, unit="deg", frame="galactic")

FORMS = {
    "degrees": (LON * u.deg, LAT * u.deg),
    "radians": (np.radians(LON) * u.rad, np.radians(LAT) * u.rad),
    "hours and minutes of arc": (Longitude(LON / 15, u.hourangle), Latitude(LAT * 60, u.arcmin)),
    "a unit beside plain degrees": (np.radians(LON) * u.rad, LAT),
    "Galactic coordinates": (SkyCoord(LON, LAT, unit="deg", frame="galactic"),),
    "ICRS coordinates": (SkyCoord(LON, LAT, unit="deg", frame="galactic").icrs,),
    "a frame with data": (SkyCoord(LON, LAT, unit="deg", frame="galactic").transform_to(FK5()).frame,),
    "lists": (LON.tolist(), LAT.tolist()),
}


def test_a_survey_has_the_value_written_into_it_at_a_place_in_degrees_and_in_radians():
    values, coverage = SURVEY.sample(209.0, -19.0)
    # A blob of strength 30 lies there, another of 10 at 2.8 of its radii, on a ground of 0.5 or so.
    assert values[1] == pytest.approx(BLOBS[0][3][1] + 0.5, abs=0.7)
    assert coverage == 1
    np.testing.assert_allclose(
        SURVEY.sample(np.radians(209) * u.rad, np.radians(-19) * u.rad)[0], values, 1e-5
    )
    np.testing.assert_allclose(SURVEY.sample(ORION.icrs)[0], values, rtol=1e-5)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "survey",
    [
        SURVEY,
        AlteredSurvey(SURVEY, turn_deg=30.0),
        combine(SURVEY, SURVEY, SURVEY),
        blob_survey(nside=4),
    ],
    ids=["bands", "altered", "combined", "coarse"],
)
def test_every_form_of_the_same_positions_has_the_same_values(survey, form):
    expected, covered = survey.sample(LON, LAT)
    values, coverage = survey.sample(*FORMS[form])
    np.testing.assert_allclose(values, expected, rtol=1e-4)
    np.testing.assert_allclose(coverage, covered, rtol=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_colours_and_noise_take_the_same_forms(form):
    for sky in (RenderedSurvey(SURVEY, measure_stretch(SURVEY)), TileRenderedSurvey(SURVEY, "linear")):
        np.testing.assert_allclose(sky.colours(*FORMS[form])[0], sky.colours(LON, LAT)[0], atol=1e-4)
    noisy = noisy_survey()
    noisy.noise[:] = np.arange(len(noisy.noise))[:, None]
    np.testing.assert_array_equal(noisy.noise_at(*FORMS[form]), noisy.noise_at(LON, LAT))


@given(st.floats(-720, 720), st.floats(-90, 90))
def test_positions_are_wrapped_and_otherwise_left_as_they_are(lon, lat):
    lon_deg, lat_deg = galactic_positions(np.array([lon]), np.array([lat]))
    assert 0 <= lon_deg[0] < 360
    assert lon_deg[0] == pytest.approx(lon % 360, abs=1e-9) or lon_deg[0] == 0
    assert lat_deg[0] == lat


@pytest.mark.parametrize(
    ("given", "error", "sentence"),
    [
        ((3 * u.km, 4.0), SkyError, "the longitude has the unit 'km', which is no angle; give degrees, or a"),
        ((3.0, 4 * u.one), SkyError, "the latitude has the unit '', which is no angle; give degrees, or a"),
        (("here", 4.0), SkyError, "the longitude 'here' is not a number; give degrees, or a Quantity of an"),
        ((3.0,), UsageError, "a position is a longitude and a latitude, or one SkyCoord alone"),
        ((ORION, 4.0), UsageError, "a position is a longitude and a latitude, or one SkyCoord alone"),
        (([1, 2], [1, 2, 3]), UsageError, "longitudes of shape (2,) do not fit latitudes of shape (3,)"),
        ((3.0, 91.0), SkyError, "position l = 3°, b = 91° is not on the sky; give finite longitudes"),
        ((np.inf, 1.0), SkyError, "position l = inf°, b = 1° is not on the sky"),
        ((1.0, np.nan), SkyError, "position l = 1°, b = nan° is not on the sky"),
        ((1.0, 2 * u.rad), SkyError, "position l = 1°, b = 114.592° is not on the sky"),
    ],
)
def test_what_is_no_position_is_refused_in_one_sentence(given, error, sentence):
    with pytest.raises(error, match=re.escape(sentence)):
        SURVEY.sample(*given)


def test_a_survey_shows_itself_in_one_line():
    assert repr(SURVEY) == "<HealpixBands blobs: whole sky, beam 1°, unit R>"
    assert repr(AlteredSurvey(SURVEY)) == "<AlteredSurvey blobs: whole sky, beam 1°, unit R>"
    assert repr(combine(SURVEY, SURVEY, SURVEY)) == (
        "<CombinedSurvey blobs+blobs+blobs: whole sky, beam 1°, unit R>"
    )


def test_a_survey_of_a_part_of_the_sky_says_which(tmp_path):
    import skykin
    from tests.hostile.fits_files import image_bytes, write

    path = write(tmp_path, "halpha", image_bytes(BUNIT=None))
    assert re.fullmatch(
        r"<SkyImage halpha: 9\.\d+° around l = 209\.\d\d°, b = -1\d\.\d\d°, beam 0\.2°, no unit>",
        repr(skykin.open_survey(path)),
    )

"""HEALPix maps that were saved as NumPy arrays."""

import numpy as np
import pytest
from astropy.coordinates import SkyCoord

from skykin.core.errors import CorruptFileError, DataQualityError, HeaderInvalidError
from skykin.core.progress import SilentProgress
from skykin.survey.open import open_survey
from tests.hostile.healpix_files import smooth_sky, smooth_value

LON, LAT = np.array([10.0, 209.0, 300.0]), np.array([40.0, -19.0, -75.0])


class Listener(SilentProgress):
    """Keeps what it is told."""

    def __init__(self):
        self.said = []

    def say(self, sentence):
        self.said.append(sentence)


def saved(path, values):
    np.save(path, values)
    return path


@pytest.mark.parametrize("order", ["ring", "nested"])
def test_an_array_shows_the_value_of_each_position_in_either_order(tmp_path, order):
    path = saved(tmp_path / "sky.npy", smooth_sky(64, order))
    listener = Listener()
    survey = open_survey(path, ordering=order, frame="galactic", unit="K", progress=listener)
    values, coverage = survey.sample(LON, LAT)
    assert values[:, 0] == pytest.approx(smooth_value(LON, LAT), abs=0.02)
    assert coverage == pytest.approx(1)
    assert (survey.unit, survey.intensity_bands, listener.said) == ("K", (0,), [])


def test_an_array_in_icrs_is_looked_up_there(tmp_path):
    path = saved(tmp_path / "sky.npy", smooth_sky(64, "ring"))
    galactic, icrs = (open_survey(path, ordering="ring", frame=frame) for frame in ("galactic", "icrs"))
    where = SkyCoord(LON, LAT, unit="deg", frame="icrs")
    assert icrs.sample(where)[0] == pytest.approx(galactic.sample(LON, LAT)[0], abs=1e-4)


def test_what_the_array_does_not_say_is_told(tmp_path):
    listener = Listener()
    open_survey(saved(tmp_path / "sky.npy", smooth_sky(16, "ring")), progress=listener)
    assert listener.said == [
        "'sky.npy' is an array, which does not say its ordering or its frame: it is read in RING order as "
        "galactic; give ordering and frame as options if it is not"
    ]


def test_three_rows_are_red_green_and_blue(tmp_path):
    one = smooth_sky(16, "ring")
    survey = open_survey(saved(tmp_path / "sky.npy", np.stack([one, 2 * one, 3 * one])), ordering="ring")
    values, _ = survey.sample(LON, LAT)
    assert values[:, 1:] == pytest.approx(values[:, :1] * [2, 3], rel=1e-5)
    assert survey.bands == ("map 1", "map 2", "map 3")


@pytest.mark.parametrize("shape", [(100,), (5, 192), (3,), (2, 3, 12), (12 * 9,), (0,), (0, 12)])
def test_another_shape_is_refused_with_the_shape(tmp_path, shape):
    path = saved(tmp_path / "sky.npy", np.zeros(shape))
    with pytest.raises(HeaderInvalidError, match=r"'sky.npy' holds float64 of the shape \(.*12·NSIDE²"):
        open_survey(path)


def test_words_are_refused_and_python_objects_are_never_loaded(tmp_path):
    with pytest.raises(HeaderInvalidError, match=r"holds <U1 of the shape \(12,\)"):
        open_survey(saved(tmp_path / "sky.npy", np.array(["x"] * 12)))
    np.save(tmp_path / "objects.npy", np.array([{}] * 12, dtype=object), allow_pickle=True)
    with pytest.raises(CorruptFileError, match="'objects.npy' cannot be read as an array of numbers"):
        open_survey(tmp_path / "objects.npy")


@pytest.mark.parametrize("kept", [7, 60, 128, 4000])
def test_an_array_cut_short_is_refused(tmp_path, kept):
    path = saved(tmp_path / "sky.npy", smooth_sky(16, "ring"))
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(CorruptFileError, match="it is cut short, damaged or holds Python objects"):
        open_survey(path)


def test_a_map_without_any_data_is_refused(tmp_path):
    with pytest.raises(DataQualityError, match="0 of 192 pixels of 'sky.npy' have data; give another file"):
        open_survey(saved(tmp_path / "sky.npy", np.full(192, np.nan)))

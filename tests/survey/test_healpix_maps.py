"""HEALPix maps from files, good ones and those of section G of the hostile corpus."""

import subprocess
import sys

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Table
from astropy_healpix import HEALPix
from hypothesis import given
from hypothesis import strategies as st

from skykin.core.errors import (
    CorruptFileError,
    DataQualityError,
    HeaderInvalidError,
    SkyError,
    TooLargeError,
    UnknownNameError,
    UsageError,
)
from skykin.core.frames import frame_of, from_galactic, to_galactic
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Survey
from skykin.core.provenance import Source
from skykin.survey.base import About, three_bands
from skykin.survey.healpix import file as healpix_file
from skykin.survey.healpix.cell_map import CellMap
from skykin.survey.healpix.cells import CellSurvey, cell_side_deg, level_for
from skykin.survey.healpix.multi_order import MultiOrderMap
from skykin.survey.open import open_survey
from tests.hostile.healpix_files import UNSEEN, smooth_sky, smooth_value, write_map

RANDOM = np.random.default_rng(3)
LON = RANDOM.uniform(0, 360, 500)
LAT = np.degrees(np.arcsin(RANDOM.uniform(-1, 1, 500)))


class Listener(SilentProgress):
    """Keeps what it is told."""

    def __init__(self):
        self.said = []

    def say(self, sentence):
        self.said.append(sentence)


def opened(path, **options):
    listener = Listener()
    return open_survey(path, progress=listener, **options), listener.said


@pytest.mark.parametrize(("order", "word"), [("ring", "RING"), ("nested", "NESTED")])
def test_both_orders_show_the_same_sky(tmp_path, order, word):
    path = write_map(tmp_path / "map.fits", {"I": smooth_sky(32, order)}, ORDERING=word, units={"I": "mK"})
    survey, said = opened(path)
    assert isinstance(survey, Survey)
    assert said == []
    values, coverage = survey.sample(LON, LAT)
    np.testing.assert_allclose(values, smooth_value(LON, LAT)[:, None] * np.ones(3), atol=0.01)
    np.testing.assert_allclose(coverage, 1, atol=1e-6)
    assert survey.to_dict() | {"sha256": ""} == {
        "name": "map",
        "file": "map.fits",
        "sha256": "",
        "unit": "mK",
        "bands": ["I", "I", "I"],
        "beam_deg": cell_side_deg(5),
        "frame": "galactic",
        "projection": f"HEALPix {word}, NSIDE 32",
        "nside": 32,
    }


@given(st.integers(0, 6), st.integers(0, 2**32 - 1))
def test_samples_are_those_of_astropy_healpix(level, seed):
    random = np.random.default_rng(seed)
    grid = HEALPix(2**level, order="nested")
    sky = random.normal(size=(grid.npix, 1)).astype(np.float32)
    lon, lat = random.uniform(0, 360, 20), random.uniform(-90, 90, 20)
    survey = CellSurvey(CellMap.of(level, sky), "galactic", 1.0, None, "")
    expected = grid.interpolate_bilinear_lonlat(lon * u.deg, lat * u.deg, sky[:, 0])
    np.testing.assert_allclose(survey.sample(lon, lat)[0][:, 0], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("letter", "frame"), [("C", "icrs"), ("E", "barycentricmeanecliptic"), ("G", "galactic")]
)
def test_g11_maps_in_other_frames_are_turned(tmp_path, letter, frame):
    survey, _ = opened(write_map(tmp_path / "map.fits", {"I": smooth_sky(32)}, COORDSYS=letter))
    own = SkyCoord(LON, LAT, unit="deg", frame="galactic").transform_to(frame).spherical
    expected = smooth_value(own.lon.deg, own.lat.deg)
    np.testing.assert_allclose(survey.sample(LON, LAT)[0][:, 0], expected, atol=0.02)


def test_g11_a_missing_frame_is_read_as_galactic_and_said(tmp_path):
    path = write_map(tmp_path / "map.fits", {"I": smooth_sky(8)}, COORDSYS=None)
    survey, said = opened(path)
    assert survey.frame == "galactic"
    assert said == [
        "'map.fits' does not say its frame (COORDSYS is missing): it is read as Galactic; "
        "give --survey-option frame=icrs or frame=ecliptic if it is not"
    ]
    survey, said = opened(path, frame="icrs")
    assert (survey.frame, said) == ("icrs", [])


def test_g11_an_unknown_frame_is_refused(tmp_path):
    path = write_map(tmp_path / "map.fits", {"I": smooth_sky(8)}, COORDSYS="X")
    with pytest.raises(SkyError, match="the frame is 'X', but it must be galactic") as caught:
        opened(path)
    assert caught.value.code == "SKY-FRAME"


@given(st.floats(0, 359.9), st.floats(-89.9, 89.9), st.sampled_from(["galactic", "icrs", "ecliptic"]))
def test_turning_into_a_frame_and_back_changes_nothing(lon, lat, frame):
    there = from_galactic(np.array([lon]), np.array([lat]), frame)
    back = to_galactic(*there, frame)
    assert abs((back[0][0] - lon + 180) % 360 - 180) * np.cos(np.radians(lat)) < 1e-9
    assert back[1][0] == pytest.approx(lat, abs=1e-9)


def test_frames_have_many_spellings():
    assert [frame_of(text) for text in ("G", " Galactic", "C", "equatorial", "FK5", "E")] == [
        "galactic",
        "galactic",
        "icrs",
        "icrs",
        "icrs",
        "ecliptic",
    ]


def test_g01_a_nested_map_labelled_ring_is_reported(tmp_path):
    _, said = opened(write_map(tmp_path / "map.fits", {"I": smooth_sky(32, "nested")}, ORDERING="RING"))
    assert said == [
        "SKY-ORDER: 'map.fits' says RING, but neighbours are far more alike in the other order: "
        "if its pictures look scrambled, give --survey-option ordering=nested"
    ]


def test_g01_a_ring_map_labelled_nested_is_reported(tmp_path):
    path = write_map(tmp_path / "map.fits", {"I": smooth_sky(32)}, ORDERING="NESTED")
    assert "give --survey-option ordering=ring" in opened(path)[1][0]
    survey, said = opened(path, ordering="ring")
    assert said == []
    np.testing.assert_allclose(survey.sample(LON, LAT)[0][:, 0], smooth_value(LON, LAT), atol=0.01)


def test_g01_noise_and_good_maps_are_not_reported(tmp_path):
    noise = np.random.default_rng(0).normal(size=12 * 32**2).astype(np.float32)
    for name, sky, word in (("a", noise, "RING"), ("b", noise, "NESTED"), ("c", smooth_sky(32), "RING")):
        assert opened(write_map(tmp_path / f"{name}.fits", {"I": sky}, ORDERING=word))[1] == []


def test_g02_a_missing_ordering_must_be_given(tmp_path):
    path = write_map(tmp_path / "map.fits", {"I": smooth_sky(8)}, ORDERING=None)
    with pytest.raises(SkyError, match="does not say whether its pixels are in RING or NESTED") as caught:
        opened(path)
    assert caught.value.code == "SKY-ORDER"
    assert opened(path, ordering="ring")[0].sample(10, 20)[1] == pytest.approx(1)


@pytest.mark.parametrize(("word", "order"), [("NEST", "nested"), ("ring ", "ring"), ("nested", "nested")])
def test_g03_spellings_of_the_ordering(tmp_path, word, order):
    survey, said = opened(write_map(tmp_path / "map.fits", {"I": smooth_sky(16, order)}, ORDERING=word))
    assert said == []
    np.testing.assert_allclose(survey.sample(LON, LAT)[0][:, 0], smooth_value(LON, LAT), atol=0.03)


def test_g03_an_unknown_ordering_is_refused(tmp_path):
    path = write_map(tmp_path / "map.fits", {"I": smooth_sky(8)}, ORDERING="SPIRAL")
    with pytest.raises(
        SkyError, match="ORDERING of HDU 1 of 'map.fits' is 'SPIRAL', but it must be"
    ) as caught:
        opened(path)
    assert caught.value.code == "SKY-ORDER"


def test_g04_a_missing_nside_follows_from_the_pixels(tmp_path):
    survey, _ = opened(write_map(tmp_path / "map.fits", {"I": smooth_sky(8)}, NSIDE=None))
    assert survey.to_dict()["nside"] == 8


@pytest.mark.parametrize(
    ("nside", "sentence"),
    [
        (4, "is 4, which asks for 12·4² = 192 pixels, but there are 768, as many as NSIDE 8 has"),
        (16, "is 16, which asks for 12·16² = 3072 pixels, but there are 768, as many as NSIDE 8"),
        (13, "NSIDE of HDU 1 of 'map.fits' is 13, but it must be a power of two"),
        (-8, "NSIDE of HDU 1 of 'map.fits' is '-8', but it must be a whole number from 1"),
        ("eight", "NSIDE of HDU 1 of 'map.fits' is 'eight', but it must be a whole number"),
        (1 << 40, "is '1099511627776', but it must be a whole number from 1 to"),
    ],
)  # fmt: skip
def test_g04_a_wrong_nside_is_refused(tmp_path, nside, sentence):
    path = write_map(tmp_path / "map.fits", {"I": smooth_sky(8)}, NSIDE=nside)
    with pytest.raises(HeaderInvalidError, match=sentence) as caught:
        opened(path)
    assert caught.value.code == "IN-KEY"


def test_g05_a_table_that_is_too_short_is_refused(tmp_path):
    path = write_map(tmp_path / "map.fits", {"I": smooth_sky(8)[:-5]}, NSIDE=8)
    with pytest.raises(
        CorruptFileError, match="has 763 pixels, but a map of NSIDE 8 has 12·8² = 768"
    ) as caught:
        opened(path)
    assert caught.value.code == "IN-TRUNC"


def partial(path, pixels, nside=64, order="NESTED", **cards):
    values = np.arange(1, len(pixels) + 1, dtype=np.float32)
    columns = {"PIXEL": np.asarray(pixels, np.int64), "I": values}
    return write_map(
        path, columns, NSIDE=nside, ORDERING=order, INDXSCHM="EXPLICIT", OBJECT="PARTIAL", **cards
    )


def test_g06_pixels_given_twice_are_refused(tmp_path):
    with pytest.raises(
        DataQualityError, match="2 of 5 pixel numbers of HDU 1 of 'map.fits' are there twice"
    ) as e:
        opened(partial(tmp_path / "map.fits", [7, 8, 7, 9, 8]))
    assert e.value.code == "DQ-DUP"


@pytest.mark.parametrize("pixel", [49152, -3, 2**62])
def test_g07_and_g08_pixels_beyond_the_map_are_refused(tmp_path, pixel):
    sentence = (
        f"row 2 of HDU 1 of 'map.fits' has pixel {pixel}, but a map of NSIDE 64 has the pixels 0 to 49151"
    )
    with pytest.raises(HeaderInvalidError, match=sentence) as caught:
        opened(partial(tmp_path / "map.fits", [7, pixel, 8]))
    assert caught.value.code == "IN-KEY"


@pytest.mark.parametrize("order", ["ring", "nested"])
def test_partial_maps_have_their_values_where_they_belong(tmp_path, order):
    pixels = RANDOM.permutation(49152)[:3000]
    survey, _ = opened(partial(tmp_path / "map.fits", pixels, order=order.upper()))
    lon, lat = HEALPix(64, order=order).healpix_to_lonlat(pixels)
    values, coverage = survey.sample(lon.deg, lat.deg)
    np.testing.assert_allclose(values[:, 1], np.arange(1, 3001), rtol=1e-5)
    np.testing.assert_allclose(coverage, 1, atol=1e-5)


MEASURE = """
import resource, sys
import numpy as np
from skykin.survey.healpix.multi_order import MultiOrderMap
from skykin.survey.open import open_survey
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
survey = open_survey(sys.argv[1])
print(survey.extent.radius_deg, survey.sample(np.linspace(0, 360, 99), np.zeros(99))[1].max())
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


def test_g09_a_fine_map_of_four_pixels_needs_hardly_any_memory(tmp_path):
    path = partial(tmp_path / "map.fits", [5, 6, 7, 12345], nside=16384)
    answer = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True
    ).stdout.split()
    radius_deg, covered, grown_mib = map(float, answer)
    assert grown_mib < 100
    assert radius_deg < 2
    assert covered == 0


def test_g10_what_was_not_seen_is_masked(tmp_path):
    sky = smooth_sky(16)
    sky[:5] = UNSEEN, UNSEEN * 1.00001, -1.7e30, np.nan, np.inf
    survey, said = opened(write_map(tmp_path / "map.fits", {"I": sky}))
    assert said == []
    lon, lat = HEALPix(16, order="ring").healpix_to_lonlat(np.arange(6))
    _, coverage = survey.sample(lon.deg, lat.deg)
    np.testing.assert_allclose(coverage, [0, 0, 0, 0, 0, 1], atol=1e-6)
    assert np.abs(survey.sample(LON, LAT)[0]).max() < 20


def test_g10_a_silent_value_for_no_data_is_said_and_can_be_named(tmp_path):
    sky = smooth_sky(16)
    sky[:300] = -32768
    path = write_map(tmp_path / "map.fits", {"I": sky})
    _, said = opened(path)
    assert said == [
        "0.098 of the pixels of 'map.fits' have the value -32768, which often means no data: "
        "give --survey-option blank=-32768 to mask them"
    ]
    survey, said = opened(path, blank=-32768.0)
    assert said == []
    assert survey.sample(0.0, 89.9)[1] == 0


def test_g10_a_map_without_data_is_refused(tmp_path):
    path = write_map(tmp_path / "map.fits", {"I": np.full(768, UNSEEN, np.float32)})
    with pytest.raises(DataQualityError, match="0 of 768 pixels of HDU 1 of 'map.fits' have data") as caught:
        opened(path)
    assert caught.value.code == "DQ-ALLBLANK"


def test_g12_wrapped_columns_equal_plain_ones(tmp_path):
    sky = smooth_sky(32)
    plain, _ = opened(write_map(tmp_path / "plain.fits", {"I": sky}))
    wrapped, _ = opened(write_map(tmp_path / "wrapped.fits", {"I": sky}, wrap=1024, NSIDE=32))
    np.testing.assert_array_equal(plain.sample(LON, LAT)[0], wrapped.sample(LON, LAT)[0])


def test_g12_columns_are_chosen_by_name_or_number(tmp_path):
    sky = smooth_sky(16)
    columns = {"I": sky, "Q": 2 * sky, "U": -sky.astype(np.float64)}
    path = write_map(tmp_path / "map.fits", columns)
    survey, said = opened(path)
    assert said == [
        "'map.fits' has 3 columns: 'I' is shown; the others are 'Q, U' (choose with --survey-option "
        "columns=NAME)"
    ]
    here = survey.sample(LON, LAT)[0][:, 0]
    survey, said = opened(path, columns=("u", "2", "I"))
    assert (survey.bands, said) == (("U", "Q", "I"), [])
    np.testing.assert_allclose(
        survey.sample(LON, LAT)[0], np.stack([-here, 2 * here, here], axis=1), rtol=1e-5
    )
    survey, _ = opened(path, columns=("I", "Q"))
    assert survey.bands == ("I", "mean of I and Q", "Q")
    np.testing.assert_allclose(survey.sample(LON, LAT)[0][:, 1], 1.5 * here, rtol=1e-5)
    with pytest.raises(UnknownNameError, match="has no column 'V'; it has 'I, Q, U'"):
        opened(path, columns=("V",))
    with pytest.raises(
        UsageError, match="columns names 4 columns, but red, green and blue show at most three"
    ):
        opened(path, columns=("I", "Q", "U", "I"))


def multi_order(path):
    """The sky of the formula in cells of level 5, of level 3 in the south and of level 6 about l = 45°."""
    lon, lat = (angle.deg for angle in HEALPix(8, order="nested").healpix_to_lonlat(np.arange(768)))
    level_of = np.where(lat < 0, 3, np.where(np.abs(lon - 45) < 20, 6, 5))
    uniq, values = [], []
    for level in (5, 3, 6):
        cells = np.flatnonzero(np.repeat(level_of == level, 4 ** (level - 3)))
        uniq.append(cells + 4 * 4**level)
        values.append(smooth_sky(2**level, "nested")[cells])
    columns = {"UNIQ": np.concatenate(uniq), "PROBDENSITY": np.concatenate(values)}
    return write_map(path, columns, ORDERING="NUNIQ", NSIDE=None, MOCORDER=6)


def test_g13_a_multi_order_map_shows_the_sky(tmp_path):
    path = multi_order(tmp_path / "map.fits")
    survey, said = opened(path)
    assert said == []
    assert survey.to_dict()["projection"] == "HEALPix NUNIQ, NSIDE 64"
    values, coverage = survey.sample(LON, LAT)
    np.testing.assert_allclose(values[:, 0], smooth_value(LON, LAT), atol=0.5)  # cells of 7° in the south
    fine = (LAT > 5) & (np.abs(LON - 45) < 15)
    np.testing.assert_allclose(values[fine, 0], smooth_value(LON, LAT)[fine], atol=0.01)
    np.testing.assert_allclose(coverage, 1, atol=1e-6)
    coarse, _ = opened(path, scale_deg=7.0)
    assert coarse.cells.level == 4
    np.testing.assert_allclose(coarse.sample(LON, LAT)[0][:, 0], smooth_value(LON, LAT), atol=0.5)


def test_g13_averaging_a_multi_order_map_weighs_by_area_and_keeps_gaps():
    uniq = np.array([4 * 4 + 0, 4 * 16 + 4, 4 * 16 + 5, 4 * 16 + 6, 4 * 16 + 7, 4 * 4 + 2, 4 * 16 + 16])
    values = np.array([[1.0], [4.0], [8.0], [np.nan], [np.nan], [2.0], [9.0]])
    cells = MultiOrderMap.of_uniq(uniq, values, "a map")
    averaged = cells.at(0)
    assert (averaged.level, averaged.cells.tolist()) == (0, [0, 1])
    # A quarter is 1, an eighth 4 and 8 on average, an eighth without data, a quarter 2, a quarter missing.
    np.testing.assert_allclose(averaged.values[:, 0], [(1 * 4 + 4 + 8 + 2 * 4) / 10, 9])
    np.testing.assert_allclose(averaged.share, [10 / 16, 1 / 16])
    found, share = cells.look_up(np.array([3, 4, 6, 11, 12, 16, 191]))
    np.testing.assert_array_equal(found[share > 0, 0], [1, 4, 2, 9])
    np.testing.assert_array_equal(share, [1, 1, 0, 1, 0, 1, 0])


def test_g13_a_part_of_the_sky_in_many_orders_knows_where_it_is(tmp_path):
    near = HEALPix(64, order="nested").cone_search_lonlat(80 * u.deg, 40 * u.deg, 3.6 * u.deg)
    columns = {"UNIQ": (near + 4 * 64**2).astype(np.int64), "I": np.ones(len(near), np.float32)}
    survey, _ = opened(write_map(tmp_path / "map.fits", columns, ORDERING="NUNIQ", NSIDE=None))
    assert survey.extent.distance_deg(80, 40) < 0.5
    assert survey.extent.radius_deg < 6


def test_g13_a_multi_order_map_that_cannot_be_is_refused(tmp_path):
    columns = {"UNIQ": np.array([16, 3], np.int64), "I": np.ones(2, np.float32)}
    with pytest.raises(
        HeaderInvalidError, match="row 2 of HDU 1 of 'a.fits' has UNIQ 3, which is the number"
    ):
        opened(write_map(tmp_path / "a.fits", columns, ORDERING="NUNIQ", NSIDE=None))
    columns["UNIQ"] = np.array([16, 4], np.int64)
    with pytest.raises(DataQualityError, match="1 of 2 cells of HDU 1 of 'b.fits' overlap another") as caught:
        opened(write_map(tmp_path / "b.fits", columns, ORDERING="NUNIQ", NSIDE=None))
    assert caught.value.code == "DQ-DUP"
    only = {"UNIQ": np.array([16, 17], np.int64)}
    with pytest.raises(
        HeaderInvalidError, match=r"has no column of values, as a coverage map \(MOC\) has none"
    ):
        opened(write_map(tmp_path / "c.fits", only, ORDERING="NUNIQ", NSIDE=None))
    with pytest.raises(HeaderInvalidError, match="none of its columns 'I' is called UNIQ"):
        opened(write_map(tmp_path / "d.fits", {"I": np.ones(2, np.float32)}, ORDERING="NUNIQ"))


def test_numbers_of_pixels_without_sign_are_read(tmp_path):
    pixels = np.arange(100, 140)
    for dtype in (np.uint16, np.uint32, np.uint64):
        table = Table({"PIXEL": pixels.astype(dtype), "I": np.arange(40, dtype=np.float32)})
        path = tmp_path / f"{np.dtype(dtype)}.fits"
        hdu = fits.table_to_hdu(table)
        hdu.header.update(PIXTYPE="HEALPIX", ORDERING="NESTED", NSIDE=64, COORDSYS="G", INDXSCHM="EXPLICIT")
        hdu.writeto(path)
        survey, _ = opened(path)
        np.testing.assert_array_equal(survey.cells.cells, pixels)


def test_the_words_of_other_tools_name_a_frame(tmp_path):
    words = {"GAL": "galactic", "CEL": "icrs", "EQU": "icrs", "Q": "icrs", "ECL": "ecliptic", "g": "galactic"}
    for word, frame in words.items():
        path = write_map(tmp_path / f"{word}.fits", {"I": smooth_sky(8)}, COORDSYS=word)
        assert opened(path)[0].frame == frame
    survey, said = opened(write_map(tmp_path / "no.fits", {"I": smooth_sky(8)}, COORDSYS="UNKNOWN"))
    assert survey.frame == "galactic"
    assert said == [
        "'no.fits' does not say its frame (COORDSYS is 'UNKNOWN'): it is read as Galactic; "
        "give --survey-option frame=icrs or frame=ecliptic if it is not"
    ]


def test_pixels_that_are_exactly_zero_are_said_but_not_of_counts(tmp_path):
    sky = smooth_sky(8)
    sky[:540] = 0
    _, said = opened(write_map(tmp_path / "map.fits", {"I": sky}))
    assert said == [
        "0.7 of the pixels of 'map.fits' have the value 0, which often means no data: "
        "give --survey-option blank=0 to mask them"
    ]
    survey, said = opened(tmp_path / "map.fits", blank=0)
    assert (survey.cells.known, said) == (pytest.approx(228 / 768), [])
    assert opened(write_map(tmp_path / "counts.fits", {"N": sky.astype(np.int32)}))[1] == []


def test_of_several_maps_the_option_hdu_chooses(tmp_path):
    hdus = fits.HDUList([fits.PrimaryHDU()])
    for name, count, value in (("LOW", 768, 1), ("HIGH", 3072, 7)):
        path = write_map(tmp_path / f"{name}.fits", {"I": np.full(count, value, np.float32)}, EXTNAME=name)
        with fits.open(path) as one:
            hdus.append(one[1].copy())
    hdus.writeto(tmp_path / "two.fits")
    for which in (2, "HIGH"):
        survey, said = opened(tmp_path / "two.fits", hdu=which)
        assert survey.sample(30.0, 10.0)[0][0] == 7
        assert said == []
    survey, said = opened(tmp_path / "two.fits")
    assert survey.sample(30.0, 10.0)[0][0] == 1
    assert said == [
        "'two.fits' has 2 HEALPix maps, the HDUs 1 ('LOW'), 2 ('HIGH'): the first is read "
        "(choose with --survey-option hdu=NUMBER)"
    ]


def test_g14_a_map_of_a_thousandth_of_the_sky_knows_where_it_is(tmp_path):
    grid = HEALPix(64, order="nested")
    pixels = grid.cone_search_lonlat(80 * u.deg, 40 * u.deg, 3.6 * u.deg)
    survey, _ = opened(partial(tmp_path / "map.fits", pixels))
    assert survey.extent.distance_deg(80, 40) < 0.5
    assert survey.extent.radius_deg < 6
    values, coverage = survey.sample(LON, LAT)
    assert np.isfinite(values).all()
    assert (coverage > 0).mean() < 0.01
    lon, lat = np.meshgrid(np.linspace(60, 100, 50), np.linspace(60, 20, 50))
    values, coverage = survey.sample(lon, lat)
    assert values.min() >= 1  # filled from around, never zero
    assert 0.02 < (coverage > 0.5).mean() < 0.2


def test_values_in_thousandths_and_integers_are_scaled(tmp_path):
    sky = smooth_sky(16)
    path = write_map(
        tmp_path / "map.fits", {"I": np.round(sky * 1000).astype(np.int16)}, TSCAL1=0.001, TNULL1=-1
    )
    np.testing.assert_allclose(opened(path)[0].sample(LON, LAT)[0][:, 0], smooth_value(LON, LAT), atol=0.04)
    path = write_map(tmp_path / "zero.fits", {"I": np.ones(12, np.int16)}, TSCAL1=0.0)
    with pytest.raises(HeaderInvalidError, match="TSCAL1 of HDU 1 of 'zero.fits' is 0") as caught:
        opened(path)
    assert caught.value.code == "IN-SCALE"


def test_a_coarser_look_averages_the_pixels(tmp_path):
    sky = smooth_sky(64, "nested") + np.tile([1, -1], 12 * 64**2 // 2).astype(np.float32)
    sky[:64] = UNSEEN
    survey, _ = opened(write_map(tmp_path / "map.fits", {"I": sky}, ORDERING="NESTED"), scale_deg=5.0)
    assert survey.to_dict()["nside"] == 16
    np.testing.assert_allclose(
        survey.sample(LON[:50], LAT[:50])[0][:, 0], smooth_value(LON[:50], LAT[:50]), atol=0.1
    )
    lon, lat = HEALPix(16, order="nested").healpix_to_lonlat([0, 3, 4])
    np.testing.assert_allclose(survey.sample(lon.deg, lat.deg)[1], [0, 0, 1], atol=1e-6)


def test_levels_follow_from_the_scale():
    assert cell_side_deg(6) == pytest.approx(0.9161, abs=1e-4)
    assert level_for(1.0, 10) == 6
    assert level_for(None, 10) == 10
    assert level_for(1e-9, 10) == 10
    assert level_for(90.0, 10, 3) == 3


def test_one_two_and_three_bands_become_three():
    np.testing.assert_array_equal(three_bands(np.array([[2.0]])), [[2, 2, 2]])
    np.testing.assert_array_equal(three_bands(np.array([[2.0, 4.0]])), [[2, 3, 4]])
    said = {"name": "n", "title": "t", "unit": "K", "source": Source("f", "0" * 64)}
    grey, two, three = (
        About.of_columns(columns, **said) for columns in (("a",), ("a", "b"), ("a", "b", "c"))
    )
    assert (grey.bands, grey.intensity_bands) == (("a", "a", "a"), (0,))
    assert (two.bands, two.intensity_bands) == (("a", "mean of a and b", "b"), (0, 2))
    assert (three.bands, three.intensity_bands) == (("a", "b", "c"), (0, 1, 2))


def test_a_whole_map_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(healpix_file, "MOST_CELLS", 100)
    with pytest.raises(TooLargeError, match="has 768 pixels, but at most 100 are held"):
        opened(write_map(tmp_path / "map.fits", {"I": smooth_sky(8)}))


def test_a_column_of_text_or_of_varying_length_is_refused(tmp_path):
    path = write_map(tmp_path / "map.fits", {"I": smooth_sky(8)})
    data = path.read_bytes().replace(b"TFORM1  = '1E      '", b"TFORM1  = '4A      '")
    path.write_bytes(data)
    with pytest.raises(HeaderInvalidError, match="has TFORM '4A', which is not one number"):
        opened(path)
    path.write_bytes(data.replace(b"TFORM1  = '4A      '", b"TFORM1  = '5E      '"))
    with pytest.raises(HeaderInvalidError, match="are 20 bytes wide together, but NAXIS1 says 4"):
        opened(path)
    path.write_bytes(data.replace(b"TFORM1  = '4A      '", b"TFORM1  = 'ouch    '"))
    with pytest.raises(HeaderInvalidError, match="TFORM1 of HDU 1 of 'map.fits' is 'ouch'"):
        opened(path)


def test_the_real_halpha_map_has_its_regions_where_they_are(shared):
    survey, _ = opened(shared / "maps" / "halpha_png_libhealpix_nside64.fits")
    for lon, lat in ((209.0, -19.4), (80.0, 0.5), (287.5, -0.6), (280.0, -33.0)):
        here, mirrored = survey.sample(np.array([lon, -lon]), np.array([lat, lat]))[0][:, 0]
        assert here > mirrored + 0.05

"""Broken, odd and hostile FITS files: one clear sentence and a code each, and nothing left behind."""

from __future__ import annotations

import os
import tempfile
import threading
import time

import numpy as np
import pytest

from skykin.core import errors
from skykin.core.errors import (
    CorruptFileError,
    DataQualityError,
    InputRefusedError,
    NotThisFormatError,
    SkykinError,
    UnknownNameError,
    UsageError,
)
from skykin.core.footprint import Footprint
from skykin.core.progress import SilentProgress
from skykin.survey.open import open_survey
from skykin.survey.render import RenderedSurvey, measure_stretch
from tests.hostile import fits_files as hostile

CENTRE = Footprint(209.0, -19.0, 4.0)
POSITIONS = CENTRE.pixel_positions((24, 24))


class Notes(SilentProgress):
    """Keeps what is said."""

    def __init__(self):
        self.said = []

    def say(self, sentence):
        self.said.append(sentence)

    def __contains__(self, words):
        return any(words in sentence for sentence in self.said)


@pytest.fixture
def notes():
    return Notes()


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """A place for temporary files of its own, to see what is left there."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


def opened(tmp_path, content, notes=None, name="file", **options):
    return open_survey(hostile.write(tmp_path, name, content), progress=notes or Notes(), **options)


def values(survey):
    sampled, coverage = survey.sample(*POSITIONS)
    assert np.isfinite(sampled).all()
    return sampled[..., 0], coverage


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """Values of the unharmed image, to compare with."""
    return values(opened(tmp_path_factory.mktemp("plain"), hostile.image_bytes()))


@pytest.mark.parametrize("case", hostile.REFUSED, ids=[case[0] for case in hostile.REFUSED])
def test_a_hostile_file_is_refused_by_name(tmp_path, temporary, case):
    name, make, error, code, sentence = case
    path = hostile.write(tmp_path, name, make())
    before = sorted(tmp_path.iterdir())
    with pytest.raises(getattr(errors, error), match=sentence) as caught:
        open_survey(path)
    assert caught.value.code == code
    assert str(caught.value).count("\n") == 0
    assert sorted(tmp_path.iterdir()) == before
    assert not list(temporary.iterdir())


def test_a_card_that_is_none_changes_nothing_and_is_not_warned_of(tmp_path, plain):
    # A warning would be an error here.
    content = hostile.image_bytes(REMARK="none").replace(b"REMARK  =", b"REMARK  *")
    for found, expected in zip(values(opened(tmp_path, content)), plain, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a06_a_file_without_its_last_padding_is_accepted(tmp_path, plain):
    content = hostile.image_bytes()
    survey = opened(tmp_path, content[: 2880 + 64 * 64 * 4])
    np.testing.assert_array_equal(values(survey)[0], plain[0])


def test_a07_bytes_after_the_end_are_counted_and_not_read(tmp_path, notes, plain):
    survey = opened(tmp_path, hostile.image_bytes() + b"garbage" * 3, notes)
    assert "21 bytes after the end of 'file.fits' are not looked at" in notes
    np.testing.assert_array_equal(values(survey)[0], plain[0])


@pytest.mark.parametrize("hdu", [1, "SCI"])
def test_a18_of_two_images_one_is_named(tmp_path, hdu, plain):
    survey = opened(tmp_path, hostile.two_images(), hdu=hdu)
    np.testing.assert_array_equal(values(survey)[0], plain[0])
    with pytest.raises(UsageError, match="has no HDU 'WHT'; it has 0, 1 \\('SCI'\\), 2 \\('ERR'\\)"):
        opened(tmp_path, hostile.two_images(), hdu="WHT")


def test_a15_a_header_with_odd_bytes_is_read_when_asked_and_it_is_recorded(tmp_path, plain):
    survey = opened(tmp_path, hostile.with_card(hostile.image_bytes(), "OBJECT", "'Ori\xffn'"), lenient=True)
    np.testing.assert_array_equal(values(survey)[0], plain[0])
    assert survey.to_dict()["lenient"] is True


def test_a20_changed_data_are_used_when_asked_and_it_is_recorded(tmp_path, notes):
    survey = opened(tmp_path, hostile.flipped(hostile.checksummed(), 10000), notes, ignore_checksum=True)
    assert "do not agree with their DATASUM; used as asked" in notes
    assert survey.to_dict()["ignore_checksum"] is True


def test_a20_good_checksums_are_not_spoken_of(tmp_path, notes, plain):
    np.testing.assert_array_equal(values(opened(tmp_path, hostile.checksummed(), notes))[0], plain[0])
    assert not notes.said


def test_a21_an_edited_header_is_noted(tmp_path, notes):
    content = hostile.with_card(hostile.checksummed(), "BMAJ", "0.3")
    opened(tmp_path, content, notes)
    assert "was edited after writing" in notes


@pytest.mark.parametrize("change", ["truncated", "replaced", "removed"])
def test_a22_a23_a_file_that_changes_while_it_is_read_is_noticed(tmp_path, change):
    path = hostile.write(tmp_path, "file", hostile.image_bytes())
    survey = open_survey(path)
    if change == "truncated":
        os.truncate(path, 4000)
    elif change == "replaced":
        path.write_bytes(hostile.image_bytes() + b" ")
    else:
        path.unlink()
    with pytest.raises(CorruptFileError, match=r"'file.fits' changed while it was read"):
        survey.sample(*POSITIONS)


def test_b02_b03_blank_pixels_are_masked_and_filled(tmp_path, plain):
    data = hostile.picture()
    data[30, 30] = np.nan
    data[:, 48:] = np.nan
    sampled, coverage = values(opened(tmp_path, hostile.image_bytes(data)))
    assert coverage.min() == 0
    assert coverage[12, 6] == 1
    np.testing.assert_allclose(sampled[:, 6:], plain[0][:, 6:], atol=2)
    assert sampled.min() > 5


def test_b04_infinite_pixels_are_blank(tmp_path):
    data = hostile.picture()
    data[28:36, 28:36] = np.inf
    data[0] = -np.inf
    sampled, coverage = values(opened(tmp_path, hostile.image_bytes(data)))
    assert coverage.min() == 0
    assert sampled.max() < 40


def test_b05_a_constant_image_has_no_style_and_says_so(tmp_path):
    survey = opened(tmp_path, hostile.image_bytes(np.full((64, 64), 7, np.float32)))
    with pytest.raises(DataQualityError, match="has the value 7 everywhere") as caught:
        measure_stretch(survey)
    assert caught.value.code == "DQ-CONST"


@pytest.mark.parametrize("kind", ["linear", "asinh", "log"])
def test_b06_negative_values_are_shown_like_others(tmp_path, kind):
    up = opened(tmp_path, hostile.image_bytes(), name="up")
    down = opened(tmp_path, hostile.image_bytes(hostile.picture() - 1000), name="down")
    colours = [RenderedSurvey(one, measure_stretch(one, kind)).colours(*POSITIONS)[0] for one in (up, down)]
    np.testing.assert_allclose(*colours, atol=2e-3)


@pytest.mark.parametrize("huge", [1e300, 1e30, -1e300])
def test_b07_a_huge_value_spoils_only_its_place(tmp_path, huge, plain):
    data = hostile.picture().astype(np.float64)
    data[34, 34] = huge
    sampled, _ = values(opened(tmp_path, hostile.image_bytes(data)))
    elsewhere = np.abs(sampled - plain[0]) < 1e-4
    assert 0.9 < elsewhere.mean() < 1


@pytest.mark.parametrize(("side", "value"), [(1, 60_000.0), (3, 300.0)], ids=["cosmic ray", "saturated star"])
def test_b11_a_bright_pixel_changes_its_place_and_hardly_the_limits(tmp_path, plain, side, value):
    data = hostile.picture()
    data[34 : 34 + side, 34 : 34 + side] = value
    survey = opened(tmp_path, hostile.image_bytes(data))
    sampled, coverage = values(survey)
    elsewhere = np.abs(sampled - plain[0]) < 1e-4
    assert 0.9 < elsewhere.mean() < 1
    assert sampled.max() <= value
    np.testing.assert_array_equal(coverage, plain[1])
    unharmed = measure_stretch(opened(tmp_path, hostile.image_bytes(), name="unharmed"))
    assert measure_stretch(survey).low == pytest.approx(unharmed.low, rel=0.01)
    if side == 1:
        assert measure_stretch(survey).high == pytest.approx(unharmed.high, rel=0.05)


def test_b08_denormals_and_minus_zero_are_zero(tmp_path):
    data = hostile.picture()
    data[:32] = -0.0
    data[32:40] = 1e-42
    sampled, coverage = values(opened(tmp_path, hostile.image_bytes(data)))
    assert coverage.min() == 1
    assert sampled.min() == pytest.approx(0, abs=1e-30)


@pytest.mark.parametrize("sentinel", [-32768.0, -999.0, 1e20, -1.6375e30])
def test_b09_an_undeclared_blank_value_is_warned_of_and_can_be_declared(tmp_path, notes, sentinel):
    data = hostile.picture()
    data[:, :20] = sentinel
    opened(tmp_path, hostile.image_bytes(data), notes)
    assert f"have the value {sentinel:g}, which often stands for nothing; give --survey-option blank" in notes
    survey = opened(tmp_path, hostile.image_bytes(data), blank=sentinel)
    sampled, coverage = survey.sample(*Footprint(209, -19, 6).pixel_positions((24, 24)))
    assert (coverage == 0).any()
    assert np.abs(sampled).max() < 40


def test_c01_blank_integers_are_masked_exactly(tmp_path):
    data = np.round(hostile.picture() * 100).astype(np.int16)
    data[20:28, 20:28] = -32000
    survey = opened(tmp_path, hostile.with_card(hostile.image_bytes(data, BLANK=-32000), "BSCALE", "0.01"))
    window = survey.planes[0].window(0, 0, 64, 64)
    assert np.isnan(window).sum() == 64
    np.testing.assert_allclose(window[0], data[0] * 0.01, rtol=1e-6)


def test_c02_blank_on_floats_means_nothing(tmp_path, plain):
    content = hostile.with_card(hostile.image_bytes(), "BLANK", "12")
    np.testing.assert_array_equal(values(opened(tmp_path, content))[0], plain[0])


@pytest.mark.parametrize(
    ("dtype", "low"),
    [(np.uint16, 40000), (np.int64, 2**53 + 1), (np.uint8, 1), (np.int32, -5), (np.int8, -128)],
)
def test_c05_integers_of_all_kinds_have_their_values(tmp_path, dtype, low):
    data = (np.arange(64 * 64).reshape(64, 64) % 50).astype(np.int64) + low
    survey = opened(tmp_path, hostile.image_bytes(data.astype(dtype)))
    expected = data.astype(dtype).astype(np.float64).astype(np.float32)
    np.testing.assert_array_equal(survey.planes[0].window(0, 0, 64, 64), expected)


@pytest.mark.parametrize("spelling", ["degrees", "DEG"])
def test_d05_spellings_of_degrees_are_accepted_and_noted(tmp_path, notes, plain, spelling):
    survey = opened(tmp_path, hostile.image_bytes(CUNIT1=spelling), notes)
    assert f"CUNIT1 of HDU 0 of 'file.fits' is '{spelling}'; it is read as 'deg'" in notes
    np.testing.assert_allclose(values(survey)[0], plain[0], atol=1e-5)


def test_d11_a_distortion_without_its_suffix_is_noted_with_its_size(tmp_path, notes):
    content = hostile.image_bytes(A_ORDER=2, B_ORDER=2, A_2_0=1e-3, B_0_2=1e-3)
    opened(tmp_path, content, notes)
    assert "the distortion is used and moves positions by up to 1.4 pixels" in notes


def test_d15_orientation_given_twice_is_noted(tmp_path, notes, plain):
    content = hostile.image_bytes(CD1_1=-0.1, CD1_2=0.0, CD2_1=0.0, CD2_2=0.1, CROTA2=30.0)
    survey = opened(tmp_path, content, notes)
    assert "gives its orientation more than once (CD, CROTA); CD is used" in notes
    np.testing.assert_allclose(values(survey)[0], plain[0], atol=1e-4)


def test_d20_junk_cards_never_reach_the_wcs_library(tmp_path, plain):
    np.testing.assert_allclose(values(opened(tmp_path, hostile._junk_cards()))[0], plain[0], atol=1e-5)


def test_options_that_a_fits_image_has_no_use_for_are_named_and_not_recorded(tmp_path, notes):
    survey = opened(tmp_path, hostile.image_bytes(), notes, frame="icrs", unit="mK", beam_deg=0.3)
    assert "says itself what the options frame are for; they are not used" in notes
    known = survey.to_dict()
    assert (known["frame"], known["unit"], known["beam_deg"]) == ("galactic", "mK", 0.3)


@pytest.mark.parametrize("name", ["VELOCITY", "VELO-LSR", "VELO"])
def test_e02_old_names_of_velocity_are_read_as_such(tmp_path, name):
    survey = opened(tmp_path, hostile.cube_bytes(CTYPE3=name, VELREF=257))
    assert survey.to_dict()["velocities_km_s"] == pytest.approx([-6, 6], rel=0.01)


def test_e05_a_stokes_axis_is_named_and_its_first_plane_used(tmp_path, notes):
    data = np.stack([hostile.picture(), hostile.picture() + 100])[:, None]
    content = hostile.image_bytes(data, CTYPE3="", CTYPE4="STOKES", CRVAL4=1.0, CDELT4=1.0, CRPIX4=1.0)
    sampled, _ = values(opened(tmp_path, content, notes))
    assert "axis 4 ('STOKES') of HDU 0 of 'file.fits' has 2 planes; the first is used" in notes
    assert sampled.max() < 40


def test_e07_a_band_outside_the_cube_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"covers less than 50% of the band \+20 to \+60 km/s") as caught:
        opened(tmp_path, hostile.cube_bytes(), bands=((20, 60), (-2, 2), (-6, -2)))
    assert caught.value.code == "SKY-SPEC"


def test_e09_velocities_too_fast_for_the_milky_way_are_warned_of(tmp_path, notes):
    opened(tmp_path, hostile.cube_bytes(CUNIT3="km/s"), notes)
    assert "faster than gas of the Milky Way" in notes


@pytest.mark.parametrize("unit", ["R/(km s**", "fortnights", "RAYLEIGH/(KM/S)"])
def test_e11_a_unit_that_is_none_is_shown_and_left_out(tmp_path, notes, unit):
    survey = opened(tmp_path, hostile.image_bytes(BUNIT=unit), notes)
    assert survey.unit in ("", "R s / km")
    assert survey.unit or f"the unit {unit!r} is not understood" in notes


@pytest.mark.skipif(os.name == "nt", reason="its file systems write out the holes of a sparse file")
def test_e12_a_cube_larger_than_memory_is_read_where_it_is_looked_at(tmp_path):
    content = hostile.cube_bytes()
    head = content[: content.index(b"END" + b" " * 77) // 2880 * 2880 + 2880]
    for axis, length in (("NAXIS1", 20000), ("NAXIS2", 20000), ("NAXIS3", 24)):
        head = hostile.with_card(head, axis, str(length))
    path = tmp_path / "large.fits"
    path.write_bytes(head)
    os.truncate(path, len(head) + 20000 * 20000 * 24 * 4)
    from skykin.survey.fits.cube import open_cube

    assert path.stat().st_size > 38e9
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("skykin.survey.fits.cube.sha256_of", lambda path: "0" * 64)
        survey = open_cube(path, hostile_options(), Notes())
    sampled, coverage = survey.sample(*Footprint(209, -19, 1).pixel_positions((8, 8)))
    assert (sampled == 0).all()
    assert (coverage == 1).all()


def hostile_options():
    from skykin.core.survey_options import SurveyOptions

    return SurveyOptions()


@pytest.mark.parametrize("kind", ["RICE_1", "GZIP_1", "GZIP_2", "PLIO_1", "HCOMPRESS_1"])
def test_f01_to_f05_compressed_images_have_the_pixels_of_the_original(tmp_path, temporary, kind):
    survey = opened(tmp_path, hostile.compressed_bytes(kind))
    expected = np.round(hostile.picture() * 10)
    np.testing.assert_array_equal(survey.planes[0].window(0, 0, 64, 64), expected)
    assert not list(temporary.iterdir())


#: What a damaged compressed file may be refused as.
DAMAGED = {"IN-CORRUPT", "IN-PARSER-CRASH", "IN-TIMEOUT", "IN-BOMB", "IN-TRUNC", "IN-KEY", "DQ-ALLBLANK"}


def outcome(tmp_path, content):
    try:
        return float(values(opened(tmp_path, content))[1].mean())
    except SkykinError as error:
        return error.code


def test_f07_f08_f10_mutated_compressed_files_never_hurt_the_parent(tmp_path, temporary):
    content = hostile.compressed_bytes("HCOMPRESS_1")
    start = content.index(b"END" + b" " * 77, 2880) // 2880 * 2880 + 2880
    for mutant in hostile.mutants(content, 6, start):
        found = outcome(tmp_path, mutant)
        assert isinstance(found, float) or found in DAMAGED
    assert not list(temporary.iterdir())


def test_f12_a_whole_gzip_file_is_unpacked_and_removed_with_the_survey(tmp_path, temporary, plain):
    import gzip

    path = tmp_path / "image.fits.gz"
    path.write_bytes(gzip.compress(hostile.image_bytes(), mtime=0))
    survey = open_survey(path)
    np.testing.assert_array_equal(values(survey)[0], plain[0])
    assert survey.name == "image"
    del survey
    assert not list(temporary.iterdir())


@pytest.mark.parametrize(
    "name",
    [
        "a b.fits",
        "'q'.fits",
        "-rf",
        "x[1].fits",
        "in(out).fits",
        "star ✨.fits",
        "a!b.fits",
        "line\nbreak.fits",
    ],
)
def test_o01_odd_names_are_taken_as_they_are(tmp_path, monkeypatch, plain, name):
    (tmp_path / name).write_bytes(hostile.image_bytes())
    monkeypatch.chdir(tmp_path)
    np.testing.assert_array_equal(values(open_survey(name))[0], plain[0])
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("address", ["hdfs://bucket/a.fits", "ftp://example.org/a.fits"])
def test_o02_an_address_is_not_downloaded(address):
    with pytest.raises(SkykinError) as caught:
        open_survey(address)
    assert caught.value.code == "RM-BLOCKED"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="POSIX only")
def test_o03_what_is_no_regular_file_is_refused_at_once(tmp_path):
    start = time.monotonic()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NotThisFormatError, match="'pipe' is not a regular file"):
        open_survey(tmp_path / "pipe")
    with pytest.raises(NotThisFormatError, match="'zero' is not a regular file"):
        open_survey("/dev/zero")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises((UnknownNameError, InputRefusedError)):
        open_survey(tmp_path / "loop")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotThisFormatError, match="none of the 0 files in the folder 'empty'"):
        open_survey(tmp_path / "empty")
    assert time.monotonic() - start < 5


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_o04_a_file_that_may_not_be_read_says_so(tmp_path):
    path = hostile.write(tmp_path, "secret", hostile.image_bytes())
    path.chmod(0)
    with pytest.raises(CorruptFileError, match="cannot be read: Permission denied"):
        open_survey(path)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(UnknownNameError, match="no survey called 'whamm' and no such file.*hi4pi.*wham"):
        open_survey("whamm")
    with pytest.raises(UnknownNameError, match="no survey called 'ab'"):
        open_survey("a\0b")
    with pytest.raises(UnknownNameError, match=r"no file matches '/nowhere/\*.fits'"):
        open_survey("/nowhere/*.fits")


def test_threads_may_share_a_survey(tmp_path):
    survey = opened(
        tmp_path, hostile.image_bytes(CTYPE1="RA---SIN", CTYPE2="DEC--SIN", CRVAL1=84.0, CRVAL2=-5.0)
    )
    expected = survey.sample(*POSITIONS)[0]
    wrong = []

    def look():
        for _ in range(20):
            if not np.array_equal(survey.sample(*POSITIONS)[0], expected):
                wrong.append(1)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_nan_that_signals_is_a_blank_pixel_without_a_warning(tmp_path, plain):
    content = bytearray(hostile.image_bytes())
    content[2880:2884] = bytes.fromhex("7f800001")
    survey = opened(tmp_path, bytes(content))
    np.testing.assert_array_equal(values(survey)[0], plain[0])

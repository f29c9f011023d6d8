"""HiPS in folders and on the web, good ones and those of section H of the hostile corpus."""

import gzip
import http.server
import io
import os
import shutil
import struct
import threading
import time
import zlib

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from mocpy import MOC

from skykin.core.errors import (
    CorruptFileError,
    HeaderInvalidError,
    InputRefusedError,
    NotThisFormatError,
    RemoteError,
    SkyError,
    TooLargeError,
)
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Survey
from skykin.survey.hips import cells as hips_cells
from skykin.survey.hips import store as hips_store
from skykin.survey.hips.store import trim
from skykin.survey.hips.tile_fits import read_fits_tile
from skykin.survey.open import open_survey
from tests.hostile.healpix_files import smooth_value
from tests.hostile.hips_tiles import WIDTH, tile_values, write_hips, write_tile

RANDOM = np.random.default_rng(0)
LON = RANDOM.uniform(0, 360, 300)
LAT = np.degrees(np.arcsin(RANDOM.uniform(-1, 1, 300)))


def test_tiles_of_numbers_show_the_sky(tmp_path):
    survey = open_survey(write_hips(tmp_path / "sky"))
    assert isinstance(survey, Survey)
    values, coverage = survey.sample(LON, LAT)
    np.testing.assert_allclose(values[:, 0], smooth_value(LON, LAT), atol=0.01)
    np.testing.assert_allclose(coverage, 1, atol=1e-6)
    assert survey.title == "A formula"
    assert survey.to_dict()["projection"] == "HiPS of fits tiles, order 1 of 1, NSIDE 64"
    assert survey.extent.is_all_sky


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_tiles_of_colours_show_the_sky(tmp_path, ending):
    survey = open_survey(write_hips(tmp_path / "sky", ending))
    values, _ = survey.sample(LON, LAT)
    np.testing.assert_allclose(values[:, 0], smooth_value(LON, LAT) * 10 / 255, atol=0.01)
    np.testing.assert_allclose(values[:, 1], 1 - smooth_value(LON, LAT) * 10 / 255, atol=0.01)
    assert survey.bands == ("red", "green", "blue")


def rewritten(folder, change, order=1):
    """The FITS tiles of an order, each rewritten: values with their rows from the bottom to bytes."""
    for path in (folder / f"Norder{order}" / "Dir0").iterdir():
        path.write_bytes(change(fits.getdata(path)))
    return folder


def as_bytes(hdu):
    stream = io.BytesIO()
    hdu.writeto(stream)
    return stream.getvalue()


def trimmed(values):
    header = fits.Header({"TRIM1": 5, "ONAXIS1": WIDTH, "TRIM2": 8, "ONAXIS2": WIDTH})
    return as_bytes(fits.PrimaryHDU(values[8:30, 5:], header))


@pytest.mark.parametrize("packed", [False, True])
def test_trimmed_tiles_are_put_back_where_they_were(tmp_path, packed):
    pack = gzip.compress if packed else bytes
    folder = rewritten(write_hips(tmp_path / "sky"), lambda values: pack(trimmed(values)))
    whole, part = open_survey(write_hips(tmp_path / "whole")), open_survey(folder)
    tile, kept = whole.cells._tile(7), part.cells._tile(7)
    seen = np.isfinite(kept[:, 0])
    assert seen.sum() == 22 * (WIDTH - 5)
    np.testing.assert_array_equal(kept[seen], tile[seen])


@pytest.mark.parametrize("fault", [1e30, -1e30, np.inf])
def test_a_hot_pixel_of_a_tile_is_blank_and_the_others_keep_their_bits(fault):
    values = np.float32(tile_values(0, 4))
    hot = values.copy()
    hot[5, 7] = fault

    def read(array):
        stream = io.BytesIO()
        fits.PrimaryHDU(array).writeto(stream)
        return read_fits_tile(stream.getvalue(), "Npix4.fits")[..., 0]

    found = read(hot)
    assert np.argwhere(np.isnan(found)).tolist() == [[5, 7]]
    found[5, 7] = values[5, 7]
    assert found.tobytes() == read(values).tobytes()


@pytest.mark.parametrize("codec", ["RICE_1", "GZIP_2"])
def test_tiles_compressed_inside_fits_show_the_sky(tmp_path, codec):
    def compress(values):
        return as_bytes(fits.CompImageHDU(np.round(values * 1000).astype(np.int32), compression_type=codec))

    folder = rewritten(write_hips(tmp_path / "sky", orders=(0,)), compress, order=0)
    values, coverage = open_survey(folder).sample(LON, LAT)
    np.testing.assert_allclose(values[:, 0] / 1000, smooth_value(LON, LAT), atol=0.02)
    assert coverage.min() > 0.99


def test_tiles_packed_with_gzip_that_are_cut_short_or_grow_are_refused(tmp_path):
    folder = write_hips(tmp_path / "sky", orders=(0,))
    tile = gzip.compress((folder / "Norder0" / "Dir0" / "Npix4.fits").read_bytes())
    assert damaged(folder, tile[:-30]).code == "IN-TRUNC"
    assert damaged(folder, tile[:40] + b"nonsense" + tile[48:]).code == "IN-DECOMPRESS"
    (folder / "Norder0" / "Dir0" / "Npix4.fits").write_bytes(gzip.compress(bytes(140 << 20), 1))
    with pytest.raises(TooLargeError, match="unpacks to more than 136314880 bytes") as caught:
        open_survey(folder).sample(0.0, 0.0)
    assert caught.value.code == "IN-BOMB"


def test_of_the_formats_that_are_offered_one_that_is_there_is_read(tmp_path):
    folder = write_hips(tmp_path / "sky", "jpg", hips_tile_format="jpeg fits png")
    survey = open_survey(folder)
    assert survey.to_dict()["projection"] == "HiPS of jpg tiles, order 1 of 1, NSIDE 64"
    assert survey.bands == ("red", "green", "blue")
    np.testing.assert_allclose(survey.sample(LON, LAT)[0][:, 0], smooth_value(LON, LAT) * 10 / 255, atol=0.01)


def test_properties_from_before_version_1_are_understood(tmp_path):
    folder = write_hips(tmp_path / "sky")
    (folder / "properties").write_text(
        "#Survey properties\n!written long ago\nlabel: Formula\nmaxOrder = 1\ncoordsys = G\ntileOrder = 5\n"
        "format = jpeg fits\ndescription = An old formula\ncopyright = Nobody\nisColor = false\n"
    )
    survey = open_survey(folder)
    assert (survey.title, survey.credits, survey.frame) == ("An old formula", ("Nobody",), "galactic")
    np.testing.assert_allclose(survey.sample(LON, LAT)[0][:, 0], smooth_value(LON, LAT), atol=0.01)
    text = (folder / "properties").read_text()
    (folder / "properties").write_text(text.replace("coordsys = G\n", ""))
    assert open_survey(folder).frame == "galactic"
    (folder / "properties").write_text(text.replace("= G", "= C").replace("isColor = false", "isCube = true"))
    with pytest.raises(InputRefusedError, match="holds 'cube', but Skykin reads"):
        open_survey(folder)


@pytest.mark.parametrize("ending", ["fits", "png"])
def test_a_hips_of_which_only_allsky_is_there_shows_the_sky(tmp_path, ending):
    folder = write_hips(tmp_path / "sky", ending, orders=(2,))
    shutil.rmtree(folder / "Norder2" / "Dir0")
    picture = np.zeros((15 * 16, 13 * 16))  # 192 tiles in rows of 13, from the top left
    for number in range(192):
        row, column = divmod(number, 13)
        picture[row * 16 : row * 16 + 16, column * 16 : column * 16 + 16] = tile_values(2, number, 16)
    path = folder / "Norder2" / f"Allsky.{ending}"
    write_tile(path, picture)
    said = []

    class Listener(SilentProgress):
        def say(self, sentence):
            said.append(sentence)

    survey = open_survey(folder, progress=Listener())
    assert said == [f"'sky' has no tiles; its reduced image Norder2/Allsky.{ending} is read"]
    assert survey.to_dict()["projection"] == f"HiPS, Norder2/Allsky.{ending}, NSIDE 64"
    values, coverage = survey.sample(LON, LAT)
    scale = 1 if ending == "fits" else 10 / 255
    np.testing.assert_allclose(values[:, 0], smooth_value(LON, LAT) * scale, atol=0.01)
    np.testing.assert_allclose(coverage, 1, atol=1e-6)
    path.unlink()
    write_tile(path, picture[:, :200])
    with pytest.raises(HeaderInvalidError, match="its 192 tiles stand in rows of 13, each a power of two"):
        open_survey(folder)


def test_tiles_that_reproject_made_are_read(tmp_path):
    hips = pytest.importorskip("reproject.hips")
    from astropy.wcs import WCS
    from reproject import reproject_interp

    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.crpix, wcs.wcs.cdelt = (
        ["GLON-CAR", "GLAT-CAR"],
        [0, 0],
        [90.5, 45.5],
        [-2, 2],
    )
    column, row = np.meshgrid(np.arange(180), np.arange(90))
    image = smooth_value(-(column - 89.5) * 2, (row - 44.5) * 2)
    hips.reproject_to_hips(
        (image, wcs),
        coord_system_out="equatorial",
        reproject_function=reproject_interp,
        output_directory=str(tmp_path / "sky"),
        level=0,
        tile_size=64,
    )
    survey = open_survey(tmp_path / "sky")
    assert survey.frame == "icrs"
    values, coverage = survey.sample(LON, LAT)
    good = coverage > 0.99
    assert good.mean() > 0.95
    np.testing.assert_allclose(values[good, 0], smooth_value(LON, LAT)[good], atol=0.02)


def test_the_order_follows_from_the_scale(tmp_path):
    folder = write_hips(tmp_path / "sky", orders=(0, 1, 2))
    assert open_survey(folder, scale_deg=1.0).cells.order == 1
    assert open_survey(folder, scale_deg=0.1).cells.order == 2
    assert open_survey(folder, scale_deg=50.0).cells.order == 0
    values, _ = open_survey(folder, scale_deg=50.0).sample(LON, LAT)
    np.testing.assert_allclose(values[:, 0], smooth_value(LON, LAT), atol=0.02)


def test_a_deep_survey_has_an_overview(tmp_path, monkeypatch):
    from skykin.survey.formats import hips

    monkeypatch.setattr(hips, "DEFAULT_ORDER", 0)
    said = []

    class Listener(SilentProgress):
        def say(self, sentence):
            said.append(sentence)

    folder = write_hips(tmp_path / "sky")
    deep = open_survey(folder, scale_deg=0.1, progress=Listener())
    assert (deep.cells.order, deep.overview.cells.order, said) == (1, 0, [])
    plain = open_survey(folder, progress=Listener())
    assert plain.cells.order == 0
    assert plain.overview is plain
    assert said == [
        "'sky' is read at order 0 of 1, with pixels of 1.8°; give --survey-option scale_deg=DEGREES for "
        "finer ones"
    ]


def test_h01_a_folder_without_properties_is_refused(tmp_path):
    folder = write_hips(tmp_path / "sky")
    (folder / "properties").unlink()
    with pytest.raises(NotThisFormatError, match="give a folder of FITS images, or of a HiPS with its file"):
        open_survey(folder)


@pytest.mark.parametrize(
    ("said", "error", "code", "sentence"),
    [
        ({"hips_frame": "horizontal"}, SkyError, "SKY-FRAME", "the frame is 'horizontal', but it must be"),
        ({"hips_frame": None}, SkyError, "SKY-FRAME", "the frame is 'missing', but it must be"),
        ({"hips_tile_width": 500}, HeaderInvalidError, "IN-KEY", "hips_tile_width of 'sky' is 500, but"),
        (
            {"hips_order": 99},
            HeaderInvalidError,
            "IN-KEY",
            "hips_order of the HiPS 'sky' is '99', but .* 0 to 24",
        ),
        ({"hips_order": None}, HeaderInvalidError, "IN-KEY", "hips_order of the HiPS 'sky' is missing"),
        ({"hips_order_min": 7}, HeaderInvalidError, "IN-KEY", "hips_order_min of the HiPS 'sky' is '7'"),
        (
            {"hips_tile_format": "avif"},
            HeaderInvalidError,
            "IN-KEY",
            "the tiles of the HiPS 'sky' are 'avif'",
        ),
        ({"dataproduct_type": "cube"}, InputRefusedError, "IN-KEY", "holds 'cube', but Skykin reads"),
    ],
)
def test_h03_h04_h07_properties_that_cannot_be_are_refused(tmp_path, said, error, code, sentence):
    folder = write_hips(tmp_path / "sky", orders=(0,), **said)
    with pytest.raises(error, match=sentence) as caught:
        open_survey(folder)
    assert caught.value.code == code


def test_h02_a_missing_tile_is_not_covered_and_counted(tmp_path):
    folder = write_hips(tmp_path / "sky", orders=(0,))
    (folder / "Norder0" / "Dir0" / "Npix4.fits").unlink()  # about l = b = 0
    survey = open_survey(folder)
    values, coverage = survey.sample(np.array([0.0, 90.0]), np.array([0.0, 0.0]))
    assert list(coverage) == [0, 1]
    assert np.isfinite(values).all()
    assert survey.cells.missing == 1


def test_h03_a_wrong_frame_moves_the_sky(tmp_path):
    survey = open_survey(write_hips(tmp_path / "sky", orders=(0,), hips_frame="equatorial"))
    from astropy.coordinates import SkyCoord

    icrs = SkyCoord(LON, LAT, unit="deg", frame="galactic").icrs
    np.testing.assert_allclose(
        survey.sample(LON, LAT)[0][:, 0], smooth_value(icrs.ra.deg, icrs.dec.deg), atol=0.02
    )


def test_h05_a_tile_without_padding_is_read(tmp_path):
    folder = write_hips(tmp_path / "sky", orders=(0,))
    for path in (folder / "Norder0" / "Dir0").iterdir():
        path.write_bytes(path.read_bytes()[: 2880 + 4 * WIDTH**2])
    values, _ = open_survey(folder).sample(LON, LAT)
    np.testing.assert_allclose(values[:, 0], smooth_value(LON, LAT), atol=0.02)


def damaged(folder, content, ending="fits"):
    (folder / "Norder0" / "Dir0" / f"Npix4.{ending}").write_bytes(content)
    with pytest.raises(CorruptFileError, match=r"Norder0/Dir0/Npix4") as caught:
        open_survey(folder).sample(0.0, 0.0)
    return caught.value


def test_h06_tiles_of_another_size_or_cut_short_are_refused(tmp_path):
    folder = write_hips(tmp_path / "a", "jpg", orders=(0,))
    tile = (folder / "Norder0" / "Dir0" / "Npix5.jpg").read_bytes()
    other = write_hips(tmp_path / "b", "jpg", orders=(0,), hips_tile_width=64)
    with pytest.raises(CorruptFileError, match="has 32 × 32 pixels, but the HiPS says 64 × 64"):
        open_survey(other).sample(0.0, 0.0)
    assert "cannot be decoded" in str(damaged(folder, tile[:300], "jpg"))
    assert "cannot be decoded" in str(damaged(folder, b"nonsense", "jpg"))
    numbers = write_hips(tmp_path / "c", orders=(0,))
    tile = (numbers / "Norder0" / "Dir0" / "Npix5.fits").read_bytes()
    assert damaged(numbers, tile[:4000]).code == "IN-TRUNC"


def test_h06_a_tile_that_would_fill_the_memory_is_one_sentence(tmp_path):
    folder = write_hips(tmp_path / "a", "png", orders=(0,))
    head = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 6, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))
    content += struct.pack(">I", 4) + b"IDATabcd" + struct.pack(">I", zlib.crc32(b"IDATabcd"))
    error = damaged(folder, content, "png")
    assert error.code == "IN-TOOBIG"
    assert str(error) == "the tile 'Norder0/Dir0/Npix4.png' has 60000 × 60000 pixels; choose another HiPS"


def test_a_survey_of_few_tiles_knows_where_it_is(tmp_path):
    folder = write_hips(tmp_path / "sky", orders=(2,))
    for path in (folder / "Norder2" / "Dir0").iterdir():
        if path.stem not in {"Npix70", "Npix71"}:
            path.unlink()
    extent = open_survey(folder).extent
    assert 10 < extent.radius_deg < 30
    (folder / "Norder2" / "Dir0" / "Npix70.fits").unlink()
    (folder / "Norder2" / "Dir0" / "Npix71.fits").unlink()
    with pytest.raises(HeaderInvalidError, match="has no fits tiles of order 2"):
        open_survey(folder)


def test_tiles_are_kept_within_bounds(tmp_path, monkeypatch):
    monkeypatch.setattr(hips_cells, "TILES_KEPT", 3)
    survey = open_survey(write_hips(tmp_path / "sky", orders=(0,)))
    survey.sample(LON, LAT)
    assert len(survey.cells._kept) == 3


class Server(http.server.ThreadingHTTPServer):
    """Serves a folder, and does what a test asks of it."""

    def __init__(self, folder):
        self.folder, self.asked, self.answer = folder, [], {}
        super().__init__(("127.0.0.1", 0), Handler)

    def handle_error(self, request, client_address):
        pass


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        file = self.path.lstrip("/")
        self.server.asked.append(file)
        special = self.server.answer.get(file)
        if special is not None:
            special(self)
            return
        path = self.server.folder / file
        if not path.is_file():
            self.send_error(404)
            return
        self.give(path.read_bytes())

    def do_HEAD(self):
        found = (self.server.folder / self.path.lstrip("/")).is_file()
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def give(self, content, length=None, kind="application/octet-stream"):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length or len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("SKYKIN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(hips_store, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(hips_store, "READ_TIMEOUT_S", 0.3)
    made = Server(write_hips(tmp_path / "sky", orders=(0,)))
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    made.url = f"http://127.0.0.1:{made.server_port}"
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


TILE = "Norder0/Dir0/Npix4.fits"


def test_a_hips_on_the_web_is_fetched_once_and_kept(server):
    values, coverage = open_survey(server.url).sample(LON, LAT)
    np.testing.assert_allclose(values[:, 0], smooth_value(LON, LAT), atol=0.02)
    assert coverage.min() > 0.99
    tiles = [f"Norder0/Dir0/Npix{number}.fits" for number in range(12)]
    assert sorted(server.asked) == sorted([*tiles, "properties", "properties"])
    again = open_survey(server.url).sample(LON, LAT)[0]
    assert server.asked[14:] == ["properties"]  # is it still the same release?
    np.testing.assert_array_equal(again, values)


def test_of_the_formats_that_a_server_offers_one_that_it_has_is_read(server):
    shutil.rmtree(server.folder)
    write_hips(server.folder, "png", orders=(0,), hips_tile_format="jpeg fits png")
    survey = open_survey(server.url)
    assert survey.to_dict()["projection"] == "HiPS of png tiles, order 0 of 0, NSIDE 32"
    np.testing.assert_allclose(survey.sample(LON, LAT)[0][:, 0], smooth_value(LON, LAT) * 10 / 255, atol=0.02)


def test_files_of_a_hips_come_through_one_connection(server, monkeypatch):
    monkeypatch.setattr(Handler, "protocol_version", "HTTP/1.1")
    connected = []
    monkeypatch.setattr(Server, "verify_request", lambda self, *_: connected.append(1) or True)
    open_survey(server.url).sample(LON, LAT)
    assert len(server.asked) == 14
    assert len(connected) == 1


def test_h02_a_404_is_not_covered_and_not_asked_again(server):
    (server.folder / TILE).unlink()
    for _ in range(2):
        survey = open_survey(server.url)
        assert survey.sample(0.0, 0.0)[1] == 0
        assert survey.cells.missing == 1
    assert server.asked.count(TILE) == 1


def test_a_hips_of_a_part_of_the_sky_says_where_it_is(server):
    moc = MOC.from_lonlat([83.8] * u.deg, [-5.4] * u.deg, max_norder=4)
    moc.save(str(server.folder / "Moc.fits"), format="fits")
    assert open_survey(server.url).extent.is_all_sky
    with (server.folder / "properties").open("a") as stream:
        stream.write(f"moc_sky_fraction = {moc.sky_fraction}\n")
    extent = open_survey(server.url).extent
    assert extent.distance_deg(209.0, -19.4) < 4
    assert extent.radius_deg < 6


def test_a_server_that_fails_twice_is_asked_three_times(server):
    failures = iter([503, 500])

    def sometimes(handler):
        code = next(failures, None)
        if code is None:
            handler.give((server.folder / TILE).read_bytes())
        else:
            handler.send_error(code)

    server.answer[TILE] = sometimes
    assert open_survey(server.url).sample(0.0, 0.0)[1] == pytest.approx(1)
    assert server.asked.count(TILE) == 3


@pytest.mark.parametrize(
    ("special", "code", "times", "sentence"),
    [
        (lambda h: h.send_error(503), "RM-STATUS", 3, "answers 503 to 'Norder0/Dir0/Npix4.fits', 3 times"),
        (lambda h: h.give(b"x" * 99, 5000), "RM-TRUNC", 3, "broke off|cannot be had"),
        (
            lambda h: h.give(b"<!DOCTYPE html><p>no", kind="text/html"),
            "RM-HTML",
            1,
            "sent a web page instead",
        ),
        (lambda h: time.sleep(0.6), "RM-TIMEOUT", 3, "is too slow: .*, 3 times"),
        (lambda h: h.give(bytes(17 << 20)), "RM-TOOBIG", 1, "more than 16777216 bytes"),
    ],
)
def test_k04_k07_a_tile_that_does_not_come_is_an_error_and_leaves_nothing(
    server, special, code, times, sentence
):
    server.answer[TILE] = special
    survey = open_survey(server.url)
    with pytest.raises(RemoteError, match=sentence) as caught:
        survey.sample(0.0, 0.0)
    assert caught.value.code == code
    assert server.asked.count(TILE) == times
    kept = survey.cells.store.cache.parent.rglob("*")
    assert [path.name for path in kept if path.is_file()] == ["properties"]
    del server.answer[TILE]  # and the same survey goes on when the server does
    assert survey.sample(0.0, 0.0)[1] == pytest.approx(1)


def release(server, date, **said):
    """Put a new release in place of the one that is served: all tiles have other values."""
    shutil.rmtree(server.folder)
    write_hips(server.folder, orders=(0,), hips_release_date=date, **said)
    for path in (server.folder / "Norder0" / "Dir0").iterdir():
        with fits.open(path) as hdus:
            values = hdus[0].data + 100
        path.unlink()
        fits.PrimaryHDU(values).writeto(path)


def test_a_new_release_is_read_whole_and_not_from_old_copies(server):
    old = open_survey(server.url).sample(LON[:5], LAT[:5])[0]
    release(server, "2027-01-01")
    new = open_survey(server.url).sample(LON, LAT)[0]
    np.testing.assert_allclose(new[:, 0], smooth_value(LON, LAT) + 100, atol=0.02)
    np.testing.assert_allclose(new[:5], old + 100, atol=1e-4)


def test_a_release_that_comes_while_a_survey_is_read_is_not_mixed_with_it(server):
    survey = open_survey(server.url)
    survey.sample(0.0, 0.0)
    release(server, "2027-01-01")
    for _ in range(2):
        with pytest.raises(
            RemoteError, match="has another release of .* now .* run the same command"
        ) as caught:
            survey.sample(LON, LAT)
        assert caught.value.code == "RM-CHANGED"
    copies = list(survey.cells.store.cache.rglob("*.fits"))
    assert [path.relative_to(survey.cells.store.cache).as_posix() for path in copies] == [TILE]
    values = open_survey(server.url).sample(LON, LAT)[0]
    np.testing.assert_allclose(values[:, 0], smooth_value(LON, LAT) + 100, atol=0.02)


def test_words_about_the_server_are_no_release(server):
    open_survey(server.url).sample(LON, LAT)
    with (server.folder / "properties").open("a") as stream:
        stream.write("# moved\nhips_status = public mirror\nhips_service_url = https://example.org\n")
    asked = len(server.asked)
    open_survey(server.url).sample(LON, LAT)
    assert server.asked[asked:] == ["properties"]


def test_a_copy_that_was_altered_is_fetched_again(server):
    survey = open_survey(server.url)
    values = survey.sample(LON, LAT)[0]
    path = survey.cells.store.cache / TILE
    content = path.read_bytes()
    for altered in (content[:-1], content[:3000] + bytes([content[3000] ^ 1]) + content[3001:], b""):
        path.write_bytes(altered)
        np.testing.assert_array_equal(open_survey(server.url).sample(LON, LAT)[0], values)
        assert path.read_bytes() == content
    assert server.asked.count(TILE) == 4


def test_a_tile_that_was_absent_is_asked_for_again_after_a_day(server):
    kept = (server.folder / TILE).read_bytes()
    (server.folder / TILE).unlink()
    survey = open_survey(server.url)
    assert survey.sample(0.0, 0.0)[1] == 0
    (server.folder / TILE).write_bytes(kept)
    assert open_survey(server.url).sample(0.0, 0.0)[1] == 0
    absent = survey.cells.store.cache / f"{TILE}.absent"
    before = time.time() - 86401
    os.utime(absent, (before, before))
    assert open_survey(server.url).sample(0.0, 0.0)[1] == pytest.approx(1)
    assert server.asked.count(TILE) == 2


def test_without_an_answer_the_last_release_is_read_from_its_copies(server):
    class Notes(SilentProgress):
        said = ""

        def say(self, sentence):
            self.said += sentence

    values = open_survey(server.url).sample(LON, LAT)[0]
    server.answer["properties"] = lambda handler: handler.send_error(503)
    notes = Notes()
    np.testing.assert_array_equal(open_survey(server.url, progress=notes).sample(LON, LAT)[0], values)
    assert "does not answer; what is kept of its last release is used" in notes.said
    server.answer["properties"] = lambda handler: handler.give(b"<!DOCTYPE html>", kind="text/html")
    with pytest.raises(RemoteError, match="sent a web page instead of 'properties'"):
        open_survey(server.url)


def test_a_tile_of_the_wrong_kind_is_not_kept(server):
    server.answer[TILE] = lambda handler: handler.give(b"\x89PNG nonsense" * 9)
    survey = open_survey(server.url)
    with pytest.raises(NotThisFormatError, match="is not a FITS file but a PNG image"):
        survey.sample(0.0, 0.0)
    del server.answer[TILE]
    assert survey.sample(0.0, 0.0)[1] == pytest.approx(1)


def test_k06_redirects_and_addresses_that_are_not_for_us_are_refused(server):
    def to_a_file(handler):
        handler.send_response(302)
        handler.send_header("Location", "file:///etc/hostname")
        handler.end_headers()

    server.answer[TILE] = to_a_file
    with pytest.raises(RemoteError, match="begins with 'file:' is refused") as caught:
        open_survey(server.url).sample(0.0, 0.0)
    assert caught.value.code == "RM-BLOCKED"
    for address in ("file:///etc", "ftp://example.org/x", "hdfs://bucket/x"):
        with pytest.raises(RemoteError, match="only https and http are followed"):
            open_survey(address)


def test_o02_an_address_of_something_else_is_refused(server):
    with pytest.raises(
        HeaderInvalidError, match=r"has no file properties, so it is not a HiPS; .* download other"
    ):
        open_survey(server.url + "/plate.fits")


def test_k08_a_cache_that_cannot_be_written_is_named(server, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SKYKIN_CACHE", str(tmp_path / "file"))
    from skykin.core.errors import ResourceError

    with pytest.raises(ResourceError, match="set SKYKIN_CACHE to a folder that you may write"):
        open_survey(server.url)


def test_the_cache_keeps_what_was_read_last(tmp_path):
    import os

    folder = tmp_path / "0123456789abcdef" / "Norder3" / "Dir0"
    folder.mkdir(parents=True)
    mine = [tmp_path / "my-survey" / "Npix0.fits", folder / "notes.txt"]
    (tmp_path / "my-survey").mkdir()
    for path in mine:  # the oldest of all, and not ours
        path.write_text("mine")
        os.utime(path, (0, 0))
    for number in range(10):
        path = folder / f"Npix{number}.fits"
        path.write_bytes(bytes(100))
        os.utime(path, (number, number))
    os.utime(folder / "Npix0.fits")
    trim(tmp_path, 300)
    assert sorted(path.name for path in folder.glob("Npix*")) == ["Npix0.fits", "Npix8.fits", "Npix9.fits"]
    assert [path.read_text() for path in mine] == ["mine", "mine"]

"""Pictures as surveys, good ones and those of section I of the hostile corpus."""

import contextlib
import shutil
import struct
import time
import zlib

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from PIL import Image

from skykin.core.errors import (
    CorruptFileError,
    HeaderInvalidError,
    InputRefusedError,
    NotThisFormatError,
    SkyError,
    SkykinError,
    TooLargeError,
    UsageError,
)
from skykin.core.footprint import Footprint
from skykin.core.progress import SilentProgress
from skykin.survey.named import named_surveys
from skykin.survey.open import open_survey
from skykin.survey.picture import file as picture_file
from skykin.survey.picture import world as picture_world
from skykin.survey.render import measure_stretch, measure_stretch_on
from tests.hostile.pictures import AVM, chunk, gradient, png_bomb, save, tiff_of_numbers

RANDOM = np.random.default_rng(0)
LON = RANDOM.uniform(0, 360, 400)
LAT = np.degrees(np.arcsin(RANDOM.uniform(-1, 1, 400)))


class Listener(SilentProgress):
    def __init__(self):
        self.said = []

    def say(self, sentence):
        self.said.append(sentence)


def opened(path, **options):
    listener = Listener()
    return open_survey(path, progress=listener, **options), listener.said


def sky(lon, lat):
    """A sky that is easy to interpolate, and unlike its mirror image."""
    lon, lat = np.radians(lon), np.radians(lat)
    return 0.5 + 0.3 * np.cos(lat) * np.sin(lon) + 0.15 * np.sin(lat)


def plane_to_sky(projection, x, y):
    """Longitude and latitude of a point of the ellipse or rectangle, x to the right and y up, -1 to 1."""
    if projection == "plate-carree":
        return -180 * x, 90 * y
    if projection == "mollweide":
        theta = np.arcsin(y)
        lat = np.arcsin((2 * theta + np.sin(2 * theta)) / np.pi)
        return np.degrees(-np.pi * x / np.cos(theta)), np.degrees(lat)
    x, y = 2 * np.sqrt(2) * x, np.sqrt(2) * y  # Hammer
    z = np.sqrt(1 - (x / 4) ** 2 - (y / 2) ** 2)
    return -np.degrees(2 * np.arctan2(z * x, 2 * (2 * z**2 - 1))), np.degrees(np.arcsin(z * y))


def picture_of(path, projection, centre=0.0, rows=400):
    y = 1 - (np.arange(rows)[:, None] + 0.5) * 2 / rows
    x = (np.arange(2 * rows)[None, :] + 0.5) / rows - 1
    x, y = np.broadcast_arrays(x, y)
    on_sky = (x**2 + y**2 < 1) | (projection == "plate-carree")
    lon, lat = plane_to_sky(projection, np.where(on_sky, x, 0), np.where(on_sky, y, 0))
    grey = np.where(on_sky, sky(lon + centre, lat), 0)
    return save(path, (grey * 65535).astype(np.uint16))


@pytest.mark.parametrize("centre", [0.0, 120.0])
@pytest.mark.parametrize("projection", ["plate-carree", "mollweide", "aitoff"])
def test_pictures_of_the_whole_sky_have_each_direction_in_its_place(tmp_path, projection, centre):
    path = picture_of(tmp_path / "sky.png", projection, centre)
    survey, said = opened(path, projection=projection, frame="galactic", center_deg=centre)
    values, coverage = survey.sample(LON, LAT)
    inside = np.abs(np.abs((LON - centre) % 360 - 180)) > 5  # the rim of the ellipse is cut into steps
    np.testing.assert_allclose(values[inside, 0], sky(LON, LAT)[inside], atol=0.01)
    assert np.mean(coverage) > 0.99
    assert [("Hammer" in sentence) for sentence in said] == ([True] if projection == "aitoff" else [])
    assert survey.bands == ("brightness",) * 3
    assert survey.extent.is_all_sky


@pytest.mark.parametrize(("kind", "white"), [(np.uint8, 255), (np.uint16, 65535)])
def test_a_picture_of_8_bits_keeps_its_own_colours_unless_a_stretch_is_chosen(tmp_path, kind, white):
    grey = (np.linspace(0.2, 0.5, 80)[:, None] * np.ones(160) * white).astype(kind)
    survey, _ = opened(save(tmp_path / "sky.png", grey), projection="plate-carree", frame="galactic")
    values, _ = survey.sample(LON, LAT)
    stretch = measure_stretch(survey)
    if kind == np.uint8:
        assert stretch.kind == "identity"
        np.testing.assert_array_equal(stretch.apply(values), values)
    else:
        assert stretch.kind == "asinh"
    assert measure_stretch(survey, "asinh").kind == "asinh"


def test_values_that_are_no_colours_have_no_stretch_identity():
    with pytest.raises(UsageError, match="colours from 0 to 1, but the values run from 1 to 9; choose asinh"):
        measure_stretch_on(np.float32([[1, 5, 9], [2, 3, 4]]), np.ones(2), "identity")


def test_an_equatorial_picture_is_turned(tmp_path):
    path = picture_of(tmp_path / "sky.png", "plate-carree")
    survey, _ = opened(path, projection="plate-carree", frame="icrs")
    icrs = SkyCoord(LON, LAT, unit="deg", frame="galactic").icrs
    np.testing.assert_allclose(survey.sample(LON, LAT)[0][:, 1], sky(icrs.ra.deg, icrs.dec.deg), atol=0.01)


def test_a_missing_frame_is_read_as_galactic_and_said(tmp_path):
    _, said = opened(picture_of(tmp_path / "sky.png", "plate-carree", rows=50), projection="plate-carree")
    assert said == [
        "'sky.png' is read as Galactic; give --survey-option frame=icrs or frame=ecliptic if it is not"
    ]


def test_a_picture_that_does_not_say_where_it_lies_is_refused(tmp_path):
    with pytest.raises(
        SkyError, match="'a.png' does not say where on the sky it lies: .* a.wcs beside it"
    ) as e:
        opened(save(tmp_path / "a.png", gradient()))
    assert e.value.code == "SKY-NOWCS"


def test_a_whole_sky_with_margins_is_refused(tmp_path):
    with pytest.raises(
        SkyError, match="has 128 × 70 pixels, but a picture of the whole sky in mollweide is twice"
    ):
        opened(save(tmp_path / "a.png", gradient(70)), projection="mollweide")


def tangent_header(rows=64, columns=128):
    header = fits.Header()
    header["CTYPE1"], header["CTYPE2"] = "GLON-TAN", "GLAT-TAN"
    header["CRVAL1"], header["CRVAL2"] = 209.0, -19.4
    header["CRPIX1"], header["CRPIX2"] = (columns + 1) / 2, (rows + 1) / 2
    header["CDELT1"], header["CDELT2"] = -0.1, 0.1
    return header


def header_text():
    return tangent_header().tostring(sep="\n", endcard=False, padding=False)


def colours_on_grid(survey, rows=64, columns=128):
    across = 2 * np.degrees(np.arctan(np.radians(0.1 * columns) / 2))
    up = 2 * np.degrees(np.arctan(np.radians(0.1 * rows) / 2))
    return survey.sample(*Footprint(209.0, -19.4, across, up).pixel_positions((rows, columns)))


@pytest.mark.parametrize("form", ["text", "fits"])
def test_a_header_beside_the_picture_says_where_it_lies(tmp_path, form):
    path = save(tmp_path / "a.png", gradient())
    header = tangent_header()
    if form == "text":
        (tmp_path / "a.wcs").write_text(header_text() + "\nEND\n")
    else:
        fits.PrimaryHDU(header=header).writeto(tmp_path / "a.wcs")
    survey, said = opened(path)
    assert said == []
    rgb, coverage = colours_on_grid(survey)
    np.testing.assert_allclose(rgb, gradient() / 255, atol=0.002)  # north up, longitude to the left
    assert coverage.min() > 0.99
    assert survey.bands == ("red", "green", "blue")
    assert survey.extent.radius_deg < 10


@pytest.mark.parametrize("sign", ["HISTORY", "COMMENT", "IMAGEW and IMAGEH"])
def test_astrometry_net_counts_rows_from_the_top(tmp_path, sign):
    grey = np.full((96, 128), 10, np.uint8)
    grey[15:26, 85:96] = 210  # 20 rows below the top of the picture
    path = save(tmp_path / "photo.png", grey)
    header = fits.Header(
        {
            "CTYPE1": "RA---TAN",
            "CTYPE2": "DEC--TAN",
            "CRVAL1": 83.8,
            "CRVAL2": -5.4,
            "CRPIX1": 64.5,
            "CRPIX2": 48.5,
        }
        | {"CD1_1": -0.01, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": -0.01}
        | ({"IMAGEW": 128, "IMAGEH": 96} if sign.startswith("IMAGE") else {})
    )
    if not sign.startswith("IMAGE"):
        header[sign] = "Created by the Astrometry.net suite."
    fits.PrimaryHDU(header=header).writeto(tmp_path / "photo.wcs")
    place = WCS(header).pixel_to_world(90, 20).galactic
    values, _ = opened(path)[0].sample(place.l.deg, place.b.deg)
    assert values[0] == pytest.approx(210 / 255)


def test_a_header_of_another_size_is_refused(tmp_path):
    path = save(tmp_path / "a.png", gradient())
    (tmp_path / "a.wcs").write_text(header_text() + "\nIMAGEW  = 500\nEND\n")
    with pytest.raises(SkyError, match="'a.wcs' says IMAGEW = '500', but the picture has 128 × 64 pixels"):
        opened(path)


def test_a_header_that_is_huge_or_nonsense_is_refused(tmp_path, monkeypatch):
    path = save(tmp_path / "a.png", gradient())
    (tmp_path / "a.wcs").write_text("CTYPE1  = 'GLON-TAN'\nCTYPE2  = 'GLAT-TAN'\nCRVAL1  = NaN\n")
    with pytest.raises((HeaderInvalidError, SkyError), match="CRVAL1"):
        opened(path)
    monkeypatch.setattr(picture_world, "LARGEST_SIDECAR", 10)
    with pytest.raises(TooLargeError, match="but a header has at most 10"):
        opened(path)


@pytest.mark.extra
@pytest.mark.parametrize("end", ["jpg", "png", "tif"])
def test_avm_tags_say_where_a_picture_lies(tmp_path, end):
    pytest.importorskip("pyavm")
    tags = AVM.format(frame="GAL", lon=209.0, lat=-19.4, x=129, y=65, w=256, h=128, scale=0.05).encode()
    path, image = tmp_path / f"a.{end}", Image.fromarray(gradient())
    if end == "tif":
        image.save(path, tiffinfo={700: tags})
    elif end == "jpg":
        image.save(path, xmp=tags, quality=98)
    else:
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", tags.decode())
        image.save(path, pnginfo=info)
    rgb, _ = colours_on_grid(opened(path)[0])
    # The tags are about a picture twice as large: reference pixel 129 there is 64.5 here.
    np.testing.assert_allclose(rgb, gradient() / 255, atol=0.05)


def whole(path, **options):
    return opened(path, projection="plate-carree", frame="galactic", **options)


def test_i01_a_bomb_is_refused_before_it_is_unpacked(tmp_path):
    path = png_bomb(tmp_path / "a.png", 14_000)
    assert path.stat().st_size < 1_000_000
    start = time.monotonic()
    with pytest.raises(
        TooLargeError, match="'a.png' has 14000 × 14000 pixels, but at most 150000000"
    ) as caught:
        whole(path)
    assert caught.value.code == "IN-TOOBIG"
    assert time.monotonic() - start < 10


def test_i02_a_png_with_a_flipped_byte_is_refused(tmp_path):
    path = save(tmp_path / "a.png", RANDOM.integers(0, 255, (50, 100, 3), np.uint8))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))
    with pytest.raises(CorruptFileError, match="'a.png' cannot be decoded .* it is cut short or damaged"):
        whole(path)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif"])
def test_i03_a_picture_cut_short_is_refused(tmp_path, name):
    path = save(tmp_path / name, RANDOM.integers(0, 255, (50, 100, 3), np.uint8))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(CorruptFileError, match=f"'{name}' .*get") as caught:
        whole(path)
    assert caught.value.code in {"IN-TRUNC", "IN-CORRUPT"}


def test_i04_every_kind_of_pixel_has_its_colours(tmp_path):
    rgb = gradient(50, 100)
    centre = slice(20, 30)
    grey = Image.fromarray(rgb).convert("L")
    expected_grey = np.asarray(grey, float) / 255
    pictures = {
        "rgb.png": (Image.fromarray(rgb), rgb / 255, 0.001),
        "grey.png": (grey, expected_grey[..., None] * np.ones(3), 0.001),
        "deep.png": (
            Image.fromarray((expected_grey * 65535).astype(np.uint16)),
            expected_grey[..., None],
            0.001,
        ),
        "deep.tif": (
            Image.fromarray((expected_grey * 65535).astype(np.uint16)),
            expected_grey[..., None],
            0.001,
        ),
        "float.tif": (Image.fromarray(expected_grey.astype(np.float32)), expected_grey[..., None], 0.001),
        "palette.png": (Image.fromarray(rgb).quantize(256), rgb / 255, 0.1),
        "cmyk.jpg": (Image.fromarray(rgb).convert("CMYK"), rgb / 255, 0.05),
        "cmyk.tif": (Image.fromarray(rgb).convert("CMYK"), rgb / 255, 0.01),
        "black.png": (Image.fromarray(expected_grey > 0.5), (expected_grey > 0.5)[..., None], 0.001),
    }
    for name, (image, expected, tolerance) in pictures.items():
        image.save(tmp_path / name)
        survey, said = whole(tmp_path / name)
        lon, lat = Footprint(0, 0, 360, 180, "CAR").pixel_positions((50, 100))
        values, _ = survey.sample(lon.ravel(), lat.ravel())  # one by one, without averaging
        values = values.reshape(50, 100, 3)
        np.testing.assert_allclose(
            values[centre], (expected * np.ones(3))[centre], atol=tolerance, err_msg=name
        )
        assert bool(said) == ("cmyk" in name)


@pytest.mark.parametrize("dtype", [np.int32, np.uint32, np.int16, np.float32])
def test_i04_measured_values_are_kept(tmp_path, dtype):
    array = np.full((64, 128), 1000, dtype)
    array[:, 20:45], array[:, 85:110] = 7000, 20000
    if dtype != np.int16:
        array[:, 85:110] = 200000
    if dtype == np.uint32:
        array[:, 20:45] = 3_000_000_000
    if dtype in (np.uint32, np.int16):  # Pillow writes neither
        tiff_of_numbers(tmp_path / "a.tif", array)
    else:
        save(tmp_path / "a.tif", array)
    survey, _ = whole(tmp_path / "a.tif")
    values, _ = survey.sample(np.array([180 - 32.5 * 360 / 128, 540 - 96.5 * 360 / 128]), np.zeros(2))
    np.testing.assert_array_equal(values[:, 0], array[0, [32, 96]].astype(np.float32))


@pytest.mark.parametrize(
    ("dtype", "order", "white"),
    [
        *((kind, ">", 1) for kind in (np.int8, np.int16, np.int32, np.float32, np.float64)),
        *((np.int8, "<", 1), (np.uint8, ">", 255), (np.uint16, ">", 65535)),
    ],
)
def test_i04_numbers_in_either_order_of_bytes_and_of_8_bits_are_kept(tmp_path, dtype, order, white):
    array = np.full((64, 128), 3, dtype)
    array[:, 20:45], array[:, 85:110] = (-100 if np.dtype(dtype).kind == "i" else 100), 27
    survey, _ = whole(tiff_of_numbers(tmp_path / "a.tif", array, order))
    values, _ = survey.sample(np.array([180 - 32.5 * 360 / 128, 540 - 96.5 * 360 / 128]), np.zeros(2))
    np.testing.assert_allclose(values[:, 0], array[0, [32, 96]] / white, rtol=1e-6)


@pytest.mark.parametrize("fault", [1e30, np.inf])
def test_a_hot_pixel_of_a_float_tiff_is_blank_and_the_others_keep_their_values(tmp_path, fault):
    array = np.random.default_rng(0).normal(500, 20, (50, 100)).astype(np.float32)
    array[25, 75] = fault
    Image.fromarray(array).save(tmp_path / "sky.tif")
    survey = open_survey(tmp_path / "sky.tif", projection="plate-carree", frame="galactic")
    columns = np.array([75, 74, 20])
    values, coverage = survey.sample(180 - (columns + 0.5) * 3.6, np.full(3, 90 - 25.5 * 3.6))
    assert coverage.tolist() == [0, 1, 1]
    np.testing.assert_allclose(values[1:, 0], array[25, [74, 20]], rtol=1e-5)


def test_i04_blank_pixels_of_a_float_tiff_are_masked(tmp_path):
    array = np.ones((50, 100), np.float32)
    array[:25] = np.nan
    survey, _ = whole(save(tmp_path / "a.tif", array))
    assert list(survey.sample(np.array([90.0, 90.0]), np.array([45.0, -45.0]))[1]) == [0, 1]


@pytest.mark.parametrize(
    ("dtype", "white"), [(np.uint16, 65535), (np.float32, 1), (np.float64, 1), (np.int64, 1)]
)
def test_i04_colours_of_many_bits_are_kept(tmp_path, dtype, white):
    colours = np.array([256, 513, 65535], dtype)
    survey, said = whole(tiff_of_numbers(tmp_path / "a.tif", np.broadcast_to(colours, (50, 100, 3))))
    np.testing.assert_allclose(
        survey.sample(0.0, 0.0)[0], [256 / white, 513 / white, 65535 / white], rtol=1e-6
    )
    assert said == []


def test_i04_grey_floats_of_64_bits_keep_their_values(tmp_path):
    array = np.full((50, 100), 1.5e-20)
    array[:25] = np.nan
    survey, _ = whole(tiff_of_numbers(tmp_path / "a.tif", array))
    values, coverage = survey.sample(np.array([90.0, 90.0]), np.array([45.0, -45.0]))
    assert list(coverage) == [0, 1]
    assert values[1, 0] == np.float32(1.5e-20)
    path = tmp_path / "a.tif"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(
        CorruptFileError, match="'a.tif' is cut short: its pixels need 40000 bytes, but it has 39991"
    ):
        whole(path)


def test_i04_colours_of_sixteen_bits_in_a_png_are_read_with_eight_and_said(tmp_path):
    row = b"\0" + struct.pack(">3H", 256, 512, 65535) * 100
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 100, 50, 16, 2, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(row * 50))
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + data + chunk(b"IEND", b""))
    survey, said = whole(tmp_path / "a.png")
    assert said == [
        "'a.png': its colours are read with 8 bits; save each as a picture of its own to keep more"
    ]
    np.testing.assert_allclose(survey.sample(0.0, 0.0)[0], [1 / 255, 2 / 255, 1], atol=1e-6)


def test_i04_a_tiff_whose_numbers_are_not_read_is_named(tmp_path):
    path = tiff_of_numbers(tmp_path / "a.tif", np.ones((50, 100, 3), np.float32))
    content = bytearray(path.read_bytes())
    packed = content.index(struct.pack("<HHI", 259, 3, 1)) + 8
    content[packed : packed + 4] = struct.pack("<I", 8)
    path.write_bytes(content)
    with pytest.raises(
        NotThisFormatError, match="'a.tif' is a TIFF with 3 floating-point numbers of 32 bits in each pixel"
    ) as caught:
        whole(path)
    assert caught.value.code == "IN-NOTIMAGE"


def test_i07_a_tiff_with_smaller_copies_of_itself_is_read(tmp_path):
    image = Image.fromarray(gradient(50, 100))
    copies = [image.resize((50, 25)), image.resize((25, 12))]
    for copy in copies:
        copy.encoderinfo = {"tiffinfo": {254: 1}}
    image.save(tmp_path / "a.tif", save_all=True, append_images=copies)
    survey, said = whole(tmp_path / "a.tif")
    assert survey.shape == (50, 100)
    assert said == [
        "'a.tif': the first of its 3 pages is read; the others say that they are copies or masks of it"
    ]


def test_i01_a_picture_of_too_many_bytes_is_refused_before_it_is_unpacked(tmp_path):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 11_900, 11_900, 8, 6, 0, 0, 0))
    (tmp_path / "a.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    )
    with pytest.raises(
        TooLargeError,
        match="'a.png' has 11900 × 11900 pixels, which are 540 MiB when they are decoded, but at most 512",
    ):
        whole(tmp_path / "a.png")


def test_i04_transparent_pixels_are_masked(tmp_path):
    rgba = np.dstack([gradient(50, 100), np.full((50, 100), 255, np.uint8)])
    rgba[:25, :, 3] = 0
    survey, _ = whole(save(tmp_path / "a.png", rgba))
    values, coverage = survey.sample(np.array([90.0, 90.0]), np.array([45.0, -45.0]))
    assert list(coverage) == [0, 1]
    assert values[1, 2] == pytest.approx(77 / 255)
    palette = Image.fromarray(gradient(50, 100)).quantize(16, dither=0)
    palette.save(tmp_path / "b.png", transparency=int(np.asarray(palette)[0, 0]))
    assert whole(tmp_path / "b.png")[0].sample(178.2, 88.2)[1] == 0


def test_i05_the_orientation_of_exif_is_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = gradient(50, 100)
    path = save(tmp_path / "a.png", np.rot90(upright).copy(), exif=exif)
    survey, said = whole(path)
    assert said == ["'a.png': it is rotated as its EXIF orientation says"]
    assert survey.shape == (50, 100)
    assert survey.sample(174.0, 80.0)[0][0] < 0.1
    assert survey.sample(-174.0, 80.0)[0][0] > 0.9


def test_i06_a_colour_profile_changes_nothing(tmp_path):
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    plain = whole(save(tmp_path / "a.png", gradient(50, 100)))[0]
    tagged = whole(save(tmp_path / "b.png", gradient(50, 100), icc_profile=profile, gamma=0.1))[0]
    np.testing.assert_array_equal(plain.sample(LON, LAT)[0], tagged.sample(LON, LAT)[0])


def test_i07_other_formats_and_several_pages_are_refused(tmp_path):
    image = Image.fromarray(gradient(50, 100))
    frames = [Image.fromarray(255 - gradient(50, 100))]
    image.save(tmp_path / "a.gif")
    image.save(tmp_path / "a.webp")
    image.save(tmp_path / "a.bmp")
    image.save(tmp_path / "pages.tif", save_all=True, append_images=frames)
    image.save(tmp_path / "moving.png", save_all=True, append_images=frames)
    (tmp_path / "a.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    (tmp_path / "a.pdf").write_text("%PDF-1.7\n")
    for name, what in {
        "a.gif": "is a GIF",
        "a.webp": "is a WebP",
        "a.bmp": "is a BMP",
        "a.svg": "is an SVG drawing",
        "a.pdf": "is a PDF document",
        "pages.tif": "holds 2 pictures",
        "moving.png": "holds 2 pictures",
    }.items():
        with pytest.raises(NotThisFormatError, match=f"'{name}' {what}.*save") as caught:
            whole(tmp_path / name)
        assert caught.value.code == "IN-NOTIMAGE"


def test_i08_a_tiff_that_lies_about_its_strips_is_refused(tmp_path):
    path = save(tmp_path / "a.tif", gradient(50, 100))
    data = path.read_bytes()
    for old in (b"\x11\x01\x04\x00\x01\x00\x00\x00", b"\x01\x01\x04\x00\x01\x00\x00\x00"):  # strip, height
        at = data.index(old) + len(old)
        lying = tmp_path / f"{at}.tif"
        lying.write_bytes(data[:at] + b"\x00\xff\xff\x00" + data[at + 4 :])
        with pytest.raises((CorruptFileError, TooLargeError), match=rf"'{at}.tif'"):
            whole(lying)


def test_i09_a_fits_file_named_png_is_never_given_to_pillow(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    fits.PrimaryHDU(np.zeros((4, 4))).writeto(path)
    monkeypatch.setattr(picture_file, "guarded", None)
    with pytest.raises(SkykinError, match="has no world coordinates"):
        whole(path)


def test_a_png_named_fits_is_read_as_what_it_is(tmp_path):
    save(tmp_path / "a.png", gradient(50, 100))
    shutil.copy(tmp_path / "a.png", tmp_path / "a.fits")
    assert whole(tmp_path / "a.fits")[0].bands == ("red", "green", "blue")


def test_random_damage_never_harms(tmp_path):
    path = save(tmp_path / "a.png", gradient(50, 100))
    data = path.read_bytes()
    for seed in range(8):
        broken = bytearray(data)
        for at in np.random.default_rng(seed).integers(8, len(data), 5):
            broken[at] ^= 1 + seed
        path.write_bytes(bytes(broken))
        with contextlib.suppress(InputRefusedError):  # either is right; a crash would be another error
            whole(path)


def test_a_file_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(picture_file, "MOST_FILE_BYTES", 10)
    with pytest.raises(TooLargeError, match="but pictures of at most 10 are read"):
        whole(save(tmp_path / "a.png", gradient()))


def test_nothing_is_left_behind(tmp_path, monkeypatch):
    import tempfile

    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    survey, _ = whole(save(tmp_path / "a.png", gradient(50, 100)))
    with pytest.raises(SkykinError):
        whole(png_bomb(tmp_path / "b.png", 13_000))
    del survey
    assert list(place.iterdir()) == []


@pytest.mark.milkyway
@pytest.mark.parametrize("name", ["gaia", "far-infrared"])
def test_the_milky_way_has_its_regions_where_they_are(milkyway_path, name):
    survey = named_surveys()[name].open(open_options(), False, SilentProgress())
    assert survey.name == name
    assert survey.credits
    # The Magellanic Clouds and Orion, and not their mirror images in l = 0.
    for lon, lat in ((279.5, -33.0), (302.5, -44.3), (209.0, -19.4)):
        here, mirrored = survey.sample(np.array([lon, -lon]), np.array([lat, lat]))[0].mean(axis=1)
        assert here > mirrored + 0.1


def open_options():
    from skykin.core.survey_options import SurveyOptions

    return SurveyOptions()

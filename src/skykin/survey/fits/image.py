"""A FITS image opened as a survey."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from skykin.core.atomic import sha256_of
from skykin.core.errors import CorruptFileError, DataQualityError, HeaderInvalidError, TooLargeError, shown
from skykin.core.protocols import Progress
from skykin.core.provenance import Source
from skykin.core.survey_options import SurveyOptions
from skykin.survey.about import About
from skykin.survey.fits.check import BLOCK, Hdu, read_headers
from skykin.survey.fits.checksum import check_sums
from skykin.survey.fits.image_grid import celestial_world, pixel_side_deg
from skykin.survey.fits.image_hdus import chosen_hdu, image_shape, is_compressed, only_image
from skykin.survey.fits.pixels import DTYPES, ArrayPixels, Pixels, Scaling, StoredPixels, stamp_of
from skykin.survey.fits.sky_image import SkyImage
from skykin.survey.fits.world import World, has_celestial_axes, read_world
from skykin.survey.guard import Limits, guarded
from skykin.survey.units import known_unit

CODECS = ("RICE_1", "RICE_ONE", "GZIP_1", "GZIP_2", "PLIO_1", "HCOMPRESS_1", "NOCOMPRESS")
#: A compressed image is unpacked to a temporary file of at most this size.
LARGEST_UNPACKED_BYTES = 16 << 30
#: Without a beam in the header, a resolution of two pixels is assumed: what a well sampled image has.
PIXELS_PER_BEAM = 2.0
LOOK_WINDOWS, LOOK_PIXELS = 8, 64
#: What people write for "nothing" and forget to declare.
SENTINELS = (-32768.0, -9999.0, -999.0, -99.0, 32767.0, 1e20, -1.6375e30)
SUSPICIOUS_SHARE = 0.02
NOT_FOR_FITS = ("frame", "projection", "ordering", "columns")


def open_image(path: Path, options: SurveyOptions, progress: Progress) -> SkyImage:
    """Open the one image of a FITS file, without reading its pixels.

    Raises
    ------
    InputRefusedError
        In one of its kinds, naming the HDU and the keyword.
    """
    stamp = stamp_of(path.stat())
    hdu = checked_image(path, options, progress)
    shape = image_shape(hdu)
    world = read_world(hdu, len(shape), progress)
    pixels = _pixels(path, hdu, _plane_shape(hdu, shape, world, progress), options, stamp)
    look_at(pixels, hdu, options, progress)
    plain = celestial_world(world)
    unit = known_unit(options.unit or hdu.cards.get("BUNIT", ""), progress)
    about = About(path.stem, path.name, unit, ("intensity",) * 3, Source(path.name, sha256_of(path)), ())
    beam = beam_of(hdu, pixel_side_deg(plain), options, progress)
    return SkyImage((pixels,), plain, beam, about, told(hdu, options, progress))


def told(hdu: Hdu, options: SurveyOptions, progress: Progress) -> dict[str, object]:
    """Return what provenance should say of the choices made; those without a use are named."""
    given = options.given()
    useless = [name for name in NOT_FOR_FITS if given.pop(name, None) is not None]
    if useless:
        progress.say(
            f"note: {hdu} says itself what the options {', '.join(useless)} are for; they are not used"
        )
    own_line = {"unit", "beam_deg", "bands"}
    return {"hdu": hdu.number, **{name: value for name, value in given.items() if name not in own_line}}


def checked_image(path: Path, options: SurveyOptions, progress: Progress) -> Hdu:
    """Choose the HDU with the image, and check its sums."""
    with path.open("rb") as stream:
        hdus = read_headers(stream, path.name, lenient=options.lenient)
        hdu = _image_hdu(chosen_hdu(hdus, options.hdu), progress)
        check_sums(stream, hdu, progress, ignore=options.ignore_checksum)
    end = max(one.data_offset + -(-one.data_bytes() // BLOCK) * BLOCK for one in hdus)
    if (extra := path.stat().st_size - end) > 0:
        progress.say(f"note: {extra} bytes after the end of {shown(path.name)} are not looked at")
    return hdu


def _image_hdu(hdus: list[Hdu], progress: Progress) -> Hdu:
    placed = [hdu for hdu in hdus if image_shape(hdu) and has_celestial_axes(hdu)]
    if len(placed) == 1 and sum(len(image_shape(hdu)) > 1 for hdu in hdus) > 1:
        progress.say(f"note: {placed[0]} is read, the only image with a place on the sky")
        return placed[0]
    return only_image(hdus)


def _plane_shape(hdu: Hdu, shape: tuple[int, ...], world: World, progress: Progress) -> tuple[int, int]:
    """Rows and columns of the first plane.

    Raises
    ------
    HeaderInvalidError
        If pixels of one plane do not lie together.
    """
    first, second = sorted((world.lon_axis, world.lat_axis))
    if any(shape[i] != 1 for i in range(second) if i not in (first, second)):
        told = " × ".join(map(str, shape))
        raise HeaderInvalidError(
            f"{hdu} has axes of {told} pixels, and those of the sky are not in front; reorder them",
            code="IN-DIM",
        )
    for i, length in enumerate(shape):
        if i not in (first, second) and length > 1:
            name = hdu.cards.get(f"CTYPE{i + 1}", "")
            progress.say(
                f"note: axis {i + 1} ({shown(name)}) of {hdu} has {length} planes; the first is used"
            )
    return shape[second], shape[first]


def _pixels(
    path: Path, hdu: Hdu, plane: tuple[int, int], options: SurveyOptions, stamp: tuple[int, int]
) -> Pixels:
    if is_compressed(hdu):
        array = unpacked_array(path, hdu)
        return ArrayPixels(array.reshape(-1, *plane)[0], Scaling(sentinel=options.blank))
    scaling = Scaling.of(hdu, options.blank)
    dtype = DTYPES[hdu.integer("BITPIX", -64, 64)]
    return StoredPixels(path, hdu.data_offset, dtype, plane, scaling, stamp)


def unpacked_array(path: Path, hdu: Hdu) -> np.ndarray:
    """Let a child process unpack a compressed image or cube; float32, NaN where blank."""
    _check_compression(hdu)
    limits = Limits(result_bytes=LARGEST_UNPACKED_BYTES)
    with guarded("skykin.survey.fits.unpack:unpack", path, {"hdu": hdu.number}, limits=limits) as parsed:
        array = parsed.array("pixels")
    expected = image_shape(hdu)[::-1]
    if array.shape != expected:
        raise CorruptFileError(f"{hdu} unpacks to {array.shape}, not {expected}; get the file again")
    return array


def _check_compression(hdu: Hdu) -> None:
    """Refuse what would make a library ask for absurd memory."""
    codec = hdu.cards.get("ZCMPTYPE", "missing")
    if codec not in CODECS:
        raise HeaderInvalidError(
            f"ZCMPTYPE of {hdu} is {shown(codec)}, but it must be one of {', '.join(CODECS)}"
        )
    shape = image_shape(hdu)
    for i, length in enumerate(shape, start=1):
        hdu.integer(f"ZTILE{i}", 1, max(length, 1), length if i == 1 else 1)
    size = math.prod(shape) * 4
    if size > LARGEST_UNPACKED_BYTES:
        raise TooLargeError(
            f"{hdu} unpacks to {size / 2**30:.3g} GiB, but {LARGEST_UNPACKED_BYTES >> 30} GiB is the limit; "
            "unpack it yourself"
        )
    bits = hdu.integer("ZBITPIX", -64, 64)
    if bits not in DTYPES:
        raise HeaderInvalidError(f"ZBITPIX of {hdu} is {bits}, but it must be one of {tuple(DTYPES)}")


def look_at(pixels: Pixels, hdu: Hdu, options: SurveyOptions, progress: Progress) -> None:
    """Look at some of the pixels, for anything at all and for a blank value that is not declared.

    Raises
    ------
    DataQualityError
        If every pixel of the image is blank.
    """
    rows, columns = pixels.shape
    seen = []
    for row in np.unique(np.linspace(0, max(rows - LOOK_PIXELS, 0), LOOK_WINDOWS).astype(int)):
        for column in np.unique(np.linspace(0, max(columns - LOOK_PIXELS, 0), LOOK_WINDOWS).astype(int)):
            height, width = min(LOOK_PIXELS, rows - row), min(LOOK_PIXELS, columns - column)
            seen.append(pixels.window(int(row), int(column), height, width).ravel())
    values = np.concatenate(seen)
    if not np.isfinite(values).any() and not _any_finite(pixels):
        raise DataQualityError(
            f"0 of {rows * columns} pixels of {hdu} hold a value; there is nothing to show",
            code="DQ-ALLBLANK",
        )
    # Whole numbers count from 0, but a measured value is hardly ever exactly 0.
    zero = () if hdu.integer("BITPIX", -64, 64) > 0 else (0.0,)
    for sentinel in (*SENTINELS, *zero) if options.blank is None else ():
        share = np.isclose(values, sentinel, rtol=1e-6, atol=0).mean()
        if share > SUSPICIOUS_SHARE:
            progress.say(
                f"warning: about {share:.0%} of the pixels of {hdu} have the value {sentinel:g}, which often "
                f"stands for nothing; give the option blank={sentinel:g} if it does"
            )


def _any_finite(pixels: Pixels) -> bool:
    rows, columns = pixels.shape
    step = max(1, (1 << 22) // columns)
    return any(
        bool(np.isfinite(pixels.window(row, 0, min(step, rows - row), columns)).any())
        for row in range(0, rows, step)
    )


def beam_of(hdu: Hdu, pixel_deg: float, options: SurveyOptions, progress: Progress) -> float:
    """Angular resolution: as asked, as the header says, or as the pixels allow."""
    if options.beam_deg is not None:
        return options.beam_deg
    try:
        declared = float(hdu.cards.get("BMAJ", "nan").replace("D", "E"))
    except ValueError:
        declared = math.nan
    if 0 < declared <= 90:
        return declared
    beam = min(PIXELS_PER_BEAM * pixel_deg, 90.0)
    progress.say(
        f"note: {hdu} does not tell its resolution (BMAJ); two pixels, {beam:.3g}°, are assumed, and the "
        "option beam_deg says better"
    )
    return beam

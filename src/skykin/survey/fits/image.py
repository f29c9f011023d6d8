"""A FITS image opened as a survey."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from skykin.core.atomic import sha256_of
from skykin.core.errors import CorruptFileError, DataQualityError, HeaderInvalidError, TooLargeError, shown
from skykin.core.progress import SILENT
from skykin.core.protocols import Progress
from skykin.core.provenance import Source
from skykin.core.sampling import evenly, windows
from skykin.core.survey_options import SurveyOptions
from skykin.survey.base import About
from skykin.survey.fits.check import BLOCK, Hdu, read_headers
from skykin.survey.fits.header_wcs import has_celestial_axes, header_of
from skykin.survey.fits.image_hdus import (
    SCIENCE,
    WEIGHTS,
    chosen_hdu,
    image_hdus,
    image_shape,
    is_compressed,
    main_images,
    name_of,
    names_of,
    only_image,
)
from skykin.survey.fits.pixels import (
    DTYPES,
    ArrayCube,
    ChannelPixels,
    Pixels,
    Scaling,
    StoredCube,
    WeightedPixels,
    stamp_of,
)
from skykin.survey.fits.sky_image import SkyImage
from skykin.survey.fits.world import World, read_world
from skykin.survey.guard import GIBIBYTE, Limits, guarded
from skykin.survey.plausible import plausible_range
from skykin.survey.units import known_unit

CODECS = ("RICE_1", "RICE_ONE", "GZIP_1", "GZIP_2", "PLIO_1", "HCOMPRESS_1", "NOCOMPRESS")
#: A compressed image is unpacked to a temporary file of at most this size.
LARGEST_UNPACKED_BYTES = 16 << 30
#: Slow disks give so much, and astropy adds up ten times as much.
CHECKED_BYTES_PER_S = 50e6
#: Without a beam in the header, a resolution of two pixels is assumed: what a well sampled image has.
PIXELS_PER_BEAM = 2.0
#: A beam of fewer pixels, or of a larger part of the image, has another unit than degrees.
LEAST_PIXELS_PER_BEAM, WIDEST_BEAM = 0.05, 0.5
#: An image wider than the sky, or with pixels of less than 0.04 milliarcseconds, has another unit, too.
WIDEST_DEG, SMALLEST_PIXEL_DEG = 540.0, 1e-8
LOOK_WINDOWS, LOOK_PIXELS, LOOK_CHANNELS = 8, 64, 3
#: What people write for "nothing" and forget to declare.
SENTINELS = (-32768.0, -9999.0, -999.0, -99.0, 32767.0, 1e20, -1.6375e30)
SUSPICIOUS_SHARE = 0.02
NOT_FOR_FITS = ("frame", "projection", "ordering", "columns")


@dataclass(frozen=True, eq=False)
class ReadImage:
    """An image whose header astropy has read.

    Parameters
    ----------
    world : World
    array : float32 array or None
        Of a compressed image: its pixels, unpacked to a file of our own; NaN where blank.
    stamp : (int, int)
        Size and time of change of the file when its header was read.
    """

    world: World
    array: np.ndarray | None
    stamp: tuple[int, int]


def open_image(path: Path, options: SurveyOptions, progress: Progress) -> SkyImage:
    """Open the one image of a FITS file, without reading its pixels.

    Raises
    ------
    InputRefusedError
        In one of its kinds, naming the HDU and the keyword.
    """
    hdu, beside = checked_image(path, options, progress)
    image = read_image(path, hdu, options, progress)
    tell_planes(hdu, image.world, progress)
    order = None, image.world.axes.lat_axis, image.world.axes.lon_axis
    pixels: Pixels = ChannelPixels(without_faults(cube_of(path, hdu, image, order, options.blank)), 0)
    weight = next((each for each in beside if is_weight_of(each, hdu)), None)
    facts = told(hdu, options, progress)
    if weight is not None:
        read = read_image(path, weight, options, SILENT)
        pixels = WeightedPixels(pixels, ChannelPixels(cube_of(path, weight, read, order, None), 0))
        facts["weight"] = {"file": path.name, "hdu": weight.number}
    tell_beside(hdu, weight, beside, progress)
    return image_survey(
        hdu, image.world, pixels, name=path.stem, source=Source(path.name, sha256_of(path)), options=options,
        progress=progress, facts=facts,
    )  # fmt: skip


def image_survey(
    hdu: Hdu,
    world: World,
    pixels: Pixels,
    *,
    name: str,
    source: Source,
    options: SurveyOptions,
    progress: Progress,
    facts: dict[str, object] | None = None,
) -> SkyImage:
    """Show an image as a survey.

    Parameters
    ----------
    hdu : Hdu
        Its header.
    world : World
    pixels : Pixels
    name : str
    source : Source
    options, progress :
        As of `open_image`.
    facts : dict, optional
        What provenance says of the choices made, if something was told already.
    """
    facts = told(hdu, options, progress) if facts is None else facts
    look_at(pixels, hdu, options, progress)
    unit = known_unit(options.unit or hdu.cards.get("BUNIT", ""), progress)
    about = About(name, source.name, unit, ("intensity",) * 3, source, ())
    doubt_scale(hdu, world, progress)
    beam = beam_of(hdu, world, options, progress)
    return SkyImage((pixels,), world, beam, about, facts)


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


def checked_image(path: Path, options: SurveyOptions, progress: Progress) -> tuple[Hdu, list[Hdu]]:
    """Choose the HDU with the image; with it come those that tell about it, if its name is SCI."""
    with path.open("rb") as stream:
        hdus = read_headers(stream, path.name, lenient=options.lenient)
        chosen = chosen_hdu(hdus, options.hdu)
        hdu = _image_hdu(chosen, progress)
    end = max(one.data_offset + -(-one.data_bytes() // BLOCK) * BLOCK for one in hdus)
    if (extra := path.stat().st_size - end) > 0:
        progress.say(f"note: {extra} bytes after the end of {shown(path.name)} are not looked at")
    return hdu, [one for one in image_hdus(chosen) if one is not hdu and name_of(hdu) == SCIENCE]


def _image_hdu(hdus: list[Hdu], progress: Progress) -> Hdu:
    images = main_images(hdus)
    placed = [hdu for hdu in images if has_celestial_axes(hdu)]
    if len(placed) == 1 and len(images) > 1:
        progress.say(f"note: {placed[0]} is read, the only image with a place on the sky")
        return placed[0]
    return only_image(hdus)


def is_weight_of(hdu: Hdu, image: Hdu) -> bool:
    """Whether an HDU is the weight of an image, pixel by pixel."""
    return name_of(hdu) in WEIGHTS and image_shape(hdu) == image_shape(image) and has_celestial_axes(hdu)


def tell_beside(hdu: Hdu, weight: Hdu | None, beside: list[Hdu], progress: Progress) -> None:
    """Say what is made of the images that tell about another."""
    parts = [f"note: {hdu} is read, the only one called {SCIENCE}"]
    if weight is not None:
        parts.append(f"HDU {names_of([weight])} is its weight: pixels of weight 0 are blank")
    others = [each for each in beside if each is not weight]
    if others:
        parts.append(f"left out: HDU {names_of(others)}")
    if beside:
        progress.say("; ".join(parts))


def read_image(path: Path, hdu: Hdu, options: SurveyOptions, progress: Progress) -> ReadImage:
    """Let astropy read an image: first a child process, then this one, from the same header."""
    stamp = stamp_of(path.stat())
    arguments = {
        "hdu": hdu.number,
        "compressed": is_compressed(hdu),
        "ignore_checksum": options.ignore_checksum,
    }
    if is_compressed(hdu):
        check_compression(hdu)
    # For checksums the whole file is mapped, which takes addresses but no memory, and read.
    seconds = 120.0 + stamp[0] / CHECKED_BYTES_PER_S
    limits = Limits(4 * GIBIBYTE + stamp[0], seconds, LARGEST_UNPACKED_BYTES)
    array = None
    with guarded("skykin.survey.fits.child:read_image", path, arguments, limits=limits) as parsed:
        header = header_of(parsed.facts["header"])
        for note in parsed.facts["notes"]:
            progress.say(note)
        if is_compressed(hdu):
            array = parsed.array("pixels")
    expected = image_shape(hdu)[::-1]
    if array is not None and array.shape != expected:
        raise CorruptFileError(
            f"{hdu} unpacks to {array.shape}, not {expected} as its header says; write it again"
        )
    return ReadImage(read_world(header, str(hdu), progress), array, stamp)


def cube_of(
    path: Path, hdu: Hdu, image: ReadImage, order: tuple[int | None, int, int], blank: float | None
) -> StoredCube | ArrayCube:
    """Arrange an image so that its axes are channels, rows and columns.

    Parameters
    ----------
    path : Path
    hdu : Hdu
    image : ReadImage
    order : (int or None, int, int)
        FITS numbers, from 0, of the axes of channels, rows and columns; None for an image without channels.
        Of all other axes the first plane is taken.
    blank : float, optional
        A physical value that stands for nothing.
    """
    shape = image_shape(hdu)
    strides = [int(step) for step in np.cumprod([1, *shape])]
    # Without channels: one channel beyond the end of all axes.
    axes = tuple(len(shape) if i is None else i for i in order)
    counts, steps = [(*shape, 1)[i] for i in axes], [strides[i] for i in axes]
    if image.array is not None:
        whole = np.lib.stride_tricks.as_strided(
            image.array, counts, [step * image.array.itemsize for step in steps], writeable=False
        )
        return ArrayCube(whole, Scaling(sentinel=blank))
    return StoredCube(
        path,
        hdu.data_offset,
        DTYPES[hdu.integer("BITPIX", -64, 64)],
        (counts[0], counts[1], counts[2]),
        (steps[0], steps[1], steps[2]),
        Scaling.of(hdu, blank),
        image.stamp,
    )


def without_faults(cube: StoredCube | ArrayCube) -> StoredCube | ArrayCube:
    """Let values that cannot have been measured stand for nothing, such as a hot pixel of 1e30."""
    channels, rows, columns = cube.shape
    seen = [
        cube.part(slice(channel, channel + 1), slice(down.start, down.stop), slice(across.start, across.stop))
        for channel in evenly(channels, LOOK_CHANNELS)
        for down in windows(rows, LOOK_PIXELS, LOOK_WINDOWS)
        for across in windows(columns, LOOK_PIXELS, LOOK_WINDOWS)
    ]
    lowest, highest = plausible_range(np.concatenate([part.ravel() for part in seen]))
    return replace(cube, scaling=replace(cube.scaling, lowest=lowest, highest=highest))


def tell_planes(hdu: Hdu, world: World, progress: Progress) -> None:
    """Say so where an image has several planes, of which the first is used."""
    shape = image_shape(hdu)
    for i, length in enumerate(shape):
        if i not in (world.axes.lon_axis, world.axes.lat_axis) and length > 1:
            name = hdu.cards.get(f"CTYPE{i + 1}", "")
            progress.say(
                f"note: axis {i + 1} ({shown(name)}) of {hdu} has {length} planes; the first is used"
            )


def check_compression(hdu: Hdu) -> None:
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
    for down in windows(rows, LOOK_PIXELS, LOOK_WINDOWS):
        for across in windows(columns, LOOK_PIXELS, LOOK_WINDOWS):
            seen.append(pixels.window(down.start, across.start, len(down), len(across)).ravel())
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
                f"stands for nothing; give --survey-option blank={sentinel:g} if it does"
            )


def _any_finite(pixels: Pixels) -> bool:
    rows, columns = pixels.shape
    step = max(1, (1 << 22) // columns)
    return any(
        bool(np.isfinite(pixels.window(row, 0, min(step, rows - row), columns)).any())
        for row in range(0, rows, step)
    )


def doubt_scale(hdu: Hdu, world: World, progress: Progress) -> None:
    """Say so where pixels are so large or so small that their unit is probably another."""
    width_deg = width_of(hdu, world)
    if width_deg > WIDEST_DEG or world.pixel_deg < SMALLEST_PIXEL_DEG:
        progress.say(
            f"warning: by its header the pixels of {hdu} are {world.pixel_deg:.3g}° wide and the image "
            f"{width_deg:.3g}°; if they are not, correct CDELT or CD, or write their unit as CUNIT"
        )


def width_of(hdu: Hdu, world: World) -> float:
    """Longer side of an image, degrees, as its pixels are at the reference position."""
    shape = image_shape(hdu)
    return world.pixel_deg * max(shape[world.axes.lon_axis], shape[world.axes.lat_axis])


def beam_of(hdu: Hdu, world: World, options: SurveyOptions, progress: Progress) -> float:
    """Angular resolution: as asked, as the header says if that is plausible, or as the pixels allow."""
    if options.beam_deg is not None:
        return options.beam_deg
    pixel_deg, width_deg = world.pixel_deg, width_of(hdu, world)
    try:
        declared = float(hdu.cards.get("BMAJ", "nan").replace("D", "E"))
    except ValueError:
        declared = math.nan
    beam = min(PIXELS_PER_BEAM * pixel_deg, 90.0)
    if LEAST_PIXELS_PER_BEAM * pixel_deg <= declared <= min(width_deg * WIDEST_BEAM, 90.0):
        return declared
    if declared > 0:
        arcsec = declared / 3600
        perhaps = f" ({declared:g}″ would be {arcsec:.3g}°)" if arcsec >= pixel_deg / 2 else ""
        progress.say(
            f"warning: BMAJ of {hdu} is a beam of {declared:g}° in an image {width_deg:.3g}° wide with "
            f"pixels of {pixel_deg:.3g}°, which cannot be; two pixels, {beam:.3g}°, are assumed; "
            f"give --survey-option beam_deg=DEGREES if you know better{perhaps}"
        )
        return beam
    progress.say(
        f"note: {hdu} does not tell its resolution (BMAJ); two pixels, {beam:.3g}°, are assumed; give "
        "--survey-option beam_deg=DEGREES if you know better"
    )
    return beam

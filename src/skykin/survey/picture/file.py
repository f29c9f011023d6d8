"""Pictures (PNG, JPEG, TIFF) decoded in a child process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from skykin.core.errors import (
    CorruptFileError,
    NotThisFormatError,
    TooLargeError,
    shown,
)
from skykin.core.shapes import Numbers
from skykin.survey.guard import Limits, guarded
from skykin.survey.picture.tiff import HEIGHT, KIND, SIGNED, WIDTH, not_read, read_plain, tags_of

#: First bytes of the formats that are read, and Pillow's names of them.
FORMATS = {
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    **dict.fromkeys((b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"), "TIFF"),
}
#: First bytes of pictures that are not.
OTHERS = {
    b"GIF8": "a GIF",
    b"BM": "a BMP",
    b"RIFF": "a WebP",
    b"%PDF": "a PDF document",
    b"<svg": "an SVG drawing",
}
#: 16 000 × 8 000 in four bytes a pixel fits.
MOST_PIXELS, MOST_DECODED_BYTES = 150_000_000, 512 << 20
MOST_FILE_BYTES = 1 << 30
#: The decoder of a progressive JPEG needs three times its bytes.
LIMITS = Limits(memory_bytes=4 << 30, seconds=60.0, result_bytes=1 << 30)
#: Pixels that are converted at a time.
PIXELS_AT_ONCE = 1 << 22
#: Tags of TIFF: what a page is, and XMP.
TIFF_PAGE, TIFF_XMP = 254, 700
#: Numbers that are 1.
WHITE = {"u1": 255.0, "u2": 65535.0}
SIXTEEN_BITS = ("I;16", "I;16B", "I;16L", "I;16N")
WITH_ALPHA = ("LA", "RGBA", "PA", "La", "RGBa")


@dataclass(frozen=True, eq=False)
class PictureFile:
    """A decoded picture.

    Parameters
    ----------
    values : array (rows, columns, 1 or 3)
        Stored numbers, the first row at the top.
    white : float
        Stored number that is 1: the largest of 8 or 16 bits; 1 for whole numbers of 32 bits, numbers with a
        sign and floats, which are measured values.
    seen : bool array (rows, columns) or None
        False where the picture is wholly transparent.
    avm : dict or None
        Keywords of the WCS that AVM tags describe.
    says : tuple of str
        What was done to it, for the user.
    """

    values: Numbers
    white: float
    seen: Numbers | None
    avm: dict[str, Any] | None
    says: tuple[str, ...]


def begins_as_picture(first: bytes) -> bool:
    """Whether a file is a picture by its first bytes, of a format that is read or not."""
    return first.startswith((*FORMATS, *OTHERS))


def read_picture(path: Path) -> PictureFile:
    """Decode a picture.

    Palettes and CMYK become RGB; grey stays one band and keeps its numbers, be they of 16 or 32 bits or
    floats; the orientation of EXIF is applied; colour profiles are not.  Wholly transparent pixels are
    masked, and partly transparent ones keep their colour.

    Raises
    ------
    NotThisFormatError
        ``IN-NOTIMAGE`` if it is another format, animated, has several pages, or numbers of a kind that is not
        read.
    TooLargeError
        If it has too many pixels or bytes; known from the header, before anything is decoded.
    CorruptFileError
        If it is cut short or damaged.
    """
    with path.open("rb") as stream:
        first = stream.read(16)
    for magic, what in OTHERS.items():
        if first.startswith(magic):
            raise _not_image(f"{shown(path.name)} is {what}; save it as PNG, JPEG or TIFF")
    if path.stat().st_size > MOST_FILE_BYTES:
        raise TooLargeError(
            f"{shown(path.name)} has {path.stat().st_size} bytes, but pictures of at most {MOST_FILE_BYTES} "
            "are read; save it smaller"
        )
    with guarded("skykin.survey.picture.file:decode", path, {"most_pixels": MOST_PIXELS}, limits=LIMITS) as p:
        return PictureFile(
            p.array("values"),
            p.facts["white"],
            p.array("seen") if p.facts["has_seen"] else None,
            p.facts["avm"],
            tuple(p.facts["says"]),
        )


def decode(path: Path, folder: Path, most_pixels: int) -> dict[str, Any]:
    """Child's task: save the numbers of a picture."""
    from PIL import Image, ImageFile, UnidentifiedImageError  # noqa: PLC0415 - only in the child

    Image.MAX_IMAGE_PIXELS = None  # the limit is our own, and an error
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        image = Image.open(path, formats=tuple(set(FORMATS.values())))
    except UnidentifiedImageError:
        return _numbers_alone(path, folder, most_pixels)
    _check_size(image, path.name, most_pixels)
    avm, says = _avm_of(image, path.name)
    says += _check_pages(image, path.name)
    deep = ";16" in str(image.tile)  # what the decoder is told of samples of 16 bits
    if (tags := getattr(image, "tag_v2", None)) is not None:
        signed = image.mode in ("L", "RGB") and tags.get(KIND, (1,))[0] == SIGNED
        own = signed or (deep and image.mode == "RGB")
        values = read_plain(path, tags, MOST_DECODED_BYTES) if own else None
        if values is None and signed:  # Pillow would lose the sign
            raise not_read(path, tags)
        if values is not None:
            np.save(folder / "values.npy", values)
            white = WHITE.get(values.dtype.str[1:], 1.0)
            return {"white": white, "has_seen": False, "avm": avm, "says": says}
    try:
        image.load()
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise CorruptFileError(
            f"{shown(path.name)} cannot be decoded ({shown(error)}); it is cut short or damaged, get it again"
        ) from error
    white, has_seen, more = _save(image, folder, deep)
    return {"white": white, "has_seen": has_seen, "avm": avm, "says": [*says, *more]}


def _numbers_alone(path: Path, folder: Path, most_pixels: int) -> dict[str, Any]:
    """Save the numbers of a TIFF that Pillow does not know."""
    try:
        with path.open("rb") as stream:
            known = FORMATS.get(stream.read(4)) == "TIFF"
        tags = tags_of(path) if known else None
        shape = (int(tags[HEIGHT]), int(tags[WIDTH])) if tags is not None else (0, 0)
    except Exception:  # a damaged directory fails in any way
        tags = None
    if tags is None:
        raise CorruptFileError(
            f"{shown(path.name)} begins as a picture and cannot be decoded; its header is cut short or "
            "damaged, get the file again",
            code="IN-CORRUPT",
        )
    _check_pixels(shape[1], shape[0], path.name, most_pixels)
    values = read_plain(path, tags, MOST_DECODED_BYTES)
    if values is None:
        raise not_read(path, tags)
    np.save(folder / "values.npy", values)
    return {"white": WHITE.get(values.dtype.str[1:], 1.0), "has_seen": False, "avm": None, "says": []}


def _check_pixels(width: int, height: int, name: str, most_pixels: int) -> None:
    if width * height > most_pixels:
        raise TooLargeError(
            f"{shown(name)} has {width} × {height} pixels, but at most {most_pixels} are read; save it "
            "smaller"
        )


def _check_size(image: Any, name: str, most_pixels: int) -> None:
    _check_pixels(image.width, image.height, name, most_pixels)
    size = (
        image.width
        * image.height
        * (1 if image.mode in ("1", "L") else 2 if image.mode in SIXTEEN_BITS else 4)
    )
    if size > MOST_DECODED_BYTES:
        raise TooLargeError(
            f"{shown(name)} has {image.width} × {image.height} pixels, which are {size >> 20} MiB when they "
            f"are decoded, but at most {MOST_DECODED_BYTES >> 20} MiB are read; save it smaller"
        )


def _check_pages(image: Any, name: str) -> list[str]:
    """Refuse a picture of several pages; say so where the others are smaller copies of the first."""
    pages = getattr(image, "n_frames", 1)
    if pages == 1:
        return []
    copies = image.format == "TIFF"
    for page in range(1, pages) if copies else ():
        image.seek(page)
        copies = copies and bool(image.tag_v2.get(TIFF_PAGE, 0))
    if not copies:
        raise _not_image(f"{shown(name)} holds {pages} pictures; save the one that you want")
    image.seek(0)
    return [f"the first of its {pages} pages is read; the others say that they are copies or masks of it"]


def _save(image: Any, folder: Path, deep: bool) -> tuple[float, bool, list[str]]:
    """Save values (rows, columns, bands) and what is seen; return what is white, and what was done."""
    from PIL import ImageOps  # noqa: PLC0415

    says = []
    mode, dtype, white = _numbers(image)
    if mode == "RGB" and image.mode not in ("RGB", "P"):
        says.append(f"its colours are converted from {image.mode} to RGB")
    if mode in ("RGB", "RGBA") and deep:
        says.append("its colours are read with 8 bits; save each as a picture of its own to keep more")
    if image.getexif().get(0x0112, 1) != 1:
        image = ImageOps.exif_transpose(image)
        says.append("it is rotated as its EXIF orientation says")
    columns, rows = image.size
    bands = 3 if mode in ("RGB", "RGBA") else 1
    values = np.lib.format.open_memmap(folder / "values.npy", "w+", dtype, (rows, columns, bands))
    seen = None
    if mode in ("LA", "RGBA"):
        seen = np.lib.format.open_memmap(folder / "seen.npy", "w+", np.bool_, (rows, columns))
    step = max(1, PIXELS_AT_ONCE // columns)
    for row in range(0, rows, step):
        part = image.crop((0, row, columns, min(row + step, rows)))
        array = np.asarray(part if mode == image.mode else part.convert(mode))
        here = slice(row, row + len(array))
        if array.dtype.itemsize == dtype.itemsize:
            array = array.astype(array.dtype.newbyteorder("="), copy=False).view(dtype)
        values[here] = array[..., :bands] if array.ndim == 3 else array[..., None]
        if seen is not None:
            seen[here] = array[..., -1] > 0
    return white, seen is not None, says


def _numbers(image: Any) -> tuple[str, np.dtype[Any], float]:
    """Mode that an image is converted to, the kind of its numbers, and which of them is white."""
    mode = image.mode
    if mode in SIXTEEN_BITS:
        return mode, np.dtype(np.uint16), 65535.0
    if mode == "I":
        unsigned = image.format == "TIFF" and image.tag_v2.get(KIND, (1,))[0] == 1
        return mode, np.dtype(np.uint32 if unsigned else np.int32), 1.0
    if mode == "F":
        return mode, np.dtype(np.float32), 1.0
    if mode in WITH_ALPHA or "transparency" in image.info:
        return "LA" if mode in ("LA", "La") else "RGBA", np.dtype(np.uint8), 255.0
    return "L" if mode in ("1", "L") else "RGB", np.dtype(np.uint8), 255.0


def _avm_of(image: Any, name: str) -> tuple[dict[str, Any] | None, list[str]]:
    """Keywords of a WCS, if the picture carries AVM tags."""
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")
    if packet is None and image.format == "TIFF":
        packet = image.tag_v2.get(TIFF_XMP)
    packet = packet.encode() if isinstance(packet, str) else packet
    if not packet or b"Spatial.ReferenceValue" not in packet:
        return None, []
    try:
        from pyavm import AVM  # noqa: PLC0415 - an extra
    except ImportError:
        return None, ['it has AVM tags, which are read after `pip install "skykin[avm]"`']
    start, end = packet.find(b"<x:xmpmeta"), packet.rfind(b"</x:xmpmeta>")
    try:
        tags = AVM.from_xml(packet[start : end + len(b"</x:xmpmeta>")] if start >= 0 else packet)
        wcs = tags.to_wcs(target_shape=image.size) if tags.Spatial.ReferenceDimension else tags.to_wcs()
        cards = dict(wcs.to_header())
    except Exception as error:  # PyAVM's errors share no base but Exception
        raise CorruptFileError(
            f"the AVM tags of {shown(name)} cannot be read ({shown(error)}); remove or correct them",
            code="IN-KEY",
        ) from error
    return {key: value for key, value in cards.items() if isinstance(value, str | int | float)}, []


def _not_image(sentence: str) -> NotThisFormatError:
    return NotThisFormatError(sentence, code="IN-NOTIMAGE")

"""Pictures (PNG, JPEG, TIFF) decoded in a child process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from skykin.core.errors import CorruptFileError, NotThisFormatError, TooLargeError, shown
from skykin.core.shapes import Numbers
from skykin.survey.guard import Limits, guarded

#: First bytes of the formats that are read, and Pillow's names of them.
FORMATS = {b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG", b"II*\x00": "TIFF", b"MM\x00*": "TIFF"}
#: First bytes of pictures that are not.
OTHERS = {
    b"GIF8": "a GIF",
    b"BM": "a BMP",
    b"RIFF": "a WebP",
    b"%PDF": "a PDF document",
    b"<svg": "an SVG drawing",
}
#: 16 000 × 8 000 fits; decoded it needs 0.5 GB.
MOST_PIXELS = 150_000_000
MOST_FILE_BYTES = 1 << 30
LIMITS = Limits(memory_bytes=6 << 30, seconds=120.0, result_bytes=2 << 30)
#: Tag of TIFF in which XMP is kept.
TIFF_XMP = 700
SIXTEEN_BITS = ("I;16", "I;16B", "I;16L", "I")


@dataclass(frozen=True, eq=False)
class PictureFile:
    """A decoded picture.

    Parameters
    ----------
    values : array (rows, columns, 1 or 3)
        Stored numbers, the first row at the top.
    white : float
        Stored number that is 1.
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

    Palettes and CMYK become RGB; grey stays one band; 16 bits are kept where the picture is grey; the
    orientation of EXIF is applied; colour profiles are not.  Wholly transparent pixels are masked, and
    partly transparent ones keep their colour.

    Raises
    ------
    NotThisFormatError
        ``IN-NOTIMAGE`` if it is another format, animated, or has several pages.
    TooLargeError
        If it has too many pixels; known from the header, before anything is decoded.
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
    except UnidentifiedImageError as error:
        raise CorruptFileError(
            f"{shown(path.name)} begins as a picture and cannot be decoded; get the file again",
            code="IN-CORRUPT",
        ) from error
    if image.width * image.height > most_pixels:
        raise TooLargeError(
            f"{shown(path.name)} has {image.width} × {image.height} pixels, but at most {most_pixels} are "
            "read; save it smaller"
        )
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        raise _not_image(f"{shown(path.name)} holds {frames} pictures; save the one that you want")
    avm, says = _avm_of(image, path.name)
    try:
        image.load()
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise CorruptFileError(
            f"{shown(path.name)} cannot be decoded ({shown(error)}); it is cut short or damaged, get it again"
        ) from error
    values, seen, more = _numbers(image)
    np.save(folder / "values.npy", values)
    if seen is not None:
        np.save(folder / "seen.npy", seen)
    white = 65535.0 if values.dtype == np.uint16 else 255.0 if values.dtype == np.uint8 else 1.0
    return {"white": white, "has_seen": seen is not None, "avm": avm, "says": [*says, *more]}


def _numbers(image: Any) -> tuple[Numbers, Numbers | None, list[str]]:
    """Values (rows, columns, bands), what is seen, and what was done."""
    from PIL import ImageOps  # noqa: PLC0415

    says = []
    if image.getexif().get(0x0112, 1) != 1:
        image = ImageOps.exif_transpose(image)
        says.append("it is rotated as its EXIF orientation says")
    mode = image.mode
    if mode in SIXTEEN_BITS:
        return np.clip(np.asarray(image), 0, 65535).astype(np.uint16)[..., None], None, says
    if mode == "F":
        return np.asarray(image, np.float32)[..., None], None, says
    if mode in ("LA", "RGBA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        array = np.asarray(image)
        grey = mode in ("LA", "La")
        return array[..., :1] if grey else array[..., :3], array[..., 3] > 0, says
    if mode in ("1", "L"):
        return np.asarray(image.convert("L"))[..., None], None, says
    if mode not in ("RGB", "P"):
        says.append(f"its colours are converted from {mode} to RGB")
    return np.asarray(image.convert("RGB")), None, says


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

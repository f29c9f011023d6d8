"""A picture file: PNG or JPEG, read with a limit on its size."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from skykin.core.errors import CorruptFileError, NotThisFormatError, ResourceError, TooLargeError, shown
from skykin.core.picture import Picture

FORMATS = ("PNG", "JPEG")
SUFFIXES = frozenset({".png", ".jpg", ".jpeg"})
LARGEST_BYTES = 64 << 20
#: Decoded, so many pixels take 0.5 GiB.
LARGEST_PIXELS = 1 << 26


def read_picture(path: Path, longest_side: int | None = None) -> Picture:
    """Read a picture file.

    Parameters
    ----------
    path : Path
        A PNG or JPEG file.  Transparent pixels are not covered.
    longest_side : int, optional
        A larger picture is scaled down to so many pixels on its longer side.

    Returns
    -------
    Picture
        Without a footprint.

    Raises
    ------
    ResourceError
        If the file cannot be opened.
    NotThisFormatError
        If it is not PNG or JPEG (``IN-NOTIMAGE``).
    TooLargeError
        If it has more bytes or pixels than the limits (``IN-TOOBIG``, ``IN-BOMB``).
    CorruptFileError
        If it is cut short or damaged.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST_BYTES:
            raise TooLargeError(
                f"the picture {shown(path.name)} has {size} bytes, more than {LARGEST_BYTES}; scale it "
                "down first"
            )
        data = path.read_bytes()
    except OSError as error:
        raise ResourceError(
            f"the picture {shown(path)} cannot be opened: {error.strerror}; check the name and its "
            "permissions",
            code="IN-NOFILE",
        ) from error
    return _decode(data, path, longest_side)


def _decode(data: bytes, path: Path, longest_side: int | None) -> Picture:
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise _too_many(path, str(error)) from error
    except UnidentifiedImageError as error:
        raise NotThisFormatError(
            f"{shown(path.name)} is not a PNG or JPEG picture; convert it, or name a place on the sky",
            code="IN-NOTIMAGE",
        ) from error
    except (OSError, SyntaxError, ValueError) as error:  # How Pillow reports a broken header.
        raise _damaged(path, error) from error
    with image:
        columns, rows = image.size
        if rows * columns > LARGEST_PIXELS:
            raise _too_many(path, f"{rows} × {columns}")
        try:
            image.load()
        except (OSError, SyntaxError, ValueError, IndexError) as error:
            raise _damaged(path, error) from error
        colours = _eight_bits(image).convert("RGBA")
    if longest_side is not None and max(colours.size) > longest_side:
        colours.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
    values = np.asarray(colours, dtype=np.float32) / np.float32(255)
    return Picture(values[..., :3].copy(), values[..., 3].copy())


def _eight_bits(image: Image.Image) -> Image.Image:
    if not image.mode.startswith("I"):
        return image
    # Grey of 16 bits, which Pillow's own conversion cuts off at 255.
    return Image.fromarray((np.asarray(image).clip(0, 65535) / 257).round().astype(np.uint8))


def _too_many(path: Path, found: str) -> TooLargeError:
    return TooLargeError(
        f"the picture {shown(path.name)} unpacks to more than {LARGEST_PIXELS} pixels ({shown(found)}); "
        "scale it down first",
        code="IN-BOMB",
    )


def _damaged(path: Path, error: Exception) -> CorruptFileError:
    return CorruptFileError(
        f"the picture {shown(path.name)} is cut short or damaged ({shown(error)}); get a whole copy"
    )

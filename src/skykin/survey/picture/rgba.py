"""A picture alone, without a place on the sky, decoded in the guarded child."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from skykin.core.errors import CorruptFileError, NotThisFormatError, TooLargeError, shown

FORMATS = ("PNG", "JPEG")
#: Decoded, so many pixels take 0.5 GiB.
LARGEST_PIXELS = 1 << 26


def decode(path: Path, folder: Path, longest_side: int | None) -> dict[str, Any]:
    """Child's task: save red, green, blue and opacity of a picture, scaled down where it is larger."""
    try:
        image = Image.open(path, formats=FORMATS)
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
    np.save(folder / "rgba.npy", np.asarray(colours))
    return {}


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

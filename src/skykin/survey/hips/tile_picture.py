"""A PNG or JPEG tile of a HiPS, decoded in a child process."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from skykin.core.errors import CorruptFileError, shown
from skykin.core.shapes import Numbers
from skykin.survey.guard import Limits, guarded

LIMITS = Limits(memory_bytes=2 << 30, seconds=60.0, result_bytes=256 << 20)
MOST_SIDE = 1 << 12
WHITE = 255.0
Image.preinit()  # once, not in every child that is forked


def read_picture_tile(content: bytes, file: str) -> Numbers:
    """Colours (rows, columns, 3) from 0 to 1, NaN where it is transparent, its rows from the bottom.

    Raises
    ------
    CorruptFileError
        If it is no picture, is damaged or is too large (``IN-TOOBIG``).
    """
    with tempfile.TemporaryDirectory(prefix="skykin-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / Path(file).name
        path.write_bytes(content)
        with guarded("skykin.survey.hips.tile_picture:decode", path, {"file": file}, limits=LIMITS) as parsed:
            array = np.array(parsed.array("tile"))
    colours = array[..., :3].astype(np.float32) / np.float32(WHITE)
    return np.where(array[..., 3:] > 0, colours, np.float32(np.nan))


def decode(path: Path, folder: Path, file: str) -> dict[str, Any]:
    """Child's task: save the bytes (rows, columns, 4) of a tile, its rows from the bottom."""
    Image.MAX_IMAGE_PIXELS = None  # the limit is our own, and an error
    try:
        image = Image.open(path, formats=("PNG", "JPEG"))
        if max(image.size) > MOST_SIDE:
            raise CorruptFileError(
                f"the tile {shown(file)} has {image.width} × {image.height} pixels; choose another HiPS",
                code="IN-TOOBIG",
            )
        array = np.asarray(image.convert("RGBA"))[::-1]
    except CorruptFileError:
        raise
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        raise CorruptFileError(
            f"the tile {shown(file)} cannot be decoded ({shown(error)}); get the HiPS again"
        ) from error
    np.save(folder / "tile.npy", array)
    return {}

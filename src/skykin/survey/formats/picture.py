"""Pictures of the sky in PNG, JPEG or TIFF."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from skykin.core.atomic import sha256_of
from skykin.core.errors import shown
from skykin.core.protocols import Progress
from skykin.core.provenance import Source
from skykin.core.sampling import evenly
from skykin.core.shapes import Numbers
from skykin.core.survey_options import SurveyOptions
from skykin.survey.base import About
from skykin.survey.fits.sky_image import SkyImage
from skykin.survey.formats import Glance, SurveyFormat
from skykin.survey.picture.file import PictureFile, begins_as_picture, read_picture
from skykin.survey.picture.world import world_of
from skykin.survey.plausible import plausible_range

#: Rows and columns at which is looked what numbers are plausible.
LOOK_PIXELS = 512


@dataclass(frozen=True, eq=False)
class PicturePixels:
    """One colour of a picture, from 0 to 1, its first row at the bottom as FITS has it, or `from_top`.

    Measured numbers (floats) beyond `plausible` stand for nothing; see `plausible_range`.
    """

    picture: PictureFile
    band: int
    from_top: bool = False
    plausible: tuple[float, float] = (-math.inf, math.inf)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.picture.values.shape[:2]
        return rows, columns

    def window(self, row: int, column: int, rows: int, columns: int) -> Numbers:
        """Copy a rectangle; NaN where the picture is transparent, or a number cannot have been measured."""
        top = row if self.from_top else self.shape[0] - row - rows
        where = np.s_[top : top + rows, column : column + columns]
        values = self.picture.values[(*where, self.band)].astype(np.float32) / np.float32(self.picture.white)
        if self.picture.seen is not None:
            values = np.where(self.picture.seen[where], values, np.float32(np.nan))
        if self.picture.values.dtype.kind == "f":
            lowest, highest = self.plausible
            good = np.isfinite(values) & (values >= lowest) & (values <= highest)
            values = np.where(good, values, np.float32(np.nan))
        return np.asarray(values if self.from_top else values[::-1])

    def without_faults(self) -> PicturePixels:
        """Let measured numbers that are too far from all others stand for nothing, such as one of 1e30."""
        if self.picture.values.dtype.kind != "f":
            return self
        rows, columns = (evenly(length, LOOK_PIXELS) for length in self.shape)
        seen = self.picture.values[np.ix_(rows, columns)][..., self.band]
        return replace(self, plausible=plausible_range(seen))


def open_picture(path: Path, options: SurveyOptions, progress: Progress) -> SkyImage:
    """Open a picture whose place on the sky is known by option, sidecar or AVM tags."""
    picture = read_picture(path)
    for sentence in picture.says:
        progress.say(f"{shown(path.name)}: {sentence}")
    world, from_top = world_of(path, picture, options, progress)
    bands = range(picture.values.shape[2])
    planes = tuple(PicturePixels(picture, band, from_top).without_faults() for band in bands)
    columns = ("brightness",) if len(planes) == 1 else ("red", "green", "blue")
    source = Source(path.name, sha256_of(path))
    about = About.of_columns(
        columns,
        name=path.stem,
        title=path.name,
        unit=options.unit or "",
        source=source,
        shows_colours=picture.values.dtype == np.uint8,
    )
    return SkyImage(planes, world, options.beam_deg or world.pixel_deg, about)


def claims(glance: Glance) -> bool:
    """Whether a file begins as a picture does."""
    return begins_as_picture(glance.first)


FORMAT = SurveyFormat(
    "picture",
    "PNG, JPEG or TIFF: whole sky in a stated projection, AVM tags or .wcs beside",
    claims,
    open_picture,
)

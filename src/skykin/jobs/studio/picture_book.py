"""A picture book gives the picture of whatever a person names: a place on the sky, or a picture file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from skykin.catalogue.references import ReferencePlace, resolve_reference
from skykin.core.atomic import sha256_of
from skykin.core.errors import SkyError, UsageError
from skykin.core.footprint import Footprint
from skykin.core.picture import Picture
from skykin.core.progress import SILENT
from skykin.core.protocols import Progress, Survey
from skykin.core.settings import MapSettings, StretchKind
from skykin.generate.picture_file import SUFFIXES, read_picture
from skykin.jobs.opening import METHOD_CREDITS, VELOCITIES, in_hand, survey_of
from skykin.survey.memory import SurveyLike
from skykin.survey.render import RenderedSurvey, measure_stretch
from skykin.tiling.grid import cut

#: What names a picture: a region, a position, a file, or the picture itself (an array has no type here).
PictureLike: TypeAlias = str | Path | Picture | Any
Subject: TypeAlias = Path | ReferencePlace | Picture
#: A picture for the eye has more pixels than one that is only measured.
TILES = MapSettings(pixels=256)


@dataclass(frozen=True, eq=False)
class NamedPicture:
    """A picture, what it is called, and where it comes from as plain values."""

    name: str
    picture: Picture
    facts: dict[str, object]


@dataclass(frozen=True, eq=False)
class PictureBook:
    """Pictures by name; the survey is opened when its first picture is requested.

    ``PictureBook()("orion").picture.rgb`` is an array that `skykin.generate.transfer.transfer` takes.

    Parameters
    ----------
    sky : MapSettings
        Survey, bands, stretch, tile size, pixels and least coverage; the rest does not matter here.
    download : bool
        Whether the survey may be fetched from its public address.
    progress : Progress

    Examples
    --------
    >>> book = skykin.PictureBook(skykin.MapSettings(survey=survey, pixels=32, tile_size=10))
    >>> book("209,-19").picture.rgb.shape
    (32, 32, 3)
    """

    sky: MapSettings = TILES
    download: bool = False
    progress: Progress = SILENT

    @classmethod
    def of(
        cls,
        survey: SurveyLike,
        *,
        tile_size: float,
        pixels: int,
        stretch: StretchKind | None,
        jobs: int | None,
        download: bool,
        progress: Progress | None,
    ) -> PictureBook:
        """Open a book with the settings of its tiles, which are checked."""
        opened = in_hand(survey, None, progress)
        sky = MapSettings(survey=opened, tile_size=tile_size, pixels=pixels, stretch=stretch, jobs=jobs)
        return cls(sky, download, progress or SILENT)

    def __call__(self, asked: PictureLike) -> NamedPicture:
        """Give the picture of what is named; see `find` and `picture`."""
        return self.picture(self.find(asked))

    def find(self, asked: PictureLike) -> Subject:
        """Tell what is meant, before anything is read: a picture, a file (PNG, JPEG), a region, a position.

        Raises
        ------
        UsageError
            If it is no such file, no known region and no position.
        """
        if isinstance(asked, Picture):
            return asked
        if isinstance(asked, np.ndarray):
            return picture_of(asked)
        if not isinstance(asked, str | Path):
            return resolve_reference(asked)
        path = Path(asked)
        if path.suffix.lower() in SUFFIXES or path.is_file():
            return path
        return resolve_reference(str(asked))

    def check(self, *asked: PictureLike) -> None:
        """Make sure that all this can be meant; see `find`."""
        for each in asked:
            self.find(each)

    def pictures(self, *asked: PictureLike) -> tuple[NamedPicture, ...]:
        """Give several pictures; files come first, because they are read in no time."""
        subjects = [self.find(each) for each in asked]
        found = {subject: self.picture(subject) for subject in sorted(subjects, key=_on_sky)}
        return tuple(found[subject] for subject in subjects)

    def picture(self, subject: Subject) -> NamedPicture:
        """Give the picture of a subject.

        Raises
        ------
        SkykinError
            If the file or the survey cannot be read.
        SkyError
            If the survey covers too little of the place.
        """
        if isinstance(subject, Picture):
            pixels = np.ascontiguousarray(subject.rgb).tobytes()
            facts: dict[str, object] = {"sha256": hashlib.sha256(pixels).hexdigest()}
            return NamedPicture("a picture in memory", subject, facts)
        if isinstance(subject, Path):
            read = read_picture(subject, self.sky.side_pixels)
            return NamedPicture(subject.name, read, {"file": subject.name, "sha256": sha256_of(subject)})
        tile = cut(
            self._rendered,
            Footprint(subject.lon_deg, subject.lat_deg, self.sky.tile_size_deg),
            self.sky.side_pixels,
        )
        if tile.covered < self.sky.min_coverage:
            raise SkyError(
                f"{self._survey.title} covers {tile.covered:.0%} of the tile at l={subject.lon_deg:.2f}°, "
                f"b={subject.lat_deg:+.2f}°, less than {self.sky.min_coverage:.0%}; choose another place "
                "or a larger "
                "tile size"
            )
        facts = {"name": subject.name, "lon_deg": subject.lon_deg, "lat_deg": subject.lat_deg}
        return NamedPicture(subject.name, tile, facts)

    def sky_facts(self, *pictures: NamedPicture) -> dict[str, dict[str, object]]:
        """Survey, rendering and grid for provenance; empty where no picture is of the sky."""
        if not _any_sky(pictures):
            return {"survey": {}, "rendering": {}, "grid": {"pixels": self.sky.side_pixels}}
        return {
            "survey": self._survey.to_dict(),
            "rendering": self._rendered.stretch.to_dict(),
            "grid": {
                "projection": "TAN",
                "tile_size_deg": self.sky.tile_size_deg,
                "pixels": self.sky.side_pixels,
            },
        }

    def credits(self, *pictures: NamedPicture) -> tuple[str, ...]:
        """Whom to thank for these pictures and for the method."""
        return (*(self._survey.credits if _any_sky(pictures) else ()), *METHOD_CREDITS)

    @cached_property
    def _survey(self) -> Survey:
        """WHAM where the settings name no survey."""
        named = self.sky if self.sky.survey is not None else replace(self.sky, survey=VELOCITIES)
        return survey_of(named, self.download, self.progress)

    @cached_property
    def _rendered(self) -> RenderedSurvey:
        return RenderedSurvey(self._survey, measure_stretch(self._survey, self.sky.stretch))


def picture_of(array: np.ndarray) -> Picture:
    """Take colours in memory as a picture.

    Raises
    ------
    UsageError
        If they are not three colours.
    """
    if array.ndim != 3 or array.shape[-1] != 3:
        raise UsageError(
            f"a picture in memory has the shape {array.shape}, but it must be (rows, columns, 3): colours "
            "from 0 to 1"
        )
    return Picture(array, np.ones(array.shape[:2], np.float32))


def _on_sky(subject: Subject) -> bool:
    return isinstance(subject, ReferencePlace)


def _any_sky(pictures: tuple[NamedPicture, ...]) -> bool:
    return any(each.picture.footprint is not None for each in pictures)

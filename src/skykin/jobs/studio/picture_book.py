"""A picture book gives the picture of whatever a person names: a place on the sky, or a picture file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

from skykin.catalogue.references import ReferencePlace, resolve_reference
from skykin.core.atomic import sha256_of
from skykin.core.errors import SkyError
from skykin.core.footprint import Footprint
from skykin.core.picture import Picture
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress, Survey
from skykin.core.settings import MapSettings
from skykin.generate.picture_file import SUFFIXES, read_picture
from skykin.jobs import METHOD_CREDITS, survey_of
from skykin.survey.render import RenderedSurvey, measure_stretch
from skykin.tiling.cut import cut

Subject: TypeAlias = Path | ReferencePlace
SILENT = SilentProgress()
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
    """Pictures by name; the survey is opened when its first picture is asked for.

    ``PictureBook()("orion").picture.rgb`` is an array that `skykin.transfer` takes.

    Parameters
    ----------
    sky : MapSettings
        Survey, bands, stretch, tile size, pixels and least coverage; the rest does not matter here.
    download : bool
        Whether the survey may be fetched from its public address.
    progress : Progress
    """

    sky: MapSettings = TILES
    download: bool = False
    progress: Progress = SILENT

    def __call__(self, asked: str | Path) -> NamedPicture:
        """Give the picture of what is asked for; see `find` and `picture`."""
        return self.picture(self.find(asked))

    def find(self, asked: str | Path) -> Subject:
        """Tell what is meant, before anything is read: a file (PNG, JPEG), else a region or position.

        Raises
        ------
        UsageError
            If it is no such file, no known region and no position.
        """
        path = Path(asked)
        if path.suffix.lower() in SUFFIXES or path.is_file():
            return path
        return resolve_reference(str(asked))

    def check(self, *asked: str | Path) -> None:
        """Make sure that all this can be meant; see `find`."""
        for each in asked:
            self.find(each)

    def pictures(self, *asked: str | Path) -> tuple[NamedPicture, ...]:
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
            "survey": self._survey.as_dict(),
            "rendering": self._rendered.stretch.as_dict(),
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
        return survey_of(self.sky, self.download, self.progress)

    @cached_property
    def _rendered(self) -> RenderedSurvey:
        return RenderedSurvey(self._survey, measure_stretch(self._survey, self.sky.stretch))


def _on_sky(subject: Subject) -> bool:
    return not isinstance(subject, Path)


def _any_sky(pictures: tuple[NamedPicture, ...]) -> bool:
    return any(each.picture.footprint is not None for each in pictures)

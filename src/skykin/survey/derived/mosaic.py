"""Many surveys of parts of the sky shown as one."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from skykin.core.errors import InputRefusedError, shown
from skykin.core.extent import ALL_SKY, Extent
from skykin.core.protocols import Progress, Survey
from skykin.core.provenance import Source
from skykin.core.shapes import BandValues, Coverage, Degrees
from skykin.core.survey_options import SurveyOptions
from skykin.survey.base import About, BaseSurvey
from skykin.survey.fill import filled
from skykin.survey.open_file import open_file

MOST_REFUSED_TOLD = 5


@dataclass(frozen=True)
class Rejected:
    """A file that could not be used: its name, the code of the error and its sentence."""

    file: str
    code: str
    sentence: str


@dataclass(frozen=True, eq=False, repr=False)
class Mosaic(BaseSurvey):
    """Surveys side by side; where they overlap, the mean by coverage.

    Parameters
    ----------
    parts : tuple of Survey
        All of one unit and one choice of bands.
    about : About
    rejected : tuple of Rejected
        Files that could not be used.
    extent : Extent
    """

    parts: tuple[Survey, ...]
    about: About
    rejected: tuple[Rejected, ...] = ()
    extent: Extent = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "extent", _extent(self.parts))

    @property
    def beam_deg(self) -> float:
        """Angular resolution of the coarsest part, degrees."""
        return max(part.beam_deg for part in self.parts)

    def _facts(self) -> dict[str, object]:
        frames = {str(part.to_dict().get("frame", "")) for part in self.parts}
        projections = {str(part.to_dict().get("projection", "")) for part in self.parts}
        return {
            "frame": ", ".join(sorted(frames)),
            "projection": f"mosaic of {', '.join(sorted(projections))}",
            "files": [{"file": part.source.name, "sha256": part.source.sha256} for part in self.parts],
            **({"rejected": [asdict(each) for each in self.rejected]} if self.rejected else {}),
        }

    def _sample(self, lon_deg: Degrees, lat_deg: Degrees) -> tuple[BandValues, Coverage]:
        """Average the parts that cover each position, by their coverage; errors are those of the parts."""
        total, weight = np.zeros((*lon_deg.shape, 3)), np.zeros(lon_deg.shape)
        best = np.zeros(lon_deg.shape, np.float32)
        for part in self.parts:
            if not part.extent.contains(lon_deg, lat_deg, part.beam_deg).any():
                continue
            values, coverage = part.sample(lon_deg, lat_deg)
            total += values * coverage[..., None]
            weight += coverage
            best = np.maximum(best, coverage)
        mean = (total / np.where(weight > 0, weight, 1)[..., None]).astype(np.float32)
        return filled(mean, best), best


def open_mosaic(paths: list[Path], options: SurveyOptions, progress: Progress) -> Survey:
    """Open several files as one survey; those that cannot be used are left out and named.

    Raises
    ------
    InputRefusedError
        If none can be used, or they do not have one unit.
    """
    parts: list[Survey] = []
    refused: list[Rejected] = []
    with progress.stage("Open the images", len(paths), "files") as counter:
        for path in paths:
            try:
                parts.append(open_file(path, options, progress))
            except InputRefusedError as error:
                refused.append(Rejected(path.name, error.code, str(error)))
            counter.advance()
    for told in refused[:MOST_REFUSED_TOLD]:
        progress.say(f"left out: {told.code}: {told.sentence}")
    if refused:
        progress.say(f"note: {len(refused)} of {len(paths)} files cannot be used and are left out")
    if not parts:
        raise InputRefusedError(
            f"none of the {len(paths)} files can be used; the first says: {refused[0].sentence}",
            code=refused[0].code,
        )
    if len({part.unit for part in parts}) > 1:
        units = ", ".join(sorted({shown(part.unit) for part in parts}))
        raise InputRefusedError(
            f"the images have different units ({units}); give images of one kind, or name the unit",
            code="SKY-UNIT",
        )
    if len(parts) == 1 and not refused:
        return parts[0]
    return Mosaic(tuple(parts), _about(parts, paths[0].parent), tuple(refused))


def _about(parts: list[Survey], folder: Path) -> About:
    digest = hashlib.sha256("".join(part.source.sha256 for part in parts).encode()).hexdigest()
    name = folder.resolve().name or "mosaic"
    title = f"{name} ({len(parts)} image{'s' * (len(parts) > 1)})"
    credits_ = tuple(dict.fromkeys(line for part in parts for line in part.credits))
    return replace(About.of(parts[0]), name=name, title=title, source=Source(title, digest), credits=credits_)


def _extent(parts: tuple[Survey, ...]) -> Extent:
    if any(part.extent.is_all_sky for part in parts):
        return ALL_SKY
    lon = np.array([part.extent.lon_deg for part in parts])
    lat = np.array([part.extent.lat_deg for part in parts])
    return Extent.around(lon, lat, max(part.extent.radius_deg for part in parts))

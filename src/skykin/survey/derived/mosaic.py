"""Many surveys of parts of the sky shown as one."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from skykin.core.errors import InputRefusedError, shown
from skykin.core.extent import ALL_SKY, Extent
from skykin.core.progress import SILENT
from skykin.core.protocols import Progress, Survey
from skykin.core.provenance import Source
from skykin.core.shapes import BandValues, Coverage, Degrees
from skykin.core.survey_options import SurveyOptions
from skykin.survey.base import About, BaseSurvey
from skykin.survey.derived.companions import Companion, companions, weighted
from skykin.survey.fill import filled, in_rows
from skykin.survey.fits.sky_image import SkyImage
from skykin.survey.open_file import is_table, open_file
from skykin.survey.table.gridded import GriddedPointings

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

    A part that can no longer be read, because its file vanished or was changed, covers nothing from then on
    and is told among the rejected; what was looked at before holds it.

    Parameters
    ----------
    parts : tuple of Survey
        All of one unit and one choice of bands.
    about : About
    rejected : tuple of Rejected
        Files that could not be used.
    left_out : tuple of str
        Names of files that are no images of the sky: uncertainties, masks, tables.
    extent : Extent
    """

    parts: tuple[Survey, ...]
    about: About
    rejected: tuple[Rejected, ...] = ()
    left_out: tuple[str, ...] = ()
    extent: Extent = field(init=False)
    _lost: dict[int, Rejected] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "extent", _extent(self.parts))

    @property
    def beam_deg(self) -> float:
        """Angular resolution of the coarsest part, degrees."""
        return max(part.beam_deg for part in self.parts)

    def _facts(self) -> dict[str, object]:
        rejected = (*self.rejected, *self._lost.values())
        frames = {str(part.to_dict().get("frame", "")) for part in self.parts}
        projections = {str(part.to_dict().get("projection", "")) for part in self.parts}
        return {
            "frame": ", ".join(sorted(frames)),
            "projection": f"mosaic of {', '.join(sorted(projections))}",
            "files": [_file(part) for part in self.parts],
            **({"rejected": [asdict(each) for each in rejected]} if rejected else {}),
            **({"left_out": list(self.left_out)} if self.left_out else {}),
        }

    def _sample(self, lon_deg: Degrees, lat_deg: Degrees) -> tuple[BandValues, Coverage]:
        mean, best = in_rows(self._average, lon_deg, lat_deg)
        return filled(mean, best), best

    def _average(self, lon_deg: Degrees, lat_deg: Degrees) -> tuple[BandValues, Coverage]:
        """Average the parts that cover each position, by their coverage.

        Raises
        ------
        InputRefusedError
            If none of the parts can be read any more.
        """
        total, weight = np.zeros((*lon_deg.shape, 3)), np.zeros(lon_deg.shape)
        best = np.zeros(lon_deg.shape, np.float32)
        for number, part in enumerate(self.parts):
            if number in self._lost or not part.extent.contains(lon_deg, lat_deg, part.beam_deg).any():
                continue
            try:
                values, coverage = part.sample(lon_deg, lat_deg)
            except InputRefusedError as error:
                self._lost[number] = Rejected(part.source.name, error.code, str(error))
                if len(self._lost) == len(self.parts):
                    raise
                continue
            total += values * coverage[..., None]
            weight += coverage
            best = np.maximum(best, coverage)
        mean = (total / np.where(weight > 0, weight, 1)[..., None]).astype(np.float32)
        return mean, best


def open_mosaic(paths: list[Path], options: SurveyOptions, progress: Progress) -> Survey:
    """Open several files as one survey.

    Weights beside images blank the pixels that they give no weight; other companions of images, and tables
    among images, are left out and named, and so are files that cannot be used.

    Raises
    ------
    InputRefusedError
        If none can be used, or they do not have one unit.
    """
    beside = {each.path: each for each in companions(paths)}
    opened, errors = _opened([path for path in paths if path not in beside], options, progress)
    tables = _tables(opened, errors, options)
    opened = {path: part for path, part in opened.items() if path not in tables}
    refused = [each for path, each in errors.items() if path not in tables]
    opened, others = _with_weights(opened, list(beside.values()), options, progress)
    left_out = [path.name for path in (*tables, *others)]
    for told in refused[:MOST_REFUSED_TOLD]:
        progress.say(f"left out: {told.code}: {told.sentence}")
    if refused:
        progress.say(f"note: {len(refused)} of {len(paths)} files cannot be used and are left out")
    if left_out:
        are = "is" if len(left_out) == 1 else "are"
        progress.say(
            f"note: {_told(left_out)} {are} left out: tables, uncertainties, masks and the like are no images"
        )
    parts = list(opened.values())
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
    _doubt_same_place(opened, progress)
    if len(parts) == 1 and not (refused or beside or left_out):
        return parts[0]
    return Mosaic(tuple(parts), _about(parts, paths[0].parent), tuple(refused), tuple(left_out))


def _opened(
    paths: list[Path], options: SurveyOptions, progress: Progress
) -> tuple[dict[Path, Survey], dict[Path, Rejected]]:
    parts: dict[Path, Survey] = {}
    refused: dict[Path, Rejected] = {}
    with progress.stage("Open the images", len(paths), "files") as counter:
        for path in paths:
            try:
                parts[path] = open_file(path, options, progress)
            except InputRefusedError as error:
                refused[path] = Rejected(path.name, error.code, str(error))
            counter.advance()
    return parts, refused


def _tables(opened: dict[Path, Survey], refused: dict[Path, Rejected], options: SurveyOptions) -> list[Path]:
    """Tables among images; none where there is nothing else."""
    tables = [path for path, part in opened.items() if isinstance(part, GriddedPointings)]
    if len(tables) == len(opened):
        return []
    return tables + [path for path in refused if is_table(path, options)]


def _with_weights(
    opened: dict[Path, Survey], beside: list[Companion], options: SurveyOptions, progress: Progress
) -> tuple[dict[Path, Survey], list[Path]]:
    """Use the weights that fit their images; return the images and the companions that are not used."""
    opened, unused = dict(opened), []
    for each in beside:
        made = None
        if each.is_weight and each.image in opened:
            with suppress(InputRefusedError):  # a weight that cannot be used is left out
                weight = open_file(each.path, replace(options, unit=None, blank=None), SILENT)
                made = weighted(opened[each.image], weight)
        if made is None:
            unused.append(each.path)
        else:
            opened[each.image] = made
            progress.say(
                f"note: {shown(each.path.name)} is taken as the weight of {shown(each.image.name)}: pixels "
                "of weight 0 are blank"
            )
    return opened, unused


def _doubt_same_place(opened: dict[Path, Survey], progress: Progress) -> None:
    """Say so where images show the very same pixels: one of them may tell about the other."""
    there: dict[tuple[object, ...], list[str]] = {}
    for path, part in opened.items():
        if isinstance(part, SkyImage):
            where = (round(angle, 5) for angle in (part.extent.lon_deg, part.extent.lat_deg, part.pixel_deg))
            there.setdefault((path.parent, part.shape, *where), []).append(path.name)
    for names in there.values():
        if len(names) > 1:
            progress.say(
                f"note: {_told(names)} show the same pixels and are averaged; if one tells about another "
                "(its noise, its weight), take it out"
            )


def _told(names: list[str]) -> str:
    some = ", ".join(shown(name) for name in names[:MOST_REFUSED_TOLD])
    more = len(names) - MOST_REFUSED_TOLD
    return f"{some} and {more} more files" if more > 0 else some


def _file(part: Survey) -> dict[str, object]:
    """Name and hash of a part's file, and of its weight."""
    weight = part.to_dict().get("weight")
    told: dict[str, object] = {"file": part.source.name, "sha256": part.source.sha256}
    return told if weight is None else told | {"weight": weight}


def _about(parts: list[Survey], folder: Path) -> About:
    hashes = [part.source.sha256 + str(_file(part).get("weight", "")) for part in parts]
    digest = hashlib.sha256("".join(hashes).encode()).hexdigest()
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

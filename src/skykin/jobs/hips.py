"""A survey, a map or an index as HiPS: a folder of tiles that Aladin and other programs read."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

from skykin.core.errors import ResourceError, UsageError, shown
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress
from skykin.core.settings import StretchKind
from skykin.core.survey_options import BandsLike, SurveyOptions
from skykin.indexing.sky_index import StoredIndex
from skykin.jobs.hips_source import shown_by
from skykin.products.folder import check_output_folder, output_folder
from skykin.products.hips.geometry import FINEST_ORDER, HipsFrame
from skykin.products.hips.properties import HipsFacts, HipsFormat
from skykin.products.hips.writer import HipsSize, write_hips
from skykin.products.sky_kinds import SkyKinds
from skykin.products.sky_map import SkyMap
from skykin.survey.memory import SurveyLike
from skykin.survey.open import open_survey

FrameName = Literal["galactic", "equatorial"]
FRAMES: Mapping[FrameName, HipsFrame] = {"galactic": "galactic", "equatorial": "icrs"}
#: A larger HiPS is written only where its order was chosen.
LARGEST_UNASKED = 2 << 30


def hips(
    source: SurveyLike | SkyMap | SkyKinds | StoredIndex,
    output: str | Path,
    *,
    column: str | None = None,
    order: int | None = None,
    frame: FrameName | None = None,
    tile_format: str | Sequence[HipsFormat] | None = None,
    survey_option: SurveyOptions | None = None,
    bands: BandsLike | None = None,
    stretch: StretchKind | None = None,
    download: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Write a survey, a map, kinds of sky or an index as HiPS.

    Parameters
    ----------
    source : str, Path, Survey, image in memory, SkyMap, SkyKinds or SkyIndex
        What `open_survey` opens, or a result or an index, or the folder of one.
    output : path
        Folder to come; it appears only when all tiles are complete.
    column : str, optional
        Column of the tiles of a map or an index: a number such as ``score`` (the default for a map), ``q``,
        ``coverage`` or ``mean_intensity``, or the labels ``match`` (1 and 0), ``target`` (its rank) and,
        of kinds of sky, ``kind``.  Left out for an index: its survey in the colours that were indexed.
    order : int, optional
        Finest order of the tiles, whose pixels are 0.115° / 2^order wide; if left out, the coarsest whose
        pixels are not larger than those of the survey, or a fourth of the spacing of tiles.
    frame : {"galactic", "equatorial"}, optional
        Galactic for much of the sky; for a small field that of its image.
    tile_format : str or sequence of {"fits", "png", "jpeg"}, optional
        Which tiles: FITS has numbers (of a survey its intensity), PNG and JPEG have colours.  PNG and FITS
        if left out; the first is what a viewer shows.
    survey_option, bands, stretch, download :
        As of `map`, for a survey.
    overwrite : bool
        Whether a folder that Skykin made before may be replaced.
    progress : Progress, optional

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    SkykinError
        With one sentence that says what is wrong, the value found and the way out.

    Examples
    --------
    >>> folder = skykin.hips(found, "found-hips", order=0)
    >>> (folder / "properties").exists()
    True
    """
    progress = progress or SilentProgress()
    formats = _formats(tile_format)
    _check(order, frame)
    check_output_folder(Path(output), overwrite=overwrite)
    found = shown_by(
        source,
        column,
        stretch,
        lambda survey: open_survey(
            survey, options=survey_option, bands=bands, download=download, progress=progress
        ),
    )
    chosen = FRAMES[frame] if frame else found.frame
    facts = HipsFacts(
        name=found.name,
        title=found.title,
        frame=chosen,
        order=found.order if order is None else order,
        formats=formats or found.formats,
        extent=found.extent,
        cut=found.cut,
        unit=found.unit,
        bitpix=16 if found.labels else -32,
        credits=found.credits,
        averaged=not found.labels,
        released=datetime.now(UTC),
    )
    _check_size(facts, Path(output), unasked=order is None, progress=progress)
    with output_folder(Path(output), overwrite=overwrite) as folder:
        write_hips(found.source(chosen), facts, folder, progress)
    return Path(output)


def _formats(asked: str | Sequence[str] | None) -> tuple[HipsFormat, ...]:
    names = asked.replace(",", " ").split() if isinstance(asked, str) else list(asked or ())
    for name in names:
        if name not in get_args(HipsFormat):
            raise UsageError(f"tile_format is {shown(name)}, but it must be fits, png or jpeg, or several")
    known: tuple[HipsFormat, ...] = get_args(HipsFormat)
    return tuple(sorted({each for each in known if each in names}, key=names.index))


def _check(order: int | None, frame: str | None) -> None:
    if order is not None and not 0 <= order <= FINEST_ORDER:
        raise UsageError(f"order is {order}, but it must be from 0 to {FINEST_ORDER}")
    if frame is not None and frame not in get_args(FrameName):
        raise UsageError(f"frame is {shown(frame)}, but it must be galactic or equatorial")


def _check_size(facts: HipsFacts, output: Path, *, unasked: bool, progress: Progress) -> None:
    """Say how large it will be, and refuse what is too large.

    Raises
    ------
    UsageError
        If the order was not chosen and it is larger than `LARGEST_UNASKED`.
    ResourceError
        ``RS-DISK`` if there is not so much free space.
    """
    size = HipsSize.of(facts)
    told = f"order {facts.order}: {size.tiles} tiles in {' and '.join(facts.formats)}"
    gigabytes = size.size_bytes / 1e9
    progress.say(f"{told}, at most about {gigabytes:.2g} GB")
    if unasked and size.size_bytes > LARGEST_UNASKED:
        raise UsageError(
            f"the HiPS would have {told}, about {gigabytes:.2g} GB; give --order {facts.order} if that is "
            "meant, or a smaller order"
        )
    place = next(folder for folder in output.absolute().parents if folder.is_dir())
    free = shutil.disk_usage(place).free
    if size.size_bytes > free:
        raise ResourceError(
            f"the HiPS needs about {gigabytes:.2g} GB, but {free / 1e9:.2g} GB are free; give a smaller "
            "--order or another folder",
            code="RS-DISK",
        )

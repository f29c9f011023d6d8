"""One HTML file that shows a map to somebody else: sky, similarity and targets, without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from skykin.core.atomic import whole_file
from skykin.core.errors import SkykinError, UsageError, shown
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress, Survey
from skykin.products.field import field_of
from skykin.products.figures.backdrop import Backdrop, far_infrared_sky, gaia_sky
from skykin.products.folder import check_output_file
from skykin.products.one_file.rasters import PageSky
from skykin.products.one_file.writing import page_text
from skykin.products.sky_map import SkyMap
from skykin.survey.open import open_survey

Background = Literal["survey", "far-infrared", "stars", "none"]
#: A page that can be sent by mail.
LARGEST_MB = 10


def page(
    sky_map: SkyMap | str | Path,
    output: str | Path,
    *,
    background: Background = "survey",
    survey: Survey | str | Path | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Write a map as one HTML file, which opens without a network.

    Parameters
    ----------
    sky_map : SkyMap, str or Path
        A map or the result of a search, or its folder.
    output : path
        File to come.
    background : {"survey", "far-infrared", "stars", "none"}
        Picture below the similarity: the survey of the map, or, of the whole sky, dust or stars (extra
        ``milkyway``).
    survey : Survey, str, Path, optional
        An open one, or its name or file; otherwise the one that the map names is opened.
    overwrite : bool
        Whether the file may be replaced.
    progress : Progress, optional

    Returns
    -------
    Path
        The file.

    Raises
    ------
    SkykinError
        With one sentence that says what is wrong, the value found and the way out.

    Examples
    --------
    >>> skykin.page(found, "found.html", survey=survey).name
    'found.html'
    """
    progress = progress or SilentProgress()
    if background not in get_args(Background):
        raise UsageError(
            f"background is {shown(background)}, but it must be survey, far-infrared, stars or none"
        )
    check_output_file(output, overwrite=overwrite)
    opened = open_survey(survey, progress=progress) if isinstance(survey, str | Path) else survey
    found = sky_map if isinstance(sky_map, SkyMap) else SkyMap.read(sky_map, survey=opened)
    with progress.stage("Drawing the page", 2, "parts") as counter:
        address, words, credit = _background(found, background, progress)
        counter.advance()
        text = page_text(found, address, words, credit)
        counter.advance()
    size = len(text.encode())
    if size > LARGEST_MB * 1e6:
        progress.say(
            f"the page has {size / 1e6:.3g} MB; fewer targets (--targets of the map) make it smaller"
        )
    with whole_file(Path(output)) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return Path(output)


def _background(found: SkyMap, wanted: Background, progress: Progress) -> tuple[str | None, str, str]:
    """Give the picture below, as an address, what it shows, and its credit.

    Raises
    ------
    UsageError
        If a picture of the whole sky is wanted of a small field, or is not installed.
    """
    sky = PageSky.of(found)
    if wanted == "none":
        return None, "nothing", ""
    if wanted == "survey":
        try:
            return sky.picture(found.sky), f"{found.survey.title} as it was searched", ""
        except SkykinError as error:
            progress.say(f"the survey of the map is not shown: {error}")
            return None, "nothing, as the survey was not at hand", ""
    if field_of(found) is not None:
        raise UsageError(
            f"background is {wanted}, a picture of the whole sky, but the map is of a small field"
        )
    backdrop: Backdrop | None = far_infrared_sky() if wanted == "far-infrared" else gaia_sky()
    if backdrop is None:
        raise UsageError(
            f'background is {wanted}, but its picture is not installed; run `pip install "skykin[milkyway]"`'
        )
    return sky.picture(backdrop), backdrop.title, backdrop.credit

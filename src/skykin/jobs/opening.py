"""Opening the survey that the settings name."""

from __future__ import annotations

from dataclasses import replace

from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress, Survey
from skykin.core.settings import MapSettings
from skykin.core.survey_options import SurveyOptions
from skykin.survey.memory import SurveyLike, is_in_memory
from skykin.survey.open import open_survey
from skykin.survey.render import Stretch

#: Credit that every product carries besides the survey's own.
METHOD_CREDITS = (
    "Style by Gram matrices: Gatys, L. A., Ecker, A. S., & Bethge, M. 2016, CVPR, 2414",
    "VGG19: Simonyan, K., & Zisserman, A. 2015, ICLR (weights by the Visual Geometry Group, CC BY 4.0)",
)


def in_hand(survey: SurveyLike, option: SurveyOptions | None, progress: Progress | None) -> SurveyLike:
    """Open an image in memory; names, files and open surveys stay as they are."""
    if not is_in_memory(survey):
        return survey
    return open_survey(survey, options=option, progress=progress or SilentProgress())


def survey_of(settings: MapSettings, download: bool, progress: Progress) -> Survey:
    """Open the survey that the settings name.

    Raises
    ------
    SkykinError
        If there is none of this name and no such file, or it cannot be read.
    """
    if isinstance(settings.survey, Survey):
        return settings.survey
    return open_survey(
        settings.survey,
        options=_options_for(settings),
        bands=settings.bands,
        download=download,
        progress=progress,
    )


def _options_for(settings: MapSettings) -> SurveyOptions:
    """Read a survey of many resolutions no finer than the pixels of the tiles."""
    options = settings.survey_option or SurveyOptions()
    if options.scale_deg is not None or settings.tile_size is None:
        return options
    return replace(options, scale_deg=settings.tile_size_deg / settings.side_pixels)


def doubt_values(stretch: Stretch, survey: Survey, progress: Progress) -> None:
    """Say so where all values are negative, as magnitudes and decibels are."""
    if stretch.kind != "symmetric" and max(stretch.high) < 0:
        progress.say(
            f"warning: nearly all values of {survey.title} are negative ({min(stretch.low):.3g} to "
            f"{max(stretch.high):.3g}); the lowest is shown black and the highest white, so turn their sign "
            "if they are magnitudes or absorption"
        )

"""Opening the survey that the settings name."""

from __future__ import annotations

from dataclasses import replace

from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress, Survey
from skykin.core.settings import MapSettings
from skykin.core.survey_options import SurveyOptions
from skykin.style.recipe import COARSE, RESOLVED, SHAPES, Recipe, recipe
from skykin.survey.memory import SurveyLike, is_in_memory
from skykin.survey.named import named_surveys
from skykin.survey.open import open_survey
from skykin.survey.render import Stretch

#: Fewest beams across a tile of the first that resolve clouds: four across its core.
BEAMS = 16
#: Surveys where none is requested.
SKY, VELOCITIES = "far-infrared", "wham"
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


def with_survey(settings: MapSettings, progress: Progress) -> MapSettings:
    """Name the survey where none is requested.

    Velocity bands, and the original experiment, are of WHAM, and so is the map where the far-infrared
    picture is not on this computer.
    """
    if settings.survey is not None:
        return settings
    literal = settings.recipe is not None and recipe(settings.recipe).literal
    if literal or settings.bands is not None:
        return replace(settings, survey=VELOCITIES)
    if named_surveys()[SKY].find() is None:
        progress.say(
            f"note: the survey {SKY}, which is mapped by default, is not on this computer, so {VELOCITIES} "
            'is mapped; run `pip install "skykin[milkyway]"` for the other'
        )
        return replace(settings, survey=VELOCITIES)
    return replace(settings, survey=SKY)


def recipe_for(settings: MapSettings, survey: Survey) -> Recipe:
    """Give the recipe that settings name, or the one that suits the survey.

    Where a survey shows the whole sky and its clouds, how much a tile varies tells clouds apart; a coarse one
    shows knots, which are compared by their cores; an image of a part of the sky shows objects of a shape.
    """
    if settings.recipe is not None:
        return recipe(settings.recipe)
    if not survey.extent.is_all_sky:
        return recipe(SHAPES)
    found = recipe(RESOLVED)
    return found if BEAMS * survey.beam_deg <= found.tile_deg else recipe(COARSE)


def survey_of(settings: MapSettings, download: bool, progress: Progress) -> Survey:
    """Open the survey that the settings name.

    Raises
    ------
    SkykinError
        If there is none of this name and no such file, or it cannot be read.
    """
    if isinstance(settings.survey, Survey):
        return settings.survey
    assert settings.survey is not None  # noqa: S101 - see with_survey
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

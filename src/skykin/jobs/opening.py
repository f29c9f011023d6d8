"""Opening the survey that the settings name, and fitting the settings to it."""

from __future__ import annotations

from dataclasses import replace

from skykin.core.errors import UsageError
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress, Survey
from skykin.core.settings import MapSettings
from skykin.core.survey_options import SurveyOptions
from skykin.style.recipe import Recipe
from skykin.survey.memory import SurveyLike, is_in_memory
from skykin.survey.open import open_survey
from skykin.survey.render import Stretch

#: Credit that every product carries besides the survey's own.
METHOD_CREDITS = (
    "Style by Gram matrices: Gatys, L. A., Ecker, A. S., & Bethge, M. 2016, CVPR, 2414",
    "VGG19: Simonyan, K., & Zisserman, A. 2015, ICLR (weights by the Visual Geometry Group, CC BY 4.0)",
)

#: With more pixels to a beam, a tile shows the shape of the beam and nothing new of the sky.
MOST_PIXELS_PER_BEAM = 24.0

#: Tiles side by side across a survey of a part of the sky, and the fewest beams that one spans.
TILES_ACROSS, FEWEST_BEAMS = 6, 8


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


def suited(settings: MapSettings, chosen: Recipe) -> MapSettings:
    """Take the recipe's number of pixels where none was requested."""
    return settings if settings.pixels is not None else replace(settings, pixels=chosen.pixels)


def sized(settings: MapSettings, survey: Survey, chosen: Recipe, progress: Progress) -> MapSettings:
    """Choose tile size and spacing that suit survey and recipe, where none were requested."""
    tiled = _tiled(settings, survey, chosen, progress)
    if tiled.dense:
        closest = chosen.step * tiled.tile_size_deg / tiled.side_pixels
        return replace(tiled, dense=False, engine="shared", spacing=closest)
    if tiled.spacing is None:
        return replace(tiled, spacing=chosen.spacing * tiled.tile_size_deg)
    return tiled


def _tiled(settings: MapSettings, survey: Survey, chosen: Recipe, progress: Progress) -> MapSettings:
    if settings.tile_size is not None:
        return settings
    if survey.extent.is_all_sky:
        return replace(settings, tile_size=chosen.tile_deg)
    size = min(2 * survey.extent.radius_deg / TILES_ACROSS, chosen.tile_deg)
    size = float(f"{max(size, FEWEST_BEAMS * survey.beam_deg):.2g}")
    progress.say(
        f"note: {survey.title} is {2 * survey.extent.radius_deg:.3g}° wide; tiles are {size:g}° wide"
    )
    return replace(settings, tile_size=size)


def doubt_values(stretch: Stretch, survey: Survey, progress: Progress) -> None:
    """Say so where all values are negative, as magnitudes and decibels are."""
    if stretch.kind != "symmetric" and max(stretch.high) < 0:
        progress.say(
            f"warning: nearly all values of {survey.title} are negative ({min(stretch.low):.3g} to "
            f"{max(stretch.high):.3g}); the lowest is shown black and the highest white, so turn their sign "
            "if they are magnitudes or absorption"
        )


def check_resolution(settings: MapSettings, survey: Survey, progress: Progress) -> None:
    """Refuse tiles that show no structure; say when more pixels show nothing new."""
    if settings.tile_size_deg < 2 * survey.beam_deg:
        raise UsageError(
            f"a tile of {settings.tile_size_deg:g}° is hardly larger than the beam of {survey.title} "
            f"({survey.beam_deg:g}°) and shows no structure; use at least {2 * survey.beam_deg:g}°"
        )
    pixels_per_beam = settings.side_pixels * survey.beam_deg / settings.tile_size_deg
    if pixels_per_beam > MOST_PIXELS_PER_BEAM:
        enough = int(MOST_PIXELS_PER_BEAM * settings.tile_size_deg / survey.beam_deg)
        progress.say(
            f"note: {pixels_per_beam:.0f} pixels to a beam of {survey.beam_deg:g}° show the beam, not the "
            f"sky; {enough} pixels a tile are enough"
        )

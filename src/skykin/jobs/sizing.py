"""How large the tiles are that suit a survey, a recipe and the object that is looked for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from skykin.catalogue.query import Example, Query
from skykin.catalogue.regions import find_region
from skykin.core.angle import area_words, size_deg, size_words
from skykin.core.area import Area
from skykin.core.errors import SkyError, UnknownNameError, UsageError, shown
from skykin.core.protocols import Progress, Survey
from skykin.core.settings import MapSettings
from skykin.significance.matched_null import FEWEST_INDEPENDENT
from skykin.style.recipe import Recipe
from skykin.survey.render import positions_over

#: Side of a tile about an object, in sizes of the object: its surroundings belong to what it looks like.
TILE_PER_OBJECT = 3.0
#: Tiles that fit beside each other on a survey of a part of the sky, where no size is given.  A reference and
#: what overlaps it take about 7; where 30 independent tiles are left, p and q are known well.
TILES_SIDE_BY_SIDE = 42
#: Fewest beams that such a tile spans: as many as a tile of WHAM does.
FEWEST_BEAMS = 6
#: Factor by which tiles may differ from three times the reference and still suit it.
SUITS = 2.0
#: Widest tile that there can be, degrees.
WIDEST_TILE_DEG = 90.0
#: Sizes that differ by less are the same.
ROUNDED = 1e-6
#: References that get words of their own.
MOST_TOLD = 3
#: With more pixels to a beam, a tile shows the shape of the beam and nothing new of the sky.
MOST_PIXELS_PER_BEAM = 24.0


def tile_about(object_size: Any, tile_size: Any) -> Any:
    """Give the size of the tiles for an object of a size; the tile size itself where no object is given.

    Raises
    ------
    UsageError
        If both are given, or the size cannot be read.
    """
    if object_size is None:
        return tile_size
    found = size_deg("object size", object_size)
    if tile_size is not None:
        raise UsageError(
            f"a tile size ({shown(tile_size)}) and an object size ({shown(object_size)}), which makes tiles "
            f"of {size_words(TILE_PER_OBJECT * found)}, were given; keep one"
        )
    return TILE_PER_OBJECT * found


def suited(settings: MapSettings, chosen: Recipe) -> MapSettings:
    """Take the recipe's number of pixels where none was requested."""
    return settings if settings.pixels is not None else replace(settings, pixels=chosen.pixels)


def sized(
    settings: MapSettings,
    survey: Survey,
    chosen: Recipe,
    progress: Progress,
    references: Sequence[Example] = (),
) -> MapSettings:
    """Choose tile size and spacing that suit survey, recipe and references, where none were requested.

    On a survey of a part of the sky, tiles are three times as wide as a reference that is a region of the
    sky; without one, as large as leaves 30 independent tiles to measure p and q on.

    Raises
    ------
    SkyError
        If the tiles are larger than the survey.
    """
    tiled = _tiled(settings, survey, chosen, progress, references)
    if tiled.dense:
        closest = chosen.step * tiled.tile_size_deg / tiled.side_pixels
        return replace(tiled, dense=False, engine="shared", spacing=closest)
    if tiled.spacing is None:
        return replace(tiled, spacing=chosen.spacing * tiled.tile_size_deg)
    return tiled


def about_objects(query: Query, settings: MapSettings, survey: Survey, chosen: Recipe) -> Query:
    """Look at regions of the sky with what is around them, where these set the size of the tiles.

    A recipe that compares the core of a tile with its surroundings would otherwise compare the middle of an
    object with its own border.
    """
    if settings.tile_size is not None or survey.extent.is_all_sky or not chosen.statistic.has_core:
        return query
    return replace(
        query,
        references=tuple(_with_surroundings(each) for each in query.references),
        unlike=tuple(_with_surroundings(each) for each in query.unlike),
    )


def _with_surroundings(example: Example) -> Example:
    return example if example.region is None else replace(example, region=None, sized=False)


def covered_deg2(survey: Survey, area: Area | None = None) -> float:
    """Measure how much of the sky a survey covers within an area, square degrees."""
    lon, lat = positions_over(survey.extent)
    seen = survey.overview.sample(lon, lat)[1] > 0
    if area is not None:
        seen &= area.contains(lon, lat)
    cap = 2 * math.pi * (1 - math.cos(math.radians(survey.extent.radius_deg)))
    return float(seen.mean()) * cap * math.degrees(1) ** 2


def _tiled(
    settings: MapSettings,
    survey: Survey,
    chosen: Recipe,
    progress: Progress,
    references: Sequence[Example],
) -> MapSettings:
    if survey.extent.is_all_sky:
        return settings if settings.tile_size is not None else replace(settings, tile_size=chosen.tile_deg)
    covered = covered_deg2(survey, settings.area)
    side = math.sqrt(covered)
    if settings.tile_size is not None:
        _refuse_larger(survey, settings.tile_size_deg, side)
        tiled = settings
    elif of := object_deg(references):
        tiled = replace(settings, tile_size=float(f"{TILE_PER_OBJECT * of:.3g}"))
        _refuse_larger(survey, tiled.tile_size_deg, side)
    else:
        size = min(side / math.sqrt(TILES_SIDE_BY_SIDE), chosen.tile_deg)
        tiled = replace(settings, tile_size=float(f"{max(size, FEWEST_BEAMS * survey.beam_deg):.2g}"))
    facts = size_facts(tiled.tile_size_deg, survey, covered)
    progress.say("note: " + "; ".join([*facts, *_sized_references(references, survey)]))
    return tiled


def object_deg(references: Sequence[Example]) -> float | None:
    """Size of the largest reference that is a region of the sky; None where none is."""
    sizes = [each.footprint.width_deg for each in references if each.region is not None and each.footprint]
    return max(sizes, default=None)


def size_facts(tile_deg: float, survey: Survey, covered: float) -> list[str]:
    """Say how large a tile is in beams, pixels and parts of the survey, and what to change.

    Parameters
    ----------
    tile_deg : float
    survey : Survey
    covered : float
        Square degrees of sky that it covers.
    """
    number = covered / tile_deg**2
    facts = [
        f"{survey.title} covers {area_words(covered)}",
        f"tiles are {size_words(tile_deg)} wide, as is a reference without a size of its own: "
        f"{_in_beams(tile_deg, survey)}",
        f"{number:.0f} of them lie side by side",
    ]
    largest = math.sqrt(covered / TILES_SIDE_BY_SIDE)
    if number < 2 * FEWEST_INDEPENDENT:
        facts.append(
            f"too few to tell p and q well; use --tile-size {largest:.2g} or less, or --object-size "
            f"{largest / TILE_PER_OBJECT:.2g} (degrees)"
            if largest >= 2 * survey.beam_deg
            else "too few to tell p and q well, and the image is too small for more"
        )
    if tile_deg < (1 - ROUNDED) * FEWEST_BEAMS * survey.beam_deg:
        facts.append(
            f"less than {FEWEST_BEAMS} beams show little structure; use --tile-size "
            f"{FEWEST_BEAMS * survey.beam_deg:.2g} or more"
        )
    return facts


def _in_beams(size: float, survey: Survey) -> str:
    """Tell a size, degrees, in beams, and in pixels where the survey is one image."""
    parts = [f"{size / survey.beam_deg:.3g} beams"]
    if isinstance(pixel := survey.to_dict().get("pixel_deg"), float):
        parts.append(f"{size / pixel:.3g} pixels of the image")
    return ", ".join(parts)


def _sized_references(references: Sequence[Example], survey: Survey) -> list[str]:
    """Say how large the references with a size of their own are."""
    return [
        f"the reference {each.name} is {size_words(each.footprint.width_deg)} wide: "
        f"{_in_beams(each.footprint.width_deg, survey)}"
        for each in references[:MOST_TOLD]
        if each.sized and each.footprint is not None
    ]


def reference_facts(example: Example, survey: Survey, tile_deg: float, covered: float) -> str:
    """Say how large a reference is in beams, pixels and tiles, and what to change.

    Parameters
    ----------
    example : Example
    survey : Survey
    tile_deg : float
        Side of the tiles that a map would have.
    covered : float
        Square degrees of sky that the survey covers.
    """
    size = _own_deg(example)
    if size is None:
        return f"{example.name} has no size of its own: it is as large as a tile, {size_words(tile_deg)}"
    told = (
        f"{example.name} is {size_words(size)} wide: {_in_beams(size, survey)}, {size / tile_deg:.2g} tiles"
    )
    wanted = TILE_PER_OBJECT * size
    if wanted < FEWEST_BEAMS * survey.beam_deg:
        smallest = FEWEST_BEAMS * survey.beam_deg / TILE_PER_OBJECT
        return f"{told}; the survey hardly resolves it, and shows structure from {size_words(smallest)} on"
    if wanted > math.sqrt(2 * covered):
        return f"{told}; the survey is too small for it with what is around it"
    if wanted > WIDEST_TILE_DEG:
        return f"{told}; it is too wide for one tile, so a part of it is compared"
    if not 1 / SUITS <= wanted / tile_deg <= SUITS:
        return f"{told}; use --object-size {size:.2g} (degrees) for tiles three times as wide"
    return f"{told}, which suits"


def _own_deg(example: Example) -> float | None:
    """Size of a reference: as given, or as the table of regions has it; None where it has none."""
    if example.footprint is not None and (example.sized or example.region is not None):
        return example.footprint.width_deg
    try:
        return find_region(example.name).diameter_deg
    except UnknownNameError:
        return None


def _refuse_larger(survey: Survey, tile_deg: float, side_deg: float) -> None:
    # A tile that is a little larger may still be covered by half.
    if tile_deg > math.sqrt(2) * side_deg:
        raise SkyError(
            f"a tile of {size_words(tile_deg)}, which shows an object of "
            f"{size_words(tile_deg / TILE_PER_OBJECT)} with what is around it, is larger than {survey.title} "
            f"({size_words(side_deg)} × {size_words(side_deg)}); look for something smaller, or in a larger "
            "image"
        )


def check_resolution(settings: MapSettings, survey: Survey, progress: Progress) -> None:
    """Refuse tiles that show no structure; say when more pixels show nothing new."""
    if settings.tile_size_deg < 2 * survey.beam_deg:
        raise UsageError(
            f"a tile of {settings.tile_size_deg:g}° is hardly larger than the beam of {survey.title} "
            f"({survey.beam_deg:g}°) and shows no structure; use --tile-size {2 * survey.beam_deg:g} or more"
        )
    pixels_per_beam = settings.side_pixels * survey.beam_deg / settings.tile_size_deg
    if pixels_per_beam > MOST_PIXELS_PER_BEAM:
        enough = int(MOST_PIXELS_PER_BEAM * settings.tile_size_deg / survey.beam_deg)
        progress.say(
            f"note: {pixels_per_beam:.0f} pixels to a beam of {survey.beam_deg:g}° show the beam, not the "
            f"sky; --pixels {enough} are enough"
        )

"""Small pictures of the same places in every survey at hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from skykin.core.errors import SkykinError
from skykin.core.footprint import Footprint
from skykin.core.protocols import ColouredSky, Survey
from skykin.core.shapes import RGB
from skykin.products.mapped import MappedTiles
from skykin.survey.named import at_hand, named_surveys
from skykin.survey.render import RenderedSurvey, Stretch, measure_stretch

PIXELS = 72
#: A survey whose beam is wider than this share of a tile shows nothing in it.
WIDEST_BEAM = 0.25
#: No survey with a name resolves less, so that none is opened for smaller tiles.
SMALLEST_TILE_DEG = 0.2
#: Pictures have colours already.
OWN_COLOURS = Stretch("linear", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), 1.0)


@dataclass(frozen=True, eq=False, repr=False)
class Thumbnails:
    """The same places in one survey.

    Parameters
    ----------
    title : str
        What the survey is called.
    credit : str
        Whose picture it is; empty for the survey of the map.
    pictures : tuple of float32 array (rows, columns, 3)
        One per place, colours from 0 to 1.
    """

    title: str
    credit: str
    pictures: tuple[RGB, ...]


def thumbnails(found: MappedTiles | None, places: Sequence[Footprint]) -> tuple[Thumbnails, ...]:
    """Look at places in the survey of a map, and in every survey with a name that is on this computer.

    A survey that cannot be opened, or whose beam is too wide for the places, is left out.

    Parameters
    ----------
    found : MappedTiles or None
    places : sequence of Footprint
    """
    return tuple(_looked(found, places)) if places else ()


def _looked(found: MappedTiles | None, places: Sequence[Footprint]) -> Iterator[Thumbnails]:
    own = "" if found is None else str(found.provenance.survey.get("name", ""))
    if found is not None:
        with suppress(SkykinError):  # The survey of a map that was read may be gone.
            yield Thumbnails(found.survey.title, "", tuple(_seen(found.sky, place) for place in places))
    tile_deg = max(place.width_deg for place in places)
    if tile_deg < SMALLEST_TILE_DEG:
        return
    for named in named_surveys().values():
        too_wide = named.beam_deg > WIDEST_BEAM * tile_deg
        survey = None if too_wide or named.name == own else at_hand(named.name)
        if survey is not None and survey.beam_deg <= WIDEST_BEAM * tile_deg:
            with suppress(SkykinError):
                yield _of_survey(survey, places)


def _of_survey(survey: Survey, places: Sequence[Footprint]) -> Thumbnails:
    stretch = measure_stretch(survey) if survey.unit else OWN_COLOURS
    sky = RenderedSurvey(survey, stretch)
    return Thumbnails(survey.title, "; ".join(survey.credits), tuple(_seen(sky, place) for place in places))


def _seen(sky: ColouredSky, place: Footprint) -> RGB:
    colours, coverage = sky.colours(*place.pixel_positions((PIXELS, PIXELS)))
    return np.where(coverage[..., None] > 0, colours, 0.38).astype(np.float32).clip(0, 1)

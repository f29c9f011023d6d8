"""What stays open between questions to one index: its survey, its network, the style of controls."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Generic, TypeVar

from skykin.core.footprint import Footprint
from skykin.core.picture import Picture
from skykin.core.protocols import ColouredSky
from skykin.evaluation.confounders import control_pictures
from skykin.indexing.sky_index import SkyIndex
from skykin.jobs.facet_rows import cut_in_context
from skykin.style.engine.meter import ContextMeter
from skykin.style.signature import Signature
from skykin.survey.render import RenderedSurvey

CONTROL_SEED = 20161116
#: Indexes of which what was made for one question stays for the next.
INDEXES = 4

T = TypeVar("T")


class Kept(Generic[T]):
    """Something made once for an index, that stays while the index is among the last four."""

    def __init__(self) -> None:
        self._made: OrderedDict[SkyIndex, T] = OrderedDict()

    def of(self, index: SkyIndex, make: Callable[[], T], fits: Callable[[T], bool] | None = None) -> T:
        """Give what was made, or make it; anew if what was made does not fit."""
        found = self._made.pop(index, None)
        if found is None or (fits is not None and not fits(found)):
            found = make()
        self._made[index] = found
        while len(self._made) > INDEXES:
            self._made.popitem(last=False)
        return found


@lru_cache(maxsize=4)
def sky_of(index: SkyIndex) -> RenderedSurvey:
    """Open the survey of an index; it stays open while it is among the last four."""
    return index.sky()


@lru_cache(maxsize=2)
def meter_of(index: SkyIndex) -> ContextMeter:
    """Load the network of an index; it stays loaded while it is among the last two."""
    return index.meter()


@lru_cache(maxsize=4)
def controls_of(index: SkyIndex) -> Mapping[str, Signature]:
    """Style of pictures that show no sky."""
    meter = meter_of(index)
    side = index.pixels + 2 * meter.halo
    pictures = control_pictures((side, side), CONTROL_SEED)
    return {name: meter(picture) for name, picture in pictures.items()}


def in_context(index: SkyIndex, sky: ColouredSky, where: Footprint) -> Picture:
    """Picture of a tile with what lies around it."""
    return cut_in_context(sky, where, index.pixels, meter_of(index).halo)

"""The picture of a reference, with what lies around it, and what the network says of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from skykin.core.picture import Picture
from skykin.core.protocols import ColouredSky
from skykin.core.shapes import RGB, Coverage, Degrees
from skykin.indexing.answers import Contains
from skykin.jobs.asked import Asked
from skykin.jobs.facet_rows import cut_in_context
from skykin.jobs.kept import meter_of, sky_of
from skykin.jobs.pictured import picture_context
from skykin.style.engine.meter import ContextMeter

#: Largest reference that is measured at once, pixels.
LARGEST = 1024


@dataclass(frozen=True, eq=False)
class MaskedSky:
    """A sky of which only a part counts."""

    sky: ColouredSky
    contains: Contains

    def colours(self, lon_deg: Degrees, lat_deg: Degrees) -> tuple[RGB, Coverage]:
        """Colours as they are, and coverage 0 outside the part."""
        rgb, coverage = self.sky.colours(lon_deg, lat_deg)
        shape = np.shape(coverage)
        lon, lat = (np.broadcast_to(angle, shape).ravel() for angle in (lon_deg, lat_deg))
        return rgb, coverage * np.asarray(self.contains(lon, lat)).reshape(shape)


def reference_in_context(asked: Asked, sky: ColouredSky) -> Picture:
    """Picture of a reference with what lies around it, at the scale of the index's pixels."""
    index = asked.index
    if asked.picture is not None:
        return picture_context(index, asked.picture)
    if asked.footprint is None:
        assert asked.origin is not None  # noqa: S101 - what lies nowhere here came from elsewhere
        return reference_in_context(asked.origin, sky_of(asked.origin.index))
    where = asked.footprint
    step = index.recipe.picture_step
    pixels = round(where.width_deg / (index.tile_deg / index.pixels) / step) * step
    part: ColouredSky = sky
    if asked.contains is not None and "region" in asked.facts:
        part = MaskedSky(sky, asked.contains)
    return cut_in_context(part, where, min(max(pixels, step), LARGEST), meter_of(index).halo)


def measured(asked: Asked, sky: ColouredSky) -> Asked:
    """Return the same reference, measured by the network where it was added up from cells.

    Cells are as large as a quarter of a tile: those centred in a square are nearly it, but not quite.
    """
    if asked.contains is None:  # a tile, a picture, or of another survey
        return asked
    meter, picture = meter_of(asked.index), reference_in_context(asked, sky)
    side = len(picture.coverage) - 2 * meter.halo
    signature = ContextMeter(meter.shared, side, meter.standard)(picture)
    return replace(asked, signature=signature, facts={**asked.facts, "measured": True})

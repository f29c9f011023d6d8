"""Where the tiles of a map lie: the grid, or the facets of the shared engine."""

from __future__ import annotations

from skykin.core.area import Areas, SkyBox
from skykin.core.protocols import Survey
from skykin.core.settings import MapSettings
from skykin.style.recipe import Recipe
from skykin.tiling.facets import Facet, facets
from skykin.tiling.grid import TileGrid, tile_grid


def grid_of(settings: MapSettings, survey: Survey) -> TileGrid:
    """Cover what is both in the survey and in the area that was asked for."""
    extents = [survey.extent]
    if isinstance(settings.area, SkyBox | Areas):
        # A spacing wider, so that an area between the centres is told as what it is.
        extents.append(settings.area.extent().widened(settings.spacing_deg))
    smallest = min(extents, key=lambda extent: extent.radius_deg)
    grid = tile_grid(settings.grid, settings.tile_size_deg, settings.spacing_deg, smallest)
    if isinstance(settings.area, Areas):
        return grid.keep(settings.area.contains(*grid.centers()))
    return grid.within(settings.area) if isinstance(settings.area, SkyBox) else grid


def facets_of(settings: MapSettings, chosen: Recipe, survey: Survey) -> tuple[Facet, ...]:
    """Facets of the shared engine; none where tiles are measured one by one."""
    asked = settings.fast
    literal = chosen.literal or settings.tiles_only is not None or not survey.extent.is_all_sky
    engine = settings.engine or ("tiles" if literal and not asked else "shared")
    if engine == "tiles":
        return ()
    area = settings.area if isinstance(settings.area, SkyBox | Areas) else None
    tile_deg, spacing_deg, tile = settings.tile_size_deg, settings.spacing_deg, settings.side_pixels
    return facets(tile_deg, spacing_deg, tile, area, survey.extent, step=chosen.step)

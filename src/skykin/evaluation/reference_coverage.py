"""Checks of a query: how much of its references is covered, and whether they are separate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import uniform_filter

from skykin.catalogue.query import Query
from skykin.catalogue.references import LEAST_COVERAGE, together
from skykin.core.extent import Extent
from skykin.core.footprint import WIDEST_TANGENT_DEG, Footprint
from skykin.core.picture import Picture
from skykin.core.protocols import ColouredSky
from skykin.style.recipe import Recipe
from skykin.style.statistics.statistic import middle
from skykin.tiling.grid import cut

#: A place to go to instead is covered so well.
WELL_COVERED = 0.9
#: It is searched within so many sides of the tile, on so many positions a side.
SEARCHED_SIDES, SEARCHED_PIXELS = 3.0, 192
#: Places that are looked at closely.
MOST_TRIED = 50
#: References that get a sentence of their own, the worst first.
MOST_TOLD = 3


@dataclass(frozen=True)
class ReferenceCoverage:
    """How much of a reference is covered by the survey.

    Parameters
    ----------
    tile : float
        Coverage of its tile, 0 to 1.
    core : float or None
        Coverage of its core, where the recipe compares cores.
    """

    tile: float
    core: float | None

    @classmethod
    def of(cls, picture: Picture, chosen: Recipe) -> ReferenceCoverage:
        """Measure it on the picture of the tile."""
        if not chosen.statistic.has_core:
            return cls(picture.covered, None)
        rows, columns = (middle(side) for side in picture.coverage.shape)
        return cls(picture.covered, float(picture.coverage[rows, columns].mean()))

    @property
    def part(self) -> str:
        """Which part is covered less."""
        return "tile" if self.core is None or self.core >= LEAST_COVERAGE else "core"

    @property
    def least(self) -> float:
        """Coverage of that part."""
        return self.tile if self.part == "tile" or self.core is None else self.core

    def to_dict(self) -> dict[str, float]:
        """For the summary."""
        return {"coverage": self.tile} | ({} if self.core is None else {"core_coverage": self.core})


def query_warnings(
    query: Query, pictures: Sequence[Picture], chosen: Recipe, sky: Callable[[], ColouredSky]
) -> list[str]:
    """Say in a sentence each what makes a query a poor one; nothing if it is a good one.

    Parameters
    ----------
    query : Query
    pictures : sequence of Picture
        Of its references.
    chosen : Recipe
    sky : callable
        Opens the survey, where a better place is searched.
    """
    covered = [ReferenceCoverage.of(picture, chosen) for picture in pictures]
    placed = [i for i, each in enumerate(query.references) if each.footprint is not None and not each.region]
    poor = sorted((i for i in placed if covered[i].least < LEAST_COVERAGE), key=lambda i: covered[i].least)
    told = []
    for i in poor[:MOST_TOLD]:
        where = query.references[i].footprint
        assert where is not None  # noqa: S101 - chosen above
        pixels = pictures[i].coverage.shape[0]
        better = nearest_well_covered(where, covered[i].part, pixels, chosen, sky())
        told.append(_poorly_covered(query.references[i].name, covered[i], where, better))
    if others := len(poor) - len(told):
        told.append(f"{others} other references are covered to less than {LEAST_COVERAGE:g}, too.")
    return told + _all_in_one_place(query)


def _poorly_covered(name: str, covered: ReferenceCoverage, where: Footprint, better: Footprint | None) -> str:
    told = f"The {covered.part} of the reference {name} has a coverage of {covered.least:.2f} only, "
    told += "so the reference is partly unobserved; "
    reach_deg = searched_width_deg(where) / 2
    if better is None:
        return f"{told}no {covered.part} within {reach_deg:.3g}° has {WELL_COVERED:g}: try another reference."
    digits = 2 if where.width_deg > 1 else 4
    lon, lat = f"{better.lon_deg:.{digits}f}", f"{better.lat_deg:+.{digits}f}"
    away = Extent(where.lon_deg, where.lat_deg, 1.0).distance_deg(
        np.array([better.lon_deg]), np.array([better.lat_deg])
    )[0]
    return (
        f"{told}the nearest {covered.part} with {WELL_COVERED:g} or more, which may show something else, is "
        f"{away:.2g}° away "
        f"(--reference {lon},{lat.lstrip('+')})."
    )


def _all_in_one_place(query: Query) -> list[str]:
    places = query.footprints
    if len(places) < 2 or len(places) < len(query.references):
        return []
    if not all(places[0].contains_deg(np.array(each.lon_deg), np.array(each.lat_deg)) for each in places):
        return []
    return [
        f"All references lie in one tile ({together([each.name for each in query.references])}), so they are "
        "hardly more than one example; add places elsewhere."
    ]


def searched_width_deg(footprint: Footprint) -> float:
    """Side of the square in which a better place is searched."""
    return min(SEARCHED_SIDES * footprint.width_deg, WIDEST_TANGENT_DEG)


def nearest_well_covered(
    footprint: Footprint, part: str, pixels: int, chosen: Recipe, sky: ColouredSky
) -> Footprint | None:
    """Find the nearest tile whose core or whole is well covered; it knows nothing but coverage.

    Parameters
    ----------
    footprint : Footprint
        The tile that is not.
    part : {"core", "tile"}
    pixels : int
        On a side of a tile.
    chosen : Recipe
    sky : ColouredSky
    """
    width_deg = searched_width_deg(footprint)
    around = Footprint(footprint.lon_deg, footprint.lat_deg, width_deg)
    lon_deg, lat_deg = around.pixel_positions((SEARCHED_PIXELS, SEARCHED_PIXELS))
    coverage = sky.colours(lon_deg, lat_deg)[1].astype(np.float64)
    share = 1.0
    if part == "core":
        core = middle(pixels)
        share = (core.stop - core.start) / pixels
    side = max(1, round(share * footprint.width_deg / width_deg * SEARCHED_PIXELS))
    mean = uniform_filter(coverage, side, mode="constant")
    away = np.hypot(*(np.indices(mean.shape) - (SEARCHED_PIXELS - 1) / 2))
    good = np.flatnonzero(mean >= WELL_COVERED)
    for i in good[np.argsort(away.ravel()[good], kind="stable")][:MOST_TRIED]:
        there = replace(footprint, lon_deg=float(lon_deg.flat[i]), lat_deg=float(lat_deg.flat[i]))
        covered = ReferenceCoverage.of(cut(sky, there, pixels), chosen)
        if (covered.tile if part == "tile" or covered.core is None else covered.core) >= WELL_COVERED:
            return there
    return None

"""What makes a reference a poor question: too little of it is seen, or several are hardly more than one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import uniform_filter

from skykin.catalogue.references import LEAST_COVERAGE, References, together
from skykin.core.extent import Extent
from skykin.core.footprint import WIDEST_TANGENT_DEG, Footprint
from skykin.core.picture import Picture
from skykin.core.protocols import ColouredSky
from skykin.jobs.gallery import where
from skykin.style.recipe import Recipe
from skykin.style.statistics.statistic import core_contrast, middle_quarter
from skykin.tiling.cut import cut

#: A place to go to instead is covered so well.
WELL_COVERED = 0.9
#: It is looked for within so many sides of the tile, on so many positions a side.
SEARCHED_SIDES, SEARCHED_PIXELS = 3.0, 192
#: Places that are looked at closely.
MOST_TRIED = 50
#: References that get a sentence of their own, the worst first.
MOST_TOLD = 3


@dataclass(frozen=True)
class Seen:
    """How much of a reference is seen.

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
    def of(cls, picture: Picture, chosen: Recipe) -> Seen:
        """Measure it on the picture of the tile."""
        if chosen.statistic is not core_contrast:
            return cls(picture.covered, None)
        rows, columns = (middle_quarter(side) for side in picture.coverage.shape)
        return cls(picture.covered, float(picture.coverage[rows, columns].mean()))

    @property
    def part(self) -> str:
        """Which part is seen less."""
        return "tile" if self.core is None or self.core >= LEAST_COVERAGE else "core"

    @property
    def least(self) -> float:
        """Coverage of that part."""
        return self.tile if self.part == "tile" or self.core is None else self.core

    def as_dict(self) -> dict[str, float]:
        """For the summary."""
        return {"coverage": self.tile} | ({} if self.core is None else {"core_coverage": self.core})


def concerns(
    references: References, pictures: Sequence[Picture], chosen: Recipe, sky: ColouredSky
) -> list[str]:
    """Say in a sentence each what makes the references a poor question; nothing if they are a good one.

    Parameters
    ----------
    references : References
    pictures : sequence of Picture
        Their tiles.
    chosen : Recipe
    sky : ColouredSky
        Where a better place is looked for.
    """
    seen = [Seen.of(picture, chosen) for picture in pictures]
    poor = [i for i in np.argsort([each.least for each in seen]) if seen[i].least < LEAST_COVERAGE]
    told = [
        _poorly_seen(references.places[i].name, seen[i], pictures[i], chosen, sky) for i in poor[:MOST_TOLD]
    ]
    if others := len(poor) - len(told):
        told.append(f"{others} other references are seen to less than {LEAST_COVERAGE:g}, too.")
    return told + _all_in_one_place(references, where(pictures[0]))


def _poorly_seen(name: str, seen: Seen, picture: Picture, chosen: Recipe, sky: ColouredSky) -> str:
    footprint = where(picture)
    better = nearest_well_seen(footprint, seen.part, picture.coverage.shape[0], chosen, sky)
    told = f"The {seen.part} of the reference {name} has a coverage of {seen.least:.2f} only, "
    told += "so what is looked for is partly unseen; "
    reach_deg = searched_width_deg(footprint) / 2
    if better is None:
        return f"{told}no {seen.part} within {reach_deg:.3g}° has {WELL_COVERED:g}: try another --reference."
    digits = 2 if footprint.width_deg > 1 else 4
    lon, lat = f"{better.lon_deg:.{digits}f}", f"{better.lat_deg:+.{digits}f}"
    away = Extent(footprint.lon_deg, footprint.lat_deg, 1.0).distance_deg(
        np.array([better.lon_deg]), np.array([better.lat_deg])
    )[0]
    return (
        f"{told}the nearest {seen.part} with {WELL_COVERED:g} or more, which may show something else, is "
        f"{away:.2g}° away "
        f"(--reference {lon},{lat.lstrip('+')})."
    )


def _all_in_one_place(references: References, first: Footprint) -> list[str]:
    places = references.places
    if len(places) < 2 or not all(first.contains(place.center) for place in places):
        return []
    return [
        f"All references lie in one tile ({together([place.name for place in places])}), so they are hardly "
        "more than one example; add places elsewhere."
    ]


def searched_width_deg(footprint: Footprint) -> float:
    """Side of the square in which a better place is looked for."""
    return min(SEARCHED_SIDES * footprint.width_deg, WIDEST_TANGENT_DEG)


def nearest_well_seen(
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
        core = middle_quarter(pixels)
        share = (core.stop - core.start) / pixels
    side = max(1, round(share * footprint.width_deg / width_deg * SEARCHED_PIXELS))
    mean = uniform_filter(coverage, side, mode="constant")
    away = np.hypot(*(np.indices(mean.shape) - (SEARCHED_PIXELS - 1) / 2))
    good = np.flatnonzero(mean >= WELL_COVERED)
    for i in good[np.argsort(away.ravel()[good], kind="stable")][:MOST_TRIED]:
        there = replace(footprint, lon_deg=float(lon_deg.flat[i]), lat_deg=float(lat_deg.flat[i]))
        seen = Seen.of(cut(sky, there, pixels), chosen)
        if (seen.tile if part == "tile" or seen.core is None else seen.core) >= WELL_COVERED:
            return there
    return None

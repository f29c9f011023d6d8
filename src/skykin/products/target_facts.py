"""How many targets there are, and how good such a list is beside lists made without a network."""

from __future__ import annotations

from typing import Any

import numpy as np
from astropy import units as u

from skykin.catalogue.known import nebulae
from skykin.core.protocols import Survey
from skykin.core.shapes import Degrees, Numbers
from skykin.core.sphere import directions_of, spread_out
from skykin.evaluation.contrast import CORE_DEG, INNER_DEG, BrightnessSamples
from skykin.evaluation.near_listed import near_listed, reached
from skykin.evaluation.tile_centres import TileCentres
from skykin.products.mapped import MappedTiles
from skykin.products.result import numbers
from skykin.products.target_list import TargetList
from skykin.survey.named import at_hand

#: Shares are told of so many of the best targets.
BEST = (20, 50)
#: Its brightness is a ranking of every map of the sky.
HALPHA = "wham"
#: False discovery rate up to which a target is told to be significant.
SIGNIFICANT = 0.10
#: Of fewer targets, or of less of the sky, a share says nothing.
FEWEST_TARGETS, LEAST_SKY = 5, 0.5


def target_facts(targets: TargetList) -> dict[str, Any]:
    """Count the targets, as the summary has them."""
    return {
        "requested": targets.choice.targets,
        "listed": len(targets),
        "groups": targets.groups,
        "matched": targets.matched,
        "separation_deg": targets.separation_deg,
        "uncatalogued": int(targets.uncatalogued.sum()),
        "significant": int(np.sum(numbers(targets.table["q"]) <= SIGNIFICANT)),
        "known_within_deg": targets.known_within_deg,
        "site": None if targets.choice.observatory is None else targets.choice.observatory.words,
        "night": targets.choice.night,
    }


def beside_rankings(targets: TargetList, found: MappedTiles, survey: Survey) -> dict[str, Any]:
    """Tell how many targets lie near a listed nebula, and how many well-known complexes they name.

    The same is told of as many places chosen without a network.

    Parameters
    ----------
    targets : TargetList
    found : MappedTiles
    survey : Survey
        Its contrast is one of the rankings.

    Returns
    -------
    dict
        ``near_nebulae``: for each ranking and count a `NearListed` as plain values; ``complexes``: how many
        are ``counted``, and for each ranking and count how many are ``named`` and, ``rotated``, their mean
        over rotations in longitude.  Empty for a map of less than half of the sky, and for very few targets.
    """
    counts = sorted(
        {min(count, len(targets)) for count in BEST if min(count, len(targets)) >= FEWEST_TARGETS}
    )
    if not counts or float(np.sum(found.tiles["area"])) < LEAST_SKY:
        return {}
    tiles, usable = TileCentres.of(found.tiles), np.isfinite(found.scores) & ~found.overlapping
    chosen: dict[str, tuple[Degrees, Degrees]] = {
        "score": tuple(targets.table[name].to_value(u.deg) for name in ("lon", "lat"))
    }
    for name, values in _rankings(found, survey, tiles).items():
        rows = np.flatnonzero(usable & np.isfinite(values))
        rows = rows[np.argsort(-values[rows], kind="stable")]
        best = rows[spread_out(directions_of(found.tiles[rows]), targets.separation_deg, counts[-1])]
        chosen[name] = (found.lon_deg[best], found.lat_deg[best])
    objects, (complexes, reach_deg) = nebulae(), _complexes(found, targets.known_within_deg)
    near: dict[str, Any] = {name: {} for name in chosen}
    named: dict[str, Any] = {name: {} for name in chosen}
    rotated: dict[str, Any] = {name: {} for name in chosen}
    for name, (lon, lat) in chosen.items():
        for count in counts:
            places = lon[:count], lat[:count]
            near[name][str(count)] = near_listed(places, objects, tiles, usable).to_dict()
            named[name][str(count)], rotated[name][str(count)] = reached(
                places, complexes, reach_deg, tiles, usable
            )
    return {
        "near_nebulae": near,
        "complexes": {"counted": len(reach_deg), "named": named, "rotated": rotated},
    }


def _complexes(found: MappedTiles, within_deg: float) -> tuple[tuple[Degrees, Degrees], Degrees]:
    """Where the complexes lie that the map counts, and how near to each a target names it, as `known_at`."""
    counted = found.regions[np.asarray(found.regions["counted"])]
    reach = np.maximum(within_deg, numbers(counted["diameter_deg"]) / 2)
    return (numbers(counted["lon_deg"]), numbers(counted["lat_deg"])), reach


def _rankings(found: MappedTiles, survey: Survey, tiles: TileCentres) -> dict[str, Numbers]:
    """Rank tiles without a network; by Hα, too, where the survey is another and WHAM is at hand."""
    rankings = {
        "brightness": numbers(found.tiles["mean_intensity"]),
        "contrast": contrast(survey, tiles),
    }
    halpha = None if survey.name == HALPHA else at_hand(HALPHA)
    if halpha is not None:
        discs = BrightnessSamples.of(halpha).disc_means(tiles.lon_deg, tiles.lat_deg, found.scored.tile_deg)
        rankings["halpha"] = discs[0]
    return rankings


def contrast(survey: Survey, tiles: TileCentres) -> Numbers:
    """Mean logarithm of the brightness in 2° about each tile less that in 5°; NaN where it is unknown."""
    samples = BrightnessSamples.of(survey)
    core, inner = (
        samples.disc_means(tiles.lon_deg, tiles.lat_deg, side)[1] for side in (CORE_DEG, INNER_DEG)
    )
    return np.asarray(core - inner)

"""How many targets there are, and how good such a list is beside lists made without a network."""

from __future__ import annotations

from typing import Any

import numpy as np
from astropy import units as u

from skykin.catalogue.known import nebulae
from skykin.core.protocols import Survey
from skykin.core.shapes import Numbers
from skykin.core.sphere import directions_of, spread_out
from skykin.evaluation.contrast import CORE_DEG, INNER_DEG, BrightnessSamples
from skykin.evaluation.near_listed import near_listed
from skykin.evaluation.tile_centres import TileCentres
from skykin.products.mapped import MappedTiles
from skykin.products.result import numbers
from skykin.products.target_list import TargetList

#: Shares are told of so many of the best targets.
BEST = (20, 50)
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
        "known_within_deg": targets.known_within_deg,
        "site": None if targets.choice.observatory is None else targets.choice.observatory.words,
        "night": targets.choice.night,
    }


def near_nebulae(targets: TargetList, found: MappedTiles, survey: Survey) -> dict[str, dict[str, Any]]:
    """Share of the best targets that lie near a listed nebula, and of as many chosen without a network.

    Parameters
    ----------
    targets : TargetList
    found : MappedTiles
    survey : Survey
        Its contrast is one of the rankings.

    Returns
    -------
    dict of ranking to dict of count to `NearListed` as plain values
        Empty for a map of less than half of the sky, and for very few targets.
    """
    area = float(np.sum(found.tiles["area"]))
    counts = sorted(
        {min(count, len(targets)) for count in BEST if min(count, len(targets)) >= FEWEST_TARGETS}
    )
    if not counts or area < LEAST_SKY:
        return {}
    tiles, objects = TileCentres.of(found.tiles), nebulae()
    usable = np.isfinite(found.scores) & ~found.overlapping
    rankings = {
        "brightness": numbers(found.tiles["mean_intensity"]),
        "contrast": contrast(survey, tiles),
    }
    chosen = {"score": tuple(targets.table[name].to_value(u.deg) for name in ("lon", "lat"))}
    for name, values in rankings.items():
        rows = np.flatnonzero(usable & np.isfinite(values))
        rows = rows[np.argsort(-values[rows], kind="stable")]
        best = rows[spread_out(directions_of(found.tiles[rows]), targets.separation_deg, counts[-1])]
        chosen[name] = (found.lon_deg[best], found.lat_deg[best])
    return {
        name: {
            str(count): near_listed((lon[:count], lat[:count]), objects, tiles, usable).to_dict()
            for count in counts
        }
        for name, (lon, lat) in chosen.items()
    }


def contrast(survey: Survey, tiles: TileCentres) -> Numbers:
    """Mean logarithm of the brightness in 2° about each tile less that in 5°; NaN where it is unknown."""
    samples = BrightnessSamples.of(survey)
    core, inner = (
        samples.disc_means(tiles.lon_deg, tiles.lat_deg, side)[1] for side in (CORE_DEG, INNER_DEG)
    )
    return np.asarray(core - inner)

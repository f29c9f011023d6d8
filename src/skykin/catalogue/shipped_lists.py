"""The lists that a map is judged by where a user brings none."""

from __future__ import annotations

import numpy as np
from astropy.table import QTable

from skykin.catalogue.object_lists import object_list
from skykin.catalogue.regions import known_regions
from skykin.catalogue.target_list import TargetList, degrees_of

#: Smaller nebulae are lost in a tile of several degrees; chosen before any score was computed.
SMALLEST_DEG = 0.5


def shipped_lists() -> tuple[tuple[TargetList, ...], TargetList]:
    """Give the lists of what should be found, and the list of what should not."""
    sharpless, nebulae, confusers = (object_list(name) for name in ("sharpless", "nebulae", "confusers"))
    regions = known_regions()
    complexes = (regions["kind"] != "ionised shell") & regions["annotate"] & regions["in_wham"]
    found = (
        TargetList.from_table(
            sharpless, f"Sharpless ≥ {SMALLEST_DEG:g}°", sharpless["star_forming"] & _large(sharpless)
        ),
        TargetList.from_table(
            nebulae,
            f"nebulae not in Sharpless ≥ {SMALLEST_DEG:g}°",
            nebulae["star_forming"] & _large(nebulae),
        ),
        TargetList.from_table(regions, "well-known complexes", complexes),
    )
    return found, TargetList.from_table(confusers, "confusers", _large(confusers))


def shipped_list(name: str) -> TargetList:
    """Give a shipped list by name: what is large enough, and forms stars where the list says so."""
    table = object_list(name)
    chosen = np.ones(len(table), dtype=bool)
    if "diameter_deg" in table.colnames:
        chosen &= _large(table)
    if "star_forming" in table.colnames:
        chosen &= np.asarray(table["star_forming"], dtype=bool)
    return TargetList.from_table(table, name, chosen)


def _large(table: QTable) -> np.ndarray:
    return np.asarray(degrees_of(table, "diameter_deg") >= SMALLEST_DEG)

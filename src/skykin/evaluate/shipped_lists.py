"""The lists that a map is judged by where a user brings none."""

from __future__ import annotations

import numpy as np

from skykin.evaluate.catalogues import known_regions
from skykin.evaluate.object_list import ObjectList


def shipped_lists() -> tuple[tuple[ObjectList, ...], ObjectList | None]:
    """Give the lists of what should be found, and the list of what should not."""
    table = known_regions()
    complexes = np.asarray(table["annotate"], dtype=bool) & np.asarray(table["in_wham"], dtype=bool)
    return (ObjectList.from_table(table, "well-known complexes", complexes),), None

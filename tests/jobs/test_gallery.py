"""The pictures that a report shows."""

import numpy as np
import pytest

from skykin.core.footprint import Footprint
from tests.kinds import made_up_result, query


@pytest.mark.parametrize("matching", [[0, 2], [0], []])
def test_the_best_tiles_are_shown_whether_they_match_or_not_and_none_overlaps_another(matching):
    lon = [0.0, 25.0, 50.0, 60.0, 75.0, 100.0, 125.0]
    footprints = tuple(Footprint(each, 0, 5) for each in lon)
    made = made_up_result(footprints, None, query=query(("the first", footprints[0])))
    made.tiles["rank"], made.tiles["score"] = np.arange(1, 8), np.linspace(1, -1, 7)
    made.tiles["match"] = np.isin(range(7), matching)
    found = made.pictures
    assert [each.footprint.lon_deg for each in found.references] == [0]
    assert [each.footprint.lon_deg for each in found.best] == [25, 50]
    assert [each.footprint.lon_deg for each in found.opposite] == [125, 100, 75]

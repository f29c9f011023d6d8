"""The pictures that a report shows."""

import numpy as np
import pytest

from skykin.core.footprint import Footprint
from tests.kinds import made_up_result, query


@pytest.mark.parametrize(("matching", "best"), [([0, 2], [20]), ([0], [10, 20])])
def test_where_only_the_reference_matches_the_nearest_tiles_are_shown(matching, best):
    lon = [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]
    footprints = tuple(Footprint(each, 0, 5) for each in lon)
    made = made_up_result(footprints, None, query=query(("the first", footprints[0])))
    made.tiles["rank"], made.tiles["score"] = np.arange(1, 7), np.linspace(1, -1, 6)
    made.tiles["match"] = np.isin(range(6), matching)
    found = made.pictures
    assert [each.footprint.lon_deg for each in found.references] == [0]
    assert [each.footprint.lon_deg for each in found.best] == best
    assert [each.footprint.lon_deg for each in found.opposite][:2] == [50, 40]

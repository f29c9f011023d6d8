"""The pictures that a report shows."""

import numpy as np
import pytest
from astropy.table import QTable

from skykin.core.footprint import Footprint
from skykin.core.picture import Picture
from skykin.jobs.gallery import gallery


def picture(where):
    return Picture(np.zeros((4, 4, 3), np.float32), np.ones((4, 4), np.float32), where)


@pytest.mark.parametrize(("matching", "best"), [([0, 2], [20]), ([0], [10, 20])])
def test_where_only_the_reference_matches_the_nearest_tiles_are_shown(matching, best):
    lon = [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]
    footprints = [Footprint(each, 0, 5) for each in lon]
    tiles = QTable(
        {"rank": np.arange(1, 7), "score": np.linspace(1, -1, 6), "match": np.isin(range(6), matching)}
    )
    found = gallery([picture(footprints[0])], tiles, footprints, picture)
    assert [each.footprint.lon_deg for each in found.best] == best
    assert [each.footprint.lon_deg for each in found.opposite][:2] == [50, 40]

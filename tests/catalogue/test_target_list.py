"""Lists of objects, the user's own among them."""

import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable

from skykin.catalogue.shipped_lists import shipped_lists
from skykin.catalogue.target_list import TargetList
from skykin.core.errors import (
    DataQualityError,
    HeaderInvalidError,
    SkyError,
)


def test_a_table_in_memory_needs_positions_on_the_sky():
    with pytest.raises(HeaderInvalidError, match="the table 'mine' lacks the column lon_deg and lat_deg"):
        TargetList.from_table(QTable({"l": [1.0]}), "mine")
    far = QTable({"lon_deg": [10.0, 400.0], "lat_deg": [0.0, 0.0]})
    with pytest.raises(
        SkyError, match=r"row 2 of 'mine' \('row 2'\) lies at l=400°, b=0°, which is not on the sky"
    ):
        TargetList.from_table(far, "mine")
    with pytest.raises(DataQualityError, match="the list 'mine' holds no objects"):
        TargetList.from_table(far, "mine", np.array([False, False]))
    sized = QTable({"lon_deg": [10.0] * u.deg, "lat_deg": [60.0] * u.arcmin, "diameter_deg": [30] * u.arcmin})
    own = TargetList.from_table(sized, "mine")
    assert (own.lat_deg[0], own.diameter_deg[0]) == (pytest.approx(1.0), pytest.approx(0.5))


def test_the_shipped_lists_are_large_enough_and_apart_from_the_confusers():
    lists, confusers = shipped_lists()
    assert lists[0].title == "Sharpless ≥ 0.5°"
    assert all(len(each) >= 20 for each in (*lists, confusers))
    assert (lists[0].diameter_deg >= 0.5).all()
    names = {name for each in lists for name in each.names}
    assert not names & set(confusers.names)

"""A small index of the made-up sky, for tests of queries."""

from unittest.mock import patch

import skykin
from tests.skies import blob_survey

SETTINGS = {"tile_size": 10, "spacing": 5, "pixels": 32, "area": "195,250,-32,6", "recipe": "mean-std"}
#: Galactic longitude, latitude and radius (deg) of a place without data.
HOLE = (238.0, -12.0, 8.0)


def covered(lon_deg, lat_deg):
    """All but the hole."""
    return (lon_deg - HOLE[0]) ** 2 + (lat_deg - HOLE[1]) ** 2 > HOLE[2] ** 2


def small_index(folder, name="blobs", **more):
    """Build it; a few seconds."""
    survey = blob_survey(covered=covered)
    # An average of few tiles is good enough here, and is what takes long.
    with patch("skykin.jobs.streamed.STANDARD_TILES_IN_CONTEXT", 12):
        return survey, skykin.index(survey, folder / f"{name}.skykin", **SETTINGS, **more)

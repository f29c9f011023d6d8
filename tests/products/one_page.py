"""A made-up map with hostile names, as a page that tests open."""

import numpy as np

import skykin
from skykin.core.footprint import Footprint
from tests.kinds import made_up_result, provenance, query

#: Texts that a page must show as they are.
HOSTILE = "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>\"'&amp;\u202egnp\u202c"


class Halves:
    """A sky that is red where longitudes are from 0° to 180° and blue elsewhere; green towards the north."""

    def colours(self, lon_deg, lat_deg):
        lon, lat = np.broadcast_arrays(np.asarray(lon_deg, float), np.asarray(lat_deg, float))
        left = (lon % 360) < 180
        colours = np.stack([left * 0.8, (lat > 60) * 0.8, ~left * 0.8], axis=-1)
        return colours.astype(np.float32), np.ones(lon.shape, np.float32)


def hostile_map(**changes):
    """The made-up map of the whole sky, with hostile names of the reference, the survey and credits."""
    parts = {
        "sky": Halves(),
        "query": query((f"Orion {HOSTILE}", Footprint(209.0, -19.0, 15.0))),
        "title": f"Survey {HOSTILE} " + "x" * 10_000,
        "provenance": provenance(credits=(f"Thanks to {HOSTILE}",)),
    }
    return made_up_result(**{**parts, **changes})


def write_page(path, **changes):
    """Write it."""
    return skykin.page(hostile_map(**changes), path)

"""A small map and a small index of the made-up sky, made once."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from threadpoolctl import threadpool_limits

import skykin
from skykin.products.summarised import write_summary
from skykin.products.tile_table import write_ecsv
from tests.skies import blob_survey

AREA = (195, 250, -32, 6)


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Survey, map (written to a folder) and index, all of the same sky; a few seconds."""
    folder = tmp_path_factory.mktemp("border")
    survey = blob_survey()
    how = {"area": AREA, "tile_size": 10, "spacing": 5, "pixels": 32, "recipe": "mean-std", "jobs": 2}
    with pytest.MonkeyPatch.context() as patch, threadpool_limits(1):
        patch.setenv("SKYKIN_CACHE", str(folder / "cache"))
        patch.setattr("skykin.jobs.streamed.STANDARD_TILES_IN_CONTEXT", 12)
        index = skykin.index(survey, folder / "blobs.skykin", **how)
        found = skykin.map(survey, "209,-19", top_fraction=0.1, **how)
        # What is read back, without the figures, which take long.
        (folder / "map").mkdir()
        write_ecsv(found, folder / "map" / "tiles.ecsv")
        write_summary(found, folder / "map" / "summary.json")
    return SimpleNamespace(survey=survey, index=index, map=found, folder=folder)

"""How many tiles of an image without forms are called unusual, where a reference is looked at in 24 views."""

import numpy as np
import pytest

import skykin
from skykin.core.views import MANY_VIEWS
from skykin.evaluation.planted import PIXEL_DEG, planted

#: Side of a tile, pixels of the image: as many as the network sees.
TILE = 64
PLACES = ((300, 300), (700, 350), (420, 680), (760, 730))


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["core-contrast", "radial-profile"])
def test_of_random_phases_one_tile_in_twenty_has_p_below_a_twentieth_in_24_views(recipe, tmp_path):
    small, discoveries = [], 0
    for seed in range(3):
        empty = planted({}, seed, cells=4)
        survey = skykin.open_survey((empty.image, empty.wcs))
        made = skykin.index(
            survey,
            tmp_path / f"{seed}.skykin",
            recipe=recipe,
            tile_size=TILE * PIXEL_DEG,
            pixels=64,
        )
        for place in PLACES:
            lon, lat = map(float, empty.wcs.wcs_pix2world(*place, 0))
            found = skykin.search(made, (lon, lat), measure=True, survey=survey)
            assert found.query.views.each == MANY_VIEWS.each
            away = ~found.overlapping
            small.append(np.mean(np.asarray(found.tiles["p"])[away] < 0.05))
            discoveries += bool((np.asarray(found.tiles["q"])[away] <= 0.1).any())
    assert np.mean(small) == pytest.approx(0.05, abs=0.01)
    # Twelve maps, each with a chance of 0.1.
    assert discoveries <= 4

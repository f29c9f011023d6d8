"""A statistic that is written in one file runs through map, index, search and explain."""

from __future__ import annotations

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import skykin
from skykin.jobs.examples import cut_in_context
from skykin.style.recipe import Recipe, recipes
from skykin.style.statistics.statistic import Statistic
from tests.skies import blob_survey


class Skewness(Statistic):
    r"""Third central moment of each channel, :math:`\langle (f - m)^3 \rangle`, over its variance."""

    name = "skewness"

    def moments(self, features):
        return np.concatenate([features, features**2, features**3])

    def finish(self, means, rings=None):
        m, square, cube = np.split(means, 3, axis=-1)
        variance = square - m**2
        return (cube - 3 * m * square + 2 * m**3) / np.where(variance > 0, variance, np.inf)


class CorePower(Statistic):
    """Mean square of each channel over the core of a tile, less that over the tile."""

    name = "core_power"
    rings = (2,)

    def moments(self, features):
        return features**2

    def finish(self, means, rings=None):
        return rings[0] - means


def _recipe(statistic: Statistic) -> Recipe:
    return Recipe(
        name=statistic.name,
        title=statistic.name,
        description="A trial.",
        statistic=statistic,
        layers=("block2_conv1", "block3_conv1"),
        max_q=0.1,
        pixels=64 if statistic.has_core else 32,
    )


RECIPES = {each.name: each for each in map(_recipe, (Skewness(), CorePower()))}


@pytest.fixture(scope="module")
def survey():
    return blob_survey(covered=lambda lon, lat: (lon - 200) ** 2 + (lat + 25) ** 2 > 36)


@pytest.fixture(scope="module", params=list(RECIPES))
def made(request, survey, tmp_path_factory):
    """Settings, a map and an index of one of the two recipes."""
    folder = tmp_path_factory.mktemp(request.param)
    settings = {
        "recipe": request.param, "tile_size": 30, "spacing": 15, "area": "190,225,-30,0", "min_coverage": 0.1,
    }  # fmt: skip
    known = dict(recipes())
    with pytest.MonkeyPatch.context() as patch, threadpool_limits(1):
        patch.setenv("SKYKIN_CACHE", str(folder / "cache"))
        patch.setattr("skykin.style.recipe.recipes", lambda: known | RECIPES)
        patch.setattr("skykin.jobs.streamed.STANDARD_TILES_IN_CONTEXT", 12)
        index = skykin.index(survey, folder / "sky.skykin", **settings)
        yield settings, skykin.map(survey, "209,-19", **settings), index


def _cosines(kin):
    return np.stack([kin.tiles[name] for name in kin.tiles.colnames if name.startswith("cosine_")], axis=-1)


def test_the_index_gives_every_tile_the_cosines_of_the_map(made, survey):
    settings, kin, index = made
    assert index.recipe is RECIPES[settings["recipe"]]
    np.testing.assert_array_equal(index.tiles["name"], kin.tiles["name"])
    assert index.kinds == ("projection", "exact")
    meter = index.meter()
    signature = meter(cut_in_context(index.sky(survey), kin.reference, index.pixels, meter.halo))
    found = index.cosines([index.project(signature, "exact")])[..., 0]
    np.testing.assert_allclose(found, _cosines(kin), rtol=0, atol=1e-5)
    assert np.ptp(kin.tiles["score"]) > 0.3


def test_a_search_gives_the_scores_of_the_map(made, survey):
    _, kin, index = made
    answer = skykin.search(index, "209,-19", measure=True, survey=survey)
    np.testing.assert_allclose(answer.tiles["score"], kin.tiles["score"], rtol=0, atol=1e-5)
    # A place is added up from cells; a tile finds itself.
    place = skykin.search(index, "209,-19", survey=survey)
    assert np.corrcoef(place.tiles["score"], kin.tiles["score"])[0, 1] > 0.95
    own = skykin.search(index, 2, survey=survey)
    assert own.tiles["score"][2] == pytest.approx(1, abs=1e-5)


def test_an_explanation_divides_each_cosine_among_the_positions(made, survey):
    _, _, index = made
    told = skykin.explain(index, "209,-19", 1, sample=2, survey=survey)
    picture = index.sky(survey)
    for layer, where in told.where.items():
        side = index.pixels // where.shape[0]
        halo = index.meter().halo
        seen = cut_in_context(picture, index.footprints[1], index.pixels, halo)
        coverage = seen.coverage[halo:-halo, halo:-halo]
        weights = coverage.reshape(where.shape[0], side, where.shape[1], side).mean(axis=(1, 3))
        mean = np.average(where[weights > 0], weights=weights[weights > 0])
        assert mean == pytest.approx(told.cosines[layer], abs=1e-4)
    assert set(told.shares) == set(index.layers)


def test_a_map_can_be_measured_tile_by_tile(made, survey):
    settings, kin, _ = made
    alone = skykin.map(survey, "209,-19", **settings, engine="tiles")
    assert len(alone.tiles) == len(kin.tiles)
    assert np.isfinite(alone.tiles["score"]).all()

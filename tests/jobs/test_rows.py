"""Of the whole sky, map, index, search and explain standardise within the same rows of latitude."""

from __future__ import annotations

import json

import numpy as np
import pytest
from astropy import units as u

import skykin
from skykin.catalogue.query import Example
from skykin.core.area import read_area
from skykin.core.extent import ALL_SKY
from skykin.core.footprint import Footprint
from skykin.core.provenance import Provenance
from skykin.indexing.own_files import OWN_SHARD
from skykin.indexing.sky_index import StoredIndex
from skykin.jobs.examples import cut_in_context
from skykin.jobs.streamed import in_rows, standard_sample
from skykin.style.positions import own_coverage
from skykin.style.recipe import recipe
from skykin.style.signature import Signature, Standardisation
from skykin.style.statistics.statistic import position_weights
from skykin.tiling.grid import cut, tile_grid
from tests.skies import blob_survey

HOW = {"tile_size": 30, "spacing": 15, "pixels": 64, "recipe": "core-spread"}
ONE_VIEW = {"turns": 1, "scales": 1}
PLACE = "209,-19"


# Which tiles tell what is usual


@pytest.mark.parametrize(("tile_deg", "tiles"), [(3, 1024), (10, 413), (30, 256)])
def test_rows_of_single_tiles_take_a_sample_of_as_many_as_lie_beside_each_other(tile_deg, tiles):
    grid = tile_grid("healpix", tile_deg, max(tile_deg / 3, 1.4), ALL_SKY)
    assert in_rows(grid, recipe("core-spread"))
    assert len(standard_sample(grid, recipe("core-spread"), in_context=False)) == tiles
    assert len(standard_sample(grid, recipe("mean-std"), in_context=True)) == 128
    # What codes the cells of an index is no average within rows.
    assert len(standard_sample(grid, recipe("core-spread"), in_context=True)) == 128


def test_a_part_of_the_sky_and_other_recipes_have_one_standard():
    grid = tile_grid("healpix", 10, 4, ALL_SKY)
    part = grid.within(read_area("0,360,-30,30"))
    assert not in_rows(part, recipe("core-spread"))
    assert len(standard_sample(part, recipe("core-spread"), in_context=True)) == 128
    assert not in_rows(grid, recipe("mean-std"))


# One path


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    """The made-up sky, all of it; rows of few tiles are good enough here."""
    with pytest.MonkeyPatch.context() as changed:
        changed.setenv("SKYKIN_CACHE", str(tmp_path_factory.mktemp("rows") / "cache"))
        changed.setattr("skykin.jobs.streamed.STANDARD_TILES", 12)
        changed.setattr("skykin.jobs.streamed.STANDARD_TILES_IN_CONTEXT", 12)
        changed.setattr("skykin.style.signature.ROW_TILES", 8)
        yield blob_survey()


@pytest.fixture(scope="module")
def made(survey):
    """A map of it."""
    return skykin.map(survey, PLACE, **HOW, **ONE_VIEW)


@pytest.fixture(scope="module")
def index(survey, tmp_path_factory):
    """An index of it that keeps whole vectors."""
    return skykin.index(survey, tmp_path_factory.mktemp("rows") / "blobs.skykin", exact=True, **HOW)


@pytest.mark.slow
def test_map_and_index_have_the_same_rows_made_of_all_tiles(made, index):
    measured, kept = made.source.streamed.meter.standard, StoredIndex.open(index.path).standard
    assert measured.edges_deg == kept.edges_deg
    assert len(measured.edges_deg) > 0
    assert [row.tiles for row in measured.rows] == [row.tiles for row in kept.rows]
    styled = int(np.isfinite(made.scores).sum())
    assert measured.tiles == kept.tiles == sum(row.tiles for row in kept.rows) == styled
    for layer in index.layers:
        for one, other in zip(measured.of_rows(layer), kept.of_rows(layer), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5 * np.abs(one).max())


@pytest.mark.slow
def test_an_interrupted_run_goes_on_with_the_tiles_that_it_measured(made, survey, monkeypatch):
    kept = []
    monkeypatch.setattr("skykin.scale.store.WorkStore.clear", lambda store: kept.append(store))  # noqa: PLW0108
    once = skykin.map(survey, PLACE, **HOW, **ONE_VIEW)
    (kept[0].folder / "vectors-0.part").write_bytes(b"cut short")
    again = skykin.map(survey, PLACE, **HOW, **ONE_VIEW)
    np.testing.assert_array_equal(once.scores, again.scores)
    np.testing.assert_array_equal(once.scores, made.scores)
    # Without room on the disk they stay in memory.
    monkeypatch.setattr("skykin.scale.store.WorkStore.put", lambda store, name, part: False)
    monkeypatch.setattr("skykin.scale.store.WorkStore.get", lambda store, name: None)
    np.testing.assert_array_equal(skykin.map(survey, PLACE, **HOW, **ONE_VIEW).scores, made.scores)


@pytest.mark.slow
def test_the_shards_of_rows_are_files_of_the_index(index):
    names = [path.name for path in (index.path / "shards").iterdir()]
    assert sum(name.startswith("rows-") for name in names) == len(index.layers)
    assert all(OWN_SHARD.fullmatch(name) for name in names)
    assert OWN_SHARD.fullmatch("directions-block3_conv4-0-0123456789abcdef.npy")


@pytest.mark.slow
def test_a_plan_counts_the_shards_of_rows(index, survey, monkeypatch):
    monkeypatch.setattr("skykin.jobs.plan.PROBE_SECONDS", 0.0)
    monkeypatch.setattr("skykin.jobs.plan.PROBE_PIXELS", 64)
    told = skykin.plan(survey, exact=True, **HOW).facts["written"].split()
    unit = {"kB": 1e3, "MB": 1e6}[told[1].rstrip(":")]
    assert float(told[0]) * unit == pytest.approx(StoredIndex.open(index.path).manifest.size, rel=0.05)


@pytest.mark.slow
def test_map_and_search_give_the_same_scores_of_which_rows_decide(made, index, survey):
    found = skykin.search(index, PLACE, measure=True, survey=survey, **ONE_VIEW)
    np.testing.assert_array_equal(made.tiles["name"], found.tiles["name"])
    # The made-up sky hardly varies, so that rounding is seen more than elsewhere.
    np.testing.assert_allclose(made.scores, found.scores, rtol=0, atol=5e-3)
    # The map keeps tiles in half precision until the average of all is known.
    assert np.median(np.abs(made.scores - found.scores)) < 5e-6
    added_up = skykin.search(index, PLACE, survey=survey, **ONE_VIEW)
    assert np.corrcoef(added_up.scores, made.scores)[0, 1] > 0.99
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr("skykin.jobs.streamed.WHOLE_SKY", 2)
        without = skykin.map(survey, PLACE, **HOW, **ONE_VIEW)
    assert without.source.streamed.meter.standard.rows == ()
    assert np.quantile(np.abs(made.scores - without.scores), 0.9) > 0.1


@pytest.mark.slow
def test_an_index_scores_every_tile_by_its_whole_vector_as_the_map_does(made, survey, tmp_path):
    index = skykin.index(survey, tmp_path / "half.skykin", **HOW)
    assert StoredIndex.open(index.path).scored_by == "exact"
    found = skykin.search(index, PLACE, measure=True, survey=survey, **ONE_VIEW)
    np.testing.assert_allclose(made.scores, found.scores, rtol=0, atol=2e-2)
    assert np.median(np.abs(made.scores - found.scores)) < 1e-3
    lengths = np.stack([StoredIndex.open(index.path).norms(layer) for layer in index.layers])
    assert (lengths[:, np.isfinite(found.scores)] > 1).all()
    np.testing.assert_allclose(made.tiles["p"], found.tiles["p"], rtol=0, atol=0.02)


@pytest.mark.slow
def test_a_tile_measured_by_itself_is_standardised_with_its_own_row(index, survey):
    meter, sky = index.meter(), index.sky(survey)
    for number in (0, 20, 55, len(index) - 1):
        kept = index.rows([number], "exact")[0]
        signature = meter(cut_in_context(sky, index.footprints[number], index.pixels, meter.halo))
        for layer, columns in index.columns("exact").items():
            unit = signature[layer] / np.linalg.norm(signature[layer])
            assert unit @ kept[columns] == pytest.approx(1, abs=5e-3)


@pytest.mark.slow
def test_explain_shows_what_search_showed(index, survey):
    found = skykin.search(index, PLACE, survey=survey, **ONE_VIEW)
    network, number = index.meter().shared.network, int(np.argsort(found.scores)[-3])
    told = skykin.explain(index, PLACE, number, sample=0, survey=survey, **ONE_VIEW)
    seen = cut_in_context(index.sky(survey), index.footprints[number], index.pixels, network.halo)
    coverage = own_coverage(network, seen)
    for layer, where in told.where.items():
        weights = position_weights(coverage, where.shape)
        assert np.average(where, weights=weights) == pytest.approx(told.cosines[layer], abs=1e-4)
        assert told.cosines[layer] == found.tiles[f"cosine_{layer}"][number]


@pytest.mark.slow
def test_an_index_translates_by_the_row_of_the_place(index):
    raw = {layer: np.arange(index.standard.mean[layer].size) / 100 for layer in index.layers}
    for lat in (-3.0, 80.0):
        own = index.standard.apply(Signature(raw), lat)
        back = index.translate(index, own, lat)
        for layer in index.layers:
            np.testing.assert_allclose(back[layer], own[layer], rtol=1e-3, atol=1e-3)


@pytest.mark.slow
def test_a_region_is_standardised_with_the_row_of_its_middle(index):
    where = Footprint(120, 70, 30)
    squares = [lambda lon, lat: np.ones(np.shape(lon), bool)] * len(index.recipe.statistic.rings)
    area = Example("part", where).contains
    here, there = index.region(area, squares), index.region(area, squares, lat_deg=70)
    other = index.region(area, squares, lat_deg=0)
    for layer in index.layers:
        np.testing.assert_array_equal(here.signature[layer], there.signature[layer])
        assert np.abs(here.signature[layer] - other.signature[layer]).max() > 0.1


@pytest.mark.slow
def test_tiles_one_by_one_have_rows_too(survey):
    found = skykin.map(survey, PLACE, engine="tiles", **HOW, **ONE_VIEW)
    streamed = found.source.streamed
    standard, sky = streamed.meter.standard, streamed.sky
    assert isinstance(standard, Standardisation)
    assert len(standard.rows) > 1
    place = Footprint(120, 70, 30)
    picture = cut(sky, place, 64)
    raw = streamed.meter.recipe.signature(streamed.meter.encoder(picture.rgb), picture.coverage)
    for layer, vector in streamed.meter(picture).items():
        np.testing.assert_array_equal(vector, standard.at(70.0).apply(raw)[layer])
    assert found.scores[np.argmin(found.coordinates.separation(found.references[0].center).deg)] > 0.5


@pytest.mark.slow
def test_the_provenance_names_the_rows_and_makes_the_map_again(made, survey):
    read = Provenance.from_dict(json.loads(json.dumps(made.provenance.to_dict(), allow_nan=False)))
    assert read.recipe["rows_deg"] == 4.0
    again = skykin.map_again(read, survey=survey)
    assert again.tiles["score"].tobytes() == made.tiles["score"].tobytes()
    assert u.Quantity(again.tiles["lat"]).value.tobytes() == u.Quantity(made.tiles["lat"]).value.tobytes()

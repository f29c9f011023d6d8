"""Tests of an index: what it answers agrees with the maps and with the meter, and adds up."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from astropy.io import fits
from threadpoolctl import threadpool_limits
from typer.testing import CliRunner

import skykin
from skykin.cli.main import app
from skykin.core.area import SkyBox
from skykin.core.errors import IndexRefusedError, SkyError, UnknownNameError, UsageError
from skykin.core.extent import Extent
from skykin.core.footprint import Footprint
from skykin.core.settings import MapSettings
from skykin.indexing.facet_style import FacetMeter
from skykin.indexing.first_moments import FirstMomentsOfCells
from skykin.indexing.level import reaches
from skykin.indexing.moments import LayerScale, SumsOfCells, add_all, add_up
from skykin.indexing.second_moments import SKETCHED, Sketch
from skykin.jobs.examples import cut_in_context
from skykin.jobs.index import index_as
from skykin.jobs.search import stored_survey
from skykin.style.basis import fit_basis
from skykin.style.signature import flattened
from skykin.style.statistics.core_contrast import core_contrast
from skykin.style.statistics.covariance import covariance
from skykin.style.statistics.form import scale_of
from skykin.style.statistics.gram import gram
from skykin.style.statistics.mean_std import mean_std
from skykin.style.statistics.radial_profile import radial_profile
from skykin.tiling.grid import cut
from tests.skies import Patch, blob_survey

#: Little sky in few pixels.
SMALL = MapSettings(tile_size=30, spacing=15, pixels=32, area="170,240,-40,10", min_coverage=0.1)
MEAN_STD = replace(SMALL, recipe="mean-std")
CORES = MapSettings(tile_size=16, spacing=4, recipe="core-contrast", area="199,219,-27,-9")
SIN_8 = np.sin(np.radians(8))


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("SKYKIN_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="module")
def survey():
    return blob_survey()


def built(survey, folder, settings=MEAN_STD, **more):
    """Build an index of the survey by these settings."""
    return index_as(replace(settings, survey=survey), folder, **more)


def mapped(survey, settings=MEAN_STD):
    """Map the survey by the same settings."""
    return skykin.map_as(replace(settings, survey=survey), skykin.read_query("209,-19", turns=1, scales=1))


@pytest.fixture(scope="module")
def index(survey, tmp_path_factory):
    return built(survey, tmp_path_factory.mktemp("index") / "blobs.skykin")


@pytest.fixture(scope="module")
def contrasts(survey, tmp_path_factory):
    """An index of the contrast of cores."""
    with patch("skykin.jobs.streamed.STANDARD_TILES_IN_CONTEXT", 12):
        return built(survey, tmp_path_factory.mktemp("contrasts") / "cores", CORES, exact=True)


def _reference(index, survey):
    meter = index.meter()
    there = Footprint(209, -19, index.tile_deg)
    return meter(cut_in_context(index.sky(survey), there, index.pixels, meter.halo))


def _region(index, place):
    """The cells of an index that lie in a square of 16 degrees, as far as they do."""
    core = replace(place, width_deg=place.width_deg / 4, height_deg=place.height_deg / 4)
    return index.region(place.contains_deg, [core.contains_deg], Extent(place.lon_deg, place.lat_deg, 12))


def _added_up(index, place):
    """Style of a place, added up from cells."""
    return stored_survey(index, place).style_in("projection").likes[0]


def _cosines(index, style, layer):
    blocks = index.vectors(layer, style.kind)
    return np.concatenate([block @ style.vectors[layer] for _, block in blocks])


def test_cosines_read_from_an_index_are_those_of_the_map(index, survey):
    kin = mapped(survey)
    assert len(index) == len(kin.tiles) == 12
    np.testing.assert_allclose(index.tiles["lon"], kin.tiles["lon"])
    np.testing.assert_array_equal(index.tiles["name"], kin.tiles["name"])
    for column in ("coverage", "brightness", "mean_intensity", "area", "width", "height"):
        np.testing.assert_allclose(index.tiles[column].value, kin.tiles[column].value, rtol=1e-6)
    signature = _reference(index, survey)
    for layer in index.layers:
        exact = _cosines(index, index.project(signature, "exact"), layer)
        np.testing.assert_allclose(exact, kin.tiles[f"cosine_{layer}"], rtol=0, atol=1e-4)
        small = _cosines(index, index.project(signature), layer)
        np.testing.assert_allclose(small, kin.tiles[f"cosine_{layer}"], rtol=0, atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["radial-profile", "core-spread"])
def test_profiles_read_from_cells_are_those_of_the_map_and_can_be_searched_and_explained(
    survey, tmp_path, recipe
):
    settings = replace(CORES, recipe=recipe)
    with patch("skykin.jobs.streamed.STANDARD_TILES_IN_CONTEXT", 12):
        index, kin = built(survey, tmp_path / "profiles", settings), mapped(survey, settings)
    assert index.kinds == ("projection", "exact")
    truth = np.stack([kin.tiles[f"cosine_{layer}"] for layer in index.layers], axis=-1)
    signature = _reference(index, survey)
    for kind, within in (("exact", 1e-4), ("projection", 5e-3)):
        found = index.cosines([index.project(signature, kind)])[..., 0]
        np.testing.assert_allclose(found, truth, rtol=0, atol=within)
    one = {"turns": 1, "scales": 1, "survey": survey}
    answer = skykin.search(index, "209,-19", **one)
    assert np.corrcoef(answer.tiles["score"], kin.tiles["score"])[0, 1] > 0.95
    told = skykin.explain(index, "209,-19", 1, sample=2, **one)
    for layer, where in told.where.items():
        assert where.mean() == pytest.approx(told.cosines[layer], abs=1e-3)


def test_contrasts_of_cores_read_from_cells_are_those_of_the_map(contrasts, survey):
    assert contrasts.kinds == ("projection", "exact")
    assert contrasts.cell_deg == 2
    with patch("skykin.jobs.streamed.STANDARD_TILES_IN_CONTEXT", 12):
        kin = mapped(survey, CORES)
    np.testing.assert_array_equal(contrasts.tiles["name"], kin.tiles["name"])
    truth = np.stack([kin.tiles[f"cosine_{layer}"] for layer in contrasts.layers], axis=-1)
    signature = _reference(contrasts, survey)
    for kind, within in (("exact", 3e-4), ("projection", 5e-3)):
        style = contrasts.project(signature, kind)
        found = contrasts.cosines([style])[..., 0]
        np.testing.assert_allclose(found, truth, rtol=0, atol=within)
        rows = np.concatenate([block for _, block in contrasts.vectors(None, kind)])
        np.testing.assert_allclose(contrasts.rows([3, 0], kind), rows[[3, 0]], rtol=0, atol=1e-6)
        for number, (layer, columns) in enumerate(contrasts.columns(kind).items()):
            products = rows[:, columns].astype(np.float32) @ style.vectors[layer]
            np.testing.assert_allclose(found[:, number], products, rtol=0, atol=1e-5)
    # What a basis leaves out of a tile is little.
    for columns in contrasts.columns().values():
        assert np.linalg.norm(rows[:, columns], axis=1).min() > 0.98


def test_a_place_is_added_up_from_cells_as_far_as_they_lie_in_it(contrasts, survey):
    """Off the lattice, and to the style that the network gives it."""
    place = Footprint(209, -19, contrasts.tile_deg)
    truth = contrasts.project(_reference(contrasts, survey))
    found = _added_up(contrasts, place)
    for layer in contrasts.layers:
        assert found.vectors[layer] @ truth.vectors[layer] > 0.95
    covered = _region(contrasts, place).area_deg2 / (4 * np.degrees(np.degrees(np.arcsin(SIN_8**2))))
    assert 0.9 < covered < 1.01  # some cells belong to a facet outside the area
    away = [np.hypot(where.lon_deg - 209, where.lat_deg + 19) for where in contrasts.footprints]
    number = int(np.argmin(away))
    own = _added_up(contrasts, contrasts.footprints[number])
    for layer in contrasts.layers:
        assert own.vectors[layer] @ contrasts.tile(number).vectors[layer] > 0.98


@pytest.mark.slow
def test_every_query_works_on_contrasts(contrasts, survey, tmp_path):
    answer = skykin.search(contrasts, "209,-19", unlike=0, weight={contrasts.layers[0]: 2})
    assert np.isfinite(answer.tiles["score"]).all()
    with pytest.raises(SkyError, match="each of 20 tiles that scores could be scaled by overlaps the"):
        skykin.search(contrasts, "209,-19", csls=True)
    told = skykin.explain(contrasts, "209,-19", 5, sample=2, survey=survey)
    for where, cosine in zip(told.where.values(), told.cosines.values(), strict=True):
        assert np.mean(where) == pytest.approx(cosine, abs=1e-3)
    measured = skykin.search(contrasts, "209,-19", measure=True, survey=survey)
    plain = skykin.search(contrasts, "209,-19")
    assert np.corrcoef(measured.tiles["score"], plain.tiles["score"])[0, 1] > 0.98
    picture = replace(cut(contrasts.sky(survey), contrasts.footprints[5], 64), footprint=None)
    seen = skykin.search(contrasts, picture, pixel_scale=contrasts.tile_deg / 64)
    assert np.argmax(seen.tiles["score"]) == 5
    with pytest.raises(UsageError, match="request fewer"):
        skykin.neighbours(contrasts, 3)
    grown = shutil.copytree(contrasts.path, tmp_path / "grown")
    with patch("skykin.jobs.streamed.STANDARD_TILES_IN_CONTEXT", 12):
        area = replace(CORES, area="70,80,-5,5")
        again = built(survey, grown, area, append=True, exact=True)
    assert set(contrasts.tiles["name"]) < set(again.tiles["name"])
    assert len(skykin.neighbours(again, 1)) == len(again)


def test_what_an_index_of_contrasts_cannot_do_it_says(contrasts):
    assert contrasts.sizes_deg == (16,)
    with pytest.raises(UsageError, match="add up to tiles of one size only, 16°; leave out the pyramid"):
        skykin.search(contrasts, 3, pyramid=True)
    with pytest.raises(UsageError, match="core-contrast compares the core of a region with the rest of it"):
        contrasts.region(SkyBox(200, 218, -26, -10).contains)
    signature = _region(contrasts, Footprint(209, -19, contrasts.tile_deg)).signature
    with pytest.raises(UsageError, match="a projection, which has no exact vector; use projection$"):
        contrasts.project(signature, "exact")
    with pytest.raises(UsageError, match="cannot be brought to another survey by the recipe core-contrast"):
        contrasts.translate(contrasts, signature)


@pytest.mark.slow
@pytest.mark.wham
def test_what_is_near_on_the_real_sky_has_cores_that_are_near_in_few_directions(wham_path, tmp_path):
    index = skykin.index(wham_path, tmp_path / "wham", area="195,222,-30,-8", exact=True)
    assert index.recipe.name == "core-contrast"
    numbers = np.arange(0, len(index), 11)
    few, exact = (
        np.mean(index.cosines([index.tile(int(i), kind) for i in numbers]), axis=1)
        for kind in ("projection", "exact")
    )
    found = {10: [], 50: []}
    for column in range(len(numbers)):
        truth = np.argsort(-exact[:, column])[:10]
        for most, shares in found.items():
            shares.append(np.isin(truth, np.argsort(-few[:, column])[:most]).mean())
    assert np.mean(found[10]) > 0.93
    assert np.mean(found[50]) > 0.995
    assert np.quantile(np.abs(few - exact), 0.99) < 0.02


def test_rows_by_number_are_those_of_the_blocks(index):
    for kind in index.kinds:
        whole = np.concatenate([block for _, block in index.vectors(None, kind)])
        np.testing.assert_allclose(index.rows([7, 0, 11], kind), whole[[7, 0, 11]], rtol=0, atol=1e-6)
        for layer, columns in index.columns(kind).items():
            alone = np.concatenate([block for _, block in index.vectors(layer, kind)])
            np.testing.assert_array_equal(alone, whole[:, columns])
    with pytest.raises(UsageError, match="there is no tile 12; the index has tiles 0 to 11"):
        index.rows([12])
    with pytest.raises(UsageError, match="the index has no vectors 'sketch'; choose projection or exact"):
        index.rows([1], "sketch")


def test_the_format_page_alone_is_enough_to_read_a_tile(index):
    page = (Path(__file__).parents[2] / "docs" / "explain" / "index-format.md").read_text()
    (script,) = re.findall(r"```py\n(.*?)```", page, re.DOTALL)
    names = {}
    exec(compile(script, "index-format", "exec"), names)  # noqa: S102 - our own page
    for number in (0, 7, 11):
        tile, small, whole = names["read_tile"](index.path, number)
        assert tile["lon"] == index.tiles["lon"][number].value
        for kind, found in (("projection", small), ("exact", whole)):
            row = index.rows([number], kind)[0]
            for layer, columns in index.columns(kind).items():
                np.testing.assert_allclose(found[layer], row[columns], rtol=0, atol=1e-6)


def test_a_tile_of_the_index_finds_itself(index):
    style = index.tile(5, "exact")
    for layer in index.layers:
        cosines = _cosines(index, style, layer)
        assert cosines.argmax() == 5
        assert cosines[5] == pytest.approx(1, abs=1e-5)
        assert style.norms[layer] == index.norms(layer)[5]


def test_cells_add_up_to_what_was_measured_over_all_positions():
    rng = np.random.default_rng(3)
    features = rng.gamma(2, 2, (4, 6, 16, 5)) + np.arange(5) * 30  # cells (4, 6), 16 positions, channels
    weights = rng.random((4, 6, 16)) * (rng.random((4, 6, 1)) > 0.2)
    total = weights.sum(axis=2)
    safe = np.where(total > 0, total, 1)[..., None]
    mean = (weights[..., None] * features).sum(axis=2) / safe
    spread = np.sqrt((weights[..., None] * (features - mean[:, :, None]) ** 2).sum(axis=2) / safe)
    raw = np.concatenate([mean, spread], axis=-1)
    scale = raw.mean(axis=(0, 1)), raw.std(axis=(0, 1))
    offset, unit = (part.astype(np.float32) for part in scale)
    moments = FirstMomentsOfCells(mean_std, offset, unit, 10, compared=lambda x, _: x)
    cells = ((raw - scale[0]) / scale[1]).astype(np.float16)
    lat = np.zeros((3, 5))
    found = add_up(moments, cells, total, lat[:2, :3], reach=2, step=2)
    flat = features.reshape(2, 2, 3, 2, 16, 5).swapaxes(1, 2).reshape(2, 3, 64, 5)
    w = weights.reshape(2, 2, 3, 2, 16).swapaxes(1, 2).reshape(2, 3, 64, 1)
    average = (w * flat).sum(axis=2) / w.sum(axis=2)
    deviation = np.sqrt((w * (flat - average[:, :, None]) ** 2).sum(axis=2) / w.sum(axis=2))
    np.testing.assert_allclose(found[..., :5], average, rtol=1e-3)
    np.testing.assert_allclose(found[..., 5:], deviation, rtol=1e-3)
    group = add_all(moments, cells[:2, :2].reshape(1, 4, 10), total[:2, :2].reshape(1, 4), np.zeros(1))
    np.testing.assert_allclose(group[0], found[0, 0], rtol=1e-5)
    assert np.isnan(add_up(moments, cells, 0 * total, lat, reach=2, step=1)).all()


@pytest.mark.parametrize("statistic", [gram, covariance, mean_std, core_contrast, radial_profile], ids=repr)
def test_the_code_that_is_right_for_any_statistic_adds_cells_up_to_it(statistic):
    rng = np.random.default_rng(3)
    features = rng.gamma(2, 20, (64, 16, 16)).astype(np.float32)
    weights = (rng.random((16, 16)) * (rng.random((16, 16)) > 0.2)).astype(np.float32)
    expected = flattened(statistic(features, weights))
    layer = LayerScale("block1_conv1", statistic, 0 * expected, 0 * expected + 1, standard=None)
    moments = SumsOfCells.of(layer)
    # Cells of 2 × 2 positions.
    roots = np.sqrt(weights.reshape(8, 2, 8, 2).swapaxes(1, 2).reshape(8, 8, 4))
    cut = features.reshape(64, 8, 2, 8, 2).transpose(1, 3, 2, 4, 0).reshape(8, 8, 4, 64)
    cut = cut * roots[..., None] * (scale_of("block1_conv1") if layer.form.degree else 1)
    cells, total = np.zeros((8, 8, moments.width), np.float32), np.square(roots).sum(axis=-1)
    for cell, root, out in zip(
        cut.reshape(64, 4, 64), roots.reshape(64, 4), cells.reshape(64, -1), strict=True
    ):
        layer.form.fill(cell.T, root, out)
    cells /= np.where(total > 0, total, 1)[..., None]
    found = add_up(moments, cells, total, np.zeros((1, 1)), reach=8, step=1)
    assert found.shape == (1, 1, moments.compared_width)
    np.testing.assert_allclose(found[0, 0], expected, rtol=0, atol=1e-5 * np.abs(expected).max())
    group = add_all(moments, cells.reshape(1, 64, -1), total.reshape(1, 64), np.zeros(1))
    np.testing.assert_allclose(group[0], found[0, 0], rtol=1e-5, atol=1e-6 * np.abs(expected).max())


def test_strips_of_a_large_facet_change_nothing(monkeypatch):
    rng = np.random.default_rng(4)
    moments = FirstMomentsOfCells(
        mean_std, np.zeros(6, np.float32), np.ones(6, np.float32), 6, compared=lambda x, _: x
    )
    cells = rng.random((9, 7, 6)).astype(np.float16)
    how = (moments, cells, np.ones((9, 7)), np.zeros((4, 3)))
    whole = add_up(*how, reach=3, step=2)
    monkeypatch.setattr("skykin.indexing.moments.TOGETHER", 1)
    np.testing.assert_array_equal(add_up(*how, reach=3, step=2), whole)


def test_every_cell_of_a_region_counts_once(survey, tmp_path_factory, index):
    box = SkyBox(185, 225, -25, -5)
    found = index.region(box.contains)
    assert found.signature.finite
    assert found.area_deg2 == pytest.approx(found.cells * 15**2, rel=0.06)
    inside = [facet.cells[facet.cells["own"]] for facet in index._facets]
    lon, lat = (np.concatenate([cells[name] for cells in inside]) for name in ("lon", "lat"))
    assert found.cells == box.contains(lon, lat).sum()
    a, b = np.radians(lat), np.radians(lon)
    where = np.stack([np.cos(a) * np.cos(b), np.cos(a) * np.sin(b), np.sin(a)], axis=-1)
    gaps = where @ where.T - 2 * np.eye(len(where))
    assert np.degrees(np.arccos(gaps.max())) > 5  # no two cells of 15° on the same place


def test_a_region_that_is_a_tile_has_the_tiles_style(index):
    facet, number = index._facets[1], int(np.sum(index.counts[:1])) + 1
    row, cells = facet.tiles[1], facet.cells
    mine = (np.abs(cells["row"] - row["row"] - 0.5) < 1) & (np.abs(cells["column"] - row["column"] - 0.5) < 1)
    assert cells["own"][mine].tolist() == 4 * [True]
    places = {*zip(cells["lon"][mine].tolist(), cells["lat"][mine].tolist(), strict=True)}

    def contains(lon, lat):
        return [place in places for place in zip(lon.tolist(), lat.tolist(), strict=True)]

    style = index.project(index.region(contains).signature, "exact")
    for layer in index.layers:
        assert _cosines(index, style, layer)[number] == pytest.approx(1, abs=1e-4)


@pytest.mark.slow
def test_a_region_without_data_is_refused(index, survey, tmp_path):
    with pytest.raises(SkyError, match="no cell of the index is centred in the region .cells are 15° wide.;"):
        index.region(SkyBox(10, 60, 50, 80).contains)
    with pytest.raises(SkyError, match="no cell of the index is centred in the region"):
        index.region(SkyBox(200, 200.1, -20, -19.9).contains)
    holed = blob_survey(covered=lambda lon, lat: (abs(lon - 207) > 13) | (abs(lat + 22) > 13))
    other = built(holed, tmp_path / "holed", replace(MEAN_STD, area="190,225,-40,0"))
    with pytest.raises(SkyError, match=r"0 of 1 cells in the region have data; choose a region that"):
        other.region(SkyBox(203, 213, -27, -17).contains)


def test_the_pyramid_goes_down_to_single_cells(index, survey):
    assert index.sizes_deg == (30, 15)
    assert [reaches(k) for k in (8, 6, 3, 1)] == [[8, 4, 2, 1], [6, 3, 1], [3, 1], [1]]
    level = index.tiles_at(17)
    assert level.size_deg == 15
    assert len(level.tiles) >= len(index)
    assert level.tiles["width"].value == pytest.approx(15, rel=0.06)
    rows = np.concatenate([block for _, block in level.vectors(None, "exact")])
    assert len(rows) == len(level.tiles)
    standard = index.tiles_at(30)
    np.testing.assert_allclose(standard.tiles["lon"], index.tiles["lon"])
    for (_, one), (_, other) in zip(
        standard.vectors(None, "exact"), index.vectors(None, "exact"), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)
    # A cell's own style is that of the picture there, measured alone.
    number = int(np.argmin(np.hypot(level.tiles["lon"].value - 209, level.tiles["lat"].value + 19)))
    meter = replace(index.meter(), tile=16)
    place = level.tiles[number]
    there = Footprint(float(place["lon"].value), float(place["lat"].value), 15, turn_deg=0)
    alone = index.project(meter(cut_in_context(index.sky(survey), there, 16, meter.halo)), "exact")
    for layer in index.layers[:3]:
        columns = index.columns("exact")[layer]
        assert rows[number, columns] @ alone.vectors[layer] > 0.97


@pytest.mark.slow
def test_styles_travel_between_indexes_of_one_recipe(index, survey, tmp_path):
    other = built(survey, tmp_path / "other", replace(MEAN_STD, area="60,110,-20,20"))
    theirs = other.region(SkyBox(70, 100, -15, 15).contains).signature
    here = index.translate(other, theirs)
    back = other.translate(index, here)
    for layer in index.layers:
        np.testing.assert_allclose(back[layer], theirs[layer], rtol=0, atol=1e-3)
        raw = here[layer] * index.standard.spread[layer] + index.standard.mean[layer]
        same = theirs[layer] * other.standard.spread[layer] + other.standard.mean[layer]
        np.testing.assert_allclose(raw, same, rtol=1e-3, atol=1e-3 * np.abs(same).max())


def test_a_finished_index_is_left_as_it_is_and_copies_are_as_good(index, survey, tmp_path):
    before = {path: path.stat().st_mtime_ns for path in index.path.rglob("*.npy")}
    assert len(built(survey, index.path)) == len(index)
    assert {path: path.stat().st_mtime_ns for path in index.path.rglob("*.npy")} == before
    again = skykin.open_index(shutil.copytree(index.path, tmp_path / "copy"))
    assert again.verify() == sum(path.stat().st_size for path in before)
    assert again.describe()["tiles"] == "12 of 30°, 15° apart, 32 pixels"


@pytest.mark.slow
def test_an_index_of_covariances_answers_with_sketches(survey, tmp_path):
    settings = replace(SMALL, recipe="covariance", area="190,225,-30,0")
    index = built(survey, tmp_path / "cov", settings, exact=True)
    assert index.kinds == ("projection", "sketch", "exact")
    kin = mapped(survey, settings)
    signature = _reference(index, survey)
    for layer in index.layers:
        truth = np.asarray(kin.tiles[f"cosine_{layer}"])
        exact = _cosines(index, index.project(signature, "exact"), layer)
        np.testing.assert_allclose(exact, truth, rtol=0, atol=1e-3)
        sketched = _cosines(index, index.project(signature, "sketch"), layer)
        np.testing.assert_allclose(sketched, truth, rtol=0, atol=0.15)
    region = index.region(SkyBox(190, 225, -30, 0).contains)
    assert region.signature[index.layers[0]].size == SKETCHED
    assert np.isfinite(index.project(region.signature).vectors[index.layers[0]]).all()
    with pytest.raises(UsageError, match="the style is a sketch, which has no exact vector; use projection"):
        index.project(region.signature, "exact")
    # A tile is compared by whole vectors; a place, which is added up from sketches, by those.
    best = int(np.argmax(kin.tiles["score"]))
    tile, place = (skykin.search(index, what, survey=survey) for what in (best, "209,-19"))
    assert tile.tiles["score"][best] == pytest.approx(1, abs=1e-3)
    np.testing.assert_allclose(place.tiles["score"], kin.tiles["score"], rtol=0, atol=0.15)
    told = skykin.explain(index, "209,-19", best, sample=0, survey=survey)
    assert told.tile.score == place.tiles["score"][best]


@pytest.mark.slow
@pytest.mark.wham
def test_what_is_near_on_the_real_sky_is_near_in_sketches_and_projections(wham_path, tmp_path):
    settings = MapSettings(tile_size=15, pixels=64, recipe="covariance", area="180,240,-45,15")
    index = built(wham_path, tmp_path / "wham", settings, exact=True)
    scores = {}
    for kind in ("projection", "sketch", "exact"):
        rows = np.concatenate([np.asarray(block, np.float32) for _, block in index.vectors(None, kind)])
        parts = (rows[:, columns] @ rows[:, columns].T for columns in index.columns(kind).values())
        scores[kind] = sum(parts) / len(index.layers)
        np.fill_diagonal(scores[kind], -2)  # not itself
    truth = np.argsort(-scores["exact"])[:, :10]
    for kind in ("projection", "sketch"):
        best = np.argsort(-scores[kind])
        for first, least in ((10, 0.9), (50, 0.995)):
            found = [np.isin(a, b[:first]).mean() for a, b in zip(truth, best, strict=True)]
            assert np.mean(found) > least
        assert np.abs(scores[kind] - scores["exact"]).max() < 0.1


def test_sketches_keep_dot_products_on_average():
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(2, 400, 3000))
    y += 0.7 * x
    sketch = Sketch(3000)
    found = np.einsum("ij,ij->i", sketch(x), sketch(y))
    exact = np.einsum("ij,ij->i", x, y)
    lengths = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
    assert np.abs((found - exact) / lengths).mean() < 2 / np.sqrt(SKETCHED)
    assert abs(np.mean((found - exact) / lengths)) < 0.2 / np.sqrt(SKETCHED)
    # The published first numbers of SplitMix64 from 0 end in these; the last ten bits and the sign count.
    assert Sketch(3).matrix.indices.tolist() == [0xDCDAF % 1024, 0x965F4 % 1024, 0x9454F % 1024]
    assert Sketch(3).matrix.data.tolist() == [1, -1, -1]


def test_a_basis_holds_what_tells_tiles_apart():
    rng = np.random.default_rng(6)
    rows = rng.normal(size=(300, 6)) @ rng.normal(size=(6, 500)) + 1e-3 * rng.normal(size=(300, 500))
    rows /= np.linalg.norm(rows, axis=1)[:, None]
    basis = fit_basis(rows, 6)
    np.testing.assert_allclose(basis @ basis.T, np.eye(6), atol=1e-5)
    np.testing.assert_allclose((rows @ basis.T) @ (rows @ basis.T).T, rows @ rows.T, atol=1e-3)
    np.testing.assert_array_equal(fit_basis(rows[:, :100]), np.eye(100))


def test_a_recipe_that_changed_since_is_noticed(index, monkeypatch):
    changed = replace(index.recipe, combine="max")
    monkeypatch.setattr("skykin.indexing.facts.recipe", lambda name: changed)
    with pytest.raises(IndexRefusedError, match="was made with recipe 'mean-std' of key .* build the index"):
        _ = skykin.open_index(index.path).recipe


def _measured(monkeypatch):
    """The facets that are measured from now on."""
    measure, seen = FacetMeter.__call__, []

    def remembered(self, facet):
        seen.append(facet)
        return measure(self, facet)

    monkeypatch.setattr(FacetMeter, "__call__", remembered)
    return seen


def test_another_area_is_appended_and_the_first_is_not_measured_again(survey, tmp_path, monkeypatch):
    folder = tmp_path / "grows"
    first = built(survey, folder, replace(MEAN_STD, area="190,212,-40,5"))
    seen = _measured(monkeypatch)
    with pytest.raises(IndexRefusedError, match="give the same settings or another name, or append where"):
        built(survey, folder, replace(MEAN_STD, area="70,100,-15,15"))
    grown = built(survey, folder, replace(MEAN_STD, area="70,100,-15,15"), append=True)
    assert len(seen) == len(grown.counts) - len(first.counts) > 0
    assert set(first.tiles["name"]) < set(grown.tiles["name"])
    again = skykin.open_index(folder)
    rows = [list(again.tiles["name"]).index(name) for name in first.tiles["name"]]
    assert again.standard.mean[again.layers[0]].tolist() == first.standard.mean[first.layers[0]].tolist()
    np.testing.assert_array_equal(again.rows(rows, "exact"), first.rows(range(len(first)), "exact"))
    built(survey, folder, replace(MEAN_STD, area="70,100,-15,15"), append=True)
    assert len(seen) == len(grown.counts) - len(first.counts)


@pytest.mark.slow
def test_new_data_is_measured_where_it_changes_the_picture(survey, tmp_path, monkeypatch):
    folder = tmp_path / "grows"
    settings = replace(MEAN_STD, area="20,240,-10,10")
    holed = blob_survey(covered=lambda lon, lat: lon > 60)
    first = built(holed, folder, settings)
    seen = _measured(monkeypatch)
    about = replace(survey.about, source=replace(survey.about.source, sha256="2" * 64))
    grown = built(replace(survey, about=about), folder, settings, append=True)
    assert 0 < len(seen) < len(grown.counts)
    assert len(grown) > len(first)
    assert grown.provenance.survey["sha256"] == "2" * 64
    assert grown.provenance.rendering == first.provenance.rendering
    kept = {shard.file for shard in first.manifest.shards.values() if shard.name.startswith("moments-")}
    now = {shard.file for shard in grown.manifest.shards.values()}
    assert len(kept & now) >= len(grown.counts) - len(seen)


@pytest.mark.slow
def test_a_survey_of_a_part_of_the_sky_has_an_index(survey, tmp_path):
    part = Patch(survey, Extent(209, -18, 25))
    settings = MapSettings(tile_size=30, spacing=15, pixels=32, recipe="mean-std")
    index = built(part, tmp_path / "part", settings)
    kin = mapped(part, settings)
    np.testing.assert_array_equal(index.tiles["name"], kin.tiles["name"])
    assert index.extent == part.extent
    best = kin.tiles["name"][np.argmax(kin.tiles["score"])]
    here = index.project(index.region(lambda lon, lat: np.hypot(lon - 209, lat + 19) < 20).signature)
    score = sum(_cosines(index, here, layer) for layer in index.layers)
    assert index.tiles["name"][np.argmax(score)] == best


def test_a_survey_from_a_file_is_opened_again_wherever_the_two_lie(tmp_path):
    sky = tmp_path / "data"
    sky.mkdir()
    place = Footprint(209, -19, 30)
    values = blob_survey().sample(*place.pixel_positions((90, 90)))[0].sum(axis=-1)
    fits.PrimaryHDU(values.astype(np.float32), place.wcs((90, 90)).to_header()).writeto(sky / "sky.fits")
    settings = MapSettings(tile_size=20, spacing=10, pixels=32, recipe="mean-std", area="195,223,-30,-8")
    index = built(sky / "sky.fits", tmp_path / "sky.skykin", settings)
    (tmp_path / "elsewhere").mkdir()
    moved = [shutil.move(path, tmp_path / "elsewhere" / path.name) for path in (sky, index.path)]
    again = skykin.open_index(moved[1])
    rgb, coverage = again.sky().colours(np.array([209.0]), np.array([-19.0]))
    assert coverage[0] == 1
    assert rgb.max() > 0.5
    assert str(tmp_path) not in (moved[1] / "manifest.sqlite").read_bytes().decode("latin-1")


@pytest.fixture(scope="module")
def from_file(tmp_path_factory):
    """An index in one folder of a survey file in another."""
    here = tmp_path_factory.mktemp("from-file")
    (here / "data").mkdir()
    place = Footprint(209, -19, 30)
    values = blob_survey().sample(*place.pixel_positions((90, 90)))[0].sum(axis=-1)
    fits.PrimaryHDU(values.astype(np.float32), place.wcs((90, 90)).to_header()).writeto(
        here / "data" / "sky.fits"
    )
    settings = MapSettings(tile_size=20, spacing=10, pixels=32, recipe="mean-std", area="195,223,-30,-8")
    built(here / "data" / "sky.fits", here / "made" / "sky.skykin", settings)
    return here


@pytest.mark.parametrize(
    "where",
    ["beside/sky.fits", "beside/data/sky.fits", "beside/renamed.fits", "here/sky.fits", "here/x/other.fit"],
)
def test_a_moved_index_finds_its_survey_by_name_or_hash(from_file, tmp_path, monkeypatch, where):
    (tmp_path / where).parent.mkdir(parents=True)
    (tmp_path / "here").mkdir(exist_ok=True)
    monkeypatch.chdir(tmp_path / "here")
    index = skykin.open_index(
        shutil.copytree(from_file / "made" / "sky.skykin", tmp_path / "beside" / "sky.skykin")
    )
    decoy = from_file / "data" / "sky.fits"
    (tmp_path / "beside" / "decoy.fits").write_bytes(decoy.read_bytes()[:-1] + b"x")  # of the same size
    shutil.copy(decoy, tmp_path / where)
    assert index.sky().colours(np.array([209.0]), np.array([-19.0]))[1][0] == 1
    (tmp_path / where).unlink()
    with pytest.raises(
        UnknownNameError,
        match="'sky.fits', is neither where it was nor beside the index or here; give its place with --sur",
    ):
        index.sky()


def test_a_moved_index_takes_its_survey_and_no_other(from_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    index = skykin.open_index(
        shutil.copytree(from_file / "made" / "sky.skykin", tmp_path / "a" / "sky.skykin")
    )
    far = shutil.copy(from_file / "data" / "sky.fits", tmp_path.parent / f"{tmp_path.name}.fits")
    wanted = index.sky(far).colours(np.array([209.0]), np.array([-19.0]))[0]
    found = index.search("209,-19", survey=str(far), top_fraction=0.5)
    np.testing.assert_array_equal(found.source.sky.colours(np.array([209.0]), np.array([-19.0]))[0], wanted)
    with fits.open(far, mode="update") as hdus:
        hdus[0].data[0, 0] += 1
    with pytest.raises(IndexRefusedError, match="is of 'sky.fits' with sha256 .*, but 'test.*fits' has"):
        index.sky(far)
    runner = CliRunner()
    told = runner.invoke(app, ["search", str(index.path), "-r", "209,-19", "--survey", str(far)])
    assert (told.exit_code, "IX-MISMATCH" in told.output) == (5, True)

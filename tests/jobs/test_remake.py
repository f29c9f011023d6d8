"""A map made again: nulls, changes and injections."""

import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable

import skykin
from skykin.catalogue.object_lists import ObjectList
from skykin.core.area import AreaUnion, SkyBox, read_area
from skykin.core.footprint import Footprint
from skykin.core.picture import Picture
from skykin.core.progress import SilentProgress
from skykin.evaluation.tile_centres import TileCentres
from skykin.jobs.evaluate import evaluate
from skykin.jobs.evaluated_map import EvaluatedMap, evaluated_map
from skykin.jobs.injections import copy_width_deg, injections, plan, reference_copy
from skykin.jobs.remake import (
    NULLS,
    Change,
    PhaseRandomiser,
    empty_place,
    quarter_turn,
    remade,
    remade_all,
    tiles_of,
)
from skykin.style.network.weights import load_weights, random_weights
from tests.kinds import provenance
from tests.skies import BLOBS, blob_survey

CENTRES = TileCentres.healpix(4)


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SKYKIN_CACHE", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def evaluated():
    kin = skykin.map(blob_survey(nside=32), recipe="poster", tile_size=50, pixels=32, spacing=22, jobs=1)
    return EvaluatedMap(kin.tiles, kin.provenance, kin.sky.survey)


@pytest.mark.slow
def test_a_map_made_again_without_a_change_has_the_same_scores(evaluated, own_cache):
    again = remade(evaluated, Change("as it is"), 1, SilentProgress())
    np.testing.assert_allclose(again.score, evaluated.score, atol=1e-6)
    assert evaluated.settings(1).tile_size_deg == 50
    kept = remade(evaluated, Change("as it is"), 1, SilentProgress())
    np.testing.assert_array_equal(kept.score, again.score)


@pytest.mark.slow
def test_other_references_read_together_score_as_each_alone(own_cache, monkeypatch):
    monkeypatch.setattr("skykin.jobs.streamed.STANDARD_TILES_IN_CONTEXT", 8)
    settings = {"tile_size": 50, "pixels": 32, "spacing": 50, "engine": "shared", "jobs": 1}
    kin = skykin.map(blob_survey(nside=32), recipe="mean-std", **settings)
    evaluated = EvaluatedMap(kin.tiles, kin.provenance, kin.sky.survey)
    changes = [
        Change("as it is"),
        Change("elsewhere", query=skykin.read_query("285,-1")),
        Change("turned", alter_reference=quarter_turn),
    ]
    read = []
    with monkeypatch.context() as patch:
        patch.setattr("skykin.jobs.streamed.StreamedSurvey.scores", lambda *a, **k: read.append(1))
        together = remade_all(evaluated, changes, 1, SilentProgress())
    assert not read
    monkeypatch.setenv("SKYKIN_CACHE", str(own_cache / "other"))
    for change, one in zip(changes, together, strict=True):
        alone = remade(evaluated, change, 1, SilentProgress())
        np.testing.assert_allclose(one.score, alone.score, atol=1e-6)
        np.testing.assert_array_equal(one.centres.lon_deg, alone.centres.lon_deg)
        np.testing.assert_array_equal(one.positions, alone.positions)
    np.testing.assert_allclose(together[0].score, evaluated.score, atol=1e-6)


@pytest.mark.slow
def test_a_map_of_a_part_of_the_sky_is_made_again_for_that_part_alone(own_cache):
    area = SkyBox(160, 260, -60, 30)
    settings = {"tile_size": 50, "pixels": 32, "spacing": 22, "recipe": "poster", "jobs": 1}
    kin = skykin.map(blob_survey(nside=32), area="160,260,-60,30", **settings)
    assert kin.provenance.grid["area"] == area.to_dict()
    evaluated = EvaluatedMap(kin.tiles, kin.provenance, kin.sky.survey)
    assert evaluated.area == evaluated.settings(1).area == area
    for change in (Change("as it is"), Change("elsewhere", query=skykin.read_query("285,-1"))):
        again = remade(evaluated, change, 1, SilentProgress())
        np.testing.assert_allclose(again.centres.lon_deg, evaluated.centres.lon_deg, atol=1e-9)
        np.testing.assert_allclose(again.centres.lat_deg, evaluated.centres.lat_deg, atol=1e-9)
        if change.query is None:
            np.testing.assert_allclose(again.score, evaluated.score, atol=1e-6)


@pytest.mark.slow
def test_the_answer_of_an_index_of_an_area_is_made_again_for_that_area_alone(
    asked_survey, own_cache, monkeypatch
):
    monkeypatch.setattr("skykin.jobs.streamed.STANDARD_TILES_IN_CONTEXT", 12)  # as the index was built
    survey, index = asked_survey
    kin = skykin.search(index, "209,-19", measure=True, survey=survey)
    evaluated = evaluated_map(kin, survey=None, survey_option=None, bands=None, progress=SilentProgress())
    assert index.area == evaluated.area == SkyBox(195, 250, -32, 6)
    assert evaluated.provenance.grid["area"] == index.area.to_dict()
    changes = [Change("as it is"), Change("elsewhere", query=skykin.read_query("230,-10"))]
    made = remade_all(evaluated, changes, 1, SilentProgress())
    for each in made:
        np.testing.assert_allclose(each.centres.lon_deg, evaluated.centres.lon_deg, atol=1e-9)
        np.testing.assert_allclose(each.centres.lat_deg, evaluated.centres.lat_deg, atol=1e-9)
    np.testing.assert_allclose(made[0].score, evaluated.score, atol=1e-4)


def test_the_areas_of_an_index_that_grew_are_one_area():
    boxes = SkyBox(350, 10, -5, 5), SkyBox(100, 120, 20, 40)
    area = AreaUnion(boxes)
    assert read_area(area.to_dict()) == area
    assert read_area(boxes[0].to_dict()) == boxes[0]
    assert EvaluatedMap(QTable(), provenance(grid={"area": area.to_dict()}), None).area == area
    assert EvaluatedMap(QTable(), provenance(grid={"area": None}), None).area is None
    lon, lat = np.array([0.0, 110.0, 110.0, 50.0]), np.array([0.0, 30.0, 0.0, 30.0])
    assert area.contains(lon, lat).tolist() == [True, True, False, False]


@pytest.mark.slow
def test_an_injected_copy_of_the_reference_raises_the_score(evaluated, own_cache):
    found = injections(evaluated, 3, 1, 1, SilentProgress())
    table, changes = found.copies, found.changes
    assert (np.asarray(table["score"]) > np.asarray(table["score_before"])).all()
    assert ((np.asarray(table["scale"]) >= 0.3) & (np.asarray(table["scale"]) <= 1)).all()
    assert (np.abs(table["lat_deg"]) > 10).all()
    assert [one.footprint for one in plan(evaluated, 3, 1)] == [
        one.footprint for one in plan(evaluated, 3, 1)
    ]
    assert plan(evaluated, 3, 1)[0].footprint != plan(evaluated, 3, 2)[0].footprint
    assert list(changes["change"][:2]) == ["nothing, on the centre of a tile", "nothing"]
    assert changes["change"][-1] == "all"
    assert changes["found"][-1] == np.mean(table["found"])
    assert list(changes["n"][:8]) == [3] * 8
    assert sum(changes["n"][-4:-1]) == 3


@pytest.mark.slow
def test_the_copy_fades_to_nothing_and_noise_is_only_on_it(evaluated):
    copy = reference_copy(evaluated.survey, evaluated.reference)
    assert copy.values.min() == 0
    assert max(copy.values[0].max(), copy.values[:, 0].max()) < 0.01 * copy.values.max()
    one = plan(evaluated, 1, 0)[0]
    noisy = copy.patch(one, 1.0, np.full(3, 0.5)).values
    assert noisy[0].max() < 0.05 * copy.values.max()
    assert noisy.std() > 0
    same = copy.patch(one.unchanged(), 1.0, np.full(3, 0.5))
    np.testing.assert_allclose(same.values, copy.values, atol=1e-5)
    assert same.footprint.turn_deg == 0


def test_a_copy_lies_on_nothing_and_keeps_its_holes():
    """A disc of 10 on a plane of 3, with a hole in the disc."""

    class Plane:
        def sample(self, lon, lat):
            away = np.hypot(lon - 100, lat)
            values = np.where(away < 2, 10.0, 3.0)[..., None] * np.ones(3)
            return values.astype(np.float32), (np.hypot(lon - 101, lat) > 0.3).astype(np.float32)

    copy = reference_copy(Plane(), Footprint(100.0, 0.0, 6.0))
    assert copy.values[96, 96] == pytest.approx(7.0)
    assert copy.values[20, 96] == pytest.approx(0.0)
    pixel_deg = copy_width_deg(Footprint(100.0, 0.0, 6.0)) / 192
    assert copy.hidden.sum() * pixel_deg**2 == pytest.approx(np.pi * 0.09, rel=0.2)
    assert not copy.without_holes().hidden.any()


@pytest.mark.slow
def test_the_empty_place_is_the_darkest_far_from_the_plane(evaluated):
    lon, lat = map(float, empty_place(evaluated).split(","))
    assert abs(lat) >= 40
    dark, _ = evaluated.survey.sample(np.array(lon), np.array(lat))
    assert dark.sum() < 4 < evaluated.survey.sample(np.array(BLOBS[0][0]), np.array(BLOBS[0][1]))[0].sum()


def test_a_null_measured_tile_by_tile_takes_the_tiles_of_the_objects_and_some_others(monkeypatch):
    monkeypatch.setattr("skykin.jobs.remake.MOST_TILES", 40)
    lon, lat, area = (getattr(CENTRES, name) for name in ("lon_deg", "lat_deg", "area"))
    score = np.where(lat > 80, np.nan, 0.5)
    tiles = QTable({"lon": lon * u.deg, "lat": lat * u.deg, "area": area, "score": score})
    evaluated = EvaluatedMap(tiles, provenance(), None)
    objects = ObjectList("three", ("a", "b", "c"), lon[[5, 70, 71]], lat[[5, 70, 71]], np.full(3, np.nan))
    rows = tiles_of(evaluated, [objects], 0)
    assert len(rows) == 40
    assert {70, 71} < set(rows)
    assert np.isfinite(score[rows]).all()
    np.testing.assert_array_equal(rows, np.unique(rows))
    np.testing.assert_array_equal(rows, tiles_of(evaluated, [objects], 0))
    assert not np.array_equal(rows, tiles_of(evaluated, [objects], 1))


def test_the_same_picture_becomes_the_same_noise():
    rng = np.random.default_rng(0)
    one, other = (
        Picture(
            (0.5 + 0.02 * rng.standard_normal((32, 32, 3))).astype(np.float32), np.ones((32, 32), np.float32)
        )
        for _ in range(2)
    )
    made = PhaseRandomiser(1)(one).rgb
    np.testing.assert_allclose(made.mean(axis=(0, 1)), one.rgb.mean(axis=(0, 1)), atol=1e-3)
    assert abs(np.corrcoef(made.ravel(), one.rgb.ravel())[0, 1]) < 0.2
    np.testing.assert_array_equal(made, PhaseRandomiser(1)(one).rgb)
    assert not np.array_equal(made, PhaseRandomiser(2)(one).rgb)
    assert not np.array_equal(made, PhaseRandomiser(1)(other).rgb)


def test_random_weights_have_the_shapes_of_the_trained_ones_and_he_spread():
    drawn = random_weights(0)
    for layer, own in load_weights().items():
        assert drawn[layer].kernel.shape == own.kernel.shape
        assert not drawn[layer].bias.any()
    kernel = drawn["block3_conv1"].kernel
    assert kernel.std() == pytest.approx(np.sqrt(2 / (9 * 128)), rel=0.01)
    np.testing.assert_array_equal(kernel, random_weights(0)["block3_conv1"].kernel)


@pytest.mark.slow
def test_nulls_and_changes_are_all_reported(evaluated, own_cache):
    rng = np.random.default_rng(0)
    lon, lat = rng.uniform(0, 360, 12), rng.uniform(-60, 60, 12)
    objects = QTable({"lon_deg": lon, "lat_deg": lat})
    kin = skykin.map(blob_survey(nside=32), recipe="poster", tile_size=50, pixels=32, spacing=22, jobs=2)
    result = evaluate(kin, [objects], rotations=30, nulls=True, stability=True, injections=2, jobs=2)
    assert result.nulls == NULLS
    assert set(NULLS) < set(result.rankings)
    changes = dict(zip(result.stability["change"], result.stability["correlation"], strict=True))
    assert len(changes) == 11
    assert changes["reference Orion"] == pytest.approx(1.0, abs=1e-9)
    assert all(np.isfinite(list(changes.values())))

"""A rule learnt from examples: what it may learn, what it must not, and how it is tested."""

import numpy as np
import pytest

import skykin
from skykin.core.errors import DataQualityError, ResourceError, UsageError
from skykin.core.progress import SilentProgress
from skykin.evaluation.learning import (
    Examples,
    block_of,
    held_out_scores,
    learnt_scores,
    unit_vectors_of,
)
from skykin.jobs.evaluated_map import evaluated_map
from skykin.jobs.learn import tile_styles
from skykin.jobs.remake import Change, streamed
from skykin.products.map_folder import read_map_folder
from skykin.scale.store import WorkStore
from skykin.style.signature import layer_cosines
from skykin.style.similarity import combine
from tests.skies import blob_survey

pytest.importorskip("sklearn")

rng = np.random.default_rng(0)
N = 600
LON, LAT = rng.uniform(0, 360, N), rng.uniform(-80, 80, N)
POSITIVE = np.zeros(N, bool)
POSITIVE[:60] = True
#: Two numbers tell positives; eighteen are noise.
FEATURES = np.where(POSITIVE[:, None] & (np.arange(20) < 2), 1.5, 0) + rng.normal(size=(N, 20))
ALL = Examples(np.arange(N), POSITIVE)


def wins(score):
    return np.mean(score[POSITIVE][:, None] > score[~POSITIVE])


def test_a_rule_finds_what_the_examples_have_in_common_where_it_saw_none_of_them():
    score = held_out_scores(FEATURES, LON, LAT, ALL, 5.0)
    assert wins(score) > 0.85
    assert wins(score) <= wins(learnt_scores(FEATURES, ALL))


def test_a_rule_from_shuffled_examples_finds_nothing_where_it_is_held_out():
    shuffled = Examples(np.arange(N), rng.permutation(POSITIVE))
    noise = rng.normal(size=(N, 20))
    score = held_out_scores(noise, LON, LAT, shuffled, 5.0)
    own = score[shuffled.positive][:, None] > score[~shuffled.positive]
    assert abs(own.mean() - 0.5) < 0.12


def test_the_examples_of_a_block_do_not_change_its_scores():
    changed = FEATURES.copy()
    mine = block_of(LON) == 3
    swapped = Examples(np.arange(N), np.where(mine, ~POSITIVE, POSITIVE))
    before = held_out_scores(FEATURES, LON, LAT, ALL, 5.0)
    after = held_out_scores(changed, LON, LAT, swapped, 5.0)
    np.testing.assert_array_equal(before[mine], after[mine])
    assert not np.allclose(before[~mine], after[~mine])


def test_the_strength_of_a_style_cannot_be_learnt():
    layers = [rng.normal(size=(5, 3)), rng.normal(size=(5, 4))]
    strong = [layer * np.arange(1, 6)[:, None] for layer in layers]
    np.testing.assert_allclose(unit_vectors_of(layers), unit_vectors_of(strong), rtol=1e-6)
    assert np.isnan(unit_vectors_of([np.zeros((1, 3))])).all()


def test_too_few_examples_or_too_near_each_other_are_refused():
    with pytest.raises(
        DataQualityError, match=r"only 4 positive examples lie on the map; a rule needs at least 5"
    ):
        Examples(np.arange(40), np.arange(40) < 4).check(LON)
    near = np.concatenate([np.full(6, 10.0), LON[6:]])
    with pytest.raises(DataQualityError, match=r"lie in 1 blocks of 30° of longitude"):
        Examples(np.arange(40), np.arange(40) < 6).check(near)


@pytest.mark.slow
def test_a_map_whose_styles_do_not_fit_into_memory_is_refused(sky_map, monkeypatch):
    monkeypatch.setattr("skykin.jobs.learn.MOST_BYTES", 2**10)
    with pytest.raises(ResourceError, match="use a map by core-contrast or mean-std"):
        skykin.learn(sky_map, ["0,0", "60,0", "120,0", "180,0", "240,0"], jobs=1)


@pytest.fixture(scope="module")
def sky_map():
    return skykin.map(
        survey=blob_survey(), reference="209,-19", recipe="mean-std", tile_size=30, spacing=15, pixels=32,
        engine="tiles", jobs=1,
    )  # fmt: skip


@pytest.mark.slow
def test_the_styles_of_the_tiles_are_those_that_the_map_compared(sky_map, tmp_path):
    evaluated = evaluated_map(sky_map, survey=None, survey_option=None, bands=None, progress=SilentProgress())
    styles = tile_styles(evaluated, 1, SilentProgress())
    store = WorkStore.of(tmp_path, {})
    made = streamed(evaluated, Change("as it was"), evaluated.settings(1), store, SilentProgress())
    (reference,) = made.style(evaluated.query.for_tiles(30, made.projection)).likes
    layers = list(reference)
    for row in (0, 7, 20):
        own = {layer: styles[i][row] for i, layer in enumerate(layers)}
        cosines = list(layer_cosines(own, reference).values())
        assert combine(cosines, "mean") == pytest.approx(sky_map.tiles["score"][row], abs=1e-5)


@pytest.mark.slow
def test_learning_from_named_places_writes_a_folder_that_reads_as_a_map(sky_map, tmp_path):
    places = [f"{lon},{lat}" for lon, lat in zip(range(0, 360, 20), [-30, 0, 30] * 6, strict=True)]
    others = [f"{lon},{lat}" for lon, lat in zip(range(10, 370, 30), [-65, 65] * 6, strict=True)]
    rule = skykin.learn(sky_map, places, negative=others, jobs=1, output=tmp_path / "rule")
    assert rule.n_positive == len(set(zip(rule.tiles["lon"][rule.tiles["example"] == 1], strict=True)))
    assert set(rule.auc_lat()) >= {"rule, held out", "−|b|", "mean intensity"}
    assert rule.auc_lat()["−|b|"][0] == pytest.approx(0.5)
    assert "negative examples; every place is scored by a rule that saw no example" in rule.sentences()[0]
    read = read_map_folder(tmp_path / "rule")
    assert read.provenance.recipe["name"] == "learnt rule"
    assert {"fitted", "example", "share_cosine"} <= set(read.tiles.colnames)
    again = skykin.Learnt.read(tmp_path / "rule")
    order = np.argsort(rule.tiles["rank"])
    for name in rule.tiles.colnames:
        np.testing.assert_array_equal(again.tiles[name], rule.tiles[name][order])
    for name in rule.numbers.colnames:
        np.testing.assert_array_equal(again.numbers[name], rule.numbers[name])
    assert again.follows == pytest.approx(rule.follows, abs=0, nan_ok=True)
    assert list(again.follows) == list(rule.follows)
    assert again.sentences() == rule.sentences()
    value, low, high = rule.auc_lat()["rule, held out"]
    assert repr(again).startswith(
        f"<Learnt: a rule from {rule.n_positive} positive and {rule.n_negative} neg"
    )
    assert f"AUC_lat {value:.3f} [{low:.3f}, {high:.3f}] where held out>" in repr(again)
    assert again._repr_html_().count("data:image/png;base64,") == 1


@pytest.mark.slow
def test_learning_without_examples_is_refused(sky_map):
    sentence = "give the positive examples either as --positive, several times, or as one --positives list"
    with pytest.raises(UsageError, match=sentence):
        skykin.learn(sky_map)
    with pytest.raises(UsageError, match=sentence):
        skykin.learn(sky_map, ["orion"], positives="sharpless")

"""Objects against the same objects turned: the laws that make the number honest."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest, mannwhitneyu

from skykin.core.errors import DataQualityError, UsageError
from skykin.core.sphere import directions
from skykin.evaluation.auc import auc, auc_between, auc_in_rows, auc_turned
from skykin.evaluation.measurement import Measurement
from skykin.evaluation.recall import recalls
from skykin.evaluation.tile_centres import TileCentres
from skykin.evaluation.turned import TurnedObjects
from skykin.evaluation.zone import ALL_SKY, OFF_PLANE, PLANE

TILES = TileCentres.healpix(16)
REFERENCE = (209.0, -17.5)


def random_places(number, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 360, number), np.degrees(np.arcsin(rng.uniform(-1, 1, number)))


def near(lon_deg, lat_deg, radius_deg=6.0):
    """A score that is the list itself: high near its objects, falling with distance."""
    dot = directions(TILES.lon_deg, TILES.lat_deg) @ directions(lon_deg, lat_deg).T
    return np.exp(-0.5 * (np.degrees(np.arccos(np.clip(dot, -1, 1))) / radius_deg) ** 2).max(axis=1)


def placed(number=40, seed=0, **options):
    return TurnedObjects.on(TILES, *random_places(number, seed), reference=REFERENCE, **options)


@settings(max_examples=12)
@given(st.integers(2, 60), st.integers(0, 1000))
def test_latitude_alone_gets_exactly_one_half(number, seed):
    objects = placed(number, seed, turns=12)
    for measure in (auc_turned, auc_in_rows):
        measured = measure(objects, objects.latitude_score())
        assert measured.value == pytest.approx(0.5, abs=1e-12)
        np.testing.assert_allclose(measured.draws, 0.5, atol=1e-12)


def test_latitude_of_the_tiles_gets_one_half_to_the_size_of_a_tile():
    measured = auc_turned(placed(300), -np.abs(TILES.lat_deg))
    assert measured.value == pytest.approx(0.5, abs=0.02)


def test_a_score_that_is_the_catalogue_gets_nearly_one():
    objects = placed(8)
    for measure in (auc_turned, auc_in_rows):
        measured = measure(objects, near(objects.lon_deg, objects.lat_deg, 3.0))
        assert measured.value > 0.97
        assert measured.p == pytest.approx(1 / 301)


def test_its_opposite_gets_nearly_zero():
    objects = placed(8)
    assert auc_turned(objects, -near(objects.lon_deg, objects.lat_deg, 3.0)).value < 0.03


def test_every_turn_judged_against_the_others_averages_to_one_half():
    objects = placed(30)
    measured = auc_turned(objects, np.random.default_rng(1).random(len(TILES)))
    assert np.append(measured.null, measured.value).mean() == pytest.approx(0.5, abs=0.002)


def test_each_turn_is_judged_as_the_test_of_mann_and_whitney_does():
    objects = TurnedObjects.on(TILES, *random_places(30))
    score = np.random.default_rng(2).random(len(TILES)).round(1)  # with ties
    values = objects.values(score)
    turned = values[:, 1:][np.isfinite(values[:, 1:])]
    expected = mannwhitneyu(values[:, 0], turned).statistic / (len(objects) * turned.size)
    measured = auc_turned(objects, score)
    assert measured.value == pytest.approx(expected, abs=1e-12)
    for turn in (1, 150, 300):
        mine = values[:, turn][np.isfinite(values[:, turn])]
        rest = np.delete(values, turn, axis=1)
        rest = rest[np.isfinite(rest)]
        expected = mannwhitneyu(mine, rest).statistic / (mine.size * rest.size)
        assert measured.null[turn - 1] == pytest.approx(expected, abs=1e-12)


@pytest.mark.slow  # loading scikit-learn takes longer than all the rest
def test_scikit_learn_gives_the_same_area():
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(3)
    first, second = rng.normal(0.3, 1, 50).round(1), rng.normal(0, 1, 70).round(1)
    expected = metrics.roc_auc_score(np.repeat([1, 0], [50, 70]), np.concatenate([first, second]))
    assert auc(first, second) == pytest.approx(expected, abs=1e-12)
    assert np.isnan(auc(first, [np.nan]))


def test_the_share_of_turns_that_do_as_well_is_uniform_for_random_lists():
    score = near(*random_places(30, 99), 10.0)  # smooth: neighbouring turns are alike
    p = [auc_turned(placed(20, seed, turns=60), score).p for seed in range(80)]
    assert kstest(p, "uniform").pvalue > 0.01


def test_a_random_score_lies_within_its_interval_as_often_as_it_says():
    rng = np.random.default_rng(4)
    inside = []
    for seed in range(50):
        objects = placed(60, seed, turns=40)
        low, high = auc_turned(objects, rng.random(len(TILES)), seed=seed).interval
        inside.append(low <= 0.5 <= high)
    assert 0.9 <= np.mean(inside) <= 1.0


def test_objects_and_sky_near_the_reference_are_left_out_on_both_sides():
    lon, lat = np.array([209.0, 215.0, 80.0]), np.array([-17.5, -10.0, -17.5])
    objects = TurnedObjects.on(TILES, lon, lat, reference=REFERENCE)
    assert objects.rows.tolist() == [2]
    turned_lon = (80.0 + np.arange(301) * 360 / 301) % 360
    dot = directions(turned_lon, np.full(301, -17.5)) @ directions(*REFERENCE)
    close = np.degrees(np.arccos(np.clip(dot, -1, 1))) <= 12
    assert close.any()
    np.testing.assert_array_equal(objects.tile[0] < 0, close)
    dot = directions(TILES.lon_deg, TILES.lat_deg) @ directions(*REFERENCE)
    np.testing.assert_array_equal(objects.sky, np.degrees(np.arccos(np.clip(dot, -1, 1))) > 12)


def test_what_lies_off_the_map_or_has_no_score_is_left_out():
    north = TILES.lat_deg > 0
    tiles = TileCentres(TILES.lon_deg[north], TILES.lat_deg[north], TILES.area[north])
    objects = TurnedObjects.on(tiles, [10.0, 20.0, 30.0], [30.0, -30.0, 50.0])
    assert objects.rows.tolist() == [0, 2]
    score = np.where(tiles.lat_deg > 45, np.nan, 1.0)
    assert objects.scored(score).rows.tolist() == [0]
    with pytest.raises(DataQualityError, match="1 of 2 objects lie where the map has no score; leave them"):
        auc_turned(objects, score)


def test_an_object_whose_turned_places_all_lack_a_score_adds_nothing():
    objects = TurnedObjects.on(TILES, [10.0], [30.0])
    score = np.full(len(TILES), np.nan)
    score[objects.tile[0, 0]] = 1.0
    elsewhere = objects.tile[0] != objects.tile[0, 0]
    assert elsewhere.any()
    far = TurnedObjects(
        objects.lon_deg,
        objects.lat_deg,
        objects.rows,
        np.where(elsewhere | (np.arange(301) == 0), objects.tile, -1),
        objects.sky,
    )
    for measure in (auc_turned, auc_in_rows):
        assert np.isnan(measure(far, score).value)
    assert np.isnan(auc_turned(objects.keep(np.array([False])), score).value)


def test_a_score_that_fits_nothing_is_refused():
    with pytest.raises(UsageError, match=r"shape \(7,\) fits neither 3072 tiles nor"):
        auc_turned(placed(5), np.zeros(7))
    with pytest.raises(UsageError, match="cannot be turned 0 times; use at least 1"):
        placed(5, turns=0)
    with pytest.raises(UsageError, match="every object needs a finite position"):
        TurnedObjects.on(TILES, [np.nan], [0.0])


def test_zones_part_the_sky():
    lat = np.array([-90, -5.001, -5, 0, 5, 5.001, 90])
    assert ALL_SKY.contains(lat).all()
    np.testing.assert_array_equal(OFF_PLANE.contains(lat), [True, True, False, False, False, True, True])
    np.testing.assert_array_equal(PLANE.contains(lat), ~OFF_PLANE.contains(lat))


def test_recall_counts_objects_in_the_best_part_of_the_zones_sky():
    objects = placed(10).within(OFF_PLANE)
    score = near(objects.lon_deg, objects.lat_deg, 3.0)
    low, high = recalls(objects, TILES, score, [0.001, 0.2], OFF_PLANE)
    assert high.value == 1.0
    assert low.p < 0.02
    assert 0.1 < low.value < 1.0
    everything = recalls(objects, TILES, np.zeros(len(TILES)), [0.2, 1.0], OFF_PLANE)
    assert [each.value for each in everything] == [0.0, 1.0]  # a constant finds nothing early


def test_recall_is_within_the_rotation_band_for_a_random_score():
    objects = placed(200)
    measured = recalls(objects, TILES, np.random.default_rng(5).random(len(TILES)), [0.1])[0]
    assert measured.null.mean() == pytest.approx(0.1, abs=0.01)
    assert measured.null_band[0] <= measured.value <= measured.null_band[1]


def test_two_lists_are_compared_with_blocks_of_both():
    first, second = placed(40, 1), placed(30, 2)
    score = np.random.default_rng(6).random(len(TILES))
    measured = auc_between(first, second, score)
    columns = zip(first.values(score).T[1:], second.values(score).T[1:], strict=True)
    np.testing.assert_allclose(measured.null, [auc(x, y) for x, y in columns], rtol=1e-12)
    expected = auc(score[first.tile[:, 0]], score[second.tile[:, 0]])
    assert measured.value == pytest.approx(expected, abs=1e-12)
    assert measured.interval[0] < expected < measured.interval[1]
    assert auc_between(first, second, near(first.lon_deg, first.lat_deg, 3.0)).value > 0.9
    assert np.isnan(auc_between(first, second.keep(np.zeros(len(second), bool)), score).value)


def test_differences_are_paired_draw_by_draw():
    objects = placed(40)
    rng = np.random.default_rng(7)
    score = near(objects.lon_deg, objects.lat_deg, 3.0) + rng.normal(0, 0.3, len(TILES))
    one, other = auc_turned(objects, score), auc_turned(objects, score + rng.normal(0, 1e-6, len(TILES)))
    low, high = one.minus(other).interval
    assert high - low < 0.01 < one.interval[1] - one.interval[0]
    with pytest.raises(UsageError, match="cannot pair a number on 40 objects with one on 3"):
        Measurement(0.5, 40, 12, one.draws).minus(Measurement(0.5, 3, 3, one.draws))


def test_tiles_check_themselves():
    with pytest.raises(DataQualityError, match="there are no tiles to judge"):
        TileCentres([], [], [])
    with pytest.raises(UsageError, match=r"areas are shares of the whole sky.*sum to 4"):
        TileCentres([0.0, 1.0], [0.0, 1.0], [2.0, 2.0])
    with pytest.raises(UsageError, match="every tile needs a finite lat_deg"):
        TileCentres([0.0], [np.nan], [0.1])
    assert TILES.spacing_deg == pytest.approx(3.6645, abs=1e-3)

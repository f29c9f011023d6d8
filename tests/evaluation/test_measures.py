"""How well a score finds objects: areas under the curve, recall, rank correlation, and their intervals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest, mannwhitneyu, rankdata

from skykin.core.errors import DataQualityError, UsageError
from skykin.core.sphere import directions
from skykin.evaluation.measures import (
    Measurement,
    auc_between,
    auc_lat,
    auc_row,
    rank_correlation_in_rows,
    recalls,
    share_interval,
)
from skykin.evaluation.rotated import ALL_SKY, OFF_PLANE, PLANE, RotatedObjects
from skykin.evaluation.tile_centres import TileCentres

TILES = TileCentres.healpix(16)
COARSE = TileCentres.healpix(8)
REFERENCE = (209.0, -17.5)


def random_places(number, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 360, number), np.degrees(np.arcsin(rng.uniform(-1, 1, number)))


def near(lon_deg, lat_deg, radius_deg=6.0):
    """A score that is the list itself: high near its objects, falling with distance."""
    dot = directions(TILES.lon_deg, TILES.lat_deg) @ directions(lon_deg, lat_deg).T
    return np.exp(-0.5 * (np.degrees(np.arccos(np.clip(dot, -1, 1))) / radius_deg) ** 2).max(axis=1)


def placed(number=40, seed=0, **options):
    return RotatedObjects.on(TILES, *random_places(number, seed), reference=REFERENCE, **options)


@settings(max_examples=12)
@given(st.integers(2, 60), st.integers(0, 1000))
def test_latitude_alone_gets_exactly_one_half(number, seed):
    objects = placed(number, seed, rotations=12)
    for measure in (auc_lat, auc_row):
        measured = measure(objects, objects.latitude_score())
        assert measured.value == pytest.approx(0.5, abs=1e-12)
        np.testing.assert_allclose(measured.draws, 0.5, atol=1e-12)


def test_latitude_of_the_tiles_gets_one_half_to_the_size_of_a_tile():
    measured = auc_lat(placed(300), -np.abs(TILES.lat_deg))
    assert measured.value == pytest.approx(0.5, abs=0.02)


def test_a_score_that_is_the_catalogue_gets_nearly_one():
    objects = placed(8)
    for measure in (auc_lat, auc_row):
        measured = measure(objects, near(objects.lon_deg, objects.lat_deg, 3.0))
        assert measured.value > 0.97
        assert measured.p == pytest.approx(1 / 301)


def test_its_opposite_gets_nearly_zero():
    objects = placed(8)
    assert auc_lat(objects, -near(objects.lon_deg, objects.lat_deg, 3.0)).value < 0.03


def test_the_aucs_of_all_rotations_against_the_others_average_to_one_half():
    objects = placed(30)
    measured = auc_lat(objects, np.random.default_rng(1).random(len(TILES)))
    assert np.append(measured.null, measured.value).mean() == pytest.approx(0.5, abs=0.002)


def test_each_rotation_has_the_area_of_the_test_of_mann_and_whitney():
    objects = RotatedObjects.on(TILES, *random_places(30))
    score = np.random.default_rng(2).random(len(TILES)).round(1)  # with ties
    values = objects.values(score)
    rotated = values[:, 1:][np.isfinite(values[:, 1:])]
    expected = mannwhitneyu(values[:, 0], rotated).statistic / (len(objects) * rotated.size)
    measured = auc_lat(objects, score)
    assert measured.value == pytest.approx(expected, abs=1e-12)
    for rotation in (1, 150, 300):
        mine = values[:, rotation][np.isfinite(values[:, rotation])]
        rest = np.delete(values, rotation, axis=1)
        rest = rest[np.isfinite(rest)]
        expected = mannwhitneyu(mine, rest).statistic / (mine.size * rest.size)
        assert measured.null[rotation - 1] == pytest.approx(expected, abs=1e-12)


@pytest.mark.slow  # loading scikit-learn takes longer than all the rest
def test_scikit_learn_gives_the_same_area_between_two_lists():
    metrics = pytest.importorskip("sklearn.metrics")
    first, second = placed(50, 1), placed(70, 2)
    score = np.random.default_rng(3).random(len(TILES)).round(1)  # with ties
    values = np.concatenate([score[each.tile[:, 0]] for each in (first, second)])
    expected = metrics.roc_auc_score(np.repeat([1, 0], [len(first), len(second)]), values)
    assert auc_between(first, second, score).value == pytest.approx(expected, abs=1e-12)


def test_the_share_of_rotations_that_do_as_well_is_uniform_for_random_lists():
    score = near(*random_places(30, 99), 10.0)  # smooth: neighbouring rotations are alike
    p = [auc_lat(placed(20, seed, rotations=60), score).p for seed in range(80)]
    assert kstest(p, "uniform").pvalue > 0.01


def test_a_random_score_lies_within_its_interval_as_often_as_it_says():
    rng = np.random.default_rng(4)
    inside = []
    for seed in range(50):
        objects = placed(60, seed, rotations=40)
        low, high = auc_lat(objects, rng.random(len(TILES)), seed=seed).interval
        inside.append(low <= 0.5 <= high)
    assert 0.9 <= np.mean(inside) <= 1.0


def test_objects_and_sky_near_the_reference_are_left_out_on_both_sides():
    lon, lat = np.array([209.0, 215.0, 80.0]), np.array([-17.5, -10.0, -17.5])
    objects = RotatedObjects.on(TILES, lon, lat, reference=REFERENCE)
    assert objects.rows.tolist() == [2]
    rotated_lon = (80.0 + np.arange(301) * 360 / 301) % 360
    dot = directions(rotated_lon, np.full(301, -17.5)) @ directions(*REFERENCE)
    close = np.degrees(np.arccos(np.clip(dot, -1, 1))) <= 12
    assert close.any()
    np.testing.assert_array_equal(objects.tile[0] < 0, close)
    dot = directions(TILES.lon_deg, TILES.lat_deg) @ directions(*REFERENCE)
    np.testing.assert_array_equal(objects.sky, np.degrees(np.arccos(np.clip(dot, -1, 1))) > 12)


def test_what_lies_off_the_map_or_has_no_score_is_left_out():
    north = TILES.lat_deg > 0
    tiles = TileCentres(TILES.lon_deg[north], TILES.lat_deg[north], TILES.area[north])
    objects = RotatedObjects.on(tiles, [10.0, 20.0, 30.0], [30.0, -30.0, 50.0])
    assert objects.rows.tolist() == [0, 2]
    score = np.where(tiles.lat_deg > 45, np.nan, 1.0)
    assert objects.scored(score).rows.tolist() == [0]
    with pytest.raises(DataQualityError, match="1 of 2 objects lie where the map has no score; leave them"):
        auc_lat(objects, score)


def test_an_object_whose_rotated_places_all_lack_a_score_adds_nothing():
    objects = RotatedObjects.on(TILES, [10.0], [30.0])
    score = np.full(len(TILES), np.nan)
    score[objects.tile[0, 0]] = 1.0
    elsewhere = objects.tile[0] != objects.tile[0, 0]
    assert elsewhere.any()
    far = RotatedObjects(
        objects.lon_deg,
        objects.lat_deg,
        objects.rows,
        np.where(elsewhere | (np.arange(301) == 0), objects.tile, -1),
        objects.sky,
    )
    for measure in (auc_lat, auc_row):
        assert np.isnan(measure(far, score).value)
    assert np.isnan(auc_lat(objects.keep(np.array([False])), score).value)


def test_a_score_that_fits_nothing_is_refused():
    with pytest.raises(UsageError, match=r"shape \(7,\) fits neither 3072 tiles nor"):
        auc_lat(placed(5), np.zeros(7))
    with pytest.raises(UsageError, match="cannot be rotated 0 times; use at least 1"):
        placed(5, rotations=0)
    with pytest.raises(UsageError, match="every object needs a finite position"):
        RotatedObjects.on(TILES, [np.nan], [0.0])


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


def area(first, second):
    """AUC of the values that are there, by scipy."""
    first, second = (values[np.isfinite(values)] for values in (first, second))
    return mannwhitneyu(first, second).statistic / (first.size * second.size)


def test_two_lists_are_compared_with_blocks_of_both():
    first, second = placed(40, 1), placed(30, 2)
    score = np.random.default_rng(6).random(len(TILES))
    measured = auc_between(first, second, score)
    columns = [area(*each) for each in zip(first.values(score).T, second.values(score).T, strict=True)]
    np.testing.assert_allclose(measured.null, columns[1:], rtol=1e-12)
    expected = columns[0]
    assert measured.value == pytest.approx(expected, abs=1e-12)
    assert measured.interval[0] < expected < measured.interval[1]
    assert auc_between(first, second, near(first.lon_deg, first.lat_deg, 3.0)).value > 0.9
    assert np.isnan(auc_between(first, second.keep(np.zeros(len(second), bool)), score).value)


def test_differences_are_paired_draw_by_draw():
    objects = placed(40)
    rng = np.random.default_rng(7)
    score = near(objects.lon_deg, objects.lat_deg, 3.0) + rng.normal(0, 0.3, len(TILES))
    one, other = auc_lat(objects, score), auc_lat(objects, score + rng.normal(0, 1e-6, len(TILES)))
    low, high = one.minus(other).interval
    assert high - low < 0.01 < one.interval[1] - one.interval[0]
    with pytest.raises(UsageError, match="cannot pair a number on 40 objects with one on 3"):
        Measurement(0.5, 40, 12, one.draws).minus(Measurement(0.5, 3, 3, one.draws))


def test_tiles_check_themselves():
    with pytest.raises(DataQualityError, match="there are no tiles to evaluate"):
        TileCentres([], [], [])
    with pytest.raises(UsageError, match=r"areas are shares of the whole sky.*sum to 4"):
        TileCentres([0.0, 1.0], [0.0, 1.0], [2.0, 2.0])
    with pytest.raises(UsageError, match="every tile needs a finite lat_deg"):
        TileCentres([0.0], [np.nan], [0.1])
    assert TILES.spacing_deg == pytest.approx(3.6645, abs=1e-3)


def test_a_score_of_latitude_alone_does_not_follow_brightness():
    rng = np.random.default_rng(0)
    brightness = np.exp(-np.abs(COARSE.lat_deg) / 10) * rng.uniform(0.5, 1.5, len(COARSE))
    latitude = -np.abs(COARSE.lat_deg) + rng.uniform(0, 1e-3, len(COARSE))
    measured = rank_correlation_in_rows(COARSE, latitude, brightness)
    assert abs(measured.value) < 0.25  # rows of 5° still have a slope within them
    noise = rank_correlation_in_rows(COARSE, rng.random(len(COARSE)), brightness)
    assert noise.interval[0] < 0 < noise.interval[1]


def test_brightness_and_its_logarithm_follow_themselves_entirely():
    brightness = np.random.default_rng(1).lognormal(size=len(COARSE))
    assert rank_correlation_in_rows(COARSE, np.log(brightness), brightness).value == pytest.approx(1)
    assert rank_correlation_in_rows(COARSE, -brightness, brightness).value == pytest.approx(-1)


def test_the_formula_written_out():
    rng = np.random.default_rng(2)
    score, brightness = rng.random(len(COARSE)), rng.random(len(COARSE))
    score[:5] = np.nan
    row = np.floor((COARSE.lat_deg + 90) / 5)
    sums = np.zeros(3)
    for each in np.unique(row):
        mine = (row == each) & np.isfinite(score)
        x, y = ((rankdata(v[mine]) - (mine.sum() + 1) / 2) / mine.sum() for v in (score, brightness))
        sums += [(x * y).sum(), (x * x).sum(), (y * y).sum()]
    measured = rank_correlation_in_rows(COARSE, score, brightness)
    assert measured.value == pytest.approx(sums[0] / np.sqrt(sums[1] * sums[2]), abs=1e-12)
    assert measured.n_objects == len(COARSE) - 5


def test_a_constant_score_has_no_rank_correlation():
    assert np.isnan(rank_correlation_in_rows(COARSE, np.ones(len(COARSE)), COARSE.lat_deg).value)


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(UsageError, match=r"shape \(3,\) and a brightness of \(768,\) do not fit 768 tiles"):
        rank_correlation_in_rows(COARSE, np.zeros(3), COARSE.lat_deg)


def test_the_interval_of_a_share_is_wilsons():
    # Newcombe 1998, Statistics in Medicine 17, 857, table I, row 3: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
    cases = {
        (81, 263): (0.2553, 0.3662),
        (15, 148): (0.0624, 0.1605),
        (0, 20): (0, 0.1611),
        (1, 29): (0.0061, 0.1718),
    }
    for (found, number), expected in cases.items():
        assert share_interval(found, number) == pytest.approx(expected, abs=5e-5)
    assert np.isnan(share_interval(0, 0)).all()


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_share_lies_in_its_interval_and_the_interval_in_0_to_1(counted):
    found, number = counted
    low, high = share_interval(found, number)
    assert 0 <= low <= found / number + 1e-12
    assert found / number - 1e-12 <= high <= 1

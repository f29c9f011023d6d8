"""Significance: the matched null, its tail, and both on skies without similar tiles and with."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import rankdata, spearmanr

from skykin.core.errors import UsageError
from skykin.significance.calibration import Tail
from skykin.significance.matched_null import Matching, Tiles, independent_tiles, standardised
from tests.significance.references import apart_from, calibrated

SIZE_DEG = 15.0
REFERENCE = (209.0, -19.4)


def lattice(count=2700):
    """Evenly spread positions (Fibonacci), degrees."""
    i = np.arange(count) + 0.5
    return i * 137.50776405 % 360, np.degrees(np.arcsin(1 - 2 * i / count))


def unit(lon_deg, lat_deg):
    lon, lat = np.radians(lon_deg), np.radians(lat_deg)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def smooth_noise(rng, lon, lat, width_deg):
    """Noise that correlates over a tile, of unit variance."""
    at = unit(*lattice(1500))
    kernel = np.exp(-0.5 * (np.degrees(np.arccos(np.clip(unit(lon, lat) @ at.T, -1, 1))) / width_deg) ** 2)
    return (kernel / np.sqrt((kernel**2).sum(axis=1, keepdims=True))) @ rng.normal(size=len(at))


def sky(seed, count=1000, kin=(), tail=1.0):
    """Scores that follow brightness and |b|, with overlapping noise; `kin` get 8 spreads more."""
    rng = np.random.default_rng(seed)
    lon, lat = lattice(count)
    brightness = np.exp(smooth_noise(rng, lon, lat, 10) - np.abs(lat) / 20)
    noise = smooth_noise(rng, lon, lat, SIZE_DEG / 2.6)
    score = 0.6 * np.log(brightness) - 0.01 * np.abs(lat) + 0.3 * np.sign(noise) * np.abs(noise) ** tail
    for place in kin:
        score[np.degrees(np.arccos(unit(lon, lat) @ unit(*place))) < SIZE_DEG / 2] += 0.3 * 8
    coverage = np.clip(1 - 0.1 * rng.random(count), 0, 1)
    return Tiles(lon, lat, score, brightness, coverage, np.full(count, 1 / count), SIZE_DEG)


def test_overlapping_tiles_are_equivalent_to_those_that_fit_beside_each_other():
    assert independent_tiles(np.full(2700, 1 / 2700), 15) == pytest.approx(41252.96 / 225)
    assert independent_tiles(np.full(10, 1 / 2700), 1) == 10


def test_standardised_scores_do_not_follow_what_they_are_matched_in():
    tiles = sky(1)
    t = standardised(tiles, np.ones(len(tiles.score), bool))
    assert spearmanr(tiles.score, tiles.brightness).statistic > 0.9
    assert abs(spearmanr(t, tiles.brightness).statistic) < 0.15
    assert abs(spearmanr(t, np.abs(tiles.lat_deg)).statistic) < 0.15
    assert abs(np.median(t)) < 0.1
    assert np.median(np.abs(t)) == pytest.approx(1 / 1.4826, abs=0.1)


def test_a_scale_and_a_zero_of_the_score_do_not_matter_nor_do_names_for_brightness():
    tiles = sky(2, count=800)
    other = Tiles(
        tiles.lon_deg, -tiles.lat_deg, 7 * tiles.score - 3, rankdata(tiles.brightness) ** 3,
        tiles.coverage / 2, tiles.area, SIZE_DEG,
    )  # fmt: skip
    np.testing.assert_allclose(
        calibrated(other, REFERENCE[0], -REFERENCE[1]).standardised,
        calibrated(tiles, *REFERENCE).standardised,
        atol=1e-8,
    )


def test_the_order_of_the_tiles_does_not_matter():
    tiles = sky(3, count=900)
    mixed = np.random.default_rng(0).permutation(900)
    names = ("lon_deg", "lat_deg", "score", "brightness", "coverage", "area")
    other = Tiles(*(getattr(tiles, name)[mixed] for name in names), SIZE_DEG)
    np.testing.assert_allclose(
        calibrated(other, *REFERENCE).q, calibrated(tiles, *REFERENCE).q[mixed], atol=1e-9
    )


def test_a_tile_and_what_it_overlaps_are_not_their_own_null():
    tiles = sky(4, count=900)
    near = ~apart_from(tiles, 80, 0)
    t = standardised(tiles, np.ones(900, bool))
    raised = tiles.score.copy()
    raised[near] += 5
    lifted = Tiles(
        tiles.lon_deg, tiles.lat_deg, raised, tiles.brightness, tiles.coverage, tiles.area, SIZE_DEG
    )
    at = np.argmax(unit(tiles.lon_deg, tiles.lat_deg) @ unit(80, 0))
    spread = (raised - tiles.score)[at] / (standardised(lifted, np.ones(900, bool)) - t)[at]
    # The centre's null did not move: the same spread of 0.3 as before.
    assert spread == pytest.approx((tiles.score[near] - tiles.score[near].mean()).std(), abs=0.3)
    assert (standardised(lifted, np.ones(900, bool)) - t)[at] > 10


@pytest.mark.parametrize("tail", [1.0, pytest.param(1.5, marks=pytest.mark.slow)])
def test_without_kin_one_tile_in_twenty_has_p_below_a_twentieth_and_none_is_discovered(tail):
    found = [calibrated(sky(seed, tail=tail), *REFERENCE) for seed in range(6)]
    p = np.concatenate([each.p for each in found])
    assert np.mean(p < 0.05) == pytest.approx(0.05, abs=0.01)
    assert np.mean(p < 0.5) == pytest.approx(0.5, abs=0.05)
    assert sum((each.q <= 0.1).any() for each in found) <= 1


@pytest.mark.parametrize(
    "seeds", [range(2), pytest.param(range(2, 10), marks=pytest.mark.slow)], ids=["few", "more"]
)
def test_where_tiles_are_many_and_share_their_null_it_is_as_valid(seeds):
    """More tiles than are matched one by one, and overlapping far more."""
    skies = [sky(seed, count=6000) for seed in seeds]
    found = [calibrated(tiles, *REFERENCE) for tiles in skies]
    p = np.concatenate([each.p for each in found])
    assert np.mean(p < 0.05) == pytest.approx(0.05, abs=0.01)
    assert np.mean(p < 0.5) == pytest.approx(0.5, abs=0.05)
    assert sum((each.q <= 0.1).any() for each in found) <= len(found) / 4
    for tiles, each in zip(skies, found, strict=True):
        assert abs(spearmanr(each.standardised, tiles.brightness).statistic) < 0.15
        assert abs(spearmanr(each.standardised, np.abs(tiles.lat_deg)).statistic) < 0.15


def test_tiles_that_share_their_null_score_as_if_each_had_its_own(monkeypatch):
    tiles = sky(5, count=3000)
    everything = np.ones(3000, bool)
    exact = standardised(tiles, everything)
    pool = np.arange(3000)
    monkeypatch.setattr("skykin.significance.matched_null.MOST_TILES", 2999)
    few = Matching.of(tiles, pool[::2])
    monkeypatch.setattr("skykin.significance.matched_null.MOST_TILES", 3000)
    one_by_one = standardised(tiles, everything, Matching.of(tiles, pool[::2]))
    shared = standardised(tiles, everything, few)
    assert few.group.max() + 1 < 1500
    assert np.corrcoef(shared, one_by_one)[0, 1] > 0.98
    # What comes of sharing is less than what comes of which tiles stand for all.
    assert np.median(np.abs(shared - one_by_one)) < 1.5 * np.median(np.abs(exact - one_by_one))


def test_a_matching_made_before_gives_the_same_and_is_not_used_for_other_tiles():
    tiles = sky(6, count=800)
    made = Matching.of(tiles, np.arange(800))
    apart = apart_from(tiles, *REFERENCE)
    np.testing.assert_array_equal(standardised(tiles, apart, made), standardised(tiles, apart))
    score = tiles.score.copy()
    score[:5] = np.nan
    fewer = replace(tiles, score=score)
    assert not made.fits(fewer)
    np.testing.assert_array_equal(standardised(fewer, apart, made), standardised(fewer, apart))


def test_planted_kin_are_found_and_little_else():
    places = [(80.0, 0.0), (300.0, 40.0), (150.0, -50.0)]
    tiles = sky(5, kin=places)
    q = calibrated(tiles, *REFERENCE).q
    distance = np.min(
        [np.degrees(np.arccos(unit(tiles.lon_deg, tiles.lat_deg) @ unit(*place))) for place in places], axis=0
    )
    assert (q[distance < SIZE_DEG / 2] <= 0.1).mean() > 0.9
    assert (distance[q <= 0.1] > SIZE_DEG / 2).mean() <= 0.1


def test_what_stands_out_as_much_as_much_else_is_no_discovery_however_many_tiles_a_kin_has():
    """Twelve things of four spreads make the null of three kin of twelve, though they are few tiles."""
    kin = [(80.0, 0.0), (300.0, 40.0), (150.0, -50.0)]
    tiles = sky(5, kin=kin)
    score = tiles.score.copy()
    centres = unit(tiles.lon_deg, tiles.lat_deg)
    others = [(lon, lat) for lon in (20, 120, 170, 240, 280, 340) for lat in (-25, 15)]
    nearest = (np.max([centres @ unit(*place) for place in places], axis=0) for places in (kin, others))
    kin_distance, other_distance = (np.degrees(np.arccos(np.clip(each, -1, 1))) for each in nearest)
    score[kin_distance < SIZE_DEG / 2] += 0.3 * 4
    score[other_distance < SIZE_DEG / 4] += 0.3 * 4
    q = calibrated(replace(tiles, score=score), *REFERENCE).q
    assert (q[kin_distance < SIZE_DEG / 2] <= 0.1).mean() > 0.9
    assert not (q[other_distance < SIZE_DEG / 4] <= 0.1).any()


def test_tiles_beside_the_reference_make_no_room_for_others():
    tiles = sky(6)
    beside = ~apart_from(tiles, *REFERENCE)
    raised = tiles.score + np.where(beside, 10.0, 0.0)
    lifted = Tiles(
        tiles.lon_deg, tiles.lat_deg, raised, tiles.brightness, tiles.coverage, tiles.area, SIZE_DEG
    )
    before, after = calibrated(tiles, *REFERENCE), calibrated(lifted, *REFERENCE)
    np.testing.assert_allclose(after.q[~beside], before.q[~beside], atol=1e-9)
    assert after.p[beside].max() < 1e-4
    assert after.q[beside].max() < 0.1


def test_a_tile_that_is_unusual_but_not_alike_is_no_match():
    tiles = sky(9)
    dim = np.argmin(tiles.score)
    place = (tiles.lon_deg[dim], tiles.lat_deg[dim])
    patch = np.degrees(np.arccos(np.clip(unit(tiles.lon_deg, tiles.lat_deg) @ unit(*place), -1, 1))) < 10
    raised = tiles.score + np.where(patch, np.quantile(tiles.score, 0.6) - tiles.score[dim], 0)
    raised[patch] = np.minimum(raised[patch], np.quantile(tiles.score, 0.7))
    lifted = Tiles(
        tiles.lon_deg, tiles.lat_deg, raised, tiles.brightness, tiles.coverage, tiles.area, SIZE_DEG
    )
    found = calibrated(lifted, *REFERENCE)
    assert found.p[dim] < 1e-4
    assert found.q[dim] == 1


def test_too_few_independent_tiles_or_equal_scores_leave_everything_unknown():
    tiles = sky(7, count=900)
    here = (tiles.lon_deg > 60) & (tiles.lon_deg < 100) & (np.abs(tiles.lat_deg) < 20)
    names = ("lon_deg", "lat_deg", "score", "brightness", "coverage", "area")
    few = calibrated(Tiles(*(getattr(tiles, name)[here] for name in names), SIZE_DEG), *REFERENCE)
    assert few.independent < 12
    flat = Tiles(
        tiles.lon_deg,
        tiles.lat_deg,
        np.full(900, 0.5),
        tiles.brightness,
        tiles.coverage,
        tiles.area,
        SIZE_DEG,
    )
    for found in (few, calibrated(flat, *REFERENCE)):
        for values in (found.standardised, found.p, found.q):
            assert np.isnan(values).all()


def test_a_tile_without_a_score_has_no_p_and_changes_no_other():
    tiles = sky(8, count=901)
    score = tiles.score.copy()
    score[-1] = math.nan
    names = ("lon_deg", "lat_deg", "brightness", "coverage", "area")
    lon, lat, brightness, coverage, area = (getattr(tiles, name) for name in names)
    whole = calibrated(Tiles(lon, lat, score, brightness, coverage, area, SIZE_DEG), *REFERENCE)
    without = calibrated(
        Tiles(lon[:-1], lat[:-1], score[:-1], brightness[:-1], coverage[:-1], area[:-1], SIZE_DEG), *REFERENCE
    )
    assert math.isnan(whole.p[-1])
    assert math.isnan(whole.q[-1])
    np.testing.assert_allclose(whole.p[:-1], without.p)


def test_arrays_of_different_lengths_are_refused():
    with pytest.raises(UsageError, match=r"score has shape \(3,\), but there are 2 tiles"):
        Tiles(np.zeros(2), np.zeros(2), np.zeros(3), np.zeros(2), np.zeros(2), np.ones(2), 15)


def test_the_tail_of_an_exponential_distribution_is_told_right():
    rng = np.random.default_rng(0)
    values = rng.exponential(2.0, 200_000)
    tail = Tail.fit(values, np.ones(len(values)), len(values))
    assert tail.excess == pytest.approx(2.0, rel=0.02)
    at = np.array([0.1, 2.0, 8.0, 20.0])
    np.testing.assert_allclose(tail.p(at), np.exp(-at / 2), rtol=0.05)


def test_with_few_independent_values_the_tail_is_as_wide_as_what_is_known_of_it():
    # p of a new value from the same exponential distribution is uniform below the beginning of the tail.
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(4000):
        values = np.append(rng.exponential(1.0, 60), -rng.random(180))
        hits += (
            Tail.fit(values, np.ones(240), 240.0).p(rng.exponential(1.0) if rng.random() < 0.25 else -1)
            < 0.01
        )
    assert hits / 4000 == pytest.approx(0.01, abs=0.005)


def test_a_few_kin_hardly_move_the_tail_of_their_null():
    rng = np.random.default_rng(2)
    values = rng.normal(size=4000)
    clean = Tail.fit(values, np.ones(4000), 200.0)
    mixed = Tail.fit(np.append(values, np.full(80, 30.0)), np.ones(4080), 200.0)
    assert mixed.p(np.array([30.0]))[0] < 1e-6
    assert mixed.p(np.array([4.0]))[0] < 2 * clean.p(np.array([4.0]))[0] + 1e-3


def test_a_null_of_one_value_has_no_tail():
    assert Tail.fit(np.ones(100), np.ones(100), 10.0) is None
    assert math.isnan(Tail.fit(np.arange(100.0), np.ones(100), 10.0).p(np.array([math.nan]))[0])

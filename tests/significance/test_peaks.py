"""Peaks of a map."""

import numpy as np
import pytest

from skykin.core.sphere import apart
from skykin.significance.false_discovery import q_values
from skykin.significance.matched_null import Tiles
from skykin.significance.peaks import PeakHeights, peaks


def tiles_at(lon_deg, lat_deg, size_deg=2.0):
    """Tiles at places, nothing else of which matters."""
    one = np.ones(len(lon_deg))
    return Tiles(lon_deg, lat_deg, one, one, one, one / len(one), size_deg)


def test_a_peak_is_higher_than_all_within_a_tile_written_out():
    lon = np.array([0.0, 1.0, 1.9, 3.0, 10.0, 359.5])
    tiles = tiles_at(lon, np.zeros(6))
    height = np.array([5.0, 6.0, 4.0, 5.5, -3.0, 1.0])
    # 3° is 2° from 1°, and just within a tile of 2°.
    every = np.ones(6, dtype=bool)
    assert peaks(tiles_at(lon, np.zeros(6), 1.99), height, every).tolist() == [1, 3, 4]
    assert peaks(tiles, height, np.array([True, False, True, True, False, True])).tolist() == [0, 3]
    assert peaks(tiles, height, np.zeros(6, dtype=bool)).tolist() == []


def test_peaks_are_those_that_comparing_everything_finds_and_of_equals_the_first():
    rng = np.random.default_rng(0)
    tiles = tiles_at(rng.uniform(0, 40, 1500), rng.uniform(-20, 20, 1500))
    height = rng.integers(0, 200, 1500).astype(float)
    among = rng.random(1500) < 0.7
    near = ~apart(tiles.directions(), tiles.directions(), 2.0) & among
    later = np.arange(1500)[:, None] < np.arange(1500)
    higher = (height > height[:, None]) | ((height == height[:, None]) & later.T)
    wanted = np.flatnonzero(among & ~(near & higher).any(axis=1))
    np.testing.assert_array_equal(peaks(tiles, height, among), wanted)
    assert 100 < len(wanted) < 300


def test_sampling_the_same_sky_more_densely_finds_no_more_peaks():
    rng = np.random.default_rng(1)
    lon, lat = rng.uniform(0, 30, 400), rng.uniform(-15, 15, 400)
    height = np.sin(lon) * np.cos(lat)
    once = peaks(tiles_at(lon, lat), height, np.ones(400, dtype=bool))
    again = tiles_at(np.repeat(lon, 3), np.repeat(lat, 3))
    thrice = peaks(again, np.repeat(height, 3), np.ones(1200, dtype=bool))
    np.testing.assert_array_equal(thrice, 3 * once)


@pytest.mark.parametrize("number", [8, 40])
def test_of_peaks_that_are_all_alike_one_map_in_ten_has_a_discovery_at_most(number):
    rng = np.random.default_rng(2)
    found, small = 0, 0.0
    for _ in range(600):
        heights = rng.gumbel(3.0, 0.5, number)
        p = PeakHeights.fit(heights).p(heights)
        found += q_values(p).min() <= 0.1
        small += np.mean(p < 0.05) / 600
    assert 0.02 < found / 600 <= 0.1
    assert 0.02 < small <= 0.05


def test_the_heights_of_peaks_are_told_right_whatever_the_highest_are():
    heights = np.random.default_rng(3).gumbel(3.0, 0.5, 20_000)
    heights[heights > np.quantile(heights, 0.8)] = 50.0
    found = PeakHeights.fit(heights)
    assert (found.middle, found.spread) == pytest.approx((3.0, 0.5), rel=0.02)
    assert found.number == 15_000
    at = np.array([3.0, 5.0, np.nan])
    np.testing.assert_allclose(found.p(at), [1 - np.exp(-1), 1 - np.exp(-np.exp(-4)), np.nan], rtol=0.1)


def test_few_peaks_or_equal_ones_tell_nothing():
    assert PeakHeights.fit(np.arange(4.0)) is None
    assert PeakHeights.fit(np.ones(30)) is None
    assert PeakHeights.fit(np.arange(5.0)).number == 4
    np.testing.assert_allclose(PeakHeights.fit(np.arange(5.0)).p(np.array([-1e9, 1e9])), [1, 0], atol=1e-9)

"""Rank correlation with brightness once latitude is taken out."""

import numpy as np
import pytest
from scipy.stats import rankdata

from skykin.core.errors import UsageError
from skykin.evaluation.latitude_rows import rank_correlation_in_rows
from skykin.evaluation.tile_centres import TileCentres

TILES = TileCentres.healpix(8)


def test_a_score_of_latitude_alone_does_not_follow_brightness():
    rng = np.random.default_rng(0)
    brightness = np.exp(-np.abs(TILES.lat_deg) / 10) * rng.uniform(0.5, 1.5, len(TILES))
    latitude = -np.abs(TILES.lat_deg) + rng.uniform(0, 1e-3, len(TILES))
    measured = rank_correlation_in_rows(TILES, latitude, brightness)
    assert abs(measured.value) < 0.25  # rows of 5° still have a slope within them
    noise = rank_correlation_in_rows(TILES, rng.random(len(TILES)), brightness)
    assert noise.interval[0] < 0 < noise.interval[1]


def test_brightness_and_its_logarithm_follow_themselves_entirely():
    brightness = np.random.default_rng(1).lognormal(size=len(TILES))
    assert rank_correlation_in_rows(TILES, np.log(brightness), brightness).value == pytest.approx(1)
    assert rank_correlation_in_rows(TILES, -brightness, brightness).value == pytest.approx(-1)


def test_the_formula_written_out():
    rng = np.random.default_rng(2)
    score, brightness = rng.random(len(TILES)), rng.random(len(TILES))
    score[:5] = np.nan
    row = np.floor((TILES.lat_deg + 90) / 5)
    sums = np.zeros(3)
    for each in np.unique(row):
        mine = (row == each) & np.isfinite(score)
        x, y = ((rankdata(v[mine]) - (mine.sum() + 1) / 2) / mine.sum() for v in (score, brightness))
        sums += [(x * y).sum(), (x * x).sum(), (y * y).sum()]
    measured = rank_correlation_in_rows(TILES, score, brightness)
    assert measured.value == pytest.approx(sums[0] / np.sqrt(sums[1] * sums[2]), abs=1e-12)
    assert measured.n_objects == len(TILES) - 5


def test_a_constant_score_has_no_rank_correlation():
    assert np.isnan(rank_correlation_in_rows(TILES, np.ones(len(TILES)), TILES.lat_deg).value)


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(UsageError, match=r"shape \(3,\) and a brightness of \(768,\) do not fit 768 tiles"):
        rank_correlation_in_rows(TILES, np.zeros(3), TILES.lat_deg)

"""What a ranking recovers: numbers by hand, and laws."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import QTable
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from skykin.catalogue.references import ReferencePlace
from skykin.catalogue.regions import known_regions
from skykin.core.errors import DataQualityError, UsageError
from skykin.evaluation.ranking import sky_fraction_above, sky_share, within
from skykin.evaluation.recovery import ScoredTiles, nearest_tiles, recovery, summarise

ORION = ReferencePlace("Orion", 209.0, -19.0)


def grid(step_deg: float = 10.0) -> tuple[np.ndarray, np.ndarray]:
    lat, lon = np.meshgrid(np.arange(-85, 90, step_deg), np.arange(0, 360, step_deg), indexing="ij")
    return lon.ravel(), lat.ravel()


def tiles_of(score: np.ndarray, brightness: np.ndarray | None = None) -> ScoredTiles:
    lon_deg, lat_deg = grid()
    return ScoredTiles(lon_deg, lat_deg, score, score if brightness is None else brightness)


def some_regions(lon_deg: list[float], lat_deg: list[float], in_wham: list[bool]) -> QTable:
    count = len(lon_deg)
    return QTable(
        {
            "name": [f"R{i}" for i in range(count)],
            "kind": ["galaxy"] * count,
            "lon_deg": lon_deg * u.deg,
            "lat_deg": lat_deg * u.deg,
            "diameter_deg": [2.0] * count * u.deg,
            "in_wham": in_wham,
        }
    )


values = st.lists(st.one_of(st.integers(-3, 3), st.floats(-1, 1), st.just(np.nan)), min_size=1, max_size=40)
weights = st.lists(st.floats(0.01, 10), min_size=40, max_size=40)


def test_shares_of_different_values_are_their_ranks() -> None:
    assert sky_share(np.array([0.1, 0.9, 0.5, 0.3])).tolist() == [1.0, 0.25, 0.5, 0.75]


def test_ties_share_the_mean_of_their_first_and_last_place() -> None:
    # The three ones take places 1 to 3 of 4: the mean is 2.
    assert sky_share(np.array([1.0, 1.0, 0.0, 1.0])).tolist() == [0.5, 0.5, 1.0, 0.5]


def test_a_constant_score_finds_nothing_early() -> None:
    share = sky_share(np.full(999, 0.5))
    assert share == pytest.approx(np.full(999, 500 / 999))


def test_nan_ranks_last_even_below_minus_infinity() -> None:
    assert sky_share(np.array([np.nan, -np.inf, 3.0, np.nan])).tolist() == [0.875, 0.5, 0.25, 0.875]


def test_weights_are_shares_of_the_sky() -> None:
    assert sky_share(np.array([3.0, 2.0, 1.0]), np.array([1.0, 2.0, 5.0])).tolist() == [0.125, 0.375, 1.0]


def test_the_sky_fraction_counts_values_at_the_threshold_and_not_nan() -> None:
    assert sky_fraction_above(np.array([0.9, 0.95, np.nan, 0.1]), 0.9) == 0.5
    assert sky_fraction_above(np.array([0.9, 0.1]), 0.5, np.array([1.0, 3.0])) == 0.25


@given(values)
def test_equal_weights_agree_with_scipy_ranks(sample: list[float]) -> None:
    low = np.where(np.isnan(sample), -1e9, sample)
    assert sky_share(np.array(sample)) == pytest.approx(rankdata(-low) / len(sample), abs=1e-12)


@given(values, weights)
def test_ranks_do_not_change_under_a_monotone_transform(sample: list[float], weight: list[float]) -> None:
    # Integers, so that the transform itself does not round two values into one.
    before = np.round(np.array(sample) * 3)
    size = len(sample)
    after = np.exp(before / 4) + 7
    assert np.array_equal(
        sky_share(before, np.array(weight[:size])), sky_share(after, np.array(weight[:size]))
    )


@given(values, weights, st.randoms(use_true_random=False))
def test_ranks_follow_a_permutation_of_the_tiles(sample: list[float], weight: list[float], random) -> None:
    order = list(range(len(sample)))
    random.shuffle(order)
    value, weighed = np.array(sample, dtype=float), np.array(weight[: len(sample)])
    permuted = sky_share(value[order], weighed[order])
    assert permuted == pytest.approx(sky_share(value, weighed)[order], abs=1e-12)


@given(values, weights)
def test_a_tile_is_above_the_threshold_just_when_its_share_is_within_the_skys(
    sample: list[float], weight: list[float]
) -> None:
    value, weighed = np.array(sample, dtype=float), np.array(weight[: len(sample)])
    share = sky_share(value, weighed)
    for threshold in [-2.0, 0.0, 0.3, *value[np.isfinite(value)]]:
        fraction = sky_fraction_above(value, threshold, weighed)
        assert np.array_equal(value >= threshold, within(share, [fraction])[0])


@given(values, weights)
def test_recall_never_falls_and_is_one_at_the_whole_sky(sample: list[float], weight: list[float]) -> None:
    share = sky_share(np.array(sample), np.array(weight[: len(sample)]))
    curve = within(share, np.linspace(0, 1, 33)).mean(axis=-1)
    assert (np.diff(curve) >= 0).all()
    assert curve[0] == 0
    assert curve[-1] == 1


def test_recall_by_hand() -> None:
    inside = within(np.array([0.1, 0.2, 0.9, np.nan]), [0.1, 0.5, 1.0])
    assert inside.mean(axis=-1).tolist() == [0.25, 0.5, 0.75]


def test_the_nearest_tile_agrees_with_astropy_across_the_seam_and_at_the_poles() -> None:
    rng = np.random.default_rng(1)
    lon_deg, lat_deg = rng.uniform(0, 360, 3000), np.degrees(np.arcsin(rng.uniform(-1, 1, 3000)))
    region_lon, region_lat = np.array([0.0, 359.99, 10, 200]), np.array([0.0, -3.0, 90, -89.9])
    index, distance_deg = nearest_tiles(lon_deg, lat_deg, region_lon, region_lat)
    expected, separation, _ = SkyCoord(region_lon, region_lat, unit="deg").match_to_catalog_sky(
        SkyCoord(lon_deg, lat_deg, unit="deg")
    )
    assert index.tolist() == expected.tolist()
    assert distance_deg == pytest.approx(separation.deg, abs=1e-9)


def test_equally_near_tiles_are_chosen_by_position_not_by_order() -> None:
    lon_deg, lat_deg = np.array([350.0, 10.0]), np.array([0.0, 0.0])
    region = np.array([0.0]), np.array([0.0])
    assert nearest_tiles(lon_deg, lat_deg, *region)[0].tolist() == [1]
    assert nearest_tiles(lon_deg[::-1], lat_deg[::-1], *region)[0].tolist() == [0]


def test_a_region_has_the_score_and_the_shares_of_its_nearest_tile() -> None:
    lon_deg, lat_deg = grid()
    score = np.linspace(0, 1, lon_deg.size)
    tiles = ScoredTiles(lon_deg, lat_deg, score, -score)
    regions = some_regions([101.0], [86.0], [True])
    (row,) = recovery(tiles, [ORION], threshold=0.9, farthest_deg=8, regions=regions)
    tile = int(np.flatnonzero((lon_deg == 100) & (lat_deg == 85))[0])
    assert row["tile"] == tile
    assert row["tile_distance_deg"].to_value("deg") == pytest.approx(1.0029, abs=1e-3)
    assert row["score"] == score[tile]
    assert row["score_sky_share"] == pytest.approx((lon_deg.size - tile) / lon_deg.size)
    assert row["brightness_sky_share"] == pytest.approx((tile + 1) / lon_deg.size)
    # The outermost of nine pairs of rows, all of one |b|: places 8/9 to 1, less half a tile.
    assert row["latitude_sky_share"] == pytest.approx(8 / 9 + (1 + 1 / 72) / 18)
    assert row["recovered"]
    assert row["counted"]


def test_regions_that_do_not_count_are_listed_with_the_reason() -> None:
    regions = some_regions([209.0, 100, 5, 5], [-10.0, 0, 85, -5], [True, False, True, True])
    lon_deg, lat_deg = grid()
    south = lat_deg < 40
    tiles = ScoredTiles(lon_deg[south], lat_deg[south], lat_deg[south], lat_deg[south])
    table = recovery(tiles, [ORION], threshold=20.0, farthest_deg=8, regions=regions)
    assert table["why_not_counted"].tolist() == [
        "near the reference",
        "not shown by this survey",
        "off the scored sky",
        "",
    ]
    assert table["counted"].tolist() == [False, False, False, True]
    assert table["tile"][2] == -1
    assert np.isnan(table["score"][2])
    assert np.isnan(table["score_sky_share"][2])
    assert not table["recovered"][2]
    assert summarise(table).n_regions == 1


def test_the_mask_replaces_the_velocities_of_wham() -> None:
    regions = some_regions([100, 200], [0, 0], [False, True])
    tiles = tiles_of(np.arange(648.0))
    kwargs = {"threshold": 600.0, "farthest_deg": 8, "regions": regions}
    assert recovery(tiles, [ORION], **kwargs)["counted"].tolist() == [False, True]
    assert recovery(tiles, [ORION], **kwargs, mask=[True, True])["counted"].tolist() == [True, True]
    with pytest.raises(UsageError, match=r"^the mask has shape \(1,\), but there are 2 regions$"):
        recovery(tiles, [ORION], **kwargs, mask=[True])


def test_the_distance_left_out_about_the_reference_can_be_chosen() -> None:
    regions = some_regions([209, 209], [-10, 40], [True, True])
    tiles = tiles_of(np.arange(648.0))
    for exclude_deg, counted in ((0, [True, True]), (9.5, [False, True]), (60, [False, False])):
        table = recovery(
            tiles, [ORION], threshold=1, farthest_deg=8, regions=regions, exclude_deg=exclude_deg
        )
        assert table["counted"].tolist() == counted


def test_the_summary_counts_each_ranking_at_the_thresholds_share_and_beyond() -> None:
    lon_deg, lat_deg = grid()
    score = np.zeros(lon_deg.size)
    regions = some_regions([0, 40, 80, 120], [5, 5, 45, 75], [True] * 4)
    index, _ = nearest_tiles(lon_deg, lat_deg, np.array([0, 40, 80, 120.0]), np.array([5, 5, 45, 75.0]))
    score[index[:3]] = [0.99, 0.95, 0.5]
    brightness = -score
    table = recovery(
        ScoredTiles(lon_deg, lat_deg, score, brightness),
        [ORION],
        threshold=0.9,
        farthest_deg=8,
        regions=regions,
    )
    summary = summarise(table)
    assert summary.sky_fractions == (2 / 648, 0.05, 0.10, 0.20)
    assert summary.by_ranking["score"] == (2, 3, 3, 3)
    assert summary.by_ranking["brightness"] == (0, 0, 0, 0)
    # Two rows of each sign hold 1/9 of the tiles; ties count as the middle of that, 1/18.
    assert summary.by_ranking["latitude"] == (0, 0, 2, 2)
    assert table["recovered"].tolist() == [True, True, False, False]


def test_equal_area_weights_count_the_sky_and_not_the_tiles() -> None:
    lon_deg, lat_deg = grid(5.0)
    tiles = ScoredTiles(lon_deg, lat_deg, -np.abs(lat_deg), lat_deg, np.cos(np.radians(lat_deg)))
    table = recovery(tiles, [ORION], threshold=-30.0, farthest_deg=8)
    # The belt |b| ≤ 32.5° holds sin 32.5° = 0.54 of the sphere.
    assert table.meta["threshold_sky_fraction"] == pytest.approx(0.537, abs=0.005)


@given(st.integers(0, 2**32 - 1))
@pytest.mark.slow
def test_recovery_does_not_depend_on_the_order_of_the_tiles(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lon_deg, lat_deg = grid()
    score = rng.random(lon_deg.size).round(1)
    order = rng.permutation(lon_deg.size)
    there = recovery(ScoredTiles(lon_deg, lat_deg, score, score**2), [ORION], threshold=0.7, farthest_deg=8)
    mixed = ScoredTiles(lon_deg[order], lat_deg[order], score[order], score[order] ** 2)
    back = recovery(mixed, [ORION], threshold=0.7, farthest_deg=8)
    assert order[np.asarray(back["tile"])].tolist() == there["tile"].tolist()
    assert back["score"].tolist() == there["score"].tolist()
    assert summarise(back) == summarise(there)


@given(st.integers(0, 2**32 - 1))
@pytest.mark.slow
def test_recovery_does_not_depend_on_the_scale_of_the_score(seed: int) -> None:
    score = np.random.default_rng(seed).random(648)
    plain = summarise(recovery(tiles_of(score), [ORION], threshold=0.7, farthest_deg=8))
    cubed = summarise(recovery(tiles_of(score**3), [ORION], threshold=0.7**3, farthest_deg=8))
    assert plain.by_ranking["score"] == cubed.by_ranking["score"]


def test_by_default_the_annotated_regions_are_looked_up_and_those_near_orion_left_out() -> None:
    table = recovery(tiles_of(np.arange(648.0)), [ORION], threshold=600, farthest_deg=8)
    assert len(table) == np.count_nonzero(known_regions()["annotate"])
    left_out = set(table["name"][~table["counted"]])
    assert left_out == {
        "Orion Molecular Cloud Complex",
        "Monoceros R2",
        "Large Magellanic Cloud",
        "Small Magellanic Cloud",
    }
    assert summarise(table).n_regions == len(table) - 4
    assert all(table[name].info.description for name in table.colnames)
    assert str(table["tile_distance_deg"].unit) == "deg"


def test_a_score_that_cannot_be_had_recovers_nothing_but_counts() -> None:
    table = recovery(tiles_of(np.full(648, np.nan)), [ORION], threshold=0.9, farthest_deg=8)
    summary = summarise(table)
    assert summary.sky_fractions[0] == 0
    assert summary.by_ranking["score"] == (0, 0, 0, 0)
    assert summary.n_regions > 30
    assert not table["recovered"].any()


def test_tiles_check_themselves() -> None:
    one = np.ones(1)
    with pytest.raises(DataQualityError, match="^there are no tiles to rank; choose a larger area"):
        ScoredTiles(one[:0], one[:0], one[:0], one[:0])
    with pytest.raises(UsageError, match=r"^score has shape \(2,\), but there are 1 tiles$"):
        ScoredTiles(one, one, np.ones(2), one)
    with pytest.raises(UsageError, match="^every tile needs a finite position"):
        ScoredTiles(one * np.nan, one, one, one)
    with pytest.raises(UsageError, match="some weights are not above 0$"):
        ScoredTiles(one, one, one, one, one * 0)

"""One table of numbers for an evaluated score and its baselines."""

import numpy as np
import pytest

from skykin.catalogue.object_lists import ObjectList
from skykin.core.errors import DataQualityError, UsageError
from skykin.core.sphere import directions
from skykin.evaluation.assessment import AGAINST, AUC_LAT, AVERAGE, FOLLOWS, LATITUDE, LIFT, Assessment
from skykin.evaluation.tile_centres import TileCentres

TILES = TileCentres.healpix(8)
RNG = np.random.default_rng(0)


def random_list(number, seed, title):
    rng = np.random.default_rng(seed)
    lon, lat = rng.uniform(0, 360, number), np.degrees(np.arcsin(rng.uniform(-1, 1, number)))
    names = tuple(f"{title} {i}" for i in range(number))
    return ObjectList(title, names, lon, lat, np.full(number, 1.0))


WANTED, OTHERS = random_list(30, 11, "wanted"), random_list(20, 2, "others")


def near(targets):
    dot = directions(TILES.lon_deg, TILES.lat_deg) @ directions(targets.lon_deg, targets.lat_deg).T
    return dot.max(axis=1) + 1e-6 * RNG.random(len(TILES))


def assessment(**changes):
    parts = {
        "tiles": TILES,
        "scores": {
            "score": near(WANTED),
            LATITUDE: -np.abs(TILES.lat_deg),
            "noise": np.random.default_rng(3).random(len(TILES)),
        },
        "brightness": near(OTHERS),
        "lists": (WANTED,),
        "contaminants": OTHERS,
        "reference": (209.0, -17.5),
        "rotations": 40,
    }
    return Assessment(**{**parts, **changes})


@pytest.fixture(scope="module")
def table():
    return assessment().table()


def row(table, **wanted):
    chosen = np.ones(len(table), dtype=bool)
    for column, text in wanted.items():
        chosen &= np.asarray(table[column]) == text
    assert chosen.sum() == 1
    return table[chosen][0]


def test_a_score_that_knows_the_list_beats_every_baseline(table):
    own = row(table, zone="all sky", measure=AUC_LAT, ranking="score")
    assert own["value"] > 0.8
    assert own["p"] == pytest.approx(1 / 41)
    for name in (LATITUDE, "noise"):
        other = row(table, zone="all sky", measure=AUC_LAT, ranking=name)
        assert other["gain"] == pytest.approx(own["value"] - other["value"])
        assert other["gain_low"] > 0
    assert row(table, zone="all sky", measure=AUC_LAT, ranking=LATITUDE)["value"] == 0.5
    assert np.isnan(own["gain"])


def test_every_measure_is_there_for_every_zone_and_ranking(table):
    measures = {"AUC_lat", "AUC_row", "recall at 5%", "recall at 10%", "recall at 20%", AGAINST}
    for zone in ("all sky", "|b| > 5°"):
        for ranking in ("score", LATITUDE, "noise"):
            mine = table[
                (table["zone"] == zone) & (table["ranking"] == ranking) & (table["list"] == "wanted")
            ]
            assert measures <= set(mine["measure"])
    lift = row(table, measure=LIFT, ranking="score")
    recall = row(table, measure="recall at 10%", zone="|b| > 5°", ranking="score")
    assert lift["value"] == pytest.approx(10 * recall["value"])
    assert row(table, measure=FOLLOWS, zone="all sky", ranking="score")["value"] < 0.5


def test_several_lists_have_an_average_with_a_paired_interval(table):
    more = random_list(40, 12, "more")
    both = assessment(lists=(WANTED, more)).table()
    for ranking in ("score", LATITUDE, "noise"):
        parts = [
            row(both, list=title, zone="all sky", measure=measure, ranking=ranking)["value"]
            for title in ("wanted", "more")
            for measure in (AUC_LAT, AGAINST)
        ]
        assert row(both, measure=AVERAGE, ranking=ranking)["value"] == pytest.approx(np.mean(parts))
    other = row(both, measure=AVERAGE, ranking="noise")
    assert other["gain_low"] < other["gain"] < other["gain_high"]
    # One list is its own average.
    assert AVERAGE not in set(table["measure"])


def test_zones_with_too_few_objects_say_nothing(table):
    plane = table[(table["zone"] == "|b| ≤ 5°") & (table["list"] == "wanted")]
    assert len(plane) == 0


def test_the_mirrored_list_is_not_found(table):
    for name in ("AUC_lat, mirrored in b", "AUC_lat, mirrored in l"):
        found = row(table, measure=name)
        assert found["low"] < 0.62
        assert found["value"] < row(table, zone="all sky", measure=AUC_LAT, ranking="score")["value"] - 0.1


def test_each_object_is_told_with_how_much_sky_ranks_as_high():
    objects = assessment().objects()
    assert set(objects["list"]) == {"wanted"}
    assert np.median(objects["sky share by score"]) < 0.2 < np.median(objects["sky share by noise"])
    assert np.median(objects["row_share"]) > 0.85


def test_the_curves_rise_to_one():
    curves = assessment().curves(np.array([0.0, 0.1, 0.5, 1.0]))
    for name in ("score", LATITUDE, "noise"):
        assert curves[name][0] == 0
        assert curves[name][-1] == 1
        assert (np.diff(curves[name]) >= 0).all()
    assert (curves["null_low"] <= curves["null_high"]).all()


def test_without_overlap_or_objects_the_reason_is_told():
    north = TILES.lat_deg > 70
    part = TileCentres(TILES.lon_deg[north], TILES.lat_deg[north], TILES.area[north])
    with pytest.raises(
        DataQualityError, match=r"only \d of the 30 objects of 'wanted' lie on the map where it has a "
    ):
        assessment(tiles=part, scores={"score": np.ones(len(part))}, brightness=np.ones(len(part)))
    with pytest.raises(UsageError, match="an evaluation needs a score and a list of objects"):
        assessment(lists=())


def test_tiles_that_a_baseline_does_not_know_are_left_out_for_all():
    noise = np.random.default_rng(4).random(len(TILES))
    noise[TILES.lat_deg > 30] = np.nan
    table = assessment(scores={"score": near(WANTED), "noise": noise}).table()
    numbers = {row(table, zone="all sky", measure=AUC_LAT, ranking=name)["n"] for name in ("score", "noise")}
    assert len(numbers) == 1
    assert numbers.pop() < 30

"""What a map says its scores are worth."""

import numpy as np
import pytest
from astropy.table import QTable

import skykin
from skykin.core.criterion import MatchCriterion, ScoreCut
from skykin.core.errors import SkyError, UsageError
from skykin.core.footprint import Footprint
from skykin.core.settings import MapSettings
from skykin.jobs.anchors import Anchors, hubness_of_reference
from skykin.jobs.second_look import most_unusual
from skykin.jobs.tiles import line_of
from skykin.jobs.trust import fisher
from skykin.products.summary import summary_lines
from skykin.products.write import write_products
from skykin.style.recipe import recipe
from skykin.style.signature import Signature
from tests import kinds
from tests.skies import blob_survey

SMALL = {"tile_size": 30, "spacing": 15, "pixels": 32, "recipe": "mean-std", "engine": "tiles"}


@pytest.fixture(scope="module")
def kin():
    return skykin.map_kin(MapSettings(survey=blob_survey(), **SMALL))


def test_a_map_draws_its_line_at_a_q_value_and_says_when_nothing_reaches_it(kin):
    assert kin.line == ScoreCut("q", 0.1)
    assert kin.tiles["q"].min() > 0.1  # a sky of seven blobs is too small for a discovery
    lines = summary_lines(kin.summary)
    assert "No tile matches: none has q 0.1 or less." in lines
    assert any("are worth 40 tiles without common sky" in line for line in lines)
    assert not any("0.0 % of the sky" in line for line in lines)


def test_each_tile_has_p_and_q_beside_its_score(kin):
    p, q = np.asarray(kin.tiles["p"]), np.asarray(kin.tiles["q"])
    assert ((p > 0) & (p <= 1)).all()
    assert (q >= p - 1e-12).all()
    order = np.argsort(kin.tiles["standardised"])
    assert (np.diff(p[order]) <= 0).all()
    np.testing.assert_allclose(
        kin.score_map.of_pixels(np.array([0]), "P"), kin.score_map.columns["P"][:1].astype(float)
    )


def test_a_map_too_small_to_tell_says_what_to_do():
    kin = skykin.map_kin(MapSettings(survey=blob_survey(), area="60,100,-20,20", **SMALL))
    assert np.isnan(kin.tiles["q"]).all()
    assert kin.summary["n_matches"] == 0
    told = " ".join(summary_lines(kin.summary))
    assert "Their p and q are not known" in told
    assert "use a score (--threshold) or a share of the sky (--top-fraction)" in told


def test_where_no_tile_away_from_the_reference_reaches_the_rate_the_most_alike_are_shown_instead():
    tiles = QTable({"score": np.linspace(1, 0, 200), "q": np.full(200, 0.4), "area": np.full(200, 1 / 200)})
    beside = np.arange(200) < 3
    chosen = recipe("core-contrast")
    tiles["q"][1] = 0.01  # the reference itself
    line = line_of(tiles, chosen, MatchCriterion(), beside)
    assert (line.column, line.missed_q) == ("score", 0.1)
    assert line.matches(tiles["score"]).sum() == 2
    assert line_of(tiles, chosen, MatchCriterion(max_q=0.1), beside) == ScoreCut("q", 0.1)
    tiles["q"][3] = 0.05
    assert line_of(tiles, chosen, MatchCriterion(), beside) == ScoreCut("q", 0.1)


@pytest.mark.parametrize(
    ("calibrated", "told"),
    [
        (True, "No tile away from the reference has q 0.1 or less, so the matches are only the most alike"),
        (False, "Their p and q are not known: the tiles away from the reference are worth 9 without common"),
    ],
)
def test_matches_that_are_only_the_most_alike_are_told_so(calibrated, told):
    line = ScoreCut("score", 0.4, missed_q=0.1).to_dict()
    facts = {"n_tiles": 90, "n_matches": 1, "line": line, "n_independent": 9.0, "calibrated": calibrated}
    lines = " ".join(summary_lines(facts))
    assert told in lines
    assert "only the most alike" in lines
    assert ("No tile away" in lines) == calibrated


def test_settings_draw_the_line_before_the_recipe_does():
    base = {**SMALL, "area": "60,100,-20,20"}
    kin = skykin.map_kin(MapSettings(survey=blob_survey(), **base | {"recipe": "poster"}), max_q=0.3)
    assert kin.line == ScoreCut("q", 0.3)
    with pytest.raises(
        UsageError, match=r"threshold=0.5 and max_q=0.1 contradict each other; give one of them"
    ):
        MatchCriterion(threshold=0.5, max_q=0.1)
    with pytest.raises(
        UsageError, match=r"max_q is '2', but it must be a false discovery rate between 0 and 1"
    ):
        MatchCriterion(max_q=2)


def test_a_line_tells_matches_and_says_its_rule():
    assert ScoreCut("score", 0.9).matches(np.array([0.9, 0.8, np.nan])).tolist() == [True, False, False]
    assert ScoreCut("q", 0.1).matches(np.array([0.1, 0.2, np.nan])).tolist() == [True, False, False]
    assert ScoreCut("score", 0.9).words == "score 0.9 or more"
    assert ScoreCut("q", 0.1).words == "q 0.1 or less"
    assert (ScoreCut("score", 0.9).threshold, ScoreCut("q", 0.1).threshold) == (0.9, None)


def test_matches_by_q_are_told_with_the_tiles_that_they_are_worth():
    lines = summary_lines({**kinds.summary(), "line": {"column": "q", "value": 0.1}, "threshold": None})
    assert lines[1].startswith("12 of them match (q 0.1 or less): they stand for 6.2 % of the sky")
    assert "which are worth 181 tiles without common sky" in lines[2]
    assert not any(line.startswith("Beware") for line in lines)


def test_fishers_z_keeps_the_order_and_has_no_infinite_ends():
    z = fisher(np.array([-1.0, -0.5, 0.0, 0.5, 1.0]))
    assert np.isfinite(z).all()
    np.testing.assert_allclose(z[1:4], [-0.54930614, 0, 0.54930614])
    assert (np.diff(z) > 0).all()
    assert np.isfinite(fisher(np.ones(1, np.float32))).all()


@pytest.mark.slow
@pytest.mark.parametrize("value", [0.3, 0.001])
def test_all_products_are_written_for_a_line_in_q_with_matches_and_without(tmp_path, value):
    result = kinds.made_up_result(line=ScoreCut("q", value))
    result.tiles["match"] = result.line.matches(result.tiles["q"])
    written = write_products(result, tmp_path / "out")
    assert all(path.stat().st_size > 0 for path in written.values())
    page = written["report.html"].read_text(encoding="utf-8")
    assert (f"No tile has q {value} or less." in page) == (value == 0.001)
    table = QTable.read(written["tiles.ecsv"])
    assert table["p"].info.description == "Share of tiles without kinship that stand out as much"


@pytest.mark.parametrize("engine", ["tiles", pytest.param("shared", marks=pytest.mark.slow)])
def test_local_scaling_takes_off_what_a_tile_has_in_common_with_all(engine):
    place = {"area": "110,250,-45,10", "engine": engine}
    kin = skykin.map_kin(MapSettings(survey=blob_survey(), **SMALL | place), csls=True)
    tiles = kin.tiles
    hubs = np.asarray(tiles["hubness"])
    assert (np.abs(hubs[np.isfinite(hubs)]) <= 1).all()
    # Twice the score, less the hubness of tile and reference: the same reference for all.
    rest = 2 * np.asarray(tiles["score"]) - hubs - np.asarray(tiles["csls"])
    np.testing.assert_allclose(rest, rest[0])
    plain = skykin.map_kin(MapSettings(survey=blob_survey(), **SMALL | place))
    np.testing.assert_allclose(plain.tiles["score"], tiles["score"], atol=1e-6)
    assert "csls" not in plain.tiles.colnames


def test_anchors_that_share_sky_with_a_tile_do_not_tell_whether_it_is_a_hub():
    footprints = tuple(Footprint(lon, 0.0, 10.0) for lon in (0.0, 10.0, 90.0))
    vectors = ([1.0, 0.0], [1.0, 0.0], [0.6, 0.8])
    anchors = Anchors(tuple(Signature({"a": np.float32(v)}) for v in vectors), footprints, "mean")
    tile = Signature({"a": np.float32([1.0, 0.0])})
    assert anchors.hubness_of(tile, Footprint(5.0, 0.0, 10.0)) == pytest.approx(0.6)
    assert anchors.hubness_of(tile, Footprint(180.0, 0.0, 10.0)) == pytest.approx((1 + 1 + 0.6) / 3)
    assert anchors.below(tile)["a"].shape == (4, 2)
    near = Anchors(anchors.signatures[:2], footprints[:2], "mean")
    with pytest.raises(SkyError, match="each of 2 tiles that scores could be scaled by shares sky with the"):
        hubness_of_reference(near, tile, Footprint(5.0, 0.0, 10.0))


def test_the_second_look_is_at_tiles_of_small_q_then_small_p_then_high_rank():
    tiles = QTable(
        {
            "rank": [1, 2, 3, 4, 5],
            "score": [0.9, 0.8, 0.7, 0.6, np.nan],
            "p": [0.2, 0.001, 0.01, 0.2, np.nan],
            "q": [0.5, 1.0, 0.05, 0.5, np.nan],
        }
    )
    assert most_unusual(tiles).tolist() == [2, 0, 3, 1]

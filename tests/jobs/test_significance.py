"""What a map says about the significance of its scores."""

from dataclasses import replace

import numpy as np
import pytest
from astropy.table import QTable

import skykin
from skykin.core.criterion import MatchCriterion, ScoreCut
from skykin.core.errors import SkyError, UsageError
from skykin.core.footprint import Footprint
from skykin.jobs.anchors import Anchors, reference_hubness
from skykin.jobs.finish import _cut, most_unusual
from skykin.products.summary import MapSummary, summary_lines
from skykin.products.write import write_products
from skykin.significance.tile_scores import fisher
from skykin.style.recipe import recipe
from skykin.style.signature import Signature
from skykin.style.similarity import QueryStyle
from tests import kinds
from tests.skies import blob_survey

SMALL = {"tile_size": 30, "spacing": 15, "pixels": 32, "recipe": "mean-std", "engine": "tiles"}

LAYER = "block1_conv1"


@pytest.fixture(scope="module")
def kin():
    return skykin.map(blob_survey(), **SMALL)


def test_a_map_cuts_its_matches_at_a_q_value_and_says_when_nothing_reaches_it(kin):
    assert kin.cut == ScoreCut("q", 0.1)
    assert kin.tiles["q"].min() > 0.1  # a sky of seven blobs is too small for a discovery
    lines = summary_lines(kin.summary)
    assert "No tile matches: none has q 0.1 or less." in lines
    assert any("are equivalent to 40 independent tiles" in line for line in lines)
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
    kin = skykin.map(blob_survey(), area="60,100,-20,20", **SMALL)
    assert np.isnan(kin.tiles["q"]).all()
    assert kin.summary.n_matches == 0
    told = " ".join(summary_lines(kin.summary))
    assert "Their p and q are not known" in told
    assert "use a score (--threshold) or a share of the sky (--top-fraction)" in told


def test_where_no_tile_away_from_the_reference_reaches_the_rate_the_most_similar_are_shown_instead():
    tiles = QTable({"score": np.linspace(1, 0, 200), "q": np.full(200, 0.4), "area": np.full(200, 1 / 200)})
    overlapping = np.arange(200) < 3
    chosen = recipe("core-contrast")
    tiles["q"][1] = 0.01  # the reference itself
    cut = _cut(tiles, chosen, MatchCriterion(), overlapping)
    assert (cut.column, cut.missed_q) == ("score", 0.1)
    assert cut.matches(tiles["score"]).sum() == 2
    assert _cut(tiles, chosen, MatchCriterion(max_q=0.1), overlapping) == ScoreCut("q", 0.1)
    tiles["q"][3] = 0.05
    assert _cut(tiles, chosen, MatchCriterion(), overlapping) == ScoreCut("q", 0.1)


@pytest.mark.parametrize(
    ("calibrated", "told"),
    [
        (True, "No tile away from the reference has q 0.1 or less, so the matches are only the most similar"),
        (False, "Their p and q are not known: the tiles away from the reference are equivalent to 9 indep"),
    ],
)
def test_matches_that_are_only_the_most_similar_are_told_so(calibrated, told):
    cut = ScoreCut("score", 0.4, missed_q=0.1)
    summary = MapSummary(n_tiles=90, n_matches=1, cut=cut, n_independent=9.0, calibrated=calibrated)
    lines = " ".join(summary_lines(summary))
    assert told in lines
    assert "only the most similar" in lines
    assert ("No tile away" in lines) == calibrated


def test_a_criterion_that_is_given_goes_before_that_of_the_recipe():
    place = {"area": "60,100,-20,20", "recipe": "poster"}
    kin = skykin.map(blob_survey(), **SMALL | place, max_q=0.3)
    assert kin.cut == ScoreCut("q", 0.3)
    with pytest.raises(
        UsageError, match=r"--threshold 0.5 and --max-q 0.1 contradict each other; give one of them"
    ):
        MatchCriterion(threshold=0.5, max_q=0.1)
    with pytest.raises(
        UsageError, match=r"max_q is '2', but it must be a false discovery rate between 0 and 1"
    ):
        MatchCriterion(max_q=2)


def test_a_cut_tells_matches_and_says_its_rule():
    assert ScoreCut("score", 0.9).matches(np.array([0.9, 0.8, np.nan])).tolist() == [True, False, False]
    assert ScoreCut("q", 0.1).matches(np.array([0.1, 0.2, np.nan])).tolist() == [True, False, False]
    assert ScoreCut("score", 0.9).words == "score 0.9 or more"
    assert ScoreCut("q", 0.1).words == "q 0.1 or less"
    assert (ScoreCut("score", 0.9).threshold, ScoreCut("q", 0.1).threshold) == (0.9, None)


def test_matches_by_q_are_told_with_the_number_of_independent_tiles():
    lines = summary_lines(kinds.summary(cut=ScoreCut("q", 0.1)))
    assert lines[1].startswith("12 of them match (q 0.1 or less): they stand for 6.2 % of the sky")
    assert "which are equivalent to 181 independent tiles" in lines[2]
    assert not any(line.startswith("Beware") for line in lines)


def test_fishers_z_keeps_the_order_and_has_no_infinite_ends():
    z = fisher(np.array([-1.0, -0.5, 0.0, 0.5, 1.0]))
    assert np.isfinite(z).all()
    np.testing.assert_allclose(z[1:4], [-0.54930614, 0, 0.54930614])
    assert (np.diff(z) > 0).all()
    assert np.isfinite(fisher(np.ones(1, np.float32))).all()


@pytest.mark.slow
@pytest.mark.parametrize("value", [0.3, 0.001])
def test_all_products_are_written_for_a_cut_in_q_with_matches_and_without(tmp_path, value):
    cut = ScoreCut("q", value)
    result = kinds.made_up_result(cut=cut)
    result.tiles["match"] = cut.matches(result.tiles["q"])
    n_matches = result.n_matches
    result.__dict__["summary"] = kinds.summary(cut=cut, n_matches=n_matches)
    written = write_products(result, tmp_path / "out")
    assert all(path.stat().st_size > 0 for path in written.values())
    page = written["report.html"].read_text(encoding="utf-8")
    assert (f"No tile has q {value} or less." in page) == (value == 0.001)
    table = QTable.read(written["tiles.ecsv"])
    assert table["p"].info.description == "p-value under the matched null"


@pytest.mark.parametrize("engine", ["tiles", pytest.param("shared", marks=pytest.mark.slow)])
def test_local_scaling_subtracts_the_similarity_of_a_tile_to_all(engine):
    place = {"area": "110,250,-45,10", "engine": engine}
    kin = skykin.map(blob_survey(), **SMALL | place, csls=True)
    tiles = kin.tiles
    hubs = np.asarray(tiles["hubness"])
    assert (np.abs(hubs[np.isfinite(hubs)]) <= 1).all()
    # Twice the score, less the hubness of tile and reference: the same reference for all.
    rest = 2 * np.asarray(tiles["score"]) - hubs - np.asarray(tiles["csls"])
    np.testing.assert_allclose(rest, rest[0])
    plain = skykin.map(blob_survey(), **SMALL | place)
    np.testing.assert_allclose(plain.tiles["score"], tiles["score"], atol=1e-6)
    assert "csls" not in plain.tiles.colnames


def test_anchors_that_overlap_a_tile_do_not_tell_its_hubness():
    footprints = tuple(Footprint(lon, 0.0, 10.0) for lon in (0.0, 10.0, 90.0))
    vectors = ([1.0, 0.0], [1.0, 0.0], [0.6, 0.8])
    styles = tuple(Signature({LAYER: np.float32(v)}) for v in vectors)
    anchors = Anchors.of(styles, footprints, 10.0)
    tile = Signature({LAYER: np.float32([1.0, 0.0])})
    style = QueryStyle(replace(recipe("mean-std"), layers=(LAYER,)), (tile,))
    assert anchors.hubness_of(style, tile, Footprint(5.0, 0.0, 10.0)) == pytest.approx(0.6)
    assert anchors.hubness_of(style, tile, Footprint(180.0, 0.0, 10.0)) == pytest.approx((1 + 1 + 0.6) / 3)
    assert anchors.below(style.vectors)[LAYER].shape == (4, 2)
    nearest, where = np.zeros(3, int), kinds.query(("here", Footprint(5.0, 0.0, 10.0)))
    np.testing.assert_allclose(reference_hubness(anchors, where, style, nearest), [0.6] * 3)
    near = Anchors.of(styles[:2], footprints[:2], 10.0)
    with pytest.raises(SkyError, match="each of 2 tiles that scores could be scaled by overlaps the refer"):
        reference_hubness(near, where, style, nearest)


def test_the_tiles_measured_again_have_small_q_then_small_p_then_high_rank():
    tiles = QTable(
        {
            "rank": [1, 2, 3, 4, 5],
            "score": [0.9, 0.8, 0.7, 0.6, np.nan],
            "p": [0.2, 0.001, 0.01, 0.2, np.nan],
            "q": [0.5, 1.0, 0.05, 0.5, np.nan],
        }
    )
    assert most_unusual(tiles).tolist() == [2, 0, 3, 1]

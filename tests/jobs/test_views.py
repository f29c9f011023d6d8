"""A reference looked at in views: turned, scaled and mirrored, by map, search and explain."""

import json

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import skykin
from skykin.core.errors import SkyError, SkykinError, UsageError
from skykin.core.views import MANY_VIEWS
from skykin.evaluation.planted import PIXEL_DEG, planted
from skykin.jobs.map import map_again
from skykin.products.summary import summary_lines

TILE_DEG = 160 * PIXEL_DEG
HOW = {
    "tile_size": TILE_DEG, "spacing": TILE_DEG * 3 / 8, "pixels": 64, "recipe": "core-contrast",
    "stretch": "linear", "top_fraction": 0.2,
}  # fmt: skip


class Told:
    """Progress that keeps what it is told."""

    def __init__(self):
        self.lines = []

    def say(self, text):
        self.lines.append(text)


@pytest.fixture(scope="module", autouse=True)
def _quick(tmp_path_factory):
    """An average of few tiles, a cache of its own, one thread."""
    with pytest.MonkeyPatch.context() as changed, threadpool_limits(1):
        changed.setenv("SKYKIN_CACHE", str(tmp_path_factory.mktemp("views") / "cache"))
        changed.setattr("skykin.jobs.streamed.STANDARD_TILES_IN_CONTEXT", 12)
        yield


@pytest.fixture(scope="module")
def sky():
    """Bundles of filaments at any angle, and rings of three sizes, on an image of 3 × 3 cells."""
    return planted({"filaments": 4, "ring": 3}, 5, noise=0.1, sizes=(2 / 3, 1.0, 1.5), cells=3)


@pytest.fixture(scope="module")
def survey(sky):
    return skykin.open_survey((sky.image, sky.wcs))


@pytest.fixture(scope="module")
def places(sky):
    """Galactic positions of the objects."""
    return list(zip(*sky.sky(), strict=True))


@pytest.fixture(scope="module")
def index(survey, tmp_path_factory):
    how = {name: HOW[name] for name in HOW if name != "top_fraction"}
    return skykin.index(survey, tmp_path_factory.mktemp("views") / "planted.skykin", exact=True, **how)


@pytest.fixture(scope="module")
def made(survey, places, sky):
    """A map for the first bundle of filaments."""
    return skykin.map(survey, places[sky.rows("filaments")[0]], **HOW)


def best_rows(sky, found, kind):
    """The best tile that shows each object of a kind, in the order of the objects."""
    x, y = sky.pixels(found.lon_deg, found.lat_deg)
    shown, score = sky.shown(x, y), np.asarray(found.tiles["score"])
    return [max(np.flatnonzero(shown == row), key=lambda tile: score[tile]) for row in sky.rows(kind)]


@pytest.mark.slow
def test_objects_at_any_angle_are_found_and_their_angle_is_told(sky, made, index, places):
    rows = best_rows(sky, made, "filaments")
    one = skykin.search(index, places[sky.rows("filaments")[0]], turns=1, scales=1)
    score, alone = (np.asarray(found.tiles["score"])[rows[1:]] for found in (made, one))
    assert (score >= alone - 0.05).all()
    assert score.min() > alone.min() + 0.05
    assert "view_scale" not in one.tiles.colnames
    angle = np.asarray(sky.objects["angle_deg"])[sky.rows("filaments")]
    # Half a turn is none for filaments.
    turned = np.asarray(made.tiles["view_angle_deg"].value)[rows]
    off = (turned - (angle - angle[0]) + 90) % 180 - 90
    assert np.abs(off).max() < 45
    assert turned[0] == 0


@pytest.mark.slow
def test_a_larger_ring_is_most_like_the_reference_enlarged(sky, survey, places):
    rings = sky.rows("ring")
    size = np.asarray(sky.objects["size"])[rings]
    first = int(np.argmin(size))
    found = skykin.map(survey, places[rings[first]], **HOW)
    scale = np.asarray(found.tiles["view_scale"])[best_rows(sky, found, "ring")]
    assert scale[first] <= 1
    assert scale[int(np.argmax(size))] == 1.5


def test_the_reference_scores_one_and_the_summary_says_what_was_looked_at(made):
    assert made.summary.reference_score == pytest.approx(1, abs=1e-6)
    assert made.summary.views == {**MANY_VIEWS.to_dict(), "left_out": {}}
    line = (
        "The reference is looked at in 24 views, 8 turns × 3 scales (0.67, 1, 1.5); a tile's similarity to "
    )
    assert f"{line}it is the largest over the views." in summary_lines(made.summary)
    assert made.tiles["view_angle_deg"].unit == "deg"


@pytest.mark.slow
def test_a_map_is_made_again_from_its_provenance_with_the_same_views(made, survey):
    again = map_again(made.provenance, survey=survey)
    assert again.query.views == made.query.views == MANY_VIEWS
    for name in ("score", "view_scale"):
        np.testing.assert_array_equal(np.asarray(again.tiles[name]), np.asarray(made.tiles[name]))


@pytest.mark.slow
def test_an_index_is_searched_in_the_views_of_the_map(made, index, survey):
    reference = made.query.positions[0]
    found = skykin.search(index, tuple(reference), measure=True, survey=survey, top_fraction=0.2)
    np.testing.assert_allclose(found.tiles["score"], made.tiles["score"], atol=2e-3)
    clear = np.asarray(made.tiles["score"]) > 0.3
    same = np.asarray(found.tiles["view_angle_deg"].value) == np.asarray(made.tiles["view_angle_deg"].value)
    assert same[clear].mean() > 0.95
    best = skykin.nearest_tiles(index, tuple(reference), 3, turns=4, scales=1, survey=survey)
    assert set(best["view_angle_deg"].value) <= {0, 90, 180, 270}


def test_a_query_without_the_survey_is_looked_at_as_it_is_and_says_so(index, places, monkeypatch):
    def missing(_):
        raise SkyError("the survey is not here; put it back")

    monkeypatch.setattr("skykin.jobs.stored.sky_of", missing)
    told = Told()
    found = skykin.search(index, places[0], progress=told, top_fraction=0.2)
    assert not found.query.views.several
    assert "view_scale" not in found.tiles.colnames
    sentence = "the reference is looked at as it is, in one view: the survey is not here; put it back"
    assert told.lines.count(sentence) == 1
    with pytest.raises(SkykinError, match="the survey is not here"):
        skykin.search(index, places[0], turns=4)


@pytest.mark.slow
def test_the_mean_over_views_is_below_their_maximum(made, index, survey):
    reference = tuple(made.query.positions[0])
    both = [skykin.search(index, reference, survey=survey, views=by) for by in ("mean", "max")]
    mean, largest = (np.asarray(found.tiles["score"]) for found in both)
    assert (mean <= largest + 1e-9).all()
    assert both[0].provenance.query["views"]["views"] == "mean"


@pytest.mark.slow
def test_views_past_the_edge_of_the_survey_are_left_out_and_it_is_said(sky, survey):
    corner = sky.wcs.wcs_pix2world(82, 82, 0)
    found = skykin.map(survey, tuple(map(float, corner)), **HOW)
    (number,) = found.summary.views["left_out"].values()
    # All that are turned by half a quarter show corners beyond the edge; so do all smaller ones.
    assert 8 <= number <= 16
    line = (
        f"{number} views of {found.query.name} were left out, because they look past the edge of the survey."
    )
    assert line in summary_lines(found.summary)
    with pytest.raises(SkyError, match="every view of the reference .* looks past the edge of the survey"):
        skykin.map(survey, tuple(map(float, corner)), turns=1, scales=0.25, **HOW)


@pytest.mark.slow
def test_explain_tells_the_view_that_the_tile_is_most_similar_to(sky, made, index, survey, tmp_path):
    row = best_rows(sky, made, "filaments")[1]
    name, reference = str(made.tiles["name"][row]), tuple(made.query.positions[0])
    why = skykin.explain(index, reference, name, survey=survey, sample=0, output=tmp_path / "why")
    found = skykin.search(index, reference, survey=survey).tiles
    there = found[np.asarray(found["name"]) == name]
    assert why.tile.score == pytest.approx(float(there["score"][0]))
    assert why.view.angle_deg == float(there["view_angle_deg"][0].value)
    assert np.nanmean(why.whole) == pytest.approx(why.tile.score, abs=1e-3)
    assert f"It is most similar to the reference {why.view.words}." in why.sentences()
    facts = json.loads((tmp_path / "why" / "explanation.json").read_text())
    assert facts["view"] == {
        "angle_deg": why.view.angle_deg, "scale": why.view.scale, "mirrored": False,
    }  # fmt: skip
    assert skykin.Explanation.read(tmp_path / "why").view == why.view


@pytest.mark.slow
def test_a_picture_is_looked_for_in_views(index, sky, survey):
    x, y = (round(float(sky.objects[name][sky.rows("filaments")[0]])) for name in ("x", "y"))
    part = sky.image[max(0, y - 80) : y + 80, max(0, x - 80) : x + 80][::-1]
    grey = np.clip((part - 7) / 8, 0, 1)[..., None].repeat(3, axis=2).astype(np.float32)
    picture = skykin.Picture(np.ascontiguousarray(grey), np.ones(grey.shape[:2], np.float32))
    found = skykin.search(index, picture, pixel_scale=PIXEL_DEG, survey=survey, turns=4, scales=1)
    assert set(found.tiles["view_angle_deg"].value) <= {0, 90, 180, 270}
    assert len(set(found.tiles["view_angle_deg"].value)) > 1


def test_views_of_a_plate_carree_map_are_refused_before_anything_is_measured(survey, places):
    with pytest.raises(UsageError, match="a tile of a plate carrée cannot be turned"):
        skykin.map(
            survey, places[0], tile_size=TILE_DEG, spacing=TILE_DEG / 2, pixels=32, recipe="poster",
            grid="plate-carree", turns=4,
        )  # fmt: skip

"""Several references: names, sets, maps of them, and what is said of poor ones."""

import json
from dataclasses import replace

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from mocpy import MOC

import skykin
from skykin import read_query
from skykin.catalogue.references import (
    CORE_DEG,
    LEAST_COVERAGE,
    NEARER_PC,
    WIDEST_DEG,
    how_combined,
    listed,
    reference_sets,
    together,
)
from skykin.catalogue.regions import find_region, known_regions
from skykin.core.errors import SkyError, UnknownNameError, UsageError
from skykin.core.progress import SilentProgress
from skykin.core.views import AS_IT_IS, View
from skykin.evaluation.recovery import ScoredTiles, recovery
from skykin.evaluation.reference_coverage import nearest_well_covered
from skykin.evaluation.rotated import RotatedObjects
from skykin.jobs.evaluated_map import EvaluatedMap
from skykin.jobs.injections import plan
from skykin.jobs.remake import Change, remade
from skykin.products.summary import summary_lines
from skykin.products.write import write_products
from skykin.style.recipe import recipe
from skykin.style.signature import Signature, layer_cosines
from skykin.style.similarity import QueryStyle, combine
from skykin.survey.render import RenderedSurvey, measure_stretch
from skykin.survey.table.wham import open_wham
from tests.kinds import made_up_result, query
from tests.skies import blob_survey

#: Little sky in few pixels, tile by tile.
SMALL = {
    "tile_size": 30, "spacing": 20, "pixels": 32, "recipe": "mean-std", "engine": "tiles",
    "area": "170,300,-50,20", "min_coverage": 0.1,
}  # fmt: skip
PAIR = ("209,-19", "287,-1")
ONE, OTHER = "block1_conv1", "block2_conv1"


def mapped(survey, *references, by="mean", **changes):
    return skykin.map(survey, references, combine=by, jobs=1, **{**SMALL, **changes})


@pytest.fixture(scope="module")
def survey():
    return blob_survey(nside=32)


@pytest.fixture(scope="module")
def alone(survey):
    return [mapped(survey, each) for each in PAIR]


@pytest.fixture(scope="module")
def both(survey):
    return mapped(survey, *PAIR)


# The query


def test_one_name_stays_one_name_and_a_list_becomes_several():
    assert read_query("orion").name == "Orion Molecular Cloud Complex"
    assert read_query((209, -19)).references == read_query("209,-19").references
    two = read_query(["carina", SkyCoord(80, 1, unit="deg", frame="galactic")])
    assert two.name == "Carina Nebula and l=80.00 b=+1.00"
    assert two.combine == "max"
    assert read_query(("carina", "orion")).name == "Carina Nebula and Orion Molecular Cloud Complex"
    assert together(["a", "b", "c", "d", "e", "f"]) == "a, b, c and 3 more"
    assert together(["a", "b", "c", "d"]) == "a, b, c and d"


def test_a_set_stands_for_its_members_and_says_how_they_are_combined():
    asked = read_query("set:h-ii-regions")
    assert [place.name for place in asked.references] == list(reference_sets()[0].members)
    assert (asked.combine, asked.chosen_by) == ("mean", "h-ii-regions")
    assert asked.name.startswith("set:h-ii-regions (California Nebula, ")
    assert how_combined("set:h-ii-regions", "max") == "max"
    more = read_query(["set:h-ii-regions", "carina"])
    assert (len(more.references), more.chosen_by) == (5, "")


def test_the_members_of_the_set_are_those_that_its_rule_names():
    table = known_regions()
    chosen = (table["kind"] == "H II complex") & table["in_wham"]
    chosen &= table["distance_pc"].filled(np.inf).value < NEARER_PC
    chosen &= table["diameter_deg"].value <= WIDEST_DEG
    members = set(reference_sets()[0].members)
    assert members <= set(table["name"][chosen])
    # The rest fails for coverage, which a test with the survey looks at.
    assert set(table["name"][chosen]) - members == {
        "Orion Nebula", "North America/Pelican", "IC 1396", "M8/M20",
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.wham
def test_wham_covers_the_cores_of_the_set_and_not_those_of_the_rest(wham_path):
    survey = open_wham(wham_path)
    for name in (*reference_sets()[0].members, "Orion Nebula", "North America", "IC 1396", "M8/M20"):
        place = find_region(name)
        where = skykin.Footprint(place.lon_deg, place.lat_deg, CORE_DEG)
        covered = survey.sample(*where.pixel_positions((48, 48)))[1].mean()
        assert (covered >= LEAST_COVERAGE) == (place.name in reference_sets()[0].members), (name, covered)


@pytest.mark.parametrize(
    ("asked", "error", "sentence"),
    [
        ([], UsageError, 'there is no reference; give one, such as "orion"'),
        (["orion", ""], UsageError, "the reference is empty"),
        ("set:hii", UnknownNameError, "no set of references is called 'hii'; .*set:h-ii-regions"),
        (["orion", "set:"], UnknownNameError, "no set of references is called ''; choose set:h-ii-regions"),
        ([f"{i},0" for i in range(200)], UsageError, "200 references were given, but at most 100 can be"),
    ],
)
def test_invalid_references_are_refused(asked, error, sentence):
    with pytest.raises(error, match=sentence):
        read_query(asked)


@pytest.mark.parametrize(
    "shape", ["circle(10,0,0)", "box(10,0,1,0,0)", "annulus(10,0,1,1)", "polygon(10,0,10,0,10,0)",
              "polygon(10,0,12,0,14,0)"],
)  # fmt: skip
def test_n05_a_reference_without_an_area_is_refused(tmp_path, shape):
    (tmp_path / "none.reg").write_text(f"galactic\n{shape}\n")
    with pytest.raises(SkyError, match="holds? no sky") as caught:
        read_query(str(tmp_path / "none.reg"))
    assert caught.value.code == "SKY-RANGE"
    with pytest.raises(UsageError, match="the width of a reference is 0°; use a finite number above 0"):
        read_query("209,-19", width=0)


def test_n06_the_whole_sky_is_no_reference():
    with pytest.raises(SkyError, match="spreads over the whole sky, .*a part that is at most 90° wide"):
        read_query(MOC.from_string("0/0-11", "ascii"))


@pytest.mark.parametrize(
    "other", ["209,-19", "-151,-19", SkyCoord(209, -19, unit="deg", frame="galactic").icrs]
)
def test_n08_a_place_that_is_given_twice_counts_once_however_it_is_written(other):
    (once,) = read_query("209,-19").references
    assert read_query(["209,-19", other]).references == (once,)
    assert [each.name for each in read_query(["orion", "OMCC", "carina"]).references] == [
        each.name for each in read_query(["orion", "carina"]).references
    ]


def test_another_way_of_combining_is_refused():
    with pytest.raises(UsageError, match="cannot be combined by 'sum'; choose max or mean"):
        how_combined("orion", "sum")
    with pytest.raises(UsageError, match="cannot be combined by 'sum'; choose max or mean"):
        skykin.map(combine="sum")


def test_places_whose_names_would_be_the_same_are_told_apart():
    assert [p.name for p in read_query(["10.001,0", "10.002,0"]).references] == [
        "l=10.00 b=+0.00 (1)", "l=10.00 b=+0.00 (2)",
    ]  # fmt: skip


def test_counter_examples_may_be_none():
    assert listed(()) == ()
    assert listed(("orion", "carina")) == ("orion", "carina")
    assert listed((1.0, 2.0)) == ((1.0, 2.0),)


# Similarity to several


def signatures(number, seed=0):
    rng = np.random.default_rng(seed)
    return [
        Signature({ONE: rng.normal(size=7) * 10 ** rng.uniform(-3, 3), OTHER: rng.normal(size=4)})
        for _ in range(number)
    ]


def style_of(references, layers_by, by):
    """A query of these references, by a recipe of these two layers."""
    chosen = replace(recipe("mean-std"), layers=(ONE, OTHER), combine=layers_by)
    return QueryStyle(chosen, tuple(references), combine=by)


@pytest.mark.parametrize("layers_by", ["mean", "max"])
@pytest.mark.parametrize("by", ["mean", "max"])
def test_similarity_to_several_is_what_the_cosines_with_each_give(layers_by, by):
    references, tile = signatures(3), signatures(1, seed=5)[0]
    each = np.array([list(layer_cosines(tile, one).values()) for one in references])
    scores = combine(each, layers_by)
    found = style_of(references, layers_by, by).similarity_of(tile)
    assert float(found.score) == pytest.approx(scores.mean() if by == "mean" else scores.max(), abs=1e-6)
    if by == "max":
        assert int(found.nearest) == int(np.argmax(scores))
    wanted = each.mean(axis=0) if by == "mean" else each[np.argmax(scores)]
    np.testing.assert_allclose(found.cosines, wanted, atol=1e-6)


@pytest.mark.parametrize("over", ["mean", "max"])
@pytest.mark.parametrize("by", ["mean", "max"])
def test_similarity_to_a_reference_in_views_is_taken_over_its_views_first(by, over):
    turned = tuple(View(90.0 * number) for number in range(3))
    styles, tile = signatures(6), signatures(1, seed=5)[0]
    chosen = replace(recipe("mean-std"), layers=(ONE, OTHER))
    found = QueryStyle(
        chosen, tuple(styles[:5]), (styles[5],), by, {}, (turned, turned[:2], (AS_IT_IS,)), over
    ).similarity_of(tile)
    each = np.array([list(layer_cosines(tile, one).values()) for one in styles])
    scores, over_all = each.mean(axis=1), getattr(np, over)
    references = np.array([over_all(scores[:3]), over_all(scores[3:5])])
    wanted = getattr(np, by)(references) - max(scores[5], 0)
    assert float(found.score) == pytest.approx(wanted, abs=1e-6)
    nearest = int(np.argmax(references))
    assert int(found.nearest) == nearest
    own = [slice(0, 3), slice(3, 5)][nearest]
    assert int(found.view) == own.start + int(np.argmax(scores[own]))
    if by == over == "max":
        np.testing.assert_allclose(found.cosines, each[int(found.view)], atol=1e-6)


def test_the_engine_sees_the_directions_of_references_and_counter_examples():
    one, two, other = signatures(3)
    found = QueryStyle(replace(recipe("mean-std"), layers=(ONE, OTHER)), (one, two), (other,)).vectors
    assert {layer: rows.shape for layer, rows in found.items()} == {ONE: (3, 7), OTHER: (3, 4)}
    for row, each in zip(found[ONE], (one, two, other), strict=True):
        np.testing.assert_allclose(row, each[ONE] / np.linalg.norm(each[ONE].astype(float)), rtol=1e-6)


def test_a_tile_without_a_style_stays_without_a_score():
    cosines = np.full((2, 3, 2), np.nan)
    found = style_of(signatures(3), "mean", "max").similarity(cosines)
    assert np.isnan(found.score).all()


# Maps


@pytest.mark.slow
def test_the_mean_of_two_references_is_the_mean_of_their_maps(alone, both):
    for name in ("score", *(f"cosine_{layer}" for layer in both.layers)):
        expected = (alone[0].tiles[name] + alone[1].tiles[name]) / 2
        np.testing.assert_allclose(both.tiles[name], expected, atol=2e-5)
    assert both.summary.n_tiles == len(both.tiles)
    assert "best_reference" not in both.tiles.colnames


def test_the_largest_of_two_references_is_that_of_their_maps_and_names_the_nearer(survey, alone):
    found = mapped(survey, *PAIR, by="max")
    first, second = (np.asarray(each.tiles["score"]) for each in alone)
    np.testing.assert_allclose(found.tiles["score"], np.maximum(first, second), atol=2e-5)
    clear = np.abs(first - second) > 1e-3
    names = np.where(first > second, "l=209.00 b=-19.00", "l=287.00 b=-1.00")
    np.testing.assert_array_equal(np.asarray(found.tiles["best_reference"])[clear], names[clear])


@pytest.mark.slow
def test_tile_by_tile_the_poster_combines_references_as_its_layers_ask(survey):
    alone = [np.asarray(mapped(survey, each, recipe="poster").tiles["score"]) for each in PAIR]
    found = mapped(survey, *PAIR, recipe="poster")
    np.testing.assert_allclose(found.tiles["score"], np.mean(alone, axis=0), atol=1e-5)


@pytest.mark.slow
def test_the_shared_engine_combines_references_as_maps_of_each_tell(survey):
    how = {"engine": "shared", "area": "190,240,-40,0"}
    alone = [np.asarray(mapped(survey, each, **how).tiles["score"]) for each in PAIR]
    for by, expected in (("mean", np.mean(alone, axis=0)), ("max", np.max(alone, axis=0))):
        found = mapped(survey, *PAIR, by=by, **how)
        np.testing.assert_allclose(found.tiles["score"], expected, atol=2e-5)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["tiles", "shared"])
def test_scores_scaled_locally_know_which_reference_counts(survey, engine):
    found = mapped(survey, *PAIR, by="max", csls=True, engine=engine)
    tiles = found.tiles
    reference = 2 * np.asarray(tiles["score"]) - np.asarray(tiles["hubness"]) - np.asarray(tiles["csls"])
    for name in PAIR:
        own = reference[np.asarray(tiles["best_reference"]) == read_query(name).name]
        assert np.ptp(own) < 1e-6
    assert np.ptp(reference) > 1e-3


def test_the_neighbourhood_of_every_reference_is_left_out(both, alone):
    assert both.summary.n_overlapping_matches == both.n_overlapping_matches == 0
    assert both.overlapping.any()
    evaluated = EvaluatedMap(both.tiles, both.provenance, both.sky.survey)
    assert [(f.lon_deg, f.lat_deg) for f in evaluated.references] == [(209.0, -19.0), (287.0, -1.0)]
    placed = RotatedObjects.on(evaluated.centres, [], [], reference=evaluated.places, exclude_deg=20)
    for lon, lat in evaluated.places:
        there = SkyCoord(lon, lat, unit="deg", frame="galactic")
        away = there.separation(SkyCoord(both.tiles["lon"], both.tiles["lat"], frame="galactic")).deg
        assert not placed.sky[away < 20].any()
    regions = both.regions
    near = np.asarray(regions["why_not_counted"]) == "near the reference"
    assert {"Carina Nebula", "Orion Molecular Cloud Complex"} <= set(regions["name"][near])


def test_regions_near_any_reference_are_not_counted():
    tiles = ScoredTiles(np.arange(0.0, 360, 5), np.zeros(72), np.ones(72), np.ones(72))
    table = recovery(tiles, read_query(["0,0", "100,0"]).footprints, threshold=0.5, farthest_deg=180)
    expected = np.minimum(*(
        SkyCoord(lon, 0, unit="deg", frame="galactic")
        .separation(SkyCoord(table["lon_deg"], table["lat_deg"], frame="galactic")).deg
        for lon in (0, 100)
    ))  # fmt: skip
    np.testing.assert_allclose(table["reference_distance_deg"].value, expected)


@pytest.mark.slow
def test_every_product_names_every_reference(both, tmp_path):
    write_products(both, tmp_path / "kin", progress=SilentProgress())
    facts = json.loads((tmp_path / "kin" / "summary.json").read_text(encoding="utf-8"))
    names = [each["name"] for each in facts["references"]]
    assert names == ["l=209.00 b=-19.00", "l=287.00 b=-1.00"]
    assert facts["combine"] == facts["provenance"]["query"]["combine"] == "mean"
    assert [each["name"] for each in facts["provenance"]["query"]["references"]] == names
    page = (tmp_path / "kin" / "report.html").read_text(encoding="utf-8")
    assert "The score is the mean of the similarities to l=209.00 b=-19.00 and l=287.00 b=-1.00." in page
    outlines = (tmp_path / "kin" / "matches.reg").read_text(encoding="utf-8")
    assert all(f"text={{{name}}}" in outlines for name in names)
    assert len(both.references) == len(both.pictures.references) == 2


def test_titles_of_figures_have_a_name_that_fits():
    here, there = skykin.Footprint(209.0, -19.0, 15.0), skykin.Footprint(94.2, -5.2, 15.0)
    long, other = "Orion Molecular Cloud Complex", "Sharpless 2-140"
    assert made_up_result(query=query((f"{long} and {other}", here))).short_name == f"{long} and {other}"
    assert made_up_result(query=query((long, here), (other, there))).short_name == "2 references"
    assert made_up_result(query=query(("a", here), ("b", there))).short_name == "a and b"
    several = read_query("set:h-ii-regions")
    assert several.to_dict()["set"] == "set:h-ii-regions"
    assert made_up_result(query=several).short_name == "set:h-ii-regions"


def test_a_reference_outside_the_survey_is_refused_whichever_it_is():
    half = blob_survey(nside=32, covered=lambda lon, lat: lon > 180)
    with pytest.raises(SkyError, match=r"covers \d+% of the reference tile at l=80.00°, b=\+0.00°"):
        mapped(half, "209,-19", "80,0")


@pytest.mark.slow
def test_the_map_is_made_again_of_all_references(both, tmp_path, monkeypatch):
    monkeypatch.setenv("SKYKIN_CACHE", str(tmp_path))
    evaluated = EvaluatedMap(both.tiles, both.provenance, both.sky.survey)
    assert evaluated.query == both.query
    again = remade(evaluated, Change("as it is"), 1, SilentProgress())
    np.testing.assert_allclose(again.at(evaluated.centres), evaluated.score, atol=1e-6)


def test_copies_of_all_references_are_injected_in_turn(both):
    evaluated = EvaluatedMap(both.tiles, both.provenance, both.sky.survey)
    planned = plan(evaluated, 5, 0)
    assert [one.reference for one in planned] == [0, 1, 0, 1, 0]
    for one in planned:
        for reference in evaluated.references:
            assert one.footprint.center.separation(reference.center).deg > 12


# Poor queries


def hole(lon, lat):
    return np.hypot((lon - 209) * np.cos(np.radians(lat)), lat + 19) > 8


@pytest.mark.slow
def test_a_core_that_is_not_covered_is_told_with_the_nearest_that_is():
    survey = blob_survey(nside=32, covered=hole)
    kin = mapped(
        survey,
        "209,-19",
        recipe="core-contrast",
        tile_size=40,
        spacing=20,
        pixels=64,
        engine="tiles",
        area="190,230,-40,0",
    )
    (told,) = kin.summary.warnings
    assert told.startswith("The core of the reference l=209.00 b=-19.00 has a coverage of 0.")
    assert "the nearest core with 0.9 or more, which may show something else, is" in told
    assert told in summary_lines(kin.summary)
    lon, lat = map(float, told.partition("--reference ")[2].rstrip(").").split(","))
    better = read_query(f"{lon},{lat}").footprints[0]
    assert kin.summary.references[0]["core_coverage"] < 0.5
    # A core of 10° clears a hole of 8° at about 8° + 5°, or earlier with a tenth of it inside.
    away = better.center.separation(read_query("209,-19").footprints[0].center).deg
    assert 9 < away < 14
    again = mapped(
        survey, f"{lon},{lat}", recipe="core-contrast", tile_size=40, spacing=20, pixels=64, engine="tiles",
        area="190,230,-40,0",
    )  # fmt: skip
    assert again.summary.warnings == ()
    assert again.summary.references[0]["core_coverage"] >= 0.89


def test_where_nothing_near_is_covered_another_reference_is_advised():
    survey = blob_survey(nside=32, covered=lambda lon, lat: (np.floor(lon) + np.floor(lat)) % 2 == 0)
    sky = RenderedSurvey(survey, measure_stretch(survey))
    where = skykin.Footprint(209, -19, 15)
    assert nearest_well_covered(where, "tile", 32, recipe("mean-std"), sky) is None


def test_references_in_one_tile_are_told(survey):
    kin = mapped(survey, "209,-19", "213,-15", area="190,230,-40,0")
    assert list(kin.summary.warnings) == [
        "All references lie in one tile (l=209.00 b=-19.00 and l=213.00 b=-15.00), so they are hardly more "
        "than one example; add places elsewhere."
    ]


def test_a_well_covered_reference_raises_no_warning(both):
    assert both.summary.warnings == ()
    assert read_query("orion").combine == "max"

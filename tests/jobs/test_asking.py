"""Tests of asking an index: every kind of reference, its answers, and what cannot be asked."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from mocpy import MOC
from PIL import Image
from typer.testing import CliRunner

import skykin
from skykin.cli.main import app
from skykin.core.errors import (
    DataQualityError,
    IndexRefusedError,
    InputRefusedError,
    ResourceError,
    SkyError,
    TooLargeError,
    UsageError,
)
from skykin.core.footprint import Footprint
from skykin.core.picture import Picture
from skykin.core.progress import SilentProgress
from skykin.core.sphere import apart, directions_of, reach_deg
from skykin.jobs.evaluated_map import evaluated_map
from skykin.jobs.examples import cut_in_context
from skykin.jobs.explain import tile_number
from skykin.style.similarity import QueryStyle
from skykin.tiling.grid import cut
from tests.asking import HOLE

ORION = "209,-19"


@pytest.fixture
def survey(asked_survey):
    return asked_survey[0]


@pytest.fixture
def index(asked_survey):
    return asked_survey[1]


def exact(index):
    """Whole vectors of all tiles, and their columns."""
    return index.rows(np.arange(len(index)), "exact"), index.columns("exact")


def scores_with(index, number):
    """Mean cosine of every tile with one tile, written out."""
    rows, columns = exact(index)
    return np.mean([rows[:, own] @ rows[number, own] for own in columns.values()], axis=0)


def brightest(index):
    return int(np.argmax(index.tiles["mean_intensity"].value))


def test_a_tile_is_most_like_itself_and_scores_are_mean_cosines(index):
    number = brightest(index)
    answer = skykin.search(index, str(index.tiles["name"][number]))
    np.testing.assert_allclose(answer.tiles["score"], scores_with(index, number), atol=1e-4)
    assert answer.tiles["rank"][number] == 1
    assert sorted(answer.tiles["rank"]) == list(range(1, len(index) + 1))
    by_number = skykin.search(index, number)
    np.testing.assert_array_equal(by_number.tiles["score"], answer.tiles["score"])
    assert {"standardised", "p", "q", "match", "area", "cosine_block5_conv1"} <= set(answer.tiles.colnames)


def test_a_position_is_read_from_cells_nearly_as_the_network_sees_it(index, survey):
    answer = skykin.search(index, ORION)
    by_network = skykin.search(index, ORION, measure=True, survey=survey)
    meter = index.meter()
    there = Footprint(209, -19, index.tile_deg)
    measured = index.project(meter(cut_in_context(index.sky(survey), there, 32, meter.halo)), "exact")
    rows, columns = exact(index)
    expected = np.mean([rows[:, own] @ measured.vectors[layer] for layer, own in columns.items()], axis=0)
    np.testing.assert_allclose(by_network.tiles["score"], expected, atol=1e-3)
    assert np.corrcoef(expected, answer.tiles["score"])[0, 1] > 0.97
    assert answer.query.name == "l=209.00 b=-19.00"
    assert answer.provenance.query["references"][0]["width_deg"] == 10


def test_a_square_is_the_same_as_position_footprint_region_file_and_moc(index, tmp_path):
    plain = skykin.search(index, (209.0, -19.0), width=17)
    box = Footprint(209, -19, 17)
    np.testing.assert_array_equal(skykin.search(index, box).tiles["score"], plain.tiles["score"])
    corners = box.outline()
    numbers = ",".join(f"{c.l.deg:.5f},{c.b.deg:.5f}" for c in corners)
    file = tmp_path / "box.reg"
    file.write_text(f"galactic\npolygon({numbers})\n")
    of_file = skykin.search(index, str(file))
    np.testing.assert_allclose(of_file.tiles["score"], plain.tiles["score"], atol=1e-3)
    moc = MOC.from_polygon_skycoord(corners.icrs, max_depth=9)
    of_moc = skykin.search(index, moc)
    # Its cells are on the border, too: a few more of the index lie in it.
    assert np.corrcoef(of_moc.tiles["score"], plain.tiles["score"])[0, 1] > 0.99
    assert of_file.query.name == "box.reg"
    position = SkyCoord(209 * u.deg, -19 * u.deg, frame="galactic").icrs
    of_position = skykin.search(index, position, width=17)
    np.testing.assert_allclose(of_position.tiles["score"], plain.tiles["score"], atol=1e-6)


def test_a_picture_of_a_tile_finds_the_tile(index, survey, tmp_path):
    number = brightest(index)
    where = index.footprints[number]
    # Twice as fine as the index: the scale brings it back.
    picture = cut(index.sky(survey), where, 2 * index.pixels)
    file = tmp_path / "nebula.png"
    Image.fromarray((picture.rgb * 255).round().astype(np.uint8)).save(file)
    answer = skykin.search(index, file, pixel_scale=where.width_deg / (2 * index.pixels))
    assert answer.tiles["rank"][number] <= 2
    assert answer.references == ()
    assert np.isfinite(answer.tiles["p"]).any()


def test_a_place_of_another_index_is_brought_to_this_ones_standard(index):
    again = skykin.open_index(index.path)
    there = skykin.search(index, skykin.Elsewhere(again, ORION))
    here = skykin.search(index, ORION)
    np.testing.assert_allclose(there.tiles["score"], here.tiles["score"], atol=1e-5)
    by_text = skykin.search(index, f"{ORION}@{index.path}")
    np.testing.assert_array_equal(by_text.tiles["score"], there.tiles["score"])
    tile = skykin.search(index, skykin.Elsewhere(again, brightest(index)))
    assert tile.tiles["score"].max() > 0.9


def test_several_references_are_combined_by_max_or_mean(index):
    places = [ORION, "230,-25"]
    one, two = (skykin.search(index, place).tiles["score"] for place in places)
    either = skykin.search(index, places)
    np.testing.assert_allclose(either.tiles["score"], np.maximum(one, two), atol=2e-3)
    best = np.where(np.asarray(one) > np.asarray(two) + 0.01, 0, -1)
    names = np.asarray(either.tiles["best_reference"])
    assert set(names[best == 0]) == {"l=209.00 b=-19.00"}
    both = skykin.search(index, places, combine="mean")
    np.testing.assert_allclose(both.tiles["score"], (one + two) / 2, atol=2e-3)
    with pytest.raises(UsageError, match="references cannot be combined by 'sum'; choose max or mean"):
        skykin.search(index, places, combine="sum")


def test_what_is_more_similar_to_a_counter_example_loses_as_much(index):
    one, two = (skykin.search(index, place).tiles["score"] for place in (ORION, "230,-25"))
    found = skykin.search(index, ORION, unlike="230,-25")
    np.testing.assert_allclose(found.tiles["score"], one - np.maximum(two - one, 0), atol=2e-3)
    assert found.query.name == "l=209.00 b=-19.00, unlike l=230.00 b=-25.00"
    assert found.provenance.query["unlike"][0]["lon_deg"] == 230


def test_weights_choose_among_the_layers(index):
    alone = dict.fromkeys(index.layers, 0) | {"block3_conv1": 1}
    found = skykin.search(index, ORION, weight=alone)
    np.testing.assert_allclose(found.tiles["score"], found.tiles["cosine_block3_conv1"], atol=1e-6)
    heavy = skykin.search(index, ORION, weight={"block5_conv1": 4})
    cosines = np.stack([heavy.tiles[f"cosine_{layer}"] for layer in index.layers], axis=-1)
    np.testing.assert_allclose(heavy.tiles["score"], cosines @ [1, 1, 1, 1, 4] / 8, atol=1e-6)


@pytest.mark.parametrize(
    ("weights", "told"),
    [
        ({"block9": 1}, "the recipe mean-std has no layer 'block9'; it has block1_conv1"),
        ({"block1_conv1": -1}, "layer block1_conv1 has the weight -1; use a finite number from 0 on"),
        ({f"block{n}_conv1": 0 for n in range(1, 6)}, "every layer has the weight 0"),
    ],
)
def test_invalid_weights_are_refused(index, weights, told):
    with pytest.raises(UsageError, match=told):
        skykin.search(index, ORION, weight=weights)


def test_the_best_layer_takes_no_weights_but_0_and_1(index):
    recipe = replace(index.recipe, combine="max")
    style = index.tile(brightest(index))
    with pytest.raises(UsageError, match="takes the best layer; there a layer counts"):
        QueryStyle(recipe, (style,), weights={"block1_conv1": 2})
    wanted = QueryStyle(recipe, (style,), weights={"block1_conv1": 0})
    assert wanted.joined(np.array([0.9, 0.1, 0.3, 0.2, -0.5])) == pytest.approx(0.3)


def test_the_pyramid_says_at_which_size_a_place_is_most_similar(index):
    plain = skykin.search(index, ORION)
    answer = skykin.search(index, ORION, pyramid=True)
    np.testing.assert_allclose(answer.tiles["score"], plain.tiles["score"])
    sizes = answer.tiles["best_size"].to_value(u.deg)
    assert set(np.round(sizes, 6)) <= set(np.round(index.sizes_deg, 6))
    own = np.isclose(sizes, index.tile_deg)
    np.testing.assert_array_equal(answer.tiles["best_score"][own], plain.tiles["score"][own])
    assert (answer.tiles["best_score"][~own] > plain.tiles["score"][~own]).all()
    assert 0 < own.sum() < len(own)


def test_the_best_tiles_do_not_overlap(index):
    answer = skykin.search(index, ORION)
    best = answer.best(5)
    assert list(best["rank"]) == sorted(best["rank"])
    places = SkyCoord(best["lon"], best["lat"], frame="galactic")
    apart = places[:, None].separation(places[None, :]).deg
    assert apart[~np.eye(len(best), dtype=bool)].min() > np.sqrt(2) * index.tile_deg - 1e-6
    away = places.separation(SkyCoord(209 * u.deg, -19 * u.deg, frame="galactic")).deg
    assert away.min() > np.sqrt(2) * index.tile_deg - 1e-6
    with pytest.raises(UsageError, match=rf"99999 tiles were requested, but there are {len(index)};"):
        answer.best(99_999)


def test_matches_are_cut_off_as_asked(index):
    top = skykin.search(index, ORION, top_fraction=0.2)
    assert top.cut.column == "score"
    assert 0 < top.tiles["match"].sum() < len(index)
    assert skykin.search(index, ORION, max_q=0.5).cut.column == "q"
    with pytest.raises(UsageError, match="contradict each other"):
        skykin.search(index, ORION, top_fraction=0.2, max_q=0.5)


def test_a_map_is_painted_without_the_survey(index):
    answer = skykin.search(index, ORION)
    painted = answer.score_map
    row = brightest(index)
    at = painted.at(answer.lon_deg[row : row + 1], answer.lat_deg[row : row + 1])
    assert at[0] == pytest.approx(answer.tiles["score"][row], abs=0.15)


def test_the_whole_map_has_pictures_controls_and_regions(index, survey):
    kin = skykin.search(index, [ORION, "230,-25"], survey=survey, top_fraction=0.2)
    assert set(kin.summary.controls) >= {"black", "white"}
    assert len(kin.references) == 2
    assert kin.pictures.best
    assert kin.summary.n_tiles == len(index)
    assert "Orion Molecular Cloud Complex" in set(kin.regions["name"])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["places", "picture"])
def test_all_products_of_a_map_are_written(index, survey, tmp_path, kind):
    output, scale = tmp_path / "kin", index.tile_deg / index.pixels
    image = replace(cut(index.sky(survey), index.footprints[brightest(index)], index.pixels), footprint=None)
    asked = [ORION, "230,-25"] if kind == "places" else image
    skykin.search(index, asked, pixel_scale=scale, survey=survey, top_fraction=0.2, output=output)
    names = {file.name for file in output.iterdir()}
    assert {"report.html", "score.fits", "tiles.ecsv", "matches.reg", "matches.moc.fits"} <= names
    text = (output / "matches.reg").read_text()
    assert text.count("dash") + text.count("width=3") == (2 if kind == "places" else 0)
    if kind == "places":
        read = evaluated_map(output, survey=survey, survey_option=None, bands=None, progress=SilentProgress())
        assert [round(each.lon_deg) for each in read.references] == [209, 230]
    with pytest.raises(UsageError, match="already holds"):
        skykin.search(index, ORION, output=output)


def test_local_scaling_subtracts_the_similarity_to_all(index):
    answer = skykin.search(index, [ORION, 3], csls=True)
    tiles, places = answer.tiles, directions_of(index.tiles)
    anchors = np.unique(np.linspace(0, len(index) - 1, 64).round().astype(int))
    styles = [index.tile(int(i)) for i in anchors]
    score = index.cosines(styles).mean(axis=1)
    score[~apart(places, places[anchors], reach_deg(index.tile_deg))] = np.nan
    best = np.sort(np.nan_to_num(score, nan=-9), axis=1)[:, -10:]
    wanted = np.where(best > -9, best, 0).sum(axis=1) / np.maximum((best > -9).sum(axis=1), 1)
    known = np.isfinite(tiles["hubness"])
    np.testing.assert_allclose(tiles["hubness"][known], wanted[known], atol=1e-6)
    # The reference that a tile is most similar to tells what else is subtracted.
    own = 2 * tiles["score"] - tiles["hubness"] - tiles["csls"]
    names = np.asarray(tiles["best_reference"])
    assert [np.ptp(own[(names == name) & known]) < 1e-9 for name in np.unique(names)] == [True, True]
    assert answer.provenance.calibration["csls"] is True


@pytest.mark.slow
def test_the_most_unusual_tiles_are_looked_at_again(index, survey):
    answer = skykin.search(index, ORION, surrogates=2, noise_draws=2, survey=survey)
    assert np.isfinite(answer.tiles["p_surrogate"]).sum() == min(50, len(index))
    assert answer.surrogates["draws"] == 2
    assert answer.noise == {"tiles": 0, "draws": 0}  # this survey does not know its noise
    assert answer.summary.surrogates["draws"] == 2


@pytest.mark.parametrize(
    ("asked", "more"),
    [
        ([ORION, 3], {}),
        (ORION, {"unlike": 3}),
        pytest.param(Footprint(209, -19, 12), {"weight": {"block1_conv1": 2}}, marks=pytest.mark.slow),
    ],
)
def test_surrogates_are_drawn_for_any_query(index, survey, asked, more, monkeypatch):
    monkeypatch.setattr("skykin.jobs.finish.BEST", 6)
    answer = skykin.search(index, asked, surrogates=2, survey=survey, **more)
    p = np.asarray(answer.tiles["p_surrogate"])
    assert np.isfinite(p).sum() == 6
    assert ((p[np.isfinite(p)] > 0) & (p[np.isfinite(p)] <= 1)).all()
    assert answer.surrogates == {"tiles": 6, "draws": 2, "unusual": np.sum(p <= 0.05)}


def test_one_surrogate_is_too_few(index):
    with pytest.raises(UsageError, match="surrogates is '1', but it must be 0 or a whole number from 2"):
        skykin.search(index, ORION, surrogates=1)


HOSTILE = [
    ("0,0", SkyError, "no cell"),
    (f"{HOLE[0]},{HOLE[1]}", SkyError, r"covers \d+% of the reference .* less than 50%"),
    ("atlantis", UsageError, "no region is called 'atlantis'"),
    ("nothing.reg", ResourceError, "the reference 'nothing.reg' cannot be opened: No such file"),
    ("orion@nowhere", IndexRefusedError, "nowhere"),
    (99_999, UsageError, "there is no tile 99999: the index holds"),
    (True, UsageError, "a reference is a name"),
    ([], UsageError, "there is no reference; give one"),
    ((1.0, 2.0, 3.0), UsageError, "a reference is a name|no cell|cannot|there is no"),
    (MOC.new_empty(6), InputRefusedError, "no cell|holds no sky"),
]


@pytest.mark.parametrize(("what", "error", "told"), HOSTILE, ids=[str(row[0])[:20] for row in HOSTILE])
def test_an_invalid_reference_is_refused_in_one_sentence(index, what, error, told):
    with pytest.raises(error, match=told):
        skykin.search(index, what)


@pytest.mark.slow
def test_a_region_in_the_hole_is_refused(index, tmp_path):
    file = tmp_path / "hole.reg"
    file.write_text(f"galactic\ncircle({HOLE[0]},{HOLE[1]},5)\n")
    with pytest.raises(SkyError, match="hole.reg|no cell|has data"):
        skykin.search(index, file)


def test_a_reference_that_is_half_in_the_hole_is_refused(index):
    with pytest.raises(SkyError, match=r"the index covers \d+% of the reference"):
        skykin.search(index, f"{HOLE[0] + 5},{HOLE[1]}", width=14)


@pytest.mark.parametrize("width", [0, -3, float("nan"), 120])
def test_an_invalid_width_is_refused(index, width):
    with pytest.raises(UsageError, match="use a finite number above 0|does not fit on the sky"):
        skykin.search(index, ORION, width=width)


def test_a_counter_example_that_is_a_reference_is_refused(index):
    with pytest.raises(UsageError, match="a counter-example is the same as a reference, so nothing could"):
        skykin.search(index, ORION, unlike=["230,-25", ORION])


def test_an_index_of_another_recipe_is_no_reference(index, monkeypatch):
    other = skykin.open_index(index.path)
    vars(other)["recipe"] = replace(index.recipe, combine="max")
    monkeypatch.setattr("skykin.jobs.stored.StoredIndex.open", lambda path: other)
    with pytest.raises(IndexRefusedError, match="compare indexes of one recipe"):
        skykin.search(index, skykin.Elsewhere(other, ORION))


@pytest.mark.parametrize(
    ("shape", "pixel_deg", "error", "told"),
    [
        ((1, 1), 0.3, UsageError, r"of 1 × 1 pixels is 0\.\d+ pixels of the tiles wide, which show no style"),
        ((1, 100_000), 0.3, UsageError, "of 100000 × 1 pixels is .* which show no style"),
        ((20, 100_000), 0.3, TooLargeError, "of 100000 × 20 pixels spans .* more than 2048"),
        ((40, 40), None, UsageError, r"the scale of the picture 'in memory' is not known; .*--pixel-scale"),
        ((40, 40), 0.3, DataQualityError, "has no style, because nothing in it is covered"),
    ],
)
def test_pictures_without_style_or_scale_are_refused(index, shape, pixel_deg, error, told):
    unseen = Picture(np.zeros((*shape, 3), np.float32), np.zeros(shape, np.float32))
    with pytest.raises(error, match=told):
        skykin.search(index, unseen, pixel_scale=pixel_deg)


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_read(index, tmp_path):
    file = tmp_path / "huge.png"
    Image.new("1", (100_000, 1_600)).save(file)
    with pytest.raises(TooLargeError, match="huge.png"):
        skykin.search(index, file, pixel_scale=0.001)


@pytest.mark.slow
def test_a_file_that_is_no_picture_or_region_is_refused(index, tmp_path):
    file = tmp_path / "letter.txt"
    file.write_text("Dear astronomer, ...")
    with pytest.raises(InputRefusedError, match="letter.txt"):
        skykin.search(index, file)


def test_an_explanation_adds_up(index, survey):
    number = brightest(index)
    result = skykin.explain(index, ORION, number, sample=0, survey=survey)
    coverage = cut(index.sky(survey), index.footprints[number], index.pixels).coverage
    known = coverage > 0
    mean = np.average(result.whole[known], weights=coverage[known])
    assert mean == pytest.approx(result.tile.score, abs=0.02)
    assert result.tile.score == pytest.approx(np.mean(list(result.cosines.values())))
    assert sum(result.shares.values()) == pytest.approx(1)
    assert set(result.sizes) == {float(size) for size in index.sizes_deg}
    assert len(result.ranks) == 1
    if result.counter is not None:
        assert not result.counter.match
        assert result.counter.mean_intensity == pytest.approx(result.tile.mean_intensity, rel=0.1)


@pytest.mark.slow
def test_an_explanation_is_written_as_numbers_and_figure(index, survey, tmp_path):
    number = brightest(index)
    result = skykin.explain(index, ORION, number, sample=0, survey=survey, output=tmp_path / "why")
    written = json.loads((tmp_path / "why" / "explanation.json").read_text())
    assert written["tile"]["name"] == str(index.tiles["name"][number])
    assert written["sentences"] == result.sentences()
    assert (tmp_path / "why" / "explanation.png").stat().st_size > 10_000


def test_a_tile_is_found_by_name_number_or_place(index):
    name = str(index.tiles["name"][7])
    lon, lat = (index.tiles[axis][7].value for axis in ("lon", "lat"))
    assert (
        tile_number(index, name) == tile_number(index, 7) == tile_number(index, f"{lon:.1f},{lat:.1f}") == 7
    )
    with pytest.raises(UsageError, match="the nearest tile to .* is centred .* away"):
        tile_number(index, "0,0")
    with pytest.raises(UsageError, match="there is no tile -1"):
        tile_number(index, -1)
    with pytest.raises(UsageError, match="a sample of 99999 tiles was requested, but the index holds"):
        skykin.explain(index, ORION, 0, sample=99_999)


@pytest.mark.slow
def test_other_recipes_rank_the_tile_among_a_sample(index, survey):
    number = brightest(index)
    result = skykin.explain(index, str(index.tiles["name"][number]), number, sample=6, survey=survey)
    assert result.ranks[0].recipe == "mean-std"
    assert {"covariance", "poster"} <= {each.recipe for each in result.ranks}
    # A tile is most like itself under every recipe.
    assert all(each.rank == 1 and each.score == pytest.approx(1, abs=1e-3) for each in result.ranks[1:])
    assert all(each.sampled and each.of in (6, 7) for each in result.ranks[1:])


def test_the_command_lists_the_best_tiles(index):
    done = CliRunner().invoke(app, ["search", str(index.path), "-r", ORION, "-k", "2", "--pyramid"])
    assert done.exit_code == 0, done.output
    assert "The kin of l=209.00 b=-19.00" in done.output
    assert f"of {len(index)} tiles match" in done.output


@pytest.mark.parametrize(
    ("asked", "code", "told"),
    [
        (["-r", "atlantis"], 2, "USAGE-NAME"),
        (["-r", ORION, "--weight", "block1"], 2, "is not of the form layer=number"),
        (["-r", "0,0"], 3, "SKY-RANGE"),
        (["-r", ORION, "--unlike", ORION], 2, "nothing could match"),
        (["-r", ORION, "-k", "100000"], 2, "100000 tiles were requested"),
    ],
)
def test_the_command_leaves_with_one_sentence(index, asked, code, told):
    done = CliRunner().invoke(app, ["search", str(index.path), *asked])
    assert done.exit_code == code
    assert told in done.output

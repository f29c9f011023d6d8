"""Tests of recipes and of the folder that they come from."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import skykin.style.recipes
from skykin.core.errors import UnknownNameError, UsageError
from skykin.style.network.architecture import LAYERS, STYLE_LAYERS
from skykin.style.recipe import Recipe, recipe, recipes
from skykin.style.statistics.core_contrast import core_contrast
from skykin.style.statistics.covariance import covariance
from skykin.style.statistics.gram import gram
from skykin.style.statistics.mean_std import mean_std
from skykin.style.statistics.statistic import Statistic


class Nameless(Statistic):
    def moments(self, features):
        return features

    def finish(self, means, rings=None):
        return means


def _recipe(**settings: object) -> Recipe:
    defaults = {"name": "mine", "title": "Mine", "description": "", "statistic": gram, "threshold": 0.5}
    return Recipe(**{**defaults, **settings})


def _answer(rows: int = 32, columns: int = 48) -> dict[str, np.ndarray]:
    """Random features of four channels on the grids of the five style layers."""
    random = np.random.default_rng(3)
    return {
        layer: random.random((4, rows >> block, columns >> block), dtype=np.float32)
        for block, layer in enumerate(STYLE_LAYERS)
    }


def test_the_recipes_are_those_of_the_folder_in_alphabetical_order():
    assert list(recipes()) == [
        "core-contrast",
        "core-spread",
        "covariance",
        "mean-std",
        "poster",
        "radial-profile",
    ]
    files = [path.stem for path in Path(skykin.style.recipes.__file__).parent.glob("[!_]*.py")]
    assert sorted(name.replace("-", "_") for name in recipes()) == sorted(files)


def test_the_poster_is_the_poster():
    poster = recipe("poster")
    assert poster.layers == STYLE_LAYERS
    assert poster.to_dict() == {
        "name": "poster",
        "layers": list(STYLE_LAYERS),
        "statistic": "gram",
        "weighted": False,
        "padding": "zero",
        "standardised": False,
        "directions": None,
        "rows_deg": None,
        "combine": "max",
        "threshold": 0.90,
        "top_fraction": None,
        "max_q": None,
        "tile_deg": 15.0,
        "pixels": 128,
        "spacing": 0.25,
        "literal": True,
    }
    assert "Where the poster is silent" in poster.description


@pytest.mark.parametrize(("name", "statistic"), [("covariance", covariance), ("mean-std", mean_std)])
def test_the_other_recipes_weigh_layers_equally_and_do_not_measure_masks_or_frames(name, statistic):
    each = recipe(name)
    assert each.statistic is statistic
    assert (each.weighted, each.padding, each.standardised, each.combine) == (True, "edge", True, "mean")
    assert (each.threshold, each.top_fraction, each.max_q) == (None, None, 0.10)


def test_every_recipe_explains_itself_and_is_ready_for_json():
    for each in recipes().values():
        assert len(each.description) > 200
        assert json.loads(json.dumps(each.to_dict())) == each.to_dict()


def test_every_recipe_is_read_back_as_it_was_with_its_words():
    for each in recipes().values():
        again = Recipe.from_dict(json.loads(json.dumps(each.to_dict())))
        assert again == each
        assert (again.title, again.description) == (each.title, each.description)


@given(
    changes=st.fixed_dictionaries(
        {
            "name": st.text(min_size=1, max_size=9),
            "statistic": st.sampled_from([gram, covariance, mean_std, core_contrast]),
            "layers": st.lists(st.sampled_from(LAYERS), min_size=1, max_size=4, unique=True).map(tuple),
            "weighted": st.booleans(),
            "padding": st.sampled_from(["zero", "edge"]),
            "standardised": st.booleans(),
            "combine": st.sampled_from(["max", "mean"]),
            "tile_deg": st.floats(0.01, 90),
            "pixels": st.integers(16, 512),
            "spacing": st.floats(0.01, 2),
            "literal": st.booleans(),
        }
    ),
    line=st.sampled_from(
        [{"threshold": 0.3}, {"top_fraction": 0.02}, {"max_q": 0.05}, {"top_fraction": 0.5, "max_q": 0.2}]
    ),
)
def test_any_recipe_is_read_back_as_it_was(changes, line):
    made = _recipe(**{"threshold": None, **changes, **line})
    again = Recipe.from_dict(json.loads(json.dumps(made.to_dict())))
    assert again == made
    assert again.key() == made.key()


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"layer": []}, UsageError, "a recipe has an unknown 'layer'; it has name, statistic, "),
        (
            {"statistic": "median"},
            UnknownNameError,
            "no statistic is called 'median'; the known recipes have",
        ),
        ({"combine": "sum"}, UsageError, "recipe 'poster' has combine 'sum'; choose max or mean"),
    ],
)
def test_settings_that_are_no_recipe_are_refused(change, error, sentence):
    with pytest.raises(error, match=sentence):
        Recipe.from_dict(recipe("poster").to_dict() | change)


def test_a_missing_setting_is_named():
    values = recipe("poster").to_dict()
    del values["padding"]
    with pytest.raises(
        UsageError, match="a recipe has no padding; it has name, statistic, layers, weighted, "
    ):
        Recipe.from_dict(values)


def test_a_name_that_is_nearly_right_is_answered_with_the_right_one():
    with pytest.raises(UnknownNameError, match="no recipe is called 'postre'; did you mean poster?"):
        recipe("postre")
    with pytest.raises(UnknownNameError, match="no recipe is called 'Mean_Std'; did you mean mean-std?"):
        recipe("Mean_Std")


def test_a_name_that_is_nowhere_near_is_answered_with_all():
    with pytest.raises(
        UnknownNameError,
        match="no recipe is called 'xyz'; there are core-contrast, core-spread, covariance, ",
    ):
        recipe("xyz")


def test_the_key_is_stable():
    assert {name: each.key() for name, each in recipes().items()} == {
        "core-contrast": "537b425a630ac95e",
        "core-spread": "d233ad172d49a8c7",
        "covariance": "70d39f51cc2314b4",
        "mean-std": "a89d4da52c56608c",
        "poster": "53ca5e8e99d9df90",
        "radial-profile": "9fc1160b31ce5cab",
    }


@pytest.mark.parametrize(
    "change",
    [
        {"layers": ("block1_conv1",)},
        {"statistic": covariance},
        {"weighted": False},
        {"padding": "zero"},
        {"standardised": False},
        {"combine": "max"},
        {"rows_deg": 4.0, "statistic": mean_std},
    ],
)
def test_whatever_decides_a_score_changes_the_key(change):
    assert replace(_recipe(), **change).key() != _recipe().key()


@pytest.mark.parametrize(
    "change",
    [{"name": "x"}, {"title": "x"}, {"description": "x"}, {"threshold": 0.7}],
)
def test_names_and_thresholds_do_not_change_the_key(change):
    assert replace(_recipe(), **change).key() == _recipe().key()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"layers": ("pool1",)}, "recipe 'mine' measures 'pool1'; choose among block1_conv1, "),
        ({"layers": ()}, "recipe 'mine' measures no layer; choose among"),
        ({"padding": "wrap"}, "has padding 'wrap'; choose zero or edge"),
        ({"combine": "median"}, "has combine 'median'; choose max or mean"),
        (
            {"threshold": None},
            "has threshold None, top_fraction None, max_q None; set the threshold, or one of",
        ),
        (
            {"top_fraction": 0.1},
            "has threshold 0.5, top_fraction 0.1, max_q None; set the threshold, or one of",
        ),
        (
            {"max_q": 0.1},
            "has threshold 0.5, top_fraction None, max_q 0.1; set the threshold, or one of",
        ),
        ({"threshold": None, "max_q": 1.0}, "has max_q 1.0; use a rate between 0 and 1"),
        ({"statistic": np.mean}, "recipe 'mine' measures '<function mean .*'; give an object"),
        ({"statistic": Nameless()}, "recipe 'mine' measures a Nameless without a name; give its class one"),
        ({"tile_deg": 0.0}, "has tile_deg 0.0; use more than 0"),
        ({"pixels": -1}, "has pixels -1; use more than 0"),
        ({"spacing": float("nan")}, "has spacing nan; use more than 0"),
        ({"threshold": 1.5}, "has threshold 1.5; a cosine lies between −1 and 1"),
        ({"threshold": float("nan")}, "has threshold nan; a cosine lies between −1 and 1"),
        ({"threshold": None, "top_fraction": 0.0}, "has top_fraction 0.0; use more than 0 and at most 1"),
        ({"threshold": None, "top_fraction": 1.1}, "has top_fraction 1.1; use more than 0 and at most 1"),
        (
            {"rows_deg": 90.0, "statistic": mean_std},
            "has rows_deg 90.0; use more than 0 and less than 90",
        ),
        ({"rows_deg": 4.0, "standardised": False}, "has rows_deg 4.0; .* compare relative to the survey"),
        ({"rows_deg": 4.0, "statistic": gram}, "has rows_deg, which gram has not; leave it out"),
        (
            {"rows_deg": 4.0, "directions": 8, "statistic": mean_std},
            "has both directions and rows_deg; leave one of them out",
        ),
    ],
)
def test_a_recipe_with_an_invalid_setting_is_refused(settings, sentence):
    with pytest.raises(UsageError, match=sentence):
        _recipe(**settings)


def test_a_recipe_is_frozen():
    with pytest.raises(FrozenInstanceError):
        _recipe().threshold = 0.1


def test_a_signature_holds_the_statistic_of_each_layer_in_order():
    signature = _recipe(weighted=False).signature(_answer(), np.ones((32, 48), np.float32))
    assert tuple(signature) == STYLE_LAYERS
    assert [vector.size for vector in signature.values()] == [10] * 5
    first = gram(_answer()["block1_conv1"])
    assert signature["block1_conv1"][0] == first[0, 0]
    assert signature["block1_conv1"][1] == pytest.approx(first[0, 1] * 2**0.5)


@pytest.mark.parametrize("name", ["covariance", "mean-std"])
def test_masked_pixels_do_not_reach_a_weighted_recipe(name):
    answer, coverage = _answer(), np.ones((32, 48), np.float32)
    coverage[:, 16:] = 0
    spoiled = {layer: features.copy() for layer, features in answer.items()}
    for block, features in enumerate(spoiled.values()):
        features[:, :, 16 >> block :] = 77
    expected, found = (recipe(name).signature(each, coverage) for each in (answer, spoiled))
    for layer in STYLE_LAYERS:
        np.testing.assert_allclose(found[layer], expected[layer], rtol=1e-5, atol=1e-4)


def test_masked_pixels_reach_the_poster():
    answer, coverage = _answer(), np.ones((32, 48), np.float32)
    whole, half = (recipe("poster").signature(answer, coverage * share) for share in (1, 0))
    np.testing.assert_array_equal(whole["block1_conv1"], half["block1_conv1"])


def test_a_weighted_recipe_finds_no_style_where_nothing_is_covered():
    assert not recipe("covariance").signature(_answer(), np.zeros((32, 48), np.float32)).finite


def test_a_picture_of_its_own_has_a_whole_core_where_that_is_compared():
    assert {name: each.picture_step for name, each in recipes().items()} == {
        "core-contrast": 64,
        "core-spread": 64,
        "covariance": 16,
        "mean-std": 16,
        "poster": 16,
        "radial-profile": 64,
    }

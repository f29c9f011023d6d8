"""Tests of signatures, and of the standard of a survey."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skykin.core.errors import DataQualityError
from skykin.style.signature import (
    Signature,
    Standardisation,
    flattened,
    has_style,
    refuse_without_style,
)


def test_a_symmetric_matrix_is_laid_out_as_its_upper_triangle():
    matrix = np.array([[1, 2], [2, 5]], dtype=np.float32)
    np.testing.assert_allclose(flattened(matrix), [1, 2 * np.sqrt(2), 5], rtol=1e-7)
    assert flattened(matrix).dtype == np.float32


def test_a_vector_is_laid_out_as_it_is():
    vector = np.array([3, 1, 2], dtype=np.float32)
    np.testing.assert_array_equal(flattened(vector), vector)


@given(n=st.integers(1, 12), seed=st.integers(0, 99))
def test_laying_out_keeps_lengths_and_angles(n, seed):
    a, b = np.random.default_rng(seed).normal(size=(2, n, n)).astype(np.float32)
    a, b = a + a.T, b + b.T
    assert flattened(a) @ flattened(b) == pytest.approx((a * b).sum(), rel=1e-4, abs=1e-4)


def test_a_signature_cannot_be_written_and_does_not_see_later_changes():
    vector = np.ones(3, dtype=np.float32)
    signature = Signature({"block1_conv1": vector})
    vector[0] = 7
    np.testing.assert_array_equal(signature["block1_conv1"], [1, 1, 1])
    with pytest.raises(ValueError, match="read-only"):
        signature["block1_conv1"][0] = 2


def test_a_signature_is_a_mapping_in_the_order_of_its_layers():
    signature = Signature({"b": np.zeros(2), "a": np.zeros(5)})
    assert list(signature) == ["b", "a"]
    assert len(signature) == 2
    assert repr(signature) == "Signature(b: 2, a: 5)"
    assert signature["a"].dtype == np.float32


def test_a_signature_travels_between_processes():
    signature = Signature({"a": np.arange(3)})
    again = pickle.loads(pickle.dumps(signature))  # noqa: S301 - our own bytes
    np.testing.assert_array_equal(again["a"], signature["a"])


def test_a_signature_with_one_nan_is_not_finite():
    assert Signature({"a": np.zeros(2), "b": np.zeros(1)}).finite
    assert not Signature({"a": np.zeros(2), "b": np.array([np.nan])}).finite


@pytest.mark.parametrize("vector", [[0, 0], [np.nan, 1], [np.inf, 1]])
def test_what_has_no_style_is_refused_by_name(vector):
    signature = Signature({"a": [1, 2], "b": vector})
    assert not has_style(signature)
    with pytest.raises(
        DataQualityError,
        match="^the reference 'void' has no style, because nothing in it is covered or it is the same "
        "everywhere; choose another$",
    ) as caught:
        refuse_without_style(signature, "the reference 'void'")
    assert caught.value.code == "DQ-CONST"


def test_what_has_a_style_is_not_refused():
    refuse_without_style(Signature({"a": [1, 2], "b": [0, 1]}), "the reference 'orion'")


def _sample(tiles: int, seed: int = 0, offset: float = 0.0) -> list[Signature]:
    random = np.random.default_rng(seed)
    scale = {"a": random.uniform(0.5, 2, 6), "b": random.uniform(0.5, 2, 9)}
    return [
        Signature({layer: offset + random.normal(size=s.size) * s for layer, s in scale.items()})
        for _ in range(tiles)
    ]


@given(tiles=st.integers(3, 40), seed=st.integers(0, 99), offset=st.sampled_from([0.0, 5.0, 1000.0]))
def test_one_pass_gives_the_mean_and_spread_of_the_whole_sample(tiles, seed, offset):
    sample = _sample(tiles, seed, offset)
    standard = Standardisation.fit(iter(sample))
    assert standard.tiles == tiles
    for layer in ("a", "b"):
        whole = np.array([signature[layer] for signature in sample], dtype=np.float64)
        np.testing.assert_allclose(standard.mean[layer], whole.mean(axis=0), rtol=1e-6, atol=1e-6)
        spread = whole.std(axis=0)
        expected = np.maximum(spread, 0.1 * np.median(spread))
        np.testing.assert_allclose(standard.spread[layer], expected, rtol=1e-5)


def test_the_standardised_sample_has_mean_zero_and_spread_one():
    sample = _sample(50, offset=20.0)
    standard = Standardisation.fit(sample)
    whole = np.array([standard.apply(signature)["a"] for signature in sample])
    np.testing.assert_allclose(whole.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(whole.std(axis=0), 1, rtol=1e-5)


def test_an_average_tile_becomes_all_zeros():
    standard = Standardisation.fit(_sample(20))
    assert all((vector == 0).all() for vector in standard.apply(standard.mean).values())


def test_a_number_that_never_varied_counts_ten_times_at_most():
    sample = [Signature({"a": np.append(signature["a"], 0.0)}) for signature in _sample(30)]
    standard = Standardisation.fit(sample)
    typical = float(np.median(standard.spread["a"][:-1]))
    assert standard.spread["a"][-1] == pytest.approx(0.1 * typical)
    awake = Signature({"a": np.append(standard.mean["a"][:-1], typical)})
    np.testing.assert_allclose(standard.apply(awake)["a"], [0, 0, 0, 0, 0, 0, 10], rtol=1e-5)


def test_dead_numbers_in_the_majority_do_not_lower_the_floor_to_zero():
    sample = [Signature({"a": np.append(signature["a"], np.zeros(20))}) for signature in _sample(30)]
    assert (Standardisation.fit(sample).spread["a"] > 0.01).all()


def test_tiles_without_style_are_left_out():
    sample = _sample(10)
    empty = Signature({"a": np.full(6, np.nan), "b": np.zeros(9)})
    with_empty, without = Standardisation.fit([empty, *sample, empty]), Standardisation.fit(sample)
    assert with_empty.tiles == 10
    np.testing.assert_array_equal(with_empty.mean["a"], without.mean["a"])
    np.testing.assert_array_equal(with_empty.spread["b"], without.spread["b"])


@pytest.mark.parametrize("tiles", [0, 1])
def test_fewer_than_two_tiles_are_no_survey(tiles):
    with pytest.raises(
        DataQualityError, match=f"needs at least 2 tiles with data and structure, but {tiles} had them"
    ) as caught:
        Standardisation.fit(_sample(tiles))
    assert caught.value.code == "DQ-FEWVALID"


def test_a_survey_without_any_variation_is_refused():
    same = Signature({"a": np.array([1.0, 2.0, 3.0])})
    almost = Signature({"a": np.nextafter(same["a"], np.float32(9))})
    for sample in ([same] * 5, [same, almost, same]):
        with pytest.raises(
            DataQualityError, match="layer a is the same in all . tiles, so that nothing can be compared"
        ) as caught:
            Standardisation.fit(sample)
        assert caught.value.code == "DQ-CONST"


# Rows of latitude


@given(tiles=st.integers(3, 40), seed=st.integers(0, 99))
def test_where_one_row_holds_all_tiles_the_standard_is_that_of_the_survey(tiles, seed):
    sample = _sample(tiles, seed)
    whole = Standardisation.fit(sample)
    lat = np.random.default_rng(seed).uniform(-90, 90, tiles)
    assert whole.in_rows(sample, lat, 4) is whole
    for signature, lat_deg in zip(sample, lat, strict=True):
        assert whole.at(lat_deg) is whole
        np.testing.assert_array_equal(
            whole.apply(signature, lat_deg)["a"],
            (signature["a"] - whole.mean["a"]) / whole.spread["a"],
        )


@given(seed=st.integers(0, 99), rows=st.integers(2, 5))
def test_rows_of_one_standard_are_that_standard(seed, rows):
    sample = _sample(12, seed)
    whole = Standardisation.fit(sample)
    same = {
        layer: np.stack([[whole.mean[layer]] * rows, [whole.spread[layer]] * rows]) for layer in whole.mean
    }
    within = whole.with_rows(same, [12] * rows, np.linspace(4, 80, rows - 1))
    raw = np.stack([signature["b"] for signature in sample])
    lat = np.random.default_rng(seed).uniform(-90, 90, 12)
    np.testing.assert_array_equal(within.compared("b", raw, lat), whole.compared("b", raw))


def test_each_row_has_mean_zero_and_spread_one_of_its_own():
    sample = [*_sample(60, 1), *_sample(60, 2, offset=50.0)]
    lat = np.repeat([2.0, -7.0], 60)
    standard = Standardisation.fit(sample).in_rows(sample, lat, 4)
    assert standard.edges_deg == (4.0,)
    assert [row.tiles for row in standard.rows] == [60, 60]
    raw = np.stack([signature["a"] for signature in sample])
    compared = standard.compared("a", raw, lat)
    for row in (slice(60), slice(60, 120)):
        np.testing.assert_allclose(compared[row].mean(axis=0), 0, atol=1e-4)
        np.testing.assert_allclose(compared[row].std(axis=0), 1, rtol=1e-4)
    np.testing.assert_array_equal(compared[3], standard.apply(sample[3], 2.0)["a"])
    np.testing.assert_array_equal(compared[70], standard.apply(sample[70], 7.0)["a"])


def test_rows_of_fewer_than_48_tiles_are_joined_towards_the_pole_and_the_last_with_the_one_before():
    lat = np.repeat([1.0, -5.0, 9.0, -13.0, 70.0, 89.0], [48, 30, 18, 47, 1, 47])
    sample = _sample(len(lat))
    standard = Standardisation.fit(sample).in_rows(sample, lat, 4)
    assert standard.edges_deg == (4.0, 12.0)
    assert [row.tiles for row in standard.rows] == [48, 48, 95]
    np.testing.assert_array_equal(
        standard.row_numbers(np.array([0, -3.9, 4, 11.9, -12, 90])), [0, 0, 1, 1, 2, 2]
    )


def test_a_tile_at_an_edge_lies_in_one_row_however_its_latitude_was_rounded():
    lat = np.repeat([1.0, 5.0], 48)
    sample = _sample(len(lat))
    standard = Standardisation.fit(sample).in_rows(sample, lat, 4)
    np.testing.assert_array_equal(
        standard.row_numbers(np.array([4.0, np.nextafter(4.0, 0), -np.nextafter(4.0, 9)])), [1, 1, 1]
    )

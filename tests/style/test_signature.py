"""Tests of signatures."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skykin.style.signature import Signature, flattened


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

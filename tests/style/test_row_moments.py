"""Moments of tiles within rows of latitude add up from any parts."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skykin.core.errors import DataQualityError
from skykin.style.row_moments import RowMoments, row_of
from skykin.style.signature import Signature, Standardisation

LAYERS = {"one": slice(0, 2), "two": slice(2, 5)}


def tiles(count, seed=0):
    """Made-up tiles: numbers (count, 5), latitudes, and the sky that each stands for."""
    rng = np.random.default_rng(seed)
    lat = np.degrees(np.arcsin(rng.uniform(-1, 1, count)))
    return rng.normal(100, [1, 2, 3, 4, 5], (count, 5)).astype(np.float32), lat, np.full(count, 1.0)


def test_rows_are_counted_from_the_plane_north_and_south_together():
    assert row_of(np.array([0, -3.9, 4, -4, 89.9, 90]), 4.0).tolist() == [0, 0, 1, 1, 22, 22]


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 199), max_size=5))
def test_parts_add_up_to_the_whole(seed, cuts):
    vectors, lat, areas = tiles(200, seed)
    edges = [0, *sorted(cuts), 200]
    parts = [RowMoments.of(vectors[a:b], lat[a:b], areas[a:b], 4.0) for a, b in pairwise(edges)]
    whole, added = RowMoments.of(vectors, lat, areas, 4.0), RowMoments.added(parts)
    np.testing.assert_allclose(added.records, whole.records, rtol=1e-9, atol=1e-9)
    count, mean, squares = added.together()
    assert count == 200
    np.testing.assert_allclose(mean, vectors.astype(float).mean(axis=0))
    np.testing.assert_allclose(squares, 200 * vectors.astype(float).var(axis=0))


def test_the_average_of_all_tiles_is_that_of_a_sample_of_all():
    vectors, lat, areas = tiles(3000)
    found = Standardisation.of_moments(RowMoments.of(vectors, lat, areas, 4.0), LAYERS, 4.0)
    each = [Signature({layer: own[columns] for layer, columns in LAYERS.items()}) for own in vectors]
    same = Standardisation.fit(each).in_rows(each, lat, 4.0)
    assert found.edges_deg == same.edges_deg
    assert [row.tiles for row in found.rows] == [row.tiles for row in same.rows]
    for layer in LAYERS:
        for one, other in zip(found.of_rows(layer), same.of_rows(layer), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6)
        np.testing.assert_allclose(found.mean[layer], same.mean[layer], rtol=1e-6)


def test_overlapping_tiles_count_as_the_independent_ones_that_they_are_equivalent_to():
    vectors, lat, areas = tiles(3000)
    whole = Standardisation.of_moments(RowMoments.of(vectors, lat, areas, 4.0), LAYERS, 4.0)
    fewer = Standardisation.of_moments(RowMoments.of(vectors, lat, areas / 10, 4.0), LAYERS, 4.0)
    assert 1 < len(fewer.rows) < len(whole.rows)
    assert fewer.tiles == whole.tiles == 3000
    alone = Standardisation.of_moments(RowMoments.of(vectors, lat, areas / 100, 4.0), LAYERS, 4.0)
    assert alone.rows == ()


def test_no_tile_has_no_average():
    vectors, lat, areas = tiles(0)
    none = RowMoments.of(vectors, lat, areas, 4.0)
    with pytest.raises(
        DataQualityError, match="needs at least 2 tiles with data and structure, but 0 had them"
    ):
        Standardisation.of_moments(RowMoments.added([none, none]), LAYERS, 4.0)

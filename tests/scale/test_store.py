"""Tests of the store of finished parts."""

from __future__ import annotations

import numpy as np
import pytest

from skykin.scale.store import WorkStore

JOB = {"survey": "wham", "sha256": "12ab", "recipe": {"name": "covariance"}}


def test_a_part_comes_back_as_it_was_kept(tmp_path):
    part = np.random.default_rng(1).random((7, 3))
    WorkStore.of(tmp_path, JOB).put("facet-0", part)
    found = WorkStore.of(tmp_path, JOB).get("facet-0")
    assert found is not None
    assert found.dtype == part.dtype
    np.testing.assert_array_equal(found, part)


def test_another_job_does_not_see_it(tmp_path):
    WorkStore.of(tmp_path, JOB).put("facet-0", np.ones(3))
    assert WorkStore.of(tmp_path, JOB).get("facet-1") is None
    assert WorkStore.of(tmp_path, {**JOB, "sha256": "12ac"}).get("facet-0") is None


@pytest.mark.parametrize(
    "spoil", [lambda d: d[:-1], lambda d: d[:50], lambda d: b"", lambda d: d[:-3] + b"abc"]
)
def test_a_part_that_is_cut_short_or_altered_counts_as_not_there(tmp_path, spoil):
    store = WorkStore.of(tmp_path, JOB)
    store.put("facet-0", np.arange(100.0))
    path = store.folder / "facet-0.part"
    path.write_bytes(spoil(path.read_bytes()))
    assert store.get("facet-0") is None


def test_objects_are_never_unpickled(tmp_path):
    store = WorkStore.of(tmp_path, JOB)
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        store.put("facet-0", np.array([{"a": 1}], dtype=object))
    assert store.get("facet-0") is None


def test_a_job_goes_on_where_nothing_can_be_kept(tmp_path):
    (tmp_path / "work").write_text("in the way")
    store = WorkStore.of(tmp_path, JOB)
    store.put("facet-0", np.ones(3))
    assert store.get("facet-0") is None


def test_a_finished_job_leaves_nothing(tmp_path):
    store = WorkStore.of(tmp_path, JOB)
    store.put("facet-0", np.ones(3))
    store.clear()
    assert not store.folder.exists()
    store.clear()


def test_a_finished_job_removes_its_own_parts_only(tmp_path):
    store = WorkStore.of(tmp_path, {"job": 1})
    store.put("a", np.zeros(3))
    store.clear()
    assert not store.folder.exists()
    store.put("a", np.zeros(3))
    (store.folder / "notes.txt").write_text("mine")
    store.clear()
    assert [path.name for path in store.folder.iterdir()] == ["notes.txt"]

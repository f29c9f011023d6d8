"""Tests of the manifest of an index: its seal, and that a commit costs what it commits."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skykin.core.errors import IndexRefusedError
from skykin.indexing.layout import MANIFEST
from skykin.indexing.manifest import Committed, ManifestWriter, Step, read_manifest
from skykin.indexing.shards import Shard

WHOLE = ("basis", "vectors-*")


def planned(number, first=0):
    """Steps of an index of so many facets."""
    names = [f"facet-{i}" for i in range(first, first + number)]
    yield Step("scale", {})
    yield from (Step(name, {"own": [0, 4]}) for name in names)
    yield Step("basis", {})
    yield from (Step(name.replace("facet", "vectors"), {"facet": name}) for name in names)


def done(name):
    shard = Shard(f"cells-{name}", f"cells-{name}-0123456789abcdef.npy", "0" * 64, (2, 3), "<f4", 128)
    return Committed(name, {"tiles": 2}, [shard])


@pytest.fixture
def writer(tmp_path):
    with closing(ManifestWriter(tmp_path)) as found:
        found.describe({"exact": False, "bands": ["r", "g", "b"]})
        found.plan(planned(300), whole=WHOLE)
        yield found


def test_the_seal_is_the_sum_of_the_hashes_of_all_rows(writer, tmp_path):
    writer.commit(done("facet-7"), done("facet-3"))
    columns = {
        "facts": "name, value",
        "steps": "position, name, plan, result",
        "shards": "name, step, file, sha256, shape, dtype, size",
    }
    total = 0
    with closing(sqlite3.connect(tmp_path / MANIFEST)) as base:
        for table, wanted in columns.items():
            for row in base.execute(f"SELECT {wanted} FROM {table}"):  # noqa: S608
                if row[0] != "seal":
                    total += int(hashlib.sha256(json.dumps([table, *row]).encode()).hexdigest(), 16)
        (seal,) = base.execute("SELECT value FROM facts WHERE name = 'seal'").fetchone()
    assert json.loads(seal) == f"{total % 2**256:064x}"
    assert read_manifest(tmp_path).missing[1].name == "facet-0"


def test_a_commit_reads_and_writes_no_other_row(writer):
    statements = []
    writer._connection.set_trace_callback(statements.append)
    writer.commit(done("facet-299"))
    assert [each.split()[0] for each in statements] == [
        "BEGIN", "INSERT", "SELECT", "UPDATE", "REPLACE", "COMMIT",
    ]  # fmt: skip
    assert statements[2].endswith("WHERE name = 'facet-299'")


def test_steps_come_in_order_page_by_page_while_they_are_committed(writer):
    names = []
    for step in writer.steps("facet-*", done=False):
        names.append(step.name)
        writer.commit(done(step.name))
    assert names == [f"facet-{i}" for i in range(300)]
    assert writer.count("facet-*") == writer.count("facet-*", done=True) == 300
    assert writer.count(done=False) == 302
    assert writer.holds("cells-facet-8-0123456789abcdef.npy")
    assert not writer.holds("cells-facet-8-1123456789abcdef.npy")


def test_a_new_plan_keeps_what_is_committed_and_forgets_what_was_made_of_all(writer, tmp_path):
    writer.commit(*map(done, ("scale", *(f"facet-{i}" for i in range(300)))))
    writer.commit(done("basis"), *(done(f"vectors-{i}") for i in range(300)))
    assert writer.count(done=False) == 0
    seal = writer._seal
    writer.plan(planned(300), whole=WHOLE)
    assert (writer.count(done=False), writer._seal) == (0, seal)
    writer.plan(planned(301), whole=WHOLE)
    assert [step.name for step in writer.steps(done=False)][:2] == ["facet-300", "basis"]
    assert writer.count(done=False) == 303
    assert set(writer.shards(["cells-facet-0", "cells-basis"])) == {"cells-facet-0"}
    writer.plan(planned(300), gone={"facet-5"}, whole=WHOLE)
    assert writer.count("facet-*", done=False) == 1
    assert len(read_manifest(tmp_path).shards) == 300


def test_what_is_interrupted_leaves_seal_and_rows_as_they_were(writer, tmp_path):
    before = read_manifest(tmp_path)
    with pytest.raises(sqlite3.IntegrityError):
        writer.commit(done("facet-1"), done("facet-1"))
    assert read_manifest(tmp_path) == before
    writer.commit(done("facet-1"))
    assert len(read_manifest(tmp_path).shards) == 1


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(["facts", "steps", "shards"]), st.integers(0, 6), st.booleans())
def test_a_row_that_is_altered_or_removed_is_found(tmp_path_factory, table, column, removed):
    folder = tmp_path_factory.mktemp("sealed")
    with closing(ManifestWriter(folder)) as writer:
        writer.describe({"exact": False})
        writer.plan(planned(2), whole=WHOLE)
        writer.commit(done("facet-0"), done("facet-1"))
    name = {"facts": "exact", "steps": "facet-0", "shards": "cells-facet-0"}[table]
    with closing(sqlite3.connect(folder / MANIFEST)) as base:
        columns = [row[1] for row in base.execute(f"PRAGMA table_info({table})")]
        altered = f"UPDATE {table} SET {columns[column % len(columns)]} = '9'"  # noqa: S608
        base.execute(f"{f'DELETE FROM {table}' if removed else altered} WHERE name = ?", (name,))  # noqa: S608
        base.commit()
    with pytest.raises(IndexRefusedError, match="its rows are not those that were committed"):
        read_manifest(folder)

"""Tests of the engine of many computers, on a cluster of two processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest

import skykin
from skykin.core.errors import IndexRefusedError, ResourceError, UsageError
from skykin.core.progress import SilentProgress
from skykin.core.settings import MapSettings
from skykin.indexing.manifest import Manifest, Step, read_manifest
from skykin.jobs import facet_tasks
from skykin.jobs.streamed import StreamedSurvey
from skykin.scale.cluster import Answer, Cluster, Done, Groups
from tests.skies import blob_survey

SETTINGS = {"pixels": 32, "spacing": 7.5, "recipe": "mean-std", "area": "150,240,-40,10"}
pytestmark = [
    pytest.mark.extra,
    pytest.mark.slow,
    # What Dask says of its own sockets and processes, where a worker was killed.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning:distributed"),
]


@pytest.fixture(scope="module")
def client():
    pytest.importorskip("distributed", reason="extra `cluster` is not installed")
    with Cluster(workers=2).connected() as found:
        yield found


def ran(groups, names):
    """What became of all items."""
    return [done for together in groups.run((name, None) for name in names) for done in together]


def some_fail(names):
    """Answer to all but those that are called bad."""
    return Answer(tuple(Done(name, cause="ValueError: bad") if name == "bad" else Done(name, name.upper())
                        for name, _ in names), 0.01 * len(names))  # fmt: skip


def slow(names):
    time.sleep(1.0)
    return Answer(tuple(Done(name, os.getpid()) for name, _ in names), 1.0 * len(names))


def test_what_fails_three_times_is_left_out_with_its_cause_and_the_rest_is_done(client):
    groups = Groups(client, some_fail, task_seconds=0.05)
    found = {done.name: done for done in ran(groups, ["a", "b", "bad", *map(str, range(40))])}
    assert len(found) == 43
    assert found["bad"] == Done("bad", cause="ValueError: bad")
    assert found["a"].value == "A"
    assert groups.causes == {"ValueError: bad": 3}


def test_the_driver_holds_few_tasks_however_many_are_planned(client):
    taken = []
    planned = (taken.append(number) or (str(number), None) for number in range(1_000_000))
    found = Groups(client, some_fail, task_seconds=0.05).run(planned)
    for _ in range(20):
        next(found)
    assert len(taken) < 100
    found.close()


def test_a_worker_that_is_killed_costs_only_what_it_had_under_way(client):
    pids = list(client.run(os.getpid).values())
    threading.Timer(1.5, os.kill, (pids[0], signal.SIGKILL)).start()
    found = ran(Groups(client, slow, task_seconds=1.0), "abcdefgh")
    assert sorted(done.name for done in found) == list("abcdefgh")
    assert not any(done.cause for done in found)
    client.wait_for_workers(2, timeout=60)


def test_processes_that_die_over_and_over_are_started_again(client):
    """Dask gives a place up if its process is away 15 seconds after it died, unless it is told otherwise."""
    until = time.monotonic() + 17
    while time.monotonic() < until:
        for process in psutil.Process().children():
            with suppress(psutil.NoSuchProcess):
                if "spawn_main" in " ".join(process.cmdline()):
                    process.kill()
        time.sleep(1)
    client.wait_for_workers(2, timeout=60)
    assert [done.value is not None for done in ran(Groups(client, slow), "ab")] == [True, True]


def test_work_waits_for_workers_and_says_so():
    distributed = pytest.importorskip("distributed", reason="extra `cluster` is not installed")
    said = []

    class Told(SilentProgress):
        def say(self, sentence):
            said.append(sentence)
            empty.scale(1)

    with (
        distributed.LocalCluster(n_workers=0, processes=False, dashboard_address=None) as empty,
        distributed.Client(empty) as own,
    ):
        found = [each for group in Groups(own, some_fail).run(iter([("a", None)]), Told()) for each in group]
    assert found == [Done("a", "A")]
    assert said == ["the scheduler has no workers; the work goes on when some connect to it"]


def test_what_fails_is_said_with_its_cause_once_and_counted_at_the_end(client, monkeypatch):
    said = []

    class Told(SilentProgress):
        def say(self, sentence):
            said.append(sentence)

    monkeypatch.setattr(facet_tasks.FacetTask, "of", lambda *_: some_fail)
    elsewhere = facet_tasks.Elsewhere(Path(), MapSettings(), {}, Cluster(client=client), Told())
    found = [
        each for group in elsewhere(Manifest({}), iter([Step("bad", {}), Step("a", {})])) for each in group
    ]
    assert sorted(found, key=str) == ["A", facet_tasks.Measured("bad", {}, (), "ValueError: bad")]
    assert said == [
        "a facet failed by 'ValueError: bad'; it is tried 3 times in all",
        "tries that failed: 3 by ValueError",
    ]


@pytest.mark.wham
def test_an_index_that_a_cluster_made_has_the_bytes_of_one_that_threads_made(client, tmp_path):
    skykin.index("wham", tmp_path / "one", jobs=1, **SETTINGS)
    pids = list(client.run(os.getpid).values())
    threading.Timer(3.0, os.kill, (pids[0], signal.SIGKILL)).start()
    skykin.index("wham", tmp_path / "two", engine="dask", client=client, **SETTINGS)
    one, two = (
        {name: shard.sha256 for name, shard in read_manifest(tmp_path / each).shards.items()}
        for each in ("one", "two")
    )
    assert len(one) > 20
    assert two == one


@pytest.mark.wham
def test_a_facet_that_cannot_be_measured_is_told_and_the_same_command_goes_on(client, tmp_path, monkeypatch):
    measure, spoilt = facet_tasks.Elsewhere.__call__, []

    def one_fails(self, general, left):
        spoilt.append(next(left).name)
        yield [facet_tasks.Measured(spoilt[0], {}, (), "OSError: unreadable")]
        yield from measure(self, general, left)

    monkeypatch.setattr(facet_tasks.Elsewhere, "__call__", one_fails)
    with pytest.raises(IndexRefusedError, match=r"1 of \d+ facets of the index 'sky' could not be"):
        skykin.index("wham", tmp_path / "sky", engine="dask", client=client, **SETTINGS)
    missing = [step.name for step in read_manifest(tmp_path / "sky").missing if "facet" in step.name]
    assert missing == spoilt
    monkeypatch.undo()
    assert len(skykin.index("wham", tmp_path / "sky", engine="dask", client=client, **SETTINGS)) > 50


def test_what_no_cluster_can_do_is_told(tmp_path):
    pytest.importorskip("distributed", reason="extra `cluster` is not installed")
    with pytest.raises(UsageError, match="has workers of its own; leave out --workers and a client"):
        Cluster("tcp://127.0.0.1:1", 2).connected().__enter__()
    with pytest.raises(ResourceError, match="'nowhere://x' does not answer"):
        Cluster("nowhere://x").connected().__enter__()
    with pytest.raises(UsageError, match="belong to a cluster; add --engine dask"):
        skykin.index("wham", tmp_path / "no", workers=2)
    with pytest.raises(UsageError, match="engine is 'spark', but an index is made by local or dask"):
        skykin.index("wham", tmp_path / "no", engine="spark")


MAP = {
    "tile_size": 30,
    "spacing": 15,
    "pixels": 32,
    "area": "150,240,-40,10",
    "turns": 1,
    "scales": 1,
    "jobs": 1,
}


@pytest.mark.wham
@pytest.mark.parametrize("csls", [False, True])
def test_a_map_that_a_cluster_measured_has_the_numbers_of_one_computer(client, tmp_path, csls):
    one = skykin.map("wham", "orion", recipe="mean-std", csls=csls, **MAP)
    two = skykin.map("wham", "orion", recipe="mean-std", csls=csls, engine="dask", client=client, **MAP)
    assert len(one.tiles) == 14
    for name in one.tiles.colnames:
        np.testing.assert_array_equal(one.tiles[name], two.tiles[name])


@pytest.mark.wham
def test_tiles_that_are_scored_when_all_are_measured_are_measured_by_the_cluster(client, monkeypatch):
    how = {name: value for name, value in MAP.items() if name != "area"} | {
        "recipe": "core-spread",
        "pixels": 64,
    }
    one = skykin.map("wham", "orion", **how)
    here = []
    monkeypatch.setattr(StreamedSurvey, "measured_facet", lambda _, facet: here.append(facet))
    two = skykin.map("wham", "orion", engine="dask", client=client, **how)
    np.testing.assert_array_equal(one.scores, two.scores)
    assert here == []


def test_what_no_cluster_can_map_is_told(tmp_path):
    with pytest.raises(UsageError, match="reads its tiles from facets, which --stretch-per-tile contradicts"):
        skykin.map(blob_survey(), "209,-19", stretch_per_tile=True, engine="dask", **MAP)
    with pytest.raises(
        UsageError, match="a survey in memory cannot be sent to a cluster; write it to a file"
    ):
        skykin.map(blob_survey(), "209,-19", engine="dask", **MAP)
    with pytest.raises(UsageError, match="belong to a cluster; add --engine dask"):
        skykin.map(blob_survey(), "209,-19", workers=2)


def test_a_lost_scheduler_is_told_in_one_sentence(tmp_path, capfd):
    place = tmp_path / "scheduler.json"
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0",
            "--no-dashboard", "--scheduler-file", str(place)]  # fmt: skip
    with subprocess.Popen(dask, stderr=subprocess.DEVNULL) as scheduler:
        while not place.exists() or not place.read_text():
            time.sleep(0.1)
        threading.Timer(3, scheduler.kill).start()
        with (
            pytest.raises(ResourceError, match="the scheduler is lost; what is finished is kept, so run the"),
            Cluster(scheduler=json.loads(place.read_text())["address"]).connected() as own,
        ):
            ran(Groups(own, slow), "ab")
    assert "Traceback" not in "".join(capfd.readouterr())

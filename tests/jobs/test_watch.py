"""Data as they arrive: a growing folder of plates with rings, watched for more of them."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import sys

import numpy as np
import pytest
from astropy import units as u
from threadpoolctl import threadpool_limits
from typer.testing import CliRunner

import skykin
from skykin.cli.main import app
from skykin.core.errors import (
    IndexRefusedError,
    InputRefusedError,
    ResourceError,
    UnknownNameError,
    UsageError,
)
from skykin.core.progress import SilentProgress
from skykin.indexing.facet_style import FacetMeter
from skykin.indexing.layout import STANDING
from skykin.indexing.standing import Found, Standing, StandingQuery
from skykin.jobs import watch as watch_job
from skykin.jobs.announce import Command, NoticeFile, line_of
from skykin.jobs.watch import rounds, seconds
from tests.arriving import RINGS, write_plate

SETTINGS = {
    "area": "70,125,-6,6", "tile_size": 3, "spacing": 1.5, "pixels": 32, "recipe": "mean-std", "jobs": 1,
}  # fmt: skip
#: What writes its standard input, and its arguments, into a file.
TELLER = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read() + repr(sys.argv[2:]) + '\\n')"


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch, threadpool_limits(1):
        patch.setenv("SKYKIN_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setattr("skykin.jobs.streamed.STANDARD_TILES_IN_CONTEXT", 12)
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory, _cache):
    """Two plates, their index, and a standing query for what looks as the ring at l = 80°."""
    place = tmp_path_factory.mktemp("made")
    (place / "plates").mkdir()
    for lon_deg in (78, 86):
        write_plate(place / "plates" / f"{lon_deg}.fits", lon_deg)
    skykin.index(place / "plates", place / "p.skykin", **SETTINGS)
    skykin.queries(place / "p.skykin", "rings", reference=f"{RINGS[0][0]},{RINGS[0][1]}", threshold=0.6)
    return place


@pytest.fixture
def place(made, tmp_path, monkeypatch):
    folder = shutil.copytree(made, tmp_path / "place")
    monkeypatch.chdir(folder)
    return folder


def watch(**more):
    return skykin.watch("plates", "p.skykin", once=True, jobs=1, **more)


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def near_rings(table, rings):
    """Whether each target lies within a tile of one of these rings, and each ring has one."""
    distance = np.hypot(
        table["lon"].value[:, None] - [lon for lon, _ in rings],
        table["lat"].value[:, None] - [lat for _, lat in rings],
    )
    return bool((distance.min(axis=1) < 3).all() and (distance.min(axis=0) < 3).all())


def test_new_rings_are_announced_once_and_what_is_known_is_not(place):
    first = watch(to="alerts.jsonl")
    assert near_rings(first, RINGS[1:2])
    assert list(first["announced"]) == [True] * len(first)
    assert len(watch(to="alerts.jsonl")) == 0
    write_plate(place / "plates" / "94.fits", 94)
    second = watch(to="alerts.jsonl")
    assert near_rings(second, RINGS[2:3])
    written = lines(place / "alerts.jsonl")
    assert [each["identifier"] for each in written] == [*first["identifier"], *second["identifier"]]
    assert len({each["identifier"] for each in written}) == len(written)
    one = written[-1]
    assert one["query"] == "rings"
    assert one["position"]["lon_deg"] == pytest.approx(second["lon"][-1].value, abs=1e-6)
    assert one["score"] >= 0.6
    assert one["size_deg"] == pytest.approx(3, abs=0.1)
    assert one["survey"] == "plates (3 images)"
    assert one["provenance"]["criterion"] == "score 0.6 or more"
    assert one["provenance"]["index"] == "p.skykin"
    assert one["time"].endswith("Z")
    listed = skykin.queries("p.skykin")
    assert (listed["announced"][0], listed["waiting"][0]) == (len(written), 0)


def test_without_new_files_nothing_is_opened_and_with_them_only_what_changed_is_measured(place, monkeypatch):
    watch()
    measured, measure = [], FacetMeter.__call__
    monkeypatch.setattr(
        FacetMeter, "__call__", lambda self, facet: measured.append(1) or measure(self, facet)
    )
    with monkeypatch.context() as patch:
        patch.setattr(watch_job, "index_as", None)  # it would fail
        assert len(watch()) == 0
    os.utime(place / "plates" / "86.fits")  # touched, and the same
    assert len(watch()) == 0
    assert measured == []


@pytest.mark.slow
def test_a_file_that_is_still_being_copied_is_taken_when_it_is_whole(place):
    watch()
    path = place / "plates" / "94.fits"
    write_plate(path, 94)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert len(watch()) == 0
    path.write_bytes(whole)
    assert near_rings(watch(), RINGS[2:3])


def test_what_a_command_refuses_waits_and_is_told_again_as_it_was(place):
    progress = Said()
    table = watch(call=[sys.executable, "-c", "raise SystemExit(3)"], progress=progress)
    assert len(table) > 0
    assert not table["announced"].any()
    assert f"ended with status 3; {len(table)} targets wait" in progress.said[-1]
    assert skykin.queries("p.skykin")["waiting"][0] == len(table)
    again = watch(call=[sys.executable, "-c", TELLER, "told.txt", "$(touch gone)", "a b"])
    assert list(again["identifier"]) == list(table["identifier"])
    assert list(again["time"]) == list(table["time"])
    told = (place / "told.txt").read_text().splitlines()
    assert json.loads(told[0])["identifier"] == table["identifier"][0]
    assert told[1] == "['$(touch gone)', 'a b']"  # no shell read it
    assert len(told) == 2 * len(table)
    assert len(watch(call=[sys.executable, "-c", TELLER, "told.txt"])) == 0


def test_a_reader_that_went_away_leaves_the_targets_waiting(place):
    def gone(notice):
        raise BrokenPipeError(32, "Broken pipe")

    progress = Said()
    table = watch(announce=gone, progress=progress)
    assert not table["announced"].any()
    assert "Broken pipe; " in progress.said[-1]
    assert list(watch()["identifier"]) == list(table["identifier"])


def test_a_stop_between_announcing_and_marking_repeats_the_one_and_the_file_has_it_once(place):
    heard = []

    def stopping(notice):
        heard.append(notice)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        watch(to="alerts.jsonl", announce=stopping)
    assert len(lines(place / "alerts.jsonl")) == 1
    table = watch(to="alerts.jsonl", announce=heard.append)
    assert heard[0] == heard[1]
    names = [each["identifier"] for each in lines(place / "alerts.jsonl")]
    assert names == list(table["identifier"]) == [each["identifier"] for each in heard[1:]]


def test_what_was_found_is_written_down_before_it_is_announced(place, monkeypatch):
    def killed(self, found):
        raise KeyboardInterrupt

    monkeypatch.setattr(Standing, "announcing", killed)
    with pytest.raises(KeyboardInterrupt):
        watch()
    with Standing(place / "p.skykin") as standing:
        waiting = [each.identifier for each in standing.waiting()]
    monkeypatch.undo()
    monkeypatch.chdir(place)
    assert list(watch()["identifier"]) == waiting != []


@pytest.mark.slow
def test_queries_are_added_listed_and_removed(place):
    listed = skykin.queries("p.skykin", "again", reference="80.2,1.1", top_fraction=0.2, from_now=True)
    assert list(listed["name"]) == ["again", "rings"]
    assert listed["criterion"][0] == "best 0.2 of the sky"
    assert listed["announced"][0] > 0
    assert set(watch()["query"]) == {"rings"}  # those of the other are known
    assert list(skykin.queries("p.skykin", remove="rings")["name"]) == ["again"]
    assert len(watch()) == 0
    for options, error, sentence in (
        ({"add": "again", "reference": "80,1"}, UsageError, "there is a query called 'again' already"),
        (
            {"add": "a b", "reference": "80,1"},
            UsageError,
            "a query cannot be called 'a b': a name has 1 to 64",
        ),
        ({"add": "other"}, UsageError, "there is no reference"),
        ({"reference": "80,1"}, UsageError, "no name for the query; give one with --add"),
        ({"add": "a", "remove": "b"}, UsageError, "a query is added or removed"),
        ({"remove": "rings"}, UnknownNameError, "no standing query called 'rings'; it has again"),
        ({"add": "x", "reference": "80,1", "max_q": 2}, UsageError, "max_q is '2', but"),
    ):
        with pytest.raises(error, match=sentence):
            skykin.queries("p.skykin", **options)
    assert list(skykin.queries("p.skykin")["name"]) == ["again"]


@pytest.mark.slow
def test_a_removed_query_that_is_added_again_finds_the_same_again(place):
    first = watch()
    skykin.queries("p.skykin", remove="rings")
    skykin.queries("p.skykin", "rings", reference=f"{RINGS[0][0]},{RINGS[0][1]}", threshold=0.6)
    assert list(watch()["identifier"]) == list(first["identifier"])


@pytest.mark.slow
def test_the_commands_print_a_table_or_json_lines_and_say_what_waits(place):
    run = CliRunner().invoke
    done = run(app, ["watch", "plates", "--index", "p.skykin", "--once", "-q", "--call", "false"])
    assert done.exit_code == 4
    assert "New targets: " in done.stdout
    done = run(app, ["watch", "plates", "--index", "p.skykin", "--once", "-q", "--json"])
    assert done.exit_code == 0
    (one, *_) = map(json.loads, done.stdout.splitlines())
    assert one["identifier"].startswith("skykin/rings/G0")
    done = run(app, ["watch", "plates", "--index", "p.skykin", "--once"])
    assert done.stdout.splitlines()[-1] == "No new targets."
    rows = json.loads(run(app, ["queries", "p.skykin", "--json"]).stdout)
    assert rows[0]["name"] == "rings"
    assert rows[0]["criterion"] == "score 0.6 or more"
    assert "│ rings │" in run(app, ["queries", "p.skykin"]).stdout
    run(app, ["queries", "p.skykin", "--remove", "rings"])
    assert run(app, ["queries", "p.skykin"]).stdout.startswith("No standing queries; add one")


def test_rounds_go_on_after_what_may_pass_and_end_at_what_may_not(place, monkeypatch):
    happens = iter([
        InputRefusedError("half a file"), None, ResourceError("is being built", code="IX-LOCKED"), None,
        IndexRefusedError("is damaged"),
    ])  # fmt: skip

    def round_(self):
        error = next(happens)
        if error is not None:
            raise error
        return "table"

    slept, progress = [], Said()
    monkeypatch.setattr(watch_job._Watcher, "round", round_)
    monkeypatch.setattr(watch_job.time, "sleep", slept.append)
    found = rounds(
        "plates", "p.skykin", once=False, every=2 * u.min, to=None, call=None, announce=None, jobs=1,
        download=False, progress=progress,
    )  # fmt: skip
    assert [next(found), next(found)] == ["table", "table"]
    with pytest.raises(IndexRefusedError, match="is damaged"):
        next(found)
    assert slept == [120.0] * 4
    assert progress.said[0] == "IN-KEY: half a file; the next round is in 120 s"
    happens = iter([InputRefusedError("half a file")])
    with pytest.raises(InputRefusedError, match="half a file"):
        watch()


@pytest.mark.parametrize(
    ("text", "found"),
    [("10min", 600), ("90", 90), ("1.5 h", 5400), ("2d", 172800), ("30 s", 30), (45, 45), (2 * u.hour, 7200)],
)
def test_lengths_of_time_are_read(text, found):
    assert seconds(text) == found


@pytest.mark.parametrize("text", ["", "soon", "0s", "-3min", "3parsec", 0.1, float("nan"), 3 * u.m, "2000d"])
def test_what_is_no_length_of_time_is_refused(text):
    with pytest.raises(UsageError, match="is no length of time from a second to a year; write 10min or 2h"):
        seconds(text)


def test_bad_places_for_notices_are_refused_before_any_work(place):
    (place / "mine.txt").write_text("my own notes\n")
    for options, sentence in (
        ({"to": "mine.txt"}, "'mine.txt' holds a line that is no notice of Skykin .'my own notes"),
        ({"to": "nowhere/alerts.jsonl"}, "there is no folder 'nowhere'"),
        ({"to": "plates"}, "'plates' is no regular file"),
        ({"call": "nonsense --x"}, "there is no program 'nonsense' to call"),
        ({"call": []}, "there is no program '' to call"),
        ({"call": "echo 'x"}, "cannot be divided: No closing quotation; close the quotes"),
    ):
        with pytest.raises(UsageError, match=sentence):
            watch(**options)
    assert (place / "mine.txt").read_text() == "my own notes\n"
    with pytest.raises(IndexRefusedError, match="there is no index 'other.skykin'"):
        skykin.watch("plates", "other.skykin", once=True)


NOTICE = {"identifier": "skykin/rings/G1/0", "score": 0.5}


def test_a_file_of_notices_mends_half_a_line_and_has_each_once(tmp_path):
    path = tmp_path / "alerts.jsonl"
    whole = f"{line_of(NOTICE)}\n"
    for length in range(len(whole)):
        path.write_text(whole.replace("/0", "/1") + whole[:length])
        file = NoticeFile(path)
        file.add(NOTICE)
        file.add(NOTICE)
        assert [each["identifier"][-1] for each in lines(path)] == ["1", "0"]


def test_a_command_that_takes_too_long_is_ended(monkeypatch):
    monkeypatch.setattr("skykin.jobs.announce.COMMAND_S", 0.2)
    with pytest.raises(ResourceError, match="took more than 0.2 s and was ended"):
        Command([sys.executable, "-c", "import time; time.sleep(9)"]).tell(NOTICE)


def one(number, query="q"):
    return Found(f"id{number}", query, 10.0 * number, 0.0, {"identifier": f"id{number}"})


def test_the_journal_keeps_its_order_and_knows_what_it_has(tmp_path):
    with Standing(tmp_path) as standing:
        assert standing.add(StandingQuery("q", {"a": 1}, "now"))
        assert not standing.add(StandingQuery("q", {"a": 2}, "later"))
        standing.write_down((one(2), one(1), one(3, "unknown")))
        standing.write_down((one(1), one(4)), announced=True)
        assert [each.identifier for each in standing.waiting()] == ["id2", "id1"]
        with standing.announcing(one(2)) as is_mine:
            assert is_mine
        with standing.announcing(one(2)) as is_mine:
            assert not is_mine
        with pytest.raises(RuntimeError), standing.announcing(one(1)):
            raise RuntimeError
        assert standing.counts() == {"q": (2, 1)}
        standing.seen = "so far"
    with Standing(tmp_path) as standing:
        assert (standing.seen, standing.waiting(), standing.queries()[0].settings) == (
            "so far",
            (one(1),),
            {"a": 1},
        )
        assert standing.remove("q")
        assert not standing.remove("q")
        assert standing.found("q") == ()


def test_two_processes_do_not_announce_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr("skykin.indexing.standing.PATIENCE_S", 0.05)
    with Standing(tmp_path) as first, Standing(tmp_path) as second:
        first.add(StandingQuery("q", {}, "now"))
        first.write_down((one(1),))
        with first.announcing(one(1)) as is_mine:
            assert is_mine
            with pytest.raises(ResourceError, match="wait until the other process is done") as caught:
                second.write_down((one(2),))
            assert caught.value.code == "IX-LOCKED"
        with second.announcing(one(1)) as is_mine:
            assert not is_mine


def test_a_journal_that_is_damaged_or_of_another_program_is_named(tmp_path):
    (tmp_path / STANDING).write_bytes(b"SQLite format 3\0" + bytes(range(256)) * 16)
    with pytest.raises(IndexRefusedError, match=f"{STANDING} of the index .* is damaged"):
        Standing(tmp_path)
    (tmp_path / STANDING).unlink()
    connection = sqlite3.connect(tmp_path / STANDING)
    connection.execute("CREATE TABLE x (y)")
    connection.close()
    with pytest.raises(IndexRefusedError, match="is of another program or version") as caught:
        Standing(tmp_path)
    assert caught.value.code == "IX-VERSION"


class Said(SilentProgress):
    """Keeps what is said."""

    def __init__(self):
        self.said = []

    def say(self, sentence):
        self.said.append(sentence)

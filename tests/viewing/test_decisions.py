"""Decisions on targets: kept beside the index, one line each, whatever stops the process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from skykin.core.errors import ResourceError, UsageError
from skykin.viewing.decisions import Decisions, Judged
from skykin.viewing.questions import Verdict
from tests.viewing.conftest import ASKED

KEEP = Verdict(decision="keep", note="bright rim")


def target(number=1, question="q"):
    return Judged(question, f"SKYKIN {number}", f"T{number}", 10.0, 20.0)


def test_the_last_decision_counts_and_is_read_again(tmp_path):
    decisions = Decisions.beside(tmp_path / "wham.skykin")
    assert decisions.of("q") == {}
    decisions.decide(target(), KEEP)
    decisions.decide(target(2), Verdict(decision="reject"))
    decisions.decide(target(), Verdict(decision=None, note="again"))
    decisions.decide(target(question="other"), KEEP)
    again = Decisions(tmp_path / "wham.skykin.decisions.jsonl")
    assert again.of("q") == {"T1": Verdict(note="again"), "T2": Verdict(decision="reject")}
    assert again.of("other") == {"T1": KEEP}
    assert [path.name for path in tmp_path.iterdir()] == ["wham.skykin.decisions.jsonl"]


@pytest.mark.parametrize(
    "left", [b'{"question": "q", "ti', b"\xff\x00", b"[]", b'{"question": "q"}\n', b"null\n"]
)
def test_what_a_killed_process_left_is_no_decision_and_harms_no_other(tmp_path, left):
    decisions = Decisions(tmp_path / "d.jsonl")
    decisions.decide(target(), KEEP)
    with decisions.path.open("ab") as file:
        file.write(left)
    assert decisions.of("q") == {"T1": KEEP}
    decisions.decide(target(2), KEEP)
    assert decisions.of("q") == {"T1": KEEP, "T2": KEEP}


def test_many_writers_at_once_lose_nothing(tmp_path):
    # As two servers of one index: each has its own object, and locks the file.
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: Decisions(tmp_path / "d.jsonl").decide(target(n), KEEP), range(64)))
    assert len(Decisions(tmp_path / "d.jsonl").of("q")) == 64


def test_a_disk_that_is_full_leaves_the_earlier_decisions(tmp_path, monkeypatch):
    decisions = Decisions(tmp_path / "d.jsonl")
    decisions.decide(target(), KEEP)
    before = decisions.path.read_bytes()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("skykin.viewing.decisions.os.fsync", full)
    with pytest.raises(ResourceError, match="the decisions in 'd.jsonl' cannot be written: No space left"):
        decisions.decide(target(2), KEEP)
    assert decisions.path.read_bytes() == before


def test_a_link_in_place_of_the_file_is_not_followed(tmp_path):
    (tmp_path / "other").write_text("")
    (tmp_path / "d.jsonl").symlink_to(tmp_path / "other")
    with pytest.raises(ResourceError, match="cannot be written"):
        Decisions(tmp_path / "d.jsonl").decide(target(), KEEP)
    assert (tmp_path / "other").read_text() == ""


def test_a_decision_is_one_of_two_and_a_note_is_short():
    with pytest.raises(UsageError, match="decision is 'maybe', but it must be keep, reject or null"):
        Verdict(decision="maybe")
    with pytest.raises(UsageError, match="the note has 2001 characters; use at most 2000"):
        Verdict(note="x" * 2001)


def test_decisions_of_the_page_outlive_another_criterion_and_are_in_the_list(served, answer):
    name = answer["targets"][-1]["name"]
    path = f"api/query/{answer['query']}/targets/{name}"
    stored = served.client.put(path, json={"decision": "reject", "note": "a star"})
    assert stored.json() == {"name": name, "decision": "reject", "note": "a star"}
    other = served.client.post(
        "api/query", json=ASKED | {"criterion": {"kind": "score", "value": -0.5}}
    ).json()
    assert [(each["decision"], each["note"]) for each in other["targets"] if each["name"] == name] == [
        ("reject", "a star")
    ]
    table = served.client.get(f"api/query/{answer['query']}/download/targets.csv").text
    assert any(name in line and line.endswith(",reject,a star") for line in table.splitlines())
    none = served.client.put(f"api/query/{answer['query']}/targets/nothing", json={"decision": "keep"})
    assert (none.status_code, none.json()["what"]) == (404, "the query has no target 'nothing'")


WRITER = """
import sys
from pathlib import Path
from skykin.viewing.decisions import Decisions, Judged
from skykin.viewing.questions import Verdict
decisions = Decisions(Path(sys.argv[1]))
for number in range(int(sys.argv[2]), 10**9):
    decisions.decide(Judged("q", "n", f"T{number}", 0.0, 0.0), Verdict(decision="keep", note="x" * 500))
    print(number, flush=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="a process is killed by a signal")
def test_no_acknowledged_decision_is_lost_when_the_process_is_killed(tmp_path):
    path, acknowledged = tmp_path / "d.jsonl", -1
    for kill in range(6):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(acknowledged + 1)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(5 + 7 * kill):
            acknowledged = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        rest = process.communicate()[0].split()
        acknowledged = int(rest[-1]) if rest else acknowledged
        found = Decisions(path).of("q")
        assert set(found) >= {f"T{number}" for number in range(acknowledged + 1)}
    assert acknowledged > 100


@pytest.mark.slow
def test_two_processes_that_write_at_once_lose_nothing(tmp_path):
    path = tmp_path / "d.jsonl"
    begun = [
        subprocess.Popen([sys.executable, "-c", WRITER, path, first], stdout=subprocess.PIPE, text=True)
        for first in ("0", "1000000")
    ]
    acknowledged = set()
    for process in begun:
        acknowledged |= {int(process.stdout.readline()) for _ in range(40)}
    for process in begun:
        process.kill()
        acknowledged |= {int(number) for number in process.communicate()[0].split()}
    assert set(Decisions(path).of("q")) >= {f"T{number}" for number in acknowledged}

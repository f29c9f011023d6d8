"""The child that reads a file reaches that file, its folder of results, and nothing else."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from pathlib import Path

import pytest

import skykin.survey
from skykin.core.errors import CorruptFileError, SkyError
from skykin.survey.confine import CALLS
from skykin.survey.guard import _as_raised, guarded

TASKS = """
import ctypes, os, socket, subprocess, sys
from pathlib import Path

def _tried(what):
    try:
        what()
    except OSError as error:
        return os.strerror(error.errno) if error.errno in (1, 13) else str(error)
    return "done"

def _socket_of_c():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.socket(2, 1, 0) < 0:
        raise OSError(ctypes.get_errno(), "socket")

def reaching(path, folder, other):
    other = Path(other)
    return {name: _tried(what) for name, what in {
        "read the given file": path.read_text,
        "write results": lambda: (folder / "values.npy").write_text("1"),
        "read another file": other.read_text,
        "list another folder": lambda: list(other.parent.iterdir()),
        "write to another file": lambda: other.write_text("harmed"),
        "write to the given file": lambda: path.write_text("harmed"),
        "remove the given file": path.unlink,
        "link among the results": lambda: (folder / "link.npy").symlink_to(other),
        "socket": lambda: socket.socket(),
        "look up a host": lambda: socket.getaddrinfo("localhost", 80),
        "socket by C": _socket_of_c,
        "run a program": lambda: subprocess.run([sys.executable, "-V"]),
        "end the parent": lambda: os.kill(os.getppid(), 0),
    }.items()}

def nothing(path, folder):
    return {}
"""
NO = "Permission denied"


@pytest.fixture(autouse=True)
def tasks(tmp_path, monkeypatch):
    """A module of tasks inside ``skykin.survey``, as the child demands, without touching the package."""
    folder = tmp_path / "tasks"
    folder.mkdir()
    (folder / "reaching_tasks.py").write_text(TASKS)
    (folder / "sitecustomize.py").write_text(
        f"import skykin.survey\nskykin.survey.__path__.append({str(folder)!r})\n"
    )
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([str(folder), str(Path(skykin.survey.__file__).parents[2])])
    )
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in CALLS, reason="the filters are those of Linux"
)
def test_a_reading_child_reaches_its_own_file_and_nothing_else(tmp_path):
    given, other = tmp_path / "given" / "a.txt", tmp_path / "other" / "b.txt"
    for path in (given, other):
        path.parent.mkdir()
        path.write_text("whole")
    with guarded("skykin.survey.reaching_tasks:reaching", given, {"other": str(other)}) as parsed:
        found = dict(parsed.facts)
    assert found.pop("socket by C") == NO
    assert {name: found.pop(name) for name in ("socket", "look up a host", "run a program")} == {
        "socket": NO,
        "look up a host": NO,
        "run a program": NO,
    }
    assert found.pop("read the given file") == found.pop("write results") == "done"
    if set(found.values()) == {"done"}:
        pytest.skip("this kernel has no Landlock")
    if found["end the parent"] == "done":  # known to Landlock since version 6
        del found["end the parent"]
    assert set(found.values()) <= {NO, "Operation not permitted"}
    assert given.read_text() == other.read_text() == "whole"


def test_python_refuses_the_network_to_a_child_on_any_system(tmp_path):
    given = tmp_path / "a.txt"
    given.write_text("whole")
    with guarded("skykin.survey.reaching_tasks:reaching", given, {"other": str(given)}) as parsed:
        assert {parsed.facts[name] for name in ("socket", "look up a host", "run a program")} == {NO}


def test_a_module_in_the_current_folder_is_not_loaded_by_the_child(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("json", "resource", "numpy", "skykin"):
        Path(f"{name}.py").write_text(f"open({str(tmp_path / 'loaded')!r}, 'w')")
    with guarded("skykin.survey.reaching_tasks:nothing", tmp_path) as parsed:
        assert parsed.facts == {}
    assert not (tmp_path / "loaded").exists()


@pytest.mark.parametrize("told", ["shown", "one_line", "LONGEST_SHOWN", "nothing", "SkyError", "KeyError"])
def test_a_child_chooses_no_class_but_one_of_our_errors(told):
    raised = _as_raised({"class": told, "sentence": "it is refused", "code": "IN-KEY"})
    assert type(raised) is (SkyError if told == "SkyError" else CorruptFileError)
    assert str(raised) == "it is refused"
    assert raised.code == "IN-KEY"

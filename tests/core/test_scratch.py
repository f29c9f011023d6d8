"""Temporary folders go away, whatever ends the process that made them, and nothing else does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile

import pytest

from skykin.core import scratch
from skykin.core.errors import ResourceError
from skykin.core.scratch import MARKER, Scratch, TemporaryFolder, sweep, uninterrupted

posix = pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
DIGITS = "0123456789abcdef"


def killed(code, *arguments):
    """Run code in a process that ends by SIGKILL."""
    begin = "import os, signal, sys\nfrom pathlib import Path\nfrom skykin.core.scratch import *\n"
    end = "\nos.kill(os.getpid(), signal.SIGKILL)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", begin + code + end, *map(str, arguments)]
    run = subprocess.run(command, env=environment, check=False)
    assert run.returncode == -signal.SIGKILL


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_scratch_folder_goes_away_with_all_that_it_holds(tmp_path):
    with Scratch(tmp_path) as made:
        (made.folder / "deeper").mkdir()
        (made.folder / "deeper" / "file").write_text("x")
        assert made.folder.parent == tmp_path
    assert names(tmp_path) == []


def test_a_scratch_folder_goes_away_with_the_last_reference(tmp_path):
    made = Scratch(tmp_path)
    assert len(names(tmp_path)) == 1
    del made
    assert names(tmp_path) == []


@posix
def test_what_a_killed_process_left_is_removed_and_what_is_in_use_stays(tmp_path):
    killed("made = Scratch(Path(sys.argv[1])); (made.folder / 'half').write_text('x')", tmp_path)
    in_use = Scratch(tmp_path)
    killed("sweep(Path(sys.argv[1]))", tmp_path)
    assert names(tmp_path) == [in_use.folder.name]
    (in_use.folder / "file").write_text("is there")


@posix
def test_the_first_scratch_folder_of_a_process_removes_what_is_left(tmp_path):
    killed("made = Scratch(Path(sys.argv[1]))", tmp_path)
    assert len(names(tmp_path)) == 1
    with Scratch(tmp_path) as made:
        assert names(tmp_path) == [made.folder.name]


@posix
def test_a_process_killed_as_it_makes_the_folder_leaves_nothing_for_good(tmp_path):
    (tmp_path / f".skykin-{DIGITS}").mkdir()
    sweep(tmp_path)
    assert names(tmp_path) == []
    (tmp_path / f".skykin-{DIGITS}").mkdir()
    (tmp_path / f".skykin-{DIGITS}" / MARKER).touch()
    sweep(tmp_path)
    assert names(tmp_path) == []


def test_folders_of_somebody_else_stay(tmp_path):
    def folder(name, marker=None):
        (tmp_path / name).mkdir()
        (tmp_path / name / "notes.txt").write_text("years of work")
        if marker is not None:
            (tmp_path / name / MARKER).write_text(marker)

    folder(f".skykin-{DIGITS}")  # without the marker
    folder(f"skykin-{DIGITS}", f".skykin-{DIGITS}")  # a renamed copy
    folder(".skykin-0123456789abcdee", "")  # an empty marker and a file
    folder("skykin-analysis", "skykin-analysis")
    folder("skykin-0123456789ABCDEF", "skykin-0123456789ABCDEF")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / MARKER).write_text(".skykin-fedcba9876543210")
    (tmp_path / ".skykin-fedcba9876543210").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (tmp_path / ".skykin-aaaaaaaaaaaaaaaa").write_text("a file")
    before = sorted(tmp_path.rglob("*"))
    sweep(tmp_path)
    assert sorted(tmp_path.rglob("*")) == before


@posix
def test_links_in_a_scratch_folder_are_removed_and_not_followed(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "notes.txt").write_text("years of work")
    with Scratch(tmp_path) as made:
        (made.folder / "link").symlink_to(tmp_path / "real", target_is_directory=True)
    assert names(tmp_path) == ["real"]
    assert names(tmp_path / "real") == ["notes.txt"]


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_temporary_folders_of_a_process_share_one_that_goes_with_the_last(place):
    with TemporaryFolder() as first:
        second = TemporaryFolder()
        assert first.parent == second.path.parent
        assert len(names(place)) == 1
    assert not first.exists()
    assert second.path.exists()
    second.remove()
    assert names(place) == []


@posix
def test_temporary_folders_of_a_killed_process_are_removed_by_the_next_one(place, monkeypatch):
    code = (
        "import tempfile; tempfile.tempdir = sys.argv[1]; made = TemporaryFolder(); (made.path / 'f').touch()"
    )
    killed(code, place)
    assert len(names(place)) == 1
    with TemporaryFolder() as mine:
        assert names(place) == [mine.parent.name]
    assert names(place) == []


@posix
def test_a_child_that_was_forked_leaves_its_parents_folders(place):
    with TemporaryFolder() as folder:
        child = os.fork()
        if child == 0:
            scratch._shared.clear()
            with TemporaryFolder():
                pass
            os._exit(0)
        os.waitpid(child, 0)
        assert folder.exists()


def test_no_room_for_a_temporary_folder_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(ResourceError, match="folder can be made: No such file or directory; free"):
        TemporaryFolder()


@pytest.fixture
def interruptible():
    """Ctrl-C raises, also where the tests run in the background of a shell, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@posix
@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_is_held_back_until_the_block_is_left():
    done = []

    def work():
        with uninterrupted():
            signal.raise_signal(signal.SIGINT)
            with uninterrupted():
                signal.raise_signal(signal.SIGINT)
            done.append("all")
        done.append("never")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["all"]


@posix
@pytest.mark.usefixtures("interruptible")
def test_an_interrupted_scratch_folder_is_removed_whole(tmp_path, monkeypatch):
    remove = scratch._remove

    def interrupted(*arguments):
        signal.raise_signal(signal.SIGINT)
        remove(*arguments)

    monkeypatch.setattr(scratch, "_remove", interrupted)
    made = Scratch(tmp_path)
    for number in range(20):
        (made.folder / str(number)).touch()
    with pytest.raises(KeyboardInterrupt):
        made.remove()
    assert names(tmp_path) == []

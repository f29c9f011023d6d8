"""The child process that reads untrusted files: it may die, the parent lives and says why."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import skykin.survey
from skykin.core.errors import CorruptFileError, SkyError, TooLargeError
from skykin.survey.guard import GIBIBYTE, Limits, guarded

FILE = Path("some.fits")
posix = pytest.mark.skipif(os.name == "nt", reason="limits of resources are POSIX")
TASKS = """
import os, signal, time
import numpy as np
from skykin.core.errors import SkyError

def good(path, folder, scale):
    np.save(folder / "values.npy", scale * np.arange(6.0).reshape(2, 3))
    return {"name": path.name}

def refusing(path, folder):
    raise SkyError("there is no sky in it", code="SKY-NOWCS")

def crashing(path, folder, number):
    os.kill(os.getpid(), number)

def leaving(path, folder):
    os._exit(3)

def panicking(path, folder):
    class Panic(BaseException):
        pass
    raise Panic("index out of bounds")

def sleeping(path, folder):
    time.sleep(60)

def looping(path, folder):
    while True:
        pass

def greedy(path, folder):
    np.ones(1 << 31)

def parent(path, folder):
    return {"parent": os.getppid()}

def telling(path, folder):
    (folder / "told").write_text(f"{os.getpid()} {os.getppid()}")
    time.sleep(60)

def verbose(path, folder):
    with (folder / "big.npy").open("wb") as out:
        out.write(bytes(4 << 20))
"""


@pytest.fixture(scope="module", autouse=True)
def tasks(tmp_path_factory):
    """A module of tasks inside ``skykin.survey``, as the child demands, without touching the package."""
    folder = tmp_path_factory.mktemp("tasks")
    (folder / "toy_tasks.py").write_text(TASKS)
    (folder / "sitecustomize.py").write_text(
        f"import skykin.survey\nskykin.survey.__path__.append({str(folder)!r})\n"
    )
    patch = pytest.MonkeyPatch()
    before = os.pathsep.join([str(folder), str(Path(skykin.survey.__file__).parents[2])])
    patch.setenv("PYTHONPATH", before)
    yield
    patch.undo()


def run(name, limits=None, **arguments):
    with guarded(f"skykin.survey.toy_tasks:{name}", FILE, arguments, limits=limits) as parsed:
        return parsed.facts


@pytest.fixture(autouse=True)
def own_place(tmp_path, monkeypatch):
    """A folder for temporary files that no other process uses."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def leftovers():
    return {path.name for path in Path(tempfile.gettempdir()).glob("skykin-*")}


def test_facts_and_arrays_come_back_and_nothing_is_left():
    before = leftovers()
    with guarded("skykin.survey.toy_tasks:good", FILE, {"scale": 2}) as parsed:
        values = parsed.array("values")
    assert parsed.facts == {"name": "some.fits"}
    np.testing.assert_array_equal(values, [[0, 2, 4], [6, 8, 10]])
    assert leftovers() <= before


def test_an_error_of_ours_comes_back_as_itself():
    with pytest.raises(SkyError, match="there is no sky in it") as caught:
        run("refusing")
    assert caught.value.code == "SKY-NOWCS"


@posix
@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGFPE, signal.SIGBUS])
def test_a_crash_names_its_signal(number):
    before = leftovers()
    with pytest.raises(
        CorruptFileError, match=rf"crash \({number.name}\).*Skykin itself is unhurt"
    ) as caught:
        run("crashing", number=int(number))
    assert caught.value.code == "IN-PARSER-CRASH"
    assert leftovers() <= before


def test_a_child_that_leaves_without_an_answer_is_a_crash():
    with pytest.raises(CorruptFileError, match="ended with status 3 and no answer") as caught:
        run("leaving")
    assert caught.value.code == "IN-PARSER-CRASH"


def test_a_panic_that_is_no_exception_becomes_one_sentence():
    with pytest.raises(CorruptFileError, match="Panic: 'index out of bounds'; it is damaged, or") as caught:
        run("panicking")
    assert caught.value.code == "IN-CORRUPT"


@pytest.mark.parametrize("name", ["sleeping", "looping"])
def test_a_child_that_takes_too_long_is_stopped(name):
    start = time.monotonic()
    with pytest.raises(CorruptFileError, match="not read within 1.5 s") as caught:
        run(name, Limits(seconds=1.5))
    assert caught.value.code == "IN-TIMEOUT"
    assert time.monotonic() - start < 15


@posix
@pytest.mark.skipif(sys.platform == "darwin", reason="macOS does not hold RLIMIT_AS")
def test_a_child_that_wants_too_much_memory_is_refused():
    with pytest.raises(TooLargeError, match="needs more than 2 GiB of memory") as caught:
        run("greedy", Limits(memory_bytes=2 * GIBIBYTE))
    assert caught.value.code == "IN-BOMB"


@posix
def test_a_result_that_is_too_large_is_refused():
    with pytest.raises(TooLargeError, match="unpacks to more than") as caught:
        run("verbose", Limits(result_bytes=1 << 20))
    assert caught.value.code == "IN-TOOBIG"


linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere each child is a new process")


@linux
def test_children_are_forked_by_one_process_that_stays_ready():
    with pytest.raises(CorruptFileError, match=r"crash \(SIGSEGV\)"):
        run("crashing", number=int(signal.SIGSEGV))
    assert run("parent") == run("parent")


@linux
def test_a_ready_process_that_was_killed_is_replaced():
    gone = run("parent")["parent"]
    os.kill(gone, signal.SIGKILL)
    time.sleep(0.2)
    assert run("parent")["parent"] != gone


ORPHANED = """
from pathlib import Path
from skykin.survey.guard import guarded
with guarded("skykin.survey.toy_tasks:telling", Path("some.fits")):
    pass
"""


def _lives(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@linux
@pytest.mark.parametrize("victim", ["who asked", "who forks"])
def test_no_child_outlives_its_parent(tmp_path, victim):
    parent = subprocess.Popen([sys.executable, "-c", ORPHANED], env={**os.environ, "TMPDIR": str(tmp_path)})
    end, told = time.monotonic() + 60, []
    while len(told) < 2:
        assert time.monotonic() < end
        told = [word for path in tmp_path.glob("*/*/told") for word in path.read_text().split()]
    child, server = map(int, told)
    assert _lives(child)
    os.kill(parent.pid if victim == "who asked" else server, signal.SIGKILL)
    end = time.monotonic() + 5
    while _lives(child) or (_lives(server) and victim == "who asked"):
        assert time.monotonic() < end
        time.sleep(0.01)
    parent.kill()
    parent.wait()


@linux
def test_ctrl_c_at_a_terminal_reaches_no_child():
    assert os.getpgid(run("parent")["parent"]) != os.getpgid(0)


@linux
def test_threads_have_children_of_their_own():
    start = time.monotonic()
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(run, "sleeping", Limits(seconds=2.0)) for _ in range(3)]
    for each in waiting:
        with pytest.raises(CorruptFileError, match="not read within 2 s"):
            each.result()
    assert time.monotonic() - start < 5.5


def test_where_forking_is_not_safe_each_child_is_a_new_process(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    first, second = run("parent"), run("parent")
    assert first == second == {"parent": os.getpid()}
    with pytest.raises(CorruptFileError, match="not read within 1 s"):
        run("sleeping", Limits(seconds=1.0))


def test_only_tasks_of_the_survey_package_run():
    with pytest.raises(CorruptFileError, match="ValueError"), guarded("os:getcwd", FILE):
        pass

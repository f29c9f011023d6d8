"""Ctrl-C at any moment, any number of times: one sentence, exit code 130, and nothing is left."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from tests.products.test_folder import content, fill

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals are sent otherwise there")

#: A command that replaces a folder of results.
RUN = """
import os, signal, sys, time, types
from pathlib import Path

# A background job may be born deaf to Ctrl-C; what a person starts in a terminal is not.
signal.signal(signal.SIGINT, signal.default_int_handler)
from skykin.cli.start import main

def ctrl_c(times=1):
    for _ in range(times):
        os.kill(os.getpid(), signal.SIGINT)

class Finalized:
    def __del__(self):
        ctrl_c()

class Loading:
    @staticmethod
    def find_spec(name, *_):
        if name == "typer":
            ctrl_c()

def work(*_, **__):
    from skykin.products.folder import output_folder
    with output_folder(Path("orion"), overwrite=True) as folder:
        (folder / "score.fits").write_text("new")
        during()
    time.sleep(20)

def during():
    pass

WHEN
sys.modules["skykin.jobs.listing"] = types.SimpleNamespace(surveys=work)
sys.argv = ["skykin", "surveys"]
main()
"""
WHEN = {
    "while the program is loaded": ("sys.meta_path.insert(0, Loading)", "old"),
    "in the work": ("during = ctrl_c", "old"),
    "ten times in the work": ("during = lambda: ctrl_c(10)", "old"),
    "in a finalizer": ("during = lambda: (len([Finalized()]), time.sleep(20))", "old"),
    "as the scratch folder is made": (
        "import skykin.core.scratch as s; make = s._make; s._make = lambda *a: (make(*a), ctrl_c(2))[0]",
        "old",
    ),
    "as the scratch folder is removed": (
        "import skykin.core.scratch as s; end = s._remove; s._remove = lambda *a: (ctrl_c(2), end(*a))",
        "old",
    ),
    "as the new folder takes its place": (
        "import skykin.products.folder as f; put = f._put; f._put = lambda *a: (ctrl_c(), put(*a), ctrl_c())",
        "new",
    ),
    "as the sentence is printed": (
        "import rich.console as r; p = r.Console.print\n"
        "r.Console.print = lambda *a, **k: (ctrl_c(3), p(*a, **k)); during = ctrl_c",
        "old",
    ),
    "as the program leaves": ("import atexit; atexit.register(ctrl_c); during = ctrl_c", "old"),
}


QUICK = ("ten times in the work", "while the program is loaded", "as the new folder takes its place")


@pytest.mark.parametrize(
    "when", [when if when in QUICK else pytest.param(when, marks=pytest.mark.slow) for when in WHEN]
)
@pytest.mark.slow
def test_ctrl_c_ends_in_order(tmp_path, when):
    code, after = WHEN[when]
    fill(tmp_path / "orion", "old")
    (tmp_path / "tmp").mkdir()
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", RUN.replace("WHEN", code)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(tmp_path / "tmp")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == "interrupted; nothing was written\n"
    assert (done.returncode, done.stdout) == (130, "")
    assert content(tmp_path / "orion") == {"score.fits": after}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["orion", "tmp"]
    assert list((tmp_path / "tmp").iterdir()) == []
    assert time.monotonic() - start < 15


@pytest.mark.slow
def test_ctrl_c_after_the_work_changes_nothing(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", RUN.replace("WHEN", "import atexit; atexit.register(ctrl_c); time.sleep = len")
         .replace("time.sleep(20)", "return []")],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert content(tmp_path / "orion") == {"score.fits": "new"}

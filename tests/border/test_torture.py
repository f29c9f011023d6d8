"""A short version of each part of `tools/torture.py`, whose figures stand in docs/explain/reliability.md."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="forks, traces and mounts as Linux does"),
]

ROOT = Path(__file__).parents[2]
#: Options, and what is counted at least.
PARTS = {
    "mutations": (["--mutations", "120"], {"files": 120}),
    "kills": (["--kills", "4"], {"index": 4, "append": 4, "map": 4}),
    "calls": (["--calls", "2"], {}),
    "disks": (["--disks", "4"], {}),
    "writers": (["--rounds", "1"], {"index": 1, "append": 1, "map": 1}),
    "flips": (["--every", "300"], {"trials": 50}),
    "memory": (["--shares", "0.6"], {"index": 1, "append": 1, "map": 1}),
    "soak": (["--hours", "0.005"], {"rounds": 1}),
    "watch": (["--kills", "15"], {"kills": 15, "targets": 4}),
}


@pytest.mark.parametrize("part", PARTS)
def test_nothing_goes_wrong_in_a_short(part, tmp_path):
    options, least = PARTS[part]
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "tools/torture.py", part, *options],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    figures = json.loads(done.stdout.splitlines()[0])
    assert figures["part"] == part
    for name, count in least.items():
        assert figures[name] >= count
    assert done.stdout.splitlines()[-1].endswith(": 0 wrong")
    assert not list(tmp_path.glob("torture-*"))

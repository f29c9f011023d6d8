"""The example of the manual for a cluster with a queue, run by SLURM where it is, else by processes."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import skykin
from skykin.indexing.manifest import read_manifest

PAGE = Path(__file__).parents[2] / "docs" / "cluster.md"
HOW = {"tile_size": 30, "spacing": 15, "pixels": 32, "recipe": "mean-std", "area": "150,240,-40,10"}


def example(queue):
    """Give the script of the page, for a part of a real survey, and without SLURM for another queue."""
    (block,) = re.findall(r"```text\n(from dask_jobqueue.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    how = ", ".join(f"{name}={value!r}" for name, value in HOW.items())
    text = block.replace('"plates/", "plates.skykin"', f'"wham", "queued.skykin", {how}')
    text = text.replace("scale(200)", "scale(2)").replace('memory="4GB"', 'memory="2GB"')
    assert "scale(2)" in text
    assert "queued.skykin" in text
    if not queue:
        text = text.replace(
            "from dask_jobqueue import SLURMCluster", "from dask_jobqueue.local import LocalCluster"
        )
        text = text.replace("SLURMCluster(", "LocalCluster(").replace(', walltime="04:00:00"', "")
    return text


@pytest.mark.extra
@pytest.mark.slow
@pytest.mark.wham
def test_the_example_of_the_manual_makes_the_index_of_one_computer(tmp_path):
    pytest.importorskip("dask_jobqueue", reason="extra `cluster` is not installed")
    queue = (
        shutil.which("sbatch") and not subprocess.run(["sinfo"], capture_output=True, check=False).returncode
    )
    lines = example(queue).splitlines()
    body = "\n".join(f"    {line}" for line in lines)
    (tmp_path / "queued.py").write_text(f"if __name__ == '__main__':\n{body}\n    cluster.close()\n")
    subprocess.run([sys.executable, "queued.py"], cwd=tmp_path, check=True, timeout=600)
    skykin.index("wham", tmp_path / "one.skykin", jobs=1, **HOW)
    one, queued = (
        {name: shard.sha256 for name, shard in read_manifest(tmp_path / f"{each}.skykin").shards.items()}
        for each in ("one", "queued")
    )
    assert len(one) > 10
    assert queued == one

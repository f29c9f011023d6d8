"""Mixed work for a long time: memory, open files and temporary files do not grow."""

from __future__ import annotations

import contextlib
import gc
import os
import random
import re
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import skykin
from skykin.core.errors import SkykinError
from torture_trials.mutations import mutated, seeds
from torture_trials.writers import writers


@dataclass(frozen=True)
class Level:
    """What the process has at a moment."""

    rounds: int
    seconds: float
    memory_mib: float
    descriptors: int
    temporary: int


def soak(place: Path, seconds: float, seed: int, say: Callable[[str], None]) -> list[Level]:
    """Index, append, write maps, search, read good and broken files, until the time is over."""
    temporary = place / "tmp"
    temporary.mkdir()
    os.environ["TMPDIR"] = tempfile.tempdir = str(temporary)
    (place / "seeds").mkdir()
    files, chance, levels = seeds(place / "seeds"), random.Random(seed), []
    jobs = writers(place)
    index = skykin.open_index(place / "measured")
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        for job in jobs:
            folder = place / "out"
            job.begin(folder)
            job.work(folder)
            job.state(folder)
            shutil.rmtree(folder)
        index.search("209,-19", top_fraction=0.3)
        for path, reader in chance.sample(files, 10):
            content = path.read_bytes()
            for trial in (content, mutated(content, chance)):
                path.write_bytes(trial)
                with contextlib.suppress(SkykinError):
                    reader(path)
            path.write_bytes(content)
        gc.collect()
        levels.append(_level(len(levels) + 1, time.monotonic() - start, temporary))
        say(str(levels[-1]))
    return levels


def growth(levels: list[Level]) -> dict[str, float]:
    """Growth after the first third, which warms up: MiB and percent an hour, descriptors, temporary files."""
    steady = levels[len(levels) // 3 :]
    hours = np.array([level.seconds for level in steady]) / 3600
    slope = float(np.polyfit(hours, [level.memory_mib for level in steady], 1)[0]) if len(steady) > 2 else 0.0
    first, last = steady[0], steady[-1]
    return {
        "rounds": last.rounds,
        "memory_mib": round(last.memory_mib),
        "mib_per_hour": round(slope, 1),
        "descriptors_more": last.descriptors - first.descriptors,
        "temporary_more": last.temporary - first.temporary,
    }


def _level(rounds: int, seconds: float, temporary: Path) -> Level:
    status = Path("/proc/self/status").read_text()
    memory = int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024
    names = sum(1 for path in temporary.rglob("*") if "skykin" in path.name)
    return Level(rounds, round(seconds), memory, len(list(Path("/proc/self/fd").iterdir())), names)

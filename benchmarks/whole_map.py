"""Time the whole job, from the survey's file to the report, in a process of its own.

    python benchmarks/whole_map.py [setting=value ...]

Prints wall and CPU seconds of every stage, tiles per second, and the peak memory of the process.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path


class Stopwatch:
    """A progress that times its stages."""

    def __init__(self):
        self.stages = {}

    @contextmanager
    def stage(self, title, total, unit=""):
        wall, cpu = time.perf_counter(), time.process_time()
        yield self
        self.stages[title] = (time.perf_counter() - wall, time.process_time() - cpu, total, unit)

    def advance(self, items=1):
        pass

    def say(self, sentence):
        print(sentence)


def job():
    """Run one map in this process and print what it took."""
    import skykin

    changes = json.loads(sys.argv[2])
    watch = Stopwatch()
    wall, cpu = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        skykin.map(output=Path(folder) / "map", progress=watch, **changes)
    for title, (seconds, used, total, unit) in watch.stages.items():
        rate = f"{total / seconds:8.1f} {unit}/s" if total else ""
        print(f"{title:30s} {seconds:7.1f} s wall {used:7.1f} s CPU {rate}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(
        f"{'whole job':30s} {time.perf_counter() - wall:7.1f} s wall {time.process_time() - cpu:7.1f} s CPU, "
        f"peak memory {peak:.2f} GiB, load {os.getloadavg()[0]:.1f}"
    )


def main():
    """Start the job with settings such as recipe=mean-std pixels=64."""
    changes = dict(each.split("=", 1) for each in sys.argv[1:])
    typed = {name: int(text) if text.isdigit() else text for name, text in changes.items()}
    subprocess.run([sys.executable, __file__, "--job", json.dumps(typed)], check=True)


if __name__ == "__main__":
    job() if sys.argv[1:2] == ["--job"] else main()

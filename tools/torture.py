"""Harm Skykin in every way that is known, and count what goes wrong; for Linux.

``python tools/torture.py all`` does everything at the counts of a release, which takes hours; each part is a
command of its own with its count as an option.  Every trial is decided by a seed.  Prints one line of figures
for each part, and ends with 1 if anything went wrong.  What is promised: docs/explain/reliability.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the tests, whose made-up skies and broken files are used

from torture_trials import faults, memory, mutations, soak, watching
from torture_trials.writers import writers

#: Counts of a release.
FULL = {"mutations": 100_000, "kills": 200, "disks": 50, "rounds": 50, "hours": 2.0}
SHARES = (0.6, 0.7, 0.8, 0.9, 1.0)


def main() -> int:
    """Run the parts that are named."""
    options = parsed()
    place = Path(tempfile.mkdtemp(prefix="torture-"))
    os.environ["SKYKIN_CACHE"] = str(place / "cache")
    wrong = 0
    try:
        for name in PARTS if options.part == "all" else [options.part]:
            start = time.monotonic()
            here = place / name
            here.mkdir()
            figures = PARTS[name](here, options)
            wrong += figures.pop("wrong")
            took = {"seconds": round(time.monotonic() - start)}
            print(json.dumps({"part": name, **figures, **took, "seed": options.seed}), flush=True)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    print(f"{time.strftime('%Y-%m-%d')}, {platform.machine()}, {os.cpu_count()} cores: {wrong} wrong")
    return 1 if wrong else 0


def parsed() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=["all", *PARTS])
    parser.add_argument("--mutations", type=int, default=FULL["mutations"], help="files, over all readers")
    parser.add_argument("--kills", type=int, default=FULL["kills"], help="of each job")
    parser.add_argument("--calls", type=int, help="system calls of each job; every one if left out")
    parser.add_argument("--disks", type=int, default=FULL["disks"], help="sizes of disk for each job")
    parser.add_argument("--rounds", type=int, default=FULL["rounds"], help="of four writers at once")
    parser.add_argument("--hours", type=float, default=FULL["hours"], help="of mixed work")
    parser.add_argument("--every", type=int, default=1, help="flip every n-th byte of the manifest")
    parser.add_argument("--shares", type=float, nargs="+", default=SHARES, help="of the memory needed")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def counted(name: str, trials: Iterable[str | None]) -> dict[str, int]:
    """Count trials and what went wrong, and say what."""
    found = {"trials": 0, "wrong": 0}
    for trial in trials:
        found["trials"] += 1
        if trial is not None:
            found["wrong"] += 1
            say(f"{name}: {trial}")
    return found


def each_job(place: Path, trials: Callable[[faults.Ground], Iterable[str | None]]) -> dict[str, int]:
    """Harm every job that writes."""
    figures: dict[str, int] = {"wrong": 0}
    for writer in writers(place):
        ground = faults.Ground(place, writer)
        found = counted(writer.name, trials(ground))
        figures[writer.name] = found["trials"]
        figures[f"{writer.name}_stopped"] = ground.hit
        figures["wrong"] += found["wrong"]
        say(f"{writer.name}: {found['trials']} trials, {ground.hit} stopped it, {found['wrong']} wrong")
    return figures


def say(sentence: str) -> None:
    """Tell what happens, beside the figures."""
    print(sentence, file=sys.stderr, flush=True)


def _mutations(place: Path, options: argparse.Namespace) -> dict[str, float]:
    tally = mutations.mutate(place, options.mutations, options.seed, say)
    for each in (*tally.crashes, *tally.hangs, *(f"{text}: {n} times" for text, n in tally.warnings.items())):
        say(each)
    return {
        "files": tally.files, "read": tally.read, "refused": sum(tally.refused.values()),
        "crashes_of_readers": tally.refused["IN-PARSER-CRASH"], "parent_crashes": len(tally.crashes),
        "hangs": len(tally.hangs), "tracebacks": len(tally.tracebacks),
        "warnings": tally.warnings.total(), "slowest_s": tally.slowest_s,
        "wrong": len(tally.crashes) + len(tally.hangs) + len(tally.tracebacks),
    }  # fmt: skip


def _kills(place: Path, options: argparse.Namespace) -> dict[str, int]:
    return each_job(place, lambda ground: faults.kills(ground, options.kills, options.seed))


def _calls(place: Path, options: argparse.Namespace) -> dict[str, int]:
    if shutil.which("strace") is None:
        say("calls: left out, strace is not installed")
        return {"wrong": 0}

    def trials(ground: faults.Ground) -> Iterable[str | None]:
        for error in (None, *faults.ERRORS):
            yield from faults.at_calls(ground, error, options.calls)

    return each_job(place, trials)


def _disks(place: Path, options: argparse.Namespace) -> dict[str, int]:
    if os.geteuid() != 0:
        say("disks: left out, only an administrator mounts small disks")
        return {"wrong": 0}
    return each_job(place, lambda ground: faults.full_disks(ground, options.disks))


def _writers(place: Path, options: argparse.Namespace) -> dict[str, int]:
    return each_job(place, lambda ground: faults.several(ground, 4, options.rounds))


def _flips(place: Path, options: argparse.Namespace) -> dict[str, int]:
    index = writers(place)[0]
    return counted("flips", faults.flips(faults.Ground(place, index), options.seed, options.every))


def _memory(place: Path, options: argparse.Namespace) -> dict[str, int]:
    figures = {"wrong": 0}
    for task in memory.tasks():
        ground = memory.Place(place, task)
        trials = list(memory.little_memory(ground, options.shares))
        figures[f"{task.name}_mib"] = ground.need_bytes >> 20
        figures[f"{task.name}"] = len(trials)
        for how in ("done", "refused", "killed"):
            figures[f"{task.name}_{how}"] = sum(ended == how for _, ended in trials)
        figures["wrong"] += counted(task.name, (wrong for wrong, _ in trials))["wrong"]
    return figures


def _soak(place: Path, options: argparse.Namespace) -> dict[str, float]:
    figures = soak.growth(soak.soak(place, 3600 * options.hours, options.seed, say))
    grown = figures["mib_per_hour"] > 0.05 * figures["memory_mib"] and options.hours >= 1
    return figures | {"wrong": int(grown or figures["descriptors_more"] > 0 or figures["temporary_more"] > 0)}


def _watch(place: Path, options: argparse.Namespace) -> dict[str, int]:
    return watching.watched(place, options.kills, options.seed, say)


PARTS: dict[str, Callable[[Path, argparse.Namespace], dict]] = {
    "mutations": _mutations, "kills": _kills, "calls": _calls, "disks": _disks, "writers": _writers,
    "flips": _flips, "memory": _memory, "soak": _soak, "watch": _watch,
}  # fmt: skip

if __name__ == "__main__":
    raise SystemExit(main())

"""A watcher killed at random moments while plates arrive: what it announces, each once, as without kills."""

from __future__ import annotations

import json
import os
import random
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from unittest import mock

import onnxruntime  # noqa: F401 - what children need is loaded once
from tests.arriving import RINGS, write_plate

import skykin
from skykin.jobs import streamed, watch
from torture_trials.forked import DONE, child

SETTINGS = {
    "area": "70,125,-6,6", "tile_size": 3, "spacing": 1.5, "pixels": 32, "recipe": "mean-std", "jobs": 1,
}  # fmt: skip
FIRST, LATER = (78, 86), (94, 102, 110, 118)
#: What of a notice is the same in two runs: all but when it was found.
INDEX, PLATES, FILE, TOLD = "p.skykin", "plates", "alerts.jsonl", "told.jsonl"


def watched(place: Path, kills: int, seed: int, say: Callable[[str], object]) -> dict[str, int]:
    """Let plates arrive without a kill, and again while the watcher is killed so often; compare the two."""
    begun = place / "begun"
    _in_child(lambda: _begin(begun))
    calm, disturbed = (Path(shutil.copytree(begun, place / name)) for name in ("calm", "disturbed"))
    arrivals = [(lon_deg, 0) for lon_deg in LATER]
    took = max(_in_child(lambda: _watch(calm)), *(_arrives(calm, each) for each in arrivals))
    _in_child(lambda: _watch(disturbed))
    chance, done, wrong, number = random.Random(seed), 0, 0, 0
    while done < kills or number < len(arrivals):
        if number == len(arrivals):  # another version of a plate
            arrivals.append((LATER[number % len(LATER)], number // len(LATER)))
            _arrives(calm, arrivals[-1])
        _arrive(disturbed, *arrivals[number])
        number += 1
        for _ in range(min(-(-kills // len(LATER)), kills - done)):
            # At any moment; half of them late, when targets are found and announced.
            after = took * chance.choice((chance.uniform(0, 1.05), chance.uniform(0.6, 1.0)))
            status = child(lambda: _watch(disturbed)).killed_after(after)
            if status == DONE:
                break
            if status is not None:
                say(f"watch: it ended with {status}")
                wrong += 1
            done += status is None
        _in_child(lambda: _watch(disturbed))
    time.sleep(0.5)  # what a killed watcher called may still be writing
    found = list(_differences(disturbed, calm))
    for sentence in found:
        say(f"watch: {sentence}")
    told = _lines(disturbed / TOLD)
    return {
        "kills": done, "arrivals": len(arrivals), "targets": len(_lines(calm / FILE)),
        "told_again": len(told) - len({each["identifier"] for each in told}), "wrong": wrong + len(found),
    }  # fmt: skip


def _begin(place: Path) -> None:
    (place / PLATES).mkdir(parents=True)
    os.chdir(place)
    for lon_deg in FIRST:
        write_plate(Path(PLATES) / f"{lon_deg}.fits", lon_deg)
    with mock.patch.object(streamed, "STANDARD_TILES_IN_CONTEXT", 12):
        skykin.index(PLATES, INDEX, **SETTINGS)
    for name, ring in (("rings", RINGS[0]), ("others", RINGS[1])):
        skykin.queries(INDEX, name, reference=f"{ring[0]},{ring[1]}", threshold=0.6)


def _arrive(place: Path, lon_deg: int, version: int) -> None:
    """Write a plate, or another version of it, in which the rings lie a little elsewhere."""
    write_plate(place / PLATES / f"{lon_deg}.fits", lon_deg, moved_deg=4.0 * version)


def _arrives(place: Path, plate: tuple[int, int]) -> float:
    """Write a plate and take it in, undisturbed; how long that took, seconds."""
    _arrive(place, *plate)
    return _in_child(lambda: _watch(place))


def _watch(place: Path) -> None:
    os.chdir(place)
    # Slow enough that many a kill comes between telling and marking.
    call = ["sh", "-c", 'cat >> "$0"; sleep 0.3', TOLD]
    watch.watch(PLATES, INDEX, once=True, jobs=1, to=FILE, call=call)


def _in_child(work: Callable[[], object]) -> float:
    """Do work in a process of its own, as this one never runs the network; how long it took, seconds."""
    start = time.monotonic()
    status = child(work).ended(300)
    if status != DONE:
        raise AssertionError(f"undisturbed work ended with {status}")
    return time.monotonic() - start


def _differences(disturbed: Path, calm: Path) -> Iterable[str]:
    notices = [_plain(each) for each in _lines(disturbed / FILE)]
    wanted = [_plain(each) for each in _lines(calm / FILE)]
    if not wanted:
        yield "nothing was announced at all"
    for identifier, count in Counter(each["identifier"] for each in notices).items():
        if count > 1:
            yield f"{identifier} is {count} times in the file"
    if sorted(map(str, notices)) != sorted(map(str, wanted)):
        missing = {each["identifier"] for each in wanted} - {each["identifier"] for each in notices}
        more = {each["identifier"] for each in notices} - {each["identifier"] for each in wanted}
        yield f"missing {sorted(missing)}, more than wanted {sorted(more)}, or other numbers"
    told = {each["identifier"] for each in _lines(disturbed / TOLD)}
    if told != {each["identifier"] for each in wanted}:
        yield f"the command was told of {len(told)} targets, not of {len(wanted)}"
    listed = skykin.queries(disturbed / INDEX)
    if listed["waiting"].sum() or listed["announced"].sum() != len(wanted):
        yield f"the journal has {listed['announced'].sum()} announced, {listed['waiting'].sum()} waiting"
    index = skykin.open_index(disturbed / INDEX)
    index.verify()
    if index.manifest.shards != skykin.open_index(calm / INDEX).manifest.shards:
        yield "the index is another one"


def _plain(notice: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in notice.items() if name != "time"}


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

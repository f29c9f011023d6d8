"""Measure an index that the workers of a Dask cluster make (extra `cluster`).

    python benchmarks/cluster.py PART... --folder DIR [--small] [--json docs/results/cluster.json]

Parts, each of which adds to the JSON file:

  kills       a made-up HiPS of the whole sky, 640 000 tiles, by three processes: undisturbed, and again
              while one of them is killed every 15 seconds; all shards are compared by hash
  scheduler   the scheduler is killed while facets are measured; the same command is run again
  scaling     some facets by one worker, twice as many by two; and what Dask adds to the time of the facets
  memory      the largest memory of a driver of 10³, 10⁴, 10⁵ and 10⁶ facets whose work is made up
  throughput  tasks per second of Dask's scheduler, for 1, 10 and 100 workers that do nothing
  model       10⁹ tiles on 1 000 workers, from the numbers of the other parts

The HiPS is kept in DIR; --small makes a 64th of it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import ClassVar

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # before NumPy is loaded, here and by all workers

import numpy as np
from astropy.io import fits
from astropy_healpix import HEALPix
from distributed import Client, LocalCluster

from skykin.core.progress import SILENT
from skykin.core.settings import MapSettings
from skykin.core.sphere import SPHERE_DEG2
from skykin.indexing.builder import Job, Measured
from skykin.indexing.manifest import Committed, ManifestWriter, Step, read_manifest
from skykin.indexing.shards import Shard
from skykin.indexing.stored import facet_name, facet_plan
from skykin.jobs import facet_tasks
from skykin.jobs.facet_tasks import Elsewhere
from skykin.jobs.index import index_as
from skykin.scale.cluster import Answer, Cluster, Done, Groups
from skykin.style.network.choice import context_network
from skykin.style.recipe import recipe
from skykin.tiling.facets import DividedTiles, Division

WORKERS, KILL_SECONDS = 3, 15.0
#: Seconds that a made-up facet claims to take, so that groups are as large as they would be.
CLAIMED = 0.01
RECIPE = "core-contrast"


# A made-up sky


def write_hips(folder: Path, order: int, width: int = 512) -> None:
    """Write waves of all sizes and directions, with noise, as FITS tiles of two bytes."""
    grid, random_numbers = HEALPix(2**order, order="nested"), np.random.default_rng(1)
    waves = random_numbers.normal(size=(12, 3)) * np.geomspace(8, 800, 12)[:, None]
    (folder / f"Norder{order}" / "Dir0").mkdir(parents=True)
    step = (np.arange(width) + 0.5) / width
    x, y = (axis.ravel() for axis in np.meshgrid(step, step, indexing="ij"))
    for number in range(grid.npix):
        lon, lat = grid.healpix_to_lonlat(np.full(x.size, number), x, y)
        along, up = lon.rad.astype(np.float32), lat.rad.astype(np.float32)
        place = np.stack([np.cos(up) * np.cos(along), np.cos(up) * np.sin(along), np.sin(up)])
        values = sum(np.sin(wave @ place) / (1 + k) for k, wave in enumerate(waves.astype(np.float32)))
        values = 3000 + 600 * values + random_numbers.normal(0, 100, x.size)
        picture = np.clip(values, 0, 32767).astype(np.int16).reshape(width, width)[::-1]
        fits.PrimaryHDU(picture).writeto(folder / f"Norder{order}" / "Dir0" / f"Npix{number}.fits")
    (folder / "properties").write_text(
        f"hips_frame = galactic\nhips_order = {order}\nhips_order_min = {order}\nhips_tile_width = {width}\n"
        "hips_tile_format = fits\nobs_title = Waves and noise\n"
    )


def hips(folder: Path, small: bool) -> Path:
    """Give the made-up HiPS, written at first use."""
    order = 0 if small else 2
    place = folder / f"waves-{order}"
    if not (place / "properties").exists():
        shutil.rmtree(place, ignore_errors=True)
        write_hips(place, order)
    return place


def settings_of(place: Path, small: bool) -> MapSettings:
    """Tiles of 64 pixels, 8 apart."""
    tile_deg = 16.0 if small else 2.0
    return MapSettings(
        survey=str(place), tile_size=tile_deg, spacing=tile_deg / 8, pixels=64, recipe=RECIPE, jobs=1
    )


# How work is watched


class Watch:
    """A progress that times its stages and prints what is said."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.counted: dict[str, int] = {}

    @contextmanager
    def stage(self, title, total, unit=""):
        began, self.title = time.perf_counter(), title
        self.counted[title] = 0
        yield self
        self.seconds[title] = time.perf_counter() - began

    def advance(self, items=1):
        self.counted[self.title] += items

    def say(self, sentence):
        print("  said:", sentence, flush=True)


class WatchedGroups(Groups):
    """Groups that are found again afterwards."""

    every: ClassVar[list[Groups]] = []

    def run(self, items, progress=SILENT):
        self.every.append(self)
        return super().run(items, progress)


facet_tasks.Groups = WatchedGroups


def hashes(folder: Path) -> str:
    """One hash of the names and hashes of all shards, each of which is read."""
    lines = []
    for name, shard in sorted(read_manifest(folder).shards.items()):
        digest = hashlib.sha256((folder / "shards" / shard.file).read_bytes()).hexdigest()
        assert digest == shard.sha256, name
        lines.append(f"{name} {digest}")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@contextmanager
def local(workers: int) -> Iterator[Client]:
    """Start processes on this computer, as the engine does, and wait until all are ready."""
    with Cluster(workers=workers).connected() as client:
        client.wait_for_workers(workers)
        client.run(__import__, "skykin.jobs.facet_tasks")
        yield client


def indexed(settings, folder, client, watch, facets=None):
    """Make an index by a cluster, of some facets only if they are given; give facets, tiles and times."""
    shutil.rmtree(folder, ignore_errors=True)

    def elsewhere(job: Job, own: MapSettings) -> Job:
        measure = Elsewhere(folder, own, dict(job.facts), Cluster(client=client), watch)
        return replace(job, elsewhere=measure, facets=job.facets if facets is None else facets)

    began = time.perf_counter()
    index_as(settings, folder, progress=watch, elsewhere=elsewhere)
    whole, groups = time.perf_counter() - began, WatchedGroups.every[-1]
    steps = [step for step in read_manifest(folder).steps if step.name.startswith("facet-")]
    return {
        "facets": len(steps),
        "tiles": sum(step.result["tiles"] for step in steps),
        "seconds": whole,
        "facet_seconds": watch.seconds["Style of every facet"],
        "busy_seconds": groups.seconds,
        "tasks": groups.tasks,
        "failed_tries": sum(groups.causes.values()),
    }


# Parts


def kills(folder: Path, small: bool) -> dict:
    """Make an index undisturbed, and again while workers are killed."""
    settings = settings_of(hips(folder, small), small)
    with local(WORKERS) as client:
        plain = indexed(settings, folder / "plain.skykin", client, Watch())
    print("undisturbed", plain, flush=True)
    first = hashes(folder / "plain.skykin")
    killed, over, choice = [], threading.Event(), random.Random(1)

    def kill(client: Client) -> None:
        while not over.wait(KILL_SECONDS):
            pids = list(client.run(os.getpid, on_error="ignore").values())
            pids = [pid for pid in pids if isinstance(pid, int)]
            if pids:
                killed.append(choice.choice(pids))
                os.kill(killed[-1], signal.SIGKILL)

    with local(WORKERS) as client:
        killer = threading.Thread(target=kill, args=(client,), daemon=True)
        killer.start()
        disturbed = indexed(settings, folder / "killed.skykin", client, Watch())
        over.set()
        killer.join()
    print("one killed every 15 s", disturbed, flush=True)
    size = read_manifest(folder / "plain.skykin")
    return {
        "workers": WORKERS,
        "recipe": RECIPE,
        "undisturbed": plain,
        "killed": disturbed,
        "kills": len(killed),
        "ratio": disturbed["seconds"] / plain["seconds"],
        "shards": len(size.shards),
        "megabytes": size.size / 1e6,
        "equal": first == hashes(folder / "killed.skykin"),
    }


def scheduler(folder: Path, small: bool) -> dict:
    """Kill the scheduler, and run the command again."""
    settings = settings_of(hips(folder, small), small)
    area = "0,180,-90,0" if small else "0,90,-40,40"
    command = [sys.executable, "-m", "skykin", "index", settings.survey, "--recipe", RECIPE, "--area", area,
               "--tile-size", str(settings.tile_size_deg), "--spacing", str(settings.spacing_deg),
               "--pixels", "64", "--jobs", "1"]  # fmt: skip
    for name in ("one.skykin", "two.skykin"):
        shutil.rmtree(folder / name, ignore_errors=True)
    subprocess.run([*command, "-o", folder / "one.skykin", "--quiet"], check=True)
    told, began = [], time.perf_counter()
    for attempt in range(2):
        place = folder / f"scheduler-{attempt}.json"
        place.unlink(missing_ok=True)
        dask = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0",
                "--no-dashboard", "--scheduler-file", place]  # fmt: skip
        server = subprocess.Popen(dask, stderr=subprocess.DEVNULL)
        while not place.exists() or not place.read_text():
            time.sleep(0.1)
        address = json.loads(place.read_text())["address"]
        worker = [
            sys.executable,
            "-m",
            "distributed.cli.dask_worker",
            address,
            "--nthreads",
            "1",
            "--no-dashboard",
        ]
        helpers = [subprocess.Popen(worker, stderr=subprocess.DEVNULL) for _ in range(2)]
        by_cluster = [*command, "-o", folder / "two.skykin", "--engine", "dask", "--scheduler", address]
        run = subprocess.Popen(by_cluster, stderr=subprocess.PIPE, text=True)
        if attempt == 0:
            while run.poll() is None and done_in(folder / "two.skykin") < (2 if small else 5):
                time.sleep(0.2)
            server.kill()
        _, text = run.communicate()
        told.append({"exit_code": run.returncode, "facets_done": done_in(folder / "two.skykin"),
                     "sentence": " ".join(text.split())[-300:] if run.returncode else ""})  # fmt: skip
        for each in (server, *helpers):
            each.kill()
            each.wait()
    return {
        "first": told[0],
        "second": told[1],
        "seconds": time.perf_counter() - began,
        "equal": hashes(folder / "one.skykin") == hashes(folder / "two.skykin"),
    }


def done_in(folder: Path) -> int:
    """Facets that are committed so far."""
    try:
        steps = read_manifest(folder).steps
    except Exception:  # not there yet
        return 0
    return sum(step.name.startswith("facet-") and step.result is not None for step in steps)


def scaling(folder: Path, small: bool) -> dict:
    """Measure some facets of one size by one worker, and twice as many by two."""
    settings = settings_of(hips(folder, small), small)
    division = Division(settings.tile_size_deg, settings.spacing_deg, 64, step=8)
    band = [facet for facet in division if facet.lat_deg == 0]
    half = band[: len(band) // 2]
    found = {}
    for workers, some in ((1, half), (2, band[: 2 * len(half)])):
        with local(workers) as client:
            found[str(workers)] = indexed(
                settings, folder / f"scaling-{workers}.skykin", client, Watch(), some
            )
        own = found[str(workers)]
        own["overhead"] = (own["facet_seconds"] * workers - own["busy_seconds"]) / own["busy_seconds"]
        own["task_seconds"] = own["busy_seconds"] / own["tasks"]
        print(workers, own, flush=True)
    rate = {number: own["tiles"] / own["facet_seconds"] for number, own in found.items()}
    return {"one": found["1"], "two": found["2"], "ratio": rate["2"] / rate["1"]}


def made_up(facets):
    """Give what a worker would answer of facets, without the work."""
    done = []
    for name, _ in facets:
        shards = tuple(
            Shard(f"{kind}-{name}", f"{kind}-{name}-{'0' * 16}.npy", "0" * 64, (9, 9), "<f4", 452)
            for kind in ("cells", "moments", "tiles")
        )
        result = {"picture_sha256": "0" * 64, "tiles": 7000}
        done.append(Done(name, Measured(name, result, shards)))
    return Answer(tuple(done), CLAIMED * len(done))


def driven(number: int, folder: Path) -> dict:
    """Drive so many made-up facets: plan, hand out, commit; give times and the largest memory."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)

    def planned():
        yield Step("scale", {})
        # 25 facets to a square degree: not all of them are reached.
        for place, facet in enumerate(Division(0.0032, 0.0032, 64, step=8)):
            if place == number:
                return
            plan = facet_plan(facet)
            yield Step(f"facet-{facet_name(plan)}", plan)

    writer = ManifestWriter(folder)
    began = time.perf_counter()
    writer.plan(planned())
    writer.commit(Committed("scale", {"tiles": 128}, []))
    middle = time.perf_counter()
    commits, committing = 0, 0.0
    with Cluster(workers=2).connected() as client:
        left = ((step.name, step.plan) for step in writer.steps("facet-*", done=False))
        for group in Groups(client, made_up).run(left):
            before = time.perf_counter()
            writer.commit(
                *(Committed(each.value.name, each.value.result, each.value.shards) for each in group)
            )
            committing += time.perf_counter() - before
            commits += 1
    end = time.perf_counter()
    assert writer.count(done=False) == 0
    writer.close()
    (line,) = (
        text for text in Path("/proc/self/status").read_text().splitlines() if text.startswith("VmHWM")
    )
    return {
        "facets": number,
        "peak_mib": int(line.split()[1]) / 1024,
        "plan_seconds": middle - began,
        "hand_out_seconds": end - middle,
        "commits": commits,
        "commit_milliseconds": 1e3 * committing / commits,
        "manifest_mib": (folder / "manifest.sqlite").stat().st_size / 2**20,
    }


def memory(folder: Path, small: bool) -> dict:
    """Drive more and more facets, each number in a process of its own."""
    found = {}
    for power in (3, 4, 5) if small else (3, 4, 5, 6):
        command = [sys.executable, __file__, "--drive", str(10**power), "--folder", folder]
        ran = subprocess.run(command, check=True, capture_output=True, text=True)
        found[f"1e{power}"] = json.loads(ran.stdout.splitlines()[-1])
        print(found[f"1e{power}"], flush=True)
    shutil.rmtree(folder / "driven", ignore_errors=True)
    return found


def nothing(items):
    """Answer as if each item were a task of its own."""
    return Answer(tuple(Done(name, None) for name, _ in items), 1.0 * len(items))


def throughput(folder: Path, small: bool) -> dict:
    """Hand tasks out that do nothing, by the same code as an index."""
    found = {}
    for workers in (1, 10, 100):
        with (
            LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=False,
                memory_limit=0,  # of the one process that all of them are
                dashboard_address=None,
            ) as own,
            Client(own) as client,
        ):
            number, began = 20 * workers + 1000, time.perf_counter()
            for _ in Groups(client, nothing, task_seconds=1.0).run((str(i), None) for i in range(number)):
                pass
            seconds = time.perf_counter() - began
        found[str(workers)] = {"tasks": number, "per_second": number / seconds}
        print(workers, found[str(workers)], flush=True)
    return found


def model(folder: Path, small: bool, known: dict) -> dict:
    """Tell what 10⁹ tiles on 1 000 workers would take; docs/explain/cluster-model.md says how."""
    workers, plain, two = 1000, known["kills"]["undisturbed"], known["scaling"]["two"]
    halo, measured = context_network(recipe(RECIPE).layers).halo, settings_of(folder, small=False)

    def pixels(facets) -> float:
        shapes = np.array([facet.shape for facet in facets], np.float64)
        return float((shapes + 2 * halo).prod(axis=1).sum())

    # The same tiles, 64 pixels and 8 apart, so fine that there are so many; facets are as large as may be.
    tile_deg = 8 * (SPHERE_DEG2 / 1e9) ** 0.5
    division = Division(tile_deg, tile_deg / 8, 64, step=8)
    began = time.perf_counter()
    tiles = len(DividedTiles(division))
    counting, facets = time.perf_counter() - began, sum(1 for _ in division)
    shutil.rmtree(folder / "planned", ignore_errors=True)
    (folder / "planned").mkdir(parents=True)
    began, writer = time.perf_counter(), ManifestWriter(folder / "planned")
    writer.plan(Step(f"facet-{facet_name(plan)}", plan) for plan in map(facet_plan, division))
    planning = time.perf_counter() - began
    committing = single_commits(writer, 200)
    writer.close()
    band = [facet for facet in Division(measured.tile_size_deg, measured.spacing_deg, 64, step=8)
            if facet.lat_deg == 0][: two["facets"]]  # fmt: skip
    core = two["busy_seconds"] * pixels(division) / pixels(band)
    each = core / facets
    tasks = facets / max(1, np.ceil(5 / each))
    driving = tasks * (1 / known["throughput"]["100"]["per_second"] + committing)
    return {
        "workers": workers,
        "tiles": tiles,
        "facets": facets,
        "seconds_per_facet": each,
        "megapixels_per_core_second": pixels(band) / two["busy_seconds"] / 1e6,
        "core_hours": core / 3600,
        "tasks": float(tasks),
        "plan_seconds": counting + planning,
        "commit_milliseconds": committing * 1e3,
        "compute_seconds": core / workers,
        "driver_seconds": float(driving),
        "driver_share": float(driving * workers / core),
        "tail_seconds": each,
        "minutes": (counting + planning + max(core / workers, float(driving)) + each) / 60,
        "most_workers": float(core / driving),
        "terabytes": known["kills"]["megabytes"] / plain["tiles"] * tiles / 1e6,
    }


def single_commits(writer: ManifestWriter, number: int) -> float:
    """Commit so many facets one by one, and give the seconds of one."""
    steps = writer.steps("facet-*", done=False)
    some = [(step.name, step.plan) for step, _ in zip(steps, range(number), strict=False)]
    answers, began = made_up(some), time.perf_counter()
    for each in answers.done:
        writer.commit(Committed(each.value.name, each.value.result, each.value.shards))
    return (time.perf_counter() - began) / number


PARTS = {part.__name__: part for part in (kills, scheduler, scaling, memory, throughput)}


def processor() -> str:
    """Name of the processor."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next(
        (line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine()
    )


def main() -> None:
    """Run the parts."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", choices=[*PARTS, "model", []])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--drive", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("SKYKIN_CACHE", str(given.folder / "cache"))
    if given.drive is not None:
        print(json.dumps(driven(given.drive, given.folder / "driven")))
        return
    known = json.loads(given.json.read_text(encoding="utf-8")) if given.json and given.json.exists() else {}
    for part in given.parts:
        began = time.perf_counter()
        own = (
            model(given.folder, given.small, known)
            if part == "model"
            else PARTS[part](given.folder, given.small)
        )
        known[part] = own | {
            "date": date.today().isoformat(),
            "cores": os.cpu_count(),
            "processor": processor(),
        }
        print(part, f"{time.perf_counter() - began:.0f} s", json.dumps(own, indent=1), flush=True)
        if given.json:
            given.json.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

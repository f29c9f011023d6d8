"""Measure a heat map of an index of very many tiles: largest memory, and time.

    python benchmarks/heat_map.py sky.skykin --folder DIR [--tiles 10000000] [--search] [--result FILE]

SKY.SKYKIN is an index of a real survey by the recipe core-contrast (`skykin index wham -o sky.skykin`).  An
index of the whole sky with so many tiles is written into a temporary folder in DIR: 650 bytes a tile.  Where
its tiles and cells lie is as in a real one; what they hold is drawn from the tiles and cells of SKY.SKYKIN,
so that the scores mean nothing.  It is asked in a process of its own, whose largest memory is measured; with
--search it is searched as well, in another.  One thread, one view of the reference.

Printed, as lines of JSON: the index, then each answer.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # before NumPy is loaded

import numpy as np
from index import keep, load, peak_gib, timed

import skykin
from skykin.indexing.layout import CELL, SHARDS, tile_record
from skykin.indexing.manifest import Committed, ManifestWriter, Step
from skykin.indexing.shards import write_shard
from skykin.indexing.stored import cell_of, facet_name, facet_plan
from skykin.tiling.facets import Division

REFERENCE = "83,2"
SPHERE_DEG2 = 41253


class Stages:
    """Keeps the seconds of each stage."""

    def __init__(self):
        self.seconds = {}

    @contextmanager
    def stage(self, title, total, unit=""):
        """Time a stage."""
        began = time.perf_counter()
        yield self
        self.seconds[title] = time.perf_counter() - began

    def advance(self, items=1):
        """Count nothing."""

    def say(self, sentence):
        """Say nothing."""


def records(index, part, cell, random):
    """Give the tiles of a facet and its cells, with what real ones have."""
    lon, lat = (values[part.own] for values in part.centers())
    tiles = np.zeros(int(part.own.sum()), tile_record(index.layers))
    tiles["row"], tiles["column"] = np.nonzero(part.own)
    tiles["lon"], tiles["lat"] = lon, lat
    tiles["width"] = tiles["height"] = np.degrees(part.pixel) * part.tile
    tiles["coverage"], tiles["area"] = 1, part.share
    tiles["brightness"] = tiles["mean_intensity"] = random.uniform(0.1, 1, len(tiles))
    norms = np.stack([index.norms(layer) for layer in index.layers], axis=1)
    tiles["norms"] = norms[random.integers(len(norms), size=len(tiles))]
    rows, columns = (length // cell for length in part.shape)
    places = np.indices((rows, columns)).reshape(2, -1)
    cells = np.zeros(rows * columns, CELL)
    cells["row"], cells["column"] = places
    cells["lon"], cells["lat"] = part.square_centers(cell, cell, *places)
    cells["coverage"], cells["highest"] = 1, 1
    cells["own"] = part.home.contains(cells["lon"], cells["lat"])
    return tiles, cells


def write(index, folder, total):
    """Write an index of so many tiles, in the geometry of a real one, smaller."""
    known = np.concatenate([np.asarray(facet.moments) for facet in index._facets])
    spacing_deg = np.sqrt(SPHERE_DEG2 / total)
    tile_deg = index.tile_deg * spacing_deg / index.spacing_deg
    random, old = np.random.default_rng(1), index.manifest
    (folder / SHARDS).mkdir(parents=True)
    writer = ManifestWriter(folder)
    grid = {**old.facts["grid"], "tile_size_deg": tile_deg, "spacing_deg": spacing_deg}
    writer.describe({**old.facts, "grid": grid, "area": None})
    parts = Division(tile_deg, spacing_deg, index.pixels, step=index.recipe.step)
    plans = [facet_plan(part) for part in parts]
    names = [f"facet-{facet_name(plan)}" for plan in plans]
    facets = [Step(name, plan) for name, plan in zip(names, plans, strict=True)]
    writer.plan([Step("scale", {}), *facets, Step("basis", {})])
    for step in ("scale", "basis"):
        shards = [shard for shard in old.shards.values() if shard.name.startswith(f"{step}-")]
        for shard in shards:
            (folder / SHARDS / shard.file).write_bytes((index.path / SHARDS / shard.file).read_bytes())
        writer.commit(Committed(step, {"tiles": 128}, shards))
    for part, plan, name in zip(parts, plans, names, strict=True):
        tiles, cells = records(index, part, cell_of(plan, index.recipe), random)
        moments = known[random.integers(len(known), size=len(cells))]
        what = (("cells", cells), ("moments", moments), ("tiles", tiles))
        shards = [write_shard(folder / SHARDS, f"{kind}-{name}", array) for kind, array in what]
        writer.commit(Committed(name, {"tiles": len(tiles), "picture_sha256": ""}, shards))
    writer.close()


def ask(path, what):
    """Ask twice, the first time with the check of every file that is read."""
    work, told = {"heat_map": skykin.heat_map, "search": skykin.search}[what], {}
    index = skykin.open_index(path)
    for name in ("first", "again"):
        stages = Stages()
        how = {"width": 3 * index.tile_deg, "turns": 1, "scales": 1, "jobs": 1, "progress": stages}
        cpu, wall = timed(lambda how=how: work(index, REFERENCE, **how))
        told |= {f"{name}_cpu_s": cpu, f"{name}_wall_s": wall}
        told |= {f"{name}_{title.split()[0].lower()}_s": spent for title, spent in stages.seconds.items()}
    print(json.dumps(told | {"peak_gib": peak_gib(), "load": load()}))


def main():
    """Write, ask, remove."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("index")
    parser.add_argument("--tiles", type=int, default=10_000_000)
    parser.add_argument("--folder", help="where the large index is written for a while")
    parser.add_argument("--search", action="store_true", help="search it as well")
    parser.add_argument("--result", help="file of results (JSON) that the numbers are put into")
    parser.add_argument("--ask", help=argparse.SUPPRESS)
    choice = parser.parse_args()
    if choice.ask:
        ask(choice.index, choice.ask)
        return
    with tempfile.TemporaryDirectory(dir=choice.folder) as place:
        path = Path(place) / "large.skykin"
        _, wall = timed(lambda: write(skykin.open_index(choice.index), path, choice.tiles))
        made = skykin.open_index(path)
        told = {"tiles": len(made), "facets": len(made.counts), "bytes": made.manifest.size, "write_s": wall}
        print(json.dumps(told), flush=True)
        for what in ("heat_map", *(["search"] if choice.search else [])):
            command = [sys.executable, __file__, str(path), "--ask", what]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            told[what] = json.loads(done.stdout)
            print(json.dumps({what: told[what]}), flush=True)
    keep(choice.result, f"heat-map-{choice.tiles}", told)


if __name__ == "__main__":
    main()

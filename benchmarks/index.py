"""Measure a query: over a million tiles, by the approximate index, and over an index of 10 GB.

    python benchmarks/index.py wham.skykin [--tiles 1000000] [--noise 0.3] [--gigabytes 10] [--folder DIR]

WHAM.SKYKIN is an index of a real survey (`skykin index wham --recipe mean-std -o wham.skykin`).  Its
projections are repeated with noise: to each is added the difference of two others, of NOISE times its length,
so that tiles differ as tiles of the survey do.  One thread everywhere.

1. One query over all rows.  "read" adds up the same memory as 64-bit integers.  The sides take turns within
   one run; ratios are taken round by round.
2. The approximate index of the same rows (extra `approximate`): recall of the true 10 best and time per
   query, of tiles made like the others but not in the index.
3. An index of so many gigabytes is written to a temporary folder (in DIR), and asked in processes of their
   own, whose peak memory is measured.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # before NumPy is loaded

import numpy as np

import skykin
from skykin.core.progress import SilentProgress
from skykin.indexing import dots
from skykin.indexing.answers import Style
from skykin.indexing.dots import product
from skykin.indexing.layout import CELL, SHARDS, tile_record
from skykin.indexing.manifest import Committed, ManifestWriter, Step
from skykin.indexing.query.lists import CANDIDATES, made
from skykin.indexing.query.neighbours import all_rows
from skykin.indexing.shards import write_shard
from skykin.indexing.stored import facet_name, facet_plan
from skykin.indexing.vectors import cosines_of
from skykin.style.network.halves import widened
from skykin.tiling.facets import facets

QUERIES, BEST = 200, 10
BOUND_RATIO, BOUND_MS, BOUND_RECALL, BOUND_GIB = 1.3, 1.0, 0.99, 1.5
AT_ONCE = 20_000


class Alike:
    """Makes tiles like those of an index."""

    def __init__(self, rows, noise, seed):
        self.rows, self.noise, self.random = rows, noise, np.random.default_rng(seed)

    def __call__(self, count):
        chosen, one, step = (self.random.integers(len(self.rows), size=count) for _ in range(3))
        other = self.rows[(one + 1 + step % (len(self.rows) - 1)) % len(self.rows)]
        difference = self.rows[one] - other
        lengths = np.linalg.norm(self.rows[chosen], axis=1) / np.linalg.norm(difference, axis=1)
        return (self.rows[chosen] + self.noise * lengths[:, None] * difference).astype(np.float16)


def timed(work):
    """CPU and wall seconds."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - wall


def peak_gib():
    """Largest resident memory of this process; `ru_maxrss` would count its parent's, too."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (text for text in status.read_text().splitlines() if text.startswith("VmHWM"))
        return int(line.split()[1]) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2 ** (30 if sys.platform == "darwin" else 20)


def load():
    """Tell how busy the machine is."""
    return f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "load unknown"


def keep(file, name, numbers):
    """Put numbers under a name into a file of results (JSON)."""
    if file is None:
        return
    path = Path(file)
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    known[name] = known.get(name, {}) | numbers
    text = json.dumps(known, indent=1, sort_keys=True, ensure_ascii=False)
    path.write_text(f"{text}\n", encoding="utf-8")


def one_query(index, rows, query, rounds, file=None):
    """Time what reads all rows once."""
    columns = index.columns("projection")
    style = Style("projection", {layer: query[own] for layer, own in columns.items()}, {})
    words = rows.reshape(-1).view(np.uint64)
    some = rows[: len(rows) // 10]

    def by_layer():
        list(cosines_of([(slice(0, len(rows)), rows)], index.columns("projection"), (style,)))

    def together():
        product(rows, query)

    def without(work):
        def slower():
            kernel, dots._kernel = dots._kernel, lambda: None
            work()
            dots._kernel = kernel

        return slower

    def by_numpy():
        for start in range(0, len(some), 250):
            some[start : start + 250].astype(np.float32) @ query

    sides = {
        "read": words.sum,
        "score": together,
        "cosines": by_layer,
        "score_without": without(together),
        "cosines_without": without(by_layer),
        "numpy": by_numpy,  # of a tenth of the rows
    }
    spent = {name: [] for name in sides}
    for _ in range(rounds + 1):  # the first round warms up
        for name, work in sides.items():
            spent[name].append(timed(work))
    read = np.array(spent["read"][1:])
    print(
        f"1. {len(rows):,} tiles × {rows.shape[1]} numbers in half precision, {rows.nbytes / 1e9:.2f} GB, "
        f"{rounds} rounds, {load()}; read at {rows.nbytes / read[:, 1].min() / 1e9:.1f} GB/s"
    )
    kept = {"tiles": len(rows), "numbers": rows.shape[1], "bytes": rows.nbytes, "rounds": rounds}
    for name, taken in spent.items():
        own = np.array(taken[1:]) * (10 if name == "numpy" else 1)
        ratios = own / read
        least, middle = own.min(axis=0) * 1e3, np.median(own, axis=0) * 1e3
        least_ratio, middle_ratio = ratios.min(axis=0), np.median(ratios, axis=0)
        print(
            f"   {name:28s} ms: CPU min {least[0]:6.0f} median {middle[0]:6.0f}, "
            f"wall min {least[1]:6.0f} median {middle[1]:6.0f}; "
            f"ratio to read: CPU min {least_ratio[0]:5.2f} median {middle_ratio[0]:5.2f}, "
            f"wall min {least_ratio[1]:5.2f} median {middle_ratio[1]:5.2f}"
        )
        kept[f"{name}_cpu_ms"], kept[f"{name}_wall_ms"] = np.round(middle, 1).tolist()
        kept[f"{name}_cpu_ratio"], kept[f"{name}_wall_ratio"] = np.round(middle_ratio, 3).tolist()
    print(f"   aim: at most {BOUND_RATIO}")
    keep(file, f"query-{len(rows)}", kept)


def truth(rows, queries):
    """Numbers of the rows most like each query, without the approximate index."""
    best = np.full((len(queries), BEST), -np.inf, np.float32)
    numbers = np.zeros((len(queries), BEST), np.intp)
    for part, wide in widened(rows):
        scores = np.concatenate([best, queries @ wide.T], axis=1)
        places = np.broadcast_to(np.arange(part.start, part.stop), (len(queries), len(wide)))
        places = np.concatenate([numbers, places], axis=1)
        chosen = np.argpartition(-scores, BEST - 1, axis=1)[:, :BEST]
        best, numbers = (np.take_along_axis(each, chosen, axis=1) for each in (scores, places))
    return numbers


def ten_best(rows, lists, query):
    """Find candidates and compare them again by all their numbers."""
    candidates = lists.best(query[None], CANDIDATES)
    return candidates[np.argpartition(-product(rows[candidates], query), BEST)[:BEST]]


def approximate(rows, queries):
    """Build the approximate index, and compare its answers with the truth."""
    if find_spec("faiss") is None:
        print("2. left out: the extra `approximate` is not installed")
        return
    import faiss

    blocks = [rows[start : start + AT_ONCE] for start in range(0, len(rows), AT_ONCE)]
    built = []
    cpu, wall = timed(lambda: built.append(made(lambda: iter(blocks), len(rows), SilentProgress())))
    lists, true = built[0], truth(rows, queries)
    spent, hits = [], 0
    for query, best in zip(queries, true, strict=True):
        found = []
        spent.append(timed(lambda query=query, found=found: found.append(ten_best(rows, lists, query))))
        hits += np.isin(best, found[0]).sum()
    spent, recall = np.array(spent) * 1e3, hits / true.size
    inverted = faiss.downcast_index(lists.turned.index)
    print(
        f"2. approximate index: built in {cpu:.0f} s of processor ({wall:.0f} s); {inverted.nlist} lists, of "
        f"which a query reads {inverted.nprobe}; {load()}\n"
        f"   recall@{BEST} {recall:.4f} over {len(queries)} queries (aim {BOUND_RECALL}); "
        f"ms a query: CPU mean {spent[:, 0].mean():.2f}, wall median {np.median(spent[:, 1]):.2f}, "
        f"mean {spent[:, 1].mean():.2f}, largest {spent[:, 1].max():.2f} (aim {BOUND_MS})"
    )


def write_large(index, rows, folder, gigabytes):
    """Write an index of the whole sky, so fine that it has that size, from cells and tiles of a small one."""
    cells_known = np.concatenate([np.asarray(facet.moments) for facet in index._facets])
    half = rows.astype(np.float16)
    bytes_each = 2 * (cells_known.shape[1] + rows.shape[1]) + 200
    cell_deg = np.sqrt(41253 * bytes_each / (gigabytes * 1e9) * 1.1)  # some lie beyond a facet's own part
    random = np.random.default_rng(1)
    parts = facets(4 * cell_deg, cell_deg, 128)
    plans = [facet_plan(part) for part in parts]
    names = [facet_name(plan) for plan in plans]
    counts = [int(part.own.sum()) for part in parts]
    (folder / SHARDS).mkdir(parents=True)
    writer = ManifestWriter(folder)
    old = index.manifest
    grid = {**old.facts["grid"], "tile_size_deg": 4 * cell_deg, "spacing_deg": cell_deg}
    writer.describe({**old.facts, "grid": grid})
    steps = [Step("scale", {}), *(Step(f"facet-{n}", p) for n, p in zip(names, plans, strict=True))]
    writer.plan([*steps, Step("basis", {}), *(Step(f"vectors-{n}", {}) for n in names)])
    for step in ("scale", "basis"):
        shards = [shard for shard in old.shards.values() if shard.name.startswith(f"{step}-")]
        for shard in shards:
            source = index.path / SHARDS / shard.file
            (folder / SHARDS / shard.file).write_bytes(source.read_bytes())
        writer.commit(Committed(step, {"tiles": 128}, shards))
    for part, name, count in zip(parts, names, counts, strict=True):
        tiles, cells = records(index, part, random)
        chosen = random.integers(len(half), size=count)
        tiles["norms"] = np.concatenate([index.norms(layer)[:, None] for layer in index.layers], axis=1)[
            chosen
        ]
        into = folder / SHARDS
        moments = np.take(cells_known, random.integers(len(cells_known), size=len(cells)), axis=0)
        shards = [
            write_shard(into, f"{what}-facet-{name}", array)
            for what, array in (("cells", cells), ("moments", moments), ("tiles", tiles))
        ]
        writer.commit(Committed(f"facet-{name}", {"tiles": count, "picture_sha256": ""}, shards))
        shard = write_shard(into, f"projection-facet-{name}", half[chosen])
        writer.commit(Committed(f"vectors-{name}", {}, [shard]))
    writer.close()


def records(index, part, random):
    """Give the tiles of a facet, brightest at the equator, and its cells."""
    lon, lat = (values[part.own] for values in part.centers())
    tiles = np.zeros(int(part.own.sum()), tile_record(index.layers))
    tiles["row"], tiles["column"] = np.nonzero(part.own)
    tiles["lon"], tiles["lat"] = lon, lat
    tiles["width"] = tiles["height"] = np.degrees(part.pixel) * part.tile
    tiles["coverage"], tiles["area"] = 1, part.share
    tiles["brightness"] = np.exp(-np.abs(lat) / 30) * random.uniform(0.5, 1, len(tiles))
    tiles["mean_intensity"] = 10 * tiles["brightness"]
    rows, columns = (length // 32 for length in part.shape)
    places = np.indices((rows, columns)).reshape(2, -1)
    cells = np.zeros(rows * columns, CELL)
    cells["row"], cells["column"] = places
    cells["lon"], cells["lat"] = part.square_centers(32, 32, *places)
    cells["coverage"], cells["own"] = 1, part.home.contains(cells["lon"], cells["lat"])
    return tiles, cells


def large(index, rows, gigabytes, folder):
    """Ask an index of that size in processes of their own."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        path = Path(place) / "large.skykin"
        _, wall = timed(lambda: write_large(index, rows, path, gigabytes))
        opened = skykin.open_index(path)
        print(
            f"3. an index of {opened.manifest.size / 1e9:.2f} GB, {len(opened):,} tiles in "
            f"{len(opened.counts)} facets, written in {wall:.0f} s"
        )
        for what in ("nearest", "search"):
            subprocess.run([sys.executable, __file__, str(path), "--ask", what], check=True)


def ask(path, what):
    """Ask twice, the first time with the check of every file that is read; print peak memory."""
    work = {"nearest": skykin.nearest_tiles, "search": skykin.search}[what]
    index = skykin.open_index(path)
    reference = "83,2"
    seconds = [timed(lambda: work(index, reference, width=3 * index.tile_deg)) for _ in range(2)]
    (_, first), (_, again) = seconds
    print(
        f"   {work.__name__:14s} first {first:5.1f} s, again {again:5.1f} s; "
        f"peak memory {peak_gib():.2f} GiB (aim {BOUND_GIB}); {load()}"
    )


def main():
    """Run the three parts."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("index")
    parser.add_argument("--tiles", type=int, default=1_000_000)
    parser.add_argument("--noise", type=float, default=0.3)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--gigabytes", type=float, default=10, help="0 leaves the third part out")
    parser.add_argument("--recall", action=argparse.BooleanOptionalAction, default=True, help="part 2")
    parser.add_argument("--result", help="file of results (JSON) that part 1 is put into")
    parser.add_argument("--folder", help="where the large index is written for a while")
    parser.add_argument("--ask", choices=("nearest", "search"), help=argparse.SUPPRESS)
    choice = parser.parse_args()
    if choice.ask:
        ask(choice.index, choice.ask)
        return
    index = skykin.open_index(choice.index)
    real = all_rows(index)
    if choice.tiles:
        alike = Alike(real, choice.noise, 0)
        rows = np.empty((choice.tiles, real.shape[1]), np.float16)
        for start in range(0, len(rows), AT_ONCE):
            rows[start : start + AT_ONCE] = alike(min(AT_ONCE, len(rows) - start))
        queries = alike(QUERIES).astype(np.float32)
        one_query(index, rows, queries[0], choice.rounds, choice.result)
        if choice.recall:
            approximate(rows, queries)
        del rows
    if choice.gigabytes:
        large(index, real, choice.gigabytes, choice.folder)


if __name__ == "__main__":
    main()

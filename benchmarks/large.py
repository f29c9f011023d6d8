"""Measure the approximate index of very many tiles, and exact scores of all of them, shard by shard.

    python benchmarks/large.py sky.skykin --folder DIR [--tiles 100000000] [--numbers 64] [--noise 0.3]

SKY.SKYKIN is an index of a real survey (`skykin index --survey far-infrared -o sky.skykin`).  Its projections
in their leading directions, so many numbers a tile, are repeated with noise as in index.py, and written in
half precision as shards of a million tiles into a temporary folder in DIR: 12.8 GB for 10⁸ tiles of 64.

Printed, as a line of JSON after each part: time and memory of making the approximate index shard by shard;
recall of the true ten best, which are found by comparing every query with every tile; time of a query, its
candidates read from the shards and compared by all their numbers; and the time in which the scores of all
tiles are streamed for a map.  One thread everywhere.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # before NumPy is loaded

import faiss
import numpy as np
from index import Alike, keep, load, peak_gib, timed

import skykin
from skykin.core.progress import SilentProgress
from skykin.indexing.dots import product
from skykin.indexing.query import lists as kept
from skykin.indexing.query.neighbours import all_rows
from skykin.style.basis import fit_basis
from skykin.style.network.halves import widened

QUERIES, BEST, SHARD = 200, 10, 1_000_000
AT_ONCE = 50_000


def write(alike, folder, total):
    """Write shards of tiles that are like those of the survey."""
    for start in range(0, total, SHARD):
        count = min(SHARD, total - start)
        shard = np.lib.format.open_memmap(
            folder / f"{start:012d}.npy", "w+", np.float16, (count, alike.rows.shape[1])
        )
        for at in range(0, count, AT_ONCE):
            shard[at : at + AT_ONCE] = alike(min(AT_ONCE, count - at))
        shard.flush()
        del shard


def blocks(folder):
    """Map shard after shard, so that nothing stays in memory."""
    for path in sorted(folder.glob("*.npy")):
        yield np.load(path, mmap_mode="r")


def rows_of(folder, numbers):
    """Read some rows."""
    paths = sorted(folder.glob("*.npy"))
    found = []
    for path, own in ((path, numbers[numbers // SHARD == each]) for each, path in enumerate(paths)):
        if len(own):
            found.append(np.load(path, mmap_mode="r")[own % SHARD])
    return np.concatenate(found)


def ten_best(folder, lists, query):
    """Find candidates, and compare them again by all their numbers."""
    candidates = lists.best(query[None], kept.CANDIDATES)
    scores = rows_of(folder, candidates).astype(np.float32) @ query
    return candidates[np.argpartition(-scores, BEST)[:BEST]]


def truth_of(folder, queries):
    """Compare every query with every tile."""
    truth, start = kept.Truth(queries, np.full(len(queries), -1), BEST), 0
    for block in blocks(folder):
        for _, wide in widened(block):
            truth.see(wide, start)
            start += len(wide)
    return truth.numbers


def measure(folder, queries, total, told):
    """Make the approximate index and ask it."""
    built = []
    cpu, wall = timed(lambda: built.append(kept.made(lambda: blocks(folder), total, SilentProgress())))
    file = folder / "approximate.faiss"
    faiss.write_index(built[0].turned, str(file))
    told |= {
        "build_cpu_s": cpu,
        "build_wall_s": wall,
        "build_peak_gib": peak_gib(),
        "bytes": file.stat().st_size,
    }
    print(json.dumps(told), flush=True)
    del built[:]
    lists = kept.Lists(faiss.read_index(str(file), faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY))
    inverted = faiss.downcast_index(lists.turned.index)
    told |= {"lists": inverted.nlist, "read": inverted.nprobe, "candidates": lists.candidates}
    cpu, wall = timed(lambda: built.append(truth_of(folder, queries)))
    told |= {"truth_cpu_s": cpu, "truth_wall_s": wall}
    print(json.dumps(told), flush=True)
    for name in ("first", "again"):
        spent, hits = [], 0
        for query, best in zip(queries, built[0], strict=True):
            found = []
            spent.append(timed(lambda query=query, found=found: found.append(ten_best(folder, lists, query))))
            hits += np.isin(best, found[0]).sum()
        spent = np.array(spent) * 1e3
        told |= {
            "recall": hits / built[0].size,
            f"{name}_cpu_ms": np.median(spent[:, 0]),
            f"{name}_wall_ms": np.median(spent[:, 1]),
            f"{name}_largest_ms": spent[:, 1].max(),
        }
    query = queries[0]
    for name in ("stream_first", "stream_again"):
        cpu, wall = timed(lambda: [product(block, query) for block in blocks(folder)])
        told |= {f"{name}_cpu_s": cpu, f"{name}_wall_s": wall}
    print(json.dumps(told), flush=True)


def main():
    """Write, measure, remove."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("index")
    parser.add_argument("--tiles", type=int, default=100_000_000)
    parser.add_argument("--numbers", type=int, default=64)
    parser.add_argument("--noise", type=float, default=0.3)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--result", help="file of results (JSON) that the numbers are put into")
    parser.add_argument("--coded", action="store_true", help="keep codes whatever the number of tiles")
    choice = parser.parse_args()
    if choice.coded:
        kept.CODED_FROM = 0
    real = np.nan_to_num(all_rows(skykin.open_index(choice.index)))
    alike = Alike((real @ fit_basis(real, choice.numbers).T).astype(np.float32), choice.noise, 0)
    told = {"tiles": choice.tiles, "numbers": choice.numbers, "queries": QUERIES, "load": load()}
    with tempfile.TemporaryDirectory(dir=choice.folder) as place:
        folder = Path(place)
        began = time.perf_counter()
        write(alike, folder, choice.tiles)
        told["write_wall_s"] = time.perf_counter() - began
        print(json.dumps(told), flush=True)
        measure(folder, alike(QUERIES).astype(np.float32), choice.tiles, told)
    keep(choice.result, f"approximate-{choice.tiles}", told)


if __name__ == "__main__":
    main()

"""Measure the peak memory of exact maps of a memory-mapped picture, 30 000 pixels wide.

    python benchmarks/memory.py [--width 30000] [--heights 512 1024] [--spacings 64] [--json FILE]

The picture is a sparse file of float32 colours.  Strips of 4 096 pixels are mapped one after the other; of
each map the peak of the whole process and, where the system tells, of the memory that is its own (without
pages of the mapped file) are printed.  Heights stand one after the other: what a taller picture adds is what
the bound depends on.  The bound to keep is 3 GiB.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # before NumPy is loaded

TILE = 256
BOUND_GIB = 3.0
#: Pixels across a strip.
WIDEST_PIXELS = 4096


def anonymous_gib():
    """Memory of this process that no file stands behind; NaN where the system does not tell."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    found = [int(line.split()[1]) for line in lines if line.startswith("RssAnon")]
    return found[0] / 2**20 if found else float("nan")


def map_strips(meter, rgb, spacing, reference):
    """Compare each tile of a picture with a reference, strip by strip; return how many there are."""
    from skykin.style.engine.cells import Lattice
    from skykin.style.engine.stream import PlaneSource

    height, width = (side // meter.recipe.step * meter.recipe.step for side in rgb.shape[:2])
    whole = Lattice(height, width, TILE, spacing)
    most = (WIDEST_PIXELS - TILE) // spacing + 1
    high = (whole.rows - 1) * spacing + TILE
    for first in range(0, whole.columns, most):
        wide = (min(first + most, whole.columns) - first - 1) * spacing + TILE
        source = PlaneSource(rgb, None, 0, first * spacing, high, wide)
        meter.cosines(source, Lattice(high, wide, TILE, spacing), reference)
    return whole.rows * whole.columns


def measure(width, height, spacing):
    """Map one picture in this process and print what it took."""
    import numpy as np

    from skykin.style.engine.cells import Lattice
    from skykin.style.engine.shared import SharedMeter
    from skykin.style.engine.stream import PlaneSource
    from skykin.style.network.blocks import block_network
    from skykin.style.recipe import recipe

    how = recipe("poster")
    meter = SharedMeter(how, block_network(how.layers))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.npy"
        rgb = np.lib.format.open_memmap(path, "w+", np.float32, (height, width, 3))
        rng = np.random.default_rng(1)
        for row in range(0, height, 64):
            rgb[row : row + 64, : 4 * TILE] = rng.random((min(64, height - row), 4 * TILE, 3), np.float32)
        del rgb
        rgb = np.load(path, mmap_mode="r")
        own = Lattice(TILE, TILE, TILE, TILE)
        reference = next(meter.signatures(PlaneSource(rgb, None, 0, 0, TILE, TILE), own))
        seen, done = [0.0], threading.Event()

        def watch():
            while not done.wait(0.05):
                seen.append(anonymous_gib())

        watcher = threading.Thread(target=watch)
        watcher.start()
        spent = time.process_time()
        tiles = map_strips(meter, rgb, spacing, reference)
        spent = time.process_time() - spent
        done.set()
        watcher.join()
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30
    took = {"tiles": tiles, "cpu_s": spent, "peak_gib": peak, "own_gib": float(np.max(seen))}
    print(json.dumps(took), flush=True)


def main():
    """Measure each size in a process of its own: a peak never falls."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--width", type=int, default=30_000)
    parser.add_argument("--heights", type=int, nargs="+", default=[512, 1024])
    parser.add_argument("--spacings", type=int, nargs="+", default=[64])
    parser.add_argument("--json", type=Path, help="keep the numbers here, too")
    parser.add_argument("--one", type=int, nargs=3, help=argparse.SUPPRESS)
    choice = parser.parse_args()
    if choice.one:
        measure(*choice.one)
        return
    kept = {}
    for spacing in choice.spacings:
        for height in choice.heights:
            one = ["--one", str(choice.width), str(height), str(spacing)]
            told = subprocess.run([sys.executable, __file__, *one], check=True, stdout=subprocess.PIPE).stdout
            took = kept[f"{choice.width}-{height}-{spacing}"] = json.loads(told)
            print(
                f"{choice.width} x {height} pixels, every {spacing}: {took['tiles']} tiles, "
                f"{took['cpu_s']:.0f} CPU s, peak {took['peak_gib']:.2f} GiB, "
                f"own memory {took['own_gib']:.2f} GiB (bound {BOUND_GIB})",
                flush=True,
            )
    if choice.json:
        choice.json.write_text(json.dumps(kept))


if __name__ == "__main__":
    main()

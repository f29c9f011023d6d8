"""Time a transfer of style between two real tiles of WHAM, and say how far it came.

    python benchmarks/generate.py [--pixels 256] [--steps 300] [--jobs 2] [--optimiser l-bfgs]

The aim: 300 steps on 256 × 256 pixels within 4 minutes on two cores, the style loss lowered by 90 %.
"""

import argparse
import os
import time

import skykin
from skykin.core.settings import MapSettings

MOST_SECONDS, LEAST_LOWERED = 240, 0.9


def main():
    """Paint Carina in the style of Orion."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pixels", type=int, default=256)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--optimiser", default="l-bfgs")
    chosen = parser.parse_args()
    book = skykin.PictureBook(MapSettings(pixels=chosen.pixels))
    content, style = (each.picture.rgb for each in book.pictures("carina", "orion"))
    skykin.transfer(content, style, steps=1, jobs=chosen.jobs)  # loads PyTorch and the weights
    wall, cpu = time.perf_counter(), time.process_time()
    painting = skykin.transfer(
        content, style, steps=chosen.steps, optimiser=chosen.optimiser, jobs=chosen.jobs
    )
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    steps = len(painting.history) - 1
    print(
        f"{steps} steps of {chosen.optimiser} on {chosen.pixels} × {chosen.pixels} pixels, "
        f"{chosen.jobs} threads: "
        f"{wall:.0f} s of time, {cpu:.0f} s of processor, {wall / steps:.2f} s a step"
    )
    cosines = ", ".join(f"{layer} {cosine:.4f}" for layer, cosine in painting.cosines.items())
    print(f"style loss lowered by {painting.lowered:.1%}; style cosines {cosines}")
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    reached = wall <= MOST_SECONDS and painting.lowered >= LEAST_LOWERED
    print(
        f"aim (at most {MOST_SECONDS} s, lowered by at least {LEAST_LOWERED:.0%}): "
        f"{'reached' if reached else 'missed'} on {os.cpu_count()} cores{load}"
    )


if __name__ == "__main__":
    main()

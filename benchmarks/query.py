"""Time what one waits for: an image of one's own from its file to the report, and a warm query of an index.

    python benchmarks/query.py [INDEX] [--reference orion] [--rounds 5] [--recipe NAME] [--json FILE]

Without an INDEX, a planted image of 2048² pixels is mapped with tiles of 160 pixels by two threads.  INDEX is
one that `skykin index` made, such as that of WHAM, 70 726 tiles: a first query opens it, and of the
others the parts are timed: looking at the reference in its views, scoring all tiles, p and q, and the search
as a whole.  Every time is told in CPU and in wall seconds, with the load of the machine.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

import numpy as np

import skykin
from skykin.core.progress import SilentProgress
from skykin.jobs.search import stored_survey

#: What is aimed for, wall seconds on two free cores.
IMAGE_S, QUERY_S, VIEWS_S = 30.0, 0.6, 2.0


def timed(work):
    """CPU and wall seconds, and what came out."""
    cpu, wall = time.process_time(), time.perf_counter()
    found = work()
    return time.process_time() - cpu, time.perf_counter() - wall, found


def load():
    """Tell how busy the machine is."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores" if hasattr(os, "getloadavg") else ""


def own_image(recipe):
    """Map a planted image."""
    from astropy.io import fits

    from skykin.evaluation.planted import EASY, planted

    made = planted(EASY, 1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "planted.fits"
        fits.writeto(path, made.image, made.wcs.to_header())
        pixel = abs(float(made.wcs.wcs.cdelt[0]))
        place = made.wcs.pixel_to_world(*(np.array(made.image.shape[::-1]) / 2 + 128))
        before = load()
        cpu, wall, found = timed(
            lambda: skykin.map(
                path, place, tile_size=160 * pixel, recipe=recipe, jobs=2, output=Path(folder) / "map"
            )
        )
    print(
        f"image of {made.image.shape[1]} × {made.image.shape[0]} pixels, {len(found.tiles)} tiles of 160, "
        f"{found.provenance.recipe['name']}: {wall:.1f} s wall, {cpu:.1f} s CPU (aim {IMAGE_S:.0f}; {before})"
    )
    return {"tiles": len(found.tiles), "wall_s": wall, "cpu_s": cpu}


def warm_query(index, reference, rounds):
    """Ask an open index again and again."""
    first = timed(lambda: skykin.search(index, reference))[:2]
    parts = {"views": [], "scores": [], "p and q": [], "search": []}
    before = load()
    for _ in range(rounds):
        source = stored_survey(index, reference, workers=2, progress=SilentProgress())
        parts["views"].append(timed(lambda: source.query_style)[:2])  # noqa: B023
        cpu, wall, scores = timed(source.scores)
        parts["scores"].append((cpu, wall))
        overlapping = source.query.overlapped(scores.lon_deg, scores.lat_deg, scores.tile_deg)
        parts["p and q"].append(timed(lambda: scores.significance(overlapping))[:2])  # noqa: B023
        parts["search"].append(timed(lambda: skykin.search(index, reference))[:2])
    print(f"{len(scores.tiles)} tiles, {len(source.query_style.likes)} views, {rounds} rounds ({before})")
    middle = {name: np.median(np.array(taken), axis=0) for name, taken in parts.items()}
    for name, (cpu, wall) in middle.items():
        print(f"   {name:10s} {wall:6.2f} s wall {cpu:6.2f} s CPU")
    both = middle["scores"] + middle["p and q"]
    print(f"   warm query {both[1]:.2f} s wall, {both[0]:.2f} s CPU (aim {QUERY_S}); views aim {VIEWS_S:.0f}")
    taken = {**middle, "warm": both, "first": first}
    times = {name.replace(" ", "-"): {"cpu_s": cpu, "wall_s": wall} for name, (cpu, wall) in taken.items()}
    return {"tiles": len(scores.tiles), "views": len(source.query_style.likes), **times}


def main():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("index", nargs="?")
    parser.add_argument("--reference", default="orion")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--recipe")
    parser.add_argument("--json", type=Path, help="keep the numbers here, too")
    asked = parser.parse_args()
    kept = (
        own_image(asked.recipe)
        if asked.index is None
        else warm_query(asked.index, asked.reference, asked.rounds)
    )
    if asked.json:
        asked.json.write_text(json.dumps(kept))


if __name__ == "__main__":
    main()

"""Measure the page: from the start of the server to the first picture, and from a click to a painted map.

    python benchmarks/view.py wham.skykin [--clicks 10]

WHAM.SKYKIN is an index (`skykin index wham`).  `skykin view` runs in a process of its own and is asked over
the network of this computer, as the browser asks:

1. "started": until the address is printed; "first picture": from then on, the page, the state and the 12
   tiles of order 0 of the survey, two at a time.  A second round has them from memory.
2. A click, each at another place: the query, then the 12 heat tiles of order 0, two at a time.  "one view"
   asks for the reference as it is, "all views" as the recipe looks at it, which runs the network.
   A second time, "again", the answer is remembered.
3. The threshold is moved: the same question with another criterion.
4. A thumbnail, an explanation.

It also tells the processor time of the server for each, which does not depend on what else runs.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # before NumPy is loaded

import httpx
import numpy as np
import psutil

BOUND_CLICK_S, BOUND_PICTURE_S = 1.0, 2.0
ONE_VIEW = {"turns": 1, "mirror": False, "scales": [1.0]}
TILES = range(12)


class Page:
    """A server in a process of its own, and its client."""

    def __init__(self, index):
        start = time.perf_counter()
        command = [sys.executable, "-m", "skykin", "view", index, "--no-browser", "--quiet"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        self.started_s = time.perf_counter() - start
        self.root = "/".join(self.url.split("/")[:3])
        self.client = httpx.Client(timeout=120)
        self.two = ThreadPoolExecutor(2)

    def get(self, path):
        """Get a file, whole."""
        found = self.client.get(self.root + path if path.startswith("/") else self.url + path)
        assert found.status_code in (200, 204), found.text
        return found

    def tiles(self, url, ending):
        """Get all tiles of order 0."""
        list(self.two.map(lambda npix: self.get(f"{url}/Norder0/Dir0/Npix{npix}.{ending}"), TILES))

    def ask(self, **question):
        """Ask, and get the heat map."""
        found = self.client.post(f"{self.url}api/query", json=question)
        assert found.status_code == 200, found.text
        self.tiles(found.json()["heat"]["url"], "fits")
        return found.json()

    def timed(self, act):
        """Wall and processor seconds."""
        process = psutil.Process(self.process.pid)
        before, start = sum(process.cpu_times()[:2]), time.perf_counter()
        act()
        return time.perf_counter() - start, sum(process.cpu_times()[:2]) - before

    def close(self):
        """End it."""
        self.process.terminate()
        self.process.wait()


def told(what, seconds):
    """Print the median of wall and processor time."""
    wall, cpu = (statistics.median(part) for part in zip(*seconds, strict=True))
    print(f"{what:42} {wall:7.2f} s   {cpu:7.2f} s of the processor", flush=True)
    return wall


def first_picture(page, index):
    """All that the page asks for before anybody does anything."""
    page.get("")
    state = page.get("api/state").json()
    page.tiles(next(each["url"] for each in state["backgrounds"] if each["id"] == index), "png")


def main():
    """Run all."""
    options = argparse.ArgumentParser()
    options.add_argument("index")
    options.add_argument("--clicks", type=int, default=5)
    given = options.parse_args()
    page = Page(given.index)
    print(f"{'started: the address is printed after':42} {page.started_s:7.2f} s")
    state = page.get("api/state").json()
    name = state["indexes"][0]["id"]
    picture_s = told("first picture, once it has started", [page.timed(lambda: first_picture(page, name))])
    told("first picture, the next time", [page.timed(lambda: first_picture(page, name))])
    places = np.random.default_rng(3).uniform((0, -60), (360, 60), (200, 2)).tolist()
    while psutil.Process(page.process.pid).cpu_percent(1.0) > 20:
        pass  # It prepares itself after the start.
    clicks = {"one view": ONE_VIEW, "all views": {}}
    medians = {}
    for what, how in clicks.items():
        seconds, asked = [], []
        while len(seconds) < given.clicks:
            ra, dec = places.pop()
            question = {"index": name, "references": [{"kind": "point", "ra": ra, "dec": dec}], **how}
            try:
                seconds.append(page.timed(lambda question=question: page.ask(**question)))
            except AssertionError:  # The survey has a hole there.
                continue
            asked.append(question)
        medians[what] = told(f"a click, {what}", seconds)
        told(f"a click, {what}, again", [page.timed(lambda each=each: page.ask(**each)) for each in asked])
        moved = [each | {"criterion": {"kind": "top_fraction", "value": 0.02}} for each in asked]
        told("the threshold is moved", [page.timed(lambda each=each: page.ask(**each)) for each in moved])
    answer = page.ask(**asked[-1])
    told(
        "a thumbnail",
        [page.timed(lambda each=each: page.get(each["thumbnail"])) for each in answer["targets"]],
    )
    target = answer["targets"][0]
    why = f"api/query/{answer['query']}/why?ra={target['ra']}&dec={target['dec']}"
    told("an explanation", [page.timed(lambda: page.get(why))])
    print(f"memory of the server: {psutil.Process(page.process.pid).memory_info().rss / 1e6:.0f} MB")
    page.close()
    print(f"a click is painted within {BOUND_CLICK_S:g} s: {medians['one view'] <= BOUND_CLICK_S}; "
          f"the first picture within {BOUND_PICTURE_S:g} s: {picture_s <= BOUND_PICTURE_S}")  # fmt: skip


if __name__ == "__main__":
    main()

"""Measure the shared engine on a graphics card: speed, error, a large picture and the sky of WHAM.

    python benchmarks/gpu.py [--minutes 4.5] [--rehearse]

Speeds are of sky in memory to scores on the host, in millions of pixels of sky per second, best of what the
time allows; errors are the largest difference of a cosine from ONNX Runtime in float32.  Without a card it
says so in one sentence; --rehearse then walks the same way on the processor, small, and its speeds mean
nothing.
"""

import argparse
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import skykin
from skykin.core.errors import SkykinError
from skykin.style.engine.cells import Lattice
from skykin.style.engine.shared import SharedMeter
from skykin.style.engine.stream import PlaneSource
from skykin.style.network.blocks import block_network
from skykin.style.network.devices import ContextNetwork, Device, device_words, missing_device
from skykin.style.network.torch_vgg19 import TorchContextNetwork
from skykin.style.recipe import recipe

#: Recipe, what is to be reached with TF32 and with bfloat16 (Mpx of sky per second).
AIMS = {
    "core-contrast": (120, 220), "core-spread": (120, 220), "poster": (100, 180), "covariance": (100, 180),
}  # fmt: skip
ERRORS = {"float32": 1e-5, "tf32": 5e-5, "bfloat16": 1e-3}
TILE, SPACING = 256, 64
#: The small picture of 512² pixels on which errors are measured.
SMALL = Lattice(512, 512, 128, 64)
#: A picture is read in strips of this width; they overlap by what tiles overlap.
STRIP = 8192


def texture(side: int) -> np.ndarray:
    """Make a picture with structure on many scales, in half precision: one of 30 000² takes 5 GB."""
    random = np.random.default_rng(0)
    block, steps = min(side, 2048), (1, 4, 16, 64, 256)
    parts = [np.kron(random.random((block // step,) * 2 + (3,)), np.ones((step, step, 1))) for step in steps]
    # Large parts of the sky are bright or dark: without them all tiles would be alike.
    picture = sum(part * step**0.25 for part, step in zip(parts, steps, strict=True))
    copies = -(-side // block)
    return np.tile((picture / picture.max()).astype(np.float16), (copies, copies, 1))[:side, :side]


class Sky:
    """A recipe with its reference and average tile, measured by one network, as in a map."""

    def __init__(self, name: str, rgb: np.ndarray, lattice: Lattice, network: ContextNetwork) -> None:
        self.meter, self.lattice, self.rgb = SharedMeter(recipe(name), network), lattice, rgb
        signatures = [*self.meter.signatures(PlaneSource(rgb), lattice)]
        self.standard = recipe(name).standard(signatures) if recipe(name).standardised else None
        chosen = signatures[len(signatures) // 2]
        self.reference = chosen if self.standard is None else self.standard.apply(chosen, None)

    def cosines(self, source: PlaneSource, lattice: Lattice) -> np.ndarray:
        """Scores of every tile, on the host."""
        return self.meter.cosines(source, lattice, self.reference, self.standard)

    def off(self, exact: "Sky") -> float:
        """Largest difference of a cosine."""
        mine, theirs = (sky.cosines(PlaneSource(sky.rgb), sky.lattice) for sky in (self, exact))
        return float(np.abs(mine - theirs).max())


def strips(rgb: np.ndarray) -> Iterator[tuple[PlaneSource, Lattice]]:
    """Cut a picture into strips whose tiles are those of the whole."""
    height, width = (side // SPACING * SPACING for side in rgb.shape[:2])
    for left in range(0, width - TILE + 1, STRIP):
        own = min(STRIP + TILE - SPACING, width - left)
        source = PlaneSource(rgb, None, 0, left, height, own)
        yield source, Lattice(height, own, TILE, SPACING)


def seconds(sky: Sky, rgb: np.ndarray) -> float:
    """Time from the picture in memory to all scores."""
    began = time.perf_counter()
    for source, lattice in strips(rgb):
        sky.cosines(source, lattice)
    return time.perf_counter() - began


def rates(device: str, side: int, until: float) -> None:
    """Print speed and error of each recipe in each precision."""
    rgb, small = texture(side), texture(512).astype(np.float32)
    print(f"\n{'recipe':16}{'precision':11}{'Mpx/s':>8}{'aim':>6}{'error':>10}{'gate':>8}")
    for name, aims in AIMS.items():
        exact = Sky(name, small, SMALL, block_network(recipe(name).layers))
        for precision, aim in zip(ERRORS, (0, *aims), strict=True):
            network = TorchContextNetwork(recipe(name).layers, Device(device, precision))
            sky = Sky(name, small, SMALL, network)
            error = sky.off(exact)
            first = seconds(sky, rgb)
            best = min([seconds(sky, rgb) for _ in range(2)] if time.time() < until else [first])
            speed = side * side / 1e6 / best
            print(f"{name:16}{precision:11}{speed:8.3g}{aim or '':>6}{error:10.1e}{ERRORS[precision]:8.0e}")


def large_picture(device: str, side: int) -> None:
    """Print the time of a large picture with tiles that overlap by 75 %."""
    network = TorchContextNetwork(recipe("core-contrast").layers, Device(device, "tf32"))
    sky = Sky("core-contrast", texture(512).astype(np.float32), SMALL, network)
    took = seconds(sky, texture(side))
    print(f"\n{side}² at 75 % overlap, core-contrast, tf32: {took:.1f} s (aim 10 s at 30000²)")


def wham(device: str) -> None:
    """Print the time of an index of the sky of WHAM and of a search in it."""
    with tempfile.TemporaryDirectory() as folder:
        for stage in ("first, with start-up", "again"):
            began = time.perf_counter()
            index = skykin.index("wham", Path(folder) / stage, recipe="core-spread", device=device)
            skykin.search(index, "orion")
            print(f"WHAM, index and search, {stage}: {time.perf_counter() - began:.1f} s (aim 5 s again)")


def main() -> None:
    """Measure, or say why not."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=4.5)
    parser.add_argument("--rehearse", action="store_true")
    options = parser.parse_args()
    missing = missing_device()
    if missing is not None and not options.rehearse:
        sys.exit(f"nothing is measured: {missing}")
    device = "cpu" if missing is not None else "cuda"
    until = time.time() + 60 * options.minutes
    print(f"{device_words()}; {platform.node()}; {time.strftime('%Y-%m-%d')}; Skykin {skykin.__version__}")
    small = missing is not None
    rates(device, 512 if small else 8192, until - 120)
    if time.time() < until - 60:
        large_picture(device, 512 if small else 30_000)
    if time.time() < until - 30:
        try:
            wham("cpu" if small else "cuda")
        except SkykinError as error:
            print(f"WHAM is not measured: {error}")


if __name__ == "__main__":
    main()

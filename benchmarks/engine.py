"""Measure the shared engine against the network tile by tile, both on one thread of ONNX Runtime.

    python benchmarks/engine.py [--quick] [--rounds 5] [--minutes 60] [--side 4096] [--spacings 64 32 16]
                                [--json FILE]

The sides take turns within one run.  N is one tile of 256 × 256 pixels: network and Gram matrices; tile
by tile, a map costs N times the number of its tiles.  "pass" is the network alone, streamed once over the
picture; "full" the exact map: every cosine of every tile with one reference.  Ratios are of process CPU
seconds, minimum and median over rounds; wall seconds stand beside.  At the end the largest difference of a
cosine from tiles measured directly, their Gram matrices in double precision, corners included.  Run it with
OPENBLAS_CORETYPE set as `skykin doctor` says.
"""

import argparse
import json
import os
import resource
import sys
import time
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # before NumPy is loaded

import numpy as np
from scipy.ndimage import gaussian_filter

from skykin.style.engine.cells import Lattice
from skykin.style.engine.shared import SharedMeter
from skykin.style.engine.stream import PlaneSource, stream
from skykin.style.network.blocks import block_network
from skykin.style.network.vgg19 import VGG19Encoder
from skykin.style.recipe import recipe
from skykin.style.statistics.gram import gram

TILE = 256
#: Floating-point operations of the network to block5_conv1, per pixel.
NETWORK_FLOP = 722.3e3


def picture(rows, columns):
    """Clouds on several scales and some bright knots, the same on every run."""
    rng = np.random.default_rng(7)
    small = rng.random((rows // 4, columns // 4, 3), dtype=np.float32)
    field = sum(gaussian_filter(small, (s, s, 0)) * s for s in (1, 3, 9))
    field = field.repeat(4, axis=0).repeat(4, axis=1)
    field += 0.05 * rng.random((rows, columns, 3), dtype=np.float32)
    field = (field - field.min()) / np.ptp(field)
    return (field**2).astype(np.float32)


def timed(work):
    """CPU and wall seconds."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - wall


def roofline():
    """Peak of fused multiply-adds by a matrix product, and memory bandwidth by a copy."""
    a, b = (np.random.default_rng(i).random((1536, 1536), dtype=np.float32) for i in (0, 1))
    c, d = np.zeros(1 << 25, np.float32), np.ones(1 << 25, np.float32)
    flops = max(2 * 1536**3 / timed(lambda: a @ b)[0] for _ in range(5))
    return flops, max(2 * c.nbytes / timed(lambda: np.copyto(c, d))[0] for _ in range(5))


def conv_peak():
    """Flops of the network's own best convolution on a picture that stays near the processor."""
    from onnx import TensorProto, helper, numpy_helper

    from skykin.style.network.runtime import onnxruntime

    kernel = np.random.default_rng(2).random((256, 256, 3, 3), dtype=np.float32)
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "k"], ["y"], kernel_shape=[3, 3])],
        "convolution",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 256, 34, 66])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(kernel, "k")],
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    x = np.zeros((1, 256, 34, 66), np.float32)
    return max(2 * 9 * 256 * 256 * 32 * 64 / timed(lambda: session.run(None, {"x": x}))[0] for _ in range(9))


def direct_error(rgb, lattice, meter, reference, found):
    """Largest difference of a cosine from Gram matrices in double precision, each tile in its own context."""
    halo, encoder = 80, VGG19Encoder(meter.network.layers, "edge")
    rng = np.random.default_rng(3)
    rows, columns = lattice.rows - 1, lattice.columns - 1
    chosen = {(0, 0), (0, columns), (rows, 0), (rows, columns)}
    while len(chosen) < min(20, lattice.rows * lattice.columns):
        chosen.add((int(rng.integers(rows + 1)), int(rng.integers(columns + 1))))
    worst = 0.0
    for row, column in sorted(chosen):
        source = PlaneSource(rgb, None, row * lattice.spacing, column * lattice.spacing, TILE, TILE)
        around, _ = source.rows(-halo, TILE + halo, halo)
        for number, (layer, features) in enumerate(encoder(around).items()):
            stride = 2 ** (int(layer[5]) - 1)
            own = slice(halo // stride, (halo + TILE) // stride)
            flat = features[:, own, own].reshape(len(features), -1).astype(np.float64)
            matrix = flat @ flat.T
            other = np.zeros_like(matrix)
            upper = np.triu_indices(len(matrix))
            other[upper] = reference[layer].astype(np.float64) / np.where(upper[0] == upper[1], 1, np.sqrt(2))
            other += np.triu(other, 1).T
            cosine = (matrix * other).sum() / np.linalg.norm(matrix) / np.linalg.norm(other)
            worst = max(worst, abs(cosine - found[row, column, number]))
    return worst, len(chosen)


def take_turns(sides, rounds, minutes):
    """Time each side once a round, and the machine before: seconds by side, and the best of each peak."""
    spent, peaks = {name: [] for name in sides}, []
    began, longest = time.perf_counter(), 0.0
    for number in range(rounds):
        start = time.perf_counter()
        if number and start + longest - began > 60 * minutes:
            break
        peaks.append((*roofline(), conv_peak()))
        for name, work in sides.items():
            spent[name].append(timed(work))
            print(".", end="", flush=True, file=sys.stderr)
        longest = max(longest, time.perf_counter() - start)
    return spent, *np.max([*peaks, (*roofline(), conv_peak())], axis=0)


def arguments():
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="1024 x 1536 pixels, two rounds")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=60.0, help="begin no round that would end later")
    parser.add_argument("--side", type=int, default=4096)
    parser.add_argument("--spacings", type=int, nargs="+", default=[64, 32, 16])
    parser.add_argument("--fast", action="store_true", help="also OpenVINO in bfloat16")
    parser.add_argument("--json", type=Path, help="keep the numbers here, too")
    return parser.parse_args()


def main():
    """Run the rounds and print the table."""
    choice = arguments()
    height, width = (1024, 1536) if choice.quick else (choice.side, choice.side)
    rounds = 2 if choice.quick else choice.rounds
    rgb, how = picture(height, width), recipe("poster")
    meter = SharedMeter(how, block_network(how.layers))
    encoder, tile = VGG19Encoder(how.layers, "zero"), rgb[:TILE, :TILE]
    own = Lattice(TILE, TILE, TILE, TILE)
    reference = next(meter.signatures(PlaneSource(rgb, None, 256, 256, TILE, TILE), own))
    source = PlaneSource(rgb)
    lattices = {spacing: Lattice(height, width, TILE, spacing) for spacing in choice.spacings}
    found = {}

    def full(name, measure, spacing):
        def work():
            found[name] = measure.cosines(source, lattices[spacing], reference)

        return work

    sides = {"N": lambda: [[gram(a) for a in encoder(tile).values()] for _ in range(4)]}
    sides["pass"] = lambda: [None for _ in stream(meter.network, source)]
    sides |= {f"full S={spacing}": full(spacing, meter, spacing) for spacing in lattices}
    if choice.fast:
        fast = SharedMeter(how, block_network(how.layers, fast=True))
        sides["pass bf16"] = lambda: [None for _ in stream(fast.network, source)]
        sides |= {f"full S={s} bf16": full(f"{s} bf16", fast, s) for s in lattices}
    sides["N"]()
    spent, peak, bandwidth, best_convolution = take_turns(sides, rounds, choice.minutes)
    rounds = len(spent["N"])
    for name, values in spent.items():
        cpu, wall = np.array(values).T / (4 if name == "N" else 1)
        print(
            f"{name:18s} CPU min {cpu.min():8.3f} median {np.median(cpu):8.3f}   "
            f"wall min {wall.min():8.3f} median {np.median(wall):8.3f} s"
        )
    cpu = {name: np.array(values)[:, 0] for name, values in spent.items()}
    single = cpu["N"] / 4
    rate = NETWORK_FLOP * height * width / cpu["pass"].min()
    print(f"{height} x {width} pixels, {rounds} rounds, load {os.getloadavg()[0]:.1f}")
    print(
        f"peak by a matrix product {peak / 1e9:.0f} GFLOP/s, by a convolution {best_convolution / 1e9:.0f}; "
        f"copy {bandwidth / 1e9:.0f} GB/s; "
        f"the pass {rate / 1e9:.0f} GFLOP/s = {rate / max(peak, best_convolution):.0%} of the higher peak"
    )
    kept = {
        "side": height,
        "tile_s": single.min(),
        "pass_s": cpu["pass"].min(),
        "pass_gflops": rate / 1e9,
        "matrix_gflops": peak / 1e9,
        "convolution_gflops": best_convolution / 1e9,
        "of_matrix": rate / peak,
        "of_convolution": rate / best_convolution,
    }
    for spacing, lattice in lattices.items():
        tiles = lattice.rows * lattice.columns
        limit = (TILE / spacing) ** 2 * tiles * spacing**2 / (height * width)
        for kind in ("", " bf16") if choice.fast else ("",):
            ratio = tiles * single / cpu[f"full S={spacing}{kind}"]
            passes = cpu[f"full S={spacing}{kind}"] / cpu[f"pass{kind}"]
            name = f"{spacing}{kind}" if kind else spacing
            error, count = direct_error(rgb, lattice, meter, reference, found[name])
            kept[str(name)] = {
                "tiles": tiles,
                "speed_up": tiles * single.min() / cpu[f"full S={spacing}{kind}"].min(),
                "limit": limit,
                "passes": passes.min(),
                "largest_difference": error,
            }
            print(
                f"S={spacing}{kind}: {tiles} tiles, {1 - spacing / TILE:.2%} overlap: "
                f"speed-up best {tiles * single.min() / cpu[f'full S={spacing}{kind}'].min():.1f} median "
                f"{np.median(ratio):.1f} (edge-corrected limit {limit:.1f}); "
                f"passes min {passes.min():.3f} median {np.median(passes):.3f}; "
                f"largest |difference of a cosine| on {count} tiles {error:.1e}"
            )
    kept["peak_gib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"peak memory {kept['peak_gib']:.2f} GiB")
    if choice.json:
        choice.json.write_text(json.dumps(kept, default=float))


if __name__ == "__main__":
    main()

"""Time one tile's style on ONNX Runtime against plain NumPy and, where installed, torch.

    python benchmarks/encoder.py [--pixels 128] [--rounds 5]

The sides take turns within one run, one thread each, and are compared round by round.  Each encodes the same
picture to the five style layers and takes their Gram matrices.
"""

import argparse
import os
import time

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # before NumPy is loaded

import numpy as np

from skykin.style.network.architecture import LAYERS, STYLE_LAYERS
from skykin.style.network.vgg19 import MEAN_BGR, VGG19Encoder
from skykin.style.network.weights import load_weights
from skykin.style.statistics.gram import gram


def numpy_side(rgb, weights):
    """Nine shifted matrix products per convolution."""
    planes = ((rgb * 255)[:, :, ::-1] - np.array(MEAN_BGR, np.float32)).transpose(2, 0, 1)
    for layer in LAYERS[: LAYERS.index(STYLE_LAYERS[-1]) + 1]:
        if layer.endswith("_conv1") and layer != LAYERS[0]:
            channels, y, x = planes.shape
            planes = planes[:, : y // 2 * 2, : x // 2 * 2].reshape(channels, y // 2, 2, x // 2, 2).max((2, 4))
        kernel, bias = weights[layer].kernel, weights[layer].bias
        _, y, x = planes.shape
        padded = np.pad(planes, ((0, 0), (1, 1), (1, 1)))
        total = np.broadcast_to(bias[:, None], (len(bias), y * x)).copy()
        for i in range(3):
            for j in range(3):
                total += kernel[:, :, i, j] @ padded[:, i : i + y, j : j + x].reshape(len(padded), -1)
        planes = np.maximum(total, 0).reshape(-1, y, x)
        if layer in STYLE_LAYERS:
            yield planes


def torch_side(weights):
    """Return a function that encodes with eager torch, or None where torch is not installed."""
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(1)
    functional = torch.nn.functional
    tensors = {
        layer: (torch.tensor(weights[layer].kernel), torch.tensor(weights[layer].bias)) for layer in LAYERS
    }

    def encode(rgb):
        planes = torch.tensor(
            ((rgb * 255)[:, :, ::-1] - np.array(MEAN_BGR, np.float32)).transpose(2, 0, 1)[None]
        )
        with torch.no_grad():
            for layer in LAYERS[: LAYERS.index(STYLE_LAYERS[-1]) + 1]:
                if layer.endswith("_conv1") and layer != LAYERS[0]:
                    planes = functional.max_pool2d(planes, 2)
                planes = torch.relu(functional.conv2d(planes, *tensors[layer], padding=1))
                if layer in STYLE_LAYERS:
                    yield planes[0].numpy()

    return encode


def main():
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pixels", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=5)
    choice = parser.parse_args()
    rgb = np.random.default_rng(1).random((choice.pixels, choice.pixels, 3), dtype=np.float32)
    weights = load_weights()
    encoder = VGG19Encoder()
    sides = {
        "onnxruntime": lambda: encoder(rgb).values(),
        "numpy": lambda: numpy_side(rgb, weights),
    }
    if torch_encode := torch_side(weights):
        sides["torch"] = lambda: torch_encode(rgb)
    seconds = {name: [] for name in sides}
    grams = {}
    for _ in range(choice.rounds + 1):  # the first round warms up
        for name, answers in sides.items():
            begin = time.process_time()
            grams[name] = [gram(answer) for answer in answers()]
            seconds[name].append(time.process_time() - begin)
    print(f"{choice.pixels} x {choice.pixels} pixels, {choice.rounds} rounds, load {os.getloadavg()[0]:.1f}")
    ours = np.array(seconds["onnxruntime"][1:])
    for name, taken in seconds.items():
        own = np.array(taken[1:])
        worst = max(
            np.abs(a - b).max() / np.abs(b).max()
            for a, b in zip(grams[name], grams["onnxruntime"], strict=True)
        )
        print(
            f"{name:12s} CPU seconds min {own.min():.3f} median {np.median(own):.3f}; "
            f"ratio to onnxruntime median {np.median(own / ours):.2f}; "
            f"largest relative difference {worst:.1e}"
        )


if __name__ == "__main__":
    main()

"""Compute the golden numbers of the tests with torch, a second framework, from the same published weights.

Needs ``torch`` and ``numpy``, and the file that ``tools/build_weights.py`` also reads; run it as
``python tools/make_golden.py path/of/vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin``.
"""

from __future__ import annotations

import json
import sys
from itertools import combinations
from pathlib import Path

import torch
from torch.nn import functional

GOLDEN = Path(__file__).parents[1] / "tests" / "golden"
sys.path.insert(0, str(GOLDEN))
from pictures import pictures  # noqa: E402

BLOCKS = (2, 2, 4, 4, 1)
#: Entries (row, column) of each Gram matrix that are kept, as shares of its side.
ENTRIES = ((0.0, 0.0), (0.1, 0.7), (0.33, 0.5), (0.9, 0.25))


def grams(picture: torch.Tensor, weights: dict[str, torch.Tensor], padding: str) -> dict[str, torch.Tensor]:
    """Gram matrices of the five style layers, in double precision."""
    mean = torch.tensor([103.939, 116.779, 123.68], dtype=torch.float64)
    below = ((picture * 255).flip(-1) - mean).permute(2, 0, 1)[None]
    found = {}
    for block, convolutions in enumerate(BLOCKS, start=1):
        for number in range(1, convolutions + 1):
            layer = f"block{block}_conv{number}"
            table = weights[f"{layer}_W_table"].double()
            kernel = table[weights[f"{layer}_W_q"].long()]
            below = functional.pad(below, (1, 1, 1, 1), mode="constant" if padding == "zero" else "replicate")
            below = functional.relu(functional.conv2d(below, kernel, weights[f"{layer}_b"].double()))
            if number == 1:
                flat = below.flatten(2)[0]
                found[layer] = flat @ flat.T / flat.shape[1]
        below = functional.max_pool2d(below, 2)
    return found


def summary(gram: torch.Tensor) -> dict[str, object]:
    """Keep a few numbers that tell one matrix from another."""
    places = [(int(i * len(gram)), int(j * len(gram))) for i, j in ENTRIES]
    return {
        "norm": _rounded(gram.norm()),
        "trace": _rounded(gram.trace()),
        "entries": [[i, j, _rounded(gram[i, j])] for i, j in places],
    }


def _rounded(number: torch.Tensor) -> float:
    return float(f"{float(number):.10g}")


def main() -> None:
    """Write ``tests/golden/vgg19.json``."""
    weights = torch.load(sys.argv[1], map_location="cpu", weights_only=True)
    golden: dict[str, object] = {"made_with": f"torch {torch.__version__.split('+')[0]}, float64"}
    for padding in ("zero", "edge"):
        made = {
            name: grams(torch.from_numpy(rgb).double(), weights, padding) for name, rgb in pictures().items()
        }
        golden[padding] = {
            "grams": {name: {layer: summary(g) for layer, g in each.items()} for name, each in made.items()},
            "cosines": {
                f"{a} {b}": {
                    layer: _rounded((g * made[b][layer]).sum() / g.norm() / made[b][layer].norm())
                    for layer, g in made[a].items()
                }
                for a, b in combinations(made, 2)
            },
        }
    (GOLDEN / "vgg19.json").write_text(json.dumps(golden, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

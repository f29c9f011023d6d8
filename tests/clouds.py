"""Clouds: pictures for tests of style, and how alike they are."""

from __future__ import annotations

import numpy as np

from skykin.style.network.vgg19 import VGG19Encoder
from skykin.style.recipe import recipe
from skykin.style.signature import layer_cosines


def sky(seed, side=48, cells=5):
    """Smooth coloured clouds."""
    random = np.random.default_rng(seed)
    coarse = random.random((cells + 1, cells + 1, 3))
    places = np.linspace(0, cells - 0.01, side)
    low, share = places.astype(int), places % 1
    rows = coarse[low] * (1 - share)[:, None, None] + coarse[low + 1] * share[:, None, None]
    both = rows[:, low] * (1 - share)[None, :, None] + rows[:, low + 1] * share[None, :, None]
    return both.astype(np.float32)


def style_cosines(one, other, name):
    """As the map measures them: ONNX Runtime, NumPy, the recipe itself."""
    chosen = recipe(name)
    encoder = VGG19Encoder(chosen.layers, chosen.padding)
    full = np.ones(one.shape[:2], np.float32)
    first, second = (chosen.signature(encoder(each), full) for each in (one, other))
    return layer_cosines(first, second)

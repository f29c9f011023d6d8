"""The plan of VGG19: names of its layers, and what may surround a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from skykin.core.errors import UsageError, shown
from skykin.core.shapes import RGB

#: What a convolution sees beyond the border: zeros, or the border's own values repeated.
Padding = Literal["zero", "edge"]
#: Convolutions in order, up to the content layer of the TensorFlow tutorial on style transfer.
LAYERS = tuple(
    f"block{block}_conv{number}"
    for block, convolutions in enumerate((2, 2, 4, 4, 2), start=1)
    for number in range(1, convolutions + 1)
)
#: The style layers of the same tutorial.
STYLE_LAYERS = ("block1_conv1", "block2_conv1", "block3_conv1", "block4_conv1", "block5_conv1")
#: Channels that each block answers.
CHANNELS = {"block1": 64, "block2": 128, "block3": 256, "block4": 512, "block5": 512}
#: Four poolings leave one position of block 5.
SMALLEST_PIXELS = 16
#: The shared engine reads no smaller cells than this, however shallow the layers.
SMALLEST_CELL = 8
#: Mean blue, green and red of ImageNet on a scale of 0–255, which the network was trained without.
MEAN_BGR = (103.939, 116.779, 123.68)


def stride_of(layer: str) -> int:
    """Pixels of the picture between two positions of a layer."""
    return 1 << (int(layer.removeprefix("block")[0]) - 1)


def channels_of(layer: str) -> int:
    """Channels of a layer."""
    return CHANNELS[layer.partition("_")[0]]


def step_of(layers: Sequence[str]) -> int:
    """Pixels of which the shared engine makes tiles and spacings, so that every layer has whole positions."""
    return max(SMALLEST_CELL, *map(stride_of, layers))


def flops_per_pixel(layers: Sequence[str]) -> float:
    """Multiplications and additions of the convolutions down to the deepest of `layers`, per pixel."""
    total, channels = 0.0, 3
    for layer in LAYERS[: max(map(LAYERS.index, layers)) + 1]:
        total += 2 * 9 * channels * channels_of(layer) / stride_of(layer) ** 2
        channels = channels_of(layer)
    return total


def block_chains(layers: Sequence[str]) -> list[tuple[str, ...]]:
    """Convolutions of each block down to the deepest of `layers`.

    Raises
    ------
    UsageError
        If a layer is unknown.
    """
    unknown = [layer for layer in layers if layer not in LAYERS]
    if unknown or not layers:
        named = ", ".join(shown(layer) for layer in unknown) or "none"
        raise UsageError(f"VGG19 has no layer {named}; choose among {', '.join(LAYERS)}")
    used = LAYERS[: max(LAYERS.index(layer) for layer in layers) + 1]
    names = sorted({layer.split("_")[0] for layer in used})
    return [tuple(layer for layer in used if layer.startswith(f"{name}_")) for name in names]


def margins(depths: Sequence[int]) -> list[int]:
    """Context at the entrance of each block in its own positions, from the convolutions of each."""
    found: list[int] = []
    margin = 0
    for depth in reversed(depths):
        margin = 2 * margin + depth if found else depth
        found.append(margin)
    return found[::-1]


def checked_picture(rgb: RGB) -> RGB:
    """Return the picture as a contiguous float32 array.

    Raises
    ------
    UsageError
        If it is not (rows, columns, 3) with colours from 0 to 1, or too small for the network.
    """
    picture = np.ascontiguousarray(rgb, dtype=np.float32)
    if picture.ndim != 3 or picture.shape[2] != 3:
        raise UsageError(f"an array of shape {picture.shape} is no picture; give (rows, columns, 3)")
    rows, columns, _ = picture.shape
    if min(rows, columns) < SMALLEST_PIXELS:
        raise UsageError(
            f"a picture of {rows} × {columns} pixels is too small for VGG19; "
            f"use at least {SMALLEST_PIXELS} × {SMALLEST_PIXELS}"
        )
    lowest, highest = float(picture.min()), float(picture.max())
    if not (lowest >= 0.0 and highest <= 1.0):  # Also when one is NaN.
        raise UsageError(f"colours run from {lowest:g} to {highest:g}; scale them to 0–1")
    return picture

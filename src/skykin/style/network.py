"""The plan of VGG19: names of its layers, and what may surround a picture."""

from __future__ import annotations

from typing import Literal

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
#: Four poolings leave one position of block 5.
SMALLEST_PIXELS = 16

"""VGG19 once more, on PyTorch: the same weights and the same answers, with gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from skykin.core.shapes import Numbers
from skykin.generate.extra import torch
from skykin.style.network.architecture import LAYERS, MEAN_BGR, Padding
from skykin.style.network.weights import load_weights

functional = torch.nn.functional


class GradientNetwork:
    """What the layers of VGG19 answer to a picture, differentiable by its colours.

    Weights, preparation and padding are those of `skykin.style.network.vgg19.VGG19Encoder`.

    Parameters
    ----------
    layers : sequence of str
        Names such as ``block3_conv1``.
    padding : {"zero", "edge"}
        What a convolution sees beyond the border.
    dtype : torch.dtype
        Single precision; tests use double.
    """

    def __init__(self, layers: Sequence[str], padding: Padding, dtype: Any = torch.float32) -> None:
        self.layers = tuple(layers)
        self.padding = padding
        depth = max(LAYERS.index(layer) for layer in layers) + 1
        weights = load_weights()
        self._convolutions = [
            (
                layer,
                torch.tensor(weights[layer].kernel, dtype=dtype),
                torch.tensor(weights[layer].bias, dtype=dtype),
            )
            for layer in LAYERS[:depth]
        ]
        self._dtype = dtype
        self._mean = torch.tensor(MEAN_BGR, dtype=dtype)[:, None, None]

    def tensor(self, array: Numbers) -> Any:
        """Copy an array into the network's precision."""
        return torch.tensor(array, dtype=self._dtype)

    def __call__(self, rgb: Any) -> Mapping[str, Any]:
        """Answer to one picture.

        Parameters
        ----------
        rgb : tensor (rows, columns, 3)
            Colours from 0 to 1.

        Returns
        -------
        dict
            Layer to its tensor (channels, y, x), in the order of `layers`.
        """
        below = (rgb.flip(-1).permute(2, 0, 1) * 255.0 - self._mean)[None]
        answers = {}
        for layer, kernel, bias in self._convolutions:
            if layer.endswith("_conv1") and layer != LAYERS[0]:
                below = functional.max_pool2d(below, 2)
            if self.padding == "edge":
                below = functional.pad(below, (1, 1, 1, 1), mode="replicate")
            border = 0 if self.padding == "edge" else 1
            below = functional.relu(functional.conv2d(below, kernel, bias, padding=border))
            answers[layer] = below[0]
        return {layer: answers[layer] for layer in self.layers}

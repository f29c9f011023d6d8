"""VGG19 on PyTorch: the same weights and the same answers on any device, with gradients where asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import numpy as np

from skykin.core.shapes import RGB, Chroma, Numbers
from skykin.style.network.architecture import (
    LAYERS,
    MEAN_BGR,
    Padding,
    block_chains,
    checked_picture,
    margins,
)
from skykin.style.network.devices import Device
from skykin.style.network.pytorch import load_torch
from skykin.style.network.rounded import rounded
from skykin.style.network.weights import load_weights, network_name, random_weights, weights_name

#: Bytes that a pixel of the sky takes while the first block, the largest, runs: two layers of 64 channels in
#: single precision, and as much for the library that convolves.
BYTES_PER_PIXEL = 1024
#: Memory that one band may take where the device does not say how much it has free.
PROCESSOR_BYTES = 256 << 20
#: Share of a device's free memory that one band may take; the rest is for cells.
SHARE = 1 / 3
#: Rows of a band are a multiple of the largest cell.
BAND_STEP = 64
#: PyTorch's precision of convolutions is a setting of the process.
_SETTINGS = threading.RLock()


class TorchVGG19:
    """What the layers of VGG19 answer to a picture, differentiable by its colours.

    Weights, preparation and padding are those of `skykin.style.network.vgg19.VGG19Encoder`.

    Parameters
    ----------
    layers : sequence of str
        Names such as ``block3_conv1``.
    padding : {"zero", "edge"} or None
        What a convolution sees beyond the border; None: it answers only where it sees all its neighbours.
    dtype : torch.dtype, optional
        Single precision; tests use double.  In bfloat16 the first layer still multiplies in single precision,
        because colours differ by little, and the weights of the others are those of `rounded`.
    device : torch.device or str
    random_seed : int, optional
        Random weights of this seed instead of the trained ones.
    """

    def __init__(
        self,
        layers: Sequence[str],
        padding: Padding | None,
        dtype: Any = None,
        *,
        device: Any = "cpu",
        random_seed: int | None = None,
    ) -> None:
        self._torch = torch = load_torch("a network on PyTorch", "gpu")
        self.layers = tuple(layers)
        self.padding = padding
        self.dtype = dtype or torch.float32
        self.device = torch.device(device)
        depth = max(LAYERS.index(layer) for layer in layers) + 1
        weights = load_weights() if random_seed is None else random_weights(random_seed)
        # On a device the channels of a position lie side by side: so its convolutions are quickest.
        order = torch.contiguous_format if self.device.type == "cpu" else torch.channels_last
        self._convolutions = {}
        for layer in LAYERS[:depth]:
            kernel, dtype = weights[layer].kernel, self.dtype
            if dtype == torch.bfloat16 and layer == LAYERS[0]:
                dtype = torch.float32
            elif dtype == torch.bfloat16:
                kernel = rounded(kernel)
            self._convolutions[layer] = (
                self.tensor(kernel, dtype).contiguous(memory_format=order),
                self.tensor(weights[layer].bias, dtype),
            )
        self._mean = torch.tensor(MEAN_BGR, device=self.device)[:, None, None]

    def tensor(self, array: Numbers, dtype: Any = None) -> Any:
        """Copy an array to the network's device, in its precision or another one."""
        return self._torch.tensor(array, dtype=dtype or self.dtype, device=self.device)

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
        below, answers = self.prepared(rgb), {}
        for layer in self._convolutions:
            if layer.endswith("_conv1") and layer != LAYERS[0]:
                below = self.pooled(below)
            below = self.convolved(layer, below)
            answers[layer] = below[0]
        return {layer: answers[layer] for layer in self.layers}

    def prepared(self, rgb: Any) -> Any:
        """From colours of 0–1, (rows, columns, 3), to what Keras calls ``preprocess_input``: (1, 3, y, x)."""
        first, _ = self._convolutions[LAYERS[0]]
        return (rgb.flip(-1).permute(2, 0, 1) * 255.0 - self._mean)[None].to(first.dtype)

    def pooled(self, below: Any) -> Any:
        """Keep the largest answer of each 2 × 2 positions."""
        return self._torch.nn.functional.max_pool2d(below, 2)

    def convolved(self, layer: str, below: Any) -> Any:
        """Answer of one layer to the one below."""
        functional, border = self._torch.nn.functional, 1 if self.padding == "zero" else 0
        if self.padding == "edge":
            below = functional.pad(below, (1, 1, 1, 1), mode="replicate")
        answer = functional.conv2d(below, *self._convolutions[layer], padding=border)
        return functional.relu(answer).to(self.dtype)


class TorchEncoder:
    """VGG19 as an encoder of single pictures, on a device.

    Parameters
    ----------
    layers, padding, random_seed :
        As for `skykin.style.network.vgg19.VGG19Encoder`.
    device : Device

    Attributes
    ----------
    name : str
        The network, with the hash of its weights, its padding, and where it runs.
    """

    def __init__(
        self, layers: Sequence[str], padding: Padding, device: Device, random_seed: int | None = None
    ) -> None:
        self.name = f"{network_name(padding, random_seed)}, {device.words}"
        self._device = device
        self._network = TorchVGG19(layers, padding, device=device.name, random_seed=random_seed)

    def __call__(self, rgb: RGB) -> Mapping[str, Chroma]:
        """Encode one picture (rows, columns, 3): a float32 array (channels, y, x) per layer."""
        with without_gradients(self._device):
            picture = self._network.tensor(checked_picture(rgb))
            return {layer: np.asarray(each.cpu()) for layer, each in self._network(picture).items()}


class TorchContextNetwork:
    """VGG19 without padding on a device: what it answers stays there.

    Parameters
    ----------
    layers : sequence of str
        Layers that are measured.
    device : Device
        With the precision in which convolutions multiply.
    random_seed : int, optional
        Random weights of this seed instead of the trained ones.

    Attributes
    ----------
    halo : int
        Pixels of true context that a picture needs on each side: 70 for ``block5_conv1``.
    strides : dict
        Of each layer that is measured: pixels between its positions.
    alone : lock
        Held while a picture is on the device: another thread prepares the next one meanwhile.
    """

    on_device = True

    def __init__(self, layers: Sequence[str], device: Device, random_seed: int | None = None) -> None:
        torch = load_torch(f"the device {device.name}", "gpu")
        self.layers, self.device, self.random_seed = tuple(layers), device, random_seed
        dtype = torch.bfloat16 if device.precision == "bfloat16" else torch.float32
        self._network = TorchVGG19(layers, None, dtype, device=device.name, random_seed=random_seed)
        self._chains = block_chains(layers)
        self._margins = margins([len(chain) for chain in self._chains])
        self.halo = self._margins[0]
        self.strides = {
            layer: 1 << level
            for level, chain in enumerate(self._chains)
            for layer in chain
            if layer in layers
        }
        self.alone = threading.Lock()
        compiled = device.precision == "bfloat16" and device.is_cuda and find_spec("triton") is not None
        self._blocks = [
            torch.compile(self._block_of(level), dynamic=True) if compiled else self._block_of(level)
            for level in range(len(self._chains))
        ]

    @property
    def name(self) -> str:
        """The network, with the hash of its weights, and where it runs."""
        return f"VGG19 ({weights_name(self.random_seed)}), {self.device.words}, true context"

    def rows_at_once(self, columns: int) -> int:
        """Rows of a picture of so many columns that fit into memory together."""
        free = PROCESSOR_BYTES
        if self.device.is_cuda:
            torch = load_torch(f"the device {self.device.name}", "gpu")
            free = int(torch.cuda.mem_get_info(self._network.device)[0] * SHARE)
        rows = free // (BYTES_PER_PIXEL * (columns + 2 * self.halo))
        return max(rows // BAND_STEP * BAND_STEP, BAND_STEP)

    def brought(self, array: Numbers) -> Any:
        """Copy an array to the device."""
        torch = load_torch(f"the device {self.device.name}", "gpu")
        return torch.asarray(np.ascontiguousarray(array, dtype=np.float32), device=self._network.device)

    def answers(self, rgb: Numbers) -> Iterator[tuple[str, Any]]:
        """Answer to a picture with its context, without it.

        Parameters
        ----------
        rgb : float32 array (rows + 2 halo, columns + 2 halo, 3)
            Rows and columns multiples of the deepest stride.

        Yields
        ------
        str, tensor (channels, y, x)
            Each layer in the order of the network; in the precision of the network.
        """
        rows, columns = (side - 2 * self.halo for side in rgb.shape[:2])
        below = self._network.prepared(self.brought(rgb))
        for level, chain in enumerate(self._chains):
            with without_gradients(self.device):
                *taps, below = self._blocks[level](below)
            y, x = rows >> level, columns >> level
            for layer, answer in zip([each for each in chain if each in self.layers], taps, strict=True):
                # Each convolution took one position of the context away.
                left = self._margins[level] - 1 - chain.index(layer)
                yield layer, answer[0, :, left : left + y, left : left + x]
            del taps

    def _block_of(self, level: int) -> Any:
        """From the entrance of a block to its layers that are measured and what goes on."""
        chain, last = self._chains[level], level == len(self._chains) - 1

        def block(below: Any) -> tuple[Any, ...]:
            taps = []
            for layer in chain:
                below = self._network.convolved(layer, below)
                if layer in self.layers:
                    taps.append(below)
            return (*taps, below if last else self._network.pooled(below))

        return block


@contextmanager
def without_gradients(device: Device) -> Iterator[None]:
    """Compute on a device in its precision, and keep nothing for gradients."""
    torch = load_torch(f"the device {device.name}", "gpu")
    short = device.precision == "tf32"
    with _SETTINGS, torch.no_grad(), torch.backends.cudnn.flags(enabled=True, allow_tf32=short):
        yield

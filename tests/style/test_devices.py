"""Tests of where the network runs: PyTorch's answers on a device against those of ONNX Runtime."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from skykin.cli.main import app
from skykin.core.errors import ResourceError, UsageError
from skykin.core.settings import MapSettings
from skykin.style.network import choice, devices
from skykin.style.network.choice import context_network, network_like, same_network, settings_like
from skykin.style.network.devices import Device, chosen_device, missing_device

ON_PROCESSOR = Device("cpu", "float32")
ORT = "VGG19 (Keras no-top weights, sha256 75017f7a…), true context"
TF32 = "VGG19 (Keras no-top weights, sha256 75017f7a…), TensorFloat-32 on CUDA (PyTorch), true context"


def test_pytorch_is_not_loaded_unless_a_device_is_asked_for():
    code = (
        "import sys, numpy as np, skykin; from skykin.jobs import map, index; "
        "from skykin.style.network.choice import context_network; "
        "context_network(('block1_conv1',)); print('torch' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ran.stdout == "False\n"


def test_a_device_that_is_not_there_is_told_with_the_way_out(monkeypatch):
    monkeypatch.setattr(devices, "has_torch", lambda: False)
    with pytest.raises(
        ResourceError, match=r'needs PyTorch.*`pip install "skykin\[gpu\]"`, or use --device c'
    ) as e:
        context_network(("block1_conv1",), device="cuda")
    assert e.value.code == "RS-EXTRA"
    assert not context_network(("block1_conv1",), device="auto").on_device
    told = CliRunner().invoke(app, ["doctor"]).stdout
    assert "graphics card none" in " ".join(told.split())


def test_float16_is_refused_with_the_reason():
    with pytest.raises(UsageError, match="float16 is refused, because the squares of features overflow in"):
        MapSettings(precision="float16")
    with pytest.raises(UsageError, match="precision is 'half-way', but it must be float32 or tf32"):
        MapSettings(precision="half-way")


def test_what_is_asked_for_becomes_one_device_with_one_precision(monkeypatch):
    monkeypatch.setattr(devices, "missing_device", lambda: None)
    assert chosen_device("cpu", None, fast=True) is None
    assert chosen_device("cuda", None, fast=False) == Device("cuda", "tf32")
    assert chosen_device("auto", "float32", fast=False) == Device("cuda", "float32")
    assert chosen_device("cuda", None, fast=True) == Device("cuda", "bfloat16")
    with pytest.raises(UsageError, match="the processor has no precision tf32; leave it out, or"):
        chosen_device("cpu", "tf32", fast=False)
    with pytest.raises(UsageError, match="runs in bfloat16; leave out --fast or --precision float32"):
        chosen_device("cuda", "float32", fast=True)


def test_provenance_asks_for_a_device_only_where_there_is_one():
    assert MapSettings(device="cuda").told()["device"] == "auto"
    assert MapSettings().told()["device"] == "cpu"
    assert Device("cuda", "tf32").words == "TensorFloat-32 on CUDA (PyTorch)"


def test_an_index_that_a_device_made_is_asked_on_the_processor_where_there_is_none(monkeypatch):
    monkeypatch.setattr(choice, "missing_device", lambda: ResourceError("none"))
    assert settings_like(TF32) == (False, "cuda", None)
    assert settings_like(TF32.replace("TensorFloat-32", "float32")) == (False, "cuda", "float32")
    assert settings_like(TF32.replace("TensorFloat-32", "bfloat16")) == (True, "cuda", None)
    assert settings_like(ORT) == (False, "cpu", None)
    network = network_like(TF32, ("block1_conv1",))
    assert network.name == ORT
    assert same_network(network.name, TF32)
    assert not same_network(ORT, ORT.replace("75017f7a", "01234567"))
    assert not same_network(TF32, ORT.replace("75017f7a", "01234567"))
    assert not same_network(ORT, ORT.replace("), ", "), bfloat16 (OpenVINO 2026.1), "))


@pytest.mark.generate
def test_why_no_device_can_be_used_is_one_sentence():
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("here is a CUDA device")
    assert str(missing_device()).endswith("; use --device cpu")
    assert missing_device().code == "RS-DEVICE"

"""Skykin makes no connection that nobody asked for, and leaves nothing in the home folder but its cache."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

import skykin

SOURCE = Path(skykin.__file__).parent
#: Loaded by each Python process of the run, where its system calls cannot be traced.
HOOK = """
import sys
def told(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        with open({log!r}, "a") as log:
            log.write(f"{{event}} AF_INET {{arguments}}\\n")
sys.addaudithook(told)
"""
NETWORK = "from skykin.style.network.vgg19 import VGG19Encoder; import numpy; "
NETWORK += "VGG19Encoder(['block1_conv1'])(numpy.zeros((32, 32, 3), 'f4'))"
FAST = "from skykin.style.network.blocks import block_network; import numpy; "
FAST += "block_network(('block1_conv1',), fast=True).blocks[0](numpy.zeros((1, 3, 40, 40), 'f4'))"


def permitted(*command):
    """Whether a program is there and may do this here."""
    return bool(shutil.which(command[0])) and not subprocess.run(command, check=False).returncode


def watched(arguments, folder):
    """Run Python without a network in an empty home; give attempts to connect, and the files in the home."""
    home, log = folder / "home", folder / "calls.txt"
    home.mkdir()
    (folder / "sitecustomize.py").write_text(HOOK.format(log=str(log)))
    command = [sys.executable, *arguments]
    if permitted("strace", "-o", os.devnull, "true"):
        command = ["strace", "-f", "-qq", "-e", "trace=socket,connect,sendto", "-o", str(log), *command]
    if permitted("unshare", "-rn", "true"):
        command = ["unshare", "-rn", *command]
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "SYSTEMROOT") if name in os.environ}
    paths = os.pathsep.join([str(folder), str(SOURCE.parent)])
    places = {"HOME": str(home), "USERPROFILE": str(home), "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=kept | places, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    calls = log.read_text().splitlines() if log.exists() else []
    found = {path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file()}
    return [call for call in calls if "AF_INET" in call], found


def test_the_network_runtime_neither_connects_nor_leaves_a_file(tmp_path):
    assert watched(["-c", NETWORK], tmp_path) == ([], set())


@pytest.mark.extra
@pytest.mark.slow
def test_the_fast_runtime_neither_connects_nor_leaves_a_file(tmp_path):
    pytest.importorskip("openvino")
    assert watched(["-c", FAST], tmp_path) == ([], set())


def test_the_fast_runtime_finds_no_telemetry_whatever_is_installed(tmp_path):
    for name in ("openvino", "openvino_telemetry"):
        (tmp_path / f"{name}.py").write_text("import openvino_telemetry\n" * (name == "openvino"))
    start = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from skykin.style.network import fast_runtime; "
    )
    told = subprocess.run(
        [sys.executable, "-c", start + "fast_runtime.load_openvino()"],
        env=os.environ | {"PYTHONPATH": str(SOURCE.parent)},
        capture_output=True,
        text=True,
        check=False,
    ).stderr
    assert "import of openvino_telemetry halted; None in sys.modules" in told


@pytest.mark.slow
def test_a_map_neither_connects_nor_leaves_a_foreign_file(tmp_path):
    header = fits.Header(
        {"CTYPE1": "GLON-CAR", "CTYPE2": "GLAT-CAR", "CRVAL1": 80.0, "CRVAL2": 0.0}
        | {"CRPIX1": 50.5, "CRPIX2": 40.5, "CDELT1": -0.2, "CDELT2": 0.2}
    )
    sky = np.random.default_rng(0).normal(50, 5, (80, 100)).astype("f4")
    fits.PrimaryHDU(sky, header).writeto(tmp_path / "i.fits")
    options = ["--survey", "i.fits", "-r", "80,0", "--pixels", "64", "-o", "out", "-q"]
    attempts, left = watched(["-m", "skykin", "map", *options], tmp_path)
    assert attempts == []
    assert {
        name for name in left if not name.startswith((".cache/skykin/", "Library/Caches/skykin/"))
    } == set()
    assert (tmp_path / "out" / "summary.json").is_file()


def test_only_one_file_loads_each_network_runtime():
    loading = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "import_module":
                names += [str(each.value) for each in node.args if isinstance(each, ast.Constant)]
            for runtime in {name.partition(".")[0] for name in names} & {"onnxruntime", "openvino"}:
                loading.add((runtime, path.relative_to(SOURCE).as_posix()))
    assert loading == {
        ("onnxruntime", "style/network/runtime.py"), ("openvino", "style/network/fast_runtime.py"),
    }  # fmt: skip

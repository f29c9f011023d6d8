"""Tests of the dot products of signatures: the compiled kernel against NumPy, and life without a compiler."""

import importlib.util
import platform
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from skykin.indexing import dots
from skykin.indexing.dots import Kernel, product, products

ROOT = Path(__file__).parents[2]
LANES = {"x86_64": (16, 8), "aarch64": (4,)}


@pytest.fixture(scope="module")
def build():
    spec = importlib.util.spec_from_file_location("build_kernel", ROOT / "tools" / "build_kernel.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool


@pytest.fixture(scope="module")
def library(build, tmp_path_factory):
    """The kernel, compiled from its source."""
    folder = tmp_path_factory.mktemp("kernel")
    shutil.copy(ROOT / "src" / "skykin" / "indexing" / "dots.c", folder)
    try:
        build.build(folder)
    except build.CannotCompileError as error:
        pytest.skip(str(error))
    return dots.ctypes.CDLL(str(folder / dots.library_name()))


@pytest.fixture
def no_kernel(monkeypatch):
    monkeypatch.setattr(dots, "_kernel", lambda: None)


def unit_rows(random, count, width):
    rows = random.normal(size=(count, width))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def truth(rows, vectors, ends):
    wide, begins = rows.astype(np.float64), [0, *ends[:-1]]
    parts = [wide[:, a:b] @ vectors[:, a:b].astype(float).T for a, b in zip(begins, ends, strict=True)]
    return np.stack(parts, axis=1)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 23), st.integers(1, 9), st.lists(st.integers(1, 70), min_size=1, max_size=4), st.data())
def test_the_kernel_adds_up_every_segment_of_every_row_for_every_vector(library, count, many, widths, data):
    if not library.lanes():
        pytest.skip("this processor has no fast instructions")
    ends = np.cumsum(widths)
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    rows = unit_rows(random, count, ends[-1]).astype(np.float16)
    vectors = unit_rows(random, many, ends[-1]).astype(np.float32)
    for lanes in (each for each in LANES.get(platform.machine(), ()) if each <= library.lanes()):
        found = np.full((count, len(ends), many), np.nan, np.float32)
        Kernel(library, lanes)(rows, vectors, ends.astype(np.int64), found)
        assert_allclose(found, truth(rows, vectors, ends), atol=1e-6)


def test_every_half_is_read_as_the_same_number(library):
    if not library.lanes():
        pytest.skip("this processor has no fast instructions")
    bits = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    halves = bits[np.isfinite(bits)].reshape(-1, 1)
    found = np.empty((len(halves), 1, 1), np.float32)
    one = np.ones((1, 1), np.float32)
    Kernel(library, library.lanes())(halves, one, np.array([1]), found)
    assert_array_equal(found[:, 0, 0], halves[:, 0].astype(np.float32))


def test_cosines_with_and_without_the_kernel_differ_by_at_most_a_millionth(library, monkeypatch):
    random = np.random.default_rng(0)
    rows = unit_rows(random, 3000, 640).astype(np.float16)
    vectors, ends = unit_rows(random, 5, 640), (128, 256, 640)
    monkeypatch.setattr(dots, "_kernel", lambda: None)
    slow = products(rows, vectors, ends)
    monkeypatch.setattr(dots, "_kernel", lambda: Kernel(library, library.lanes()))
    quick = products(rows, vectors, ends)
    assert slow.shape == quick.shape == (3000, 3, 5)
    assert_allclose(quick, slow, atol=1e-6)
    assert_allclose(quick, truth(rows, vectors, ends), atol=1e-6)


def test_any_number_of_threads_gives_the_same_numbers(monkeypatch):
    monkeypatch.setattr(dots, "NUMBERS_A_THREAD", 1000)
    random = np.random.default_rng(0)
    rows, vectors = unit_rows(random, 1001, 30).astype(np.float16), unit_rows(random, 3, 30)
    assert_array_equal(products(rows, vectors, workers=3), products(rows, vectors))


def test_rows_without_numbers_stay_so_and_others_do_not_notice(tmp_path):
    rows = unit_rows(np.random.default_rng(0), 9, 24).astype(np.float16)
    rows[7] = np.nan
    np.save(tmp_path / "rows.npy", rows)
    found = product(np.load(tmp_path / "rows.npy", mmap_mode="r"), np.ones(24))
    assert np.flatnonzero(np.isnan(found)).tolist() == [7]


def test_columns_of_larger_rows_and_single_precision_are_multiplied_too():
    rows, vector = unit_rows(np.random.default_rng(0), 9, 24), np.arange(10.0)
    halves = rows.astype(np.float16)
    assert_allclose(product(halves[:, 4:14], vector), halves[:, 4:14].astype(float) @ vector, atol=1e-5)
    assert_allclose(product(rows.astype(np.float32)[:, :10], vector), rows[:, :10] @ vector, atol=1e-5)
    assert products(halves[:0], np.ones((2, 24))).shape == (0, 1, 2)


def test_a_machine_without_the_compiled_file_says_so(monkeypatch, no_kernel):
    assert dots.how_compared() == "NumPy and ONNX Runtime; a C compiler at the installation makes it faster"


def test_the_file_is_named_after_system_and_processor(build):
    assert dots.library_name("linux", "x86_64") == "dots-linux-x86_64.so"
    assert dots.library_name("darwin", "arm64") == "dots-darwin-aarch64.dylib"
    assert dots.library_name("win32", "AMD64") == "dots-win32-x86_64.dll"
    for each in (*build.PLATFORMS, (sys.platform, platform.machine())):
        assert build.library_name(*each) == dots.library_name(*each)


def test_without_a_compiler_the_build_says_what_is_missing(build, tmp_path, monkeypatch):
    monkeypatch.setattr(build.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("CC", "no-such-compiler -O1")
    with pytest.raises(build.CannotCompileError, match="there is no C compiler no-such-compiler"):
        build.build(tmp_path)

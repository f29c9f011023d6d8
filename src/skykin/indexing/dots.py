"""Dot products of many rows in half precision with few vectors, in one pass over memory."""

from __future__ import annotations

import ctypes
import platform
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from skykin.core.shapes import Numbers
from skykin.style.network.halves import widened

#: Numbers below which a second thread costs more than it saves.
NUMBERS_A_THREAD = 4_000_000
SUFFIXES = {"win32": "dll", "darwin": "dylib"}


def products(
    rows: Numbers, vectors: Numbers, ends: Sequence[int] | None = None, *, workers: int = 1
) -> Numbers:
    """Dot products of rows with vectors, segment by segment.

    The compiled kernel widens and adds up in registers.  Where it is not there, rows are widened piece by
    piece and multiplied by NumPy, which takes two to three times as long; the numbers differ by rounding.

    Parameters
    ----------
    rows : float16 or float32 array (n, width)
        May be mapped from disk; it is read once.
    vectors : float array (m, width)
    ends : sequence of int, optional
        Where segments of the columns end, such as those of a layer; one segment if left out.
    workers : int
        Threads.

    Returns
    -------
    float32 array (n, segments, m)
    """
    wanted = np.ascontiguousarray(vectors, np.float32)
    stops = np.asarray([rows.shape[1]] if ends is None else ends, np.int64)
    found = np.empty((len(rows), len(stops), len(wanted)), np.float32)
    kernel = _kernel()
    if kernel is None or rows.dtype != np.float16 or not rows.flags.c_contiguous or not rows.size:
        _by_numpy(rows, wanted, stops, found)
        return found
    threads = max(1, min(workers, rows.size // NUMBERS_A_THREAD))
    borders = np.linspace(0, len(rows), threads + 1).astype(int)

    def part(start: int, stop: int) -> None:
        kernel(rows[start:stop], wanted, stops, found[start:stop])

    if threads == 1:
        part(0, len(rows))
        return found
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(part, borders[:-1], borders[1:]))
    return found


def product(rows: Numbers, vector: Numbers) -> Numbers:
    """Dot products of rows with one vector: float32 (n,)."""
    return products(rows, np.asarray(vector)[None])[:, 0, 0]


def _by_numpy(rows: Numbers, vectors: Numbers, stops: Numbers, found: Numbers) -> None:
    begins = [0, *stops[:-1]]
    columns = [slice(begin, stop) for begin, stop in zip(begins, stops, strict=True)]
    turned = [np.ascontiguousarray(vectors[:, own].T) for own in columns]
    for part, wide in widened(rows):
        for number, (own, wanted) in enumerate(zip(columns, turned, strict=True)):
            found[part, number] = wide[:, own] @ wanted


class Kernel:
    """The compiled kernel, dots.c.

    Parameters
    ----------
    library : ctypes.CDLL
    lanes : int
        Numbers that are multiplied at a time.
    """

    def __init__(self, library: Any, lanes: int) -> None:
        self.lanes = lanes
        self._products = library.products
        address, count = ctypes.c_void_p, ctypes.c_int64
        self._products.argtypes = (
            address, count, count, address, count, address, count, address, ctypes.c_int,
        )  # fmt: skip
        self._products.restype = None

    def __call__(self, rows: Numbers, vectors: Numbers, stops: Numbers, found: Numbers) -> None:
        """Fill `found` (n, segments, m)."""
        self._products(
            rows.ctypes.data, *rows.shape, stops.ctypes.data, len(stops),
            vectors.ctypes.data, len(vectors), found.ctypes.data, self.lanes,
        )  # fmt: skip


def library_name(system: str = sys.platform, machine: str = "") -> str:
    """Name of the compiled kernel for an operating system and a processor."""
    kind = (machine or platform.machine()).lower()
    kind = {"amd64": "x86_64", "arm64": "aarch64"}.get(kind, kind)
    return f"dots-{system}-{kind}.{SUFFIXES.get(system, 'so')}"


@cache
def _kernel() -> Kernel | None:
    """Load the compiled kernel; None where there is none, or this processor has no fast instructions."""
    path = Path(__file__).with_name(library_name())
    if not path.is_file():
        return None
    try:
        library = ctypes.CDLL(str(path))
    except OSError:  # such as one for another C library
        return None
    lanes = int(library.lanes())
    return Kernel(library, lanes) if lanes else None


def how_compared() -> str:
    """Say by what signatures are compared on this machine."""
    kernel = _kernel()
    if kernel is None:
        return "NumPy and ONNX Runtime; a C compiler at the installation makes it faster"
    return f"compiled kernel, {kernel.lanes} numbers at a time"

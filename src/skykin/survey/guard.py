"""Untrusted files are read in a child process, which may die without harm.

A mutated compressed FITS file, or the overflow that is open in wcslib, ends the whole interpreter.  So the
libraries that parse run in a child with bounded memory and time; numbers come back as plain ``.npy`` files
and JSON, never as pickles.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from skykin.core import errors
from skykin.core.errors import CorruptFileError, ResourceError, SkykinError, TooLargeError, shown
from skykin.core.shapes import Numbers

GIBIBYTE = 1 << 30
REQUEST, ANSWER = "request.json", "answer.json"
#: A child's answer is facts about a file, not its data.
LONGEST_ANSWER_BYTES = 64 << 20
CPU_SIGNALS = {"SIGXCPU"}
FILE_SIZE_SIGNALS = {"SIGXFSZ"}


@dataclass(frozen=True)
class Limits:
    """What a child may use.

    Parameters
    ----------
    memory_bytes : int
        Address space; enforced where the platform has ``RLIMIT_AS``.
    seconds : float
        Time on the clock, and of the processor.
    result_bytes : int
        Largest file that it may write.
    """

    memory_bytes: int = 4 * GIBIBYTE
    seconds: float = 120.0
    result_bytes: int = 16 * GIBIBYTE


@dataclass(frozen=True, eq=False)
class Parsed:
    """What a child found in a file."""

    facts: dict[str, Any]
    folder: Path

    def array(self, name: str) -> Numbers:
        """Return an array that the child saved as ``name.npy``: memory-mapped, its file unlinked."""
        path = self.folder / f"{name}.npy"
        array: Numbers = np.load(path, mmap_mode="r", allow_pickle=False)
        if os.name != "nt":  # there an open file keeps its name until it is closed
            path.unlink()
        return array


@contextmanager
def guarded(
    task: str, path: Path, arguments: Mapping[str, Any] | None = None, *, limits: Limits | None = None
) -> Iterator[Parsed]:
    """Run a function on a file in a child process.

    Parameters
    ----------
    task : str
        ``"skykin.survey.module:function"``; it is called as ``function(path, folder, **arguments)``, saves
        arrays as ``folder / "name.npy"`` and returns facts that JSON can hold.
    path : Path
        File or folder to read.
    arguments : dict, optional
        Values that JSON can hold.
    limits : Limits, optional

    Yields
    ------
    Parsed
        The facts, and the arrays while the block lasts; mapped arrays stay valid after it.

    Raises
    ------
    SkykinError
        As the function raised it.
    CorruptFileError
        ``IN-PARSER-CRASH`` naming the signal, ``IN-TIMEOUT``, or ``IN-CORRUPT`` for any other error of a
        library.
    TooLargeError
        ``IN-BOMB`` if it needs more memory than allowed, ``IN-TOOBIG`` if its result is too large.
    """
    limits = limits or Limits()
    with tempfile.TemporaryDirectory(prefix="skykin-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        request = {
            "task": task,
            "path": str(path.absolute()),
            "arguments": dict(arguments or {}),
            "limits": [limits.memory_bytes, limits.seconds, limits.result_bytes],
        }
        (folder / REQUEST).write_text(json.dumps(request), encoding="utf-8")
        status = _run(folder, path.name, limits)
        yield Parsed(_answer(folder, path.name, status, limits), folder)


def _run(folder: Path, name: str, limits: Limits) -> int:
    """Start the child and wait; return its exit status."""
    # One thread each: a pool of threads would use up the address space.
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    child = subprocess.Popen(
        [sys.executable, "-m", "skykin.survey.guard_child", str(folder)],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        return child.wait(limits.seconds)
    except subprocess.TimeoutExpired as error:
        raise _too_slow(name, limits) from error
    finally:
        if child.poll() is None:  # too slow, or we are interrupted
            child.kill()
            child.wait()


def _answer(folder: Path, name: str, status: int, limits: Limits) -> dict[str, Any]:
    if status < 0:
        raise _crashed(name, -status, limits)
    path = folder / ANSWER
    if status != 0 or not path.is_file() or path.stat().st_size > LONGEST_ANSWER_BYTES:
        raise CorruptFileError(
            f"the reader of {shown(name)} ended with status {status} and no answer; get the file again",
            code="IN-PARSER-CRASH",
        )
    answer: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if "error" in answer:
        raise _as_raised(answer["error"])
    facts: dict[str, Any] = answer["facts"]
    return facts


def _as_raised(told: dict[str, str]) -> SkykinError:
    kind = getattr(errors, told["class"], CorruptFileError)
    error: SkykinError = kind(told["sentence"], code=told["code"])
    return error


def _crashed(name: str, number: int, limits: Limits) -> SkykinError:
    try:
        called = signal.Signals(number).name
    except ValueError:
        called = f"signal {number}"
    if called in CPU_SIGNALS:
        return _too_slow(name, limits)
    if called in FILE_SIZE_SIGNALS:
        return TooLargeError(
            f"{shown(name)} unpacks to more than {limits.result_bytes / GIBIBYTE:.3g} GiB, the limit; give a "
            "smaller file"
        )
    return CorruptFileError(
        f"{shown(name)} made the library that reads it crash ({called}), so its bytes are damaged or made to "
        "harm; Skykin itself is unhurt: get the file again",
        code="IN-PARSER-CRASH",
    )


def _too_slow(name: str, limits: Limits) -> CorruptFileError:
    return CorruptFileError(
        f"{shown(name)} was not read within {limits.seconds:g} s; get the file again or give a smaller one",
        code="IN-TIMEOUT",
    )


def no_space(name: str, error: OSError) -> ResourceError:
    """Say that the place for temporary files is full."""
    return ResourceError(
        f"there is no room to unpack {shown(name)} ({error.strerror}); free some space or set TMPDIR to "
        "another folder"
    )

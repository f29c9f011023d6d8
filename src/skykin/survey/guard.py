"""Untrusted files are read in a child process, which may die without harm.

A mutated compressed FITS file, or the overflow that is open in wcslib, ends the whole interpreter.  So the
libraries that parse run in a child with bounded memory and time; numbers come back as plain ``.npy`` files
and JSON, never as pickles.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from skykin.core import errors
from skykin.core.errors import CorruptFileError, ResourceError, SkykinError, TooLargeError, shown
from skykin.core.scratch import TemporaryFolder
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
        try:
            array: Numbers = np.load(path, mmap_mode="r", allow_pickle=False)
        except (
            ValueError,
            EOFError,
        ) as error:  # `save` tells no error at its last bytes
            raise no_space(path.name, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))) from error
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
    with TemporaryFolder() as folder:
        request = {
            "task": task,
            "path": str(path.absolute()),
            "arguments": dict(arguments or {}),
            "limits": [limits.memory_bytes, limits.seconds, limits.result_bytes],
        }
        try:
            (folder / REQUEST).write_text(json.dumps(request), encoding="utf-8")
        except OSError as error:
            raise no_space(path.name, error) from error
        status = _run(folder, path.name, limits)
        yield Parsed(_answer(folder, path.name, status, limits), folder)


class ReadyProcess:
    """A process of `guard_child` that has its libraries loaded and forks a child for each file."""

    def __init__(self) -> None:
        self._python = _python_variables()
        self._process = _start([], subprocess.PIPE)

    @property
    def is_fit(self) -> bool:
        """Whether it lives, and would load the same modules as a new one."""
        return self._process.poll() is None and self._python == _python_variables()

    def run(self, folder: Path, seconds: float) -> int | None:
        """Let a child do what `folder` asks; return its exit status, or None if it took too long."""
        to, back = self._process.stdin, self._process.stdout
        assert to is not None and back is not None  # noqa: S101, PT018 - both are pipes
        child = None
        try:
            to.write(json.dumps(str(folder)).encode() + b"\n")
            child = int(back.readline())
            in_time = bool(select.select([back], [], [], seconds)[0])
            if not in_time:
                os.kill(child, signal.SIGKILL)
            status = int(back.readline())
        except BaseException as error:  # we are interrupted, or the process was killed
            if child is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
            self.end()
            if isinstance(error, ValueError | BrokenPipeError):
                return -signal.SIGKILL
            raise
        return status if in_time else None

    def end(self) -> None:
        """End it; it does so by itself when this process is gone."""
        with self._process:
            self._process.kill()

    def forget(self) -> None:
        """Take it as another process's: after a fork it is the parent's."""
        self._process.returncode = 0
        with self._process:
            pass  # closes our ends of its pipes


#: Those that wait for work; threads take one each.
_ready: list[ReadyProcess] = []


def _run(folder: Path, name: str, limits: Limits) -> int:
    """Let a child do what `folder` asks; return its exit status."""
    if not sys.platform.startswith("linux"):
        return _run_alone(folder, name, limits)
    process = None
    while process is None or not process.is_fit:
        if process is not None:
            process.end()
        try:
            process = _ready.pop()
        except IndexError:
            process = ReadyProcess()
    status = process.run(folder, limits.seconds)
    _ready.append(process)
    if status is None:
        raise _too_slow(name, limits)
    return status


def _run_alone(folder: Path, name: str, limits: Limits) -> int:
    """Do the same with a new process, where forking is not safe."""
    child = _start([str(folder)], subprocess.DEVNULL)
    try:
        return child.wait(limits.seconds)
    except subprocess.TimeoutExpired as error:
        raise _too_slow(name, limits) from error
    finally:
        if child.poll() is None:  # too slow, or we are interrupted
            child.kill()
            child.wait()


def _start(arguments: list[str], pipe: int) -> subprocess.Popen[bytes]:
    # One thread each: a pool of threads would use up the address space.
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    # -P: a module in the folder where somebody keeps files that others sent is not loaded.
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "skykin.survey.guard_child", *arguments],
        env=environment,
        bufsize=0,
        stdin=pipe,
        stdout=pipe,
        stderr=subprocess.DEVNULL,
        process_group=None if os.name == "nt" else 0,  # Ctrl-C at a terminal is for this process alone
    )


def _python_variables() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("PYTHON")}


@atexit.register
def _end_all() -> None:
    while _ready:
        _ready.pop().end()


def _forget_all() -> None:
    while _ready:
        _ready.pop().forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)


def _answer(folder: Path, name: str, status: int, limits: Limits) -> dict[str, Any]:
    path = folder / ANSWER
    if status != 0 and (given := memory_limit()) is not None and given < limits.memory_bytes:
        raise too_little_memory(name)  # or a crash: with so little memory the two look alike
    if status < 0:
        raise _crashed(name, -status, limits)
    if status != 0 or not path.is_file() or path.stat().st_size > LONGEST_ANSWER_BYTES:
        raise CorruptFileError(
            f"the reader of {shown(name)} ended with status {status} and no answer; the file is damaged, or "
            "the machine has too little memory",
            code="IN-PARSER-CRASH",
        )
    answer: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if "error" in answer:
        raise _as_raised(answer["error"])
    facts: dict[str, Any] = answer["facts"]
    return facts


def _as_raised(told: dict[str, str]) -> SkykinError:
    kind = getattr(errors, told["class"], None)
    if not (isinstance(kind, type) and issubclass(kind, SkykinError)):
        kind = CorruptFileError
    return kind(str(told["sentence"]), code=str(told["code"]))


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
        "harm; Skykin itself is unhurt: give an intact copy",
        code="IN-PARSER-CRASH",
    )


def _too_slow(name: str, limits: Limits) -> CorruptFileError:
    return CorruptFileError(
        f"{shown(name)} was not read within {limits.seconds:g} s, the limit; give a smaller or simpler one",
        code="IN-TIMEOUT",
    )


def memory_limit() -> int | None:
    """Bytes of address space that this process may use; None where there is no limit or none is known."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return None
    found = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if found == resource.RLIM_INFINITY else found


def too_little_memory(name: str) -> ResourceError:
    """Say that this process has less memory than a file may need."""
    return ResourceError(
        f"there is too little memory to read {shown(name)}; end other programs, or raise the limit "
        "(ulimit -v)",
        code="RS-MEM",
    )


def no_space(name: str, error: OSError) -> ResourceError:
    """Say that the place for temporary files is full."""
    return ResourceError(
        f"there is no room to unpack {shown(name)} ({error.strerror}); free some space or set TMPDIR to "
        "another folder"
    )

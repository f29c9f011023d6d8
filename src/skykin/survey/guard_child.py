"""The child process of `guard`: reads one file within its limits and writes what it found.

Loading astropy takes ten times as long as reading a header with it.  So, where processes can be forked, one
of them stays ready with what it has loaded, and forks the child for each file.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import math
import os
import select
import signal
import sys
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

from skykin.core.errors import CorruptFileError, SkykinError, TooLargeError, lacks_memory, shown
from skykin.survey.confine import confine
from skykin.survey.guard import ANSWER, GIBIBYTE, REQUEST, memory_limit, no_space, too_little_memory

PR_SET_PDEATHSIG = 1


def main(folder: Path) -> None:
    """Do what the request in `folder` asks, and leave the answer there."""
    request = json.loads((folder / REQUEST).read_text(encoding="utf-8"))
    path = Path(request["path"])
    memory_bytes, seconds, result_bytes = request["limits"]
    _limit(memory_bytes, seconds, result_bytes)
    given = memory_limit()
    confine([path], folder)
    warnings.simplefilter("ignore")  # what must be known of a file is checked, not warned about
    try:
        answer = {"facts": _work(request["task"], path, folder, request["arguments"])}
    except SkykinError as error:
        answer = _told(error)
    except BaseException as error:  # a panic of a Rust library is no Exception
        answer = _told(_explained(path, error, memory_bytes, given))
    (folder / ANSWER).write_text(json.dumps(answer), encoding="utf-8")


def _work(task: str, path: Path, folder: Path, arguments: dict[str, Any]) -> Any:
    module, function = task.split(":")
    if not module.startswith("skykin.survey."):
        raise ValueError(task)
    return getattr(import_module(module), function)(path, folder, **arguments)


def _explained(path: Path, error: BaseException, wanted_bytes: int, given_bytes: int | None) -> SkykinError:
    if lacks_memory(error):
        if given_bytes is not None and given_bytes < wanted_bytes:
            return too_little_memory(path.name)
        return TooLargeError(
            f"reading {shown(path.name)} needs more than {wanted_bytes / GIBIBYTE:.3g} GiB of memory, "
            "which is the limit; give a smaller file",
            code="IN-BOMB",
        )
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return no_space(path.name, error)
    if isinstance(error, OSError) and error.errno == errno.EFBIG:
        return TooLargeError(f"{shown(path.name)} unpacks to more than the limit; give a smaller file")
    return CorruptFileError(
        f"{shown(path.name)} cannot be read: {type(error).__name__}: {shown(error)}; it is damaged, or of a "
        "kind that is not read",
        code="IN-CORRUPT",
    )


def _told(error: SkykinError) -> dict[str, Any]:
    return {"error": {"class": type(error).__name__, "sentence": str(error), "code": error.code}}


def _limit(memory_bytes: int, seconds: float, result_bytes: int) -> None:
    """Bound this process where the platform can; Windows has the parent's clock only."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return
    processor = math.ceil(seconds)
    for kind, value in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, processor),
        (resource.RLIMIT_FSIZE, result_bytes),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(ValueError, OSError):  # a harder limit is already set
            resource.setrlimit(kind, (value, value))


def serve() -> None:
    """Fork a child for each folder named on standard input; write its number, then its exit status.

    Standard input ends with the process that started this one; then this one ends, and with it its child.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who requested a child ends it
    answers, me = os.dup(sys.stdout.fileno()), os.getpid()
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    while line := sys.stdin.readline():
        folder = Path(json.loads(line))
        _load(folder)
        child = os.fork()
        if child == 0:
            status = 1
            with contextlib.suppress(BaseException):
                _end_with(me)
                os.close(answers)
                main(folder)
                status = 0
            os._exit(status)
        os.write(answers, b"%d\n" % child)
        os.write(answers, b"%d\n" % _status_of(child))


def _end_with(parent: int) -> None:
    """Have this process killed when its parent ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _status_of(child: int) -> int:
    """Wait for the child, or kill it as soon as nobody waits for its answer any more."""
    with contextlib.suppress(OSError):  # before Linux 5.3; the child then ends when it is ready
        ended = os.pidfd_open(child)
        either = select.poll()
        either.register(ended, select.POLLIN)
        either.register(sys.stdin.fileno(), 0)  # tells that the other end is closed
        if ended not in dict(either.poll()):
            os.kill(child, signal.SIGKILL)
        os.close(ended)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _load(folder: Path) -> None:
    """Load the module of a task once for all children to come; the child says if it cannot be."""
    module = json.loads((folder / REQUEST).read_text(encoding="utf-8"))["task"].split(":")[0]
    with contextlib.suppress(Exception):
        if module.startswith("skykin.survey."):
            import_module(module)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        serve()

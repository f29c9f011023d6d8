"""Work in a child process that was forked with everything loaded, so that a trial takes milliseconds."""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from skykin.core.errors import SkykinError

#: How a child ends: done, refused in one sentence, or with an error that nobody expected.
DONE, REFUSED, TRACEBACK = 0, 10, 20


@dataclass(frozen=True)
class Child:
    """A child process at work, or stopped before it begins."""

    pid: int

    def go_on(self) -> None:
        """Let it begin."""
        os.kill(self.pid, signal.SIGCONT)

    def ended(self, seconds: float = 120.0) -> int | None:
        """Wait for its exit status, negative for a signal; None if it takes too long and is killed."""
        return self.killed_after(seconds)

    def killed_after(self, seconds: float) -> int | None:
        """Kill it after so many seconds; its exit status if it was ready before."""
        status = self.ended_within(seconds)
        if status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        return status

    def ended_within(self, seconds: float) -> int | None:
        """Its exit status, or None if it is still at work then."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.0005)
        return None


def child(work: Callable[[], object], *, stopped: bool = False) -> Child:
    """Fork a child that does the work; with `stopped` it waits to be continued first."""
    sys.stdout.flush()
    gc.collect()
    pid = os.fork()
    if pid == 0:
        status = TRACEBACK
        try:
            if stopped:
                os.kill(os.getpid(), signal.SIGSTOP)
            work()
            status = DONE
        except (SkykinError, MemoryError):
            status = REFUSED
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    if stopped:
        os.waitpid(pid, os.WUNTRACED)
    return Child(pid)

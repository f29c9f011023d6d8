"""Ctrl-C at any moment, any number of times: the work ends once, in order, and says so once."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from types import FrameType
from typing import Any

#: What comes so soon after a Ctrl-C that is at work is part of it; who waits longer wants it again.
BURST_S = 3.0
#: Exit code of the shell for a command that was interrupted.
INTERRUPTED = 130


class _When(Enum):
    """When Ctrl-C stops the work: as soon as there is some, at once, or no more because it is over."""

    SOON, NOW, NEVER = range(3)


class _Interrupts:
    when = _When.SOON
    came = False
    last_s = -BURST_S

    def handle(self, _: int, frame: FrameType | None) -> None:  # noqa: ARG002 - given by the system
        self.came = True
        if self.when is _When.NOW and time.monotonic() - self.last_s >= BURST_S:
            self.last_s = time.monotonic()
            raise KeyboardInterrupt

    def swallowed(self, lost: Any) -> None:
        """Interrupt again where a finalizer, which can raise nothing, was interrupted."""
        if lost.exc_type is not KeyboardInterrupt:
            sys.__unraisablehook__(lost)
            return
        self.last_s = -BURST_S
        again = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
        again.daemon = True
        again.start()


_interrupts = _Interrupts()


def prepare() -> None:
    """Remember Ctrl-C, or a polite request to stop, from now on; what the shell ignores stays ignored."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupts.handle)
    sys.unraisablehook = _interrupts.swallowed


@contextmanager
def heard() -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt in the block; afterwards the process only leaves."""
    _interrupts.when = _When.NOW
    try:
        if _interrupts.came:
            raise KeyboardInterrupt
        yield
    finally:
        _interrupts.when = _When.NEVER

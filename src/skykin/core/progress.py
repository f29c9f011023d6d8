"""Progress that is not shown: the default in Python."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class SilentCounter:
    """Counts nothing."""

    def advance(self, items: int = 1) -> None:
        """Do nothing."""


class SilentProgress:
    """The default in Python; the command line brings bars."""

    @contextmanager
    def stage(self, title: str, total: int | None, unit: str = "") -> Iterator[SilentCounter]:  # noqa: ARG002
        """Open a stage that shows nothing."""
        yield SilentCounter()

    def say(self, sentence: str) -> None:
        """Say nothing."""


SILENT = SilentProgress()

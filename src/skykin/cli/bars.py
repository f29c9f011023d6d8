"""Progress bars: how far each stage is, how fast it goes, when it will be done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text


class RateColumn(ProgressColumn):
    """Items per second, in the stage's own unit."""

    def render(self, task: Task) -> Text:
        """Draw the rate of one stage."""
        speed = task.finished_speed or task.speed
        return Text(rate(speed, task.fields["unit"]) if speed else "", style="progress.data.speed")


def rate(speed: float, unit: str) -> str:
    """Items per second in three digits, such as ``18.2 tiles/s`` or ``185k pixels/s``."""
    for prefix, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if speed >= size:
            return f"{speed / size:.3g}{prefix} {unit}/s"
    return f"{speed:.3g} {unit}/s"


@dataclass(frozen=True)
class BarCounter:
    """Moves one bar."""

    bars: Progress
    task: TaskID

    def advance(self, items: int = 1) -> None:
        """Move the bar by so many items."""
        self.bars.advance(self.task, items)


class TerminalProgress:
    """One bar per stage on the terminal; one line per stage where the output is no terminal.

    Parameters
    ----------
    console : rich.console.Console
        Where to draw, usually standard error.
    """

    def __init__(self, console: Console) -> None:
        self.console = console

    @contextmanager
    def stage(self, title: str, total: int | None, unit: str = "") -> Iterator[BarCounter]:
        """Show a bar until the stage is over, and leave its last state on the screen."""
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=12),
            MofNCompleteColumn(),
            RateColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self.console,
        ) as bars:
            yield BarCounter(bars, bars.add_task(f"{title:<20}", total=total, unit=unit))

    def say(self, sentence: str) -> None:
        """Print a sentence above the bars."""
        self.console.print(escape(sentence), style="yellow", highlight=False)

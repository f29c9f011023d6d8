"""The bar of a picture in the making: steps, losses, and when it will be done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from skykin.generate.painting import Callback, Step

#: Where the output is no terminal, a line is written every so many per cent of the way.
LINE_EVERY_PERCENT = 10


@contextmanager
def painting_bar(title: str, console: Console, *, quiet: bool = False) -> Iterator[Callback | None]:
    """Give a callback that shows each step: a bar on a terminal, else a line now and then."""
    if quiet:
        yield None
    elif not console.is_terminal:
        yield lambda step: _line(title, console, step)
    else:
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            TextColumn("{task.fields[losses]}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=console,
        ) as bars:
            task = bars.add_task(f"{title:<28}", total=None, losses="", left="")

            def show(step: Step) -> None:
                bars.update(
                    task, completed=step.number, total=step.total, losses=losses_text(step), left=_left(step)
                )

            yield show


def losses_text(step: Step) -> str:
    """Tell the style loss against the first picture's, and each loss."""
    losses = step.losses
    return (
        f"style loss {step.style_share:.1%} of the start; total {losses.total:.3g} = style "
        f"{losses.style:.3g} + "
        f"content {losses.content:.3g} + variation {losses.variation:.3g}"
    )


def _line(title: str, console: Console, step: Step) -> None:
    every = max(1, step.total * LINE_EVERY_PERCENT // 100)
    if step.number % every == 0 or step.number == step.total:
        console.print(
            f"{title}: step {step.number} of {step.total}, {losses_text(step)}, {_left(step)}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )


def _left(step: Step) -> str:
    minutes, seconds = divmod(round(step.seconds_left), 60)
    return f"{minutes}:{seconds:02d} left"

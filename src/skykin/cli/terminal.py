"""The terminal: whatever is printed, no text from a file reaches it as a command."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from skykin.core.clean import lines


class Terminal(Console):
    """A console of which only Rich itself moves the cursor and sets colours.

    Texts are cleaned where they are drawn, so that a sentence, a cell of a table and the title of a bar are
    all safe, whoever made them.
    """

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Draw, without control characters and marks of direction."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(lines(segment.text), segment.style)


def errors() -> Terminal:
    """Give standard error, for bars and for one sentence."""
    return Terminal(stderr=True, soft_wrap=True, highlight=False)


def printer() -> Terminal:
    """Give standard output, for lines that are printed as they are."""
    return Terminal(soft_wrap=True, highlight=False, markup=False)

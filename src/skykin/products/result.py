"""What all results have in common: a short text, a picture, sentences, and tables with rounded numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import QTable

from skykin.core.errors import SkykinError
from skykin.core.shapes import Numbers
from skykin.products.page import html_text
from skykin.products.wording import number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Caption, heads and rows of cells.
TextTable: TypeAlias = tuple[str, Sequence[str], Sequence[Sequence[str]]]
#: Positions that differ by less than this need more digits than two.
CLOSE_DEG = 2.0
#: Tiles that a notebook shows.
SHOWN_TILES = 10


class Result(ABC):
    """A result that shows itself: `plot` draws its main picture, `sentences` say what was found."""

    #: What the main picture shows, for those who cannot see it; the heading follows.
    shows: ClassVar[str]

    @property
    @abstractmethod
    def heading(self) -> str:
        """What it is, in a few words."""

    @abstractmethod
    def sentences(self) -> list[str]:
        """Say in words what was found."""

    @property
    def pictured(self) -> bool:
        """Whether there is a picture."""
        return True

    @property
    def picture_text(self) -> str:
        """What is told where the main picture cannot be seen."""
        return f"{self.shows}: {self.heading}"

    @abstractmethod
    def plot(self) -> Figure:
        """Draw the main picture."""

    @property
    def text_tables(self) -> list[TextTable]:
        """Tables of rounded numbers that a notebook shows."""
        return []

    def _repr_html_(self) -> str:
        """Show picture, tables and sentences in a notebook."""
        # Matplotlib is loaded for a picture only.
        from skykin.products.figures.canvas import html_image  # noqa: PLC0415

        picture = _or_why(lambda: html_image(self.plot(), self.picture_text)) if self.pictured else ""
        tables = "".join(html_table(*table) for table in self.text_tables)
        return f"<h3>{html_text(self.heading)}</h3>{picture}{tables}{_or_why(self._paragraphs)}"

    def _paragraphs(self) -> str:
        return "".join(f"<p>{html_text(line)}</p>" for line in self.sentences())


def _or_why(make: Callable[[], str]) -> str:
    """Make a part of a page; where the survey that it needs is not available, say so in its place."""
    try:
        return make()
    except SkykinError as error:
        return f"<p><em>Not shown: {html_text(str(error))}.</em></p>"


def coordinates_of(table: QTable) -> SkyCoord:
    """Centres of tiles, as a Galactic `~astropy.coordinates.SkyCoord`."""
    return SkyCoord(table["lon"], table["lat"], frame="galactic")


def numbers(column: object) -> Numbers:
    """Values of a table's column without unit or mask, as float64; NaN where masked."""
    values = getattr(column, "value", column)
    return np.asarray(np.ma.filled(np.ma.asarray(values, dtype=float), np.nan))


def shortened(text: str, longest: int = 60) -> str:
    """Cut a text that is too long for one line."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def text_table(caption: str, table: QTable, names: Sequence[str]) -> TextTable:
    """Round the numbers of some columns for people; the unit stands in the head."""
    known = [name for name in names if name in table.colnames]
    heads = [_head(name, getattr(table[name], "unit", None)) for name in known]
    columns = [_cells(table[name]) for name in known]
    return caption, heads, [list(row) for row in zip(*columns, strict=True)]


def html_table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table of texts as HTML."""

    def line(cells: Sequence[str], kind: str) -> str:
        return "<tr>" + "".join(f"<{kind}>{html_text(cell)}</{kind}>" for cell in cells) + "</tr>"

    body = "".join(line(row, "td") for row in rows)
    return f"<table><caption>{html_text(caption)}</caption>{line(heads, 'th')}{body}</table>"


def _head(name: str, unit: object) -> str:
    words = name.replace("_", " ")
    return f"{words} [{unit}]" if unit is not None and str(unit) else words


def _cells(column: Any) -> list[str]:
    values = np.ma.asarray(getattr(column, "value", column))
    if values.dtype.kind == "b":
        return ["yes" if value else "no" for value in values]
    if values.dtype.kind != "f":
        return [str(value) for value in values]
    shown = np.ma.filled(values.astype(float), np.nan).tolist()
    form = ".3g"
    if getattr(column, "unit", None) == u.deg:
        form = ".2f" if len(shown) < 2 or np.ptp(values) > CLOSE_DEG else ".4f"
    return [number(value, form) for value in shown]

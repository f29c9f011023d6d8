"""The sheet that a figure is drawn on, and how it is saved."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import matplotlib.style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from skykin.products.page import html_text
from skykin.products.stamp import Stamped, creator, picture_texts, stamp_text

DOTS_PER_INCH, NOTEBOOK_DOTS_PER_INCH = 150, 80
#: Of PNG: half the time of the usual 6, for files that are 5 % larger.
COMPRESSION = 4
#: A reader's own matplotlib settings do not change our figures.
LOOK = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "image.cmap": "cividis",
    "legend.frameon": False,
    "pdf.fonttype": 42,
    "pdf.compression": 6,
    "hatch.linewidth": 0.5,
}
#: What matches (Okabe & Ito: told apart by people with any colour vision).
ORANGE = "#E69F00"
#: Where there is no data: a grey that is neither bright nor dark sky.
BLANK = "0.38"


@dataclass(frozen=True)
class Drawn:
    """A figure that was saved.

    Parameters
    ----------
    name : str
        File name without suffix.
    title, caption : str
    credit : str
        Whose picture is shown; empty where it is our own.
    png, pdf : Path
    """

    name: str
    title: str
    caption: str
    credit: str
    png: Path
    pdf: Path


@contextmanager
def house_style() -> Iterator[None]:
    """Draw with our settings; the reader's own are as before afterwards."""
    with matplotlib.style.context(["default", LOOK]):
        yield


class Sheet(Figure):
    """A figure that a notebook shows, without the drawing of notebooks that matplotlib has to be told of."""

    def _repr_png_(self) -> bytes:
        drawn = io.BytesIO()
        with house_style():
            self.savefig(drawn, format="png", dpi=NOTEBOOK_DOTS_PER_INCH)
        return drawn.getvalue()


def new_figure(width_in: float, height_in: float) -> Figure:
    """Return an empty sheet in memory; no window and no list of open figures."""
    figure = Sheet(figsize=(width_in, height_in), dpi=DOTS_PER_INCH, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def save_figure(
    figure: Figure, result: Stamped, folder: Path, *, name: str, title: str, caption: str, credit: str = ""
) -> Drawn:
    """Save as PNG and PDF with the stamp; the bytes do not depend on the time."""
    drawn = Drawn(name, title, caption, credit, folder / f"{name}.png", folder / f"{name}.pdf")
    texts = picture_texts(result, title)
    texts["Description"] = caption
    texts["Copyright"] = "\n".join(filter(None, [texts["Copyright"], credit]))
    figure.savefig(drawn.png, metadata=texts, pil_kwargs={"compress_level": COMPRESSION})
    facts = {
        "Title": title,
        "Subject": caption,
        "Keywords": f"{stamp_text(result)} {texts['Copyright']}",
        "Creator": creator(result.provenance),
        "CreationDate": None,
    }
    figure.savefig(drawn.pdf, metadata=facts)
    return drawn


def html_image(figure: Figure, text: str) -> str:
    """Write a figure as an HTML picture that needs no file; `text` is told where it cannot be seen."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=NOTEBOOK_DOTS_PER_INCH)
    encoded = base64.b64encode(stream.getvalue()).decode("ascii")
    return f'<img alt="{html_text(text)}" src="data:image/png;base64,{encoded}">'

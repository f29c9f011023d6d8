"""A painting: a picture that was made, and how it became so."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from PIL import Image

from skykin.core.shapes import RGB
from skykin.generate.losses import Losses
from skykin.generate.state import PaintState

#: How often a small picture's pixels are repeated on a page, so that it can be seen.
LEAST_SHOWN_PIXELS = 256


@dataclass(frozen=True, eq=False, repr=False)
class Step:
    """The state of the work after one step of the optimiser.

    Parameters
    ----------
    number, total : int
        Steps done, and steps to do in all.
    losses, first : Losses
        Of this picture, and of the first one.
    seconds : float
        Since this run began.
    done : int
        Steps of this run: fewer than `number` if it went on from a state.
    state : PaintState
        From which the work can go on.
    """

    number: int
    total: int
    losses: Losses
    first: Losses
    seconds: float
    done: int
    state: PaintState

    def __repr__(self) -> str:
        return f"<Step {self.number} of {self.total}>"

    @property
    def rgb(self) -> RGB:
        """The picture as it is now."""
        return self.state.rgb

    @property
    def seconds_left(self) -> float:
        """Estimated time to the last step."""
        return self.seconds / max(self.done, 1) * (self.total - self.number)

    @property
    def style_share(self) -> float:
        """What is left of the first picture's style loss, 0 to 1; NaN if there was none."""
        return self.losses.style / self.first.style if self.first.style else float("nan")


Callback: TypeAlias = Callable[[Step], object]


@dataclass(frozen=True, eq=False, repr=False)
class Painting:
    """A picture that was made.

    Parameters
    ----------
    rgb : float32 array (rows, columns, 3)
        Colours from 0 to 1.
    history : tuple of Losses
        Of the first picture and after each step.
    cosines : dict
        Layer to the cosine of the picture's statistic with the reference's.
    state : PaintState
        From which the work can go on.
    """

    rgb: RGB
    history: tuple[Losses, ...]
    cosines: Mapping[str, float]
    state: PaintState

    def __repr__(self) -> str:
        rows, columns, _ = self.rgb.shape
        return f"<Painting of {columns} × {rows} pixels after {len(self.history) - 1} steps>"

    @property
    def lowered(self) -> float:
        """By how much the style loss was lowered, as a share of the first; NaN if there was none."""
        first, last = self.history[0].style, self.history[-1].style
        return 1 - last / first if first else float("nan")

    def _repr_png_(self) -> bytes:
        return png_bytes(self.rgb)

    def _repr_html_(self) -> str:
        rows, columns, _ = self.rgb.shape
        scale = max(1, -(-LEAST_SHOWN_PIXELS // max(rows, columns)))
        data = base64.b64encode(png_bytes(self.rgb)).decode()
        cells = "".join(
            f"<tr><td>{html.escape(layer)}</td><td>{cosine:.4f}</td></tr>"
            for layer, cosine in self.cosines.items()
        )
        return (
            f'<figure><img alt="Picture painted from style, {columns} × {rows} pixels" '
            f'src="data:image/png;base64,{data}" width="{columns * scale}" '
            f'style="image-rendering: pixelated"><figcaption>{len(self.history) - 1} steps; style loss '
            "lowered by "
            f"{self.lowered:.1%}</figcaption></figure>"
            f"<table><tr><th>layer</th><th>style cosine</th></tr>{cells}</table>"
        )


def bytes_of(rgb: RGB) -> np.ndarray:
    """Colours as whole numbers from 0 to 255."""
    return np.round(np.clip(rgb, 0, 1) * 255).astype(np.uint8)


def png_bytes(rgb: RGB) -> bytes:
    """Encode a picture as PNG."""
    stream = io.BytesIO()
    Image.fromarray(bytes_of(rgb)).save(stream, format="PNG")
    return stream.getvalue()

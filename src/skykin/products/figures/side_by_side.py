"""Pictures beside each other: what was given, and what was made of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from textwrap import fill

from matplotlib.figure import Figure

from skykin.core.picture import Panel
from skykin.products.figures.annotations import literal
from skykin.products.figures.canvas import Drawn, house_style, new_figure, save_figure
from skykin.products.stamp import Stamped

PANEL_IN, HEAD_IN, FOOT_IN, GAP_IN = 2.7, 0.6, 0.55, 0.12
#: Letters of a heading that fit over a panel.
HEADING_WIDTH = 30


def draw_side_by_side(
    result: Stamped, panels: Sequence[Panel], folder: Path, *, name: str, title: str, caption: str
) -> Drawn:
    """Draw pictures in one row, each with its heading and note; save as PNG and PDF in `folder`."""
    with house_style():
        figure = side_by_side_figure(panels)
        return save_figure(figure, result, folder, name=name, title=title, caption=caption)


def side_by_side_figure(panels: Sequence[Panel]) -> Figure:
    """Draw pictures in one row, each with its heading and note."""
    width_in = len(panels) * (PANEL_IN + GAP_IN) + GAP_IN
    height_in = HEAD_IN + PANEL_IN + FOOT_IN
    figure = new_figure(width_in, height_in)
    for index, panel in enumerate(panels):
        left_in = GAP_IN + index * (PANEL_IN + GAP_IN)
        box = (left_in / width_in, FOOT_IN / height_in, PANEL_IN / width_in, PANEL_IN / height_in)
        axes = figure.add_axes(box)
        axes.imshow(panel.rgb.clip(0, 1), interpolation="nearest")
        axes.set_axis_off()
        axes.set_title(literal(fill(panel.heading, HEADING_WIDTH)), fontsize=11)
        axes.text(
            0, -0.03, literal(panel.note), transform=axes.transAxes, va="top", fontsize=9, color="#444444"
        )
    return figure

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
#: Panels in several rows are smaller.
SMALL = 0.55


def draw_side_by_side(
    result: Stamped, panels: Sequence[Panel], folder: Path, *, name: str, title: str, caption: str
) -> Drawn:
    """Draw pictures in one row, each with its heading and note; save as PNG and PDF in `folder`."""
    with house_style():
        figure = side_by_side_figure(panels, len(panels))
        return save_figure(figure, result, folder, name=name, title=title, caption=caption)


def side_by_side_figure(panels: Sequence[Panel], per_row: int) -> Figure:
    """Draw pictures in rows, each with its heading and note; in more than one row they are small."""
    rows, columns = -(-len(panels) // per_row), min(per_row, len(panels))
    size = 1.0 if rows == 1 else SMALL
    side_in, step_in = size * PANEL_IN, HEAD_IN + size * PANEL_IN + size * FOOT_IN
    width_in, height_in = columns * (side_in + GAP_IN) + GAP_IN, rows * step_in
    figure = new_figure(width_in, height_in)
    for index, panel in enumerate(panels):
        row, column = divmod(index, per_row)
        left_in = GAP_IN + column * (side_in + GAP_IN)
        bottom_in = height_in - row * step_in - HEAD_IN - side_in
        box = (left_in / width_in, bottom_in / height_in, side_in / width_in, side_in / height_in)
        axes = figure.add_axes(box)
        axes.imshow(panel.rgb.clip(0, 1), interpolation="nearest")
        axes.set_axis_off()
        heading, note = (11, 9) if rows == 1 else (8, 7)
        axes.set_title(
            literal(fill(panel.heading, int(HEADING_WIDTH * size * 11 / heading))), fontsize=heading
        )
        axes.text(
            0, -0.03, literal(panel.note), transform=axes.transAxes, va="top", fontsize=note, color="#444444"
        )
    return figure

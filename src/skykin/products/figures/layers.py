"""The layers of a picture drawn apart: activations, matrices, and what their numbers say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any, Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, SymLogNorm
from matplotlib.figure import Figure

from skykin.core.shapes import Numbers
from skykin.generate.layers import OpenedPicture, strongest_channels
from skykin.products.figures.annotations import literal
from skykin.products.figures.canvas import ORANGE, Drawn, house_style, new_figure, save_figure
from skykin.products.stamp import Stamped

CHANNELS_SHOWN = 6
#: Of the larger layers, so many channels are shown: each is then more than a point of ink.
MATRIX_SHOWN = 64
#: Decades of a matrix that are told apart by colour.
DECADES = 3.0
#: Smaller shares are written with a power of ten: their zeros would run into the next column.
LEAST_WRITTEN_OUT = 1e-5
#: Told apart with any colour vision.
LINES = (ORANGE, "#0072B2")


class Opened(Stamped, Protocol):
    """The layers of one picture or two."""

    @property
    def pictures(self) -> Sequence[OpenedPicture]:
        """The reference, and perhaps a match."""

    @property
    def names(self) -> str:
        """All names, for titles."""

    @property
    def statistic(self) -> str:
        """What the matrices are, in words."""

    @property
    def cosines(self) -> Mapping[str, float]:
        """How alike two pictures are, layer by layer."""


def draw_layers(opened: Opened, folder: Path) -> tuple[Drawn, ...]:
    """Draw content, style and their numbers as PNG and PDF into a folder that exists."""
    with house_style():
        return tuple(draw(opened, folder) for draw in (draw_content, draw_style, draw_numbers))


def draw_content(opened: Opened, folder: Path) -> Drawn:
    """Draw activation maps of the content layers: they show what is where."""
    reference = opened.pictures[0].layers
    layers = tuple(reference.content)
    columns = 2 + CHANNELS_SHOWN
    rows = len(layers) * len(opened.pictures)
    figure = new_figure(1.45 * columns, 1.72 * rows + 0.35)
    grid = figure.subplots(rows, columns, squeeze=False)
    figure.subplots_adjust(
        left=0.01, right=0.99, bottom=0.01, top=1 - 0.4 / (1.72 * rows + 0.35), wspace=0.06, hspace=0.26
    )
    for level, layer in enumerate(layers):
        # The same channels for both: what answers to the reference is looked for in the match.
        channels = strongest_channels(reference.content[layer], CHANNELS_SHOWN)
        brightest = [float(reference.content[layer][channel].max()) or 1.0 for channel in channels]
        for number, each in enumerate(opened.pictures):
            axes = grid[level * len(opened.pictures) + number]
            activations = each.layers.content[layer]
            axes[0].imshow(each.picture.rgb.clip(0, 1), interpolation="nearest")
            axes[0].set_title(literal(fill(each.name, 19)), fontsize=8)
            _map(axes[1], activations.mean(axis=0), f"{layer}\nmean of all")
            for place, channel, highest in zip(axes[2:], channels, brightest, strict=True):
                _map(place, activations[channel], f"{layer}\nchannel {channel}", highest)
            for place in axes:
                place.set_axis_off()
    title = f"Content layers of {opened.names}"
    caption = (
        f"Left: the picture. Then, for {' and '.join(layers)}: the mean of all channels, and the "
        f"{CHANNELS_SHOWN} "
        f"channels that vary most over {opened.pictures[0].name}, each on one scale for all pictures. "
        "Content is "
        "where things are: these maps keep it, the matrices of the style layers do not."
    )
    return save_figure(figure, opened, folder, name="content-layers", title=title, caption=caption)


def draw_style(opened: Opened, folder: Path) -> Drawn:
    """Draw the matrices of the style layers as images: they show what goes with what."""
    signed = any(style.matrix.min() < 0 for style in opened.pictures[0].layers.style.values())
    signs = "; red: two channels answer together, blue: one where the other does not" if signed else ""
    title = f"Style layers of {opened.names}: {opened.statistic}"
    caption = (
        f"{opened.statistic} of each style layer: {MATRIX_SHOWN} channels, ordered by their strength in "
        f"{opened.pictures[0].name}, in units of its largest entry{signs}. No position is left in them."
    )
    figure = style_figure(opened)
    return save_figure(figure, opened, folder, name="style-layers", title=title, caption=caption)


def style_figure(opened: Opened) -> Figure:
    """Draw the matrices of the style layers as images, one column a layer."""
    reference = opened.pictures[0].layers.style
    cosines = opened.cosines
    rows = len(opened.pictures)
    width_in, height_in = 2.3 * len(reference) + 0.7, 2.55 * rows + 0.1
    figure = new_figure(width_in, height_in)
    grid = figure.subplots(rows, len(reference), squeeze=False)
    figure.subplots_adjust(
        left=0.05, right=0.915, bottom=0.02, top=1 - 0.32 / height_in, wspace=0.06, hspace=0.2
    )
    signed = any(style.matrix.min() < 0 for style in reference.values())
    scale: dict[str, Any] = {"norm": LogNorm(10**-DECADES, 1, clip=True)}
    if signed:
        scale = {"norm": SymLogNorm(linthresh=10**-DECADES, vmin=-1, vmax=1), "cmap": "RdBu_r"}
    shades = None
    for column, (layer, own) in enumerate(reference.items()):
        order = np.argsort(-np.diagonal(own.matrix), kind="stable")[:MATRIX_SHOWN]
        highest = float(np.abs(own.matrix).max()) or 1.0
        for row, each in enumerate(opened.pictures):
            axes = grid[row, column]
            style = each.layers.style[layer]
            shown = style.matrix[np.ix_(order, order)] / highest
            shades = axes.imshow(shown, **scale, interpolation="nearest")
            axes.set_title(f"{layer}\n" if row == 0 else "", fontsize=9)
            note = f"{_percent(style.share)} of the squared length"
            if row:
                note = f"cosine {cosines[layer]:.3f}"
            axes.text(0, 1.02, note, transform=axes.transAxes, fontsize=8, color="#444444")
            axes.set(xticks=[], yticks=[])
            if column == 0:
                axes.set_ylabel(literal(fill(each.name, 22)), fontsize=9)
    bar = figure.colorbar(shades, cax=figure.add_axes((0.93, 0.08, 0.012, 0.76)))  # type: ignore[arg-type]
    bar.ax.tick_params(labelsize=7)
    bar.set_label("entry, as a share of the layer's largest", fontsize=8, labelpad=2)
    return figure


def draw_numbers(opened: Opened, folder: Path) -> Drawn:
    """Draw each layer's share of the whole length, and the spectrum of its matrix."""
    layers = tuple(opened.pictures[0].layers.style)
    figure = new_figure(4.5 + 1.9 * len(layers), 3.2)
    grid = figure.subplots(1, 1 + len(layers), width_ratios=[2, *[1] * len(layers)])
    figure.subplots_adjust(left=0.08, right=0.99, bottom=0.17, top=0.78, wspace=0.2)
    _shares(grid[0], opened, layers)
    for axes, layer in zip(grid[1:], layers, strict=True):
        for each, colour in zip(opened.pictures, LINES, strict=False):
            style = each.layers.style[layer]
            ranks = np.arange(1, len(style.eigenvalues) + 1)
            axes.loglog(ranks, np.maximum(style.eigenvalues, 1e-12), color=colour, lw=1.4)
        dimensions = " / ".join(f"{each.layers.style[layer].dimensions:.1f}" for each in opened.pictures)
        axes.set_title(f"{layer}\n{dimensions} directions", fontsize=9)
        axes.set(ylim=(1e-8, 2), xlabel="eigenvalue number")
        axes.tick_params(labelsize=8)
        if axes is not grid[1]:
            axes.tick_params(labelleft=False)
    title = f"Numbers of the style layers of {opened.names}"
    caption = (
        f"Left: how much of the squared length of all {opened.statistic} lies in each layer: what a "
        "cosine over all "
        "layers at once would see. Right: eigenvalues of each layer as shares of their sum; the fewer "
        "directions "
        "matter, the less the layer can distinguish pictures."
    )
    return save_figure(figure, opened, folder, name="layer-numbers", title=title, caption=caption)


def _shares(axes: Axes, opened: Opened, layers: Sequence[str]) -> None:
    height = 0.8 / len(opened.pictures)
    for number, (each, colour) in enumerate(zip(opened.pictures, LINES, strict=False)):
        places = np.arange(len(layers)) + (number - (len(opened.pictures) - 1) / 2) * height
        shares = [each.layers.style[layer].share for layer in layers]
        axes.barh(places, shares, height=height, color=colour, label=literal(each.name))
        for place, share in zip(places, shares, strict=True):
            axes.text(share * 1.25, place, _percent(share), va="center", fontsize=7)
    axes.set_yticks(np.arange(len(layers)), layers, fontsize=8)
    axes.invert_yaxis()
    axes.set(xscale="log", xlim=(1e-7, 1e2), xlabel="share of the squared length")
    axes.set_xticks([1e-6, 1e-4, 1e-2, 1], ["0.0001 %", "0.01 %", "1 %", "100 %"], fontsize=8)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), fontsize=9)


def _percent(share: float) -> str:
    if 0 < share < LEAST_WRITTEN_OUT:
        return f"{100 * share:.1e} %".replace("e-0", "e-")
    return f"{np.format_float_positional(100 * share, precision=3, fractional=False, trim='-')} %"


def _map(axes: Axes, values: Numbers, heading: str, highest: float | None = None) -> None:
    axes.imshow(values, interpolation="nearest", vmin=0, vmax=highest)
    axes.set_title(heading, fontsize=8, fontweight="normal")

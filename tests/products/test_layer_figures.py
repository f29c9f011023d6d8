"""The figure of style layers: what is written over a column stays there."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from skykin.products.figures.layers import style_figure


def opened(shares):
    """Two pictures whose layers have these shares of the squared length."""
    style = {
        f"block{number}_conv1": SimpleNamespace(matrix=np.eye(8) + 0.1, share=share)
        for number, share in enumerate(shares, start=1)
    }
    pictures = [
        SimpleNamespace(name=name, layers=SimpleNamespace(style=style)) for name in ("Orion", "Carina")
    ]
    return SimpleNamespace(pictures=pictures, cosines=dict.fromkeys(style, 0.9))


@pytest.fixture(scope="module")
def figure():
    return style_figure(opened([8.64e-8, 6.81e-5, 0.00108, 0.998, 0.000351]))


def test_small_shares_are_written_so_that_they_do_not_run_into_the_next_column(figure):
    first = figure.axes[:5]
    assert [axes.texts[0].get_text() for axes in first] == [
        "8.6e-6 % of the squared length",
        "0.00681 % of the squared length",
        "0.108 % of the squared length",
        "99.8 % of the squared length",
        "0.0351 % of the squared length",
    ]
    renderer = figure.canvas.get_renderer()
    boxes = [axes.texts[0].get_window_extent(renderer) for axes in first]
    assert all(box.x1 < after.x0 for box, after in pairwise(boxes))


def test_the_colour_bar_says_what_it_shows_and_lies_on_the_sheet(figure):
    label = figure.axes[-1].yaxis.label
    assert label.get_text() == "entry, as a share of the layer's largest"
    assert label.get_window_extent(figure.canvas.get_renderer()).x1 < figure.bbox.x1

"""Tests of layers laid open."""

from __future__ import annotations

import numpy as np
import pytest

from skykin.core.errors import UsageError
from skykin.generate.layers import CONTENT_LAYERS, analyse_layers, strongest_channels
from skykin.style.network.vgg19 import VGG19Encoder
from skykin.style.recipe import recipe
from skykin.style.statistics.gram import gram
from tests.clouds import sky, style_cosines


def test_layers_laid_open_are_those_that_score():
    picture, other = sky(1), sky(2)
    layers = analyse_layers(picture)
    answers = VGG19Encoder((*recipe("poster").layers, *CONTENT_LAYERS))(picture)
    for layer in CONTENT_LAYERS:
        assert np.allclose(layers.content[layer], answers[layer], rtol=1e-4, atol=1e-2)
    assert sum(style.share for style in layers.style.values()) == pytest.approx(1)
    for layer, style in layers.style.items():
        expected = gram(answers[layer]).astype(np.float64)
        assert np.allclose(style.matrix, expected, rtol=1e-3, atol=1e-3 * expected.max())
        assert style.eigenvalues.sum() == pytest.approx(1)
        assert (np.diff(style.eigenvalues) <= 0).all()
        squares = np.square(expected).sum() / np.trace(expected) ** 2
        assert style.dimensions == pytest.approx(1 / squares, rel=1e-3)
    assert layers.cosines(layers) == pytest.approx(dict.fromkeys(layers.style, 1.0))
    expected = style_cosines(picture, other, "poster")
    assert layers.cosines(analyse_layers(other)) == pytest.approx(dict(expected), abs=1e-4)


def test_the_strongest_channels_vary_most():
    maps = np.zeros((4, 5, 5), np.float32)
    maps[2, 0], maps[1, 0, 0], maps[3] = 9, 1, 7
    assert list(strongest_channels(maps, 2)) == [2, 1]


def test_layers_need_a_matrix():
    with pytest.raises(UsageError, match="recipe 'mean-std' measures a list of numbers, not a matrix"):
        analyse_layers(sky(1, 32), recipe="mean-std")


def test_a_notebook_shows_the_layers_as_a_table():
    assert "<td>block4_conv1</td><td>512</td>" in analyse_layers(sky(1, 32))._repr_html_()

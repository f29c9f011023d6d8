"""Layers one by one: what the content layers show of a picture, and what the style layers keep of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from skykin.core.errors import UsageError, shown
from skykin.core.picture import Picture
from skykin.core.shapes import RGB, Chroma, Coverage, Gram, Numbers
from skykin.generate.work import checked
from skykin.style.recipe import Recipe
from skykin.style.recipe import recipe as find_recipe
from skykin.style.statistics.gram import gram
from skykin.style.statistics.statistic import position_weights

#: The content layers of Gatys et al. and of the TensorFlow tutorial.
CONTENT_LAYERS = ("block4_conv2", "block5_conv2")


@dataclass(frozen=True, eq=False, repr=False)
class StyleLayer:
    r"""The statistic of one style layer.

    Parameters
    ----------
    matrix : array (channels, channels)
        Symmetric.
    share : float
        This layer's part of the squared length :math:`\sum_l \|S_l\|^2` of all style layers, 0 to 1.
    eigenvalues : array (channels,)
        Largest first, as shares of their sum.
    """

    matrix: Gram
    share: float
    eigenvalues: Numbers

    def __repr__(self) -> str:
        return f"<StyleLayer of {len(self.matrix)} channels: {self.dimensions:.1f} directions matter>"

    @property
    def dimensions(self) -> float:
        r"""How many directions matter: :math:`1 / \sum_i \lambda_i^2` of the shares."""
        return float(1 / np.square(self.eigenvalues).sum())


@dataclass(frozen=True, eq=False, repr=False)
class LayerAnalysis:
    """The layers of one picture.

    Parameters
    ----------
    content : dict
        Content layer to its activations (channels, y, x).
    style : dict
        Style layer to its `StyleLayer`.
    """

    content: Mapping[str, Chroma]
    style: Mapping[str, StyleLayer]

    def __repr__(self) -> str:
        return f"<LayerAnalysis: content {', '.join(self.content)}; style {', '.join(self.style)}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{layer}</td><td>{len(each.matrix)}</td><td>{each.share:.2%}</td>"
            f"<td>{each.dimensions:.1f}</td></tr>"
            for layer, each in self.style.items()
        )
        heads = "<th>layer</th><th>channels</th><th>share of the squared length</th><th>directions</th>"
        return f"<table><tr>{heads}</tr>{rows}</table>"

    def cosines(self, other: LayerAnalysis) -> dict[str, float]:
        """Cosine of the statistics of two pictures, layer by layer; NaN where one is 0."""
        return {layer: _cosine(own.matrix, other.style[layer].matrix) for layer, own in self.style.items()}


@dataclass(frozen=True, eq=False)
class OpenedPicture:
    """A picture, its name and its layers."""

    name: str
    picture: Picture
    layers: LayerAnalysis


def analyse_layers(
    rgb: RGB, *, coverage: Coverage | None = None, recipe: str | Recipe = "poster", jobs: int = 1
) -> LayerAnalysis:
    """Take the layers of a picture apart.

    Parameters
    ----------
    rgb : array (rows, columns, 3)
        Colours from 0 to 1; at least 16 rows and columns.
    coverage : array (rows, columns), optional
        Share of good data behind each pixel; recipes that weigh positions use it.
    recipe : str or Recipe
        Whose statistic, style layers and padding; its statistic must be a matrix.
    jobs : int
        Threads.

    Raises
    ------
    UsageError, DataQualityError
        If the picture or the recipe cannot be used.
    """
    # ONNX Runtime is loaded when the first layers are requested, not when the function is looked up.
    from skykin.style.network.vgg19 import VGG19Encoder  # noqa: PLC0415

    chosen = recipe if isinstance(recipe, Recipe) else find_recipe(recipe)
    picture = checked("picture", rgb, coverage)
    wanted = tuple(dict.fromkeys((*chosen.layers, *CONTENT_LAYERS)))
    answers = VGG19Encoder(wanted, chosen.padding, jobs)(picture)
    matrices = {layer: _matrix(chosen, answers[layer], coverage) for layer in chosen.layers}
    lengths = {layer: float(np.square(matrix, dtype=np.float64).sum()) for layer, matrix in matrices.items()}
    whole = sum(lengths.values())
    style = {
        layer: StyleLayer(matrix, lengths[layer] / whole if whole else np.nan, _spectrum(matrix))
        for layer, matrix in matrices.items()
    }
    return LayerAnalysis({layer: answers[layer] for layer in CONTENT_LAYERS}, style)


def strongest_channels(activations: Chroma, count: int) -> Numbers:
    """Channels that vary most over the picture, most first."""
    return np.argsort(-activations.var(axis=(1, 2), dtype=np.float64), kind="stable")[:count]


def _matrix(chosen: Recipe, features: Chroma, coverage: Coverage | None) -> Gram:
    weighted = chosen.weighted and coverage is not None
    weights = position_weights(coverage, features.shape[1:]) if weighted else None  # type: ignore[arg-type]
    matrix = chosen.statistic(features, weights)
    if matrix.ndim != 2:
        raise UsageError(
            f"recipe {shown(chosen.name)} measures a list of numbers, not a matrix; its layers can be "
            "laid open with "
            f"one that does, such as poster ({gram.name})"
        )
    return matrix


def _spectrum(matrix: Gram) -> Numbers:
    values = np.linalg.eigvalsh(matrix.astype(np.float64))[::-1].clip(0)
    total = values.sum()
    return values / total if total else np.full_like(values, np.nan)


def _cosine(one: Numbers, other: Numbers) -> float:
    a, b = one.astype(np.float64).ravel(), other.astype(np.float64).ravel()
    length = np.linalg.norm(a) * np.linalg.norm(b)
    return float(a @ b / length) if length else float("nan")

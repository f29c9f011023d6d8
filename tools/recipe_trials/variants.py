"""Ways of making a style of pooled features, and of comparing it with that of references."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from recipe_trials.discs import Brightness
from recipe_trials.features import Pooled
from skykin.core.shapes import Numbers

#: Positions with less coverage do not set the scale.
LEAST_COVERAGE = 0.3
#: A channel that hardly varies is divided by this share of the middle spread, not by its own.
LEAST_SPREAD = 0.1
#: Radius of the surroundings whose brightness `zL` takes out.
WIDE_DEG = 7.5


def style(layer: Pooled, brightness: Brightness, radius_deg: float, statistic: str) -> Numbers:
    """Means over discs of each channel (``m``), or those and the spreads (``ms``): (positions, numbers)."""
    mean = layer.mean - np.average(layer.mean, axis=0, weights=layer.weight).astype(np.float32)
    scale = mean.std()
    mean = mean / scale
    variance = np.maximum(layer.square - layer.mean**2, 0) / scale**2
    discs = brightness.discs
    local = discs.mean(mean, layer.weight, radius_deg)
    if statistic == "m":
        return local
    square = discs.mean(variance + mean**2, layer.weight, radius_deg)
    return np.concatenate([local, np.sqrt(np.maximum(square - local**2, 0))], axis=1)


def variants(
    layer: Pooled, brightness: Brightness, radius_deg: float, statistic: str, around_deg: Sequence[float]
) -> Iterator[tuple[str, Numbers]]:
    """Yield each way's name and standardised style (positions, numbers).

    ``z``: relative to the survey.  ``zb``: brightness of the disc taken out.  ``zL``: brightness of the wide
    surroundings taken out.  ``cs2.5``: less the mean over a disc of radius 2.5°.
    """
    known = layer.weight > LEAST_COVERAGE
    raw = style(layer, brightness, radius_deg, statistic)
    relative = standard(raw, known)
    yield "z", relative
    yield "zb", standard(without(relative, brightness.logarithm(radius_deg), known), known)
    yield "zL", standard(without(raw, brightness.logarithm(WIDE_DEG), known), known)
    for around in around_deg:
        if around > radius_deg:
            less = relative - brightness.discs.mean(relative, layer.weight, around)
            yield f"cs{float(around)}", standard(less, known)


def standard(style: Numbers, known: np.ndarray) -> Numbers:
    """Each number less its mean over the known sky, divided by its spread."""
    spread = style[known].std(axis=0)
    least = LEAST_SPREAD * np.median(spread[spread > 0])
    return (style - style[known].mean(axis=0)) / np.maximum(spread, least)


def without(style: Numbers, values: Numbers, known: np.ndarray) -> Numbers:
    """Take out what a polynomial of second degree in `values` explains."""
    scaled = (values - values.mean()) / values.std()
    design = np.stack([scaled**power for power in range(3)], axis=1).astype(np.float32)
    slope, *_ = np.linalg.lstsq(design[known], style[known], rcond=None)
    return style - design @ slope


def likenesses(style: Numbers, references: Numbers, known: np.ndarray) -> dict[str, Numbers]:
    """Compare every position with the positions of references: arrays (references, positions).

    ``dot`` is the projection on the reference, ``cos`` the cosine, ``shr`` a cosine in which a style of
    small deviations counts less.
    """
    wanted = style[references]
    square = (style**2).sum(axis=1)
    dot = style @ (wanted / np.linalg.norm(wanted, axis=1)[:, None]).T
    shrunk = np.sqrt(square + square[known].mean())
    found = {"dot": dot, "cos": dot / np.sqrt(square + 1e-9)[:, None], "shr": dot / shrunk[:, None]}
    return {name: each.T.astype(np.float32) for name, each in found.items()}


def combined(layers: Sequence[Numbers], likeness: str, combination: str) -> Numbers:
    """Add the likenesses (references, positions) of layers, then take the mean or largest over references.

    Projections have no common scale: those of each layer are divided by their spread first.
    """
    equal = likeness == "dot" and len(layers) > 1
    total = np.sum([each / each.std() if equal else each for each in layers], axis=0)
    return total.max(axis=0) if combination == "max" else total.mean(axis=0)

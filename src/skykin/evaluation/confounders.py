"""What a score may correlate with, and control images on which it must be low."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np

from skykin.core.errors import UsageError
from skykin.core.picture import Picture
from skykin.core.shapes import RGB, Coverage, Degrees, Numbers
from skykin.evaluation.ranking import rank_correlation


@dataclass(frozen=True)
class Confounders:
    """Rank correlations of a score with simpler properties of the tiles.

    Parameters
    ----------
    mean_intensity, abs_latitude, coverage, noise : float
        Spearman correlation of the score with mean brightness, |b|, coverage and the survey's noise, -1 to
        1; NaN where it is not defined, because fewer than three tiles have both or one of them is constant.
    """

    mean_intensity: float
    abs_latitude: float
    coverage: float
    noise: float = math.nan

    def to_dict(self) -> dict[str, float | None]:
        """Plain values, ready for JSON: None instead of NaN."""
        return {name: None if math.isnan(value) else value for name, value in asdict(self).items()}


def confounders(
    score: Numbers,
    mean_intensity: Numbers,
    lat_deg: Degrees,
    coverage: Coverage,
    noise: Numbers | None = None,
) -> Confounders:
    """Correlate a score with mean brightness, |b|, coverage, and noise where it is known.

    Parameters
    ----------
    score, mean_intensity, lat_deg, coverage, noise : array (tiles,)
        Tiles where either value is NaN are left out of that correlation.

    Raises
    ------
    UsageError
        If the arrays differ in shape.
    """
    return Confounders(
        rank_correlation(score, mean_intensity),
        rank_correlation(score, np.abs(lat_deg)),
        rank_correlation(score, coverage),
        math.nan if noise is None else rank_correlation(score, noise),
    )


def control_pictures(shape: tuple[int, int], seed: int) -> dict[str, Picture]:
    """Make pictures that show nothing: whoever scores them high does not see structure.

    Parameters
    ----------
    shape : (rows, columns)
    seed : int
        Seed of the noise; each noise has its own stream.

    Returns
    -------
    dict of str to Picture
        ``black``, ``grey`` and ``white``; ``colour-noise``, uniform and independent in each pixel and
        colour; ``grey-noise``, normal about the middle grey (σ = 0.15, cut to 0-1), one value for the
        three colours.

    Raises
    ------
    UsageError
        If the shape has no pixels.
    """
    rows, columns = shape
    if rows < 1 or columns < 1:
        raise UsageError(f"a picture of {rows} × {columns} pixels shows nothing; use at least 1 × 1")
    colour, grey = (np.random.default_rng([seed, stream]) for stream in (0, 1))
    normal = np.clip(grey.normal(0.5, 0.15, (rows, columns, 1)), 0, 1)
    flat = {name: np.full((1, 1, 1), level) for name, level in (("black", 0), ("grey", 0.5), ("white", 1))}
    noise = {"colour-noise": colour.random((rows, columns, 3)), "grey-noise": normal}
    return {name: _picture(values, (rows, columns, 3)) for name, values in {**flat, **noise}.items()}


def _picture(values: RGB, shape: tuple[int, int, int]) -> Picture:
    rgb = np.broadcast_to(values, shape).astype(np.float32)
    return Picture(rgb, np.ones(shape[:2], dtype=np.float32))

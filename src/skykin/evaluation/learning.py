"""A linear rule learnt from examples, tested on blocks of longitude that it never saw."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import numpy as np

from skykin.core.errors import DataQualityError, ResourceError
from skykin.core.shapes import Degrees, Numbers
from skykin.evaluation.measures import BLOCK_DEG

#: Fewer examples of a kind, or in fewer blocks of longitude, teach nothing that can be tested.
FEWEST_EXAMPLES, FEWEST_BLOCKS = 5, 3
#: Angles by which the positives are rotated to become negatives of the same latitudes.
ROTATED_DEG = np.arange(15.0, 360.0, 15.0)


@dataclass(frozen=True, eq=False)
class Examples:
    """Positive tiles and negative tiles.

    Parameters
    ----------
    tile : int array (n,)
        Rows of the map.
    positive : bool array (n,)

    Raises
    ------
    DataQualityError
        If there are too few of a kind, or the positives lie in too few blocks of longitude.
    """

    tile: Numbers
    positive: Numbers

    def check(self, lon_deg: Degrees) -> None:
        """Refuse examples that cannot be told from chance."""
        for what, chosen in (("positive", self.positive), ("negative", ~self.positive)):
            if chosen.sum() < FEWEST_EXAMPLES:
                raise DataQualityError(
                    f"only {chosen.sum()} {what} examples lie on the map; a rule needs at least "
                    f"{FEWEST_EXAMPLES}, so name more",
                    code="DQ-FEWVALID",
                )
        blocks = len(np.unique(block_of(lon_deg[self.tile[self.positive]])))
        if blocks < FEWEST_BLOCKS:
            raise DataQualityError(
                f"the positive examples lie in {blocks} blocks of {BLOCK_DEG:g}° of longitude; a rule is "
                f"tested on blocks that it never saw and needs at least {FEWEST_BLOCKS}, so name examples "
                "elsewhere",
                code="DQ-FEWVALID",
            )


def block_of(lon_deg: Degrees) -> Numbers:
    """Count the blocks of longitude from l = 0, as the bootstrap does."""
    return np.floor(np.mod(lon_deg, 360.0) / BLOCK_DEG).astype(int)


def unit_vectors_of(layers: list[Numbers]) -> Numbers:
    """Put the layers of signatures side by side, each of length one, so that only directions are learnt.

    Parameters
    ----------
    layers : list of array (tiles, n)

    Returns
    -------
    float32 array (tiles, sum of n)
        NaN where a layer has no style.
    """
    parts = []
    for vectors in layers:
        length = np.linalg.norm(vectors.astype(np.float64), axis=1)
        length[~(length > 0)] = np.nan
        parts.append((vectors / length[:, None]).astype(np.float32))
    return np.concatenate(parts, axis=1)


def learnt_scores(features: Numbers, examples: Examples) -> Numbers:
    """Score all tiles by a rule learnt from the examples, in spreads above the mean of the sky.

    The rule is Fisher's linear discriminant with the shrinkage of Ledoit & Wolf: nothing is left to tune.

    Parameters
    ----------
    features : array (tiles, n)
        NaN rows have no score.
    examples : Examples

    Returns
    -------
    array (tiles,)

    References
    ----------
    Ledoit & Wolf 2004, Journal of Multivariate Analysis 88, 365.
    """
    rule = _sklearn().LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=[0.5, 0.5])
    shown = features[examples.tile].astype(np.float64)
    # More numbers than examples: all that the examples can teach lies in the space that they span.
    many = shown.shape[1] > len(shown)
    basis = np.linalg.svd(shown - shown.mean(axis=0), full_matrices=False)[2] if many else None
    rule.fit(shown if basis is None else shown @ basis.T, examples.positive)
    weights = rule.coef_[0] if basis is None else rule.coef_[0] @ basis
    score = features @ weights.astype(np.float32)
    known = score[np.isfinite(score)].astype(np.float64)
    return np.asarray((score - known.mean()) / (known.std() or 1.0), dtype=np.float64)


def held_out_scores(
    features: Numbers, lon_deg: Degrees, lat_deg: Degrees, examples: Examples, margin_deg: float
) -> Numbers:
    """Score every tile by a rule that saw no example in its block of longitude, nor within a margin of it.

    Parameters
    ----------
    features : array (tiles, n)
    lon_deg, lat_deg : array (tiles,)
    examples : Examples
    margin_deg : float
        Width of a tile: examples that overlap the block are left out too.

    Returns
    -------
    array (tiles,)
        NaN in a block without which too few examples remain.
    """
    score = np.full(len(features), np.nan)
    block = block_of(lon_deg)
    x, y = lon_deg[examples.tile], lat_deg[examples.tile]
    reach = BLOCK_DEG / 2 + margin_deg / np.maximum(np.cos(np.radians(y)), 1e-3)
    for number in np.unique(block):
        away = np.abs((x - (number + 0.5) * BLOCK_DEG + 180.0) % 360.0 - 180.0) > reach
        kept = Examples(examples.tile[away], examples.positive[away])
        if min(kept.positive.sum(), (~kept.positive).sum()) >= FEWEST_EXAMPLES - 1:
            mine = block == number
            score[mine] = learnt_scores(features, kept)[mine]
    return score


def _sklearn() -> ModuleType:
    try:
        from sklearn import discriminant_analysis  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ResourceError(
            'learning needs scikit-learn, which is not installed; run `pip install "skykin[learn]"`',
            code="RS-EXTRA",
        ) from error
    module: ModuleType = discriminant_analysis
    return module

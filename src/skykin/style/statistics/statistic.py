"""A statistic summarises what the channels of a layer answer over a tile."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Literal, TypeAlias

import numpy as np

from skykin.core.errors import UsageError
from skykin.core.shapes import Chroma, Coverage, Numbers, Weights
from skykin.style.statistics.form import Form, FormOfMeans

#: Share of a tile's side that is its core.
CORE_SHARE = 1 / 4
#: Fewest cells across a tile and its core, for statistics that need the core; even, so that it is central.
TILE_CELLS, CORE_CELLS = round(2 / CORE_SHARE), 2
#: What an index keeps of a cell: the averages of the form's sums; or means and spreads, a sketch of a matrix,
#: the mean of each channel in few directions.
IndexCode: TypeAlias = Literal["sums", "spreads", "sketches", "directions"]
#: A step that is small beside any average, and large beside the rounding of double precision.
STEP = 1e-6


class Statistic(ABC):
    r"""What is measured of one layer: a function of averages over the positions of a tile.

    .. math:: x = F(\bar\psi) , \qquad \bar\psi = \sum_p w_p\, \psi(f_p) \Big/ \sum_p w_p

    where :math:`f_p` are the answers of all channels at position p, and :math:`w_p` its weight.

    To add a statistic, derive a class, give it a `name`, and write `moments` (:math:`\psi`) and `finish` (F).
    Everything else follows from the two: the statistic of a tile measured alone, of all tiles of a picture by
    the shared engine, of cells in an index, and the share of each position in a score.  The statistics of
    this folder replace some of these methods by quicker or more exact ones that give the same numbers.

    Attributes
    ----------
    name : str
        As it stands in a recipe's settings.  Another name for other numbers: indexes are told apart by it.
    has_core : bool
        Whether `finish` is given the averages over the core of a tile, its middle quarter along both sides.
        The core must then be covered, too, and tiles are made of at least 8 cells along a side.
    plain_products : bool
        Whether it is the mean product of each two channels and nothing else: the shared engine then finds
        cosines without making the matrix.
    index_code : {"sums", "spreads", "sketches", "directions"}
        What an index keeps of a cell.  ``sums`` is right for any statistic; it takes 4 bytes per moment.

    Examples
    --------
    >>> class MeanSquare(Statistic):
    ...     name = "mean_square"
    ...
    ...     def moments(self, features):
    ...         return features**2
    ...
    ...     def finish(self, means, core=None):
    ...         return means
    """

    name: ClassVar[str]
    has_core: ClassVar[bool] = False
    plain_products: ClassVar[bool] = False
    index_code: ClassVar[IndexCode] = "sums"

    @abstractmethod
    def moments(self, features: Numbers) -> Numbers:
        """Give what is averaged: from features (channels, n) to (m, n), each position by itself."""

    @abstractmethod
    def finish(self, means: Numbers, core: Numbers | None = None) -> Numbers:
        """Make the statistic of averages: from (..., m) to (..., k).

        `core` holds the averages over the core of the tile if the statistic has one, else it is None.
        """

    def __call__(self, features: Chroma, weights: Weights | None = None) -> Numbers:
        """Measure the features of one tile.

        Parameters
        ----------
        features : float32 array (channels, y, x)
        weights : float32 array (y, x), optional
            Not negative; equal everywhere if left out.  A weight of 0 is not measured.

        Returns
        -------
        float32 array (k,), or a symmetric matrix
            NaN if the weights, or those of the core where that is needed, sum to zero.

        Raises
        ------
        UsageError
            If the weights have another shape than a channel.
        """
        means = self._averages(*flat_and_share(features, weights))
        core = self._averages(*flat_and_share(*core_part(features, weights))) if self.has_core else None
        with np.errstate(all="ignore"):
            return np.asarray(self.finish(means, core), np.float32)

    def form(self, channels: int) -> Form:
        """Write it as sums over the positions of a cell, which the shared engine adds up to tiles."""
        return FormOfMeans(channels, self.moments, self.finish, self.has_core)

    def by_position(self, features: Numbers, share: Numbers, direction: Numbers) -> Numbers:
        r"""Divide the product of the statistic with a direction among the positions.

        To first order the statistic is the mean over positions of

        .. math:: x + \frac{\partial F}{\partial\bar\psi} (\psi(f_p) - \bar\psi) ,

        which is by how much it changes if a little more weight lies on p.

        Parameters
        ----------
        features : float64 array (channels, y, x)
        share : float64 array (y, x)
            Weights of the positions; they sum to 1.
        direction : float64 array (k,)
            What the `flattened` statistic is multiplied with.

        Returns
        -------
        float64 array (y, x)
            Its mean, weighted by `share`, is the product.
        """
        moments, weights = self.moments(features.reshape(len(features), -1)), share.ravel()
        means, core = moments @ weights, None
        away, core_away = (moments - means[:, None]).T, None
        if self.has_core:
            inner = core_mask(share.shape).ravel()
            reach = inner / weights[inner].sum()
            core = moments @ (weights * reach)
            core_away = reach[:, None] * (moments - core[:, None]).T

        def moved(step: float) -> Numbers:
            near = None if core is None or core_away is None else core + step * core_away
            return self.finish(means + step * away, near) @ direction

        with np.errstate(all="ignore"):
            slope = (moved(STEP) - moved(-STEP)) / (2 * STEP)
            return np.asarray(self.finish(means, core) @ direction + slope).reshape(share.shape)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.name == getattr(other, "name", None)

    def __hash__(self) -> int:
        return hash((type(self), self.name))

    def __repr__(self) -> str:
        return self.name

    def _averages(self, flat: Numbers, share: Numbers) -> Numbers:
        return np.asarray(self.moments(flat.astype(np.float64)) @ share.astype(np.float64))


def middle_quarter(positions: int) -> slice:
    """Return the middle quarter of so many positions along a side, at least one."""
    left = min(round(positions * (1 - CORE_SHARE) / 2), (positions - 1) // 2)
    return slice(left, positions - left)


def core_mask(shape: tuple[int, ...]) -> np.ndarray:
    """Tell which positions of a tile are its core: bool array of that shape, (y, x)."""
    inner = np.zeros(shape, dtype=bool)
    inner[middle_quarter(shape[0]), middle_quarter(shape[1])] = True
    return inner


def core_part(features: Chroma, weights: Weights | None) -> tuple[Chroma, Weights | None]:
    """Cut the core out of a tile's features and weights."""
    rows, columns = (middle_quarter(side) for side in features.shape[1:])
    return features[:, rows, columns], None if weights is None else weights[rows, columns]


def position_weights(coverage: Coverage, shape: tuple[int, int]) -> Weights:
    """Average the coverage of a picture over the pixels that stand behind each position of a layer.

    Parameters
    ----------
    coverage : array (rows, columns)
        From 0 to 1.
    shape : (y, x)
        Of the layer: the picture's sides divided by 1, 2, 4, 8 or 16, a remainder dropped as pooling does.

    Returns
    -------
    float32 array (y, x)

    Raises
    ------
    UsageError
        If no such pooling leads from the picture to the layer.
    """
    (rows, columns), (y, x) = coverage.shape, shape
    for stride in (1, 2, 4, 8, 16):
        if (rows // stride, columns // stride) == (y, x):
            cells = coverage[: y * stride, : x * stride].reshape(y, stride, x, stride)
            return np.asarray(cells.mean(axis=(1, 3), dtype=np.float64), dtype=np.float32)
    raise UsageError(f"a layer of {shape} positions does not belong to coverage of {coverage.shape} pixels")


def flat_and_share(features: Chroma, weights: Weights | None) -> tuple[Numbers, Numbers]:
    """Features (channels, positions), and the share of each position in the mean; shares sum to 1.

    Raises
    ------
    UsageError
        If the weights have another shape than a channel.
    """
    flat = features.reshape(len(features), -1)
    if weights is None:
        return flat, np.full(flat.shape[1], 1 / flat.shape[1], dtype=np.float32)
    if weights.shape != features.shape[1:]:
        raise UsageError(
            f"weights of shape {weights.shape} do not fit a layer of {features.shape[1:]} positions"
        )
    total = weights.sum(dtype=np.float64)
    if total == 0:
        return flat, np.full(flat.shape[1], np.nan, dtype=np.float32)
    return flat, (weights.reshape(-1) / total).astype(np.float32)


def centred(flat: Numbers, share: Numbers) -> tuple[Numbers, Numbers]:
    """Mean of each channel, and the deviations from it."""
    # A rough mean goes first and the mean of what is left second: nothing cancels in single precision.
    rough = flat @ share
    deviations = flat - rough[:, None]
    rest = deviations @ share
    deviations -= rest[:, None]
    return rough + rest, deviations

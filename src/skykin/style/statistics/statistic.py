"""A statistic summarises what the channels of a layer answer over a tile."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal, TypeAlias

import numpy as np

from skykin.core.errors import UsageError
from skykin.core.shapes import Chroma, Coverage, Numbers, Weights
from skykin.style.arrays import library
from skykin.style.statistics.form import Form, FormOfMeans

#: Fewest cells across a tile for statistics that need its rings: eighths of its side.
TILE_CELLS = 8
#: Side of a tile's core, in eighths of the tile's.
CORE = 2
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
    rings : tuple of int
        Sides of concentric squares, the smallest first, in eighths of the tile's: even numbers from 2 to 8.
        `finish` is given the averages over the first square and over the ring between each two.  All must be
        covered, and tiles are made of at least 8 cells along a side.  ``(2,)`` is the core alone.
    blocks : tuple of int
        Its numbers are so many equally long blocks: those of each part that shares its leading directions,
        one part after the other.
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
    ...     def finish(self, means, rings=None):
    ...         return means
    """

    name: ClassVar[str]
    rings: ClassVar[tuple[int, ...]] = ()
    blocks: ClassVar[tuple[int, ...]] = (1,)
    plain_products: ClassVar[bool] = False
    index_code: ClassVar[IndexCode] = "sums"

    @abstractmethod
    def moments(self, features: Numbers) -> Numbers:
        """Give what is averaged: from features (channels, n) to (m, n), each position by itself."""

    @abstractmethod
    def finish(self, means: Numbers, rings: Numbers | None = None) -> Numbers:
        """Make the statistic of averages: from (..., m) to (..., k).

        `rings` (rings, ..., m) holds the averages over each ring if the statistic has any, else it is None.
        """

    def of_spreads(self, mean: Numbers, spread: Numbers, rings: Numbers | None) -> Numbers:
        """Make it of the mean and standard deviation of each channel, (..., channels), and its ring means.

        Only for the `index_code` ``spreads``; `rings` is (rings, ..., channels).
        """
        raise NotImplementedError

    @property
    def has_core(self) -> bool:
        """Whether parts of a tile count by themselves, of which the core is the innermost."""
        return bool(self.rings)

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
            NaN if the weights, or those of a ring where that is needed, sum to zero.

        Raises
        ------
        UsageError
            If the weights have another shape than a channel.
        """
        flat, share = flat_and_share(features, weights)
        means, rings = self._averages(flat, share), None
        if self.rings:
            rings = np.stack([self._averages(flat, own) for own in ring_shares(share, features, self.rings)])
        with np.errstate(all="ignore"):
            return np.asarray(self.finish(means, rings), np.float32)

    def form(self, channels: int) -> Form:
        """Write it as sums over the positions of a cell, which the shared engine adds up to tiles."""
        return FormOfMeans(channels, self.moments, self.finish, self.rings)

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
        means, rings, rings_away = moments @ weights, None, None
        away = (moments - means[:, None]).T
        if self.rings:
            reach = reaches(share, self.rings).reshape(len(self.rings), -1)
            rings = (weights * reach) @ moments.T
            rings_away = reach[..., None] * (moments.T - rings[:, None])

        def moved(step: float) -> Numbers:
            near = None
            if rings is not None and rings_away is not None:
                near = rings[:, None] + step * rings_away
            return self.finish(means + step * away, near) @ direction

        with np.errstate(all="ignore"):
            slope = (moved(STEP) - moved(-STEP)) / (2 * STEP)
            return np.asarray(self.finish(means, rings) @ direction + slope).reshape(share.shape)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.name == getattr(other, "name", None)

    def __hash__(self) -> int:
        return hash((type(self), self.name))

    def __repr__(self) -> str:
        return self.name

    def _averages(self, flat: Numbers, share: Numbers) -> Numbers:
        exact = share.astype(np.float64)
        return np.asarray(self.moments(flat.astype(np.float64)) @ exact / exact.sum())


def middle(positions: int, eighths: int = CORE) -> slice:
    """Return the middle eighths of so many positions along a side, at least one."""
    left = min(round(positions * (TILE_CELLS - eighths) / (2 * TILE_CELLS)), (positions - 1) // 2)
    return slice(left, positions - left)


def ring_masks(shape: tuple[int, ...], rings: Sequence[int]) -> np.ndarray:
    """Tell which positions of a tile belong to which ring: bool array (rings, y, x)."""
    squares = np.zeros((len(rings), *shape), dtype=bool)
    for square, eighths in zip(squares, rings, strict=True):
        square[middle(shape[0], eighths), middle(shape[1], eighths)] = True
    squares[1:] &= ~squares[:-1]
    return squares


def reaches(share: Numbers, rings: Sequence[int]) -> Numbers:
    """How much more a position counts in each ring than in the tile: (rings, y, x), from shares (y, x)."""
    masks = ring_masks(share.shape, rings)
    return np.asarray(masks / (masks * share).sum(axis=(1, 2), keepdims=True))


def core_part(features: Chroma, weights: Weights | None) -> tuple[Chroma, Weights | None]:
    """Cut the core out of a tile's features and weights."""
    rows, columns = (middle(side) for side in features.shape[1:])
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
            own = library(cells)
            return own.asarray(own.mean(cells, axis=(1, 3), dtype=own.float64), dtype=own.float32)  # type: ignore[no-any-return]
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


def ring_shares(share: Numbers, features: Chroma, rings: Sequence[int]) -> Numbers:
    """Share of each position in the mean of each ring, (rings, positions); each sums to 1.

    NaN in a ring without weight.
    """
    within = ring_masks(features.shape[1:], rings).reshape(len(rings), -1) * share.astype(np.float64)
    with np.errstate(invalid="ignore"):
        return np.asarray(within / within.sum(axis=1, keepdims=True))


def centred(flat: Numbers, share: Numbers) -> tuple[Numbers, Numbers]:
    """Mean of each channel, and the deviations from it."""
    # A rough mean goes first and the mean of what is left second: nothing cancels in single precision.
    # OpenBLAS may flag an invalid operation of finite numbers, from lanes of a register beyond them.
    with np.errstate(invalid="ignore"):
        rough = flat @ share
        deviations = flat - rough[:, None]
        rest = deviations @ share
    deviations -= rest[:, None]
    return rough + rest, deviations

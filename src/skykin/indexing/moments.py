"""Moments of cells: numbers that add up to the style of any union of cells."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from skykin.core.shapes import Degrees, Numbers
from skykin.indexing.answers import Kind
from skykin.style.engine.cells import Lattice, boxes, square_sums
from skykin.style.engine.shared import Reader, SharedMeter, VectorTaker
from skykin.style.network.architecture import channels_of
from skykin.style.signature import Standardisation
from skykin.style.statistics.form import Averages, Form, scale_of
from skykin.style.statistics.statistic import Statistic, ring_masks

#: Numbers in double precision that are added up together.
TOGETHER = 8 << 20
#: Half precision ends at 65 504.
LARGEST = 6e4


@dataclass(frozen=True, eq=False)
class Whole:
    """Whole vectors of tiles.

    Parameters
    ----------
    norms : array (rows, columns)
        Their lengths.
    vectors : array (rows, columns, n) or None
        The vectors, if they are kept.
    """

    norms: Numbers
    vectors: Numbers | None


@dataclass(frozen=True, eq=False)
class Directions:
    """How the means of a cell become few numbers.

    Parameters
    ----------
    middle : float32 array (channels,)
        Mean over cells; half precision is enough for what differs from it.
    basis : float32 array (k, channels)
        Orthonormal directions in which the places of a survey differ from their surroundings.
    """

    middle: Numbers
    basis: Numbers


@dataclass(frozen=True, eq=False)
class LayerScale:
    """What is known of one layer of a survey before its cells are read.

    Parameters
    ----------
    layer : str
    statistic : Statistic
    mean, spread : float32 array (n,)
        Of the statistic over a sample of the survey's tiles.
    standard : Standardisation or None
        By which the recipe compares them, along leading directions or not; None if it does as they are.
    directions : Directions, optional
        Where cells are kept in few directions.
    """

    layer: str
    statistic: Statistic
    mean: Numbers
    spread: Numbers
    standard: Standardisation | None
    directions: Directions | None = None

    @property
    def form(self) -> Form:
        """The statistic as sums."""
        return self.statistic.form(channels_of(self.layer))

    def compared(self, raw: Numbers, lat_deg: Degrees) -> Numbers:
        """Turn raw vectors ``(..., n)`` at Galactic latitudes (...) into those whose cosines are taken."""
        return raw if self.standard is None else self.standard.compared(self.layer, raw, lat_deg)

    @property
    def width(self) -> int:
        """Numbers that are compared."""
        return self.mean.size if self.standard is None else self.standard.width(self.layer)


class Moments(ABC):
    """What is kept of each cell in one layer, and how it becomes what is compared."""

    #: What cells add up to: whole vectors, projections or sketches of them.
    kind: ClassVar[Kind] = "exact"

    @classmethod
    @abstractmethod
    def of(cls, layer: LayerScale) -> Self:
        """Make it for one layer."""

    @property
    @abstractmethod
    def width(self) -> int:
        """Numbers that are kept of a cell."""

    @property
    @abstractmethod
    def compared_width(self) -> int:
        """Numbers that are compared."""

    @property
    def rings(self) -> tuple[int, ...]:
        """Rings of a square that count by themselves, as a `Statistic` has them."""
        return ()

    @abstractmethod
    def reader(
        self, shared: SharedMeter, layer: str, lattice: Lattice, *, exact: bool
    ) -> tuple[Reader, Callable[[], Numbers]]:
        """Give what reads the layer, and then its cells as they are kept, (rows, columns, width).

        The lattice is one of cells: its tiles are cells.  With `exact`, cells that add up to whole vectors
        are kept in single precision, otherwise in half.
        """

    def tile_reader(
        self,
        shared: SharedMeter,  # noqa: ARG002
        layer: str,  # noqa: ARG002
        lattice: Lattice,  # noqa: ARG002
        *,
        keep: bool,  # noqa: ARG002
    ) -> tuple[Reader, Callable[[], Whole]] | None:
        """Give what reads the whole vectors of tiles, where cells do not add up to them exactly."""
        return None

    @abstractmethod
    def sums(self, cells: Numbers, weights: Numbers) -> Numbers:
        """Weighted numbers that add up, float64: from ``(..., width)`` and ``(..., 1)``."""

    @abstractmethod
    def finish(self, means: Numbers, rings: Numbers | None, lat_deg: Degrees) -> Numbers:
        """Compare: float32, from those sums divided by the weight, and the same of each ring where needed.

        At Galactic latitudes of the shape of `means` without its last axis.  NaN stays NaN.
        """

    def given(self, whole: Numbers) -> Numbers:
        """Bring a whole compared vector to the unit of the lengths that are kept."""
        return whole

    def short(self, whole: Numbers) -> Numbers:
        """Bring a whole compared vector to what cells add up to."""
        return whole


@dataclass(frozen=True, eq=False)
class SumsOfCells(Moments):
    """The averages of a form's sums in single precision, for any statistic.

    Parameters
    ----------
    form : Form
    unit : float
        Factor from the statistic's numbers to the form's entries.
    numbers : int
        That are compared.
    compared : callable
        From the statistic to what is compared.
    """

    form: Form
    unit: float
    numbers: int
    compared: Callable[[Numbers, Degrees], Numbers]

    @classmethod
    def of(cls, layer: LayerScale) -> Self:
        """Keep the sums of the statistic's form."""
        form = layer.form
        return cls(form, float(scale_of(layer.layer)) ** form.degree, layer.width, layer.compared)

    @property
    def width(self) -> int:
        """One per sum."""
        return self.form.sums

    @property
    def compared_width(self) -> int:
        """Numbers that are compared."""
        return self.numbers

    @property
    def rings(self) -> tuple[int, ...]:
        """As the form has them."""
        return self.form.rings

    def reader(
        self,
        shared: SharedMeter,
        layer: str,
        lattice: Lattice,
        *,
        exact: bool,  # noqa: ARG002
    ) -> tuple[Reader, Callable[[], Numbers]]:
        """Read the averages of cells."""
        form = Averages(self.form)
        taker = VectorTaker(lattice, form, 1.0)
        reader = shared.reader(layer, lattice, form, taker)
        return reader, lambda: finite(taker.vectors())

    def sums(self, cells: Numbers, weights: Numbers) -> Numbers:
        """Averages times weights."""
        return weights * np.asarray(cells, np.float64)

    def finish(self, means: Numbers, rings: Numbers | None, lat_deg: Degrees) -> Numbers:
        """Make the statistic of the averages of all together."""
        flat = means.reshape(-1, self.width)
        one = np.ones((len(flat), 1))
        beside = None if rings is None else rings.reshape(len(rings), -1, self.width)
        if self.form.needs_means:
            beside = flat[:, self.form.stretches[-1].summed.stop :]
        with np.errstate(all="ignore"):
            parts = [
                self.form.finish(each, flat[:, each.summed].copy(), one, beside)
                for each in self.form.stretches
            ]
        raw = np.concatenate(parts, axis=-1)[:, self.form.order] / self.unit
        found = self.compared(raw, np.ravel(lat_deg))
        return np.asarray(found, np.float32).reshape(*means.shape[:-1], -1)


def add_up(
    moments: Moments, cells: Numbers, weights: Numbers, lat_deg: Degrees, *, reach: int, step: int
) -> Numbers:
    """Add up what is compared of all squares of `reach` × `reach` cells.

    Parameters
    ----------
    moments : Moments
    cells : float16 array (rows, columns, width)
    weights : array (rows, columns)
    lat_deg : array (rows', columns')
        Galactic latitudes of the middles of the squares.
    reach, step : int
        Side of a square and distance between squares, cells.

    Returns
    -------
    float32 array (rows', columns', n)
        NaN where the weights sum to zero.
    """
    rows, columns, _ = cells.shape
    down, across = (rows - reach) // step + 1, (columns - reach) // step + 1
    found = np.empty((down, across, moments.compared_width), np.float32)
    w = np.asarray(weights, np.float64)[..., None]
    # Strip by strip: sums in double precision of a large facet would not fit into memory.
    high = max(1, TOGETHER // (columns * 2 * moments.width) - reach) // step + 1
    for top in range(0, down, high):
        bottom = min(top + high, down)
        strip = slice(top * step, (bottom - 1) * step + reach)
        both = (w[strip], moments.sums(cells[strip], w[strip]))
        (weight, ring_weights), (part, rings) = (
            with_rings(values, reach, step, moments.rings) for values in both
        )
        own = None if rings is None or ring_weights is None else rings / positive(ring_weights)
        found[top:bottom] = moments.finish(part / positive(weight), own, lat_deg[top:bottom])
    return found


def add_all(moments: Moments, cells: Numbers, weights: Numbers, lat_deg: Degrees) -> Numbers:
    """Add up what is compared of squares of cells: from ``(squares, cells, width)`` to ``(squares, n)``.

    The cells of a square follow each other row by row; its middle lies at one of the latitudes (squares,).
    """
    w = np.asarray(weights, np.float64)[..., None]
    sums, rings = moments.sums(cells, w), None
    if moments.rings:
        side = math.isqrt(cells.shape[-2])
        masks = ring_masks((side, side), moments.rings).reshape(len(moments.rings), -1)
        rings = np.stack(
            [sums[..., own, :].sum(axis=-2) / positive(w[..., own, :].sum(axis=-2)) for own in masks]
        )
    return moments.finish(sums.sum(axis=-2) / positive(w.sum(axis=-2)), rings, lat_deg)


def with_rings(
    values: Numbers, reach: int, step: int, rings: Sequence[int]
) -> tuple[Numbers, Numbers | None]:
    """Sum all squares of `reach` × `reach` cells, and their rings, (rings, rows, columns, n), if any."""
    whole = boxes(boxes(values, reach, 0), reach, 1)[::step, ::step]
    if not rings:
        return whole, None
    return whole, np.stack([ring[::step, ::step] for ring in square_sums(values, reach, rings)])


def limited(values: Numbers) -> Numbers:
    """Cut off what half precision does not hold; what is not finite becomes 0."""
    return np.clip(finite(values), -LARGEST, LARGEST)


def halved(values: Numbers) -> Numbers:
    """Half precision; what is not finite becomes 0."""
    return np.asarray(limited(values), np.float16)


def finite(values: Numbers) -> Numbers:
    """Replace what is not finite by 0."""
    return np.nan_to_num(values, nan=0, posinf=0, neginf=0)


def positive(weights: Numbers) -> Numbers:
    """Replace weights of 0 by NaN, so that what is divided by them is NaN, too."""
    return np.where(weights > 0, weights, np.nan)


def unit_rows(rows: Numbers, norms: Numbers) -> Numbers:
    """Divide rows by their lengths; NaN where one is 0."""
    lengths = np.where(norms > 0, norms, np.nan)
    return np.asarray(rows / lengths[:, None], np.float32)

"""A form is a statistic written as sums over positions, so that parts of a picture can be added."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np

from skykin.core.shapes import Numbers
from skykin.style.arrays import beside, on_host

#: Factors on the features of each block before they are multiplied: raw sums of squares overflow float32.
SCALES = {"block1": 1e-2, "block2": 1e-3, "block3": 1e-3, "block4": 1e-4, "block5": 1e-3}


@dataclass(frozen=True)
class Stretch:
    """Neighbouring entries `start` to `stop` of a form, and the sums that they are made of.

    Of a matrix they are `rows` × `columns`.
    """

    start: int
    stop: int
    summed: slice
    rows: slice = field(default_factory=lambda: slice(0, 0))
    columns: slice = field(default_factory=lambda: slice(0, 0))


class Form(Protocol):
    """A statistic as sums over positions."""

    @property
    def degree(self) -> int:
        """Which power of the features the entries are: 1 for means, 2 for products.

        0 if they are none; features are then not scaled before they are summed.
        """

    @property
    def sums(self) -> int:
        """Numbers that are summed per cell."""

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """The entries of the statistic, stretch by stretch."""

    @property
    def needs_means(self) -> bool:
        """Whether `finish` wants the mean of each channel; its sums are then the last ones."""

    @property
    def rings(self) -> tuple[int, ...]:
        """Rings of a `Statistic`: `finish` wants, as `means`, the means of all sums over each, if any.

        They are (rings, tiles, sums).
        """

    @property
    def order(self) -> Numbers:
        """Where in the form's entries each number of the statistic's `flattened` vector stands."""

    def fill(self, features: Numbers, roots: Numbers, out: Numbers) -> None:
        """Sum over the positions of one cell: features (channels, n) times the roots (n,) of the weights.

        The channels of a position lie side by side in memory.
        """

    def fill_cells(self, features: Numbers, roots: Numbers, out: Numbers) -> None:
        """Do so for many cells: (cells, n, channels) times (cells, n, 1), arrays of NumPy or of PyTorch.

        They lie where `out` (cells, sums) does.
        """

    def finish(self, stretch: Stretch, sums: Numbers, total: Numbers, means: Numbers | None) -> Numbers:
        """Entries ``(tiles, n)`` of the statistic from sums over whole tiles, in place where that is quicker.

        `total` (tiles, 1) is the sum of the weights.  All are arrays of NumPy, or all of PyTorch.
        """


@dataclass(frozen=True)
class FormOfMeans:
    """Any function of means over positions.

    Parameters
    ----------
    channels : int
    moments : callable
        From features (channels, n) to what is averaged, (m, n).
    finish_means : callable
        From averages (..., m), and those over the rings (rings, ..., m) or None, to the statistic (..., k).
    rings : tuple of int
    """

    channels: int
    moments: Callable[[Numbers], Numbers]
    finish_means: Callable[[Numbers, Numbers | None], Numbers]
    rings: tuple[int, ...]

    degree = 0
    needs_means = False

    @cached_property
    def sums(self) -> int:
        """As many as there are moments."""
        return len(self.moments(np.ones((self.channels, 1), np.float32)))

    @cached_property
    def stretches(self) -> tuple[Stretch, ...]:
        """All at once."""
        means = np.ones((1, self.sums))
        rings = np.ones((len(self.rings), 1, self.sums)) if self.rings else None
        with np.errstate(all="ignore"):
            entries = self.finish_means(means, rings).shape[-1]
        return (Stretch(0, entries, slice(0, self.sums)),)

    @property
    def order(self) -> Numbers:
        """As they stand."""
        return np.arange(self.stretches[0].stop)

    def fill(self, features: Numbers, roots: Numbers, out: Numbers) -> None:
        """Sum the moments of the positions that count."""
        seen = roots > 0
        own = roots[seen]
        out[:] = self.moments(features[:, seen] / own) @ np.square(own)

    def fill_cells(self, features: Numbers, roots: Numbers, out: Numbers) -> None:
        """Sum them cell by cell on the processor, which is where any moments can be taken."""
        found = np.empty(tuple(out.shape), np.float32)
        for cell, root, own in zip(on_host(features), on_host(roots), found, strict=True):
            self.fill(cell.T, root[:, 0], own)
        out[:] = beside(found, out)

    def finish(self, stretch: Stretch, sums: Numbers, total: Numbers, means: Numbers | None) -> Numbers:  # noqa: ARG002
        """Make the statistic of the averages, on the processor."""
        rings = None if means is None else on_host(means)
        found = self.finish_means(on_host(sums) / on_host(total), rings)
        return beside(np.asarray(found, np.float32), sums)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Averages:
    """The sums of another form over the sum of the weights, with nothing made of them."""

    form: Form

    needs_means = False
    rings = ()

    @property
    def degree(self) -> int:
        """As the form has it."""
        return self.form.degree

    @property
    def sums(self) -> int:
        """As many as the form has."""
        return self.form.sums

    @cached_property
    def stretches(self) -> tuple[Stretch, ...]:
        """Those of the form, and one of the sums behind them."""
        parts = [each.summed for each in self.form.stretches]
        if parts[-1].stop < self.sums:
            parts.append(slice(parts[-1].stop, self.sums))
        return tuple(Stretch(part.start, part.stop, part) for part in parts)

    @property
    def order(self) -> Numbers:
        """As they stand."""
        return np.arange(self.sums)

    def fill(self, features: Numbers, roots: Numbers, out: Numbers) -> None:
        """Sum as the form does."""
        self.form.fill(features, roots, out)

    def fill_cells(self, features: Numbers, roots: Numbers, out: Numbers) -> None:
        """Sum as the form does."""
        self.form.fill_cells(features, roots, out)

    def finish(self, stretch: Stretch, sums: Numbers, total: Numbers, means: Numbers | None) -> Numbers:  # noqa: ARG002
        """Divide by the weights."""
        sums /= total
        return sums


def scale_of(layer: str) -> np.float32:
    """Factor on the features of a layer before they are multiplied."""
    return np.float32(SCALES[layer.partition("_")[0]])

"""Mean and spread of all tiles of a survey within rows of latitude, added up part by part."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Self

import numpy as np

from skykin.core.shapes import Degrees, Numbers

#: Numbers of a record before the means and the squares.
BEFORE = 3
#: Parts that are added up at a time.
TOGETHER = 256


def distance_deg(lat_deg: Degrees) -> Numbers:
    """Tell how far from the plane, so rounded that it does not matter how a tile's place was computed."""
    return np.asarray(np.abs(lat_deg)).round(9)


def edges_of(width_deg: float) -> Numbers:
    """|b| that divides rows of one width from the next."""
    return np.arange(1, math.ceil(90 / width_deg)) * width_deg


def row_of(lat_deg: Degrees, width_deg: float) -> Numbers:
    """Tell which row of one width each Galactic latitude lies in, from 0 at the plane."""
    return np.asarray(np.searchsorted(edges_of(width_deg), distance_deg(lat_deg), side="right"))


@dataclass(frozen=True, eq=False)
class RowMoments:
    r"""How many tiles lie in each row, their mean, and the sum of their squared deviations from it.

    Parts add up by

    .. math:: n = \sum_i n_i , \quad n m = \sum_i n_i m_i , \quad
              Q = \sum_i \bigl(Q_i + n_i (m_i - m)^2\bigr)

    Parameters
    ----------
    records : float64 array (rows, 3 + 2 × numbers)
        Of each row that holds a tile: its number, its tiles, the sky that they stand for in units of a tile,
        their mean, and the sum of squares; all layers beside each other.

    References
    ----------
    Chan, Golub & LeVeque 1983, The American Statistician 37, 242.
    """

    records: Numbers

    @classmethod
    def of(cls, vectors: Numbers, lat_deg: Degrees, areas: Numbers, width_deg: float) -> Self:
        """Take the moments of some tiles.

        Parameters
        ----------
        vectors : float array (tiles, numbers)
            All layers beside each other.
        lat_deg : array (tiles,)
            Galactic latitudes of the centres.
        areas : array (tiles,)
            Sky that each stands for, in units of a tile.
        width_deg : float
            Of a row.
        """
        number = row_of(lat_deg, width_deg)
        records = []
        for row in np.unique(number):
            own = vectors[number == row].astype(np.float64)
            mean = own.mean(axis=0)
            own -= mean
            squares = np.einsum("tn,tn->n", own, own)
            records.append([row, len(own), areas[number == row].sum(), *mean, *squares])
        return cls(np.array(records, np.float64).reshape(-1, BEFORE + 2 * vectors.shape[1]))

    @classmethod
    def added(cls, parts: Iterable[RowMoments]) -> Self:
        """Add parts up, row by row; no more than `TOGETHER` of them are held at a time."""
        left, sums = iter(parts), list[Numbers]()
        while block := [part.records for part in islice(left, TOGETHER)]:
            every = np.concatenate([*sums, *block])
            rows = [_added(every[every[:, 0] == row]) for row in np.unique(every[:, 0])]
            sums = [np.stack(rows) if rows else every]
        return cls(sums[0])

    @property
    def number(self) -> Numbers:
        """Numbers of the rows, int."""
        return self.records[:, 0].astype(int)

    @property
    def independent(self) -> Numbers:
        """Independent tiles to which the overlapping ones of each row are equivalent."""
        return np.minimum(self.records[:, 1], self.records[:, 2])

    @property
    def middle(self) -> Numbers:
        """Mean of all tiles, float32 (numbers,)."""
        return self.together()[1].astype(np.float32)

    def only(self, chosen: np.ndarray) -> Self:
        """Keep some rows."""
        return type(self)(self.records[chosen])

    def together(self) -> tuple[int, Numbers, Numbers]:
        """Give the number of all tiles, their mean, and the sum of their squared deviations."""
        both = _added(self.records)
        mean, squares = np.split(both[BEFORE:], 2)
        return int(both[1]), mean, squares


def _added(records: Numbers) -> Numbers:
    count, (means, squares) = records[:, 1:2], np.split(records[:, BEFORE:], 2, axis=1)
    mean = (count * means).sum(axis=0) / max(count.sum(), 1)
    whole = (squares + count * (means - mean) ** 2).sum(axis=0)
    first = records[0, 0] if len(records) else 0.0
    return np.concatenate([[first], records[:, 1:BEFORE].sum(axis=0), mean, whole])

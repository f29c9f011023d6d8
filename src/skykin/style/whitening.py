"""The leading directions in which the tiles of a survey differ, and numbers along them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from skykin.core.shapes import Numbers
from skykin.style.arrays import beside, library
from skykin.style.basis import fit_basis

#: Smallest spread that counts, in units of the largest.
LEAST = 1e-3


@dataclass(frozen=True, eq=False)
class Whitening:
    r"""Standardised numbers along leading directions, each divided by the root of its spread there.

    .. math:: y_{bk} = \sigma_k^{-1/2} \sum_c V_{kc}\, z_{bc}

    for each block b of a statistic, with the directions :math:`V` of its part and the spread
    :math:`\sigma_k` of the survey along them.  Blocks of one part, such as the rings of a profile, share
    their directions.  To divide by :math:`\sigma_k` itself would make noise as important as structure; not
    to divide lets what many channels answer alike outvote the rest.

    Parameters
    ----------
    blocks : tuple of int
        Blocks of each part.
    directions : tuple of float32 array (k, n)
        Of each part: its rows are :math:`\sigma_k^{-1/2} V_k`.
    """

    blocks: tuple[int, ...]
    directions: tuple[Numbers, ...]

    @classmethod
    def fit(cls, rows: Numbers, blocks: Sequence[int], components: int) -> Self:
        """Find the directions.

        Parameters
        ----------
        rows : float array (tiles, numbers)
            Standardised numbers of a sample of tiles.
        blocks : sequence of int
            Blocks of each part, one after the other, all equally long.
        components : int
            Directions that are kept, at most.
        """
        cut, start, found = rows.reshape(len(rows), sum(blocks), -1), 0, []
        for count in blocks:
            own = cut[:, start : start + count].reshape(-1, cut.shape[-1]).astype(np.float64)
            basis = fit_basis(own, components).astype(np.float64)
            spread = np.sqrt(np.mean((own @ basis.T) ** 2, axis=0))
            root = np.sqrt(np.maximum(spread, LEAST * spread.max()))
            found.append((basis / root[:, None]).astype(np.float32))
            start += count
        return cls(tuple(blocks), tuple(found))

    @property
    def width(self) -> int:
        """Numbers that are left."""
        return sum(count * len(own) for count, own in zip(self.blocks, self.directions, strict=True))

    def along(self, numbers: Numbers) -> Numbers:
        """Bring standardised numbers (..., n) to the directions: (..., width)."""
        flat = numbers.reshape(-1, sum(self.blocks), self.directions[0].shape[1])
        parts, start = [], 0
        for count, own in zip(self.blocks, self.directions, strict=True):
            along = flat[:, start : start + count] @ beside(own.T, flat)
            parts.append(along.reshape(len(flat), -1))
            start += count
        return library(flat).concat(parts, axis=-1).reshape(*numbers.shape[:-1], -1)  # type: ignore[no-any-return]

    def back(self, vector: Numbers) -> Numbers:
        """Give the numbers (n,) whose product with others is that of `vector` (width,) with those along."""
        parts, start = [], 0
        for count, own in zip(self.blocks, self.directions, strict=True):
            part = vector[start : start + count * len(own)].reshape(count, len(own))
            parts.append((part @ own).ravel())
            start += part.size
        return np.concatenate(parts)

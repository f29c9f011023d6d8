"""A sketch: a thousand sums of random signs that keep dot products of very long vectors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from skykin.core.shapes import Numbers

#: Numbers of a sketch.
SKETCHED = 1024


@dataclass(frozen=True)
class Sketch:
    r"""Sums of the entries of a vector with random signs, each entry in one random sum.

    .. math:: s_j = \sum_{i : h(i) = j} \pm x_i , \qquad
              \mathrm{E}\, \langle s(x), s(y) \rangle = \langle x, y \rangle

    Where an entry goes depends on its number only, not on data: sketches of any survey compare.

    Parameters
    ----------
    entries : int
        Length of the vectors.

    References
    ----------
    Charikar, Chen & Farach-Colton 2004, Theoretical Computer Science 312, 3 (count sketch);
    Weinberger et al. 2009, ICML (its dot products).
    Steele, Lea & Flood 2014, OOPSLA: the numbers are those of SplitMix64, with the entry's number as state.
    """

    entries: int

    @cached_property
    def matrix(self) -> sparse.csr_array:
        """One entry ±1 per row: (entries, `SKETCHED`), float32."""
        mixed = _splitmix(np.arange(1, self.entries + 1, dtype=np.uint64))
        where = (mixed & np.uint64(SKETCHED - 1)).astype(np.int32)
        signs = np.where(mixed >> np.uint64(63), 1, -1).astype(np.float32)
        return sparse.csr_array((signs, where, np.arange(self.entries + 1)), shape=(self.entries, SKETCHED))

    def __call__(self, vectors: Numbers) -> Numbers:
        """Sketch vectors ``(..., entries)``: float32 ``(..., SKETCHED)``."""
        flat = np.asarray(vectors, np.float32).reshape(-1, self.entries)
        return np.asarray(flat @ self.matrix, np.float32).reshape(*vectors.shape[:-1], SKETCHED)


def _splitmix(state: Numbers) -> Numbers:
    """Output of SplitMix64 after so many steps from 0, modulo 2⁶⁴."""
    with np.errstate(over="ignore"):
        z = state * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))

"""A signature is the style of one tile: a vector per layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float32]


class Signature(Mapping[str, Vector]):
    """Layer to its flat float32 vector; read-only, in the order of the layers.

    Parameters
    ----------
    vectors : Mapping of str to array (n,)
    """

    __slots__ = ("_vectors",)

    def __init__(self, vectors: Mapping[str, npt.NDArray[np.floating]]) -> None:
        self._vectors: dict[str, Vector] = {}
        for layer, vector in vectors.items():
            own = np.array(vector, dtype=np.float32).reshape(-1)
            own.setflags(write=False)
            self._vectors[layer] = own

    def __getitem__(self, layer: str) -> Vector:
        return self._vectors[layer]

    def __iter__(self) -> Iterator[str]:
        return iter(self._vectors)

    def __len__(self) -> int:
        return len(self._vectors)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{layer}: {vector.size}" for layer, vector in self.items())
        return f"Signature({sizes})"

    @property
    def finite(self) -> bool:
        """Whether every number is; a tile without a covered position has no style."""
        return all(bool(np.isfinite(vector).all()) for vector in self.values())


def flattened(statistic: npt.NDArray[np.float32]) -> Vector:
    r"""Lay a statistic out as a vector whose length and angles are those of the statistic.

    Of a symmetric matrix the upper triangle is kept, with :math:`\sqrt 2` before what stands beside the
    diagonal: :math:`\langle A, B\rangle = \sum_{ij} A_{ij} B_{ij}` stays the same at half the numbers.

    Parameters
    ----------
    statistic : array (n,) or symmetric array (n, n)

    Returns
    -------
    float32 array (n,) or (n (n + 1) / 2,)
    """
    if statistic.ndim == 1:
        return statistic
    upper, right = np.triu_indices(len(statistic))
    return statistic[upper, right] * np.where(upper == right, 1, np.sqrt(2)).astype(np.float32)

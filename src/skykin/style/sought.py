"""What the tiles of a map are compared with: the style of one reference, or of several."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from skykin.core.shapes import Numbers
from skykin.style.recipe import Combine
from skykin.style.several import Likeness, likeness_to_several
from skykin.style.signature import Signature
from skykin.style.similar import combine, layer_cosines


@dataclass(frozen=True, eq=False)
class Sought:
    r"""Signatures to find.

    For the mean of cosines the engine needs to see one vector only, the mean of the unit vectors
    :math:`m = \frac{1}{n} \sum_j r_j / |r_j|`, because

    .. math:: \frac{1}{n} \sum_j \cos(t, r_j) = \frac{t \cdot m}{|t|} = |m| \cos(t, m)

    Parameters
    ----------
    signatures : tuple of Signature
        At least one, with the same layers and none of them zero.
    layers_by : {"max", "mean"}
        How the recipe makes one score of the cosines of the layers.
    by : {"max", "mean"}
        Whether a tile should be like any of several references, or like all of them.
    """

    signatures: tuple[Signature, ...]
    layers_by: Combine
    by: Combine = "max"

    @property
    def names_nearest(self) -> bool:
        """Whether it is known which reference a tile is most like."""
        return len(self.signatures) > 1 and self.by == "max"

    @property
    def several_rows(self) -> bool:
        """Whether `vectors` has a row for each reference."""
        return len(self.signatures) > 1 and not self._averaged

    @cached_property
    def vectors(self) -> dict[str, Numbers]:
        """What the engine compares with: per layer an array (n,) or (references, n)."""
        if len(self.signatures) == 1:
            return dict(self.signatures[0])
        stacked = {
            layer: np.stack([each[layer] for each in self.signatures]).astype(np.float64)
            for layer in self.signatures[0]
        }
        units = {layer: rows / np.linalg.norm(rows, axis=1)[:, None] for layer, rows in stacked.items()}
        joined = {layer: rows.mean(axis=0) for layer, rows in units.items()} if self._averaged else units
        return {layer: rows.astype(np.float32) for layer, rows in joined.items()}

    def likeness(self, cosines: Numbers) -> Likeness:
        """Tell how like tiles are from their cosines with `vectors`.

        Parameters
        ----------
        cosines : array (..., layers) or (..., references, layers)
            The latter where `vectors` has several rows.
        """
        if self.several_rows:
            return likeness_to_several(cosines, combine(cosines, self.layers_by), self.by)
        each = np.asarray(cosines * self._lengths)
        return Likeness(combine(each, self.layers_by), each, np.zeros(each.shape[:-1], int))

    def likeness_of(self, signature: Signature) -> Likeness:
        """Tell how like one tile is."""
        rows = [np.atleast_2d(rows) for rows in self.vectors.values()]
        cosines = np.array([
            list(layer_cosines(signature, Signature(dict(zip(self.vectors, row, strict=True)))).values())
            for row in zip(*rows, strict=True)
        ])  # fmt: skip
        return self.likeness(cosines if self.several_rows else cosines[0])

    @property
    def _averaged(self) -> bool:
        # The best layer of each reference has no such shortcut.
        return len(self.signatures) > 1 and self.by == "mean" and self.layers_by == "mean"

    @cached_property
    def _lengths(self) -> Numbers:
        """Length of the mean of the unit vectors, layer by layer; 1 for one reference."""
        if not self._averaged:
            return np.ones(len(self.signatures[0]))
        return np.array([np.linalg.norm(vector.astype(np.float64)) for vector in self.vectors.values()])

"""What an index answers: styles, regions, levels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from astropy.table import QTable

from skykin.core.shapes import Degrees, Numbers
from skykin.style.signature import LayerVectors, Signature

#: ``projection``: up to 128 numbers a layer, fitted on the survey itself.  ``sketch``: 1 024 numbers a layer,
#: of recipes of second moments.  ``exact``: whole vectors, of recipes of means and spreads, or where the
#: index was built with ``exact``.
Kind = Literal["projection", "sketch", "exact"]
#: Which of some Galactic positions (longitudes and latitudes in degrees) lie inside.
Contains = Callable[[Degrees, Degrees], np.ndarray]


@dataclass(frozen=True, eq=False)
class Style(LayerVectors):
    """A style in the space in which an index compares.

    The dot product of a layer's vector with a tile's row of `StoredIndex.vectors` of the same kind is the
    cosine of that layer.

    Parameters
    ----------
    kind : {"projection", "sketch", "exact"}
    vectors : Mapping of str to float32 array (n,)
        Per layer, divided by the length of the whole signature; NaN if it has no style.
    norms : Mapping of str to float
        Those lengths.
    """

    kind: Kind
    vectors: Mapping[str, Numbers]
    norms: Mapping[str, float]

    def __getitem__(self, layer: str) -> Numbers:
        return self.vectors[layer]

    def __iter__(self) -> Iterator[str]:
        return iter(self.vectors)

    def __len__(self) -> int:
        return len(self.vectors)

    def cosines(self, other: Mapping[str, Numbers]) -> Numbers:
        """Cosine of each layer with another style of the same kind: float64 array (layers,)."""
        return np.clip([np.float64(own @ other[layer]) for layer, own in self.vectors.items()], -1, 1)


@dataclass(frozen=True, eq=False)
class Region:
    """The style of a part of the sky, each cell of it counted once.

    Parameters
    ----------
    signature : Signature
        As `StoredIndex.meter` gives it, or a sketch of that: what `StoredIndex.project` takes.
    cells : int
        Cells with data in it.
    area_deg2 : float
        Solid angle of those cells, times their coverage.
    flat : bool
        Whether it has no structure: one value everywhere, but for rounding.
    """

    signature: Signature
    cells: int
    area_deg2: float
    flat: bool


@dataclass(frozen=True, eq=False)
class Level:
    """All tiles of one size, added up from cells.

    Parameters
    ----------
    size_deg, spacing_deg : float
        Side of a tile, and distance between neighbouring centres.
    tiles : QTable
        name, lon, lat, width, height, turn (degrees), coverage, area (share of the sphere), facet, row,
        column.
    vectors : callable
        From a layer (or None: all beside each other) and a kind (or None) to an iterator of which tiles, and
        their vectors, as `StoredIndex.vectors`; computed facet by facet when it is called.
    """

    size_deg: float
    spacing_deg: float
    tiles: QTable
    vectors: Callable[[str | None, Kind | None], Iterator[tuple[slice, Numbers]]]

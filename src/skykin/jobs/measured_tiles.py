"""Tiles that one pass over a survey measures, kept until the average of all of them is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from skykin.core.protocols import Progress
from skykin.core.shapes import Degrees, Numbers
from skykin.core.sphere import SPHERE_DEG2
from skykin.indexing.moments import LARGEST
from skykin.jobs.anchors import Anchors
from skykin.scale.local import ordered_map
from skykin.scale.store import WorkStore
from skykin.style.network.halves import widened
from skykin.style.row_moments import RowMoments
from skykin.style.signature import Signature, Standardisation
from skykin.style.similarity import QueryStyle
from skykin.tiling.facets import Facet

#: What a row takes over from a `Similarity`.
FOUND = ("cosines", "score", "nearest", "view")


def row_type(layers: int) -> np.dtype[np.void]:
    """Type of the numbers of one scored tile; NaN where they are not known."""
    return np.dtype([
        ("cosines", "f8", (layers,)), ("score", "f8"), ("nearest", "i4"), ("view", "i4"), ("hubness", "f8"),
        ("brightness", "f8"), ("coverage", "f8"), ("blank", "f8"), ("mean_intensity", "f8"),
    ])  # fmt: skip


def enter_scores(
    rows: Numbers,
    cosines: Numbers,
    place_deg: tuple[Degrees, Degrees],
    style: QueryStyle[Signature],
    anchors: Anchors | None,
) -> None:
    """Enter the scores of tiles into their rows (...), in place.

    Parameters
    ----------
    rows : array (...)
        Of `row_type`.
    cosines : float64 array (..., styles, layers)
        With the styles of the query, then with the anchors.
    place_deg : tuple of array (...)
        Galactic longitudes and latitudes of the centres, degrees.
    style : QueryStyle
    anchors : Anchors or None
    """
    number = len(style.styles)
    found = style.similarity(cosines[..., :number, :])
    for name in FOUND:
        rows[name] = getattr(found, name)
    if anchors is not None:
        rows["hubness"] = anchors.hubness(style.joined(cosines[..., number:, :]), *place_deg)


@dataclass(frozen=True, eq=False)
class MeasuredTiles:
    """The tiles of one facet.

    Parameters
    ----------
    rows : array (tiles,)
        Of `row_type`, without scores.
    vectors : float16 array (tiles, numbers)
        Deviations from the mean of the facet, of all layers beside each other; NaN where a tile has no style.
    moments : RowMoments
        Of those that have one.
    """

    rows: Numbers
    vectors: Numbers
    moments: RowMoments

    @classmethod
    def of(cls, rows: Numbers, vectors: Numbers, facet: Facet, width_deg: float) -> Self:
        """Keep the own tiles of a facet, measured in single precision."""
        known = np.isfinite(vectors).all(axis=1)
        lat = facet.centers()[1][facet.own][known]
        one = facet.footprints()[0] if facet.own.any() else None
        tile_deg2 = 1.0 if one is None else one.width_deg * one.height_deg
        areas = np.full(len(lat), facet.share * SPHERE_DEG2 / tile_deg2)
        moments = RowMoments.of(vectors[known], lat, areas, width_deg)
        away = vectors - moments.middle
        return cls(rows, np.clip(away, -LARGEST, LARGEST).astype(np.float16), moments)

    def scored(
        self,
        facet: Facet,
        style: QueryStyle[Signature],
        standard: Standardisation,
        anchors: Anchors | None = None,
    ) -> Numbers:
        """Rows of the tiles with their scores, (tiles,) of `row_type`."""
        wanted = style.vectors if anchors is None else anchors.below(style.vectors)
        known = np.flatnonzero(np.isfinite(self.vectors[:, 0]))
        lon, lat = (values[facet.own][known] for values in facet.centers())
        middle = self.moments.middle
        cosines = np.empty((len(known), len(wanted[style.recipe.layers[0]]), len(style.recipe.layers)))
        for part, wide in widened(self.vectors[known]):
            start = 0
            for number, layer in enumerate(style.recipe.layers):
                stop = start + wanted[layer].shape[1]
                raw = wide[:, start:stop] + middle[start:stop]
                own = standard.compared(layer, raw, lat[part])
                lengths = np.sqrt(np.einsum("tn,tn->t", own, own, dtype=np.float64))
                np.divide(own @ wanted[layer].T, np.where(lengths > 0, lengths, np.nan)[:, None],
                          out=cosines[part, :, number])  # fmt: skip
                start = stop
        rows, scored = self.rows.copy(), self.rows[known]
        if len(known):
            enter_scores(scored, np.clip(cosines, -1, 1), (lon, lat), style, anchors)
        rows[known] = scored
        return rows


@dataclass(frozen=True, eq=False)
class MeasuredFacets:
    """The tiles of all facets: on disk, or in memory where the disk has no room.

    Parameters
    ----------
    facets : sequence of Facet
    store : WorkStore
        Where an interrupted run finds again what it measured.
    layers : int
    """

    facets: Sequence[Facet]
    store: WorkStore
    layers: int
    _held: dict[int, MeasuredTiles] = field(default_factory=dict)

    def measure(
        self, measured: Callable[[Facet], MeasuredTiles], workers: int, progress: Progress
    ) -> RowMoments:
        """Measure every facet that is not kept yet; return the moments of all tiles."""

        def one(number: int) -> RowMoments:
            found = self._kept(number)
            if found is None:
                found = measured(self.facets[number])
                if not self.keep(number, found):
                    self._held[number] = found
            return found.moments

        with progress.stage("Style of every facet", len(self.facets), "facets") as counter:
            every = []
            for moments in ordered_map(one, range(len(self.facets)), workers):
                every.append(moments)
                counter.advance()
        return RowMoments.added(every)

    def keep(self, number: int, found: MeasuredTiles) -> bool:
        """Put the tiles of a facet into the store, and tell whether it has room."""
        parts = {"vectors": found.vectors, "moments": found.moments.records, "tiles": found.rows}
        return all(self.store.put(f"{name}-{number}", part) for name, part in parts.items())

    def tiles(self, number: int, measured: Callable[[Facet], MeasuredTiles]) -> MeasuredTiles:
        """Give the tiles of a facet; measured again if they were lost."""
        return self._kept(number) or measured(self.facets[number])

    def _kept(self, number: int) -> MeasuredTiles | None:
        if number in self._held:
            return self._held[number]
        rows, vectors, records = (
            self.store.get(f"{name}-{number}") for name in ("tiles", "vectors", "moments")
        )
        if rows is None or vectors is None or records is None:
            return None
        fits = rows.dtype == row_type(self.layers) and vectors.dtype == np.float16
        if not (fits and len(rows) == len(vectors) == self.facets[number].own.sum()):
            return None
        return MeasuredTiles(rows, vectors, RowMoments(records))

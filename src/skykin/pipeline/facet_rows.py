"""Rows of numbers for the tiles of facets, by one run of the network over each facet."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from skykin.core.footprint import Footprint
from skykin.core.picture import Picture
from skykin.core.protocols import ColouredSky
from skykin.core.shapes import Numbers
from skykin.pipeline.anchors import Anchors
from skykin.scale.local import ordered_map
from skykin.scale.store import WorkStore
from skykin.search.similar import combine
from skykin.sky.facets import Facet
from skykin.style.cells import Lattice, tile_sums
from skykin.style.context import ContextMeter
from skykin.style.plane import PlaneSource
from skykin.style.signature import Signature
from skykin.style.standard import Standardisation


@dataclass(frozen=True, eq=False)
class FacetReader:
    """Reads all tiles of a facet at once.

    Parameters
    ----------
    sky : ColouredSky
    meter : ContextMeter
    reference : Signature
    min_coverage : float
        Tiles with a smaller share of observed pixels have no row.
    anchors : Anchors, optional
        Whose likeness tells how much of a hub a tile is.
    """

    sky: ColouredSky
    meter: ContextMeter
    reference: Signature
    min_coverage: float
    anchors: Anchors | None = None

    def rows(self, facet: Facet) -> Numbers:
        """Cosines of the layers, brightness and coverage of each own tile; NaN where too little is covered.

        Returns
        -------
        float64 array (tiles, layers + 2)
            With anchors one more, the hubness, after the cosines.
        """
        halo = self.meter.halo
        picture = facet.picture(self.sky, halo)
        height, width = facet.shape
        lattice = Lattice(height, width, facet.tile, facet.spacing)
        own = slice(halo, halo + height), slice(halo, halo + width)
        coverage = picture.coverage[own].astype(np.float64)
        weight = tile_sums(coverage, lattice)
        light = tile_sums(picture.rgb[own].mean(axis=-1, dtype=np.float64) * coverage, lattice)
        covered = weight / facet.tile**2
        wanted = facet.own & (covered >= self.min_coverage)
        layers = len(self.reference)
        rows = np.full((*facet.own.shape, layers + 2 + (self.anchors is not None)), np.nan)
        if wanted.any():
            source = PlaneSource(picture.rgb, picture.coverage, halo, halo, height, width)
            if self.anchors is None:
                rows[..., :layers] = self._cosines(source, lattice, self.reference)
            else:
                both = self._cosines(source, lattice, self.anchors.with_reference(self.reference))
                rows[..., :layers] = both[..., 0, :]
                rows[..., layers] = self.anchors.hubness(both[..., 1:, :], *facet.centers())
            rows[..., -2] = light / np.where(weight > 0, weight, np.nan)
            rows[..., -1] = covered
            rows[~wanted] = np.nan
        return np.asarray(rows[facet.own])

    def scores(self, facet: Facet, references: Mapping[str, Numbers]) -> Numbers:
        """Score of each own tile by several references, none of which is what the map asked for.

        Parameters
        ----------
        facet : Facet
        references : Mapping of str to array (references, n)
            Signatures of each layer.

        Returns
        -------
        float64 array (tiles, references)
            NaN where too little is covered.
        """
        halo = self.meter.halo
        picture = facet.picture(self.sky, halo)
        height, width = facet.shape
        lattice = Lattice(height, width, facet.tile, facet.spacing)
        own = slice(halo, halo + height), slice(halo, halo + width)
        covered = tile_sums(picture.coverage[own].astype(np.float64), lattice) / facet.tile**2
        wanted = facet.own & (covered >= self.min_coverage)
        if not wanted.any():
            return np.full((int(facet.own.sum()), len(next(iter(references.values())))), np.nan)
        source = PlaneSource(picture.rgb, picture.coverage, halo, halo, height, width)
        cosines = self._cosines(source, lattice, references)
        score = combine(cosines, self.meter.recipe.combine)
        score[~wanted] = np.nan
        return np.asarray(score[facet.own])

    def _cosines(self, source: PlaneSource, lattice: Lattice, reference: Mapping[str, Numbers]) -> Numbers:
        return self.meter.shared.cosines(source, lattice, reference, self.meter.standard)


def read_facets(
    reader: FacetReader, facets: Sequence[Facet], store: WorkStore, workers: int
) -> Iterator[Numbers]:
    """Yield the rows of each facet in order; those that an interrupted run finished come from the store."""

    def rows(numbered: tuple[int, Facet]) -> Numbers:
        number, facet = numbered
        kept = store.get(f"facet-{number}")
        if kept is not None and kept.shape[0] == facet.own.sum():
            return kept
        made = reader.rows(facet)
        store.put(f"facet-{number}", made)
        return made

    yield from ordered_map(rows, enumerate(facets), workers)


def cut_in_context(sky: ColouredSky, footprint: Footprint, pixels: int, halo: int) -> Picture:
    """Return the picture of a facet that holds this one tile, north up, with `halo` pixels around it."""
    pixel = 4 * math.tan(math.radians(footprint.width_deg / 4)) / pixels
    alone = np.ones((1, 1), dtype=bool)
    facet = Facet(footprint.lon_deg, footprint.lat_deg, pixel, pixels, pixels, 0.0, 0.0, alone, 0.0)
    return facet.picture(sky, halo)


def keep_standard(store: WorkStore, standard: Standardisation) -> None:
    """Keep the standard of a survey for the next run of the same job."""
    for layer, mean in standard.mean.items():
        store.put(f"standard-{layer}", np.stack([mean, standard.spread[layer]]))
    store.put("standard-tiles", np.array(standard.tiles))


def kept_standard(store: WorkStore, layers: Sequence[str]) -> Standardisation | None:
    """Return the standard that an interrupted run measured, if it came so far."""
    parts = {layer: store.get(f"standard-{layer}") for layer in layers}
    tiles = store.get("standard-tiles")
    found = {layer: part for layer, part in parts.items() if part is not None}
    if tiles is None or len(found) < len(parts):
        return None
    mean = Signature({layer: part[0] for layer, part in found.items()})
    spread = Signature({layer: part[1] for layer, part in found.items()})
    return Standardisation(mean, spread, int(tiles))

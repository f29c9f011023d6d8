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
from skykin.jobs.anchors import Anchors
from skykin.scale.local import ordered_map
from skykin.scale.store import WorkStore
from skykin.style.engine.cells import Lattice, tile_sums
from skykin.style.engine.meter import ContextMeter
from skykin.style.engine.stream import PlaneSource
from skykin.style.signature import Signature, Standardisation
from skykin.style.sought import Sought
from skykin.tiling.facets import Facet


@dataclass(frozen=True, eq=False)
class FacetReader:
    """Reads all tiles of a facet at once.

    Parameters
    ----------
    sky : ColouredSky
    meter : ContextMeter
    sought : Sought
    min_coverage : float
        Tiles with a smaller share of observed pixels have no row.
    anchors : Anchors, optional
        Whose likeness tells how much of a hub a tile is.
    """

    sky: ColouredSky
    meter: ContextMeter
    sought: Sought
    min_coverage: float
    anchors: Anchors | None = None

    @property
    def columns(self) -> int:
        """How many numbers a tile has."""
        return len(self.meter.recipe.layers) + 4 + (self.anchors is not None)

    def rows(self, facet: Facet) -> Numbers:
        """Numbers of each own tile; NaN where too little is covered.

        Returns
        -------
        float64 array (tiles, layers + 4)
            Cosines of the layers, score, number of the nearest reference, brightness, coverage.  With anchors
            one more, the hubness, after the nearest reference.
        """
        picture, source, lattice = self._looked(facet)
        coverage = picture.coverage.astype(np.float64)
        weight = tile_sums(coverage, lattice)
        light = tile_sums(picture.rgb.mean(axis=-1, dtype=np.float64) * coverage, lattice)
        covered = weight / facet.tile**2
        wanted = facet.own & (covered >= self.min_coverage)
        layers = len(self.meter.recipe.layers)
        rows = np.full((*facet.own.shape, self.columns), np.nan)
        if wanted.any():
            if self.anchors is None:
                own_cosines = self._cosines(source, lattice, self.sought.vectors)
            else:
                both = self._cosines(source, lattice, self.anchors.below(self.sought.vectors))
                anchors = len(self.anchors.signatures)
                own_cosines = both[..., :-anchors, :] if self.sought.several_rows else both[..., 0, :]
                rows[..., layers + 2] = self.anchors.hubness(both[..., -anchors:, :], *facet.centers())
            found = self.sought.likeness(own_cosines)
            rows[..., :layers], rows[..., layers], rows[..., layers + 1] = (
                found.cosines, found.score, found.nearest,
            )  # fmt: skip
            rows[..., -2] = light / np.where(weight > 0, weight, np.nan)
            rows[..., -1] = covered
            rows[~wanted] = np.nan
        return np.asarray(rows[facet.own])

    def scores(self, facet: Facet, asked: Sequence[Sought]) -> Numbers:
        """Score of each own tile by each of several things to look for, none of them the reader's own.

        Returns
        -------
        float64 array (tiles, asked)
            NaN where too little is covered.
        """
        picture, source, lattice = self._looked(facet)
        covered = tile_sums(picture.coverage.astype(np.float64), lattice) / facet.tile**2
        wanted = facet.own & (covered >= self.min_coverage)
        score = np.full((*facet.own.shape, len(asked)), np.nan)
        if wanted.any():
            stacked = {
                layer: np.concatenate([np.atleast_2d(each.vectors[layer]) for each in asked])
                for layer in self.meter.recipe.layers
            }
            cosines = self._cosines(source, lattice, stacked)
            first = 0
            for i, each in enumerate(asked):
                number = len(each.signatures) if each.several_rows else 1
                own = cosines[..., first : first + number, :]
                score[..., i] = each.likeness(own if each.several_rows else own[..., 0, :]).score
                first += number
            score[~wanted] = np.nan
        return np.asarray(score[facet.own])

    def _looked(self, facet: Facet) -> tuple[Picture, PlaneSource, Lattice]:
        """Return the picture of a facet, the same with its context, and the lattice of its tiles."""
        halo = self.meter.halo
        picture = facet.picture(self.sky, halo)
        height, width = facet.shape
        own = slice(halo, halo + height), slice(halo, halo + width)
        source = PlaneSource(picture.rgb, picture.coverage, halo, halo, height, width)
        lattice = Lattice(height, width, facet.tile, facet.spacing)
        return Picture(picture.rgb[own], picture.coverage[own]), source, lattice

    def _cosines(self, source: PlaneSource, lattice: Lattice, reference: Mapping[str, Numbers]) -> Numbers:
        return self.meter.shared.cosines(source, lattice, reference, self.meter.standard)


def read_facets(
    reader: FacetReader, facets: Sequence[Facet], store: WorkStore, workers: int
) -> Iterator[Numbers]:
    """Yield the rows of each facet in order; those that an interrupted run finished come from the store."""

    def rows(numbered: tuple[int, Facet]) -> Numbers:
        number, facet = numbered
        kept = store.get(f"facet-{number}")
        if kept is not None and kept.shape == (facet.own.sum(), reader.columns):
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

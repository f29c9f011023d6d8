"""Anchors: tiles spread over a map that tell which others are like everything."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from astropy.table import QTable

from skykin.core.errors import SkyError
from skykin.core.footprint import Footprint
from skykin.core.shapes import Degrees, Numbers
from skykin.significance.local_scaling import hubness
from skykin.style.recipe import Combine
from skykin.style.signature import Signature
from skykin.style.similar import combine, layer_cosines
from skykin.style.sought import Sought

#: Tiles that serve as anchors.
ANCHORS = 64


@dataclass(frozen=True, eq=False)
class Anchors:
    """Styles of tiles that are spread evenly over a map.

    Parameters
    ----------
    signatures : tuple of Signature
    footprints : tuple of Footprint
    combine : {"max", "mean"}
        How the recipe makes one score of the cosines of the layers.
    """

    signatures: tuple[Signature, ...]
    footprints: tuple[Footprint, ...]
    combine: Combine

    def below(self, vectors: Mapping[str, Numbers]) -> dict[str, Numbers]:
        """Stack vectors (n,) or (references, n), and the anchors below them, layer by layer."""
        return {
            layer: np.stack([*np.atleast_2d(rows), *(anchor[layer] for anchor in self.signatures)])
            for layer, rows in vectors.items()
        }

    def hubness(self, cosines: Numbers, lon_deg: Degrees, lat_deg: Degrees) -> Numbers:
        """Tell how much tiles are like the anchors that share no sky with them.

        Parameters
        ----------
        cosines : array (..., anchors, layers)
        lon_deg, lat_deg : array (...)
            Centres of the tiles, degrees.

        Returns
        -------
        float64 array (...)
        """
        scores = combine(cosines, self.combine)
        return hubness(np.where(self._apart(np.asarray(lon_deg), np.asarray(lat_deg)), scores, np.nan))

    def hubness_of(self, signature: Signature, footprint: Footprint) -> float:
        """Tell how much one tile is like the anchors."""
        cosines = np.array([list(layer_cosines(signature, anchor).values()) for anchor in self.signatures])
        return float(self.hubness(cosines, np.array(footprint.lon_deg), np.array(footprint.lat_deg)))

    def _apart(self, lon_deg: Degrees, lat_deg: Degrees) -> np.ndarray:
        lon, lat = np.radians(lon_deg)[..., None], np.radians(lat_deg)[..., None]
        lon0, lat0 = (
            np.radians([getattr(each, name) for each in self.footprints]) for name in ("lon_deg", "lat_deg")
        )
        cosine = np.sin(lat) * np.sin(lat0) + np.cos(lat) * np.cos(lat0) * np.cos(lon - lon0)
        reach_deg = max(math.hypot(each.width_deg, each.height_deg) for each in self.footprints)
        return np.asarray(cosine < math.cos(math.radians(min(reach_deg, 180.0))))


def hubness_of_references(
    anchors: Anchors, sought: Sought, references: Sequence[Footprint], tiles: QTable
) -> float | Numbers:
    """Tell how much the reference that counts is like the anchors; tile by tile if only the nearest does."""
    each = np.array([
        hubness_of_reference(anchors, *one) for one in zip(sought.signatures, references, strict=True)
    ])  # fmt: skip
    return np.asarray(each[tiles["nearest"]]) if sought.names_nearest else float(each.mean())


def hubness_of_reference(anchors: Anchors, style: Signature, reference: Footprint) -> float:
    """Tell how much a reference is like the anchors.

    Raises
    ------
    SkyError
        If every anchor shares sky with the reference.
    """
    found = anchors.hubness_of(style, reference)
    if math.isnan(found):
        raise SkyError(
            f"each of {len(anchors.signatures)} tiles that scores could be scaled by shares sky with the "
            "reference; choose a larger area, or leave out csls"
        )
    return found

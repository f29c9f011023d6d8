"""Anchors: tiles spread over a survey that tell which others are similar to everything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from skykin.catalogue.query import Query
from skykin.core.errors import SkyError
from skykin.core.footprint import Footprint
from skykin.core.shapes import Degrees, Numbers
from skykin.core.sphere import apart, directions, reach_deg
from skykin.significance.local_scaling import hubness
from skykin.style.signature import LayerVectors
from skykin.style.similarity import QueryStyle, over_views

#: Tiles that serve as anchors.
ANCHORS = 64


@dataclass(frozen=True, eq=False)
class Anchors:
    """Styles of tiles that are spread evenly over a survey.

    Parameters
    ----------
    styles : tuple of LayerVectors
    lon_deg, lat_deg : array (anchors,)
        Galactic positions of their centres, degrees.
    tile_deg : float
        Side of a tile.
    """

    styles: tuple[LayerVectors, ...]
    lon_deg: Degrees
    lat_deg: Degrees
    tile_deg: float

    @classmethod
    def of(cls, styles: Sequence[LayerVectors], footprints: Sequence[Footprint], tile_deg: float) -> Anchors:
        """Make them of tiles."""
        lon, lat = (np.array([getattr(each, name) for each in footprints]) for name in ("lon_deg", "lat_deg"))
        return cls(tuple(styles), lon, lat, tile_deg)

    @property
    def centres(self) -> Numbers:
        """Unit vectors (anchors, 3) towards them."""
        return directions(self.lon_deg, self.lat_deg)

    def below(self, vectors: Mapping[str, Numbers]) -> dict[str, Numbers]:
        """Stack vectors (styles, n) and the anchors below them, layer by layer."""
        return {
            layer: np.stack([*rows, *(style[layer] for style in self.styles)])
            for layer, rows in vectors.items()
        }

    def hubness(self, scores: Numbers, lon_deg: Degrees, lat_deg: Degrees) -> Numbers:
        """Tell how similar tiles are to the anchors that do not overlap them.

        Parameters
        ----------
        scores : array (..., anchors)
        lon_deg, lat_deg : array (...)
            Centres of the tiles, degrees.

        Returns
        -------
        float64 array (...)
        """
        centres = directions(np.asarray(lon_deg), np.asarray(lat_deg))
        return hubness(np.where(apart(centres, self.centres, reach_deg(self.tile_deg)), scores, np.nan))

    def hubness_of(self, query: QueryStyle[Any], style: LayerVectors, footprint: Footprint) -> float:
        """Tell how similar one tile is to the anchors."""
        scores = self.scores_of(query, style)
        return float(self.hubness(scores, np.array(footprint.lon_deg), np.array(footprint.lat_deg)))

    def scores_of(self, query: QueryStyle[Any], style: LayerVectors) -> Numbers:
        """Scores (anchors,) of a style with the anchors."""
        return query.joined(np.array([style.cosines(each) for each in self.styles]))


def reference_hubness(anchors: Anchors, query: Query, style: QueryStyle[Any], nearest: Numbers) -> Numbers:
    """Tell how similar the reference of each tile is to the anchors that do not overlap it.

    Parameters
    ----------
    anchors : Anchors
    query : Query
    style : QueryStyle
        Its style.
    nearest : int array (tiles,)
        Number of the reference that each tile is most similar to.

    Returns
    -------
    float64 array (tiles,)
        Of the nearest reference; of several that are combined by their mean, the mean.

    Raises
    ------
    SkyError
        If every anchor overlaps a reference.
    """
    own = []
    for example, views in zip(query.references, style.groups[0], strict=True):
        overlapped = example.overlapped(anchors.centres, anchors.lon_deg, anchors.lat_deg, anchors.tile_deg)
        each = np.stack([anchors.scores_of(style, like) for like in style.likes[views]], axis=-1)
        scores = np.where(overlapped, np.nan, over_views(each, style.over))
        own.append(float(hubness(scores)))
        if np.isnan(own[-1]):
            raise SkyError(
                f"each of {len(anchors.styles)} tiles that scores could be scaled by overlaps the reference "
                f"{example.name}; choose a larger area or a smaller reference, or leave out csls"
            )
    if style.names_nearest:
        return np.asarray(np.array(own)[nearest])
    return np.full(len(nearest), np.mean(own))

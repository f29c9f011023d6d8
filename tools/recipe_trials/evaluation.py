"""What a score finds of the shipped lists: the numbers of one row of the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

import skykin
from recipe_trials.discs import Brightness
from skykin.core.extent import Extent
from skykin.core.shapes import Degrees, Numbers
from skykin.evaluation.measures import (
    Blocks,
    Measurement,
    auc_between,
    auc_lat,
    rank_correlation_in_rows,
    recalls,
    wins,
)
from skykin.evaluation.rotated import EXCLUDE_DEG, OFF_PLANE, PLANE, RotatedObjects
from skykin.evaluation.tile_centres import TileCentres

#: Steps of 3°.
ROTATIONS = 119
SMALLEST_DEG = 0.5
BRIGHTNESS_RADIUS_DEG = 2.5
MEASURES = (
    "auc_lat",
    "auc_lat_off_plane",
    "auc_lat_plane",
    "auc_contaminants",
    "brightness_correlation",
    "recall_10",
)


@dataclass(frozen=True, eq=False)
class ListEvaluation:
    """Objects and contaminants on the positions, away from every reference.

    Parameters
    ----------
    objects : RotatedObjects
        Star-forming Sharpless regions of at least 0.5°.
    contaminants : RotatedObjects
    brightness : Brightness
    """

    objects: RotatedObjects
    contaminants: RotatedObjects
    brightness: Brightness

    @classmethod
    def away_from(cls, references: Sequence[tuple[float, float]], brightness: Brightness) -> ListEvaluation:
        """Place the shipped lists."""
        regions = skykin.object_list("sharpless")
        large = np.ma.filled(regions["diameter_deg"].value, 0) >= SMALLEST_DEG
        regions = regions[np.asarray(regions["star_forming"]) & large]
        return cls(
            *(
                placed(brightness, table["lon_deg"].value, table["lat_deg"].value, references)
                for table in (regions, skykin.object_list("contaminants"))
            ),
            brightness,
        )

    @property
    def places(self) -> TileCentres:
        """The positions."""
        return self.brightness.discs.places

    def row(self, score: Numbers) -> tuple[float, ...]:
        """Measure what `MEASURES` names."""
        follows = rank_correlation_in_rows(
            self.places, score, self.brightness.mean(BRIGHTNESS_RADIUS_DEG), self.objects.sky
        )
        return (
            *(auc_lat(each, score).value for each in self._zones()),
            auc_between(self.objects, self.contaminants, score).value,
            follows.value,
            recalls(self.objects, self.places, score, (0.1,))[0].value,
        )

    def per_object(self, score: Numbers) -> tuple[Numbers, Numbers]:
        """Share of all rotated positions, and of the contaminants, that score less than each object."""
        values = self.objects.values(score)
        rotated = values[:, 1:][np.isfinite(values[:, 1:])]
        others = self.contaminants.values(score)[:, 0]
        return tuple(wins(values[:, 0], each[None])[:, 0] / each.size for each in (rotated, others))

    def measurement(self, shares: Numbers, chosen: np.ndarray) -> Measurement:
        """Mean over the chosen objects, with draws of blocks of 30° of longitude."""
        blocks = Blocks(self.objects.lon_deg[chosen])
        draws = blocks.sums(shares[chosen]) / blocks.sums(np.ones(chosen.sum()))
        return Measurement(float(shares[chosen].mean()), int(chosen.sum()), blocks.number, draws)

    def _zones(self) -> tuple[RotatedObjects, ...]:
        return self.objects, self.objects.within(OFF_PLANE), self.objects.within(PLANE)


def placed(
    brightness: Brightness, lon_deg: Degrees, lat_deg: Degrees, references: Sequence[tuple[float, float]]
) -> RotatedObjects:
    """Put objects on the positions, without what is near any of the references or has no data."""
    places = brightness.discs.places
    rotated = RotatedObjects.on(places, lon_deg, lat_deg, rotations=ROTATIONS)
    lon = (rotated.lon_deg[:, None] + np.arange(ROTATIONS + 1) * 360 / (ROTATIONS + 1)) % 360
    lat = np.broadcast_to(rotated.lat_deg[:, None], lon.shape)
    tile, sky = rotated.tile, rotated.sky
    for about in (Extent(*each, EXCLUDE_DEG) for each in references):
        tile = np.where(about.contains(lon, lat), -1, tile)
        sky = sky & ~about.contains(places.lon_deg, places.lat_deg)
    away = RotatedObjects(rotated.lon_deg, rotated.lat_deg, rotated.rows, tile, sky).keep(tile[:, 0] >= 0)
    return away.scored(brightness.known(np.zeros(len(places))))

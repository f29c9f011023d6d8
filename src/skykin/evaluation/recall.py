"""The share of a list of objects within the best part of the sky, beside the same for turned objects."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from skykin.core.shapes import Numbers
from skykin.evaluation.measurement import Blocks, Measurement
from skykin.evaluation.ranking import sky_share, within
from skykin.evaluation.tile_centres import TileCentres
from skykin.evaluation.turned import TurnedObjects
from skykin.evaluation.zone import ALL_SKY, Zone


def recalls(
    objects: TurnedObjects,
    tiles: TileCentres,
    score: Numbers,
    sky_fractions: Sequence[float] | Numbers,
    zone: Zone = ALL_SKY,
    *,
    seed: int = 0,
) -> list[Measurement]:
    """Share of the objects whose tile is among the best of the sky, for each fraction of the sky.

    The sky is that of the zone, scored and not near the reference.  The null is the same for the objects
    turned.  The lift is the recall divided by the fraction.

    Parameters
    ----------
    objects : TurnedObjects
        Those of the zone.
    tiles : TileCentres
    score : array (tiles,)
        Larger is better; NaN is no score.
    sky_fractions : sequence of float
        0 to 1.
    zone : Zone
    """
    fractions = np.asarray(sky_fractions, dtype=np.float64)
    if not len(objects):
        return [Measurement(math.nan, 0, 0, np.empty(0)) for _ in fractions]
    share = objects.values(_share_of_zone(objects, tiles, score, zone))
    blocks = Blocks(objects.lon_deg, seed)
    number = blocks.sums(np.ones(len(objects)))
    turned = np.isfinite(share[:, 1:]).sum(axis=0)
    found = within(share[:, 0], fractions)
    measured = []
    for fraction, inside in zip(fractions, found, strict=True):
        again = within(share[:, 1:].ravel(), [fraction]).reshape(share[:, 1:].shape).sum(axis=0)
        null = np.divide(again, turned, out=np.full(len(turned), np.nan), where=turned > 0)
        draws = blocks.sums(inside.astype(float)) / number
        measured.append(Measurement(float(inside.mean()), len(objects), blocks.number, draws, null))
    return measured


def _share_of_zone(objects: TurnedObjects, tiles: TileCentres, score: Numbers, zone: Zone) -> Numbers:
    """Share of the zone's sky that scores at least as high as each tile; NaN for tiles without a score."""
    score = np.asarray(score, dtype=np.float64)
    known = np.isfinite(score)
    counted = known & objects.sky & zone.contains(tiles.lat_deg)
    if not counted.any():
        return np.full(score.shape, np.nan)
    return np.where(known, sky_share(score, np.where(counted, tiles.area, 0.0)), np.nan)
